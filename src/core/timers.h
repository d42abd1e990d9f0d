/* SPDX-License-Identifier: MIT */

/*
 * Timers of one loop: a hierarchical wheel whose current tick is kept in order of deadline.
 * Never allocates, knows no clock: the caller says what time it is.
 */
#ifndef WF_TIMERS_H
#define WF_TIMERS_H

#include <weft/sys/loop.h>

#define WF_TIMERS_LEVELS 8     /* 64 slots each: 48 bits of ticks */
#define WF_TIMERS_TICK_BITS 17 /* a tick is 131 us */

struct wf_timers {
    weft_timer *slots[WF_TIMERS_LEVELS][64]; /* lists of timers by tick */
    uint64_t occupied[WF_TIMERS_LEVELS];     /* a bit a slot that is not empty */
    weft_timer *due; /* pairing heap by (deadline, seq): this tick and earlier */
    uint64_t tick;   /* wheel position; ticks <= it are in the heap */
    uint64_t seq;
    size_t count;
};

void wf_timers_init(struct wf_timers *timers, weft_time now);
void wf_timers_start(struct wf_timers *timers, weft_timer *timer, weft_time deadline);
void wf_timers_stop(struct wf_timers *timers, weft_timer *timer);

/* The earliest deadline, exact; WEFT_FOREVER if none. */
weft_time wf_timers_next(struct wf_timers *timers);

/* A lower bound of the earliest deadline, for free: at or before wf_timers_next(). */
weft_time wf_timers_next_bound(const struct wf_timers *timers);

/* Takes off and returns the next timer with deadline <= now, in order; NULL if none is due. */
weft_timer *wf_timers_pop(struct wf_timers *timers, weft_time now);

#endif
