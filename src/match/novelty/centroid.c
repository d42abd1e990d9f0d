/* SPDX-License-Identifier: MIT */

/*
 * Centroid: the distance, one minus the cosine, to the nearest centre of an entity (T. Mensink and
 * others, "Distance-based image classification: generalizing to new classes at near-zero cost",
 * 2013).
 */
#include "match/novelty/strategy.h"

static int centroid_score(const void *state, const wf_novel_query *query, double *out)
{
    wf_near best;
    int rc = wf_ground_centre(query->ground, &query->spot, query->absent, &best, query->job);
    (void)state;
    *out = 1 - (double)best.cosine;
    return rc;
}

const wf_novel_class wf_novel_centroid = {
    .id = "setfit_centroid", .weight = 0.45, .needs_space = true, .score = centroid_score};
