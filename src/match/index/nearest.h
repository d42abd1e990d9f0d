/* SPDX-License-Identifier: MIT */

/* Nearest: the entities nearest to a query, by a graph where that may be asked, else by a scan. */
#ifndef WF_MATCH_NEAREST_H
#define WF_MATCH_NEAREST_H

#include "match/index/hnsw.h"

/* Offers them to `rank`, which has begun, each with its best row; the score is the cosine.  `graph`
 * may be NULL; it gives `rows` rows, or those it looks at if they are more.  `row_entity` ascends;
 * NULL: each row is one.  Bit e of `allowed`: entity e may be found; NULL: all.  0, -ENOMEM, or
 * what the job was halted with. */
int wf_nearest_offer(const wf_vectors *vectors, const wf_hnsw *graph, size_t rows,
                     const wf_glance *glance, const uint32_t *row_entity, const uint64_t *allowed,
                     wf_hnsw_desk *desk, wf_rank *rank, const wf_job *job);

#endif
