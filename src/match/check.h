/* SPDX-License-Identifier: MIT */

/* The rules for what a caller hands in: one function a thing, each filling the error. */
#ifndef WF_MATCH_CHECK_H
#define WF_MATCH_CHECK_H

#include "match/block/blocker.h"
#include "match/catalogue.h"

/* Canonical decimal: what an integer looks like when it is written again. */
bool wf_check_is_integer(weft_str id);

/* One entity, all but the uniqueness of its id. */
int wf_check_entity(const weft_m_entity *entity, size_t index, const wf_limits *limits,
                    weft_m_error *error);

/* 0..1 and a number. */
int wf_check_threshold(float threshold, weft_m_error *error);

/* Modes.  `mode` with ptr NULL is auto.  *out is static text. */
int wf_check_mode(weft_str mode, const char **out, weft_m_error *error);
/* True of what is neither absent nor one of the built-in names. */
bool wf_is_model_name(weft_str model);

/* Whether a model that is not found may be done without. */
int wf_check_fallback(weft_str fallback, bool *out, weft_m_error *error);

int wf_check_model(weft_str model, weft_m_error *error);
int wf_check_blocking(weft_str name, enum wf_blocking *out, weft_m_error *error);
int wf_check_score_kind(weft_str kind, weft_m_error *error);

int wf_check_examples(const weft_m_example *examples, size_t count, const wf_catalogue *catalogue,
                      weft_m_error *error);

/* Queries and the settings of a call. */
int wf_check_queries(const weft_str *queries, size_t count, const weft_m_options *limits,
                     weft_m_error *error);
/* The same of each, however many there are. */
int wf_check_each_query(const weft_str *queries, size_t count, const weft_m_options *limits,
                        weft_m_error *error);
int wf_check_top_k(int64_t top_k, size_t top_k_max, weft_m_error *error);
int wf_check_batch_size(int64_t batch_size, weft_m_error *error);

#endif
