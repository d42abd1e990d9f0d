/* SPDX-License-Identifier: MIT */

/* Volley: queries that are asked together, each with its vector and its rank; one thread's memory.
 */
#ifndef WF_MATCH_VOLLEY_H
#define WF_MATCH_VOLLEY_H

#include "match/index/sweep.h"

/* So many share the reading of the rows that the products alone take time. */
#define WF_VOLLEY_MAX ((size_t)64)

typedef struct wf_volley {
    wf_glance glances[WF_VOLLEY_MAX];
    wf_rank ranks[WF_VOLLEY_MAX];
    wf_look looks[WF_VOLLEY_MAX]; /* of those that have begun */
    size_t look_count;
} wf_volley;

/* NULL: no memory. */
wf_volley *wf_volley_new(void);
void wf_volley_free(wf_volley *volley); /* NULL is fine */

/* Takes the vectors of `count` queries, one behind the other, each of as many numbers as the rows
 * have; none has begun.  0 or -ENOMEM. */
int wf_volley_read(wf_volley *volley, const wf_vectors *vectors, const float *numbers,
                   size_t count);

/* Begins the search of query `at` among the entities of `allowed` (NULL: all), and its rank as
 * wf_rank_begin does.  0 or -ENOMEM. */
int wf_volley_begin(wf_volley *volley, size_t at, const uint64_t *allowed, size_t top_k,
                    size_t entity_count, float threshold);

#endif
