/* SPDX-License-Identifier: MIT */

#include "http/exchange/extras.h"

#include <weft/local.h>
#include <weft/schema.h>
#include <weft/sys/loop.h>
#include <weft/sys/stream.h>

#include "base/alloc.h"
#include "base/sys.h"
#include "h1/head.h"
#include "http/exchange/request.h"
#include "http/exchange/response.h"
#include "http/route/router.h"
#include "http/server/conn.h"
#include "http/server/serve.h"
#include "http/server/server.h"

#include <stdio.h>

static weft_local current_id;

struct wf_extras *wf_request_extras(weft_http_request *req)
{
    if (req->extras == NULL)
        req->extras = wf_alloc(sizeof *req->extras);
    if (req->extras != NULL)
        req->has_extras = true;
    return req->extras;
}

/* ---- context ---- */

const char *weft_http_current_id(void)
{
    return weft_local_get(&current_id);
}

int wf_context_show(const struct wf_context *context)
{
    int rc = weft_trace_set(&context->trace);
    return rc == 0 ? weft_local_set(&current_id, (void *)(uintptr_t)context->id) : rc;
}

int wf_request_show_context(weft_http_request *req)
{
    struct wf_extras *extras = wf_request_extras(req);
    if (extras == NULL)
        return -ENOMEM;
    struct wf_context *context = &extras->context;
    int rc = weft_trace_start(&context->trace, weft_http_field(req, "traceparent"));
    if (rc < 0)
        return rc;
    snprintf(context->id, sizeof context->id, "%s", weft_http_request_id(req));
    extras->has_context = true;
    return wf_context_show(context);
}

/* The task goes on with another request.  Unsetting needs no memory. */
void wf_request_hide_context(void)
{
    (void)!weft_trace_set(NULL);
    (void)!weft_local_set(&current_id, NULL);
}

/* ---- the record ---- */

static uint64_t sent_bytes(const weft_http_request *req)
{
    const weft_http_response *res = &req->res;
    if (!res->has_begun || req->head.method == WF_H1_HEAD)
        return 0;
    return res->sent != 0 || !res->is_done || res->is_chunked ? res->sent : res->length;
}

static const char *version_of(const weft_http_request *req)
{
    if (req->conn->h2 != NULL)
        return "HTTP/2";
    return req->head.minor == 0 ? "HTTP/1.0" : "HTTP/1.1";
}

/* Without a verdict an answer that is not whole was left by its handler, or by a client that went
 * before one was called. */
static const char *end_of(const weft_http_request *req)
{
    static const char *const ends[] = {
        [WF_EXCHANGE_GONE] = "client_closed",
        [WF_EXCHANGE_SLOW_BODY] = "body_timeout",
        [WF_EXCHANGE_SLOW_READER] = "write_timeout",
        [WF_EXCHANGE_OVERTIME] = "handler_timeout",
    };
    if (req->res.is_done)
        return "complete";
    if (req->verdict != WF_EXCHANGE_FINE)
        return ends[req->verdict];
    if (weft_stream_get_error(req->conn->stream) < 0)
        return "client_closed";
    if (req->conn->server->stops != 0)
        return "server_stopped";
    return req->res.has_begun ? "handler_error" : "client_closed";
}

static void tell_done(weft_http_request *req)
{
    const weft_http_server *server = req->conn->server;
    const weft_http_response *res = &req->res;
    const struct wf_http_route *route = req->match.route;
    bool is_timed = req->came_at != 0, has_head = is_timed || req->is_upgraded;
    weft_addr peer;
    if (!has_head && !res->has_begun)
        return; /* bytes that ended before they were a request */
    weft_http_record record = {
        .at = wf_sys_wall(),
        .took = is_timed ? weft_loop_now(server->loop) - req->came_at : 0,
        .peer = wf_conn_get_peer(req->conn, &peer) == 0 ? &peer : NULL,
        .route = route != NULL ? route->public.path : NULL,
        .status = res->has_begun ? res->status : 0,
        .is_whole = res->is_done,
        .end = end_of(req),
        .received_bytes = req->body_seen,
        .sent_bytes = sent_bytes(req),
        .request_id = weft_http_request_id(req),
    };
    if (has_head && req->text != NULL) {
        record.version = version_of(req);
        record.method = weft_http_method(req);
        record.path = req->path;
        record.host = weft_http_host(req);
    }
    if (req->extras != NULL && req->extras->has_context)
        record.trace = &req->extras->context.trace;
    server->done(&record, server->done_arg);
}

/* ---- the end ---- */

void wf_request_end_extras(weft_http_request *req)
{
    struct wf_extras *extras = req->extras;
    if (req->has_place) /* it was given up before its handler returned */
        wf_http_place_leave(req);
    if (req->conn->server->done != NULL)
        tell_done(req);
    if (extras == NULL)
        return;
    req->extras = NULL;
    weft_schema_free(extras->params);
    weft_schema_free(extras->input);
    weft_json_free(extras->root);
    wf_free(extras->pairs);
    wf_deferred_start(extras->deferred);
    wf_free(extras);
}
