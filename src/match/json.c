/* SPDX-License-Identifier: MIT */

#include "match/json.h"

#include "match/work.h"

#include <math.h>
#include <string.h>
#include <weft/match.h>

int wf_m_json_end(wf_buf *buf, weft_text *out)
{
    wf_buf_putc(buf, '\0');
    int rc = buf->rc;
    if (rc < 0)
        wf_buf_fini(buf);
    else
        *out = (weft_text){.ptr = buf->mem, .len = wf_buf_bytes(buf) - 1};
    return rc;
}

int wf_m_json_one(wf_m_json_item *put, const weft_m_results *results, size_t index, weft_text *out)
{
    wf_buf buf = {0};
    put(&(wf_json){.out = &buf}, results, index);
    return wf_m_json_end(&buf, out);
}

/* What goes to the executor: of many results it is megabytes. */
struct listing {
    wf_m_json_item *put;
    const weft_m_results *results;
    size_t count;
    weft_text *out;
};

static int write_list(void *arg)
{
    const struct listing *it = arg;
    const wf_job job = {0};
    wf_buf buf = {0};
    wf_json json = {.out = &buf};
    wf_json_array(&json);
    for (size_t i = 0; i < it->count && buf.rc == 0; i++) {
        buf.rc = wf_job_poll(&job);
        if (buf.rc == 0)
            it->put(&json, it->results, i);
    }
    wf_json_array_end(&json);
    return wf_m_json_end(&buf, it->out);
}

int wf_m_json_list(wf_m_json_item *put, weft_m_results *results, size_t count, weft_text *out)
{
    struct listing it = {put, results, count, out};
    int rc = wf_work_run(write_list, &it);
    weft_m_results_free(results);
    return rc;
}

/* ---- results ---- */

void wf_m_json_id(wf_json *json, weft_str id, bool is_integer)
{
    if (is_integer)
        wf_json_raw(json, id);
    else
        wf_json_str(json, id);
}

static void write_tied(wf_json *json, const weft_m_results *results, const weft_m_hit *hit)
{
    wf_json_key(json, "tied");
    wf_json_array(json);
    for (uint32_t i = 0; i < hit->tied_count; i++) {
        const weft_m_entity *entity = weft_m_results_entity(results, hit->tied[i]);
        wf_m_json_id(json, entity->id, entity->id_is_integer);
    }
    wf_json_array_end(json);
}

void wf_m_json_hit(wf_json *json, const weft_m_results *results, const weft_m_hit *hit)
{
    wf_json_object(json);
    wf_json_key(json, "id");
    wf_m_json_id(json, hit->id, hit->id_is_integer);
    wf_json_put_float(json, "score", hit->score);
    if (!isnan(hit->rerank))
        wf_json_put_float(json, "cross_encoder_score", hit->rerank);
    wf_json_put_str(json, "text", hit->text);
    wf_json_put_str(json, "name", hit->name);
    wf_json_put_str(json, "matched", hit->matched);
    if (hit->tied_count != 0)
        write_tied(json, results, hit);
    wf_json_object_end(json);
}

void wf_m_json_hits(wf_json *json, const weft_m_results *results, const weft_m_hit *hits,
                    size_t count)
{
    wf_json_array(json);
    for (size_t i = 0; i < count; i++)
        wf_m_json_hit(json, results, &hits[i]);
    wf_json_array_end(json);
}

static void write_result(wf_json *json, const weft_m_results *results, size_t index)
{
    size_t count;
    const weft_m_hit *hits = weft_m_results_hits(results, index, &count);
    if (weft_m_results_top_k(results) != 1)
        wf_m_json_hits(json, results, hits, count);
    else if (count != 0)
        wf_m_json_hit(json, results, hits);
    else
        wf_json_null(json);
}

int weft_m_result_json(const weft_m_results *results, size_t index, weft_text *out)
{
    return wf_m_json_one(write_result, results, index, out);
}

int weft_m_match_json(weft_matcher *matcher, weft_str text, const weft_m_query *query,
                      weft_text *out, weft_m_error *error)
{
    weft_m_results *results;
    int rc = weft_m_match(matcher, &text, 1, query, &results, error);
    if (rc < 0)
        return rc;
    rc = weft_m_result_json(results, 0, out);
    weft_m_results_free(results);
    return rc;
}

