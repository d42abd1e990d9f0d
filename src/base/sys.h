/* SPDX-License-Identifier: MIT */

/*
 * System calls by the platform table, each a fault point that fails with the error the call most
 * plausibly has.  Same meaning as the table's entries: >= 0 or -errno.
 */
#ifndef WF_SYS_H
#define WF_SYS_H

#include <weft/sys/fault.h>
#include <weft/sys/platform.h>

static inline int wf_sys_socket(int domain, int type, int protocol)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "socket"))
        return -EMFILE;
    return weft_platform_get()->socket(domain, type, protocol);
}

static inline int wf_sys_socketpair(int domain, int type, int protocol, int out_fds[2])
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "socketpair"))
        return -EMFILE;
    return weft_platform_get()->socketpair(domain, type, protocol, out_fds);
}

static inline int wf_sys_bind(int fd, const struct sockaddr *addr, socklen_t addr_bytes)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "bind"))
        return -EADDRINUSE;
    return weft_platform_get()->bind(fd, addr, addr_bytes);
}

static inline int wf_sys_listen(int fd, int backlog)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "listen"))
        return -EADDRINUSE;
    return weft_platform_get()->listen(fd, backlog);
}

static inline int wf_sys_getsockname(int fd, struct sockaddr *out, socklen_t *addr_bytes)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "getsockname"))
        return -ENOBUFS;
    return weft_platform_get()->getsockname(fd, out, addr_bytes);
}

static inline int wf_sys_getpeername(int fd, struct sockaddr *out, socklen_t *addr_bytes)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "getpeername"))
        return -ENOTCONN;
    return weft_platform_get()->getpeername(fd, out, addr_bytes);
}

static inline int wf_sys_setsockopt(int fd, int level, int name, const void *value, socklen_t bytes)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "setsockopt"))
        return -ENOMEM;
    return weft_platform_get()->setsockopt(fd, level, name, value, bytes);
}

static inline int wf_sys_getsockopt(int fd, int level, int name, void *out, socklen_t *bytes)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "getsockopt"))
        return -ENOMEM;
    return weft_platform_get()->getsockopt(fd, level, name, out, bytes);
}

static inline int wf_sys_shutdown(int fd, int how)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "shutdown"))
        return -ENOTCONN;
    return weft_platform_get()->shutdown(fd, how);
}

static inline int wf_sys_pipe(int out_fds[2])
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "pipe"))
        return -EMFILE;
    return weft_platform_get()->pipe(out_fds);
}

static inline ssize_t wf_sys_read(int fd, void *buf, size_t bytes)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "read"))
        return -EIO;
    return weft_platform_get()->read(fd, buf, bytes);
}

static inline ssize_t wf_sys_write(int fd, const void *buf, size_t bytes)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "write"))
        return -EIO;
    return weft_platform_get()->write(fd, buf, bytes);
}

static inline ssize_t wf_sys_recv(int fd, void *buf, size_t bytes, int flags)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "recv"))
        return -ECONNRESET;
    return weft_platform_get()->recv(fd, buf, bytes, flags);
}

static inline ssize_t wf_sys_send(int fd, const void *buf, size_t bytes, int flags)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "send"))
        return -ECONNRESET;
    return weft_platform_get()->send(fd, buf, bytes, flags);
}

static inline int wf_sys_send_many(int fd, struct mmsghdr *messages, unsigned count)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "sendmmsg"))
        return -ENOBUFS;
    return weft_platform_get()->send_many(fd, messages, count);
}

static inline int wf_sys_recv_many(int fd, struct mmsghdr *messages, unsigned count)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "recvmmsg"))
        return -ENOMEM;
    return weft_platform_get()->recv_many(fd, messages, count);
}

static inline ssize_t wf_sys_send_fds(int fd, const void *buf, size_t bytes, const int *fds,
                                      size_t count)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "send_fds"))
        return -ETOOMANYREFS;
    return weft_platform_get()->send_fds(fd, buf, bytes, fds, count);
}

