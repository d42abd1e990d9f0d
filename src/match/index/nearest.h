/* SPDX-License-Identifier: MIT */

/* Nearest: the entities nearest to queries, by a graph where that may be asked, else by a scan. */
#ifndef WF_MATCH_NEAREST_H
#define WF_MATCH_NEAREST_H

#include "match/index/hnsw.h"
#include "match/index/sweep.h"

/* Offers them to each look's rank, each with its best row; the score is the cosine.  `graph` may be
 * NULL; it is not asked where only some may be found.  It gives `rows_each` rows for each entity
 * that is wanted, or those it looks at if they are more.  `row_entity` ascends; NULL: each row is
 * one.  0, -ENOMEM, or what the job was halted with. */
int wf_nearest_offer(const wf_vectors *vectors, const wf_hnsw *graph, size_t rows_each,
                     const wf_look *looks, size_t count, const uint32_t *row_entity,
                     wf_hnsw_desk *desk, const wf_job *job);

#endif
