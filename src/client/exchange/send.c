/* SPDX-License-Identifier: MIT */

/* What of a request may be sent, its fields, its body piece by piece. */

#include <weft/error.h>
#include <weft/trace_context.h>

#include "base/buf.h"
#include "client/client_priv.h"
#include "client/cookies/cookies_priv.h"
#include "h1/chars.h"
#include "h1/list.h"
#include "h1/trailer.h"
#include "h1/write.h"

#include <stdio.h>
#include <string.h>

#define PIECE_BYTES ((size_t)8 * 1024)
#define TIMEOUT_MS_MAX 99999999 /* as many digits as gRPC has */

/* ---- what may be sent ---- */

static bool is_token(const char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        if (!wf_http_is(text[i], WF_TOKEN))
            return false;
    }
    return len > 0;
}

/* Fields that say how the message is framed and to whom it goes; they are ours. */
static bool is_reserved(weft_str name)
{
    static const char *const reserved[] = {
        "connection", "content-length",    "host",    "keep-alive", "te",
        "trailer",    "transfer-encoding", "upgrade", "expect"};
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
        if (wf_http_equal(name.ptr, name.len, reserved[i], strlen(reserved[i])))
            return true;
    }
    return false;
}

int wf_request_field_check(const weft_client_field *field)
{
    if (wf_h1_field_check(field->name, field->value) < 0)
        return weft_fail(-EINVAL,
                         "field \"%.*s\": its name is no token, or its value has a "
                         "control character",
                         (int)(field->name.len < 64 ? field->name.len : 64), field->name.ptr);
    if (is_reserved(field->name))
        return weft_fail(-EINVAL, "field \"%.*s\" is the client's own to set", (int)field->name.len,
                         field->name.ptr);
    return 0;
}

static int trailers_check(const weft_client_request *request)
{
    if (request->trailer_count != 0 && request->body.ptr == NULL && request->body_read == NULL)
        return weft_fail(-EINVAL, "trailers are sent behind a body, and there is none");
    for (size_t i = 0; i < request->trailer_count; i++) {
        const weft_str *name = &request->trailers[i].name;
        WEFT_TRY(wf_request_field_check(&request->trailers[i]));
        if (!wf_h1_trailer_is_allowed(*name))
            return weft_fail(-EINVAL, "field \"%.*s\" means nothing behind a body", (int)name->len,
                             name->ptr);
    }
    return 0;
}

const char *wf_request_method(const weft_client_request *request)
{
    bool has_body = request->body.ptr != NULL || request->body_read != NULL;
    return request->method != NULL ? request->method : has_body ? "POST" : "GET";
}

int wf_request_check(const weft_client_request *request)
{
    if (request->url == NULL)
        return weft_fail(-EINVAL, "the request has no url");
    if (request->method != NULL && !is_token(request->method))
        return weft_fail(-EINVAL, "the method is no token");
    if (request->method != NULL &&
        (strcmp(request->method, "CONNECT") == 0 || strcmp(request->method, "TRACE") == 0))
        return weft_fail(-EINVAL, "%s is not sent by this client", request->method);
    if (request->body.ptr != NULL && request->body_read != NULL)
        return weft_fail(-EINVAL, "the request has both body and body_read");
    if (request->body_bytes < 0 || request->total_max < 0)
        return weft_fail(-EINVAL, "body_bytes or total_max is negative");
    if (request->hedge_after < 0)
        return weft_fail(-EINVAL, "hedge_after is negative");
    if (request->hedge_after > 0 &&
        (request->body_read != NULL || !wf_is_idempotent(request, wf_request_method(request))))
        return weft_fail(
            -EINVAL,
            "hedge_after is for requests that may be sent twice: is_idempotent, and no body_read");
    if (request->type != NULL && wf_h1_value_check(weft_str_of(request->type)) < 0)
        return weft_fail(-EINVAL, "the type has a control character");
    if (request->upgrade != NULL && !is_token(request->upgrade))
        return weft_fail(-EINVAL, "the protocol to upgrade to is no token");
    for (size_t i = 0; i < request->field_count; i++)
        WEFT_TRY(wf_request_field_check(&request->fields[i]));
    return trailers_check(request);
}

/* ---- the head ---- */

