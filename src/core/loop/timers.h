/* SPDX-License-Identifier: MIT */

/*
 * Timers of one loop: a hierarchical wheel, and a heap for what is due next.
 *
 * Time is cut into ticks.  The wheel stands at `tick`.  A timer of that tick or an earlier one is
 * in the heap; one of a later tick T is on level L, where L is the highest base-64 digit in which T
 * and `tick` differ, in the slot of that digit of T.  So everything on a level comes before
 * everything on the levels above, a level's slots are in order, and the heap comes before all of
 * them.
 *
 * Start and stop are O(1) in the wheel; a timer moves down at most WF_TIMERS_LEVELS times.  The
 * heap gives the exact order by (deadline, order of start).  Nothing is allocated.  It knows no
 * clock: the caller says what time it is.
 */
#ifndef WF_TIMERS_H
#define WF_TIMERS_H

#include <weft/sys/loop.h>

#define WF_TIMERS_LEVELS 8 /* of 64 slots: 48 bits of ticks, more than deadlines have */
#define WF_TIMERS_SLOTS (WF_TIMERS_LEVELS * 64)
#define WF_TIMERS_TICK_BITS 17 /* a tick is 131 us */

struct wf_timers {
    weft_timer
        *slots[WF_TIMERS_SLOTS];       /* by level, then digit: rings, the one started last first */
    weft_time lowest[WF_TIMERS_SLOTS]; /* at or before every deadline of the slot */
    uint64_t occupied[WF_TIMERS_LEVELS]; /* a bit a slot that is not empty */
    uint64_t loose[WF_TIMERS_LEVELS]; /* a bit a slot whose `lowest` may be before every deadline */
    weft_timer *due;                  /* pairing heap */
    uint64_t tick;
    uint64_t seq;   /* starts so far */
    uint64_t fired; /* popped so far */
    size_t count;   /* running timers */
};

void wf_timers_init(struct wf_timers *timers, weft_time now);

/* Starts, or moves a running one; WEFT_FOREVER stops it. */
void wf_timers_start(struct wf_timers *timers, weft_timer *timer, weft_time deadline);
void wf_timers_stop(struct wf_timers *timers, weft_timer *timer);

/* The earliest deadline; WEFT_FOREVER if none.  O(1), except right after the earliest timer was
 * stopped or moved: then a look at all timers of its slot. */
weft_time wf_timers_next(struct wf_timers *timers);

/* A lower bound of wf_timers_next(), always in O(1): after stops and moves it may be too early. Who
 * has waited for it and finds nothing due asks again; it can be wrong once for each slot. */
weft_time wf_timers_next_bound(const struct wf_timers *timers);

/* Takes off and returns the next timer with deadline <= now, in order; NULL if none is due. Between
 * two calls anything may be started and stopped. */
weft_timer *wf_timers_pop(struct wf_timers *timers, weft_time now);

#endif
