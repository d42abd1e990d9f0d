/* SPDX-License-Identifier: MIT */

/*
 * Confidence: one minus the best score (D. Hendrycks and K. Gimpel, "A baseline for detecting
 * misclassified and out-of-distribution examples in neural networks", 2017).
 */
#include "match/novelty/strategy.h"

static int confidence_score(const void *state, const wf_novel_query *query, double *out)
{
    (void)state;
    *out = query->found_count != 0 ? 1 - (double)query->found[0].score : 1;
    return 0;
}

const wf_novel_class wf_novel_confidence = {
    .id = "confidence", .weight = 0.35, .score = confidence_score};
