/* SPDX-License-Identifier: MIT */

#include "match/train/sparse.h"

#include "base/alloc.h"

#include <errno.h>
#include <stdbool.h>

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
