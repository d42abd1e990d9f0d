/* SPDX-License-Identifier: MIT */

/* Exchanges: made, given back, and prepared for a handler when the head is complete. */

#include <weft/stats.h>
#include <weft/sys/loop.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/sys.h"
#include "base/utf8.h"
#include "coding/read/decoding.h"
#include "h1/body.h"
#include "h1/chars.h"
#include "h1/head.h"
#include "h1/target.h"
#include "http/coded/coded_answer.h"
#include "http/exchange/extras.h"
#include "http/exchange/request.h"
#include "http/exchange/response.h"
#include "http/route/router.h"
#include "http/server/conn.h"
#include "http/server/server.h"

#include <assert.h>
#include <string.h>

/* What an exchange in the pool may keep of its buffers, and how many are kept. */
#define KEEP_BYTES_MAX ((size_t)16 * 1024)
#define KEEP_COUNT_MAX 128

/* What may be read and dropped to keep a connection whose body nobody wanted. */
#define DRAIN_BYTES_MAX ((uint64_t)64 * 1024)

/* ---- life ---- */

weft_http_request *wf_request_new(struct wf_conn *conn)
{
    weft_http_server *server = conn->server;
    weft_http_request *req = server->free_requests;
    if (req != NULL) {
        server->free_requests = req->next_free;
        server->free_count--;
    } else {
        req = wf_alloc(sizeof *req + server->limits.field_count_max * sizeof req->fields[0]);
        if (req == NULL)
            return NULL;
        wf_h1_head_init(&req->head, &server->head_limits, req->fields);
        req->res.fields.bytes_max = server->limits.head_bytes_max;
        req->res.trailers.bytes_max = server->limits.head_bytes_max;
    }
    req->conn = conn;
    req->res.req = req;
    req->has_extras = server->has_extras;
    return req;
}

static inline void buf_trim(wf_buf *buf)
{
    if (buf->capacity > KEEP_BYTES_MAX)
        wf_buf_fini(buf);
    wf_buf_reset(buf);
}

static void request_reset_h2(struct wf_h2_stream *stream)
{
    buf_trim(&stream->rest);
    buf_trim(&stream->unread);
    *stream = (struct wf_h2_stream){.rest = stream->rest, .unread = stream->unread};
}

/* Some buffer was used, or has failed. */
static bool request_has_memory(const weft_http_request *req)
{
    const struct weft_http_response *res = &req->res;
    size_t capacities = req->body.capacity | req->scratch.capacity | req->trailers.capacity |
                        res->fields.capacity | res->trailers.capacity;
    int failures =
        req->body.rc | req->scratch.rc | req->trailers.rc | res->fields.rc | res->trailers.rc;
    return capacities != 0 || failures != 0;
}

static void request_reset_memory(weft_http_request *req)
{
    buf_trim(&req->body);
    buf_trim(&req->scratch);
    buf_trim(&req->trailers);
    buf_trim(&req->res.fields);
    buf_trim(&req->res.trailers);
}

static void request_reset_params(weft_http_request *req)
{
    wf_free(req->params);
    req->params = NULL;
    req->param_count = 0;
}

static void request_reset_text(weft_http_request *req)
{
    wf_free(req->text);
    req->text = NULL;
    req->text_capacity = 0;
    req->head.host_seen = (weft_str){NULL, 0};
}

static void request_reset_coding(weft_http_request *req)
{
    wf_decoding_free(req->decoding);
    wf_coded_free(req->res.coded);
    req->decoding = NULL;
}

/* All that a request leaves behind, but its buffers.  What only some have is looked for. */
static inline __attribute__((always_inline)) void request_reset(weft_http_request *req)
{
    struct weft_http_response *res = &req->res;
    assert(!req->has_slot && !req->has_reserve && !req->is_waiting);
    if (request_has_memory(req))
        request_reset_memory(req);
    if (req->params != NULL)
        request_reset_params(req);
    if (req->text_capacity > KEEP_BYTES_MAX)
        request_reset_text(req);
    if (req->decoding != NULL || res->coded != NULL)
        request_reset_coding(req);
    if (req->has_framing)
        req->framing = (struct wf_h1_body){0};
    memset(&req->state, 0, offsetof(weft_http_request, head) - offsetof(weft_http_request, state));
    memset(&res->status, 0,
           offsetof(weft_http_response, fields) - offsetof(weft_http_response, status));
    wf_h1_head_renew(&req->head);
    req->match.route = NULL;
    req->fault.status = 0;
    req->id[0] = 0;
}

