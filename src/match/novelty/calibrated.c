/* SPDX-License-Identifier: MIT */

/*
 * Calibrated: the scorer's own doubt that any entity is meant.  The default: it needs nothing but
 * the match.
 */
#include "match/novelty/strategy.h"

static int calibrated_score(const void *state, const wf_novel_query *query, double *out)
{
    (void)state;
    *out = query->doubt;
    return 0;
}

const wf_novel_class wf_novel_calibrated = {
    .id = "calibrated", .weight = 1, .score = calibrated_score};
