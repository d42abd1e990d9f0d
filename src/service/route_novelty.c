/* SPDX-License-Identifier: MIT */

/* POST /v1/novelty: which texts mean nothing the catalogue has. */
#include "service/ask.h"

#include <weft/novelty.h>
#include <weft/task.h>

#include <math.h>

/* {"query": text | "queries": list, "alpha", "strategies", "combine", "calibration", "neighbours",
 * "existing", "top_k", "threshold"} */
struct novelty_asked {
    weft_str query, combine, calibration;
    weft_items queries, strategies;
    const weft_json *existing;
    double alpha, threshold;
    int64_t neighbours, top_k;
    bool has_query, has_queries;
};

static const weft_field text_item = {.type = WEFT_TYPE_STRING};
static const char existing_json[] =
    "{\"description\":\"Ids; a match with any other counts as novel.\"," ASK_IDS_JSON "}";
static const struct novelty_asked preset = {
    .alpha = 0.05, .threshold = NAN, .neighbours = 1, .top_k = 5};

static const weft_field fields[] = {
    {WEFT_FIELD_STRING(struct novelty_asked, query), .about = "A text; or else `queries`.",
     .present_at = WEFT_PRESENT(struct novelty_asked, has_query)},
    {WEFT_FIELD_ARRAY(struct novelty_asked, queries, &text_item),
     .present_at = WEFT_PRESENT(struct novelty_asked, has_queries)},
    {WEFT_FIELD_DOUBLE(struct novelty_asked, alpha), .interval = WEFT_INTERVAL(0, 1),
     .check = ask_check_alpha, .about = "Part of known texts that may be taken for novel."},
    {WEFT_FIELD_ARRAY(struct novelty_asked, strategies, &text_item), .range = WEFT_RANGE(1, 16)},
    {WEFT_FIELD_STRING(struct novelty_asked, combine)},
    {WEFT_FIELD_STRING(struct novelty_asked, calibration)},
    {WEFT_FIELD_INTEGER(struct novelty_asked, neighbours), .range = WEFT_RANGE(1, 64)},
    {WEFT_FIELD_ANY(struct novelty_asked, existing), .flags = WEFT_NULLABLE, .check = ask_check_ids,
     .raw_json = existing_json},
    {WEFT_FIELD_INTEGER(struct novelty_asked, top_k), .range = WEFT_RANGE(1, 1000)},
    {WEFT_FIELD_DOUBLE(struct novelty_asked, threshold), .flags = WEFT_NULLABLE,
     .interval = WEFT_INTERVAL(0, 1)},
};
const weft_schema ask_novelty = {
    .name = "Novelty",
    .bytes = sizeof(struct novelty_asked),
    .fields = fields,
    .field_count = sizeof(fields) / sizeof(*fields),
    .preset = &preset,
};

/* The ids of `existing` go into the arena. */
static int read_options(const struct novelty_asked *asked, wf_arena *arena,
                        weft_m_novelty_options *out)
{
    weft_m_novelty_options_init(out);
    out->alpha = asked->alpha;
    out->strategies = asked->strategies.ptr;
    out->strategy_count = asked->strategies.count;
    out->combine = asked->combine;
    out->calibration = asked->calibration;
    out->neighbours = asked->neighbours;
    out->top_k = asked->top_k;
    out->threshold = (float)asked->threshold;
    return ask_take_ids(arena, asked->existing, &out->existing, &out->existing_count);
}

static int answer(const struct ask *ask, const weft_m_novelty_options *options,
                  weft_http_request *req, weft_http_response *res, weft_matcher *matcher)
{
    weft_m_error error;
    weft_m_results *results;
    int rc = weft_m_novelty(matcher, ask->texts, ask->text_count, options, &results, &error);
    if (rc < 0)
        return ask_answer_error(ask, req, res, rc, &error);
    rc = answer_results(ask, res, results, weft_m_novelty_result_json);
    weft_m_results_free(results);
    return rc;
}

int route_novelty(weft_http_request *req, weft_http_response *res, const struct target *target)
{
    const struct novelty_asked *asked = weft_http_input(req);
    struct ask ask;
    wf_arena ids = {0};
    weft_m_novelty_options options;
    int rc = read_options(asked, &ids, &options);
    if (rc == 0)
        rc = ask_take_texts(&ask, res, asked->has_query ? &asked->query : NULL,
                            asked->has_queries ? &asked->queries : NULL, asked->top_k);
    if (rc == 0)
        rc = answer(&ask, &options, req, res, target->matcher);
    wf_arena_fini(&ids);
    return rc < 0 ? rc : 0;
}
