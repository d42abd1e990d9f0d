/* SPDX-License-Identifier: MIT */

/*
 * Holding the output: one task sends by system calls of its own what should not go through a buffer
 * of ours, such as a file or descriptors.  It tries at once and waits for readiness, so a cancel
 * has nothing to take back and it is always known what the kernel has taken.
 */

#include "net/stream_priv.h"

#include <weft/error.h>

#include "base/sys.h"

#include <poll.h>

static int hold_check(weft_stream *stream)
{
    if (stream->state != WF_STREAM_OPEN)
        return -EBADF;
    if (stream->error != 0)
        return wf_stream_say_error(stream);
    if (wf_stream_is_hearing(stream))
        return weft_fail(stream->send_error, "%s", "");
    return stream->is_shut ? -EPIPE : 0;
}

int wf_stream_hold_enter(weft_stream *stream)
{
    int rc = weft_sp_enter();
    return rc == 0 ? hold_check(stream) : rc;
}

int wf_stream_hold_wait(weft_stream *stream, int rc)
{
    if (rc != -EAGAIN) {
        wf_stream_send_failed(stream, rc);
        return hold_check(stream);
    }
    rc = weft_op_wait(&(weft_op_args){.kind = WEFT_OP_POLL, .fd = stream->fd, .flags = POLLOUT});
    if (rc < 0)
        return rc;
    return hold_check(stream);
}

int wf_stream_hold_send(weft_stream *stream, const char *bytes, size_t count, int flags,
                        uint64_t *done)
{
    int rc = hold_check(stream);
    for (size_t sent = 0; sent < count && rc == 0;) {
        ssize_t got = wf_sys_send(stream->fd, bytes + sent, count - sent, flags);
        if (got < 0) {
            rc = wf_stream_hold_wait(stream, (int)got);
        } else {
            sent += (size_t)got;
            stream->sent_bytes += (uint64_t)got;
            *done += (size_t)got;
        }
    }
    return rc;
}

/* Sends what was put before, from the buffer that nobody else writes to. */
static int hold_send_unsent(weft_stream *stream, int flags)
{
    struct wf_stream_bytes *sending = &stream->sending;
    int rc = 0;
    while (rc == 0 && wf_stream_unsent(stream) != 0) {
        if (wf_stream_bytes_count(sending) == 0) {
            *sending = stream->out;
            stream->out = (struct wf_stream_bytes){0};
        }
        uint64_t done = 0;
        rc = wf_stream_hold_send(stream, wf_stream_bytes_ptr(sending),
                                 wf_stream_bytes_count(sending), flags, &done);
        if (wf_stream_bytes_count(sending) != 0) /* a failure drops them */
            wf_stream_bytes_consume(stream->loop, sending, (size_t)done);
    }
    return rc;
}

int wf_stream_hold(weft_stream *stream, int flags)
{
    int rc = wf_stream_writer_enter(stream);
    if (rc == 0)
        rc = hold_check(stream);
    while (rc == 0 && stream->send_op != NULL)
        rc = stream->send_op != WF_STREAM_HELD ? weft_stream_flush(stream) : -EBUSY;
    if (rc < 0)
        return rc;
    stream->send_op = WF_STREAM_HELD;
    stream->users++;
    rc = hold_send_unsent(stream, flags);
    if (rc < 0)
        wf_stream_unhold(stream);
    return rc;
}

void wf_stream_unhold(weft_stream *stream)
{
    stream->send_op = NULL;
    stream->held_bytes = 0;
    if (stream->state < WF_STREAM_RELEASING)
        weft_defer_start(stream->loop, &stream->defer); /* what was put meanwhile */
    wf_stream_leave(stream);
}
