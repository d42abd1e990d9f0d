/* SPDX-License-Identifier: MIT */

/* A match with all that is known about it, as JSON. */
#include "base/alloc.h"
#include "base/json_write.h"
#include "match/results.h"

#include <weft/match.h>

#include <math.h>
#include <string.h>

/* One call and what came of it. */
struct told {
    const weft_str *queries;
    size_t count;
    const weft_m_query *query;
    weft_m_info info;
    const weft_m_results *results;
    weft_text *raw; /* the answer to each query, as weft_m_result_json gives it */
    bool is_single;
};

static const weft_m_hit *best_of(const struct told *told, size_t index)
{
    size_t count;
    return weft_m_results_hits(told->results, index, &count);
}

static void put_prediction(wf_json *json, const weft_m_hit *best)
{
    if (best == NULL)
        wf_json_text(json, "unknown");
    else if (best->id_is_integer)
        wf_json_raw(json, best->id);
    else
        wf_json_str(json, best->id);
}

static void put_raw(wf_json *json, const weft_text *raw)
{
    wf_json_raw(json, (weft_str){raw->ptr, raw->len});
}

/* Always a list: with top_k 1 the answer is an object or null. */
static void put_candidates(const struct told *told, wf_json *json, size_t index)
{
    if (weft_m_results_top_k(told->results) != 1) {
        put_raw(json, &told->raw[index]);
        return;
    }
    wf_json_array(json);
    if (best_of(told, index) != NULL)
        put_raw(json, &told->raw[index]);
    wf_json_array_end(json);
}

static void put_all_candidates(const struct told *told, wf_json *json)
{
    wf_json_key(json, "candidate_results");
    wf_json_array(json);
    for (size_t i = 0; i < told->count; i++)
        put_candidates(told, json, i);
    wf_json_array_end(json);
}

static void put_top(const struct told *told, wf_json *json)
{
    wf_json_key(json, "predictions");
    wf_json_array(json);
    for (size_t i = 0; i < told->count; i++)
        put_prediction(json, best_of(told, i));
    wf_json_array_end(json);
    wf_json_key(json, "confidences");
    wf_json_array(json);
    for (size_t i = 0; i < told->count; i++)
        wf_json_float(json, best_of(told, i) != NULL ? best_of(told, i)->score : 0);
    wf_json_array_end(json);
    wf_json_key(json, "embeddings");
    wf_json_null(json);
    wf_json_key(json, "scores");
    wf_json_null(json);
}

static void put_settings(const struct told *told, wf_json *json)
{
    float override = told->query->threshold;
    wf_json_key(json, "top_k");
    wf_json_int(json, told->query->top_k);
    wf_json_key(json, "threshold_override");
    if (isnan(override))
        wf_json_null(json);
    else
        wf_json_float(json, override);
    wf_json_key(json, "evaluation_threshold");
    wf_json_float(json, isnan(override) ? told->results->snapshot->threshold : override);
    wf_json_key(json, "model_name");
    wf_json_text(json, told->info.model);
    wf_json_key(json, "match_method");
    wf_json_text(json, weft_m_results_mode(told->results));
    wf_json_key(json, "single_input");
    wf_json_bool(json, told->is_single);
}

static void put_metadata(const struct told *told, wf_json *json)
{
    wf_json_key(json, "metadata");
    wf_json_object(json);
    put_settings(told, json);
    wf_json_put_strs(json, "texts", told->queries, told->count);
    wf_json_key(json, "raw_match_results");
    wf_json_array(json);
    for (size_t i = 0; i < told->count; i++)
        put_raw(json, &told->raw[i]);
    wf_json_array_end(json);
    put_all_candidates(told, json);
    wf_json_object_end(json);
}

static void put_record(const struct told *told, wf_json *json, size_t index)
{
    const weft_m_hit *best = best_of(told, index);
    bool is_cosine = strcmp(told->info.score_kind, "cosine") == 0;
    wf_json_object(json);
    wf_json_key(json, "text");
    wf_json_str(json, told->queries[index]);
    wf_json_key(json, "predicted_id");
    put_prediction(json, best);
    wf_json_key(json, "confidence");
    wf_json_float(json, best != NULL ? best->score : 0);
    wf_json_key(json, "embedding");
    wf_json_null(json);
    wf_json_key(json, "candidates");
    put_candidates(told, json, index);
    wf_json_key(json, "raw_result");
    put_raw(json, &told->raw[index]);
    wf_json_key(json, "metadata");
    wf_json_object(json);
    wf_json_key(json, "index");
    wf_json_uint(json, index);
    wf_json_object_end(json);
    wf_json_key(json, "match_method");
    wf_json_text(json, weft_m_results_mode(told->results));
    wf_json_key(json, "reference_embedding");
    wf_json_null(json);
    wf_json_key(json, "distance");
    if (best != NULL && is_cosine)
        wf_json_float(json, 1 - best->score);
    else
        wf_json_null(json);
    wf_json_object_end(json);
}

static int tell(struct told *told, weft_text *out)
{
    wf_buf buf = {0};
    wf_json json = {.out = &buf};
    wf_json_object(&json);
    put_top(told, &json);
    put_metadata(told, &json);
    put_all_candidates(told, &json);
    wf_json_key(&json, "records");
    wf_json_array(&json);
    for (size_t i = 0; i < told->count; i++)
        put_record(told, &json, i);
    wf_json_array_end(&json);
    wf_json_object_end(&json);
    wf_buf_putc(&buf, '\0');
    int rc = buf.rc;
    if (rc < 0)
        wf_buf_fini(&buf);
    else
        *out = (weft_text){.ptr = buf.mem, .len = wf_buf_bytes(&buf) - 1};
    return rc;
}

static int write_raw(struct told *told)
{
    int rc = 0;
    told->raw = wf_array(told->count != 0 ? told->count : 1, sizeof(*told->raw));
    if (told->raw == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < told->count && rc == 0; i++)
        rc = weft_m_result_json(told->results, i, &told->raw[i]);
    return rc;
}

static void free_raw(struct told *told)
{
    for (size_t i = 0; i < told->count && told->raw != NULL; i++)
        weft_text_free(&told->raw[i]);
    wf_free(told->raw);
}

int weft_m_metadata_json(weft_matcher *matcher, const weft_str *queries, size_t query_count,
                         const weft_m_query *query, bool is_single, weft_text *out,
                         weft_m_error *error)
{
    weft_m_results *results;
    weft_m_query usual, wide;
    weft_m_query_init(&usual);
    if (query == NULL)
        query = &usual;
    wide = *query;
    if (isnan(wide.threshold))
        wide.threshold = 0;
    int rc = weft_m_match(matcher, queries, query_count, &wide, &results, error);
    if (rc < 0)
        return rc;
    struct told told = {
        .queries = queries,
        .count = query_count,
        .query = query,
        .info = {.size = sizeof(told.info)},
        .results = results,
        .is_single = is_single,
    };
    rc = weft_m_info_get(matcher, &told.info);
    if (rc == 0)
        rc = write_raw(&told);
    if (rc == 0)
        rc = tell(&told, out);
    free_raw(&told);
    weft_m_results_free(results);
    return rc;
}
