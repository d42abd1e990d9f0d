/* SPDX-License-Identifier: MIT */

#include "cmd/ask.h"

#include "base/alloc.h"
#include "base/json_write.h"

#include <weft/exec.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* A longer body is parsed on the pool: a megabyte takes some milliseconds. */
#define PARSE_HERE_BYTES_MAX ((size_t)64 * 1024)
#define CANDIDATE_COUNT_MAX 100000
#define HITS_MAX 1000000        /* of an answer that is collected */
#define METADATA_HITS_MAX 10000 /* each stands five times in it, and it is written in one go */

void ask_free(struct ask *ask)
{
    if (ask == NULL)
        return;
    weft_json_free(ask->priv_root);
    wf_arena_fini(&ask->priv_arena);
    wf_free(ask);
}

/* ---- JSON ---- */

struct parse {
    weft_str body;
    weft_json *root;
    weft_json_error error;
};

static int parse_body(void *arg)
{
    struct parse *parse = arg;
    const weft_json_limits limits = {.bytes_max = SIZE_MAX}; /* the server has limited the body */
    return weft_json_read(&parse->root, parse->body.ptr, parse->body.len, &limits, &parse->error);
}

/* 400 with the place, or 503. */
static int answer_parse(weft_http_response *res, const struct parse *parse, int rc)
{
    char message[160];
    if (rc == -ECANCELED)
        return rc;
    const weft_json_error *error = &parse->error;
    snprintf(message, sizeof(message), "the body is not the JSON expected: %s, line %zu column %zu",
             error->text, error->line, error->column);
    weft_http_error answer = {
        .status = rc == -WEFT_ESYNTAX || rc == -WEFT_ELIMIT ? 400 : 503,
        .message = message,
        .offset = (int64_t)error->offset,
    };
    rc = weft_http_respond_error(res, &answer);
    return rc < 0 ? rc : 1;
}

/* Only batches are answered in other forms than JSON. */
static bool has_form(enum ask_kind kind, const weft_http_request *req)
{
    return weft_http_accepts(req, "application/json") ||
           (kind == ASK_BATCH && (weft_http_accepts(req, "application/x-ndjson") ||
                                  weft_http_accepts(req, "text/event-stream")));
}

static int ask_parse(struct ask *ask, enum ask_kind kind, weft_http_request *req,
                     weft_http_response *res)
{
    struct parse parse = {.body = weft_http_body(req)};
    int rc;
    if (!weft_http_has_type(req, "application/json"))
        rc = weft_http_fail(res, 415, NULL, "Content-Type must be application/json");
    else if (!has_form(kind, req))
        rc = weft_http_fail(res, 406, NULL, "the answer is application/json%s",
                            kind == ASK_BATCH ? ", application/x-ndjson or text/event-stream" : "");
    else {
        bool is_short = parse.body.len <= PARSE_HERE_BYTES_MAX;
        rc = is_short ? parse_body(&parse) : weft_run_cpu(parse_body, &parse);
        ask->priv_root = parse.root;
        return rc == 0 ? 0 : answer_parse(res, &parse, rc);
    }
    return rc < 0 ? rc : 1;
}

/* ---- fields ---- */

static const char one_text[] = "must be a string";

static void take_texts(struct ask *ask, const weft_json *list)
{
    size_t count = weft_json_count(list);
    ask->texts = wf_arena_array(&ask->priv_arena, count, sizeof(*ask->texts));
    ask->text_count = ask->texts != NULL ? count : 0;
    ask->is_list = true;
    for (size_t i = 0; i < ask->text_count; i++)
        ask->texts[i] = weft_json_string(weft_json_item(list, i));
}

static void take_text(struct ask *ask, weft_str text)
{
    ask->texts = wf_arena_array(&ask->priv_arena, 1, sizeof(*ask->texts));
    ask->text_count = ask->texts != NULL;
    if (ask->texts != NULL)
        ask->texts[0] = text;
}

