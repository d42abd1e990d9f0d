/* SPDX-License-Identifier: MIT */

/*
 * Park and wake for the core's own primitives: what <weft/sys/park.h> says, inline.  A hand-over is
 * a few dozen instructions, and half a dozen calls on its way are as much again.
 */
#ifndef WF_PARK_PRIV_H
#define WF_PARK_PRIV_H

#include <weft/sys/park.h>

#include <weft/sys/fault.h>

#include "core/task/sched_priv.h"

static inline void wf_waitq_push(weft_waitq *queue, weft_waiter *waiter)
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
    if (WF_DEBUG_CHECKS)
        wf_debug_queue_joined(queue);
}

/* It is in this queue. */
static inline void wf_waitq_take(weft_waitq *queue, weft_waiter *waiter)
{
    if (waiter->priv_next == waiter) {
        queue->priv_head = NULL;
    } else {
        waiter->priv_prev->priv_next = waiter->priv_next;
        waiter->priv_next->priv_prev = waiter->priv_prev;
        if (queue->priv_head == waiter)
            queue->priv_head = waiter->priv_next;
    }
    waiter->priv_queue = NULL;
    if (WF_DEBUG_CHECKS)
        wf_debug_queue_left(queue);
}

static inline void wf_waitq_remove(weft_waiter *waiter)
{
    if (WF_DEBUG_CHECKS && waiter->priv_queue != NULL)
        wf_debug_queue_verify(waiter);
    if (waiter->priv_queue != NULL)
        wf_waitq_take(waiter->priv_queue, waiter);
}

static inline weft_waiter *wf_waitq_pop(weft_waitq *queue)
{
    weft_waiter *first = queue->priv_head;
    if (first != NULL)
        wf_waitq_take(queue, first);
    return first;
}

/* It was just taken off its queue, so nobody has woken it. */
static inline void wf_wake_taken(weft_waiter *waiter, int rc)
{
    waiter->is_woken = true;
    waiter->rc = rc;
    if (waiter->wait_class->woken != NULL)
        waiter->wait_class->woken(waiter);
    else if (waiter->priv_parked != 0)
        wf_sched_ready(wf_sched_current, waiter->task);
}

static inline void wf_wake(weft_waiter *waiter, int rc)
{
    if (waiter->is_woken)
        return;
    wf_waitq_remove(waiter);
    wf_wake_taken(waiter, rc);
}

int wf_check_slow(wf_task *task);

/* 0 or wf_cancelled(); looks at deadlines that are due. */
static inline int wf_check(wf_task *task)
{
    unsigned flags = task->scope->flags;
    return __builtin_expect((flags & (WF_NODE_EFFECTIVE | WF_NODE_DUE)) == 0, 1)
               ? 0
               : wf_check_slow(task);
}

/* Successful waits in a row before a task must let others run (rule F03). */
#define WF_STREAK_MAX 128

/* A cancel, a deadline, a fault plan, or it is others' turn. */
static inline bool wf_sp_is_rare(const struct wf_sched *sched)
{
    bool is_rare = sched->streak >= WF_STREAK_MAX || weft_fault_armed_ != 0 ||
                   (sched->current->scope->flags & (WF_NODE_EFFECTIVE | WF_NODE_DUE)) != 0;
    return __builtin_expect(is_rare, 0);
}

/* There is no task: -EPERM. */
__attribute__((cold)) int wf_sp_outside(void);

/* weft_sp_enter, inline but for what is rare. */
int wf_sp_enter_slow(struct wf_sched *sched);
static inline int wf_sp_enter(struct wf_sched *sched)
{
    if (__builtin_expect(sched == NULL || sched->current == NULL, 0))
        return wf_sp_outside();
    sched->streak++;
    return wf_sp_is_rare(sched) ? wf_sp_enter_slow(sched) : 0;
}

/* Waits until the waiter is woken; with WF_TASK_SHIELDED in `flags` deaf to cancellation. */
static WF_IN_PLACE int wf_park(struct wf_sched *sched, weft_waiter *waiter, unsigned flags)
{
    wf_task *self = sched->current;
    waiter->task = self;
    if (!waiter->is_woken) {
        waiter->priv_parked = 1;
        waiter->priv_since = sched->pass.began;
        self->body->parked_on = waiter;
        self->flags |= flags;
        wf_sched_leave(sched, self);
        self->body->parked_on = NULL;
        waiter->priv_parked = 0;
        self->flags &= (uint8_t)~flags;
    }
    return waiter->rc;
}

/* True if its wait was ended to end a deadlock; once. */
static inline bool wf_task_take_deadlock(wf_task *task)
{
    bool is_deadlocked = task->body->is_deadlocked;
    task->body->is_deadlocked = false;
    return is_deadlocked;
}

/* What an -ECANCELED of a wait is for its task: one from our own scope notes its reason; one by
 * which a deadlock was ended is -EDEADLK. */
int wf_park_refused(wf_task *task);

/* weft_park, inline. */
static WF_IN_PLACE int wf_park_cancellable(struct wf_sched *sched, weft_waiter *waiter)
{
    int rc = wf_park(sched, waiter, 0);
    return __builtin_expect(rc == -ECANCELED, 0) ? wf_park_refused(sched->current) : rc;
}

#endif
