/* SPDX-License-Identifier: MIT */

/* Time and pauses: now, sleep, yield. */

#include <weft/task.h>

#include "base/sys.h"
#include "core/task/park_priv.h"

weft_time weft_now(void)
{
    weft_loop *loop = wf_loop_current;
    return loop != NULL ? weft_loop_now(loop) : wf_sys_now();
}

weft_time weft_after(weft_time duration)
{
    weft_time now, at;
    if (duration == WEFT_FOREVER)
        return WEFT_FOREVER;
    now = weft_now();
    if (__builtin_add_overflow(now, duration, &at))
        return duration > 0 ? WEFT_FOREVER : INT64_MIN;
    return at;
}

int weft_yield(void)
{
    struct wf_sched *sched = wf_sched_self();
    int rc = wf_sp_enter(sched);
    if (rc < 0)
        return rc;
    wf_sched_yield(sched, sched->current);
    return wf_check(sched->current);
}

static const weft_wait_class idle_class = {.what = "idle loop"};

int weft_wait_idle(void)
{
    int rc = weft_sp_enter();
    if (rc < 0)
        return rc;
    weft_waiter self = WEFT_WAITER(&idle_class, NULL);
    wf_waitq_push(&wf_sched_current->idle_waiters, &self);
    return weft_park(&self);
}

bool wf_sched_tell_idle(struct wf_sched *sched)
{
    weft_waiter *waiter = wf_waitq_pop(&sched->idle_waiters);
    bool is_told = waiter != NULL;
    for (; waiter != NULL; waiter = wf_waitq_pop(&sched->idle_waiters))
        wf_wake(waiter, 0);
    return is_told;
}

struct sleeper {
    weft_waiter waiter;
    weft_timer timer;
};

static void sleeper_cancel(weft_waiter *waiter)
{
    struct sleeper *sleeper = wf_container(waiter, struct sleeper, waiter);
    weft_timer_stop(wf_loop_current, &sleeper->timer);
    weft_wake(waiter, -ECANCELED);
}

static const weft_wait_class sleep_class = {.what = "sleep", .cancel = sleeper_cancel};

static void sleeper_due(weft_timer *timer)
{
    weft_wake(&wf_container(timer, struct sleeper, timer)->waiter, 0);
}

int weft_sleep(weft_time duration)
{
    if (duration <= 0)
        return weft_yield();
    int rc = weft_sp_enter();
    if (rc < 0)
        return rc;
    struct sleeper self = {.waiter = WEFT_WAITER(&sleep_class, NULL)};
    weft_timer_init(&self.timer, sleeper_due);
    weft_timer_start(wf_loop_current, &self.timer, weft_after(duration));
    return weft_park(&self.waiter);
}
