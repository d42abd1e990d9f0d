/* SPDX-License-Identifier: MIT */

#include <weft/event.h>

#include "core/sync/sync_priv.h"

static const weft_wait_class event_wait_class = {.what = "event"};

int weft_event_wait(weft_event *event)
{
    int rc = wf_sync_enter();
    if (rc < 0 || event->priv_is_set)
        return rc;
    if (wf_waitq_is_foreign(&event->priv_waiters))
        return -EPERM;

    weft_waiter self = WEFT_WAITER(&event_wait_class, event);
    wf_waitq_push(&event->priv_waiters, &self);
    return wf_sync_park(&self);
}

void weft_event_set(weft_event *event)
{
    if (wf_waitq_is_foreign(&event->priv_waiters)) {
        wf_sync_misuse("event", event, "set from another loop");
        return;
    }
    event->priv_is_set = true;
    wf_waitq_wake_all(&event->priv_waiters, 0);
}

void weft_event_clear(weft_event *event)
{
    event->priv_is_set = false;
}
