/* SPDX-License-Identifier: MIT */

#include "core/sched_priv.h"

void weft_waitq_push(weft_waitq *queue, weft_waiter *waiter)
{
    weft_waiter *first = queue->priv_head;
    if (first == NULL) {
        waiter->priv_next = waiter;
        waiter->priv_prev = waiter;
        queue->priv_head = waiter;
    } else {
        waiter->priv_next = first;
        waiter->priv_prev = first->priv_prev;
        first->priv_prev->priv_next = waiter;
        first->priv_prev = waiter;
    }
    waiter->priv_queue = queue;
}

void weft_waitq_remove(weft_waiter *waiter)
{
    weft_waitq *queue = waiter->priv_queue;
    if (queue == NULL)
        return;
    if (waiter->priv_next == waiter) {
        queue->priv_head = NULL;
    } else {
        waiter->priv_prev->priv_next = waiter->priv_next;
        waiter->priv_next->priv_prev = waiter->priv_prev;
        if (queue->priv_head == waiter)
            queue->priv_head = waiter->priv_next;
    }
    waiter->priv_queue = NULL;
}

weft_waiter *weft_waitq_pop(weft_waitq *queue)
{
    weft_waiter *first = queue->priv_head;
    if (first != NULL)
        weft_waitq_remove(first);
    return first;
}

int weft_sp_enter(void)
{
    return wf_sp_enter(wf_sched_self());
}

int wf_sp_enter_slow(struct wf_sched *sched)
{
    wf_task *self = sched->current;
    (void)WEFT_FAULT(WEFT_FAULT_WAIT, self->site);
    int rc = wf_check(self);
    if (rc < 0)
        return rc;
    if (++self->streak >= WF_STREAK_MAX) {
        wf_sched_yield(sched, self);
        rc = wf_check(self);
    }
    return rc;
}

int weft_park(weft_waiter *waiter)
{
    return wf_park_cancellable(wf_loop_current->sched, waiter);
}

int weft_park_shielded(weft_waiter *waiter)
{
    return wf_park(wf_loop_current->sched, waiter, WF_TASK_SHIELDED);
}

void weft_wake(weft_waiter *waiter, int rc)
{
    if (waiter->is_woken)
        return;
    weft_waitq_remove(waiter);
    waiter->is_woken = true;
    waiter->rc = rc;
    if (waiter->wait_class->woken != NULL)
        waiter->wait_class->woken(waiter);
    else if (waiter->task != NULL && waiter->task->parked_on == waiter)
        wf_sched_ready(wf_loop_current->sched, waiter->task);
}
