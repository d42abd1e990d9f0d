/* SPDX-License-Identifier: MIT */

/* Answers, whatever carries them. */

#include "http/exchange/response.h"

#include <weft/error.h>
#include <weft/io.h>
#include <weft/sys/loop.h>
#include <weft/task.h>

#include "base/buf.h"
#include "h1/chars.h"
#include "h1/head.h"
#include "h1/write.h"
#include "http/coded/coded_answer.h"
#include "http/exchange/chain.h"
#include "http/exchange/error_body.h"
#include "http/exchange/request.h"
#include "http/exchange/transport.h"
#include "http/server/conn.h"
#include "http/server/server.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_BYTES 512

/* ---- the head ---- */

/* Of these a receiver takes the one or the other, if there are two (RFC 9110 5.3, 8.3). */
static const weft_str type_field = WEFT_STR("content-type"), place_field = WEFT_STR("location");

static bool status_has_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

/* HEAD is answered by the head alone; so is what has no body by its status. */
static bool response_sends_body(const weft_http_response *res)
{
    return res->req->head.method != WF_H1_HEAD && status_has_body(res->status);
}

/* What the answer has besides what the handler gave it. */
static int response_add_extras(weft_http_response *res)
{
    weft_http_request *req = res->req;
    int rc = wf_chain_head(req);
    if (rc < 0)
        return rc;
    if (!req->is_id_given && !req->conn->server->gives_ids && res->status < 400)
        return 0;
    const char *id = weft_http_request_id(req);
    return wf_h1_write_field(&res->fields, (weft_str){"X-Request-Id", 12},
                             (weft_str){id, strlen(id)});
}

/* Takes a field out of the first `bytes` of the head's lines.  `name` is in lower case. */
static void response_drop_field(weft_http_response *res, weft_str name, size_t bytes)
{
    char *at = res->fields.mem + res->fields.start, *end = at + wf_buf_bytes(&res->fields);
    for (const char *last = at + bytes; at < last;) {
        const char *colon = memchr(at, ':', (size_t)(end - at));
        char *next = (char *)memchr(colon, '\n', (size_t)(end - colon)) + 1;
        if (!wf_http_equal(at, (size_t)(colon - at), name.ptr, name.len)) {
            at = next;
            continue;
        }
        memmove(at, next, (size_t)(end - next));
        wf_buf_drop(&res->fields, (size_t)(next - at));
        end -= next - at;
        last -= next - at;
    }
}

/* What it says of its type.  -EINVAL: that holds a control character. */
static inline __attribute__((always_inline)) int
response_set_type(weft_http_server *server, weft_http_response *res, weft_str type)
{
    res->type = type;
    res->opening = wf_http_server_opening(server, wf_http_now(server), res->status, type);
    return res->opening != NULL ? 0 : -EINVAL;
}

/* Writes the head and, in the same piece, `body`; `is_whole`: no more of it follows. */
static inline __attribute__((always_inline)) int response_begin(weft_http_server *server,
                                                                weft_http_response *res,
                                                                enum wf_h1_framing framing,
                                                                weft_str body, bool is_whole)
{
    int status = res->status;
    if (framing != WF_H1_BODY_CHUNKED)
        res->takes_trailers = false;
    res->framing = status_has_body(status) ? framing : WF_H1_BODY_NONE;
    int rc = res->req->has_extras || status >= 400 ? response_add_extras(res) : 0;
    if (res->has_type_field && res->type.ptr != NULL)
        response_drop_field(res, type_field, wf_buf_bytes(&res->fields));
    if (rc == 0)
        rc = res->req->conn->transport->begin(res, body, is_whole);
    if (rc < 0)
        return rc;
    res->has_begun = true;
    server->status_counts[status]++;
    return 0;
}

/* A large body follows its head by itself. */
static __attribute__((noinline)) int response_send_large(weft_http_server *server,
                                                         weft_http_response *res, weft_str body)
{
    const struct wf_transport *transport = res->req->conn->transport;
    weft_str none = {NULL, 0};
    WEFT_TRY(response_begin(server, res, WF_H1_BODY_LENGTH, none, /* is_whole= */ false));
    res->has_length = true;
    res->sent = body.len;
    int rc = transport->write(res, body.ptr, body.len);
    if (rc == 0)
        rc = transport->finish(res);
    res->is_cut |= rc < 0; /* also for a handler that does not look */
    return rc;
}

