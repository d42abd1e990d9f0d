/* SPDX-License-Identifier: MIT */

#include "core/sync/sync_priv.h"
#include "core/task/task_priv.h"

void wf_sync_misuse(const char *kind, const void *object, const char *what)
{
    struct wf_sched *sched = wf_sched_self();
    char name[WEFT_ERROR_NAME_BYTES];
    if (sched == NULL)
        return;
    const wf_task *self = wf_current();
    if (self == NULL) {
        wf_sched_log(sched, "%s %p: %s, by a callback", kind, object, what);
        return;
    }
    wf_task_name(self, name, sizeof name);
    wf_sched_log(sched, "%s %p: %s, by task %s; spawned: %s", kind, object, what, name,
                 wf_task_site(self));
}
