/* SPDX-License-Identifier: MIT */

/*
 * The ends of a stream.  The polite one: send what is unsent, half-close, and keep reading for a
 * while, because a kernel that closes a socket with unread bytes resets the connection and may take
 * the answer back that the peer has not read yet.  A peer that sends more than we are ready to drop
 * is not read any further, but still gets the time to read the answer.
 */

#include "net/stream_priv.h"

#include "base/sys.h"

#define END_LINGER (2 * WEFT_SEC) /* for the peer to end its side */

/* Of what is still unsent, or with the kernel. */
static const struct wf_pace_limits end_pace = {.idle_max = 30 * WEFT_SEC, .rate_min = 1024};

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
    weft_stream_set_deadline(stream, weft_loop_now(stream->loop) + wf_pace_soon(&end_pace));
    weft_defer_start(stream->loop, &stream->defer);
}

void weft_stream_finish(weft_stream *stream)
{
    stream->is_finished = true;
    weft_stream_end(stream);
    if (stream->state == WF_STREAM_LINGERING)
        wf_stream_release(stream);
}

/* The kernel still has bytes for a peer that may want them.  Were the socket closed now, whatever
 * the peer sends would be answered by a reset, which takes them away: over HTTP/2 it sends as it
 * reads.  Our own end counts as a byte. */
static bool end_is_under_way(weft_stream *stream)
{
    return stream->error == 0 && weft_stream_get_acked(stream) + 1 < stream->sent_bytes;
}

void wf_stream_flushed(weft_stream *stream)
{
    if (!stream->is_shut && wf_filter_finish(stream))
        return; /* its last bytes first */
    bool is_over = stream->is_ended || !wf_stream_may_send(stream) ||
                   (stream->is_finished && !end_is_under_way(stream));
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
    weft_time now = weft_loop_now(stream->loop);
    if (stream->state == WF_STREAM_LINGERING && !end_is_under_way(stream))
        wf_stream_release(stream);
    else if (stream->error != 0 ||
             wf_pace_is_too_slow(&stream->end_pace, &end_pace, now, weft_stream_get_acked(stream)))
        weft_stream_abort(stream);
    else if (stream->state == WF_STREAM_LINGERING)
        weft_stream_set_deadline(stream, now + END_LINGER);
    else
        weft_stream_set_deadline(stream, wf_pace_next(&stream->end_pace, &end_pace, now));
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
