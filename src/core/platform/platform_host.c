/* SPDX-License-Identifier: MIT */

/* The host's platform table: with platform_process.c the files that call the system directly. */

#include "core/platform/beneath.h"
#include "core/platform/host_call.h"
#include "core/platform/platform_process.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/sockios.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* Repeats `call` while a signal interrupts it; gives its value or -errno. */
#define HOST_RETRY(type, call)                                                                     \
    do {                                                                                           \
        type host_rc_;                                                                             \
        do                                                                                         \
            host_rc_ = (call);                                                                     \
        while (host_rc_ < 0 && errno == EINTR);                                                    \
        return host_rc_ < 0 ? (type)-errno : host_rc_;                                             \
    } while (0)

static void *host_alloc(size_t bytes)
{
    return calloc(1, bytes);
}

static void *host_realloc(void *ptr, size_t bytes)
{
    return realloc(ptr, bytes);
}

static void host_free(void *ptr)
{
    free(ptr);
}

static weft_time clock_ns(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return ts.tv_sec * WEFT_SEC + ts.tv_nsec;
}

static weft_time host_now(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

static weft_time host_wall(void)
{
    return clock_ns(CLOCK_REALTIME);
}

static int host_random(void *out, size_t bytes)
{
    for (size_t at = 0; at < bytes;) {
        ssize_t got = getrandom((char *)out + at, bytes - at, 0);
        if (got < 0 && errno != EINTR)
            return -errno;
        at += got > 0 ? (size_t)got : 0;
    }
    return 0;
}

static int host_socket(int domain, int type, int protocol)
{
    HOST_RETRY(int, socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
}

static int host_socketpair(int domain, int type, int protocol, int out_fds[2])
{
    HOST_RETRY(int, socketpair(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol, out_fds));
}

static int host_bind(int fd, const struct sockaddr *addr, socklen_t addr_bytes)
{
    HOST_RETRY(int, bind(fd, addr, addr_bytes));
}

static int host_listen(int fd, int backlog)
{
    HOST_RETRY(int, listen(fd, backlog));
}

static int host_getsockname(int fd, struct sockaddr *out, socklen_t *addr_bytes)
{
    HOST_RETRY(int, getsockname(fd, out, addr_bytes));
}

static int host_getpeername(int fd, struct sockaddr *out, socklen_t *addr_bytes)
{
    HOST_RETRY(int, getpeername(fd, out, addr_bytes));
}

static int host_setsockopt(int fd, int level, int name, const void *value, socklen_t bytes)
{
    HOST_RETRY(int, setsockopt(fd, level, name, value, bytes));
}

static int host_getsockopt(int fd, int level, int name, void *out, socklen_t *bytes)
{
    HOST_RETRY(int, getsockopt(fd, level, name, out, bytes));
}

static int host_shutdown(int fd, int how)
{
    HOST_RETRY(int, shutdown(fd, how));
}

/* Linux releases the number even when close says EINTR: never repeat it. */
static int host_close(int fd)
{
    return wf_host_close(fd) < 0 && errno != EINTR ? -errno : 0;
}

static int host_pipe(int out_fds[2])
{
    HOST_RETRY(int, pipe2(out_fds, O_CLOEXEC | O_NONBLOCK));
}

static ssize_t host_read(int fd, void *buf, size_t bytes)
{
    HOST_RETRY(ssize_t, wf_host_read(fd, buf, bytes));
}

static ssize_t host_write(int fd, const void *buf, size_t bytes)
{
    HOST_RETRY(ssize_t, wf_host_write(fd, buf, bytes));
}

static ssize_t host_recv(int fd, void *buf, size_t bytes, int flags)
{
    HOST_RETRY(ssize_t, wf_host_recv(fd, buf, bytes, flags | MSG_DONTWAIT));
}

static ssize_t host_send(int fd, const void *buf, size_t bytes, int flags)
{
    HOST_RETRY(ssize_t, wf_host_send(fd, buf, bytes, flags | MSG_DONTWAIT | MSG_NOSIGNAL));
}

static int host_send_many(int fd, struct mmsghdr *messages, unsigned count)
{
    HOST_RETRY(int, sendmmsg(fd, messages, count, MSG_DONTWAIT | MSG_NOSIGNAL));
}

static int host_recv_many(int fd, struct mmsghdr *messages, unsigned count)
{
    HOST_RETRY(int, recvmmsg(fd, messages, count, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL));
}

#define HOST_FDS_MAX 253 /* that one message carries: the kernel's SCM_MAX_FD */

static ssize_t host_send_fds(int fd, const void *buf, size_t bytes, const int *fds, size_t count)
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(HOST_FDS_MAX * sizeof(int))];
    } control = {0};
    struct iovec part = {.iov_base = (void *)(uintptr_t)buf, .iov_len = bytes};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > HOST_FDS_MAX)
        return -EINVAL;
    if (count != 0) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(&control.head), fds, count * sizeof(int));
    }
    HOST_RETRY(ssize_t, sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL));
}

