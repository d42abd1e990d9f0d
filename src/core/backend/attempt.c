/* SPDX-License-Identifier: MIT */

#include "core/backend/attempt.h"

#include "base/sys.h"

#include <poll.h>

/* Results of one call are int: a longer transfer is done in parts. */
#define TRANSFER_BYTES_MAX ((size_t)1 << 30)

int wf_attempt_poll(int fd, short events)
{
    struct pollfd entry = {.fd = fd, .events = events};
    int rc;
    do
        rc = poll(&entry, 1, 0);
    while (rc < 0 && errno == EINTR);
    if (rc < 0)
        return -errno;
    if (entry.revents & POLLNVAL)
        return -EBADF;
    return entry.revents;
}

static int attempt_poll_op(const weft_op_args *args)
{
    int rc = wf_attempt_poll(args->fd, (short)args->flags);
    return rc == 0 ? WF_ATTEMPT_WAIT : rc;
}

static int attempt_connect(const weft_op_args *args)
{
    int rc = wf_sys_connect(args->fd, args->buf, (socklen_t)args->bytes);
    if (rc == -EINPROGRESS || rc == -EALREADY)
        return WF_ATTEMPT_WAIT;
    /* -EAGAIN stays: a Unix listener whose queue is full tells nobody when it has room. */
    return rc == -EISCONN ? 0 : rc;
}

static int attempt_accept(int fd)
{
    int rc;
    do
        rc = wf_sys_accept(fd, NULL, NULL);
    while (rc == -ECONNABORTED || rc == -EPROTO);
    return rc == -EAGAIN ? WF_ATTEMPT_WAIT : rc;
}

static ssize_t attempt_transfer(const weft_op_args *args)
{
    size_t bytes = args->bytes < TRANSFER_BYTES_MAX ? args->bytes : TRANSFER_BYTES_MAX;
    switch (args->kind) {
    case WEFT_OP_READ:
        return wf_sys_read(args->fd, args->buf, bytes);
    case WEFT_OP_WRITE:
        return wf_sys_write(args->fd, args->buf, bytes);
    case WEFT_OP_RECV:
        return wf_sys_recv(args->fd, args->buf, bytes, (int)args->flags);
    default:
        return wf_sys_send(args->fd, args->buf, bytes, (int)args->flags);
    }
}

int wf_attempt(const weft_op_args *args)
{
    switch (args->kind) {
    case WEFT_OP_NOP:
        return 0;
    case WEFT_OP_POLL:
        return attempt_poll_op(args);
    case WEFT_OP_CONNECT:
        return attempt_connect(args);
    case WEFT_OP_ACCEPT:
        return attempt_accept(args->fd);
    default: {
        ssize_t rc = attempt_transfer(args);
        return rc == -EAGAIN ? WF_ATTEMPT_WAIT : (int)rc;
    }
    }
}
