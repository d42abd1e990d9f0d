/* SPDX-License-Identifier: MIT */

/* What a handler asks about its request. */

#include "http/exchange/request.h"

#include <weft/error.h>
#include <weft/sys/loop.h>
#include <weft/sys/stream.h>
#include <weft/task.h>

#include "base/buf.h"
#include "base/str.h"
#include "coding/coding.h"
#include "h1/chars.h"
#include "h1/list.h"
#include "h1/target.h"
#include "http/coded/coded_body.h"
#include "http/exchange/transport.h"
#include "http/form/form.h"
#include "http/route/router.h"
#include "http/server/conn.h"
#include "http/server/server.h"

#include <stdio.h>
#include <string.h>

#define COLLECT_BYTES ((size_t)16 * 1024) /* of a body, at a time */

static const weft_str no_str = {NULL, 0};

/* ---- line ---- */

weft_str weft_http_method(const weft_http_request *req)
{
    return (weft_str){req->text + req->head.method_at, req->head.method_len};
}

weft_str weft_http_path(const weft_http_request *req)
{
    return req->path;
}

/* The "/" that "http://host?query" leaves out stands nowhere before the query: the two are put
 * where the decoded path is, which is that "/". */
static weft_str target_without_path(const weft_http_request *req, weft_str query)
{
    char *made = req->text + req->head.bytes;
    size_t len = 0;
    made[len++] = '/';
    if (query.ptr != NULL) {
        made[len++] = '?';
        memcpy(made + len, query.ptr, query.len);
    }
    return (weft_str){made, len + query.len};
}

weft_str weft_http_target(const weft_http_request *req)
{
    weft_str target = {req->text + req->head.target_at, req->head.target_len};
    struct wf_http_target split = wf_http_target_split(target);
    weft_str path = split.raw_path;
    if (path.ptr < target.ptr || path.ptr >= target.ptr + target.len)
        return target_without_path(req, split.query);
    path.len = target.len - (size_t)(path.ptr - target.ptr);
    return path;
}

weft_str weft_http_query(const weft_http_request *req)
{
    return req->query;
}

weft_str weft_http_host(const weft_http_request *req)
{
    if (req->head.host_len == 0)
        return no_str;
    return (weft_str){req->text + req->head.host_at, req->head.host_len};
}

weft_str weft_http_path_param(const weft_http_request *req, const char *name)
{
    const struct wf_http_route *route = req->match.route;
    int index = route != NULL ? wf_http_route_param_index(route, name) : -1;
    return index < 0 ? no_str : req->match.params[index];
}

/* ---- query ---- */

int wf_request_take_query(weft_http_request *req)
{
    size_t count, max = req->conn->server->limits.query_count_max, bad = 0;
    int rc = wf_form_decode(req->query, max, &req->params, &count, &bad);
    req->param_count = rc == 0 ? count : 0;
    if (rc == -WEFT_ELIMIT)
        req->fault = wf_http_fault_limit(400, "The query has too many parameters.",
                                         "query_count_max", max, count, WF_HTTP_NOWHERE);
    else if (rc == -WEFT_ESYNTAX)
        req->fault = wf_http_fault(
            400, "The query holds a broken escape or bytes that are not UTF-8.", (int64_t)bad);
    return rc == -ENOMEM ? rc : 0;
}

weft_str weft_http_query_param(const weft_http_request *req, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < req->param_count; i++) {
        const struct wf_pair *param = &req->params[i];
        if (param->name.len == len && memcmp(param->name.ptr, name, len) == 0)
            return param->value;
    }
    return no_str;
}

bool weft_http_query_at(const weft_http_request *req, size_t index, weft_str *out_name,
                        weft_str *out_value)
{
    if (index >= req->param_count)
        return false;
    *out_name = req->params[index].name;
    *out_value = req->params[index].value;
    return true;
}

/* ---- fields ---- */