void wf_request_free(weft_http_request *req)
{
    wf_buf_fini(&req->body);
    wf_buf_fini(&req->scratch);
    wf_buf_fini(&req->res.fields);
    wf_buf_fini(&req->res.trailers);
    wf_buf_fini(&req->trailers);
    wf_buf_fini(&req->h2.rest);
    wf_buf_fini(&req->h2.unread);
    wf_free(req->text);
    wf_free(req->params);
    wf_free(req);
}

static inline void request_time(weft_http_server *server, weft_http_request *req)
{
    if (req->came_at == 0)
        return; /* no request came of it */
    if (req->came_at != server->ended.came_at)
        wf_http_count_times(server);
    server->ended.came_at = req->came_at;
    req->came_at = 0;
    if (server->ended.count++ == 0)
        weft_defer_start(server->loop, &server->ended.defer);
}

void wf_request_time(weft_http_request *req)
{
    request_time(req->conn->server, req);
}

void wf_http_count_times(weft_http_server *server)
{
    struct wf_ended *ended = &server->ended;
    if (ended->count == 0)
        return;
    weft_histogram *times = &server->request_times;
    weft_time duration = wf_sys_now() - ended->came_at;
    times->count += ended->count;
    times->sum_ns += (uint64_t)duration * ended->count; /* the clock does not go back */
    times->buckets[weft_histogram_bucket(duration)] += ended->count;
    ended->count = 0;
}

void wf_http_turn_ended(weft_defer *defer)
{
    wf_http_count_times(wf_container(defer, weft_http_server, ended.defer));
}

/* What others are told of the end of a request, and what it held of theirs. */
static inline void request_end(weft_http_server *server, weft_http_request *req)
{
    if (req->has_extras)
        wf_request_end_extras(req);
    request_time(server, req);
    server->stats.bodies_bytes -= req->body_counted;
}

void wf_request_renew(weft_http_request *req)
{
    weft_http_server *server = req->conn->server;
    request_end(server, req);
    request_reset(req);
    req->has_extras = server->has_extras;
}

void wf_request_release(weft_http_request *req)
{
    weft_http_server *server = req->conn->server;
    request_end(server, req);
    if (req->conn->h2 != NULL)
        request_reset_h2(&req->h2);
    req->conn = NULL;
    req->deadline = 0; /* set for that connection's */
    request_reset(req);
    if (server->free_count >= KEEP_COUNT_MAX) {
        wf_request_free(req);
        return;
    }
    req->next_free = server->free_requests;
    server->free_requests = req;
    server->free_count++;
}

/* ---- preparation ---- */

/* Room for the head and, behind it, the decoded path. */
static int request_copy_head(weft_http_request *req, const char *input)
{
    size_t needed = (size_t)req->head.bytes + req->head.target_len + 1;
    if (needed > req->text_capacity) {
        size_t capacity = needed < 1024 ? 1024 : needed;
        char *text = wf_grow(req->text, capacity, 1);
        if (text == NULL)
            return -ENOMEM;
        req->text = text;
        req->text_capacity = capacity;
    }
    memcpy(req->text, input, req->head.bytes);
    req->head.host_seen = (weft_str){req->text + req->head.host_at, req->head.host_len};
    return 0;
}

static void request_fault(weft_http_request *req, int status, const char *message, int64_t offset)
{
    if (req->fault.status == 0)
        req->fault = wf_http_fault(status, message, offset);
}

static __attribute__((noinline)) void request_decode_path(weft_http_request *req, weft_str target)
{
    struct wf_http_target split = wf_http_target_split(target);
    char *out = req->text + req->head.bytes;
    size_t len = 0;
    req->query = split.query;
    if (wf_http_path_decode(split.raw_path, out, &len, &req->fault) < 0)
        return;
    req->path = (weft_str){out, len};
    size_t valid = wf_utf8_check(out, len);
    if (valid != len)
        request_fault(req, 400, "The path is not UTF-8.", (int64_t)valid);
}

static inline void request_take_path(weft_http_request *req)
{
    weft_str target = {req->text + req->head.target_at, req->head.target_len};
    if (req->head.is_target_plain) /* mostly */
        req->path = target;
    else
        request_decode_path(req, target);
}

static __attribute__((noinline)) void request_ask_hosted(const weft_http_request *req,
                                                         weft_str path, struct wf_http_match *out)
{
    const struct wf_http_router *router = &req->conn->server->router;
    wf_http_router_find_hosted(router, req->head.method, weft_http_host(req), path, out);
}

