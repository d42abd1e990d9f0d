/* SPDX-License-Identifier: MIT */

#include <weft/sem.h>

#include "core/sync/sync_priv.h"

#include <assert.h>

/*
 * Free units and waiters never exist together: a unit that is given while somebody waits is handed
 * over instead of counted.  A task that asks before the waiter has run can so not overtake it, and
 * a waiter that is cancelled after the hand-over still has its unit.
 */
static const weft_wait_class sem_wait_class = {.what = "semaphore"};

int weft_sem_try(weft_sem *sem)
{
    if (sem->priv_units <= 0)
        return -EAGAIN;
    assert(weft_waitq_first(&sem->priv_waiters) == NULL);
    sem->priv_units--;
    return 0;
}

/* The whole of it; what follows is the usual way without a wait, and without a frame. */
static __attribute__((noinline)) int sem_take(weft_sem *sem)
{
    int rc = wf_sync_enter();
    if (rc < 0)
        return rc;
    if (weft_sem_try(sem) == 0)
        return 0;
    if (wf_waitq_is_foreign(&sem->priv_waiters))
        return -EPERM;

    weft_waiter self = WEFT_WAITER(&sem_wait_class, sem);
    wf_waitq_push(&sem->priv_waiters, &self);
    return wf_sync_park(&self);
}

int weft_sem_take(weft_sem *sem)
{
    struct wf_sched *sched = wf_sched_self();
    bool is_usual = sem->priv_units > 0 && sched != NULL && sched->current != NULL;
    if (!is_usual || wf_sp_is_rare(sched))
        return sem_take(sem);
    sched->streak++;
    return weft_sem_try(sem);
}

int weft_sem_give(weft_sem *sem)
{
    if (wf_waitq_is_foreign(&sem->priv_waiters))
        return -EPERM;
    weft_waiter *waiter = wf_waitq_pop(&sem->priv_waiters);
    if (waiter != NULL) {
        wf_wake_taken(waiter, 0);
        return 0;
    }
    int64_t units_max = sem->priv_units_max != 0 ? sem->priv_units_max : INT64_MAX;
    if (sem->priv_units >= units_max)
        return -EOVERFLOW;
    sem->priv_units++;
    return 0;
}