/* Takes what `part` of a control message carries; what has no room is closed. */
static void take_fds(struct cmsghdr *part, int *fds, size_t room, size_t *came)
{
    size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; i++) {
        int fd;
        memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
        if (*came < room)
            fds[*came] = fd;
        else
            wf_host_close(fd);
        ++*came;
    }
}

/* There is room for all that can come, so what the kernel cut had no number. */
static ssize_t host_recv_fds(int fd, void *buf, size_t bytes, int *fds, size_t *count)
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(HOST_FDS_MAX * sizeof(int))];
    } control;
    struct iovec part = {.iov_base = buf, .iov_len = bytes};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    size_t came = 0;
    ssize_t got;
    do
        got = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return -errno;
    for (struct cmsghdr *at = CMSG_FIRSTHDR(&message); at != NULL; at = CMSG_NXTHDR(&message, at))
        if (at->cmsg_level == SOL_SOCKET && at->cmsg_type == SCM_RIGHTS)
            take_fds(at, fds, *count, &came);
    bool is_cut = (message.msg_flags & MSG_CTRUNC) != 0;
    if (is_cut || came > *count) {
        for (size_t i = 0; i < came && i < *count; i++)
            wf_host_close(fds[i]);
        return is_cut ? -EMFILE : -EMSGSIZE;
    }
    *count = came;
    return got;
}

/* The byte is in the page cache.  Nothing may be the end, or, on some kernels, nothing in the
 * cache; or this kind of file cannot tell. */
static bool host_is_cached(int file, int64_t offset)
{
    char byte;
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    return preadv2(file, &part, 1, offset, RWF_NOWAIT) == 1;
}

/* What lies between two cached bytes is as good as cached: the kernel reads ahead and forgets in
 * long runs. */
static ssize_t host_send_file(int fd, int file, int64_t offset, size_t bytes)
{
    off_t from = offset;
    if (!host_is_cached(file, offset) || !host_is_cached(file, offset + (int64_t)bytes - 1))
        return -ENODATA;
    ssize_t count;
    do
        count = sendfile(fd, file, &from, bytes);
    while (count < 0 && errno == EINTR);
    if (count >= 0)
        return count != 0 ? count : -ENODATA;
    return errno == EINVAL || errno == ENOSYS ? -ENODATA : -errno;
}

static int host_unacked(int fd)
{
    int count = 0;
    int rc = ioctl(fd, SIOCOUTQ, &count);
    return rc < 0 ? -errno : count;
}

static int host_accept(int fd, struct sockaddr *out, socklen_t *addr_bytes)
{
    HOST_RETRY(int, wf_host_accept(fd, out, addr_bytes, SOCK_CLOEXEC | SOCK_NONBLOCK));
}

static int host_connect(int fd, const struct sockaddr *addr, socklen_t addr_bytes)
{
    HOST_RETRY(int, wf_host_connect(fd, addr, addr_bytes));
}

static int host_open(const char *path, int flags, int mode)
{
    HOST_RETRY(int, open(path, flags | O_CLOEXEC, mode));
}

static int host_fstat(int fd, struct stat *out)
{
    HOST_RETRY(int, fstat(fd, out));
}

static ssize_t host_pread(int fd, void *buf, size_t bytes, int64_t offset)
{
    HOST_RETRY(ssize_t, pread(fd, buf, bytes, offset));
}

static ssize_t host_pwrite(int fd, const void *buf, size_t bytes, int64_t offset)
{
    HOST_RETRY(ssize_t, pwrite(fd, buf, bytes, offset));
}

static ssize_t host_read_cached(int fd, void *buf, size_t bytes, int64_t offset)
{
    struct iovec part = {.iov_base = buf, .iov_len = bytes};
    ssize_t count = preadv2(fd, &part, 1, offset, RWF_NOWAIT);
    /* Nothing may be the end, or, on some kernels, nothing in the cache; or this kind of file
     * cannot tell: whoever may block says. */
    return count > 0 ? count : -EAGAIN;
}

static int host_fsync(int fd)
{
    HOST_RETRY(int, fsync(fd));
}

static int host_rename(const char *from, const char *to)
{
    HOST_RETRY(int, rename(from, to));
}

static int host_unlink(const char *path, int flags)
{
    HOST_RETRY(int, unlinkat(AT_FDCWD, path, flags));
}

static int host_mkdir(const char *path, int mode)
{
    HOST_RETRY(int, mkdir(path, (mode_t)mode));
}

static int host_set_access(const char *path, int mode, uid_t owner, gid_t group)
{
    if ((owner != (uid_t)-1 || group != (gid_t)-1) && lchown(path, owner, group) < 0)
        return -errno;
    return mode >= 0 && chmod(path, (mode_t)mode) < 0 ? -errno : 0;
}

static int host_truncate(int fd, int64_t bytes)
{
    HOST_RETRY(int, ftruncate(fd, bytes));
}

