/* SPDX-License-Identifier: MIT */

/* Typed input: parameters and body of a request, read by their schemas before the handler. */

#include <weft/exec.h>
#include <weft/http_api.h>
#include <weft/http_cookie.h>

#include "base/buf.h"
#include "base/names.h"
#include "base/utf8.h"
#include "http/exchange/chain.h"
#include "http/exchange/error_body.h"
#include "http/exchange/extras.h"
#include "http/exchange/request.h"
#include "http/exchange/response.h"
#include "http/form/form.h"
#include "http/route/router.h"
#include "http/server/conn.h"
#include "http/server/server.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* A longer body is parsed on the pool: a megabyte takes some milliseconds. */
#define PARSE_HERE_BYTES_MAX ((size_t)64 * 1024)

#define TYPE_SHOWN 64 /* bytes of a Content-Type */
#define NAMES_MAX 64  /* of parameters, to say which there are */

static int sent(int rc)
{
    return rc < 0 ? rc : 1;
}

/* ---- what is accepted, what is given ---- */

static int fail_type(weft_http_request *req, weft_http_response *res, const char *type)
{
    weft_str given = weft_http_field(req, "Content-Type");
    return sent(weft_http_fail(res, 415, NULL, "Content-Type must be %s, is %.*s", type,
                               wf_utf8_shown(given.ptr, given.len, TYPE_SHOWN), given.ptr));
}

static int check_types(weft_http_request *req, weft_http_response *res, const weft_http_api *api)
{
    const char *type = api->is_form ? "application/x-www-form-urlencoded" : "application/json";
    if (api->input != NULL && !weft_http_has_type(req, type))
        return fail_type(req, res, type);
    if (api->gives == NULL)
        return 0;
    char list[256] = "";
    size_t used = 0;
    for (size_t i = 0; api->gives[i] != NULL; i++) {
        if (weft_http_accepts(req, api->gives[i]))
            return 0;
        const char *between = i == 0 ? "" : api->gives[i + 1] == NULL ? " or " : ", ";
        used += (size_t)snprintf(list + used, used < sizeof list ? sizeof list - used : 0, "%s%s",
                                 between, api->gives[i]);
        if (used >= sizeof list)
            used = sizeof list - 1;
    }
    return sent(weft_http_fail(res, 406, NULL, "the answer is %s", list));
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
    if (parse->body.len == 0)
        snprintf(message, sizeof message, "the body is empty; it must be JSON");
    else
        snprintf(message, sizeof message,
                 "the body is not the JSON expected: %s, line %zu column %zu", error->text,
                 error->line, error->column);
    const weft_http_error answer = {
        .status = rc == -WEFT_ESYNTAX || rc == -WEFT_ELIMIT ? 400 : 503,
        .message = message,
        .offset = (int64_t)error->offset,
    };
    return sent(weft_http_respond_error(res, &answer));
}

static int take_json(weft_http_request *req, weft_http_response *res, struct wf_extras *extras)
{
    struct parse parse = {.body = weft_http_body(req)};
    bool is_short = parse.body.len <= PARSE_HERE_BYTES_MAX;
    int rc = is_short ? parse_body(&parse) : weft_run_cpu(parse_body, &parse);
    extras->root = parse.root;
    return rc == 0 ? 0 : answer_parse(res, &parse, rc);
}

/* ---- forms ---- */

static int take_form(weft_http_request *req, weft_http_response *res, struct wf_extras *extras)
{
    size_t max = req->conn->server->limits.query_count_max, bad = 0;
    int rc = wf_form_decode(weft_http_body(req), max, &extras->pairs, &extras->pair_count, &bad);
    weft_http_error error = {.status = 400, .offset = -1};
    if (rc == 0 || rc == -ENOMEM)
        return rc;
    error.message = "The form holds a broken escape or bytes that are not UTF-8.";
    if (rc == -WEFT_ELIMIT) {
        error.message = "The form has too many fields.";
        error.limit_name = "query_count_max";
        error.limit = max;
        error.seen = extras->pair_count;
    } else {
        error.offset = (int64_t)bad;
    }
    return sent(weft_http_respond_error(res, &error));
}