int weft_m_batch_json(weft_matcher *matcher, const weft_str *queries, size_t query_count,
                      const weft_m_query *query, int64_t batch_size, weft_text *out,
                      weft_m_error *error)
{
    weft_m_results *results;
    int rc =
        weft_m_batch(matcher, queries, query_count, query, batch_size, &results, error, NULL, NULL);
    return rc < 0 ? rc : wf_m_json_list(write_result, results, query_count, out);
}

/* ---- explanations ---- */

static void write_shared(wf_json *json, const weft_m_evidence *evidence)
{
    wf_json_array(json);
    for (size_t i = 0; i < evidence->shared_count; i++) {
        const weft_m_shared *shared = &evidence->shared[i];
        wf_json_object(json);
        wf_json_put_str(json, shared->is_word ? "word" : "ngram", shared->text);
        wf_json_put_float(json, "weight", shared->weight);
        wf_json_object_end(json);
    }
    wf_json_array_end(json);
}

static void write_parts(wf_json *json, const weft_m_evidence *evidence)
{
    if (evidence->part_count == 0)
        return;
    wf_json_key(json, "parts");
    wf_json_array(json);
    for (size_t i = 0; i < evidence->part_count; i++) {
        const weft_m_part *part = &evidence->parts[i];
        wf_json_object(json);
        wf_json_put_text(json, "sign", part->name);
        wf_json_put_float(json, "value", part->value);
        wf_json_put_float(json, "weight", part->weight);
        wf_json_put_float(json, "part", (float)part->part);
        wf_json_object_end(json);
    }
    wf_json_array_end(json);
}

static void write_evidence(wf_json *json, const weft_m_explanation *explanation)
{
    wf_json_array(json);
    for (size_t i = 0; i < explanation->hit_count; i++) {
        const weft_m_hit *hit = &explanation->hits[i];
        wf_json_object(json);
        wf_json_key(json, "id");
        wf_m_json_id(json, hit->id, hit->id_is_integer);
        wf_json_put_str(json, "matched", hit->matched);
        wf_json_put_float(json, "margin", explanation->evidence[i].margin);
        write_parts(json, &explanation->evidence[i]);
        wf_json_key(json, "shared");
        write_shared(json, &explanation->evidence[i]);
        wf_json_object_end(json);
    }
    wf_json_array_end(json);
}

static void write_explained(wf_json *json, const weft_m_explanation *explanation)
{
    wf_json_put_str(json, "query_normalized", explanation->query_normalized);
    wf_json_put_bool(json, "matched", explanation->is_matched);
    wf_json_key(json, "best_match");
    if (explanation->hit_count != 0)
        wf_m_json_hit(json, explanation->results, explanation->hits);
    else
        wf_json_null(json);
    wf_json_key(json, "top_k");
    wf_m_json_hits(json, explanation->results, explanation->hits, explanation->hit_count);
    wf_json_put_float(json, "threshold", explanation->threshold);
    wf_json_put_text(json, "mode", explanation->mode);
    wf_json_key(json, "evidence");
    write_evidence(json, explanation);
}

int weft_m_explanation_json(const weft_m_explanation *explanation, weft_text *out)
{
    wf_buf buf = {0};
    wf_json json = {.out = &buf};
    wf_json_object(&json);
    wf_json_put_str(&json, "query", explanation->query);
    if (explanation->is_diagnosis) {
        wf_json_put_bool(&json, "matcher_ready", explanation->is_ready);
        wf_json_put_text(&json, "active_matcher", explanation->active_matcher);
    }
    if (explanation->is_ready)
        write_explained(&json, explanation);
    if (explanation->issue.ptr != NULL) {
        wf_json_put_str(&json, "issue", explanation->issue);
        wf_json_put_str(&json, "suggestion", explanation->suggestion);
    }
    wf_json_object_end(&json);
    return wf_m_json_end(&buf, out);
}

/* What goes to the executor: with a thousand hits it is megabytes. */
struct writing {
    const weft_m_explanation *explanation;
    weft_text *out;
};

