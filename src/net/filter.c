/* SPDX-License-Identifier: MIT */

#include "net/filter_priv.h"

#include "net/stream_priv.h"

#include "base/alloc.h"

#include <assert.h>

/* How much is sealed at a time.  What is sealed is a copy, so this bounds the memory for it. */
#define FILTER_SEAL_MAX 65536u

/* From this size on a task's bytes are sealed straight from its memory; fewer are gathered first,
 * into larger records. */
#define FILTER_WRITE_MIN 8192u

#define FILTER_HEAD_BYTES ((sizeof(struct weft_filter) + 15u) & ~(size_t)15u)

/* ---- made and freed ---- */

int weft_filter_open(weft_filter **out, weft_stream *stream, const weft_filter_class *filter_class)
{
    if (stream->state != WF_STREAM_OPEN)
        return -EBADF;
    if (stream->error != 0)
        return stream->error;
    if (stream->filter != NULL || wf_stream_unsent(stream) != 0)
        return -EBUSY;
    weft_filter *filter = wf_alloc(FILTER_HEAD_BYTES + filter_class->user_bytes);
    if (filter == NULL)
        return -ENOMEM;
    filter->filter_class = filter_class;
    filter->stream = stream;
    filter->before = stream->in;
    stream->in = (struct wf_stream_bytes){0};
    stream->is_ended = false; /* the socket's end is read again, and the filter's to judge */
    stream->filter = filter;
    weft_defer_start(stream->loop, &stream->defer);
    *out = filter;
    return 0;
}

void wf_filter_free(weft_filter *filter)
{
    if (filter == NULL)
        return;
    if (filter->filter_class->free != NULL)
        filter->filter_class->free(filter);
    wf_stream_bytes_free(filter->stream->loop, &filter->sealed);
    wf_stream_bytes_free(filter->stream->loop, &filter->before);
    wf_free(filter);
}

weft_filter *weft_filter_of(const weft_stream *stream, const weft_filter_class *filter_class)
{
    weft_filter *filter = stream->filter;
    return filter != NULL && filter->filter_class == filter_class ? filter : NULL;
}

void *weft_filter_get_user(const weft_filter *filter)
{
    return (char *)(uintptr_t)filter + FILTER_HEAD_BYTES;
}

weft_stream *weft_filter_get_stream(const weft_filter *filter)
{
    return filter->stream;
}

/* ---- what the stream calls ---- */

static bool filter_is_live(const weft_filter *filter)
{
    return !filter->is_stopped && filter->stream->state <= WF_STREAM_FLUSHING;
}

void wf_filter_begin(weft_stream *stream)
{
    weft_filter *filter = stream->filter;
    if (filter->has_started || !filter_is_live(filter))
        return;
    filter->has_started = true;
    int rc = filter->filter_class->start(filter);
    if (rc < 0) {
        weft_filter_fail(filter, rc);
        return;
    }
    struct wf_stream_bytes before = filter->before;
    filter->before = (struct wf_stream_bytes){0};
    if (wf_stream_bytes_count(&before) != 0)
        wf_filter_received(stream, wf_stream_bytes_ptr(&before), wf_stream_bytes_count(&before));
    wf_stream_bytes_free(filter->stream->loop, &before);
    wf_stream_update_reading(stream);
}

void wf_filter_received(weft_stream *stream, const char *bytes, uint32_t count)
{
    weft_filter *filter = stream->filter;
    int rc = 0;
    if (!filter_is_live(filter))
        stream->dropped += count;
    else if (filter->has_started)
        rc = filter->filter_class->received(filter, bytes, count);
    else
        rc = wf_stream_bytes_append(filter->stream->loop, &filter->before, bytes, count);
    if (rc < 0)
        weft_filter_fail(filter, rc);
}

int wf_filter_ended(weft_stream *stream)
{
    weft_filter *filter = stream->filter;
    if (!filter_is_live(filter))
        return 0;
    return filter->has_started ? filter->filter_class->ended(filter) : 1;
}

