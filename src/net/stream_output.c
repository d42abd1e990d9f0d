/* SPDX-License-Identifier: MIT */

/* The writing half of a stream: bytes gather during a turn and leave in one send at its end. */

#include "net/stream_priv.h"

#include "base/sys.h"

#include <assert.h>
#include <string.h>

#define HEAR_MAX (100 * WEFT_MS) /* after a send that failed */

static void output_sent(weft_op *op, const weft_completion *completion, void *arg);

/* ---- telling ---- */

static void output_tell(weft_stream *stream)
{
    uint32_t unsent = wf_stream_unsent(stream);
    struct wf_stream_writer *writer = stream->writer;
    if (wf_stream_is_hearing(stream))
        return; /* what it comes to is not known yet */
    if (writer != NULL && (stream->error != 0 || unsent <= writer->until)) {
        stream->writer = NULL;
        weft_wake(&writer->waiter, stream->error);
    }
    bool has_room = unsent <= wf_stream_mark(stream->kind->output_low, WF_STREAM_OUTPUT_LOW);
    if (stream->is_full && stream->state == WF_STREAM_OPEN && (has_room || stream->error != 0)) {
        stream->is_full = false;
        if (stream->kind->output != NULL)
            stream->kind->output(stream);
    }
    if (stream->state == WF_STREAM_FLUSHING && (unsent == 0 || !wf_stream_may_send(stream)))
        wf_stream_flushed(stream);
}

/* ---- sending ---- */

/* More may be here that the peer has sent before it reset the connection. */
static bool output_may_hear(const weft_stream *stream)
{
    return stream->state == WF_STREAM_OPEN && !stream->is_ended && !stream->is_watching;
}

/* A peer that refuses us says why and closes; if bytes of ours are unread then, that resets the
 * connection, and we learn that here before we have read the reason: a TLS alert, an answer.  The
 * end of the receiving is near, since there is no connection any more; and if it is not, as with a
 * peer of a Unix socket that refuses to read and goes on writing, it is not waited for. */
void wf_stream_send_failed(weft_stream *stream, int rc)
{
    bool is_reset = rc == -EPIPE || rc == -ECONNRESET;
    wf_stream_bytes_free(stream->loop, &stream->sending);
    stream->send_error = rc;
    if (stream->filter != NULL)
        stream->filter->has_last_words = false;
    if (stream->error != 0 || !is_reset || !output_may_hear(stream)) {
        wf_stream_fail(stream, rc);
        return;
    }
    stream->hear_until = weft_loop_now(stream->loop) + HEAR_MAX;
    wf_stream_arm(stream, stream->hear_until);
}

static void output_took(weft_stream *stream, size_t count)
{
    wf_stream_bytes_consume(stream->loop, &stream->sending, count);
    stream->sent_bytes += count;
}

/* The bytes put since the last send become those being sent, with their memory. */
static bool output_load(weft_stream *stream)
{
    if (wf_stream_bytes_count(&stream->sending) != 0)
        return true;
    if (__builtin_expect(stream->filter != NULL, 0)) {
        wf_filter_load(stream);
        return wf_stream_may_send(stream) && wf_stream_bytes_count(&stream->sending) != 0;
    }
    if (wf_stream_bytes_count(&stream->out) == 0)
        return false;
    assert(stream->sending.mem == NULL); /* it is empty */
    stream->sending = stream->out;
    stream->out = (struct wf_stream_bytes){0};
    return true;
}

/* One send, now if the kernel takes bytes now; else an operation.  0 once one is under way. */
static int output_send(weft_stream *stream)
{
    weft_op_args args = {
        .kind = WEFT_OP_SEND,
        .fd = stream->fd,
        .buf = wf_stream_bytes_ptr(&stream->sending),
        .bytes = wf_stream_bytes_count(&stream->sending),
    };
    int rc = weft_op_try(stream->loop, &args);
    if (rc != -EAGAIN)
        return rc;
    return weft_op_start(stream->loop, &args, output_sent, stream, &stream->send_op);
}