static int write_explanation(void *arg)
{
    const struct writing *it = arg;
    return weft_m_explanation_json(it->explanation, it->out);
}

static int explained_json(weft_m_explanation *explanation, weft_text *out)
{
    struct writing it = {explanation, out};
    int rc = wf_work_run(write_explanation, &it);
    weft_m_explanation_free(explanation);
    return rc;
}

int weft_m_explain_json(weft_matcher *matcher, weft_str query, int64_t top_k, weft_text *out,
                        weft_m_error *error)
{
    weft_m_explanation *explanation;
    int rc = weft_m_explain(matcher, query, top_k, &explanation, error);
    return rc < 0 ? rc : explained_json(explanation, out);
}

int weft_m_diagnose_json(weft_matcher *matcher, weft_str query, int64_t top_k, weft_text *out,
                         weft_m_error *error)
{
    weft_m_explanation *explanation;
    int rc = weft_m_diagnose(matcher, query, top_k, &explanation, error);
    return rc < 0 ? rc : explained_json(explanation, out);
}

/* ---- info and statistics ---- */

static void write_tried(wf_json *json, const char *mode, const weft_m_tried *tried)
{
    if (tried->asked == 0)
        return;
    wf_json_key(json, mode);
    wf_json_object(json);
    wf_json_put_uint(json, "asked", tried->asked);
    wf_json_put_uint(json, "right", tried->right);
    wf_json_put_uint(json, "slips_asked", tried->slips_asked);
    wf_json_put_uint(json, "slips_right", tried->slips_right);
    wf_json_object_end(json);
}

static void write_trial(wf_json *json, const weft_m_trial *trial)
{
    wf_json_key(json, "trial");
    if (trial->held_out == 0) {
        wf_json_null(json);
        return;
    }
    wf_json_object(json);
    wf_json_put_uint(json, "held_out", trial->held_out);
    wf_json_put_uint(json, "slips", trial->slips);
    wf_json_put_text(json, "winner", trial->winner);
    wf_json_put_text(json, "why", trial->why);
    write_tried(json, "zero-shot", &trial->zero_shot);
    write_tried(json, "head-only", &trial->head_only);
    write_tried(json, "full", &trial->full);
    write_tried(json, "bert", &trial->bert);
    wf_json_object_end(json);
}

/* What is missing is told only if something is. */
static void write_model(wf_json *json, const weft_m_info *info)
{
    wf_json_put_text(json, "model_name", info->model);
    if (info->missing_model != NULL)
        wf_json_put_text(json, "missing_model", info->missing_model);
}

int weft_m_info_json(weft_matcher *matcher, weft_text *out)
{
    weft_m_info info = {.size = sizeof(info)};
    int rc = weft_m_info_get(matcher, &info);
    if (rc < 0)
        return rc;
    wf_buf buf = {0};
    wf_json json = {.out = &buf};
    wf_json_object(&json);
    wf_json_put_text(&json, "mode", info.active_mode != NULL ? info.active_mode : info.mode);
    wf_json_put_text(&json, "detected_mode", info.active_mode);
    wf_json_put_bool(&json, "is_trained", info.is_ready);
    wf_json_put_text(&json, "active_matcher", info.active_matcher);
    wf_json_put_bool(&json, "has_training_data", info.example_count != 0);
    wf_json_put_text(&json, "backend", info.backend);
    wf_json_put_uint(&json, "training_examples", info.example_count);
    write_trial(&json, &info.trial);
    wf_json_put_float(&json, "threshold", info.threshold);
    wf_json_put_text(&json, "requested_mode", info.mode);
    write_model(&json, &info);
    wf_json_put_text(&json, "encoder", info.encoder);
    wf_json_put_text(&json, "score_kind", info.score_kind);
    wf_json_put_bool(&json, "normalize", info.normalize);
    wf_json_put_text(&json, "unicode", info.unicode);
    wf_json_put_uint(&json, "num_entities", info.entity_count);
    wf_json_put_uint(&json, "rows", info.row_count);
    wf_json_object_end(&json);
    return wf_m_json_end(&buf, out);
}

