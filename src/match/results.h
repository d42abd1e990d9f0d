/* SPDX-License-Identifier: MIT */

/*
 * Results: the answers to the queries of one call.  They hold the snapshot they were made from, and
 * borrow its texts.
 */
#ifndef WF_MATCH_RESULTS_H
#define WF_MATCH_RESULTS_H

#include "match/hierarchy/kin.h"
#include "match/snapshot.h"

#include <weft/hierarchy.h>
#include <weft/novelty.h>

/* One block: hits, then the numbers of tied entities, then texts.  hits is its start. */
typedef struct wf_answer {
    weft_m_hit *hits;
    size_t hit_count;
    bool was_cut;
} wf_answer;

struct weft_m_results {
    wf_snapshot *snapshot; /* a reference */
    size_t count, top_k;
    float threshold;
    struct wf_novelties *novelties; /* owned; NULL: nobody asked */
    struct wf_kinships *kinships;   /* the same */
    wf_answer answers[];
};

/* What is said of novelty; one block. */
typedef struct wf_novelties {
    double alpha;
    float threshold;
    weft_m_signal *signals;
    weft_m_novelty_result items[];
} wf_novelties;

/* What the hierarchy makes of it. */
typedef struct wf_kinships {
    weft_hierarchy *hierarchy; /* a reference */
    wf_kin_plan plan;
    weft_m_hierarchy_result *items[]; /* a block each; NULL: a blank query */
} wf_kinships;

/* Results without any hit yet; takes a reference to `snapshot`.  NULL: no memory. */
weft_m_results *wf_results_new(wf_snapshot *snapshot, size_t count, size_t top_k, float threshold);

/* Makes the answer from seeker->rank; the seeker's text is lost.  Different answers may be made by
 * different threads.  0 or -ENOMEM. */
int wf_results_fill(weft_m_results *results, size_t index, wf_seeker *seeker,
                    const weft_m_options *options);

#endif
