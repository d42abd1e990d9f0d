/* SPDX-License-Identifier: MIT */

/*
 * Reading and writing.  A socket is tried with MSG_DONTWAIT, and again after each wait; what is no
 * socket is asked by poll(2) first.  A write to a descriptor that blocks is not over before all
 * bytes are, as without us.
 */

#include "interpose/next.h"
#include "interpose/socket.h"
#include "interpose/waits.h"

#include <weft/task.h>

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

/* Of the queue of errors what there is is told, or that there is none. */
#define NEVER_WAITS (MSG_DONTWAIT | MSG_ERRQUEUE)

/* A pipe that polls writable takes this much without waiting. */
#define PIPE_PART_BYTES ((size_t)PIPE_BUF)

static struct wf_attempts reads(int fd, const char *call)
{
    return (struct wf_attempts){.fd = fd, .events = POLLIN, .option = SO_RCVTIMEO, .call = call};
}

static struct wf_attempts writes(int fd, const char *call)
{
    return (struct wf_attempts){.fd = fd, .events = POLLOUT, .option = SO_SNDTIMEO, .call = call};
}

/* What a call returns that moved `done` bytes before an attempt came to `rc`. */
static ssize_t moved(size_t done, ssize_t rc)
{
    if (rc >= 0 || done != 0)
        wf_went_on();
    return rc >= 0 ? (ssize_t)done + rc : done != 0 ? (ssize_t)done : -1;
}

static bool is_stream(int fd)
{
    int type = 0;
    socklen_t bytes = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &bytes) == 0 && type == SOCK_STREAM;
}

/* ---- receiving ---- */

static ssize_t receive(const char *call, int fd, void *buf, size_t bytes, int flags,
                       struct sockaddr *addr, socklen_t *addr_bytes)
{
    struct wf_attempts attempts = reads(fd, call);
    bool wants_all = (flags & MSG_WAITALL) != 0 && (flags & MSG_PEEK) == 0 && is_stream(fd);
    for (size_t done = 0;;) {
        ssize_t got = wf_next()->recvfrom(fd, (char *)buf + done, bytes - done,
                                          flags | MSG_DONTWAIT, addr, addr_bytes);
        if (got > 0 && wants_all && done + (size_t)got < bytes)
            done += (size_t)got;
        else if (got >= 0 || !wf_attempt_again(&attempts))
            return moved(done, got);
    }
}

WEFT_API ssize_t wf_recvfrom(int fd, void *buf, size_t bytes, int flags, struct sockaddr *addr,
                             socklen_t *addr_bytes) WF_SYMBOL(recvfrom);

ssize_t wf_recvfrom(int fd, void *buf, size_t bytes, int flags, struct sockaddr *addr,
                    socklen_t *addr_bytes)
{
    if ((flags & NEVER_WAITS) != 0 || !wf_inside())
        return wf_next()->recvfrom(fd, buf, bytes, flags, addr, addr_bytes);
    return receive("recvfrom", fd, buf, bytes, flags, addr, addr_bytes);
}

WEFT_API ssize_t recv(int fd, void *buf, size_t bytes, int flags)
{
    if ((flags & NEVER_WAITS) != 0 || !wf_inside())
        return wf_next()->recv(fd, buf, bytes, flags);
    return receive("recv", fd, buf, bytes, flags, NULL, NULL);
}

WEFT_API ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    if ((flags & NEVER_WAITS) != 0 || !wf_inside())
        return wf_next()->recvmsg(fd, message, flags);
    struct wf_attempts attempts = reads(fd, "recvmsg");
    struct msghdr before = *message; /* lengths in it are overwritten */
    for (;;) {
        *message = before;
        ssize_t got = wf_next()->recvmsg(fd, message, flags | MSG_DONTWAIT);
        if (got >= 0 || !wf_attempt_again(&attempts))
            return moved(0, got);
    }
}

WEFT_API int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
                      struct timespec *timeout)
{
    bool is_valid = timeout == NULL || wf_time_is_valid(timeout);
    if ((flags & NEVER_WAITS) != 0 || !is_valid || !wf_inside())
        return wf_next()->recvmmsg(fd, messages, count, flags, timeout);
    struct wf_attempts attempts = reads(fd, "recvmmsg");
    if (timeout != NULL)
        attempts.deadline = weft_after(wf_time_of(timeout));
    for (;;) {
        int got = wf_next()->recvmmsg(fd, messages, count, flags | MSG_DONTWAIT, NULL);
        if (got >= 0 || !wf_attempt_again(&attempts))
            return (int)moved(0, got);
    }
}