static void write_latency(wf_json *json, const weft_m_latency *latency)
{
    wf_json_object(json);
    wf_json_put_uint(json, "count", latency->count);
    wf_json_put_float(json, "p50", (float)latency->p50);
    wf_json_put_float(json, "p95", (float)latency->p95);
    wf_json_put_float(json, "p99", (float)latency->p99);
    wf_json_object_end(json);
}

static void write_sizes(wf_json *json, const weft_m_info *info)
{
    wf_json_put_uint(json, "rows", info->row_count);
    wf_json_put_uint(json, "dimension", info->dimension);
    wf_json_put_text(json, "encoder", info->encoder);
    wf_json_put_text(json, "score_kind", info->score_kind);
    wf_json_put_uint(json, "bytes", info->bytes);
    wf_json_put_uint(json, "index_bytes", info->index_bytes);
    wf_json_put_uint(json, "snapshot", info->snapshot);
    wf_json_put_uint(json, "queries", info->query_count);
    wf_json_key(json, "cache");
    wf_json_object(json);
    wf_json_put_uint(json, "hits", info->cache_hits);
    wf_json_put_uint(json, "misses", info->cache_misses);
    wf_json_put_uint(json, "entries", info->cache_count);
    wf_json_put_uint(json, "bytes", info->cache_bytes);
    wf_json_object_end(json);
}

int weft_m_stats_json(weft_matcher *matcher, weft_text *out)
{
    weft_m_info info = {.size = sizeof(info)};
    int rc = weft_m_info_get(matcher, &info);
    if (rc < 0)
        return rc;
    wf_buf buf = {0};
    wf_json json = {.out = &buf};
    wf_json_object(&json);
    wf_json_put_uint(&json, "num_entities", info.entity_count);
    write_model(&json, &info);
    wf_json_put_float(&json, "threshold", info.threshold);
    wf_json_put_bool(&json, "normalize", info.normalize);
    wf_json_put_text(&json, "training_mode",
                     info.active_mode != NULL ? info.active_mode : info.mode);
    wf_json_put_bool(&json, "is_trained", info.is_ready);
    if (info.is_ready)
        wf_json_put_bool(&json, "has_embeddings", true);
    write_sizes(&json, &info);
    wf_json_key(&json, "latency_seconds");
    wf_json_object(&json);
    for (unsigned op = 0; op < WEFT_M_OP_COUNT; op++) {
        wf_json_key(&json, weft_m_op_name((enum weft_m_op)op));
        write_latency(&json, &info.ops[op]);
    }
    wf_json_object_end(&json);
    wf_json_object_end(&json);
    return wf_m_json_end(&buf, out);
}

/* ---- errors ---- */

static void write_details(wf_json *json, const weft_m_error *error)
{
    wf_json_key(json, "details");
    wf_json_object(json);
    if (error->limit >= 0)
        wf_json_put_uint(json, "limit", (uint64_t)error->limit);
    if (error->seen >= 0)
        wf_json_put_uint(json, "seen", (uint64_t)error->seen);
    if (error->offset >= 0)
        wf_json_put_uint(json, "offset", (uint64_t)error->offset);
    if (error->entity[0] != '\0')
        wf_json_put_text(json, "entity", error->entity);
    wf_json_object_end(json);
}

int weft_m_error_json(const weft_m_error *error, weft_str request_id, weft_text *out)
{
    wf_buf buf = {0};
    wf_json json = {.out = &buf};
    wf_json_object(&json);
    wf_json_key(&json, "error");
    wf_json_object(&json);
    wf_json_put_text(&json, "code", weft_m_error_name(error->rc));
    wf_json_put_text(&json, "message", error->message);
    if (error->field[0] != '\0')
        wf_json_put_text(&json, "field", error->field);
    if (error->suggestion[0] != '\0')
        wf_json_put_text(&json, "suggestion", error->suggestion);
    write_details(&json, error);
    if (request_id.ptr != NULL)
        wf_json_put_str(&json, "request_id", request_id);
    wf_json_object_end(&json);
    wf_json_object_end(&json);
    return wf_m_json_end(&buf, out);
}
