/* SPDX-License-Identifier: MIT */

/*
 * Park and wake for the core's own primitives: what <weft/sys/park.h> says, inline.  A hand-over is
 * a few dozen instructions, and half a dozen calls on its way are as much again.
 */
#ifndef WF_PARK_PRIV_H
#define WF_PARK_PRIV_H

#include <weft/sys/park.h>

#include "core/sched_priv.h"

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
}

static inline void wf_waitq_remove(weft_waiter *waiter)
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

static inline weft_waiter *wf_waitq_pop(weft_waitq *queue)
{
    weft_waiter *first = queue->priv_head;
    if (first != NULL)
        wf_waitq_remove(first);
    return first;
}

static inline void wf_wake(weft_waiter *waiter, int rc)
{
    if (waiter->is_woken)
        return;
    wf_waitq_remove(waiter);
    waiter->is_woken = true;
    waiter->rc = rc;
    if (waiter->wait_class->woken != NULL)
        waiter->wait_class->woken(waiter);
    else if (waiter->task != NULL && waiter->task->parked_on == waiter)
        wf_sched_ready(wf_loop_current->sched, waiter->task);
}

#endif
