/* SPDX-License-Identifier: MIT */

/* The reading half of a stream: one receive operation that stays, paused by the marks. */

#include "net/stream_priv.h"

#include <poll.h>
#include <string.h>

/* What a stream that ends drops at most before it stops reading. */
#define INPUT_DROPPED_MAX 65536u

#define INPUT_CHUNK_BYTES                                                                          \
    16384 /* received at once where it is not the loop's operation that does */

static void input_received(weft_op *op, const weft_completion *completion, void *arg);
static void input_ready(weft_op *op, const weft_completion *completion, void *arg);
static void input_watched(weft_op *op, const weft_completion *completion, void *arg);

/* ---- start and stop ---- */

static bool input_is_full(const weft_stream *stream)
{
    if (stream->state != WF_STREAM_OPEN)
        return stream->dropped >= INPUT_DROPPED_MAX;
    return wf_stream_unread(stream) >=
           wf_stream_mark(stream->kind->input_high, WF_STREAM_INPUT_HIGH);
}

/* Descriptors that a task has still to take are not joined by others before it asks for more. */
static bool input_has_room(const weft_stream *stream)
{
    if (stream->state != WF_STREAM_OPEN || stream->wants_more)
        return !input_is_full(stream);
    if (stream->fds != NULL && stream->kind->input == NULL && wf_stream_fds_count(stream) != 0)
        return false;
    return wf_stream_unread(stream) <= wf_stream_mark(stream->kind->input_low, WF_STREAM_INPUT_LOW);
}

/* While reading pauses, a peer that goes away would not be noticed.  Tasks notice when they read.
 */
static bool input_is_to_be_watched(const weft_stream *stream)
{
    return stream->state == WF_STREAM_OPEN && stream->kind->input != NULL && !stream->has_hung_up;
}

void wf_stream_update_reading(weft_stream *stream)
{
    bool drops = stream->state == WF_STREAM_LINGERING; /* also if it has failed */
    if (stream->state >= WF_STREAM_RELEASING || stream->is_ended || (stream->error != 0 && !drops))
        return;
    if (stream->recv_op != NULL) {
        if (stream->is_watching ? input_has_room(stream) : input_is_full(stream))
            weft_op_cancel(stream->loop, stream->recv_op);
        return;
    }
    bool has_room = input_has_room(stream);
    if (!has_room && !input_is_to_be_watched(stream))
        return;
    weft_op_args args = {.kind = WEFT_OP_RECV_MANY, .fd = stream->fd};
    weft_op_fn *fn = input_received;
    stream->is_watching = !has_room;
    if (!has_room || stream->fds != NULL) {
        args.kind = WEFT_OP_POLL;
        args.flags = has_room ? POLLIN : POLLRDHUP;
        fn = has_room ? input_ready : input_watched;
    }
    int rc = weft_op_start(stream->loop, &args, fn, stream, &stream->recv_op);
    if (rc < 0)
        wf_stream_fail(stream, rc);
}

/* ---- telling ---- */

static void input_wake(weft_stream *stream, int rc)
{
    struct wf_stream_reader *reader = stream->reader;
    stream->reader = NULL;
    weft_wake(&reader->waiter, rc);
}

void wf_stream_tell_input(weft_stream *stream)
{
    if (stream->reader != NULL)
        input_wake(stream, 0);
    else if (stream->kind->input != NULL)
        stream->kind->input(stream);
}

static void input_keep(weft_stream *stream, const char *data, uint32_t count)
{
    int rc = wf_stream_bytes_append(stream->loop, &stream->in, data, count);
    if (rc < 0)
        wf_stream_fail(stream, rc);
}

/* Straight into the memory of the task that waits for it; what does not fit is kept. */
static void input_give_reader(weft_stream *stream, const char *data, uint32_t count)
{
    struct wf_stream_reader *reader = stream->reader;
    uint32_t given = 0;
    if (reader->buf != NULL && wf_stream_bytes_count(&stream->in) == 0) {
        given = count < reader->bytes ? count : (uint32_t)reader->bytes;
        memcpy(reader->buf, data, given);
    }
    if (given < count)
        input_keep(stream, data + given, count - given);
    input_wake(stream, (int)given);
}

/* The callback sees the loop's own buffer; only what it leaves is copied. */
static void input_show_chunk(weft_stream *stream, const char *data, uint32_t count)
{
    stream->chunk = data;
    stream->chunk_bytes = count;
    stream->kind->input(stream);
    const char *rest = stream->chunk;
    uint32_t rest_bytes = stream->chunk_bytes;
    stream->chunk = NULL;
    stream->chunk_bytes = 0;
    if (rest_bytes == 0 || stream->state != WF_STREAM_OPEN)
        return;
    if (stream->filter != NULL && !stream->filter->has_started) /* opened just now */
        wf_filter_received(stream, rest, rest_bytes);
    else
        input_keep(stream, rest, rest_bytes);
}

