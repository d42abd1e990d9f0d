/* SPDX-License-Identifier: MIT */

#include "match/snapshot.h"

#include "base/alloc.h"

wf_snapshot *wf_snapshot_new(wf_scorer *scorer, float threshold, uint64_t number)
{
    wf_snapshot *snapshot = wf_alloc(sizeof(*snapshot));
    if (snapshot == NULL)
        return NULL;
    *snapshot = (wf_snapshot){
        .refs = 1, .threshold = threshold, .number = number, .scorer = wf_scorer_ref(scorer)};
    return snapshot;
}

wf_snapshot *wf_snapshot_ref(wf_snapshot *snapshot)
{
    __atomic_add_fetch(&snapshot->refs, 1, __ATOMIC_RELAXED);
    return snapshot;
}

void wf_snapshot_unref(wf_snapshot *snapshot)
{
    if (snapshot == NULL || __atomic_sub_fetch(&snapshot->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    wf_scorer_unref(snapshot->scorer);
    wf_free(snapshot);
}
