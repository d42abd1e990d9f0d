/* SPDX-License-Identifier: MIT */

/* JSON: what the files that write answers share. */
#ifndef WF_MATCH_JSON_H
#define WF_MATCH_JSON_H

#include "base/json_write.h"

#include <weft/match.h>

/* Hands the text over, or frees it if a write has failed. */
int wf_m_json_end(wf_buf *buf, weft_text *out);

/* An id as it was given: a string, or a number. */
void wf_m_json_id(wf_json *json, weft_str id, bool is_integer);

/* Writes what results say of one query. */
typedef void wf_m_json_item(wf_json *json, const weft_m_results *results, size_t index);

/* The text of one, or of the list of the first `count`, whose results it frees. */
int wf_m_json_one(wf_m_json_item *put, const weft_m_results *results, size_t index, weft_text *out);
WEFT_WAITS int wf_m_json_list(wf_m_json_item *put, weft_m_results *results, size_t count,
                              weft_text *out);

void wf_m_json_hit(wf_json *json, const weft_m_results *results, const weft_m_hit *hit);
void wf_m_json_hits(wf_json *json, const weft_m_results *results, const weft_m_hit *hits,
                    size_t count);

#endif
