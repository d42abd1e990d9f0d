/* SPDX-License-Identifier: MIT */

/* The values of task locals, shared by a task and those it has spawned until one sets another. */
#ifndef WF_LOCAL_PRIV_H
#define WF_LOCAL_PRIV_H

#include <weft/local.h>

struct wf_locals {
    uint32_t ref_count; /* tasks of one loop; written to only while it is 1 */
    uint32_t count;
    void *values[]; /* by number of the local, less one */
};

void wf_locals_free(struct wf_locals *locals);

static inline void wf_locals_drop(struct wf_locals **locals)
{
    struct wf_locals *old = *locals;
    *locals = NULL;
    if (old != NULL && --old->ref_count == 0)
        wf_locals_free(old);
}

#endif