static bool is_secret(weft_str name)
{
    return WF_HTTP_EQUAL(name.ptr, name.len, "authorization") ||
           WF_HTTP_EQUAL(name.ptr, name.len, "cookie") ||
           WF_HTTP_EQUAL(name.ptr, name.len, "proxy-authorization");
}

static void put_field(wf_buf *head, weft_str name, weft_str value)
{
    if (head->rc == 0)
        head->rc = wf_h1_write_field(head, name, value);
}

static bool has_field(const weft_client_request *request, const char *name)
{
    for (size_t i = 0; i < request->field_count; i++) {
        if (wf_http_same(request->fields[i].name, weft_str_of(name)))
            return true;
    }
    return false;
}

bool wf_request_asks_coding(const weft_client_request *request)
{
    return !request->keeps_coding && request->upgrade == NULL && wf_coding_list()[0] != 0 &&
           !has_field(request, "accept-encoding") && !has_field(request, "range");
}

/* What we ask is part of what we were asked for. */
static void put_trace(const struct weft_exchange *exchange, wf_buf *head)
{
    char text[WEFT_TRACE_BYTES];
    const weft_trace *trace = exchange->client->options.hides_trace ? NULL : weft_trace_get();
    if (trace == NULL || trace->span_id[0] == 0 || has_field(exchange->request, "traceparent"))
        return;
    weft_trace_format(trace, text);
    (void)wf_buf_printf(head, "Traceparent: %s\r\n", text);
}

/* So that nobody works on what comes too late. */
static void put_timeout(const struct weft_exchange *exchange, wf_buf *head)
{
    const char *name = exchange->client->options.timeout_field;
    if (name == NULL || exchange->until == WEFT_FOREVER || has_field(exchange->request, name))
        return;
    bool is_grpc = wf_http_same(weft_str_of(name), (weft_str)WEFT_STR("grpc-timeout"));
    weft_time left = (exchange->until - weft_now()) / WEFT_MS;
    left = left > 0 ? left : 0;
    (void)wf_buf_printf(head, "%s: %lld%s\r\n", name,
                        (long long)(left < TIMEOUT_MS_MAX ? left : TIMEOUT_MS_MAX),
                        is_grpc ? "m" : "");
}

static void put_own_fields(const struct weft_exchange *exchange, wf_buf *head)
{
    const char *agent = exchange->client->options.user_agent;
    if (exchange->asks_coding)
        (void)wf_buf_printf(head, "Accept-Encoding: %s\r\n", wf_coding_list());
    if (has_field(exchange->request, "user-agent"))
        return;
    if (agent == NULL)
        (void)wf_buf_printf(head, "User-Agent: weft/%s\r\n", weft_version());
    else if (agent[0] != 0)
        put_field(head, (weft_str)WEFT_STR("User-Agent"), weft_str_of(agent));
}

static void put_cookies(const struct weft_exchange *exchange, wf_buf *head)
{
    weft_cookies *jar = exchange->client->options.cookies;
    wf_buf text = {0};
    if (jar == NULL || has_field(exchange->request, "cookie"))
        return;
    int rc = wf_cookies_for(jar, &exchange->url, &text);
    if (rc == 0 && wf_buf_bytes(&text) > 0)
        put_field(head, (weft_str)WEFT_STR("Cookie"),
                  (weft_str){wf_buf_ptr(&text), wf_buf_bytes(&text)});
    wf_buf_fini(&text);
    if (head->rc == 0)
        head->rc = rc;
}

bool wf_request_is_open(const struct weft_exchange *exchange)
{
    const weft_client_request *request = exchange->request;
    return exchange->has_body && ((request->body_read != NULL && request->body_bytes == 0) ||
                                  request->trailer_count != 0);
}

static void put_body_fields(const struct weft_exchange *exchange, wf_buf *head)
{
    const weft_client_request *request = exchange->request;
    bool is_expected =
        strcmp(exchange->method, "GET") != 0 && strcmp(exchange->method, "HEAD") != 0;
    if (exchange->has_body && request->type != NULL)
        put_field(head, (weft_str)WEFT_STR("Content-Type"), weft_str_of(request->type));
    if (exchange->has_body && exchange->expects_continue)
        (void)wf_buf_puts(head, "Expect: 100-continue\r\n");
    bool is_open = wf_request_is_open(exchange);
    for (size_t i = 0; is_open && i < request->trailer_count; i++)
        put_field(head, (weft_str)WEFT_STR("Trailer"), request->trailers[i].name);
    if (is_open && exchange->conn->mux == NULL)
        (void)wf_buf_puts(head, "Transfer-Encoding: chunked\r\n");
    else if (is_open)
        return;
    else if (exchange->has_body && request->body_read != NULL)
        (void)wf_buf_printf(head, "Content-Length: %lld\r\n", (long long)request->body_bytes);
    else if (exchange->has_body || is_expected)
        (void)wf_buf_printf(head, "Content-Length: %zu\r\n",
                            exchange->has_body ? request->body.len : 0);
}

