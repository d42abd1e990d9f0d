/* SPDX-License-Identifier: MIT */

/* POST /v1/hierarchy: matches with what lies above and below.  GET /v1/hierarchy?id=ID: where an
 * entity lies. */
#include "base/utf8.h"
#include "service/ask.h"

#include <weft/exec.h>
#include <weft/hierarchy.h>
#include <weft/task.h>

#include <math.h>
#include <stdio.h>

/* {"query": text | "queries": list, "top_k", "match_level", "max_depth", "within", "alpha", "beta",
 * "threshold"} */
struct hierarchy_asked {
    weft_str query, match_level;
    weft_items queries;
    const weft_json *within;
    double alpha, beta, threshold;
    int64_t top_k, max_depth;
    bool has_query, has_queries;
};

static const weft_field text_item = {.type = WEFT_TYPE_STRING};
static const char within_json[] =
    "{\"description\":\"An id: only this entity and what lies below it.\"," ASK_ID_JSON "}";
static const struct hierarchy_asked preset = {
    .alpha = 0.7, .beta = 0.3, .threshold = NAN, .top_k = 5, .max_depth = 3};

static const weft_field fields[] = {
    {WEFT_FIELD_STRING(struct hierarchy_asked, query), .about = "A text; or else `queries`.",
     .present_at = WEFT_PRESENT(struct hierarchy_asked, has_query)},
    {WEFT_FIELD_ARRAY(struct hierarchy_asked, queries, &text_item),
     .present_at = WEFT_PRESENT(struct hierarchy_asked, has_queries)},
    {WEFT_FIELD_INTEGER(struct hierarchy_asked, top_k), .range = WEFT_RANGE(1, 1000)},
    {WEFT_FIELD_STRING(struct hierarchy_asked, match_level),
     .about = "all, self, ancestors or descendants: what may be a match beside what is found."},
    {WEFT_FIELD_INTEGER(struct hierarchy_asked, max_depth), .range = WEFT_RANGE(0, 1000000),
     .about = "How far up and down that may lie."},
    {WEFT_FIELD_ANY(struct hierarchy_asked, within), .check = ask_check_id,
     .raw_json = within_json},
    {WEFT_FIELD_DOUBLE(struct hierarchy_asked, alpha), .interval = WEFT_INTERVAL(0, 1)},
    {WEFT_FIELD_DOUBLE(struct hierarchy_asked, beta), .interval = WEFT_INTERVAL(0, 1)},
    {WEFT_FIELD_DOUBLE(struct hierarchy_asked, threshold), .flags = WEFT_NULLABLE,
     .interval = WEFT_INTERVAL(0, 1)},
};
const weft_schema ask_hierarchy = {
    .name = "Hierarchy",
    .bytes = sizeof(struct hierarchy_asked),
    .fields = fields,
    .field_count = sizeof(fields) / sizeof(*fields),
    .preset = &preset,
};

/* The digits of `within` go into the arena. */
static int read_options(const struct hierarchy_asked *asked, wf_arena *arena,
                        weft_m_hierarchy_options *out)
{
    weft_m_hierarchy_options_init(out);
    out->top_k = asked->top_k;
    out->match_level = asked->match_level;
    out->max_depth = asked->max_depth;
    out->alpha = asked->alpha;
    out->beta = asked->beta;
    out->threshold = (float)asked->threshold;
    return asked->within == NULL || ask_take_id(arena, asked->within, &out->within) ? 0 : -ENOMEM;
}

static int answer(const struct ask *ask, const weft_m_hierarchy_options *options,
                  weft_http_request *req, weft_http_response *res, weft_matcher *matcher)
{
    weft_m_error error;
    weft_m_results *results;
    int rc =
        weft_m_hierarchy_match(matcher, ask->texts, ask->text_count, options, &results, &error);
    if (rc < 0)
        return ask_answer_error(ask, req, res, rc, &error);
    rc = answer_results(ask, res, results, weft_m_hierarchy_result_json);
    weft_m_results_free(results);
    return rc;
}

int route_hierarchy(weft_http_request *req, weft_http_response *res, const struct target *target)
{
    const struct hierarchy_asked *asked = weft_http_input(req);
    struct ask ask;
    wf_arena id = {0};
    weft_m_hierarchy_options options;
    int rc = read_options(asked, &id, &options);
    if (rc == 0)
        rc = ask_take_texts(&ask, res, asked->has_query ? &asked->query : NULL,
                            asked->has_queries ? &asked->queries : NULL, asked->top_k);
    if (rc == 0)
        rc = answer(&ask, &options, req, res, target->matcher);
    wf_arena_fini(&id);
    return rc < 0 ? rc : 0;
}

/* ---- one entity ---- */

#define RELATIVES_DEPTH_MAX 1000000

struct entity_params {
    weft_str id;
    int64_t max_depth;
};
static const struct entity_params entity_preset = {.max_depth = 3};
static const weft_field entity_fields[] = {
    {WEFT_FIELD_STRING(struct entity_params, id), .flags = WEFT_REQUIRED},
    {WEFT_FIELD_INTEGER(struct entity_params, max_depth),
     .range = WEFT_RANGE(0, RELATIVES_DEPTH_MAX), .about = "How far up and down to list."},
};
const weft_schema ask_hierarchy_entity = {WEFT_SCHEMA(struct entity_params, entity_fields),
                                          .preset = &entity_preset};

struct writing {
    const weft_hierarchy *hierarchy;
    const struct entity_params *params;
    weft_text text;
};

/* The list may be as long as the catalogue. */
static int write_entity(void *arg)
{
    struct writing *writing = arg;
    return weft_hierarchy_entity_json(writing->hierarchy, writing->params->id,
                                      writing->params->max_depth, &writing->text);
}

static int answer_no_entity(weft_http_response *res, weft_str id)
{
    char message[96];
    snprintf(message, sizeof(message), "no entity has the id %.*s",
             (int)wf_utf8_cut(id.ptr, id.len, 64), id.ptr);
    const weft_http_error none = {.status = 404, .message = message, .field = "id", .offset = -1};
    return weft_http_respond_error(res, &none);
}

int route_hierarchy_entity(weft_http_request *req, weft_http_response *res,
                           const struct target *target)
{
    struct writing writing = {.params = weft_http_params(req)};
    weft_hierarchy *hierarchy;
    weft_m_error error;
    int rc = weft_m_hierarchy(target->matcher, &hierarchy, &error);
    if (rc < 0)
        return answer_error(req, res, rc, &error);
    writing.hierarchy = hierarchy;
    rc = weft_run_cpu(write_entity, &writing);
    weft_hierarchy_unref(hierarchy);
    if (rc == -ENOENT)
        return answer_no_entity(res, writing.params->id);
    return rc < 0 ? rc : answer_text(res, &writing.text);
}
