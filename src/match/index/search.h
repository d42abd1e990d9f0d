/* SPDX-License-Identifier: MIT */

/*
 * Exact search: the cosine of one vector with every row, the best row of each entity, the best
 * entities.
 *
 * The products are rounded to integers on a scale on which no sum can overflow, and integers are
 * summed.  So a sum does not depend on the order in which the postings come, equal rows have equal
 * scores to the last bit, and the error stays below 1e-6 for rows of everyday length.  By Cauchy
 * and Schwarz a sum of a part of the products is at most |query| * |row| = |row|: the scale is 2^30
 * / (the longest row).
 *
 * By the same inequality the heavy dimensions add at most (the query's share in them) * (the row's)
 * to a score.  Where that is less than what a row must reach, the light dimensions are summed
 * first, and only rows that could still reach it are completed.  Nothing is lost and no score
 * changes.
 */
#ifndef WF_MATCH_SEARCH_H
#define WF_MATCH_SEARCH_H

#include "match/index/postings.h"
#include "match/score/rank.h"
#include "match/work.h"

/* One thread's memory for searching.  Zeroed is ready. */
typedef struct wf_finder {
    int32_t *sums;   /* one a row of a segment */
    float *best;     /* of each group of rows */
    wf_vector light; /* the query, in two parts; values on the scale of the sums */
    wf_vector heavy;
} wf_finder;

void wf_finder_fini(wf_finder *finder);

typedef struct wf_search {
    const wf_postings *postings;
    const uint32_t *row_entity; /* ascending; NULL: each row is an entity */
    const uint64_t *allowed;    /* bit e: entity e may be found; NULL: all */
    const uint32_t *without;    /* a row not to be found, if there is row_entity; NULL: none */
} wf_search;

/* Offers the entities to `rank`, which has begun.  0, -ENOMEM, or what the job was halted with. */
int wf_find(wf_finder *finder, const wf_search *search, const wf_vector *query, wf_rank *rank,
            const wf_job *job);

#endif
