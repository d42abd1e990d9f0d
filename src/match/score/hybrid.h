/* SPDX-License-Identifier: MIT */

/*
 * Hybrid: three stages.  Blocking finds the entities worth a closer look, another scorer scores
 * those, and a reranker, if there is one, puts the best in order.
 *
 * Blocking only saves work: where it finds fewer entities than retrieval asks for, all are looked
 * at.  So a text that shares nothing with the right entity, which the other scorer may know by its
 * meaning, is not lost for it.
 */
#ifndef WF_MATCH_HYBRID_H
#define WF_MATCH_HYBRID_H

#include "match/block/blocker.h"
#include "match/score/scorer.h"

#define WF_BLOCKING_TOP_K 1000u
#define WF_RETRIEVAL_TOP_K 50u

/* Scores of texts for a query by a model that reads both, greater is better. */
typedef struct wf_rerank {
    int (*score)(void *self, weft_str query, const weft_str *texts, size_t count, float *out,
                 const wf_job *job); /* NULL: there is none */
    void *self;
} wf_rerank;

/* `retriever` is the class of the scorer in the middle. */
int wf_hybrid_create_with(wf_scorer **out, const wf_scorer_class *retriever,
                          wf_catalogue *catalogue, const weft_m_options *options,
                          enum wf_blocking blocking, wf_rerank rerank);

/* The same with the options' reranker, if there is one. */
int wf_hybrid_create(wf_scorer **out, const wf_scorer_class *retriever, wf_catalogue *catalogue,
                     const weft_m_options *options, enum wf_blocking blocking);

#endif