static int host_statx(int fd, const char *path, int flags, struct statx *out)
{
    HOST_RETRY(int, statx(fd, path, flags, STATX_BASIC_STATS, out));
}

static ssize_t host_readdir(int fd, void *buf, size_t bytes)
{
    HOST_RETRY(ssize_t, syscall(SYS_getdents64, fd, buf, bytes));
}

static int host_set_blocking(int fd, bool blocks)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0)
        return -errno;
    flags = blocks ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
    return fcntl(fd, F_SETFL, flags) < 0 ? -errno : 0;
}

static int host_watch_open(void)
{
    HOST_RETRY(int, inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
}

static int host_watch_add(int fd, const char *path, uint32_t mask)
{
    HOST_RETRY(int, inotify_add_watch(fd, path, mask));
}

static int host_watch_remove(int fd, int id)
{
    HOST_RETRY(int, inotify_rm_watch(fd, id));
}

/* Never more than there are: counted once there is one, and not any more before it ends. */
static _Atomic int host_threads_made;

struct host_thread_start {
    void (*fn)(void *arg);
    void *arg;
};

static void *host_thread_main(void *arg)
{
    struct host_thread_start start = *(struct host_thread_start *)arg;
    free(arg);
    start.fn(start.arg);
    atomic_fetch_sub(&host_threads_made, 1);
    return NULL;
}

static int host_thread_start(weft_thread *out, void (*fn)(void *arg), void *arg, size_t stack_bytes)
{
    struct host_thread_start *start = malloc(sizeof *start);
    if (start == NULL)
        return -ENOMEM;
    *start = (struct host_thread_start){.fn = fn, .arg = arg};

    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_t attr;
    pthread_t id;
    int rc = pthread_attr_init(&attr);
    if (rc != 0)
        goto out;
    if (stack_bytes != 0)
        pthread_attr_setstacksize(&attr, stack_bytes);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rc = pthread_create(&id, &attr, host_thread_main, start);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (rc != 0)
        goto out;
    start = NULL; /* the thread frees it */
    atomic_fetch_add(&host_threads_made, 1);
    out->priv_id = (unsigned long)id;
out:
    free(start);
    return -rc;
}

static void host_thread_join(weft_thread thread)
{
    pthread_join((pthread_t)thread.priv_id, NULL);
}

static void host_thread_yield(void)
{
    sched_yield();
}

/* A directory for each thread, and two entries that every directory has (proc(5)). */
static int host_other_thread_count(void)
{
    struct stat tasks;
    if (stat("/proc/self/task", &tasks) < 0)
        return -errno;
    return (int)tasks.st_nlink - 2 - atomic_load(&host_threads_made);
}

static int host_cpu_count(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count > 0 ? count : 1;
}

static int host_fd_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == 0)
        return 1024;
    return limit.rlim_cur < INT_MAX ? (int)limit.rlim_cur : INT_MAX;
}

const weft_platform weft_platform_host = {
    .name = "host",
    .alloc = host_alloc,
    .realloc = host_realloc,
    .free = host_free,
    .now = host_now,
    .wall = host_wall,
    .random = host_random,
    .socket = host_socket,
    .socketpair = host_socketpair,
    .bind = host_bind,
    .listen = host_listen,
    .getsockname = host_getsockname,
    .getpeername = host_getpeername,
    .setsockopt = host_setsockopt,
    .getsockopt = host_getsockopt,
    .shutdown = host_shutdown,
    .close = host_close,
    .pipe = host_pipe,
    .read = host_read,
    .write = host_write,
    .recv = host_recv,
    .send = host_send,
    .send_many = host_send_many,
    .recv_many = host_recv_many,
    .send_fds = host_send_fds,
    .recv_fds = host_recv_fds,
    .send_file = host_send_file,
    .unacked = host_unacked,
    .accept = host_accept,
    .connect = host_connect,
    .open = host_open,
    .open_beneath = wf_host_open_beneath,
    .fstat = host_fstat,
    .pread = host_pread,
    .pwrite = host_pwrite,
    .read_cached = host_read_cached,
    .fsync = host_fsync,
    .rename = host_rename,
    .unlink = host_unlink,
    .mkdir = host_mkdir,
    .set_access = host_set_access,
    .truncate = host_truncate,
    .statx = host_statx,
    .readdir = host_readdir,
    .set_blocking = host_set_blocking,
    .watch_open = host_watch_open,
    .watch_add = host_watch_add,
    .watch_remove = host_watch_remove,
    .process_start = wf_host_process_start,
    .process_signal = wf_host_process_signal,
    .process_reap = wf_host_process_reap,
    .thread_start = host_thread_start,
    .thread_join = host_thread_join,
    .thread_yield = host_thread_yield,
    .other_thread_count = host_other_thread_count,
    .cpu_count = host_cpu_count,
    .fd_limit = host_fd_limit,
};
