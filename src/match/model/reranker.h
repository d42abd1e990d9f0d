/* SPDX-License-Identifier: MIT */

/* The record of a reranker. */
#ifndef WF_MATCH_RERANKER_H
#define WF_MATCH_RERANKER_H

#include "match/model/reason.h"
#include "match/work.h"

#include <weft/reranker.h>

struct weft_reranker {
    const weft_reranker_class *cls;
    void *self;
    char *name;
    unsigned refs; /* atomic */

    /* As cls->score, and ends early when the job is halted; NULL: cannot. */
    int (*score_job)(void *self, weft_str query, const weft_str *texts, size_t count, float *out,
                     const wf_job *job);
};

/* Scores of texts that are UTF-8: 0, -WEFT_M_EMODEL if one is not finite, or what the class
 * returns. */
int wf_reranker_run(weft_reranker *reranker, weft_str query, const weft_str *texts, size_t count,
                    float *out, const wf_job *job);

#endif
