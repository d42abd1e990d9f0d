/* SPDX-License-Identifier: MIT */

/*
 * The meter: how long passes take, and how long a task that is ready waits until it runs.
 *
 * A pass that leaves nobody ready ends with the clock that the loop reads before it waits, so that
 * it costs no reading of its own.
 *
 * The waits are sampled, so that no switch reads a clock.  The ready queue is a FIFO, therefore the
 * n-th task that became ready is the n-th to run: in every 16th pass the number of the last one is
 * noted with the time, and the pass in which its turn comes stops just before it to look at the
 * clock.
 */
#ifndef WF_METER_H
#define WF_METER_H

#include <weft/stats.h>

#define WF_METER_EVERY 16u /* passes a sample */

struct wf_meter {
    weft_histogram pass_times, wait_times;
    weft_time pass_began;
    bool is_in_pass;
    uint64_t ran;         /* tasks taken off the ready queue */
    uint64_t sampled;     /* the number of the one that is watched; 0: none */
    weft_time sampled_at; /* when it was noted */
};

static inline void wf_meter_pass_over(struct wf_meter *meter, weft_time now)
{
    if (meter->is_in_pass)
        weft_histogram_add(&meter->pass_times, now - meter->pass_began);
    meter->is_in_pass = false;
}

static inline void wf_meter_pass(struct wf_meter *meter, weft_time now)
{
    wf_meter_pass_over(meter, now);
    meter->is_in_pass = true;
    meter->pass_began = now;
}

/* At the beginning of a pass: `readied` became ready so far. */
static inline void wf_meter_begin(struct wf_meter *meter, uint64_t pass, uint64_t readied,
                                  weft_time now)
{
    if (meter->sampled != 0 || pass % WF_METER_EVERY != 0)
        return;
    meter->sampled = readied;
    meter->sampled_at = now;
}

/* How many tasks run before the one that is watched; UINT64_MAX if none is. */
static inline uint64_t wf_meter_ahead(const struct wf_meter *meter)
{
    return meter->sampled != 0 ? meter->sampled - meter->ran - 1 : UINT64_MAX;
}

/* Its turn has come. */
static inline void wf_meter_end(struct wf_meter *meter, weft_time now)
{
    weft_histogram_add(&meter->wait_times, now - meter->sampled_at);
    meter->sampled = 0;
}

#endif
