/* SPDX-License-Identifier: MIT */

/*
 * A stream's filter.
 *
 *     socket -> received -> deliver -> `in` or whoever reads
 *     `out` -> seal -> send -> `sealed` -> (trades places with) `sending` -> socket
 *
 * `sealed` is not `sending`: a filter has bytes of its own to send, also while the kernel sends.
 */
#ifndef WF_FILTER_PRIV_H
#define WF_FILTER_PRIV_H

#include <weft/sys/filter.h>

#include "net/stream_bytes.h"

struct weft_filter {
    const weft_filter_class *filter_class;
    weft_stream *stream;
    struct wf_stream_bytes sealed;
    struct wf_stream_bytes before; /* what the stream had read before the filter came */
    bool has_started;
    bool wants_finish; /* the user sends no more */
    bool has_finished;
    bool is_stopped;
    bool has_last_words; /* the peer was told of the failure: a reset could destroy those bytes */
};

/* Called at the end of the turn: starts the filter, if it has not been. */
void wf_filter_begin(weft_stream *stream);

void wf_filter_received(weft_stream *stream, const char *bytes, uint32_t count);

/* What the end of the socket is to the user: 0 or a failure; 1: not known before the filter has
 * begun, to be read again. */
int wf_filter_ended(weft_stream *stream);

/* Seals as many of a task's bytes as the filter takes at once, without a copy in `out`, and returns
 * how many; 0: none, they must go through `out`.  Negative: the stream has failed with that. */
ssize_t wf_filter_write(weft_stream *stream, const char *bytes, size_t count);

/* Seals a part of `out` and gives it to `sending`, which is empty. */
void wf_filter_load(weft_stream *stream);

/* The user sends no more: after what is unsent come the filter's last bytes.  False if they are
 * gone already. */
bool wf_filter_finish(weft_stream *stream);

/* Stops the filter: no call but `free` follows, and what it has given to be sent still is. */
void wf_filter_stop(weft_stream *stream);

void wf_filter_free(weft_filter *filter);

#endif