void wf_stream_take_input(weft_stream *stream, const char *data, uint32_t count)
{
    stream->wants_more = false;
    if (stream->state != WF_STREAM_OPEN) {
        stream->dropped += count;
    } else if (stream->reader != NULL) {
        input_give_reader(stream, data, count);
    } else if (stream->kind->input != NULL && wf_stream_bytes_count(&stream->in) == 0) {
        input_show_chunk(stream, data, count);
    } else {
        input_keep(stream, data, count);
        if (stream->error == 0)
            wf_stream_tell_input(stream);
    }
}

/* ---- completions ---- */

static void input_over(weft_stream *stream, int result)
{
    if (stream->state >= WF_STREAM_RELEASING || result == -ECANCELED)
        return; /* released, or only paused */
    if (result == 0)
        result = stream->send_error; /* that was no end, but the connection's */
    if (result < 0) {
        wf_stream_fail(stream, result);
    } else if (!stream->is_ended) {
        result = stream->filter != NULL ? wf_filter_ended(stream) : 0;
        stream->is_ended = result == 0;
        if (result < 0)
            wf_stream_fail(stream, result);
        else if (stream->is_ended && stream->state == WF_STREAM_OPEN)
            wf_stream_tell_input(stream);
    }
    if (stream->state == WF_STREAM_LINGERING)
        wf_stream_release(stream);
}

static void input_received(weft_op *op, const weft_completion *completion, void *arg)
{
    weft_stream *stream = arg;
    (void)op;
    if (completion->is_final)
        stream->recv_op = NULL;
    bool has_data = completion->data != NULL && stream->state < WF_STREAM_RELEASING;
    if (has_data && __builtin_expect(stream->filter != NULL, 0))
        wf_filter_received(stream, completion->data, (uint32_t)completion->result);
    else if (has_data)
        wf_stream_take_input(stream, completion->data, (uint32_t)completion->result);
    else if (completion->is_final)
        input_over(stream, completion->result);
    wf_stream_update_reading(stream);
}

/* Descriptors come with the bytes only to a recvmsg() that asks for them, which no operation of the
 * loop does. */
static void input_ready(weft_op *op, const weft_completion *completion, void *arg)
{
    weft_stream *stream = arg;
    char buf[INPUT_CHUNK_BYTES];
    (void)op;
    stream->recv_op = NULL;
    if (stream->state >= WF_STREAM_RELEASING)
        return;
    ssize_t got = completion->result;
    if (got > 0)
        got = wf_stream_fds_recv(stream, buf, sizeof buf);
    if (got > 0)
        wf_stream_take_input(stream, buf, (uint32_t)got);
    else if (got != -EAGAIN)
        input_over(stream, (int)got);
    wf_stream_update_reading(stream);
}

/* A reset throws away what the kernel held; a normal end comes after it. */
static void input_watched(weft_op *op, const weft_completion *completion, void *arg)
{
    weft_stream *stream = arg;
    int events = completion->result;
    (void)op;
    stream->recv_op = NULL;
    stream->is_watching = false;
    if (stream->state >= WF_STREAM_RELEASING)
        return;
    if (events > 0 && (events & POLLERR) != 0) {
        wf_stream_fail(stream, -ECONNRESET);
    } else if (events > 0) {
        stream->has_hung_up = true;
        if (stream->state == WF_STREAM_OPEN)
            wf_stream_tell_input(stream);
    } else if (events != -ECANCELED) {
        wf_stream_fail(stream, events);
    }
    wf_stream_update_reading(stream);
}

/* ---- the owner's calls ---- */

weft_str weft_stream_get_input(const weft_stream *stream)
{
    if (stream->chunk_bytes != 0)
        return (weft_str){stream->chunk, stream->chunk_bytes};
    return (weft_str){wf_stream_bytes_ptr(&stream->in), wf_stream_bytes_count(&stream->in)};
}

/* `in` is shorter now.  Out of line: of many messages that have come in one piece only the last
 * leaves nothing. */
static __attribute__((noinline)) void input_shortened(weft_stream *stream)
{
    if (wf_stream_bytes_count(&stream->in) == 0)
        wf_stream_bytes_free(stream->loop, &stream->in);
    if (stream->recv_op == NULL || stream->is_watching) /* else it reads, and has more room now */
        wf_stream_update_reading(stream);
}

void weft_stream_consume(weft_stream *stream, size_t bytes)
{
    uint32_t kept = wf_stream_bytes_count(&stream->in);
    if (stream->chunk_bytes != 0) { /* and nothing is kept */
        uint32_t count = bytes < stream->chunk_bytes ? (uint32_t)bytes : stream->chunk_bytes;
        stream->chunk += count;
        stream->chunk_bytes -= count;
        return; /* the receive operation goes on by itself */
    }
    stream->in.start += bytes < kept ? (uint32_t)bytes : kept;
    if (bytes >= kept || stream->recv_op == NULL || stream->is_watching)
        input_shortened(stream);
}

void weft_stream_read_on(weft_stream *stream)
{
    stream->wants_more = true;
    if (stream->recv_op == NULL || stream->is_watching)
        wf_stream_update_reading(stream);
}
