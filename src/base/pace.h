/* SPDX-License-Identifier: MIT */

/*
 * Pace: whether a peer takes what is sent to it, by two rules.
 *
 * It takes `rate_min` bytes a second on average: a byte pays for 1/rate_min s, and at the beginning
 * two idle_max are free.  Otherwise a byte every 29 s would hold a stream for ever.
 *
 * And it makes no pause longer than `idle_max`, or than a sixteenth of what it has paid for, at
 * most four idle_max.  For a peer that has taken megabytes at once may need no more for minutes:
 * clients that limit their rate read a burst and sleep (curl: 1.6 MB, at 20 KB a second 80 s), and
 * a large receive buffer says that it has room again when a good part of it is free.
 *
 * It is looked at now and then while bytes wait, with how many the peer has taken by then.  Between
 * two waits time stands still; what the first has used up stays so, else a peer that takes a byte
 * for each of many would have the free time again and again.
 */
#ifndef WF_PACE_H
#define WF_PACE_H

#include <weft/base.h>

struct wf_pace {
    weft_time moved_at;   /* the last look at which more was taken, or when the wait began */
    weft_time paid_to;    /* what it took pays up to then; 0: nothing has waited yet */
    weft_time rests_from; /* when the last wait ended; 0: bytes wait */
    uint64_t taken;       /* at the last look */
};

struct wf_pace_limits {
    weft_time idle_max;
    uint64_t rate_min; /* 0: any */
};

#define WF_PACE_FREE 2 /* so many idle_max */
#define WF_PACE_PAUSE 4
#define WF_PACE_PART 16 /* of what is paid for may be one pause */

static inline weft_time wf_pace_add(weft_time to, weft_time duration)
{
    return duration < WEFT_FOREVER - to ? to + duration : WEFT_FOREVER;
}

static inline weft_time wf_pace_times(weft_time idle_max, int count)
{
    return idle_max < WEFT_FOREVER / count ? idle_max * count : WEFT_FOREVER;
}

/* Bytes begin to wait, if they do not already. */
static inline void wf_pace_begin(struct wf_pace *pace, const struct wf_pace_limits *limits,
                                 weft_time now)
{
    if (pace->paid_to == 0)
        pace->paid_to = wf_pace_add(now, wf_pace_times(limits->idle_max, WF_PACE_FREE));
    else if (pace->rests_from != 0)
        pace->paid_to = wf_pace_add(pace->paid_to, now - pace->rests_from);
    else
        return;
    pace->rests_from = 0;
    pace->moved_at = now;
}

/* They do not any more. */
static inline void wf_pace_rest(struct wf_pace *pace, weft_time now)
{
    if (pace->rests_from == 0)
        pace->rests_from = now;
}

/* From the beginning of a wait to the first look, which counts what was taken before: as much later
 * is it known who takes nothing. */
static inline weft_time wf_pace_soon(const struct wf_pace_limits *limits)
{
    return limits->idle_max / 64 + 1;
}

/* The same after wf_pace_begin(): at once where what was paid for is over, so that waits that are
 * all shorter are looked at, too. */
static inline weft_time wf_pace_first(const struct wf_pace *pace,
                                      const struct wf_pace_limits *limits)
{
    weft_time soon = wf_pace_soon(limits);
    return pace->paid_to > pace->moved_at + soon ? soon : 0;
}

/* The time that bytes pay for. */
static inline weft_time wf_pace_worth(const struct wf_pace_limits *limits, uint64_t bytes)
{
    weft_time most = wf_pace_times(limits->idle_max, WF_PACE_PAUSE * WF_PACE_PART);
    uint64_t rate = limits->rate_min;
    if (rate == 0 || bytes / rate >= (uint64_t)(most / WEFT_SEC))
        return most;
    uint64_t rest = rate < UINT64_MAX / WEFT_SEC ? bytes % rate * WEFT_SEC / rate : 0;
    return (weft_time)(bytes / rate) * WEFT_SEC + (weft_time)rest;
}

/* When its time is up, if it takes nothing until then. */
static inline weft_time wf_pace_end(const struct wf_pace *pace, const struct wf_pace_limits *limits)
{
    weft_time pause = (pace->paid_to - pace->moved_at) / WF_PACE_PART;
    if (pause < limits->idle_max)
        pause = limits->idle_max;
    weft_time end = wf_pace_add(pace->moved_at, pause);
    return end < pace->paid_to ? end : pace->paid_to;
}

static inline bool wf_pace_is_too_slow(struct wf_pace *pace, const struct wf_pace_limits *limits,
                                       weft_time now, uint64_t taken)
{
    wf_pace_begin(pace, limits, now);
    if (taken > pace->taken) {
        weft_time most = wf_pace_times(limits->idle_max, WF_PACE_PAUSE * WF_PACE_PART);
        weft_time paid = wf_pace_add(pace->paid_to, wf_pace_worth(limits, taken - pace->taken));
        most = wf_pace_add(now, most);
        *pace = (struct wf_pace){now, paid < most ? paid : most, 0, taken};
    }
    return now >= wf_pace_end(pace, limits);
}

/* When to look again.  When bytes were taken is only known to the time between two looks. */
static inline weft_time wf_pace_next(const struct wf_pace *pace,
                                     const struct wf_pace_limits *limits, weft_time now)
{
    weft_time end = wf_pace_end(pace, limits);
    weft_time next = wf_pace_add(now, limits->idle_max / 4 + 1);
    return end < next ? end : next;
}

#endif
