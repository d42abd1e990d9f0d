/* SPDX-License-Identifier: MIT */

/*
 * Stats: what a loop has done, as counters that only rise, as present numbers, and as times.  They
 * are always kept; a counter costs one addition.
 *
 * weft/metrics.h writes them as text for Prometheus; `weft top PID` shows them of another process.
 */
#ifndef WEFT_STATS_H
#define WEFT_STATS_H

#include <weft/base.h>
#include <weft/sys/loop.h>

WEFT_BEGIN_DECLS

/* ---- counters of the calling thread's loop ---- */

typedef struct weft_run_stats {
    uint64_t tasks_made, tasks_live, tasks_done;
    uint64_t switches; /* from one task to another, or back to the loop */
    uint64_t passes;   /* over the ready tasks */
    uint64_t turns;    /* of the loop */
    uint64_t cancels;  /* scopes cancelled, by whomever */
    uint64_t stacks_used, stacks_pooled;
    uint64_t timers_started, timers_fired, timers_live;
    uint64_t ops_live;
    uint64_t ops_made[WEFT_OP_KIND_COUNT]; /* by kind; a _MANY operation counts once */
    uint64_t hogs;                         /* tasks that kept the loop too long, reported or not */
} weft_run_stats;
WEFT_API int weft_run_stats_get(weft_run_stats *out); /* 0, or -EPERM outside a loop */

/* "recv", "accept_many" …; "?" for a kind that does not exist. */
WEFT_API const char *weft_op_kind_name(int kind);

/* ---- times ---- */

#define WEFT_HISTOGRAM_BUCKETS 117

/*
 * A histogram of durations: buckets of 64 ns up to 256 ns, then four for each doubling, up to 68 s;
 * what is longer goes into the last.  So the true value is at most a fifth below a quantile.
 * Zeroed it is empty; adding takes a few instructions and no memory, and two are summed bucket by
 * bucket.
 */
typedef struct weft_histogram {
    uint64_t count;
    uint64_t sum_ns;
    uint64_t buckets[WEFT_HISTOGRAM_BUCKETS];
} weft_histogram;

/* The index of the bucket that the duration falls into; one of 0 or less: the first. */
static inline size_t weft_histogram_bucket(weft_time duration)
{
    uint64_t units = duration > 0 ? (uint64_t)(duration - 1) >> 6 : 0;
    if (units < 4)
        return (size_t)units;
    if (units >> 30 != 0)
        return WEFT_HISTOGRAM_BUCKETS - 1;
    unsigned top = 63u - (unsigned)__builtin_clzll(units);
    return (size_t)(top - 1) * 4 + (size_t)(units >> (top - 2) & 3);
}

/* Counts the duration.  One below 0 adds nothing to the sum. */
static inline void weft_histogram_add(weft_histogram *histogram, weft_time duration)
{
    histogram->count++;
    histogram->sum_ns += duration > 0 ? (uint64_t)duration : 0;
    histogram->buckets[weft_histogram_bucket(duration)]++;
}

/* The longest duration that falls into the bucket; WEFT_FOREVER for the last. */
WEFT_API weft_time weft_histogram_bound(size_t bucket);

/* The quantile `part` (0.5: the median), rounded up to the bound of its bucket; 0 if the histogram
 * is empty. */
WEFT_API weft_time weft_histogram_quantile(const weft_histogram *histogram, double part);

/*
 * Everything there is to know of a loop.  It takes 2 KiB: better on the heap than on a task's
 * stack.
 *
 * pass_times: how long the loop ran tasks before it looked at its input again.  wait_times: how
 * long tasks that were ready waited to run; samples, of the task that became ready last in every
 * 16th pass.
 */
typedef struct weft_run_snapshot {
    uint32_t loop;       /* its number within the process */
    const char *backend; /* "io_uring", "epoll" or "sim" */
    weft_run_stats stats;
    weft_histogram pass_times, wait_times;
} weft_run_snapshot;

/* Fills *out with what is known of the calling thread's loop.  0, or -EPERM outside a loop. */
WEFT_API int weft_run_snapshot_get(weft_run_snapshot *out);

WEFT_END_DECLS

#endif