static void output_push(weft_stream *stream)
{
    while (stream->send_op == NULL && wf_stream_may_send(stream) && output_load(stream)) {
        int rc = output_send(stream);
        if (rc < 0) {
            wf_stream_send_failed(stream, rc);
        } else if (rc > 0) {
            output_took(stream, (size_t)rc);
        }
    }
}

void wf_stream_flush(weft_stream *stream)
{
    if (stream->state >= WF_STREAM_LINGERING)
        return;
    output_push(stream);
    if (__builtin_expect(wf_stream_is_hearing(stream), 0) && !output_may_hear(stream))
        wf_stream_fail(stream, stream->send_error);
    output_tell(stream);
}

static void output_sent(weft_op *op, const weft_completion *completion, void *arg)
{
    weft_stream *stream = arg;
    (void)op;
    stream->send_op = NULL;
    if (stream->state >= WF_STREAM_RELEASING)
        return;
    if (completion->result < 0) {
        wf_stream_send_failed(stream, completion->result);
    } else {
        output_took(stream, (size_t)completion->result);
    }
    wf_stream_flush(stream);
}

/* ---- the owner's calls ---- */

size_t weft_stream_get_unsent(const weft_stream *stream)
{
    return wf_stream_unsent(stream) + stream->held_bytes;
}

uint64_t weft_stream_get_sent(const weft_stream *stream)
{
    return stream->sent_bytes;
}

/* A Unix socket's kernel counts memory, which is more than the bytes in it: the difference may fall
 * while bytes are sent, and below zero. */
uint64_t weft_stream_get_acked(weft_stream *stream)
{
    if (stream->state >= WF_STREAM_RELEASING)
        return stream->acked_bytes;
    int rc = wf_sys_unacked(stream->fd);
    uint64_t unacked = rc > 0 ? (uint64_t)rc : 0;
    if (stream->sent_bytes > stream->acked_bytes + unacked)
        stream->acked_bytes = stream->sent_bytes - unacked;
    return stream->acked_bytes;
}

static inline int output_check(const weft_stream *stream)
{
    if (stream->error != 0)
        return stream->error;
    return stream->is_shut || stream->state != WF_STREAM_OPEN ? -EPIPE : 0;
}

/* Out of line, so that the usual case, where there is room, saves no registers for it. */
static __attribute__((noinline)) int output_make_room(weft_stream *stream, size_t count, char **out)
{
    int rc = wf_stream_bytes_make_room(stream->loop, &stream->out, count);
    if (rc == 0)
        *out = stream->out.mem + stream->out.end;
    return rc;
}

static inline int output_reserve(weft_stream *stream, size_t count, char **out)
{
    if (!wf_stream_bytes_have_room(&stream->out, count))
        return output_make_room(stream, count, out);
    *out = stream->out.mem + stream->out.end;
    return 0;
}

int weft_stream_reserve(weft_stream *stream, size_t count, char **out)
{
    int rc = output_check(stream);
    if (rc < 0)
        return rc;
    uint32_t high = wf_stream_mark(stream->kind->output_high, WF_STREAM_OUTPUT_HIGH);
    if (wf_stream_unsent(stream) >= high) {
        stream->is_full = true;
        return -EAGAIN;
    }
    return output_reserve(stream, count, out);
}

int weft_stream_reserve_above(weft_stream *stream, size_t count, char **out)
{
    int rc = output_check(stream);
    return rc < 0 ? rc : output_reserve(stream, count, out);
}

void weft_stream_watch_output(weft_stream *stream)
{
    stream->is_full = true;
}

void weft_stream_commit(weft_stream *stream, size_t count)
{
    assert(count <= stream->out.capacity - stream->out.end);
    stream->out.end += (uint32_t)count;
    weft_defer_start(stream->loop, &stream->defer);
}

int weft_stream_put(weft_stream *stream, const void *bytes, size_t count)
{
    char *room = NULL;
    if (count == 0)
        return 0;
    int rc = weft_stream_reserve(stream, count, &room);
    if (rc < 0)
        return rc;
    assert(room != NULL);
    memcpy(room, bytes, count);
    weft_stream_commit(stream, count);
    return 0;
}
