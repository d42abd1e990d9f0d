/* SPDX-License-Identifier: MIT */

/*
 * Rank: the best k of many scored entities, best first, equal scores in the order of the catalogue,
 * and those left out only because they tie with the last.  Offer entities in ascending order, each
 * once, with the best of its rows.
 */
#ifndef WF_MATCH_RANK_H
#define WF_MATCH_RANK_H

#include <weft/base.h>

#define WF_TIED_MAX 1000u

typedef struct wf_found {
    uint32_t entity, row;
    float score;
    uint32_t text_bytes; /* of the text shown for it; set when results are made */
    float rerank;        /* of a rank that is reranked */
} wf_found;

/* Invariant while offering: found[0, count) is a heap with the worst on top; tied[0, tied_count)
 * have exactly the worst's score, and are empty unless count == top_k. */
typedef struct wf_rank {
    wf_found *found;
    uint32_t *tied; /* entities, ascending after end */
    size_t count, capacity, top_k;
    size_t tied_count;
    float threshold;
    bool is_reranked; /* set after the end: found is in the order of rerank */
} wf_rank;

/* Bit `at` of a set; NULL: all are in it. */
static inline bool wf_is_in(const uint64_t *set, uint32_t at)
{
    return set == NULL || (set[at / 64] >> at % 64 & 1) != 0;
}

void wf_rank_fini(wf_rank *rank);

/* Empty, for at most `top_k` >= 1 of `entity_count` entities at or above `threshold`.  0, -ENOMEM.
 */
int wf_rank_begin(wf_rank *rank, size_t top_k, size_t entity_count, float threshold);

/* The least score that can still matter. */
static inline float wf_rank_bar(const wf_rank *rank)
{
    return rank->count < rank->top_k ? rank->threshold : rank->found[0].score;
}

void wf_rank_offer(wf_rank *rank, wf_found found);

/* Sorts. */
void wf_rank_end(wf_rank *rank);

/* After the end: as if no more than `top_k` had been asked for. */
void wf_rank_cut(wf_rank *rank, size_t top_k);

#endif
