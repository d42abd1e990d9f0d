/* SPDX-License-Identifier: MIT */

/* What is said of novelty, as JSON. */
#include "match/json.h"
#include "match/results.h"

#include <weft/novelty.h>

static void put_id(wf_json *json, const char *key, const weft_m_hit *hit)
{
    wf_json_key(json, key);
    if (hit != NULL)
        wf_m_json_id(json, hit->id, hit->id_is_integer);
    else
        wf_json_null(json);
}

static void put_signals(wf_json *json, const weft_m_novelty_result *item)
{
    wf_json_key(json, "signals");
    wf_json_object(json);
    for (size_t i = 0; i < item->signal_count; i++)
        wf_json_put_bool(json, item->signals[i].strategy, item->signals[i].is_novel);
    wf_json_object_end(json);
}

static void put_metadata(wf_json *json, const wf_novelties *all, const weft_m_novelty_result *item)
{
    wf_json_key(json, "metadata");
    wf_json_object(json);
    wf_json_put_double(json, "p_value", item->p_value);
    wf_json_put_double(json, "alpha", all->alpha);
    wf_json_key(json, "threshold");
    wf_json_float(json, all->threshold);
    wf_json_key(json, "strategies");
    wf_json_object(json);
    for (size_t i = 0; i < item->signal_count; i++) {
        const weft_m_signal *signal = &item->signals[i];
        wf_json_key(json, signal->strategy);
        wf_json_object(json);
        wf_json_put_double(json, "score", signal->score);
        wf_json_put_double(json, "p_value", signal->p_value);
        wf_json_put_double(json, "novel_score", signal->novel_score);
        wf_json_object_end(json);
    }
    wf_json_object_end(json);
    wf_json_object_end(json);
}

static void write_item(wf_json *json, const weft_m_results *results, size_t index)
{
    const weft_m_novelty_result *item = weft_m_results_novelty(results, index);
    size_t count;
    const weft_m_hit *hits = weft_m_results_hits(results, index, &count);
    wf_json_object(json);
    put_id(json, "id", item->is_match ? item->best : NULL);
    wf_json_key(json, "score");
    wf_json_float(json, item->best != NULL ? item->best->score : 0);
    wf_json_put_bool(json, "is_match", item->is_match);
    wf_json_put_bool(json, "is_novel", item->is_novel);
    wf_json_put_double(json, "novel_score", item->novel_score);
    wf_json_key(json, "match_method");
    wf_json_text(json, item->method);
    wf_json_key(json, "alternatives");
    wf_m_json_hits(json, results, hits, count);
    put_signals(json, item);
    put_id(json, "predicted_id", item->best);
    put_metadata(json, results->novelties, item);
    wf_json_object_end(json);
}

int weft_m_novelty_result_json(const weft_m_results *results, size_t index, weft_text *out)
{
    return wf_m_json_one(write_item, results, index, out);
}

int weft_m_novelty_json(weft_matcher *matcher, const weft_str *queries, size_t query_count,
                        const weft_m_novelty_options *options, weft_text *out, weft_m_error *error)
{
    weft_m_results *results;
    int rc = weft_m_novelty(matcher, queries, query_count, options, &results, error);
    return rc < 0 ? rc : wf_m_json_list(write_item, results, query_count, out);
}
