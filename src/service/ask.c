/* SPDX-License-Identifier: MIT */

#include "service/ask.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define CANDIDATE_COUNT_MAX 100000
#define HITS_MAX 1000000        /* of an answer that is collected */
#define METADATA_HITS_MAX 10000 /* each stands five times in it, and it is written in one go */

/* ---- what may be asked ---- */

static const char query_json[] = "{\"description\":\"A text, or a list of them.\",\"anyOf\":["
                                 "{\"type\":\"string\"},"
                                 "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}]}";
static const char candidates_json[] =
    "{\"description\":\"Only these entities: ids, or objects with one. An id that the catalogue "
    "does not "
    "have is passed over; without any that it has nothing matches.\"," ASK_IDS_JSON "}";

/* A text, or a list of them. */
static void check_query(weft_issues *issues, const char *path, const void *member)
{
    const weft_json *value = *(const weft_json *const *)member;
    enum weft_json_kind kind = weft_json_kind(value);
    if (kind != WEFT_JSON_STRING && kind != WEFT_JSON_ARRAY)
        weft_issue(issues, path, "must be a string or an array of strings, is %s",
                   weft_json_kind_name(kind));
    for (size_t i = 0; kind == WEFT_JSON_ARRAY && i < weft_json_count(value); i++) {
        kind = weft_json_kind(weft_json_item(value, i));
        char item[40];
        snprintf(item, sizeof(item), "%s[%zu]", path, i);
        if (kind != WEFT_JSON_STRING)
            weft_issue(issues, item, "must be a string, is %s", weft_json_kind_name(kind));
        kind = WEFT_JSON_ARRAY;
    }
}

/* An id, as it is, as an integer, or in an object of its own. */
static const weft_json *id_of(const weft_json *value)
{
    if (weft_json_kind(value) == WEFT_JSON_OBJECT)
        value = weft_json_get(value, "id");
    bool is_id =
        weft_json_kind(value) == WEFT_JSON_STRING || weft_json_kind(value) == WEFT_JSON_INTEGER;
    return is_id ? value : NULL;
}

void ask_check_ids(weft_issues *issues, const char *path, const void *member)
{
    const weft_json *value = *(const weft_json *const *)member;
    size_t count = weft_json_count(value);
    if (weft_json_kind(value) != WEFT_JSON_ARRAY || count > CANDIDATE_COUNT_MAX) {
        weft_issue(issues, path, "must be an array of at most %d ids", CANDIDATE_COUNT_MAX);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        char item[40];
        if (id_of(weft_json_item(value, i)) != NULL)
            continue;
        snprintf(item, sizeof(item), "%s[%zu]", path, i);
        weft_issue(issues, item, "must be an id: a string or an integer");
    }
}

void ask_check_id(weft_issues *issues, const char *path, const void *member)
{
    const weft_json *value = *(const weft_json *const *)member;
    if (weft_json_kind(value) == WEFT_JSON_OBJECT || id_of(value) == NULL)
        weft_issue(issues, path, "must be an id: a string or an integer");
}

