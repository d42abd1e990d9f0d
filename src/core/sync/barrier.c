/* SPDX-License-Identifier: MIT */

#include <weft/barrier.h>

#include "core/sync/sync_priv.h"

static void barrier_break(weft_waiter *waiter);

static const weft_wait_class barrier_wait_class = {.what = "barrier", .cancel = barrier_break};

/* A waiter was cancelled.  The generation can never be complete, so nobody may go on waiting. */
static void barrier_break(weft_waiter *waiter)
{
    weft_barrier *barrier = waiter->object;
    wf_wake(waiter, -ECANCELED);
    barrier->priv_arrived = 0;
    wf_waitq_wake_all(&barrier->priv_waiters, -EPIPE);
}

int weft_barrier_wait(weft_barrier *barrier)
{
    int rc = wf_sync_enter();
    if (rc < 0)
        return rc;
    if (wf_waitq_is_foreign(&barrier->priv_waiters))
        return -EPERM;
    if (barrier->priv_arrived + 1 >= barrier->priv_parties) {
        barrier->priv_arrived = 0;
        wf_waitq_wake_all(&barrier->priv_waiters, 0);
        return 1;
    }
    barrier->priv_arrived++;

    weft_waiter self = WEFT_WAITER(&barrier_wait_class, barrier);
    wf_waitq_push(&barrier->priv_waiters, &self);
    return wf_sync_park(&self);
}