/* Hands what was sealed to `sending`; the two buffers change places. */
static void filter_give(weft_filter *filter)
{
    weft_stream *stream = filter->stream;
    struct wf_stream_bytes empty = stream->sending;
    stream->sending = filter->sealed;
    filter->sealed = empty;
}

/* After a failure only the filter's last words to the peer are sent, such as an alert. */
void wf_filter_load(weft_stream *stream)
{
    weft_filter *filter = stream->filter;
    uint32_t count = wf_stream_bytes_count(&stream->out);
    ssize_t taken = 0;
    if (filter->is_stopped) {
        filter_give(filter);
        return;
    }
    if (filter->has_started && count != 0) {
        taken = filter->filter_class->seal(filter, wf_stream_bytes_ptr(&stream->out),
                                           count < FILTER_SEAL_MAX ? count : FILTER_SEAL_MAX);
        if (taken > 0)
            wf_stream_bytes_consume(filter->stream->loop, &stream->out, (size_t)taken);
    }
    if (filter->has_started && taken >= 0 && filter->wants_finish && !filter->has_finished &&
        wf_stream_bytes_count(&stream->out) == 0) {
        filter->has_finished = true;
        taken = filter->filter_class->finish(filter);
    }
    if (taken < 0) {
        weft_filter_fail(filter, (int)taken);
        return;
    }
    filter_give(filter);
}

ssize_t wf_filter_write(weft_stream *stream, const char *bytes, size_t count)
{
    weft_filter *filter = stream->filter;
    bool is_in_order = wf_stream_bytes_count(&stream->out) == 0 && !filter->wants_finish;
    if (count < FILTER_WRITE_MIN || !filter->has_started || !is_in_order || stream->is_shut ||
        !filter_is_live(filter))
        return 0;
    ssize_t taken = filter->filter_class->seal(filter, bytes,
                                               count < FILTER_SEAL_MAX ? count : FILTER_SEAL_MAX);
    if (taken < 0)
        weft_filter_fail(filter, (int)taken);
    return taken;
}

bool wf_filter_finish(weft_stream *stream)
{
    weft_filter *filter = stream->filter;
    if (filter == NULL || filter->has_finished || stream->error != 0)
        return false;
    filter->wants_finish = true;
    weft_defer_start(stream->loop, &stream->defer);
    return true;
}

void wf_filter_stop(weft_stream *stream)
{
    weft_filter *filter = stream->filter;
    if (filter == NULL || filter->is_stopped)
        return;
    filter->is_stopped = true;
    filter->has_last_words = wf_stream_bytes_count(&filter->sealed) != 0 && stream->send_error == 0;
    if (filter->filter_class->stop != NULL)
        filter->filter_class->stop(filter);
}

/* ---- what the filter calls ---- */

bool weft_filter_deliver(weft_filter *filter, const char *bytes, size_t count)
{
    assert(count <= UINT32_MAX);
    if (!filter_is_live(filter))
        return false;
    if (count != 0)
        wf_stream_take_input(filter->stream, bytes, (uint32_t)count);
    return filter_is_live(filter);
}

void weft_filter_deliver_end(weft_filter *filter)
{
    weft_stream *stream = filter->stream;
    if (!filter_is_live(filter) || stream->is_ended)
        return;
    stream->is_ended = true;
    if (stream->state == WF_STREAM_OPEN)
        wf_stream_tell_input(stream);
}

int weft_filter_send(weft_filter *filter, const void *bytes, size_t count)
{
    int rc = wf_stream_bytes_append(filter->stream->loop, &filter->sealed, bytes, count);
    if (rc == 0)
        weft_defer_start(filter->stream->loop, &filter->stream->defer);
    return rc;
}

void weft_filter_push(weft_filter *filter)
{
    weft_stream *stream = filter->stream;
    if (!filter_is_live(filter))
        return;
    weft_defer_start(stream->loop, &stream->defer);
    if (stream->reader != NULL)
        stream->tells = true;
}

void weft_filter_fail(weft_filter *filter, int rc)
{
    if (filter_is_live(filter))
        wf_stream_fail(filter->stream, rc);
}

int weft_filter_wait(weft_filter *filter)
{
    return wf_stream_wait_change(filter->stream);
}