static bool form_text(void *arg, const weft_field *field, size_t index, weft_str *out)
{
    const struct wf_extras *extras = arg;
    const char *name = field->alias != NULL ? field->alias : field->name;
    size_t len = strlen(name);
    for (size_t i = 0; i < extras->pair_count; i++) {
        const struct wf_pair *pair = &extras->pairs[i];
        if (pair->name.len == len && memcmp(pair->name.ptr, name, len) == 0 && index-- == 0) {
            *out = pair->value;
            return true;
        }
    }
    return false;
}

/* Its issues are of the body, not of a place of parameters. */
static int read_form(const weft_schema *schema, struct wf_extras *extras, weft_issues *issues)
{
    size_t before = issues->count;
    int rc = weft_schema_read_texts(schema, form_text, extras, issues, &extras->input);
    for (size_t i = before; i < issues->count && i < WEFT_ISSUE_MAX; i++)
        issues->items[i].in = NULL;
    return rc;
}

/* ---- parameters ---- */

static const char *field_name(const weft_field *field)
{
    return field->alias != NULL ? field->alias : field->name;
}

static bool query_text(const weft_http_request *req, const char *name, size_t index, weft_str *out)
{
    weft_str param;
    for (size_t i = 0; weft_http_query_at(req, i, &param, out); i++) {
        if (param.len == strlen(name) && memcmp(param.ptr, name, param.len) == 0 && index-- == 0)
            return true;
    }
    return false;
}

static bool param_text(void *arg, const weft_field *field, size_t index, weft_str *out)
{
    const weft_http_request *req = arg;
    const char *name = field_name(field);
    if (field->in == WEFT_IN_QUERY)
        return query_text(req, name, index, out);
    if (index != 0)
        return false;
    if (field->in == WEFT_IN_PATH)
        *out = weft_http_path_param(req, name);
    else if (field->in == WEFT_IN_HEADER)
        *out = weft_http_field(req, name);
    else
        *out = weft_http_cookie(req, name);
    return out->ptr != NULL;
}

static bool is_query_param(const weft_schema *params, weft_str name)
{
    for (size_t i = 0; i < params->field_count; i++) {
        const char *known = field_name(&params->fields[i]);
        if (params->fields[i].in == WEFT_IN_QUERY && strlen(known) == name.len &&
            memcmp(known, name.ptr, name.len) == 0)
            return true;
    }
    return false;
}

static void say_unknown(const weft_schema *params, weft_str name, weft_issues *issues)
{
    static const char text[] = "is not a parameter of this request";
    const char *names[NAMES_MAX];
    char hint[sizeof issues->items[0].text - sizeof text + 1], path[sizeof issues->items[0].path];
    size_t count = 0;
    for (size_t i = 0; i < params->field_count && count < NAMES_MAX; i++) {
        if (params->fields[i].in == WEFT_IN_QUERY)
            names[count++] = field_name(&params->fields[i]);
    }
    wf_names_hint(name, names, count, hint, sizeof hint);
    snprintf(path, sizeof path, "%.*s", (int)wf_utf8_cut(name.ptr, name.len, sizeof path - 1),
             name.ptr);
    weft_issue(issues, path, "%s%s", text, hint);
    if (issues->count <= WEFT_ISSUE_MAX)
        issues->items[issues->count - 1].in = "query";
}

static void say_twice(const char *name, weft_issues *issues)
{
    weft_issue(issues, name, "is given more than once");
    if (issues->count <= WEFT_ISSUE_MAX)
        issues->items[issues->count - 1].in = "query";
}

/* What is in no table was meant to do something, and would not; nor would a second text of what has
 * but one. */