static inline void request_ask_router(const weft_http_request *req, weft_str path,
                                      struct wf_http_match *out)
{
    const struct wf_http_router *router = &req->conn->server->router;
    if (router->hosted_count != 0)
        request_ask_hosted(req, path, out);
    else
        wf_http_router_find(router, req->head.method, path, out);
}

/* "/static" where there is "/static/{path*}": the decoded path has room for a '/'. */
static __attribute__((noinline)) void request_find_with_slash(weft_http_request *req)
{
    struct wf_http_match match;
    char *path = req->text + req->head.bytes;
    memmove(path, req->path.ptr, req->path.len);
    path[req->path.len] = '/';
    request_ask_router(req, (weft_str){path, req->path.len + 1}, &match);
    req->lacks_slash = match.route != NULL && wf_http_route_takes_rest(match.route);
    if (!req->lacks_slash)
        request_fault(req, 404, "There is nothing at this path.", WF_HTTP_NOWHERE);
}

static void request_find_route(weft_http_request *req)
{
    uint8_t method = req->head.method;
    const struct wf_http_router *router = &req->conn->server->router;
    if (req->head.target_form == WF_H1_ASTERISK) {
        req->is_options = true;
        req->allow = wf_http_router_methods(router);
        return;
    }
    request_ask_router(req, req->path, &req->match);
    if (req->match.route != NULL)
        return;
    req->allow = req->match.methods;
    if (req->allow == 0)
        request_find_with_slash(req);
    else if (method == WF_H1_OPTIONS)
        req->is_options = true;
    else
        request_fault(req, 405, "This path does not have that method.", WF_HTTP_NOWHERE);
}

/* One that a route may have. */
static inline bool method_is_served(uint8_t method)
{
    return method >= WF_H1_GET && method <= WF_H1_OPTIONS;
}

/* What is answered without looking at the path, and who waits for a 100. */
static __attribute__((noinline)) void request_check_method(weft_http_request *req)
{
    uint8_t method = req->head.method;
    if (method == WF_H1_UNKNOWN)
        request_fault(req, 501, "This method is not known here.", WF_HTTP_NOWHERE);
    if (method == WF_H1_TRACE || method == WF_H1_CONNECT) {
        req->allow = wf_http_router_methods(&req->conn->server->router);
        request_fault(req, 405, "This method is not allowed anywhere on this server.",
                      WF_HTTP_NOWHERE);
    }
    if (method == WF_H1_CONNECT)
        req->will_close = true; /* what follows may be meant for a tunnel */
    req->wants_continue = req->head.expect == WF_H1_EXPECT_CONTINUE;
    if (req->head.expect == WF_H1_EXPECT_OTHER)
        request_fault(req, 417, "The only expectation met here is 100-continue.", WF_HTTP_NOWHERE);
}

static void request_check_cookies(weft_http_request *req)
{
    uint64_t seen = req->head.cookie_count, max = req->conn->server->limits.cookie_count_max;
    if (seen > max && req->fault.status == 0)
        req->fault = wf_http_fault_limit(400, "The request has too many cookies.",
                                         "cookie_count_max", max, seen, WF_HTTP_NOWHERE);
}

static uint64_t request_body_max(const weft_http_request *req)
{
    const struct wf_http_route *route = req->match.route;
    return route != NULL && route->public.body_bytes_max != 0
               ? route->public.body_bytes_max
               : req->conn->server->limits.body_bytes_max;
}

static void request_set_chunked(weft_http_request *req)
{
    const weft_http_limits *limits = &req->conn->server->limits;
    req->body_limits.chunk_line_bytes_max = limits->chunk_line_bytes_max;
    req->body_limits.extension_bytes_max = limits->extension_bytes_max;
    req->body_limits.trailer_bytes_max = limits->trailer_bytes_max;
    req->body_limits.trailer_count_max = limits->trailer_count_max;
    wf_h1_body_init_chunked(&req->framing, &req->body_limits);
    req->framing.trailers = &req->trailers;
}

/* Better to say that a coding is unknown than to hand out bytes that are not the text. */
static void request_check_coding(weft_http_request *req)
{
    for (uint32_t i = 0; i < req->head.field_count; i++) {
        const struct wf_h1_field *field = &req->fields[i];
        if (WF_HTTP_EQUAL(req->text + field->name_at, field->name_len, "content-encoding"))
            req->coding = wf_coding_add_field(
                req->coding, (weft_str){req->text + field->value_at, field->value_len});
    }
    if (req->coding != WF_CODING_NONE)
        return;
    req->coding = WF_CODING_IDENTITY;
    request_fault(req, 415, "The body has a coding that is not known here, or more than one.",
                  WF_HTTP_NOWHERE);
}