static inline ssize_t wf_sys_recv_fds(int fd, void *buf, size_t bytes, int *fds, size_t *count)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "recv_fds"))
        return -EMFILE;
    return weft_platform_get()->recv_fds(fd, buf, bytes, fds, count);
}

static inline int wf_sys_unacked(int fd)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "unacked"))
        return -EINVAL;
    return weft_platform_get()->unacked(fd);
}

/* -ENODATA also where the platform has no such call. */
static inline ssize_t wf_sys_send_file(int fd, int file, int64_t offset, size_t bytes)
{
    const weft_platform *platform = weft_platform_get();
    if (platform->send_file == NULL)
        return -ENODATA;
    if (WEFT_FAULT(WEFT_FAULT_CALL, "send_file"))
        return -ECONNRESET;
    return platform->send_file(fd, file, offset, bytes);
}

static inline int wf_sys_accept(int fd, struct sockaddr *out, socklen_t *addr_bytes)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "accept"))
        return -EMFILE;
    return weft_platform_get()->accept(fd, out, addr_bytes);
}

static inline int wf_sys_connect(int fd, const struct sockaddr *addr, socklen_t addr_bytes)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "connect"))
        return -ECONNREFUSED;
    return weft_platform_get()->connect(fd, addr, addr_bytes);
}

static inline int wf_sys_open(const char *path, int flags, int mode)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "open"))
        return -EMFILE;
    return weft_platform_get()->open(path, flags, mode);
}

static inline int wf_sys_fstat(int fd, struct stat *out)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "fstat"))
        return -EIO;
    return weft_platform_get()->fstat(fd, out);
}

static inline ssize_t wf_sys_pread(int fd, void *buf, size_t bytes, int64_t offset)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "pread"))
        return -EIO;
    return weft_platform_get()->pread(fd, buf, bytes, offset);
}

static inline int wf_sys_rename(const char *from, const char *to)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "rename"))
        return -EIO;
    return weft_platform_get()->rename(from, to);
}

static inline int wf_sys_unlink(const char *path)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "unlink"))
        return -EIO;
    return weft_platform_get()->unlink(path, 0);
}

static inline int wf_sys_set_access(const char *path, int mode, uid_t owner, gid_t group)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "set_access"))
        return -EPERM;
    return weft_platform_get()->set_access(path, mode, owner, group);
}

/* Not a fault point: there is nothing to do about it. */
static inline void wf_sys_set_blocking(int fd, bool blocks)
{
    (void)weft_platform_get()->set_blocking(fd, blocks);
}

static inline int wf_sys_watch_open(void)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "watch_open"))
        return -EMFILE;
    return weft_platform_get()->watch_open();
}

static inline int wf_sys_thread_start(weft_thread *out, void (*fn)(void *arg), void *arg,
                                      size_t stack_bytes)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "thread_start"))
        return -EAGAIN;
    return weft_platform_get()->thread_start(out, fn, arg, stack_bytes);
}

static inline int wf_sys_random(void *out, size_t bytes)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "random"))
        return -EIO;
    return weft_platform_get()->random(out, bytes);
}

/* Ignores -1.  Not a fault point: the number is released whatever close says. */
static inline int wf_sys_close(int fd)
{
    return fd < 0 ? 0 : weft_platform_get()->close(fd);
}

static inline void wf_sys_thread_join(weft_thread thread)
{
    weft_platform_get()->thread_join(thread);
}

static inline void wf_sys_thread_yield(void)
{
    weft_platform_get()->thread_yield();
}

static inline weft_time wf_sys_now(void)
{
    return weft_platform_get()->now();
}

static inline weft_time wf_sys_wall(void)
{
    return weft_platform_get()->wall();
}

static inline int wf_sys_fd_limit(void)
{
    return weft_platform_get()->fd_limit();
}

static inline int wf_sys_cpu_count(void)
{
    return weft_platform_get()->cpu_count();
}

#endif
