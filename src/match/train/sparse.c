/* SPDX-License-Identifier: MIT */

#include "match/train/sparse.h"

#include "base/alloc.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define ROWS_A_LOOK 256u

int wf_sparse_init(wf_sparse *sparse, size_t row_count, size_t count)
{
    sparse->row_count = row_count;
    sparse->count = count;
    sparse->start = wf_array(row_count + 1, sizeof(*sparse->start));
    sparse->indexes = wf_array(count, sizeof(*sparse->indexes));
    sparse->values = wf_array(count, sizeof(*sparse->values));
    bool has_all = sparse->start != NULL && sparse->indexes != NULL && sparse->values != NULL;
    return has_all ? 0 : -ENOMEM;
}

void wf_sparse_fini(wf_sparse *sparse)
{
    wf_free(sparse->start);
    wf_free(sparse->indexes);
    wf_free(sparse->values);
    *sparse = (wf_sparse){0};
}

int wf_sparse_turn(wf_sparse *out, const wf_sparse *rows, size_t columns, const wf_job *job)
{
    int rc = wf_sparse_init(out, columns, rows->count);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < rows->count; i++)
        out->start[rows->indexes[i] + 1]++;
    for (size_t i = 0; i < columns; i++)
        out->start[i + 1] += out->start[i];
    for (size_t row = rows->row_count; row-- > 0;) {
        rc = row % ROWS_A_LOOK == 0 ? wf_job_poll(job) : 0;
        if (rc < 0)
            return rc;
        for (size_t i = rows->start[row + 1]; i-- > rows->start[row];) {
            size_t column = rows->indexes[i], at = --out->start[column + 1];
            out->indexes[at] = (uint32_t)row;
            out->values[at] = rows->values[i];
        }
    }
    /* start[c + 1] went down to where c begins. */
    memmove(out->start, out->start + 1, columns * sizeof(*out->start));
    out->start[columns] = out->count;
    return 0;
}
