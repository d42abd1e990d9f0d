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
    struct wf_stream_bytes before; /* what the stream had read when it came */
    bool has_started;
    bool wants_finish; /* the user sends no more */
    bool has_finished;
    bool is_stopped;
    bool has_last_words; /* said to the peer when it failed: a reset would take them back */
};

/* The turn's end: starts it, if that is still to be done. */
void wf_filter_begin(weft_stream *stream);

void wf_filter_received(weft_stream *stream, const char *bytes, uint32_t count);

/* What the end of the socket is to the user: 0 or a failure; 1: not known before the filter has
 * begun, to be read again. */
int wf_filter_ended(weft_stream *stream);

/* Seals of a task's bytes so many as the filter takes at once, without their going through `out`:
 * how many; 0: none, they go through it.  Negative: the stream has failed with that. */
ssize_t wf_filter_write(weft_stream *stream, const char *bytes, size_t count);

/* Seals a part of `out` and gives it to `sending`, which is empty. */
void wf_filter_load(weft_stream *stream);

/* The user sends no more: after what is unsent come the filter's last bytes.  False if they are
 * gone already. */
bool wf_filter_finish(weft_stream *stream);

/* No more calls but free; sends what it may have said to the end. */
void wf_filter_stop(weft_stream *stream);

void wf_filter_free(weft_filter *filter);

#endif