int wf_request_trailers(const struct weft_exchange *exchange, wf_buf *out)
{
    const weft_client_request *request = exchange->request;
    for (size_t i = 0; exchange->has_body && i < request->trailer_count; i++) {
        WEFT_TRY(wf_request_field_check(&request->trailers[i]));
        put_field(out, request->trailers[i].name, request->trailers[i].value);
    }
    return out->rc;
}

int wf_request_fields(const struct weft_exchange *exchange, wf_buf *out)
{
    const weft_client_request *request = exchange->request;
    const char *proxy_auth = exchange->client->proxy.auth;
    put_own_fields(exchange, out);
    put_trace(exchange, out);
    put_timeout(exchange, out);
    if (exchange->conn->is_for_proxy && proxy_auth != NULL)
        put_field(out, (weft_str)WEFT_STR("Proxy-Authorization"), weft_str_of(proxy_auth));
    for (size_t i = 0; i < request->field_count; i++) {
        const weft_client_field *field = &request->fields[i];
        if (!exchange->is_secretive || !is_secret(field->name))
            put_field(out, field->name, field->value);
    }
    put_cookies(exchange, out);
    put_body_fields(exchange, out);
    return out->rc;
}

/* ---- the body ---- */

/* One piece under the time that a piece may take. */
static int send_piece(struct weft_exchange *exchange, const char *bytes, size_t count, bool is_last)
{
    struct phase phase;
    wf_phase_begin(exchange, &phase, WEFT_CLIENT_SEND,
                   exchange->client->options.limits.between_max);
    int rc = exchange->conn->carrier->piece_send(exchange, bytes, count, is_last);
    if (rc == 0)
        exchange->trace.sent_bytes += count;
    return wf_phase_end(exchange, &phase, rc);
}

int wf_pieces_send(struct weft_exchange *exchange, weft_str bytes, bool is_last)
{
    do {
        size_t count = bytes.len < PIECE_BYTES ? bytes.len : PIECE_BYTES;
        WEFT_TRY(send_piece(exchange, bytes.ptr, count, is_last && count == bytes.len));
        bytes.ptr += count;
        bytes.len -= count;
    } while (bytes.len > 0);
    return 0;
}

static int send_read(struct weft_exchange *exchange)
{
    const weft_client_request *request = exchange->request;
    bool is_open = request->body_bytes == 0;
    uint64_t left = (uint64_t)request->body_bytes;
    char piece[PIECE_BYTES];
    ssize_t got = 1;
    while (is_open ? got > 0 : left > 0) {
        size_t room = !is_open && left < sizeof piece ? (size_t)left : sizeof piece;
        exchange->is_source_used = true;
        got = request->body_read(piece, room, request->body_arg);
        exchange->is_source_failed = got < 0 || (got == 0 && !is_open);
        if (got < 0)
            return (int)got;
        if (got == 0 && !is_open)
            return weft_fail(-WEFT_ETRUNCATED, "the body's source ended %llu bytes before it said",
                             (unsigned long long)left);
        left -= is_open ? 0 : (uint64_t)got;
        WEFT_TRY(send_piece(exchange, piece, (size_t)got,
                            /* is_last= */ is_open ? got == 0 : left == 0));
    }
    return 0;
}

void wf_request_set_sent(struct weft_exchange *exchange)
{
    const weft_stream *stream = exchange->conn->stream;
    exchange->is_sent = true;
    if (stream != NULL)
        exchange->sent_to = weft_stream_get_sent(stream) + weft_stream_get_unsent(stream);
}

int wf_body_send(struct weft_exchange *exchange)
{
    bool is_read = exchange->request->body_read != NULL;
    int rc = is_read ? send_read(exchange)
                     : wf_pieces_send(exchange, exchange->request->body, /* is_last= */ true);
    if (rc == 0)
        wf_request_set_sent(exchange);
    return rc;
}
