/* SPDX-License-Identifier: MIT */

/*
 * The matcher's answers as parts of a larger JSON text: what the program's commands and routes put
 * into theirs.  Each writes one value.
 */
#ifndef WF_MATCH_JSON_H
#define WF_MATCH_JSON_H

#include "base/json_write.h"

#include <weft/match.h>

/* The answer to query `index`: with top_k 1 a result or null, else a list. */
void wf_m_write_result(wf_json *json, const weft_m_results *results, size_t index);

/* One result object. */
void wf_m_write_hit(wf_json *json, const weft_m_results *results, const weft_m_hit *hit);

/* Explanation or diagnosis. */
void wf_m_write_explanation(wf_json *json, const weft_m_explanation *explanation);

void wf_m_write_info(wf_json *json, const weft_m_info *info);
void wf_m_write_stats(wf_json *json, const weft_m_info *info);

/* {"error":{…}}. */
void wf_m_write_error(wf_json *json, const weft_m_error *error, weft_str request_id);

#endif
