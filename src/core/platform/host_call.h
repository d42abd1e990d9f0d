/* SPDX-License-Identifier: MIT */

/*
 * The system calls that libweft-interpose takes over for foreign code, as we make them ourselves:
 * straight to the kernel, so that they are never taken over.  As in libc, -1 and errno.  Sanitizers
 * want to see them; there libc's are called, and the interposer knows its way.
 */
#ifndef WF_HOST_CALL_H
#define WF_HOST_CALL_H

#include "base/checkers.h"

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if WF_HAS_ASAN || WF_HAS_TSAN
#define HOST_CALL(type, libc_call, ...) return libc_call
#else
#define HOST_CALL(type, libc_call, ...) return (type)syscall(__VA_ARGS__)
#endif

static inline ssize_t wf_host_read(int fd, void *buf, size_t bytes)
{
    HOST_CALL(ssize_t, read(fd, buf, bytes), SYS_read, fd, buf, bytes);
}

static inline ssize_t wf_host_write(int fd, const void *buf, size_t bytes)
{
    HOST_CALL(ssize_t, write(fd, buf, bytes), SYS_write, fd, buf, bytes);
}

static inline ssize_t wf_host_recv(int fd, void *buf, size_t bytes, int flags)
{
    HOST_CALL(ssize_t, recv(fd, buf, bytes, flags), SYS_recvfrom, fd, buf, bytes, flags, NULL,
              NULL);
}

static inline ssize_t wf_host_send(int fd, const void *buf, size_t bytes, int flags)
{
    HOST_CALL(ssize_t, send(fd, buf, bytes, flags), SYS_sendto, fd, buf, bytes, flags, NULL, 0);
}

static inline int wf_host_accept(int fd, struct sockaddr *out, socklen_t *addr_bytes, int flags)
{
    HOST_CALL(int, accept4(fd, out, addr_bytes, flags), SYS_accept4, fd, out, addr_bytes, flags);
}

static inline int wf_host_connect(int fd, const struct sockaddr *addr, socklen_t addr_bytes)
{
    HOST_CALL(int, connect(fd, addr, addr_bytes), SYS_connect, fd, addr, addr_bytes);
}

static inline int wf_host_close(int fd)
{
    HOST_CALL(int, close(fd), SYS_close, fd);
}

#undef HOST_CALL

#endif