/* ---- before the first byte ---- */

bool weft_http_has_begun(const weft_http_response *res)
{
    return res->has_begun;
}

int weft_http_set_status(weft_http_response *res, int status)
{
    if (res->has_begun)
        return -EALREADY;
    if (status < 200 || status > 599)
        return -EINVAL;
    res->status = status;
    return 0;
}

/* What the framing depends on is ours alone to say. */
static bool name_is_ours(const char *name, size_t len)
{
    return WF_HTTP_EQUAL(name, len, "content-length") ||
           WF_HTTP_EQUAL(name, len, "transfer-encoding") ||
           WF_HTTP_EQUAL(name, len, "connection") || WF_HTTP_EQUAL(name, len, "date");
}

int weft_http_set_field(weft_http_response *res, const char *name, weft_str value)
{
    size_t len = strlen(name);
    if (res->has_begun)
        return -EALREADY;
    if (name_is_ours(name, len))
        return -EINVAL;
    size_t before = wf_buf_bytes(&res->fields);
    int rc = wf_h1_write_field(&res->fields, (weft_str){name, len}, value);
    bool is_type = wf_http_equal(name, len, type_field.ptr, type_field.len);
    res->has_type_field |= is_type;
    if (rc == 0 && before != 0 &&
        (is_type || wf_http_equal(name, len, place_field.ptr, place_field.len)))
        response_drop_field(res, is_type ? type_field : place_field, before);
    return rc;
}

int weft_http_set_length(weft_http_response *res, uint64_t length)
{
    if (res->has_begun)
        return -EALREADY;
    res->has_length = true;
    res->length = length;
    return 0;
}

/* The server codes answers, and this one was not looked at yet. */
static inline bool response_is_to_judge(const weft_http_server *server,
                                        const weft_http_response *res)
{
    return server->compress_bytes_min != 0 && !res->is_judged;
}

static inline weft_http_server *response_server(const weft_http_response *res)
{
    return res->req->conn->server;
}

static inline int response_check_loop(const weft_http_server *server)
{
    return weft_loop_check(server->loop, "HTTP answer");
}

/* ---- all at once ---- */

int weft_http_respond(weft_http_response *res, int status, const char *type, const void *body,
                      size_t body_bytes)
{
    weft_str type_str = {type, type != NULL ? strlen(type) : 0};
    weft_http_server *server = response_server(res);
    WEFT_TRY(response_check_loop(server));
    if (res->has_begun)
        return -EALREADY;
    if (response_is_to_judge(server, res))
        return wf_coded_respond(res, status, type, (weft_str){body, body_bytes});
    int rc = weft_http_set_status(res, status);
    if (rc == 0)
        rc = response_set_type(server, res, type_str);
    if (rc < 0)
        return rc;
    res->length = body_bytes;
    weft_str sent = {body, response_sends_body(res) ? body_bytes : 0};
    rc = sent.len > WF_INLINE_BYTES_MAX
             ? response_send_large(server, res, sent)
             : response_begin(server, res, WF_H1_BODY_LENGTH, sent, /* is_whole= */ true);
    res->is_done = rc == 0;
    return rc;
}

int weft_http_respond_text(weft_http_response *res, int status, const char *text)
{
    return weft_http_respond(res, status, "text/plain; charset=utf-8", text, strlen(text));
}

int weft_http_respond_json(weft_http_response *res, int status, weft_str json)
{
    return weft_http_respond(res, status, "application/json", json.ptr, json.len);
}

int weft_http_respond_error(weft_http_response *res, const weft_http_error *error)
{
    weft_http_request *req = res->req;
    wf_buf_reset(&req->scratch);
    wf_http_write_error(&req->scratch, error, weft_http_request_id(req));
    if (req->scratch.rc < 0)
        return req->scratch.rc;
    return weft_http_respond(res, error->status, "application/json", wf_buf_ptr(&req->scratch),
                             wf_buf_bytes(&req->scratch));
}

