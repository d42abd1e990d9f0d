/* SPDX-License-Identifier: MIT */

/* Answers: the head goes into the stream's own buffer, small bodies with it in one piece. */

#include "http/server_priv.h"

#include "h1/chars.h"
#include "http/error_body.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Up to here a body is copied behind its head; a larger one goes to the stream by itself. */
#define INLINE_BYTES_MAX ((size_t)16 * 1024)
#define MESSAGE_BYTES 512

/* ---- the stream ---- */

/* The client is slow to take earlier answers: wait until it has them. */
static int response_flush(struct wf_conn *conn)
{
    conn->wait = WF_CONN_WAIT_OUTPUT;
    conn->wait_deadline = wf_http_after(conn->server, conn->server->limits.write_idle_max);
    wf_conn_arm(conn);
    int rc = weft_stream_flush(conn->stream);
    conn->wait = WF_CONN_WAIT_NONE;
    return rc;
}

static int response_reserve(struct wf_conn *conn, size_t count, char **out)
{
    int rc = weft_stream_reserve(conn->stream, count, out);
    while (rc == -EAGAIN && conn->state == WF_CONN_BUSY) {
        rc = response_flush(conn);
        if (rc == 0)
            rc = weft_stream_reserve(conn->stream, count, out);
    }
    return rc;
}

static void response_commit(struct wf_conn *conn, size_t count)
{
    weft_stream_commit(conn->stream, count);
    conn->server->stats.bytes_sent += count;
}

static int response_put(struct wf_conn *conn, const void *bytes, size_t count)
{
    char *room;
    int rc = response_reserve(conn, count, &room);
    if (rc < 0)
        return rc;
    memcpy(room, bytes, count);
    response_commit(conn, count);
    return 0;
}

/* A large piece: taken as the client makes room. */
static int response_write(struct wf_conn *conn, const void *bytes, size_t count)
{
    conn->wait = WF_CONN_WAIT_OUTPUT;
    conn->wait_deadline = wf_http_after(conn->server, conn->server->limits.write_idle_max);
    wf_conn_arm(conn);
    int rc = weft_stream_write(conn->stream, bytes, count);
    conn->wait = WF_CONN_WAIT_NONE;
    conn->server->stats.bytes_sent += rc == 0 ? count : 0;
    return rc;
}

/* ---- the head ---- */

static bool status_has_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

/* HEAD is answered by the head alone; so is what has no body by its status. */
static bool response_sends_body(const weft_http_response *res)
{
    return res->req->head.method != WF_H1_HEAD && status_has_body(res->status);
}

/* The last answer of a connection says so. */
static bool response_must_close(const weft_http_request *req, weft_time now)
{
    const struct wf_conn *conn = req->conn;
    const weft_http_server *server = conn->server;
    return req->will_close || !req->head.is_keep_alive || server->stops != 0 ||
           conn->request_count >= server->limits.requests_per_connection_max ||
           now - conn->opened_at >= server->limits.connection_age_max || !wf_request_can_drain(req);
}

static const char *response_connection(const weft_http_request *req)
{
    if (req->will_close)
        return "close";
    return req->head.minor == 0 ? "keep-alive" : NULL;
}

static int response_add_id(weft_http_response *res)
{
    weft_http_request *req = res->req;
    if (!req->is_id_given && res->status < 400)
        return 0;
    const char *id = weft_http_request_id(req);
    return wf_h1_write_field(&res->fields, (weft_str){"X-Request-Id", 12},
                             (weft_str){id, strlen(id)});
}