static bool name_is(const char *text, size_t len, const char *name)
{
    for (size_t i = 0; i < len; i++) {
        if (name[i] == 0 || wf_str_lower(text[i]) != wf_str_lower(name[i]))
            return false;
    }
    return name[len] == 0;
}

weft_str weft_http_field(const weft_http_request *req, const char *name)
{
    for (uint32_t i = 0; i < req->head.field_count; i++) {
        const struct wf_h1_field *field = &req->fields[i];
        if (name_is(req->text + field->name_at, field->name_len, name))
            return (weft_str){req->text + field->value_at, field->value_len};
    }
    return no_str;
}

bool weft_http_field_at(const weft_http_request *req, size_t index, weft_str *out_name,
                        weft_str *out_value)
{
    if (index >= req->head.field_count)
        return false;
    const struct wf_h1_field *field = &req->fields[index];
    *out_name = (weft_str){req->text + field->name_at, field->name_len};
    *out_value = (weft_str){req->text + field->value_at, field->value_len};
    return true;
}

bool weft_http_has_type(const weft_http_request *req, const char *type)
{
    weft_str field = weft_http_field(req, "content-type"), essence;
    if (!wf_str_next_item(&field, ';', &essence))
        return true;
    return name_is(essence.ptr, essence.len, type);
}

/* "q=0", "q=0.0" …: not acceptable. */
static bool is_refusal(weft_str parameter)
{
    if (parameter.len < 3 || wf_str_lower(parameter.ptr[0]) != 'q' || parameter.ptr[1] != '=')
        return false;
    for (size_t i = 2; i < parameter.len; i++) {
        if (parameter.ptr[i] != '0' && parameter.ptr[i] != '.')
            return false;
    }
    return true;
}

/* How exactly a range names a type: 3 itself, 2 its family, 1 anything, 0 not at all. */
static int range_matches(weft_str range, const char *type)
{
    const char *slash = strchr(type, '/');
    size_t family = slash != NULL ? (size_t)(slash - type) + 1 : 0;
    if (name_is(range.ptr, range.len, type))
        return 3;
    if (range.len == 3 && memcmp(range.ptr, "*/*", 3) == 0)
        return 1;
    if (family == 0 || range.len != family + 1 || range.ptr[family] != '*')
        return 0;
    for (size_t i = 0; i < family; i++) {
        if (wf_str_lower(range.ptr[i]) != wf_str_lower(type[i]))
            return 0;
    }
    return 2;
}

/* What the ranges of one field say of a type. */
struct acceptance {
    const char *type;
    int best; /* how exactly the range that decided names it */
    bool is_accepted;
};

static void accept_list(struct acceptance *it, weft_str list)
{
    weft_str item;
    while (wf_str_next_item(&list, ',', &item)) {
        weft_str parameters = item, range, parameter;
        (void)wf_str_next_item(&parameters, ';', &range);
        int match = range_matches(range, it->type);
        if (match <= it->best)
            continue;
        it->best = match;
        it->is_accepted = true;
        while (wf_str_next_item(&parameters, ';', &parameter)) {
            if (is_refusal(parameter))
                it->is_accepted = false;
        }
    }
}

/* The most exact range decides; several fields are one list. */
bool weft_http_accepts(const weft_http_request *req, const char *type)
{
    struct acceptance it = {.type = type};
    bool has_list = false;
    for (uint32_t i = 0; i < req->head.field_count; i++) {
        const struct wf_h1_field *field = &req->fields[i];
        if (field->value_len == 0 ||
            !name_is(req->text + field->name_at, field->name_len, "accept"))
            continue;
        has_list = true;
        accept_list(&it, (weft_str){req->text + field->value_at, field->value_len});
    }
    return it.is_accepted || !has_list;
}

/* ---- who asks ---- */

const char *weft_http_request_id(weft_http_request *req)
{
    if (req->id[0] == 0)
        snprintf(req->id, sizeof req->id, "%016llx",
                 (unsigned long long)wf_http_server_random(req->conn->server));
    return req->id;
}