/* "query": a text, or, where `may_be_list`, a list of them. */
static void take_query(struct ask *ask, bool may_be_list)
{
    weft_json_form *form = &ask->priv_form;
    const weft_json *value;
    if (!weft_json_form_any(form, "query", WEFT_JSON_REQUIRED, &value))
        return;
    enum weft_json_kind kind = weft_json_kind(value);
    if (kind == WEFT_JSON_STRING)
        take_text(ask, weft_json_string(value));
    else if (kind != WEFT_JSON_ARRAY || !may_be_list)
        weft_json_form_issue(form, "query", "%s%s, is %s", one_text,
                             may_be_list ? " or an array of strings" : "",
                             weft_json_kind_name(kind));
    else {
        weft_json_form_check_strings(form, "query", value, SIZE_MAX);
        take_texts(ask, value);
    }
}

/* An id, as it is, as an integer, or in an object of its own. */
static bool take_id(struct ask *ask, const weft_json *value, weft_str *out)
{
    if (weft_json_kind(value) == WEFT_JSON_OBJECT)
        value = weft_json_get(value, "id");
    if (weft_json_kind(value) == WEFT_JSON_STRING) {
        *out = weft_json_string(value);
        return true;
    }
    if (weft_json_kind(value) != WEFT_JSON_INTEGER)
        return false;
    char digits[24];
    int bytes = snprintf(digits, sizeof(digits), "%" PRId64, weft_json_integer(value));
    return wf_arena_copy(&ask->priv_arena, (weft_str){digits, (size_t)bytes}, out);
}

static void take_candidates(struct ask *ask)
{
    weft_json_form *form = &ask->priv_form;
    const weft_json *value;
    if (!weft_json_form_any(form, "candidates", WEFT_JSON_NULLABLE, &value))
        return;
    size_t count = weft_json_count(value);
    if (weft_json_kind(value) != WEFT_JSON_ARRAY || count > CANDIDATE_COUNT_MAX) {
        weft_json_form_issue(form, "candidates", "must be an array of at most %d ids",
                             CANDIDATE_COUNT_MAX);
        return;
    }
    weft_str *ids = wf_arena_array(&ask->priv_arena, count, sizeof(*ids));
    for (size_t i = 0; i < count && ids != NULL; i++) {
        char path[40];
        if (take_id(ask, weft_json_item(value, i), &ids[i]))
            continue;
        snprintf(path, sizeof(path), "candidates[%zu]", i);
        weft_json_form_issue(form, path, "must be an id: a string or an integer");
    }
    ask->query.candidates = ids;
    ask->query.candidate_count = ids != NULL ? count : 0;
}

/* Top-level fields that match and batch have in common. */
static void take_options(struct ask *ask)
{
    double threshold = NAN;
    weft_json_form_double(&ask->priv_form, "threshold", WEFT_JSON_NULLABLE, 0, 1, &threshold);
    ask->query.threshold = (float)threshold;
    take_candidates(ask);
}

static void take_metadata(struct ask *ask)
{
    weft_json_form_bool(&ask->priv_form, "metadata", 0, &ask->wants_metadata);
}

static void take_top_k(struct ask *ask)
{
    weft_json_form_integer(&ask->priv_form, "top_k", 0, 1, 1000, &ask->query.top_k);
}

static void take_batch(struct ask *ask)
{
    const weft_json *list;
    if (weft_json_form_strings(&ask->priv_form, "queries", WEFT_JSON_REQUIRED, SIZE_MAX, SIZE_MAX,
                               &list))
        take_texts(ask, list);
    weft_json_form_integer(&ask->priv_form, "batch_size", 0, 1, 10000, &ask->batch_size);
}

static int take_fields(struct ask *ask, enum ask_kind kind)
{
    weft_json_form_open(&ask->priv_form, ask->priv_root);
    switch (kind) {
    case ASK_MATCH:
        take_query(ask, /* may_be_list= */ true);
        take_top_k(ask);
        take_options(ask);
        take_metadata(ask);
        break;
    case ASK_BATCH:
        take_batch(ask);
        take_top_k(ask);
        take_options(ask);
        break;
    case ASK_EXPLAIN:
        take_query(ask, /* may_be_list= */ false);
        take_top_k(ask);
        break;
    case ASK_LIST:
        break;
    }
    return weft_json_form_close(&ask->priv_form);
}

