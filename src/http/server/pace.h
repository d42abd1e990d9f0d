/* SPDX-License-Identifier: MIT */

/*
 * Pace: how fast a client takes an answer.  It is not enough that it takes something in each
 * write_idle_max, or a byte every 29 s would hold a stream for ever: over each such time it must
 * take write_rate_min on average.
 */
#ifndef WF_HTTP_PACE_H
#define WF_HTTP_PACE_H

#include <weft/http.h>

struct wf_pace {
    weft_time from; /* where the present window begins; 0: there is none yet */
    uint64_t taken; /* bytes by then */
};

/* Asked now and then while bytes wait.  A window that is long enough is judged, and the next
 * begins. */
static inline bool wf_pace_is_too_slow(struct wf_pace *pace, const weft_http_limits *limits,
                                       weft_time now, uint64_t taken)
{
    weft_time window = now - pace->from;
    if (pace->from != 0 && window < limits->write_idle_max)
        return false;
    bool is_slow = pace->from != 0 &&
                   taken - pace->taken < (uint64_t)(window / WEFT_SEC) * limits->write_rate_min;
    *pace = (struct wf_pace){now, taken};
    return is_slow;
}

#endif