static const char ids_json[] = "{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":["
                               "\"string\",\"integer\",\"object\"]}}";

static void check_some_ids(weft_issues *issues, const char *path, const void *member)
{
    const weft_json *value = *(const weft_json *const *)member;
    if (weft_json_kind(value) == WEFT_JSON_ARRAY && weft_json_count(value) == 0)
        weft_issue(issues, path, "must have at least one id");
    else
        ask_check_ids(issues, path, member);
}

void ask_check_alpha(weft_issues *issues, const char *path, const void *member)
{
    double alpha = *(const double *)member;
    if (!(alpha > 0 && alpha < 1))
        weft_issue(issues, path, "must be a number above 0 and below 1");
}

/* The fields of all bodies; each has those of its table. */
struct asked {
    const weft_json *any_query; /* a text or a list */
    weft_str query;
    weft_items queries;
    int64_t top_k, batch_size;
    int64_t blocking_top_k, retrieval_top_k, final_top_k; /* 0: as usual */
    double threshold;
    const weft_json *candidates;
    bool metadata;
};

#define FIELD_TOP_K                                                                                \
    {                                                                                              \
        WEFT_FIELD_INTEGER(struct asked, top_k), .range = WEFT_RANGE(1, 1000)                      \
    }
#define FIELD_THRESHOLD                                                                            \
    {                                                                                              \
        WEFT_FIELD_DOUBLE(struct asked, threshold), .flags = WEFT_NULLABLE,                        \
                                                    .interval = WEFT_INTERVAL(0, 1)                \
    }
#define FIELDS_HYBRID                                                                              \
    {WEFT_FIELD_INTEGER(struct asked, blocking_top_k), .range = WEFT_RANGE(0, INT32_MAX),          \
     .about = "Mode hybrid: entities that blocking leaves; 0: 1,000."},                            \
        {WEFT_FIELD_INTEGER(struct asked, retrieval_top_k), .range = WEFT_RANGE(0, INT32_MAX),     \
         .about = "Mode hybrid: those that retrieval leaves; 0: 50, or top_k if that is more."},   \
    {                                                                                              \
        WEFT_FIELD_INTEGER(struct asked, final_top_k), .range = WEFT_RANGE(0, 1000),               \
                                                       .about = "Mode hybrid: those that are "     \
                                                                "answered; 0: top_k."              \
    }
#define FIELD_CANDIDATES                                                                           \
    {                                                                                              \
        WEFT_FIELD_ANY(struct asked, candidates), .flags = WEFT_NULLABLE, .check = ask_check_ids,  \
                                                  .raw_json = candidates_json                      \
    }

static const weft_field text_item = {.type = WEFT_TYPE_STRING};
static const struct asked preset = {.top_k = 1, .batch_size = 32, .threshold = NAN};
static const struct asked explain_preset = {.top_k = 5, .threshold = NAN};
static const struct asked diagnose_preset = {.top_k = 3, .threshold = NAN};

static const weft_field match_fields[] = {
    {WEFT_FIELD_ANY(struct asked, any_query), .alias = "query", .flags = WEFT_REQUIRED,
     .check = check_query, .raw_json = query_json},
    FIELD_TOP_K,
    FIELD_THRESHOLD,
    FIELD_CANDIDATES,
    {WEFT_FIELD_BOOL(struct asked, metadata)},
    FIELDS_HYBRID,
};
static const weft_field batch_fields[] = {
    {WEFT_FIELD_ARRAY(struct asked, queries, &text_item), .flags = WEFT_REQUIRED},
    {WEFT_FIELD_INTEGER(struct asked, batch_size), .range = WEFT_RANGE(1, 10000)},
    FIELD_TOP_K,
    FIELD_THRESHOLD,
    FIELD_CANDIDATES,
    FIELDS_HYBRID,
};
static const weft_field explain_fields[] = {
    {WEFT_FIELD_STRING(struct asked, query), .flags = WEFT_REQUIRED},
    FIELD_TOP_K,
};

static const weft_field id_fields[] = {
    {WEFT_FIELD_ANY(struct asked, candidates), .alias = "ids", .flags = WEFT_REQUIRED,
     .check = check_some_ids, .raw_json = ids_json},
};

#define SCHEMA(name_, fields_, preset_)                                                            \
    {                                                                                              \
        .name = (name_), .bytes = sizeof(struct asked), .fields = (fields_),                       \
        .field_count = sizeof(fields_) / sizeof((fields_)[0]), .preset = (preset_)                 \
    }
const weft_schema ask_match = SCHEMA("Match", match_fields, &preset);
const weft_schema ask_batch = SCHEMA("Batch", batch_fields, &preset);
const weft_schema ask_explain = SCHEMA("Explain", explain_fields, &explain_preset);
const weft_schema ask_diagnose = SCHEMA("Diagnose", explain_fields, &diagnose_preset);
const weft_schema ask_ids = SCHEMA("Ids", id_fields, &preset);
const weft_schema ask_list = {
    .name = "List",
    .bytes = sizeof(struct asked),
    .fields = batch_fields,
    .field_count = 1,
    .preset = &preset,
    .is_bare = true, /* the body is the list itself */
};

/* ---- taking it ---- */

/* Room for `count` texts. */
static weft_str *make_texts(struct ask *ask, size_t count)
{
    weft_str *texts = wf_arena_array(&ask->priv_arena, count, sizeof(*texts));
    ask->texts = texts;
    ask->text_count = texts != NULL ? count : 0;
    return texts;
}

static int take_query(struct ask *ask, const struct asked *asked)
{
    const weft_json *query = asked->any_query;
    ask->is_list = asked->query.ptr == NULL && weft_json_kind(query) != WEFT_JSON_STRING;
    ask->list_name = query != NULL ? "query" : "queries";
    if (ask->is_list && query == NULL) {
        ask->texts = asked->queries.ptr;
        ask->text_count = asked->queries.count;
        return 0;
    }
    weft_str *texts = make_texts(ask, ask->is_list ? weft_json_count(query) : 1);
    if (texts == NULL)
        return -ENOMEM;
    if (!ask->is_list)
        texts[0] = query != NULL ? weft_json_string(query) : asked->query;
    for (size_t i = 0; ask->is_list && i < ask->text_count; i++)
        texts[i] = weft_json_string(weft_json_item(query, i));
    return 0;
}

bool ask_take_id(wf_arena *arena, const weft_json *value, weft_str *out)
{
    *out = weft_json_string(value);
    if (out->ptr != NULL)
        return true;
    char digits[24];
    int bytes = snprintf(digits, sizeof(digits), "%" PRId64, weft_json_integer(value));
    return wf_arena_copy(arena, (weft_str){digits, (size_t)bytes}, out);
}

int ask_take_ids(wf_arena *arena, const weft_json *list, const weft_str **out, size_t *out_count)
{
    size_t count = weft_json_count(list);
    if (list == NULL)
        return 0;
    weft_str *ids = wf_arena_array(arena, count, sizeof(*ids));
    if (ids == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        if (!ask_take_id(arena, id_of(weft_json_item(list, i)), &ids[i]))
            return -ENOMEM;
    }
    *out = ids;
    *out_count = count;
    return 0;
}

int ask_take(struct ask *ask, const weft_http_request *req)
{
    const struct asked *asked = weft_http_input(req);
    *ask = (struct ask){.batch_size = asked->batch_size, .wants_metadata = asked->metadata};
    weft_m_query_init(&ask->query);
    ask->query.top_k = asked->top_k;
    ask->query.threshold = (float)asked->threshold;
    ask->query.blocking_top_k = (size_t)asked->blocking_top_k;
    ask->query.retrieval_top_k = (size_t)asked->retrieval_top_k;
    ask->query.final_top_k = (size_t)asked->final_top_k;
    int rc = take_query(ask, asked);
    return rc == 0 ? ask_take_ids(&ask->priv_arena, asked->candidates, &ask->query.candidates,
                                  &ask->query.candidate_count)
                   : rc;
}

void ask_fini(struct ask *ask)
{
    wf_arena_fini(&ask->priv_arena);
}

int ask_check_stages(const struct ask *ask, weft_http_response *res, weft_matcher *matcher)
{
    const char *given = ask->query.blocking_top_k != 0    ? "blocking_top_k"
                        : ask->query.retrieval_top_k != 0 ? "retrieval_top_k"
                        : ask->query.final_top_k != 0     ? "final_top_k"
                                                          : NULL;
    weft_m_info info = {.size = sizeof(info)};
    if (given == NULL || weft_m_info_get(matcher, &info) < 0 || strcmp(info.mode, "hybrid") == 0)
        return 0;
    char message[64];
    snprintf(message, sizeof(message), "%s is of mode hybrid", given);
    const weft_http_error error = {.status = 422,
                                   .code = "validation_error",
                                   .message = message,
                                   .field = given,
                                   .offset = -1};
    int rc = weft_http_respond_error(res, &error);
    return rc < 0 ? rc : 1;
}

int ask_take_texts(struct ask *ask, weft_http_response *res, const weft_str *query,
                   const weft_items *queries, int64_t top_k)
{
    const weft_http_error neither = {
        .status = 422,
        .code = "validation_error",
        .message = "query: give either query, a text, or queries, a list of texts",
        .field = "query",
        .offset = -1,
    };
    *ask = (struct ask){.texts = query, .text_count = 1, .query.top_k = top_k};
    if ((query == NULL) == (queries == NULL)) {
        int rc = weft_http_respond_error(res, &neither);
        return rc < 0 ? rc : 1;
    }
    if (queries != NULL) {
        ask->texts = queries->ptr;
        ask->text_count = queries->count;
        ask->is_list = true;
        ask->list_name = "queries";
    }
    return ask_check_hits(ask, res);
}

/* ---- what is refused ---- */

int ask_answer_error(const struct ask *ask, weft_http_request *req, weft_http_response *res, int rc,
                     weft_m_error *error)
{
    static const char name[] = "queries"; /* the matcher's, of whatever texts it got */
    if (strncmp(error->field, name, sizeof(name) - 1) == 0) {
        char index[sizeof(error->field)];
        snprintf(index, sizeof(index), "%s", error->field + sizeof(name) - 1);
        snprintf(error->field, sizeof(error->field), "%.16s%.40s",
                 ask->is_list ? ask->list_name : "query", ask->is_list ? index : "");
    }
    return answer_error(req, res, rc, error);
}

int ask_refuse(weft_http_response *res, const char *field, const char *limit_name, uint64_t limit,
               uint64_t seen)
{
    const weft_http_error error = {
        .status = 413,
        .message = "over a limit of this service",
        .field = field,
        .limit_name = limit_name,
        .limit = limit,
        .seen = seen,
        .offset = -1,
    };
    int rc = weft_http_respond_error(res, &error);
    return rc < 0 ? rc : 1;
}

int ask_check_texts(weft_http_response *res, size_t count, size_t max)
{
    return count <= max ? 0 : ask_refuse(res, "texts", "texts", max, count);
}

int ask_check_hits(const struct ask *ask, weft_http_response *res)
{
    uint64_t hits = (uint64_t)ask->text_count * (uint64_t)ask->query.top_k;
    uint64_t max = ask->wants_metadata ? METADATA_HITS_MAX : HITS_MAX;
    return hits <= max ? 0 : ask_refuse(res, "top_k", "results", max, hits);
}