int weft_http_fail(weft_http_response *res, int status, const char *code, const char *format, ...)
{
    char message[MESSAGE_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    weft_http_error error = {.status = status, .code = code, .message = message, .offset = -1};
    return weft_http_respond_error(res, &error);
}

/* ---- piece by piece ---- */

static enum wf_h1_framing response_framing(const weft_http_response *res)
{
    if (res->has_length)
        return WF_H1_BODY_LENGTH;
    return res->req->head.minor == 0 ? WF_H1_BODY_TO_END : WF_H1_BODY_CHUNKED;
}

static int response_begin_stream(weft_http_response *res)
{
    if (res->status == 0)
        res->status = 200;
    enum wf_h1_framing framing = response_framing(res);
    res->is_chunked = framing == WF_H1_BODY_CHUNKED && response_sends_body(res);
    weft_str none = {NULL, 0};
    weft_http_server *server = response_server(res);
    int rc = response_set_type(server, res, none);
    bool is_whole = !response_sends_body(res);
    return rc == 0 ? response_begin(server, res, framing, none, is_whole) : rc;
}

/* A piece of so many bytes may follow: the head is written. */
static int response_enter(weft_http_response *res, uint64_t count)
{
    int rc = weft_check();
    if (rc < 0)
        return rc;
    if (res->is_done)
        return -EALREADY;
    if (res->is_cut)
        return -EPIPE;
    if (res->has_length && count > res->length - res->sent)
        return -EINVAL;
    return res->has_begun ? 0 : response_begin_stream(res);
}

int wf_response_write(weft_http_response *res, const void *bytes, size_t count)
{
    int rc = response_enter(res, count);
    if (rc < 0 || count == 0)
        return rc;
    res->sent += count; /* who frames looks at it */
    if (response_sends_body(res))
        rc = res->req->conn->transport->write(res, bytes, count);
    if (rc < 0)
        res->sent -= count;
    return rc;
}

int wf_response_write_file(weft_http_response *res, int file, uint64_t offset, uint64_t count)
{
    const struct wf_transport *transport = res->req->conn->transport;
    if (!res->has_length || res->coded != NULL || transport->write_file == NULL ||
        (!res->has_begun && response_is_to_judge(response_server(res), res)))
        return -EOPNOTSUPP;
    int rc = response_enter(res, count);
    if (rc < 0 || count == 0)
        return rc;
    if (response_sends_body(res))
        rc = transport->write_file(res, file, offset, count);
    res->sent += rc == 0 ? count : weft_progress();
    return rc;
}

int weft_http_write(weft_http_response *res, const void *bytes, size_t count)
{
    const weft_http_server *server = response_server(res);
    WEFT_TRY(response_check_loop(server));
    if (!res->has_begun && response_is_to_judge(server, res))
        WEFT_TRY(wf_coded_begin(res));
    if (res->coded != NULL && !res->is_done)
        return wf_coded_write(res, (weft_str){bytes, count});
    return wf_response_write(res, bytes, count);
}

/* A length was promised and nothing written: right only where no body goes. */
static int response_begin_promised(weft_http_response *res)
{
    if (res->status == 0)
        res->status = 200;
    if (response_sends_body(res))
        return weft_fail(-WEFT_ETRUNCATED, "a body of %llu bytes was promised, and none came",
                         (unsigned long long)res->length);
    return weft_http_write(res, NULL, 0);
}

int wf_response_finish(weft_http_response *res)
{
    if (res->is_done)
        return 0;
    if (!res->has_begun && res->has_length && res->length != 0)
        WEFT_TRY(response_begin_promised(res));
    if (res->coded != NULL) /* where no body goes its length is a promise for GET alone */
        WEFT_TRY(response_sends_body(res) ? wf_coded_finish(res) : wf_response_write(res, NULL, 0));
    if (!res->has_begun)
        return weft_http_respond(res, res->status != 0 ? res->status : 200, NULL, NULL, 0);
    bool is_short = res->has_length && res->sent != res->length && response_sends_body(res);
    if (is_short || res->is_cut)
        return -WEFT_ETRUNCATED;
    int rc = response_sends_body(res) ? res->req->conn->transport->finish(res) : 0;
    res->is_done = rc == 0;
    return rc;
}
