/* SPDX-License-Identifier: MIT */

/*
 * The ends of a stream.  The polite one: send what is unsent, half-close, and keep reading for a
 * while, because a kernel that closes a socket with unread bytes resets the connection and may take
 * the answer back that the peer has not read yet.  A peer that sends more than we are ready to drop
 * is not read any further, but still gets the time to read the answer.
 */

#include "net/stream_priv.h"

#include "base/sys.h"

#define END_STALL (30 * WEFT_SEC) /* unsent bytes that do not move */
#define END_LINGER (2 * WEFT_SEC) /* for the peer to end its side */

void weft_stream_end(weft_stream *stream)
{
    if (stream->state != WF_STREAM_OPEN)
        return;
    wf_stream_not_open(stream); /* it goes by itself from here on */
    stream->state = WF_STREAM_FLUSHING;
    weft_loop_ending(stream->loop, 1);
    stream->chunk_bytes = 0;
    stream->tells = false;
    wf_stream_bytes_free(stream->loop, &stream->in);
    if (stream->reader != NULL) {
        weft_wake(&stream->reader->waiter, -EBADF);
        stream->reader = NULL;
    }
    weft_stream_set_deadline(stream, weft_loop_now(stream->loop) + END_STALL);
    weft_defer_start(stream->loop, &stream->defer);
}

void weft_stream_finish(weft_stream *stream)
{
    stream->is_finished = true;
    weft_stream_end(stream);
}

void wf_stream_flushed(weft_stream *stream)
{
    if (!stream->is_shut && wf_filter_finish(stream))
        return; /* its last bytes first */
    bool is_over = stream->is_ended || stream->is_finished || !wf_stream_may_send(stream);
    if (!is_over && !stream->is_shut)
        is_over = wf_sys_shutdown(stream->fd, SHUT_WR) < 0;
    if (is_over) {
        wf_stream_release(stream);
        return;
    }
    stream->is_shut = true;
    stream->state = WF_STREAM_LINGERING;
    weft_stream_set_deadline(stream, weft_loop_now(stream->loop) + END_LINGER);
    wf_stream_update_reading(stream);
    if (!wf_stream_may_send(stream))
        wf_stream_release(stream);
}

void wf_stream_end_expired(weft_stream *stream)
{
    if (stream->state == WF_STREAM_FLUSHING)
        weft_stream_abort(stream);
    else
        wf_stream_release(stream);
}

/* A failed filter's last words, such as why it refuses the peer, are heard only if the connection
 * is not reset behind them. */
static bool end_with_last_words(weft_stream *stream)
{
    if (stream->state != WF_STREAM_OPEN || stream->filter == NULL ||
        !stream->filter->has_last_words)
        return false;
    weft_stream_end(stream);
    wf_stream_bytes_free(stream->loop, &stream->out);
    weft_stream_set_deadline(stream, weft_loop_now(stream->loop) + END_LINGER);
    return true;
}

void weft_stream_abort(weft_stream *stream)
{
    if (stream == NULL || stream->state >= WF_STREAM_RELEASING || end_with_last_words(stream))
        return;
    struct linger at_once = {.l_onoff = 1};
    if (stream->filter == NULL || !stream->filter->has_last_words)
        (void)wf_sys_setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    wf_stream_bytes_free(stream->loop, &stream->in);
    wf_stream_bytes_free(stream->loop, &stream->out);
    wf_stream_release(stream);
}
