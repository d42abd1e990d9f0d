/* SPDX-License-Identifier: MIT */

/*
 * Columns: what a regression needs to know of the features of its texts.  Features that the same
 * texts have with the same values get the same weights, and of those that one text alone has, the
 * weights go by their values: each such group is one column, as long as its features together.  The
 * sums, the norm of the weights and so the minimum are the same, of a fraction of the numbers: most
 * runs of characters of a word are in the same texts as the word.
 */
#ifndef WF_MATCH_COLUMNS_H
#define WF_MATCH_COLUMNS_H

#include "match/train/sparse.h"
#include "match/work.h"

typedef struct wf_columns {
    uint32_t *of; /* of each feature: its column */
    float *parts; /* … and its weight as a part of that of the column */
    size_t count;
    wf_sparse texts; /* texts: columns, ascending */
} wf_columns;

/* Of texts and the same by feature.  0, -ENOMEM, or what the job says; fini in any case. */
int wf_columns_init(wf_columns *columns, const wf_sparse *texts, const wf_sparse *features,
                    const wf_job *job);
void wf_columns_fini(wf_columns *columns);

#endif
