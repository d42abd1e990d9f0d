/* SPDX-License-Identifier: MIT */

/* POST /v1/match, POST /match?query=, POST /v1/explain and /v1/diagnose: one question, one answer.
 */
#include "base/json_write.h"
#include "service/ask.h"

#include <weft/task.h>

#include <math.h>

/* Milliseconds since `begun_at`, to the microsecond. */
static double took_ms(weft_time begun_at)
{
    return round((double)(weft_now() - begun_at) / 1000) / 1000;
}

/* ,"predictions":… : the fields of the metadata, behind those every answer has. */
static int put_metadata(const struct ask *ask, const struct target *target, wf_buf *body,
                        weft_m_error *error)
{
    weft_text text;
    int rc = weft_m_metadata_json(target->matcher, ask->texts, ask->text_count, &ask->query,
                                  /* is_single= */ !ask->is_list, &text, error);
    if (rc < 0)
        return rc;
    wf_buf_putc(body, ',');
    wf_buf_append(body, text.ptr + 1, text.len - 2); /* without its braces */
    weft_text_free(&text);
    return body->rc;
}

static int put_answer(const struct ask *ask, const weft_m_results *results, weft_time begun_at,
                      wf_buf *body)
{
    wf_buf_puts(body, ask->is_list ? "{\"results\":[" : "{\"result\":");
    int rc = answer_put_results(body, results, ask->text_count, weft_m_result_json);
    if (rc < 0)
        return rc;
    wf_buf_puts(body, ask->is_list ? "],\"mode\":" : ",\"mode\":");
    wf_json_text(&(wf_json){.out = body}, weft_m_results_mode(results));
    wf_buf_puts(body, ",\"threshold\":");
    wf_json_float(&(wf_json){.out = body}, weft_m_results_threshold(results));
    wf_buf_puts(body, ",\"took_ms\":");
    wf_json_double(&(wf_json){.out = body}, took_ms(begun_at));
    return body->rc;
}

static int match_once(const struct ask *ask, const struct target *target, weft_time begun_at,
                      wf_buf *body, weft_m_error *error)
{
    weft_m_results *results;
    int rc =
        weft_m_match(target->matcher, ask->texts, ask->text_count, &ask->query, &results, error);
    if (rc < 0)
        return rc;
    rc = put_answer(ask, results, begun_at, body);
    weft_m_results_free(results);
    if (rc == 0 && ask->wants_metadata)
        rc = put_metadata(ask, target, body, error);
    return rc < 0 ? rc : wf_buf_putc(body, '}');
}

static uint64_t snapshot_of(const struct target *target)
{
    weft_m_info info = {.size = sizeof(info)};
    return weft_m_info_get(target->matcher, &info) == 0 ? info.snapshot : 0;
}

/* Metadata are of a match of their own: if the matcher has changed meanwhile, all is asked again,
 * so that an answer is of one snapshot. */
static int match(const struct ask *ask, const struct target *target, wf_buf *body,
                 weft_m_error *error)
{
    weft_time begun_at = weft_now();
    uint64_t before;
    int rc;
    if (!ask->wants_metadata)
        return match_once(ask, target, begun_at, body, error);
    do {
        before = snapshot_of(target);
        wf_buf_reset(body);
        rc = match_once(ask, target, begun_at, body, error);
    } while (rc == 0 && before != 0 && snapshot_of(target) != before);
    return rc;
}

int route_match(weft_http_request *req, weft_http_response *res, const struct target *target)
{
    struct ask ask;
    weft_m_error error = {0};
    wf_buf body = {0};
    int rc = ask_take(&ask, req);
    if (rc == 0)
        rc = ask_check_stages(&ask, res, target->matcher);
    if (rc == 0)
        rc = ask_check_hits(&ask, res);
    if (rc == 0) {
        rc = match(&ask, target, &body, &error);
        if (rc == 0)
            rc = answer_buf(res, &body);
        else if (error.rc != 0)
            rc = ask_answer_error(&ask, req, res, rc, &error);
    }
    wf_buf_fini(&body);
    ask_fini(&ask);
    return rc < 0 ? rc : 0;
}

struct seed_params {
    weft_str query;
};
static const weft_field seed_fields[] = {
    {WEFT_FIELD_STRING(struct seed_params, query), .flags = WEFT_REQUIRED,
     .about = "The text, as in POST /match?query=Germany."},
};
const weft_schema ask_seed = {WEFT_SCHEMA(struct seed_params, seed_fields)};

/* {"matched": result or null} */
int route_seed_match(weft_http_request *req, weft_http_response *res, const struct target *target)
{
    const struct seed_params *params = weft_http_params(req);
    weft_m_error error;
    weft_text text;
    int rc = weft_m_match_json(target->matcher, params->query, NULL, &text, &error);
    if (rc < 0)
        return answer_error(req, res, rc, &error);
    wf_buf body = {0};
    wf_buf_puts(&body, "{\"matched\":");
    wf_buf_append(&body, text.ptr, text.len);
    wf_buf_putc(&body, '}');
    weft_text_free(&text);
    return answer_buf(res, &body);
}

/* weft_m_explain_json or weft_m_diagnose_json. */
typedef int explain_fn(weft_matcher *matcher, weft_str query, int64_t top_k, weft_text *out,
                       weft_m_error *error);

static int explain(weft_http_request *req, weft_http_response *res, const struct target *target,
                   explain_fn *fn)
{
    struct ask ask;
    weft_m_error error;
    weft_text text;
    int rc = ask_take(&ask, req);
    if (rc == 0) {
        rc = fn(target->matcher, ask.texts[0], ask.query.top_k, &text, &error);
        rc = rc < 0 ? ask_answer_error(&ask, req, res, rc, &error) : answer_text(res, &text);
    }
    ask_fini(&ask);
    return rc;
}

int route_explain(weft_http_request *req, weft_http_response *res, const struct target *target)
{
    return explain(req, res, target, weft_m_explain_json);
}

int route_diagnose(weft_http_request *req, weft_http_response *res, const struct target *target)
{
    return explain(req, res, target, weft_m_diagnose_json);
}
