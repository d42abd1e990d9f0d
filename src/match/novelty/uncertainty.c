/* SPDX-License-Identifier: MIT */

/*
 * Uncertainty: how evenly the score is spread over the best entities; the mean of one minus the
 * margin between the first two and of the entropy of all, of which what no entity got is a part
 * (B. Settles, "Active learning literature survey", 2009, section 3.1).
 */
#include "match/novelty/strategy.h"

#include <math.h>

static double part(double p)
{
    return p > 0 ? -p * log(p) : 0;
}

static int uncertainty_score(const void *state, const wf_novel_query *query, double *out)
{
    double rest = 1, entropy = 0;
    size_t count = query->found_count;
    (void)state;
    for (size_t i = 0; i < count; i++) {
        double p = fmin(fmax((double)query->found[i].score, 0), rest);
        rest -= p;
        entropy += part(p);
    }
    entropy += part(rest);
    double first = count > 0 ? (double)query->found[0].score : 0;
    double second = count > 1 ? (double)query->found[1].score : 0;
    *out = (1 - (first - second) + entropy / log((double)count + 2)) / 2;
    return 0;
}

const wf_novel_class wf_novel_uncertainty = {
    .id = "uncertainty", .weight = 0.35, .score = uncertainty_score};
