/* SPDX-License-Identifier: MIT */

#include <weft/cond.h>

#include "core/sync/mutex_priv.h"
#include "core/sync/sync_priv.h"

static const weft_wait_class cond_wait_class = {.what = "condition"};

int weft_cond_wait(weft_cond *cond, weft_mutex *mutex)
{
    wf_task *task = wf_current();
    if (task == NULL || mutex->priv_owner != task)
        return -EPERM;
    int rc = wf_sync_enter();
    if (rc < 0)
        return rc;
    if (wf_waitq_is_foreign(&cond->priv_waiters))
        return -EPERM;

    weft_waiter self = WEFT_WAITER(&cond_wait_class, cond);
    wf_waitq_push(&cond->priv_waiters, &self);
    weft_unlock(mutex);
    rc = wf_sync_park(&self);
    bool was_notified = rc == 0;

    int locked = wf_mutex_lock_shielded(mutex);
    if (rc == 0)
        rc = locked < 0 ? locked : weft_check();
    /* A caller that leaves with an error does not act on the notification.  It must reach somebody
     * who does, or that one would sleep for ever. */
    if (rc < 0 && was_notified)
        weft_cond_notify(cond, 1);
    return rc;
}

void weft_cond_notify(weft_cond *cond, size_t count)
{
    if (wf_waitq_is_foreign(&cond->priv_waiters)) {
        wf_sync_misuse("condition", cond, "notified from another loop");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        weft_waiter *waiter = wf_waitq_pop(&cond->priv_waiters);
        if (waiter == NULL)
            return;
        wf_wake(waiter, 0);
    }
}
