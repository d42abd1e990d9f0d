/* SPDX-License-Identifier: MIT */

/* Sparse: rows of few numbers each, one after the other: of row r indexes[start[r]] …
 * indexes[start[r + 1] - 1] with their values. */
#ifndef WF_MATCH_SPARSE_H
#define WF_MATCH_SPARSE_H

#include "match/work.h"

#include <stddef.h>
#include <stdint.h>

typedef struct wf_sparse {
    size_t *start;
    uint32_t *indexes;
    float *values;
    size_t row_count, count;
} wf_sparse;

/* Room for `count` numbers in all.  0 or -ENOMEM; fini in any case. */
int wf_sparse_init(wf_sparse *sparse, size_t row_count, size_t count);
void wf_sparse_fini(wf_sparse *sparse);

/* The same numbers by column, of which there are `columns`; rows ascend in each.  0, -ENOMEM, or
 * why to end; fini in any case. */
int wf_sparse_turn(wf_sparse *out, const wf_sparse *rows, size_t columns, const wf_job *job);

#endif