/* The seed's batch: the body is the list itself. */
static int take_list(struct ask *ask)
{
    weft_json_form *form = &ask->priv_form;
    memset(form, 0, sizeof(*form));
    if (weft_json_kind(ask->priv_root) != WEFT_JSON_ARRAY)
        weft_json_form_issue(form, "", "the body must be an array of strings");
    else
        weft_json_form_check_strings(form, "", ask->priv_root, SIZE_MAX);
    if (form->issue_count != 0)
        return -EINVAL;
    take_texts(ask, ask->priv_root);
    return 0;
}

/* ---- what is wrong ---- */

static void put_issue(wf_json *json, const weft_json_issue *issue)
{
    wf_json_object(json);
    wf_json_key(json, "field");
    wf_json_text(json, issue->path);
    wf_json_key(json, "message");
    wf_json_text(json, issue->text);
    wf_json_object_end(json);
}

/* 422 with the first issue in front and all of them, as far as they were kept, in the details. */
static int answer_issues(const weft_json_form *form, weft_http_request *req,
                         weft_http_response *res)
{
    const weft_json_issue *first = &form->issues[0];
    char message[224];
    wf_buf body = {0};
    wf_json json = {.out = &body};
    snprintf(message, sizeof(message), "%s%s%s", first->path, first->path[0] != '\0' ? ": " : "",
             first->text);
    wf_json_object(&json);
    wf_json_key(&json, "error");
    wf_json_object(&json);
    wf_json_key(&json, "code");
    wf_json_text(&json, "validation_error");
    wf_json_key(&json, "message");
    wf_json_text(&json, message);
    wf_json_key(&json, "field");
    wf_json_text(&json, first->path);
    wf_json_key(&json, "details");
    wf_json_object(&json);
    wf_json_key(&json, "error_count");
    wf_json_uint(&json, form->issue_count);
    wf_json_key(&json, "errors");
    wf_json_array(&json);
    for (size_t i = 0; i < form->issue_count && i < WEFT_JSON_ISSUE_MAX; i++)
        put_issue(&json, &form->issues[i]);
    wf_json_array_end(&json);
    wf_json_object_end(&json);
    wf_json_key(&json, "request_id");
    wf_json_text(&json, weft_http_request_id(req));
    wf_json_object_end(&json);
    wf_json_object_end(&json);
    int rc = body.rc;
    if (rc == 0)
        rc = weft_http_respond_json(res, 422, (weft_str){wf_buf_ptr(&body), wf_buf_bytes(&body)});
    wf_buf_fini(&body);
    return rc < 0 ? rc : 1;
}

int ask_read(struct ask **out, enum ask_kind kind, int64_t top_k, weft_http_request *req,
             weft_http_response *res)
{
    struct ask *ask = wf_alloc(sizeof(*ask));
    if (ask == NULL)
        return -ENOMEM;
    weft_m_query_init(&ask->query);
    ask->query.top_k = top_k;
    ask->batch_size = 32;
    int rc = ask_parse(ask, kind, req, res);
    if (rc == 0) {
        int taken = kind == ASK_LIST ? take_list(ask) : take_fields(ask, kind);
        if (taken < 0)
            rc = answer_issues(&ask->priv_form, req, res);
        else if (ask->texts == NULL)
            rc = -ENOMEM;
    }
    if (rc == 0)
        *out = ask;
    else
        ask_free(ask);
    return rc;
}

/* ---- limits of answers ---- */

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

int ask_check_hits(const struct ask *ask, weft_http_response *res)
{
    uint64_t hits = (uint64_t)ask->text_count * (uint64_t)ask->query.top_k;
    uint64_t max = ask->wants_metadata ? METADATA_HITS_MAX : HITS_MAX;
    return hits <= max ? 0 : ask_refuse(res, "top_k", "results", max, hits);
}
