/* SPDX-License-Identifier: MIT */

#include "core/task/park_priv.h"

#include "core/look/debug.h"

#include <weft/error.h>

void weft_waitq_push(weft_waitq *queue, weft_waiter *waiter)
{
    wf_waitq_push(queue, waiter);
}

void weft_waitq_remove(weft_waiter *waiter)
{
    wf_waitq_remove(waiter);
}

weft_waiter *weft_waitq_pop(weft_waitq *queue)
{
    return wf_waitq_pop(queue);
}

int weft_sp_enter(void)
{
    return wf_sp_enter(wf_sched_self());
}

int weft_loop_check(const weft_loop *loop, const char *what)
{
    const struct wf_sched *sched = wf_sched_self();
    if (sched == NULL)
        return wf_sp_outside();
    return sched->loop == loop ? 0 : weft_fail(-EPERM, "%s: it belongs to another loop", what);
}

int wf_sp_outside(void)
{
    wf_debug_no_task();
    return -EPERM;
}

int wf_sp_enter_slow(struct wf_sched *sched)
{
    wf_task *self = sched->current;
    (void)WEFT_FAULT(WEFT_FAULT_WAIT, wf_task_site(self));
    int rc = wf_check(self);
    if (rc < 0)
        return rc;
    if (sched->streak >= WF_STREAK_MAX) {
        wf_sched_yield(sched, self);
        rc = wf_check(self);
    }
    return rc;
}

int wf_park_refused(wf_task *task)
{
    bool is_deadlocked = wf_task_take_deadlock(task);
    if ((task->scope->flags & WF_NODE_EFFECTIVE) != 0)
        return wf_cancelled(task);
    return is_deadlocked ? -EDEADLK : -ECANCELED;
}

int weft_park(weft_waiter *waiter)
{
    return wf_park_cancellable(wf_sched_current, waiter);
}

int weft_park_shielded(weft_waiter *waiter)
{
    return wf_park(wf_sched_current, waiter, WF_TASK_SHIELDED);
}

void weft_wake(weft_waiter *waiter, int rc)
{
    wf_wake(waiter, rc);
}