/* ---- sending ---- */

static ssize_t transmit(const char *call, int fd, const void *buf, size_t bytes, int flags,
                        const struct sockaddr *addr, socklen_t addr_bytes)
{
    struct wf_attempts attempts = writes(fd, call);
    for (size_t done = 0;;) {
        ssize_t sent = wf_next()->sendto(fd, (const char *)buf + done, bytes - done,
                                         flags | MSG_DONTWAIT, addr, addr_bytes);
        if (sent >= 0 && done + (size_t)sent < bytes)
            done += (size_t)sent; /* the next says whether there is room */
        else if (sent >= 0 || !wf_attempt_again(&attempts))
            return moved(done, sent);
    }
}

WEFT_API ssize_t wf_sendto(int fd, const void *buf, size_t bytes, int flags,
                           const struct sockaddr *addr, socklen_t addr_bytes) WF_SYMBOL(sendto);

ssize_t wf_sendto(int fd, const void *buf, size_t bytes, int flags, const struct sockaddr *addr,
                  socklen_t addr_bytes)
{
    if ((flags & MSG_DONTWAIT) != 0 || !wf_inside())
        return wf_next()->sendto(fd, buf, bytes, flags, addr, addr_bytes);
    return transmit("sendto", fd, buf, bytes, flags, addr, addr_bytes);
}

WEFT_API ssize_t send(int fd, const void *buf, size_t bytes, int flags)
{
    if ((flags & MSG_DONTWAIT) != 0 || !wf_inside())
        return wf_next()->send(fd, buf, bytes, flags);
    return transmit("send", fd, buf, bytes, flags, NULL, 0);
}

/* The parts of `message` behind its first `done` bytes, each by itself. */
static ssize_t transmit_rest(const char *call, int fd, const struct msghdr *message, int flags,
                             size_t done)
{
    size_t skip = done;
    for (size_t i = 0; i < message->msg_iovlen; i++) {
        const struct iovec *part = &message->msg_iov[i];
        size_t from = skip < part->iov_len ? skip : part->iov_len;
        skip -= from;
        if (from == part->iov_len)
            continue;
        size_t left = part->iov_len - from;
        ssize_t sent =
            transmit(call, fd, (const char *)part->iov_base + from, left, flags, NULL, 0);
        if (sent < 0)
            break; /* what was moved before counts */
        done += (size_t)sent;
        if ((size_t)sent < left)
            break;
    }
    return (ssize_t)done;
}

static size_t iov_bytes(const struct iovec *parts, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += parts[i].iov_len;
    return bytes;
}

static ssize_t transmit_message(const char *call, int fd, const struct msghdr *message, int flags)
{
    struct wf_attempts attempts = writes(fd, call);
    ssize_t sent;
    do
        sent = wf_next()->sendmsg(fd, message, flags | MSG_DONTWAIT);
    while (sent < 0 && wf_attempt_again(&attempts));
    if (sent < 0 || (size_t)sent == iov_bytes(message->msg_iov, message->msg_iovlen))
        return moved(0, sent);
    return transmit_rest(call, fd, message, flags, (size_t)sent);
}

WEFT_API ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    if ((flags & MSG_DONTWAIT) != 0 || !wf_inside())
        return wf_next()->sendmsg(fd, message, flags);
    return transmit_message("sendmsg", fd, message, flags);
}

WEFT_API int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    if ((flags & MSG_DONTWAIT) != 0 || !wf_inside())
        return wf_next()->sendmmsg(fd, messages, count, flags);
    for (unsigned i = 0; i < count; i++) {
        ssize_t sent = transmit_message("sendmmsg", fd, &messages[i].msg_hdr, flags);
        if (sent < 0)
            return i != 0 ? (int)i : -1;
        messages[i].msg_len = (unsigned)sent;
    }
    return (int)count;
}

/* ---- what is no socket ---- */

/* True when the call can be made without waiting, or is to say itself what is wrong. */
static bool may_go_on(struct wf_attempts *attempts)
{
    for (;;) {
        struct pollfd entry = {.fd = attempts->fd, .events = attempts->events};
        if (wf_next()->poll(&entry, 1, 0) != 0 || !wf_fd_blocks(attempts->fd))
            return true;
        errno = EAGAIN;
        if (!wf_attempt_again(attempts))
            return false;
    }
}

/* A disk is never waited for; all else takes no more than a part at a time. */
static bool takes_all(int fd)
{
    struct stat status;
    return fstat(fd, &status) < 0 || S_ISREG(status.st_mode) || S_ISBLK(status.st_mode) ||
           !wf_fd_blocks(fd);
}

