/* SPDX-License-Identifier: MIT */

/* Runs a handler and sees to it that the client gets a whole answer, an error, or a broken end. */

#include <weft/error.h>

#include "base/buf.h"
#include "coding/coding.h"
#include "http/coded/coded_body.h"
#include "http/exchange/chain.h"
#include "http/exchange/error_body.h"
#include "http/exchange/request.h"
#include "http/exchange/response.h"
#include "http/exchange/transport.h"
#include "http/route/router.h"
#include "http/server/conn.h"
#include "http/server/server.h"

#include <stdio.h>
#include <string.h>

void wf_http_count_no_memory(weft_http_server *server, size_t bytes)
{
    server->stats.bytes_sent += bytes;
    server->status_counts[503]++;
}

/* ---- errors ---- */

static int answer_add(weft_http_response *res, const char *name, const char *value)
{
    return weft_http_set_field(res, name, (weft_str){value, strlen(value)});
}

void wf_response_restart(weft_http_response *res)
{
    wf_buf_reset(&res->fields);
    res->has_type_field = false;
    res->has_length = false;
    res->status = 0;
}

static int answer_fault(weft_http_request *req, const struct wf_http_fault *fault)
{
    weft_http_response *res = &req->res;
    weft_http_error error = wf_http_error_of_fault(fault);
    char text[WF_ALLOW_BYTES], message[160];
    int rc = 0;
    wf_response_restart(res);
    if (fault->status == 405) {
        wf_http_allow(req->allow, text);
        rc = answer_add(res, "Allow", text);
        snprintf(message, sizeof message, "%s Allowed: %s.", fault->message, text);
        error.message = message;
    }
    if (rc == 0 && fault->status == 415)
        rc = answer_add(res, "Accept-Encoding", wf_coding_list());
    if (rc == 0 && fault->status == 503) {
        snprintf(text, sizeof text, "%u", wf_http_server_retry_after(req->conn->server));
        rc = answer_add(res, "Retry-After", text);
    }
    return rc == 0 ? weft_http_respond_error(res, &error) : rc;
}

/* Over HTTP/2 the ready-made answer says that nothing was done, and that even what does harm twice
 * may be sent again (RFC 9113 8.7): a handler that has begun has no such answer. */
static bool answer_no_memory(weft_http_request *req)
{
    if (req->conn->h2 != NULL && req->state == WF_EXCHANGE_BUSY)
        return false;
    req->conn->transport->answer_no_memory(req);
    return true;
}

bool wf_request_refuse(weft_http_request *req, const struct wf_http_fault *fault)
{
    int rc = answer_fault(req, fault);
    return rc == -ENOMEM ? answer_no_memory(req) : rc == 0;
}

static int answer_options(weft_http_request *req)
{
    char allow[WF_ALLOW_BYTES];
    wf_http_allow(req->allow, allow);
    int rc = answer_add(&req->res, "Allow", allow);
    return rc == 0 ? weft_http_respond(&req->res, 204, NULL, NULL, 0) : rc;
}

/* ---- handlers ---- */

/* What a failed handler's client is told; false: nothing. */
static bool fault_of_failure(const weft_http_request *req, int rc, struct wf_http_fault *out)
{
    switch ((enum wf_exchange_verdict)req->verdict) {
    case WF_EXCHANGE_GONE:
    case WF_EXCHANGE_SLOW_READER:
        return false;
    case WF_EXCHANGE_SLOW_BODY:
        *out = wf_http_fault(408, "The body of the request came too slowly.", WF_HTTP_NOWHERE);
        return true;
    case WF_EXCHANGE_OVERTIME:
        *out = wf_http_fault(504, "The handler's time is up.", WF_HTTP_NOWHERE);
        return true;
    case WF_EXCHANGE_FINE:
        break;
    }
    if (req->framing.fault.status != 0) {
        *out = req->framing.fault;
    } else if (rc == -ECANCELED) {
        *out = wf_http_fault(503, "The server is stopping.", WF_HTTP_NOWHERE);
    } else {
        *out = wf_http_fault(rc == -ETIMEDOUT ? 504 : 500, weft_explain(rc), WF_HTTP_NOWHERE);
    }
    return true;
}

/* The handler failed before its first byte.  The task may be cancelled: nothing here can wait. */
static __attribute__((noinline)) bool answer_failure(weft_http_request *req, int rc)
{
    struct wf_http_fault fault;
    if (rc == -ENOMEM) {
        req->will_close = true;
        return answer_no_memory(req);
    }
    if (!fault_of_failure(req, rc, &fault))
        return false;
    if (req->verdict != WF_EXCHANGE_FINE || req->framing.fault.status != 0 || rc == -ECANCELED)
        req->will_close = true;
    return wf_request_refuse(req, &fault);
}

/* What no route answers, for the layers of the server. */
int wf_request_answer_itself(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)arg;
    if (req->fault.status != 0)
        return answer_fault(req, &req->fault);
    if (req->is_options)
        return answer_options(req);
    bool is_got = req->head.method == WF_H1_GET || req->head.method == WF_H1_HEAD;
    return wf_response_add_slash(res, req->path, is_got ? 301 : 308);
}

static int answer_by_handler(weft_http_request *req)
{
    const weft_http_route *route = &req->match.route->public;
    if (req->coding != WF_CODING_IDENTITY && req->is_collecting) {
        WEFT_TRY(wf_request_decode(req));
        if (req->fault.status != 0)
            return answer_fault(req, &req->fault);
    }
    int rc = route->handler(req, &req->res, route->arg);
    return rc < 0 ? rc : wf_response_finish(&req->res);
}

bool wf_request_answer(weft_http_request *req)
{
    weft_http_response *res = &req->res;
    int rc;
    if (req->fault.status != 0 || req->is_options || req->lacks_slash)
        rc = wf_chain_answer_itself(req);
    else
        rc = answer_by_handler(req);
    if (res->is_done)
        return true;
    return rc < 0 && !res->has_begun && answer_failure(req, rc);
}
