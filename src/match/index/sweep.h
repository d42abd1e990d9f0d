/* SPDX-License-Identifier: MIT */

/*
 * Sweep: exact search among dense vectors for some queries at once, so that rows are read once for
 * all of them.
 *
 * It reads the rows' copies in bytes (vectors.h), whose product with the query's says between which
 * two numbers a cosine lies.  A query keeps the rows that could still be among its best; when it
 * has many, the k-th of the lower ends is a bar that those must reach whose upper ends are to be
 * kept.  Only rows that are left at the end are computed in floats.  So nothing is lost, scores are
 * those of the floats, and no answer depends on which queries were asked together.  Where rows have
 * no bytes, both ends are the cosine itself, by tiles of floats; the answers are the same.
 */
#ifndef WF_MATCH_SWEEP_H
#define WF_MATCH_SWEEP_H

#include "match/index/vectors.h"
#include "match/score/rank.h"
#include "match/work.h"

/* One query. */
typedef struct wf_look {
    const wf_glance *glance; /* taken */
    const uint64_t *allowed; /* bit e: entity e may be found; NULL: all */
    wf_rank *rank;           /* it has begun */
} wf_look;

/* Offers the entities to each look's rank, each with its best row; the score is the cosine.
 * `row_entity` ascends; NULL: each row is one.  0, -ENOMEM, or what the job was halted with. */
int wf_sweep(const wf_vectors *vectors, const wf_look *looks, size_t count,
             const uint32_t *row_entity, const wf_job *job);

#endif