static ssize_t write_parts(const char *call, int fd, const void *buf, size_t bytes)
{
    struct wf_attempts attempts = writes(fd, call);
    attempts.option = 0;
    size_t most = bytes <= PIPE_PART_BYTES || takes_all(fd) ? bytes : PIPE_PART_BYTES;
    for (size_t done = 0;;) {
        size_t part = bytes - done < most ? bytes - done : most;
        ssize_t written = -1;
        if (may_go_on(&attempts))
            written = wf_next()->write(fd, (const char *)buf + done, part);
        if (written <= 0 || done + (size_t)written == bytes || most == bytes)
            return moved(done, written);
        done += (size_t)written;
    }
}

/* ---- read and write ---- */

WEFT_API ssize_t read(int fd, void *buf, size_t bytes)
{
    if (bytes == 0 || !wf_inside())
        return wf_next()->read(fd, buf, bytes);
    ssize_t got = receive("read", fd, buf, bytes, 0, NULL, NULL);
    if (got >= 0 || errno != ENOTSOCK)
        return got;
    struct wf_attempts attempts = reads(fd, "read");
    attempts.option = 0;
    return may_go_on(&attempts) ? moved(0, wf_next()->read(fd, buf, bytes)) : -1;
}

WEFT_API ssize_t readv(int fd, const struct iovec *parts, int count)
{
    if (count <= 0 || !wf_inside())
        return wf_next()->readv(fd, parts, count);
    struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)count};
    ssize_t got = recvmsg(fd, &message, 0);
    if (got >= 0 || errno != ENOTSOCK)
        return got;
    struct wf_attempts attempts = reads(fd, "readv");
    attempts.option = 0;
    return may_go_on(&attempts) ? moved(0, wf_next()->readv(fd, parts, count)) : -1;
}

WEFT_API ssize_t write(int fd, const void *buf, size_t bytes)
{
    if (bytes == 0 || !wf_inside())
        return wf_next()->write(fd, buf, bytes);
    ssize_t sent = transmit("write", fd, buf, bytes, 0, NULL, 0);
    return sent >= 0 || errno != ENOTSOCK ? sent : write_parts("write", fd, buf, bytes);
}

static ssize_t writev_parts(int fd, const struct iovec *parts, int count)
{
    size_t done = 0;
    for (int i = 0; i < count; i++) {
        if (parts[i].iov_len == 0)
            continue;
        ssize_t written = write_parts("writev", fd, parts[i].iov_base, parts[i].iov_len);
        if (written < 0)
            return done != 0 ? (ssize_t)done : -1;
        done += (size_t)written;
        if ((size_t)written < parts[i].iov_len)
            break;
    }
    return (ssize_t)done;
}

WEFT_API ssize_t writev(int fd, const struct iovec *parts, int count)
{
    if (count <= 0 || !wf_inside())
        return wf_next()->writev(fd, parts, count);
    struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)count};
    ssize_t sent = transmit_message("writev", fd, &message, 0);
    if (sent >= 0 || errno != ENOTSOCK)
        return sent;
    if (iov_bytes(parts, (size_t)count) > PIPE_PART_BYTES && !takes_all(fd))
        return writev_parts(fd, parts, count);
    struct wf_attempts attempts = writes(fd, "writev");
    attempts.option = 0;
    return may_go_on(&attempts) ? moved(0, wf_next()->writev(fd, parts, count)) : -1;
}

/* ---- as code compiled with _FORTIFY_SOURCE calls them ---- */

WEFT_API ssize_t __read_chk(int fd, void *buf, size_t bytes, size_t room);
WEFT_API ssize_t __recv_chk(int fd, void *buf, size_t bytes, size_t room, int flags);
WEFT_API ssize_t __recvfrom_chk(int fd, void *buf, size_t bytes, size_t room, int flags,
                                struct sockaddr *addr, socklen_t *addr_bytes);

WEFT_API ssize_t __read_chk(int fd, void *buf, size_t bytes, size_t room)
{
    if (bytes > room)
        abort();
    return read(fd, buf, bytes);
}

WEFT_API ssize_t __recv_chk(int fd, void *buf, size_t bytes, size_t room, int flags)
{
    if (bytes > room)
        abort();
    return recv(fd, buf, bytes, flags);
}

WEFT_API ssize_t __recvfrom_chk(int fd, void *buf, size_t bytes, size_t room, int flags,
                                struct sockaddr *addr, socklen_t *addr_bytes)
{
    if (bytes > room)
        abort();
    return wf_recvfrom(fd, buf, bytes, flags, addr, addr_bytes);
}
