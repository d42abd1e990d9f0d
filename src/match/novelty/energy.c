/* SPDX-License-Identifier: MIT */

/*
 * Energy: minus the log-sum-exp of the cosines with all entities' centres, times 25 (W. Liu and
 * others, "Energy-based out-of-distribution detection", 2020, with cosines for logits).
 */
#include "match/novelty/strategy.h"

#include <math.h>

#define SHARPNESS 25.0
#define CENTRES_BETWEEN_POLLS 4096u

static int energy_score(const void *state, const wf_novel_query *query, double *out)
{
    const wf_ground *ground = query->ground;
    double sum = 0;
    (void)state;
    /* A cosine is at most 1: with that as the greatest there is nothing to overflow. */
    for (uint32_t e = 0; e < ground->catalogue->entity_count; e++) {
        int rc = e % CENTRES_BETWEEN_POLLS == 0 ? wf_job_poll(query->job) : 0;
        if (rc < 0)
            return rc;
        float cosine;
        if (wf_ground_cosine(ground, &query->spot, e, query->absent, &cosine))
            sum += exp(SHARPNESS * ((double)cosine - 1));
    }
    *out = sum > 0 ? -SHARPNESS - log(sum) : 2 * SHARPNESS;
    return 0;
}

const wf_novel_class wf_novel_energy = {
    .id = "energy_ood", .weight = 0.2, .needs_space = true, .score = energy_score};