/* It has a body, as its head says. */
static __attribute__((noinline)) void request_set_framing(weft_http_request *req)
{
    uint64_t length = req->head.content_length, max = request_body_max(req);
    req->body_limits.body_bytes_max = max;
    req->has_framing = true;
    if (req->head.is_chunked)
        request_set_chunked(req);
    else
        wf_h1_body_init_length(&req->framing, length);
    if (length > max && req->fault.status == 0)
        req->fault = wf_http_fault_limit(413, "The body is too large.", "body_bytes_max", max,
                                         length, WF_HTTP_NOWHERE);
    request_check_coding(req);
    if (req->fault.status == 413)
        req->will_close = true;
}

/* A name the client gave is used only if it cannot break a log or a field. */
static __attribute__((noinline)) void request_keep_id(weft_http_request *req)
{
    const struct wf_h1_field *field = &req->fields[req->head.request_id - 1];
    const char *given = req->text + field->value_at;
    size_t len = field->value_len;
    if (len == 0 || len >= sizeof req->id)
        return;
    for (size_t i = 0; i < len; i++) {
        if (!wf_http_is(given[i], WF_VISIBLE))
            return;
    }
    memcpy(req->id, given, len);
    req->id[len] = 0;
    req->is_id_given = true;
    req->has_extras = true; /* the answer has it too */
}

int wf_request_prepare(weft_http_request *req, const char *input)
{
    const struct wf_h1_head *head = &req->head;
    int rc = request_copy_head(req, input);
    if (rc < 0)
        return rc;
    req->path = (weft_str){NULL, 0};
    req->query = (weft_str){NULL, 0};
    if (head->request_id != 0)
        request_keep_id(req);
    if (!method_is_served(head->method) || head->expect != WF_H1_EXPECT_NONE)
        request_check_method(req);
    if (head->cookie_count != 0)
        request_check_cookies(req);
    if (req->fault.status == 0 && head->target_form != WF_H1_ASTERISK)
        request_take_path(req);
    if (req->fault.status == 0)
        request_find_route(req);
    if (req->fault.status == 0 && req->query.len != 0)
        rc = wf_request_take_query(req);
    if (head->is_chunked || head->content_length != 0)
        request_set_framing(req);
    return rc;
}

/* ---- body ---- */

bool wf_request_must_collect(const weft_http_request *req)
{
    const struct wf_http_route *route = req->match.route;
    return req->fault.status == 0 && !req->is_options && route != NULL &&
           (route->public.flags & (WEFT_HTTP_STREAM_BODY | WF_ROUTE_LAYERED)) == 0 &&
           !wf_h1_body_is_done(&req->framing);
}

int wf_request_count_body(weft_http_request *req, size_t bytes, struct wf_http_fault *out)
{
    weft_http_server *server = req->conn->server;
    uint64_t max = server->limits.bodies_bytes_max;
    if (bytes > max - server->stats.bodies_bytes) {
        *out =
            wf_http_fault_limit(503, "The server holds too many bodies now.", "bodies_bytes_max",
                                max, server->stats.bodies_bytes + bytes, (int64_t)req->body_seen);
        return -WEFT_ELIMIT;
    }
    server->stats.bodies_bytes += bytes;
    req->body_counted += bytes;
    return 0;
}

int wf_request_keep_body(weft_http_request *req, weft_str piece)
{
    int rc = wf_request_count_body(req, piece.len, &req->fault);
    if (rc < 0)
        return rc;
    if (wf_buf_append(&req->body, piece.ptr, piece.len) < 0)
        return -ENOMEM;
    req->body_seen += piece.len;
    return 0;
}

weft_time wf_request_body_patience(const weft_http_request *req, weft_time waited)
{
    const weft_http_limits *limits = &req->conn->server->limits;
    uint64_t earned = req->body_seen / limits->body_rate_min;
    weft_time rate = earned > 1u << 30 ? WEFT_FOREVER / 2
                                       : limits->body_grace + (weft_time)earned * WEFT_SEC - waited;
    if (rate < 0)
        rate = 0;
    return rate < limits->body_idle_max ? rate : limits->body_idle_max;
}

bool wf_request_can_drain(const weft_http_request *req)
{
    if (wf_h1_body_is_done(&req->framing))
        return true;
    return !req->head.is_chunked && !req->wants_continue && req->framing.left <= DRAIN_BYTES_MAX;
}