/* Writes the head and, in the same piece, `body_bytes` of the body. */
static int response_begin(weft_http_response *res, enum wf_h1_framing framing, weft_str type,
                          const void *body, size_t body_bytes)
{
    weft_http_request *req = res->req;
    struct wf_conn *conn = req->conn;
    if (res->status == 0)
        res->status = 200;
    int rc = response_add_id(res);
    if (rc < 0)
        return rc;
    weft_time now = wf_http_now(conn->server);
    req->will_close = response_must_close(req, now) || framing == WF_H1_BODY_TO_END;

    struct wf_h1_answer answer = {
        .status = res->status,
        .date = wf_http_server_date(conn->server, now),
        .type = type,
        .fields = {wf_buf_ptr(&res->fields), wf_buf_bytes(&res->fields)},
        .framing = status_has_body(res->status) ? framing : WF_H1_BODY_NONE,
        .length = res->length,
        .connection = response_connection(req),
    };
    char *room;
    rc = response_reserve(conn, wf_h1_answer_bytes_max(&answer) + body_bytes, &room);
    if (rc < 0)
        return rc;
    size_t count = wf_h1_write_answer(room, &answer);
    if (body_bytes != 0)
        memcpy(room + count, body, body_bytes);
    response_commit(conn, count + body_bytes);
    res->has_begun = true;
    conn->server->stats.answers[res->status / 100]++;
    conn->server->status_counts[res->status]++;
    return 0;
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
    return wf_h1_write_field(&res->fields, (weft_str){name, len}, value);
}

int weft_http_set_length(weft_http_response *res, uint64_t length)
{
    if (res->has_begun)
        return -EALREADY;
    res->has_length = true;
    res->length = length;
    return 0;
}

/* ---- all at once ---- */

int weft_http_respond(weft_http_response *res, int status, const char *type, const void *body,
                      size_t body_bytes)
{
    weft_str type_str = {type, type != NULL ? strlen(type) : 0};
    if (res->has_begun)
        return -EALREADY;
    int rc = weft_http_set_status(res, status);
    if (rc == 0 && type != NULL)
        rc = wf_h1_value_check(type_str);
    if (rc < 0)
        return rc;
    res->length = body_bytes;
    if (!response_sends_body(res))
        body_bytes = 0;
    bool is_inline = body_bytes <= INLINE_BYTES_MAX;
    rc = response_begin(res, WF_H1_BODY_LENGTH, type_str, body, is_inline ? body_bytes : 0);
    if (rc == 0 && !is_inline)
        rc = response_write(res->req->conn, body, body_bytes);
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
    return response_begin(res, framing, (weft_str){NULL, 0}, NULL, 0);
}

static int response_chunk(struct wf_conn *conn, const void *bytes, size_t count)
{
    char line[WF_H1_CHUNK_LINE_BYTES], *room;
    size_t line_bytes = wf_h1_write_chunk_line(line, count);
    if (count > INLINE_BYTES_MAX) {
        int rc = response_put(conn, line, line_bytes);
        if (rc == 0)
            rc = response_write(conn, bytes, count);
        return rc == 0 ? response_put(conn, "\r\n", 2) : rc;
    }
    int rc = response_reserve(conn, line_bytes + count + 2, &room);
    if (rc < 0)
        return rc;
    memcpy(room, line, line_bytes);
    memcpy(room + line_bytes, bytes, count);
    memcpy(room + line_bytes + count, "\r\n", 2);
    response_commit(conn, line_bytes + count + 2);
    return 0;
}

int weft_http_write(weft_http_response *res, const void *bytes, size_t count)
{
    struct wf_conn *conn = res->req->conn;
    int rc = weft_check();
    if (rc < 0)
        return rc;
    if (res->is_done)
        return -EALREADY;
    if (res->has_length && count > res->length - res->sent)
        return -EINVAL;
    if (!res->has_begun)
        rc = response_begin_stream(res);
    if (rc < 0 || count == 0)
        return rc;
    res->sent += count;
    if (!response_sends_body(res))
        return 0;
    if (res->is_chunked)
        return response_chunk(conn, bytes, count);
    return count > INLINE_BYTES_MAX ? response_write(conn, bytes, count)
                                    : response_put(conn, bytes, count);
}

int wf_response_finish(weft_http_response *res)
{
    if (res->is_done)
        return 0;
    if (!res->has_begun)
        return weft_http_respond(res, res->status != 0 ? res->status : 200, NULL, NULL, 0);
    if (res->has_length && res->sent != res->length && response_sends_body(res))
        return -WEFT_ETRUNCATED;
    int rc = res->is_chunked ? response_put(res->req->conn, "0\r\n\r\n", 5) : 0;
    res->is_done = rc == 0;
    return rc;
}
