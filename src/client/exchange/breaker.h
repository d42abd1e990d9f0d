/* SPDX-License-Identifier: MIT */

/*
 * Circuit breaker: an origin that fails most of the time is left alone for a while, so that callers
 * get their error at once and the origin gets its peace.
 *
 * It counts in two halves of a window of 10 s.  With 20 or more requests in it, half of them
 * failed, it opens for 5 s; then one request is let through, and its outcome decides.  Pure.
 */
#ifndef WF_CLIENT_BREAKER_H
#define WF_CLIENT_BREAKER_H

#include <weft/base.h>

struct breaker {
    uint32_t done[2], failed[2]; /* in this half of the window, and in the one before */
    weft_time half_since;
    weft_time open_until; /* 0: closed */
    bool is_probing;      /* the one request is under way */
};

/* May a request begin, and is it the one that decides?  A true is followed by wf_breaker_done(), or
 * wf_breaker_forget() if it came to nothing that says how the origin does. */
bool wf_breaker_begin(struct breaker *breaker, weft_time now, bool *out_is_probe);
void wf_breaker_done(struct breaker *breaker, weft_time now, bool is_probe, bool has_failed);
void wf_breaker_forget(struct breaker *breaker, bool is_probe);

/* True if forgetting it changes nothing. */
bool wf_breaker_is_quiet(const struct breaker *breaker, weft_time now);

#endif
