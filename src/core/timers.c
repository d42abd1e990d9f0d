/* SPDX-License-Identifier: MIT */

/* A sorted list: right, and slow with many timers. */

#include "core/timers.h"

#include <string.h>

void wf_timers_init(struct wf_timers *timers, weft_time now)
{
    (void)now;
    memset(timers, 0, sizeof *timers);
}

void wf_timers_stop(struct wf_timers *timers, weft_timer *timer)
{
    if (timer->priv_slot == 0)
        return;
    weft_timer **at = &timers->due;
    while (*at != timer)
        at = &(*at)->priv_next;
    *at = timer->priv_next;
    timer->priv_slot = 0;
    timers->count--;
}

void wf_timers_start(struct wf_timers *timers, weft_timer *timer, weft_time deadline)
{
    wf_timers_stop(timers, timer);
    timer->deadline = deadline;
    weft_timer **at = &timers->due;
    while (*at != NULL && (*at)->deadline <= deadline)
        at = &(*at)->priv_next;
    timer->priv_next = *at;
    *at = timer;
    timer->priv_slot = 1;
    timers->count++;
}

weft_time wf_timers_next(struct wf_timers *timers)
{
    return wf_timers_next_bound(timers);
}

weft_time wf_timers_next_bound(const struct wf_timers *timers)
{
    return timers->due != NULL ? timers->due->deadline : WEFT_FOREVER;
}

weft_timer *wf_timers_pop(struct wf_timers *timers, weft_time now)
{
    weft_timer *timer = timers->due;
    if (timer == NULL || timer->deadline > now)
        return NULL;
    wf_timers_stop(timers, timer);
    return timer;
}