int weft_http_get_peer(const weft_http_request *req, weft_addr *out)
{
    return wf_conn_get_peer(req->conn, out);
}

const weft_stream *weft_http_get_stream(const weft_http_request *req)
{
    return req->conn->stream;
}

weft_http_server *weft_http_get_server(const weft_http_request *req)
{
    return req->conn->server;
}

/* ---- body ---- */

int64_t weft_http_length(const weft_http_request *req)
{
    bool is_told = !req->head.is_chunked && req->coding == WF_CODING_IDENTITY;
    if (req->is_collecting) /* it has */
        return (int64_t)wf_buf_bytes(&req->body);
    return is_told ? (int64_t)req->head.content_length : -1;
}

weft_str weft_http_body(const weft_http_request *req)
{
    if (!req->is_collecting || wf_buf_bytes(&req->body) == 0)
        return (weft_str){"", 0};
    return (weft_str){wf_buf_ptr(&req->body), wf_buf_bytes(&req->body)};
}

static ssize_t body_read_kept(weft_http_request *req, void *buf, size_t bytes)
{
    size_t left = wf_buf_bytes(&req->body) - req->body_read;
    size_t count = left < bytes ? left : bytes;
    if (count != 0)
        memcpy(buf, wf_buf_ptr(&req->body) + req->body_read, count);
    req->body_read += count;
    return (ssize_t)count;
}

static ssize_t body_read_new(weft_http_request *req, char *buf, size_t bytes)
{
    return req->coding != WF_CODING_IDENTITY ? wf_request_read_decoded(req, buf, bytes)
                                             : req->conn->transport->read(req, buf, bytes);
}

/* How much to ask for: what is left, or a piece. */
static size_t collect_room(const weft_http_request *req)
{
    int64_t length = weft_http_length(req);
    size_t have = wf_buf_bytes(&req->body);
    if (length < 0 || (uint64_t)length > have + COLLECT_BYTES)
        return COLLECT_BYTES;
    return (uint64_t)length > have ? (size_t)length - have : 1; /* the end is still to be seen */
}

/* The next piece: how much came, or 0 at the end. */
static ssize_t collect_piece(weft_http_request *req)
{
    char *out;
    size_t room = collect_room(req);
    if (wf_buf_reserve(&req->body, room, &out) < 0)
        return -ENOMEM;
    ssize_t count = body_read_new(req, out, room);
    if (count > 0)
        wf_buf_commit(&req->body, (size_t)count);
    return count;
}

/* A piece for which there is no room now stays where it is: who asks again gets a body without a
 * hole, or the same refusal. */
static int collect_count(weft_http_request *req)
{
    size_t fresh = wf_buf_bytes(&req->body) - req->body_counted;
    int rc = wf_request_count_body(req, fresh, &req->framing.fault);
    return rc < 0 ? weft_fail(rc, "%s", req->framing.fault.message) : 0;
}

int weft_http_collect(weft_http_request *req)
{
    WEFT_TRY(weft_loop_check(req->conn->server->loop, "HTTP request"));
    WEFT_TRY(weft_check());
    ssize_t rc = req->has_framing && !req->is_collecting ? 1 : 0;
    while (rc > 0) {
        rc = collect_count(req);
        if (rc == 0)
            rc = collect_piece(req);
    }
    if (rc == 0)
        req->is_collecting = req->has_framing;
    return (int)rc;
}

ssize_t weft_http_read(weft_http_request *req, void *buf, size_t bytes)
{
    WEFT_TRY(weft_loop_check(req->conn->server->loop, "HTTP request"));
    WEFT_TRY(weft_check());
    if (bytes == 0)
        return 0;
    if (wf_request_collects_late(req))
        WEFT_TRY(weft_http_collect(req));
    if (req->is_collecting)
        return body_read_kept(req, buf, bytes);
    return body_read_new(req, buf, bytes);
}
