/* SPDX-License-Identifier: MIT */

/*
 * k nearest neighbours: the mean distance, one minus the cosine, to the nearest references (S.
 * Ramaswamy, R. Rastogi and K. Shim, "Efficient algorithms for mining outliers from large data
 * sets", 2000).  With one text an entity a second neighbour already belongs to somebody else, so
 * one is the default.
 */
#include "match/novelty/strategy.h"

static int knn_score(const void *state, const wf_novel_query *query, double *out)
{
    size_t most = query->params->neighbours, count = query->near_count;
    double sum = 0;
    (void)state;
    count = count < most ? count : most;
    for (size_t i = 0; i < count; i++)
        sum += 1 - (double)query->near[i].cosine;
    *out = count != 0 ? sum / (double)count : 1;
    return 0;
}

const wf_novel_class wf_novel_knn = {.id = "knn_distance",
                                     .weight = 0.45,
                                     .needs_space = true,
                                     .needs_near = true,
                                     .score = knn_score};
