/* SPDX-License-Identifier: MIT */

/*
 * Snapshot: everything an answer is made from, constant, shared by reference count.  A change makes
 * a new one.
 */
#ifndef WF_MATCH_SNAPSHOT_H
#define WF_MATCH_SNAPSHOT_H

#include "match/score/scorer.h"

typedef struct wf_snapshot {
    unsigned refs; /* atomic */
    float threshold;
    uint64_t number;
    wf_scorer *scorer; /* a reference; it has one to the catalogue */
} wf_snapshot;

/* Takes a reference to `scorer`.  NULL: no memory. */
wf_snapshot *wf_snapshot_new(wf_scorer *scorer, float threshold, uint64_t number);
wf_snapshot *wf_snapshot_ref(wf_snapshot *snapshot);
void wf_snapshot_unref(wf_snapshot *snapshot); /* NULL is fine */

/* The active mode.  Static text. */
static inline const char *wf_snapshot_mode(const wf_snapshot *snapshot)
{
    return snapshot->scorer->cls->mode;
}

/* How callers of the system this one follows know it. */
static inline const char *wf_snapshot_matcher(const wf_snapshot *snapshot)
{
    if (snapshot->scorer->cls == &wf_scorer_hybrid)
        return "HybridMatcher";
    return snapshot->scorer->cls->shows_names ? "_EntityMatcher" : "EmbeddingMatcher";
}

static inline const wf_catalogue *wf_snapshot_catalogue(const wf_snapshot *snapshot)
{
    return snapshot->scorer->catalogue;
}

#endif