static void check_query(const weft_http_request *req, const weft_schema *params,
                        weft_issues *issues)
{
    weft_str name, value;
    for (size_t i = 0; i < params->field_count; i++) {
        const weft_field *field = &params->fields[i];
        if (field->in == WEFT_IN_QUERY && field->type != WEFT_TYPE_ARRAY &&
            query_text(req, field_name(field), 1, &value))
            say_twice(field_name(field), issues);
    }
    for (size_t i = 0; !params->is_open && weft_http_query_at(req, i, &name, &value); i++) {
        if (!is_query_param(params, name))
            say_unknown(params, name, issues);
    }
}

bool wf_api_fits(const weft_http_api *api, const char *path)
{
    const weft_schema *params = api->params;
    struct wf_http_route route = {.public.path = path, .path_len = strlen(path)};
    for (size_t i = 0; params != NULL && i < params->field_count; i++) {
        const weft_field *field = &params->fields[i];
        if (field->in == WEFT_IN_PATH && wf_http_route_param_index(&route, field_name(field)) < 0)
            return false;
    }
    return true;
}

/* ---- the whole ---- */

static int take_input(const weft_http_api *api, struct wf_extras *extras, weft_issues *issues)
{
    if (api->input == NULL)
        return 0;
    if (api->is_form)
        return read_form(api->input, extras, issues);
    return weft_schema_read(api->input, extras->root, issues, &extras->input);
}

/* Parameters and body, and from both all that is wrong.  Does not wait: the issues are the
 * server's. */
static int take_values(weft_http_request *req, const weft_http_api *api, struct wf_extras *extras,
                       weft_issues *issues)
{
    int rc = 0;
    issues->count = 0;
    if (api->params != NULL) {
        rc = weft_schema_read_texts(api->params, param_text, req, issues, &extras->params);
        check_query(req, api->params, issues);
        if (rc == 0 && issues->count != 0)
            rc = -EINVAL;
    }
    if (rc == 0 || rc == -EINVAL) {
        int input_rc = take_input(api, extras, issues);
        rc = input_rc < 0 ? input_rc : rc;
    }
    return rc;
}

int wf_api_take(weft_http_request *req, weft_http_response *res, const weft_http_api *api)
{
    int rc = check_types(req, res, api);
    if (rc != 0 || (api->params == NULL && api->input == NULL))
        return rc;
    struct wf_extras *extras = wf_request_extras(req);
    if (extras == NULL)
        return -ENOMEM;
    assert(extras->params == NULL && extras->input == NULL);
    if (api->input != NULL)
        rc = api->is_form ? take_form(req, res, extras) : take_json(req, res, extras);
    if (rc != 0)
        return rc;
    weft_issues *issues = req->conn->server->chains.issues;
    rc = take_values(req, api, extras, issues);
    return rc == -EINVAL ? sent(weft_http_respond_issues(res, issues)) : rc;
}

const void *weft_http_params(const weft_http_request *req)
{
    return req->extras != NULL ? req->extras->params : NULL;
}

const void *weft_http_input(const weft_http_request *req)
{
    return req->extras != NULL ? req->extras->input : NULL;
}

/* ---- answers ---- */

int weft_http_respond_issues(weft_http_response *res, const weft_issues *issues)
{
    weft_http_request *req = res->req;
    wf_buf_reset(&req->scratch);
    wf_http_write_issues(&req->scratch, issues, weft_http_request_id(req));
    if (req->scratch.rc < 0)
        return req->scratch.rc;
    return weft_http_respond(res, 422, "application/json", wf_buf_ptr(&req->scratch),
                             wf_buf_bytes(&req->scratch));
}

int weft_http_respond_as(weft_http_response *res, int status, const weft_schema *schema,
                         const void *structure)
{
    weft_json_writer *json;
    weft_str text;
    int rc = weft_json_writer_new(&json, /* bytes_max= */ 0);
    if (rc < 0)
        return rc;
    weft_schema_write(schema, structure, json);
    rc = weft_json_writer_get(json, &text);
    if (rc == 0)
        rc = weft_http_respond_json(res, status, text);
    weft_json_writer_free(json);
    return rc;
}
