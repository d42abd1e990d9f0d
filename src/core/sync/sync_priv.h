/* SPDX-License-Identifier: MIT */

/* What the synchronisation objects share. */
#ifndef WF_SYNC_PRIV_H
#define WF_SYNC_PRIV_H

#include "core/task/park_priv.h"

/* weft_sp_enter() and weft_park(), inline: see wf_sched_leave(). */
static inline int wf_sync_enter(void)
{
    return wf_sp_enter(wf_sched_self());
}

static WF_IN_PLACE int wf_sync_park(weft_waiter *waiter)
{
    return wf_park_cancellable(wf_sched_current, waiter);
}

/* True if tasks of another loop wait here (rule P10).  Costs nothing while nobody waits; then the
 * misuse is not seen either. */
static inline bool wf_waitq_is_foreign(const weft_waitq *queue)
{
    const weft_waiter *first = weft_waitq_first(queue);
    return first != NULL && wf_task_is_foreign(wf_sched_current, first->task);
}

/* A number that grows with every wait of the loop: tells which of two waiters came first. */
static inline uint64_t wf_wait_order(void)
{
    return wf_sched_self()->stats.switches;
}

/* One line: what happened to which object. */
#define wf_sync_log(...)                                                                           \
    do {                                                                                           \
        struct wf_sched *log_sched_ = wf_sched_self();                                             \
        if (log_sched_ != NULL)                                                                    \
            wf_sched_log(log_sched_, __VA_ARGS__);                                                 \
    } while (0)

/* One line about a misuse, and who it was. */
void wf_sync_misuse(const char *kind, const void *object, const char *what);

static inline void wf_waitq_wake_all(weft_waitq *queue, int rc)
{
    for (weft_waiter *waiter; (waiter = wf_waitq_pop(queue)) != NULL;)
        wf_wake(waiter, rc);
}

#endif
