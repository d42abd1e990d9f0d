/* SPDX-License-Identifier: MIT */

/*
 * An exchange over HTTP/1: the head goes into the stream's own buffer, small bodies with it in one
 * piece; the stream is the exchange's alone until it is done.
 */

#include <weft/error.h>
#include <weft/io.h>
#include <weft/sys/loop.h>
#include <weft/sys/stream.h>

#include "base/buf.h"
#include "h1/body.h"
#include "h1/write.h"
#include "http/exchange/request.h"
#include "http/exchange/response.h"
#include "http/exchange/transport.h"
#include "http/server/conn.h"
#include "http/server/server.h"
#include "http/server/slots.h"

#include <string.h>

/* ---- waiting for the client ---- */

static void wait_begin(weft_http_request *req, enum wf_exchange_wait wait, weft_time duration)
{
    req->wait = wait;
    req->wait_deadline = wf_http_after(req->conn->server, duration);
    wf_conn_arm(req->conn);
    wf_http_slot_lend(req);
}

static void wait_begin_output(weft_http_request *req)
{
    struct wf_conn *conn = req->conn;
    const struct wf_pace_limits limits = wf_http_pace_limits(conn->server);
    wf_pace_begin(&conn->pace, &limits, wf_http_now(conn->server));
    wait_begin(req, WF_WAIT_OUTPUT, wf_pace_first(&conn->pace, &limits));
}

/* `rc` is how the wait ended. */
static int wait_end(weft_http_request *req, int rc)
{
    req->wait = WF_WAIT_NONE;
    wf_pace_rest(&req->conn->pace, wf_http_now(req->conn->server));
    int returned = wf_http_slot_return(req);
    return rc < 0 ? rc : returned;
}

/* The client is slow to take earlier answers: wait until it has them. */
static int h1_flush(weft_http_request *req)
{
    wait_begin_output(req);
    return wait_end(req, weft_stream_flush(req->conn->stream));
}

/* Reserves above the high mark, for a callback, which cannot wait.  What it sends is short, and
 * either the last or 100 Continue, after which only a handler goes on. */
static __attribute__((noinline)) int h1_reserve_later(weft_http_request *req, size_t count,
                                                      char **out)
{
    int rc = -EAGAIN;
    if (req->state != WF_EXCHANGE_BUSY)
        return weft_stream_reserve_above(req->conn->stream, count, out);
    while (rc == -EAGAIN) {
        rc = h1_flush(req);
        if (rc == 0)
            rc = weft_stream_reserve(req->conn->stream, count, out);
    }
    return rc;
}

static inline int h1_reserve(weft_http_request *req, size_t count, char **out)
{
    int rc = weft_stream_reserve(req->conn->stream, count, out);
    return rc == -EAGAIN ? h1_reserve_later(req, count, out) : rc;
}

static void h1_commit(struct wf_conn *conn, size_t count)
{
    weft_stream_commit(conn->stream, count);
    conn->server->stats.bytes_sent += count;
}

static int h1_put(weft_http_request *req, const void *bytes, size_t count)
{
    char *room;
    int rc = h1_reserve(req, count, &room);
    if (rc < 0)
        return rc;
    memcpy(room, bytes, count);
    h1_commit(req->conn, count);
    return 0;
}

/* A large piece: taken as the client makes room. */
static int h1_put_large(weft_http_request *req, const void *bytes, size_t count)
{
    struct wf_conn *conn = req->conn;
    wait_begin_output(req);
    int rc = weft_stream_write(conn->stream, bytes, count);
    req->res.is_cut |= rc < 0;
    conn->server->stats.bytes_sent += rc == 0 ? count : weft_progress();
    return wait_end(req, rc);
}

/* ---- the answer ---- */

/* True if this is the connection's last answer, which must say so.  Whether the connection is too
 * old was decided when the request came. */
static bool h1_must_close(const weft_http_request *req)
{
    const struct wf_conn *conn = req->conn;
    const weft_http_server *server = conn->server;
    return req->will_close || !req->head.is_keep_alive || server->stops != 0 ||
           conn->request_count >= server->limits.requests_per_connection_max ||
           req->came_at - conn->opened_at >= server->limits.connection_age_max ||
           (req->has_framing && !wf_request_can_drain(req));
}

static const char *h1_connection(const weft_http_request *req)
{
    if (req->will_close)
        return "close";
    return req->head.minor == 0 ? "keep-alive" : NULL;
}

/* While it waits others are answered, and may have left their own opening in the place of this
 * one's. */
static __attribute__((noinline)) int h1_begin_later(weft_http_response *res, size_t count,
                                                    char **out)
{
    weft_http_server *server = res->req->conn->server;
    int rc = h1_reserve_later(res->req, count, out);
    res->opening = wf_http_server_opening(server, wf_http_now(server), res->status, res->type);
    return rc;
}

static int h1_begin(weft_http_response *res, weft_str body, bool is_whole)
{
    char *room;
    weft_http_request *req = res->req;
    size_t most = wf_h1_answer_bytes_max(res->type.len, wf_buf_bytes(&res->fields)) + body.len;
    (void)is_whole;
    req->will_close = h1_must_close(req) || res->framing == WF_H1_BODY_TO_END;
    int rc = weft_stream_reserve(req->conn->stream, most, &room);
    if (rc == -EAGAIN)
        rc = h1_begin_later(res, most, &room);
    if (rc < 0)
        return rc;
    struct wf_h1_answer answer = {
        .opening = res->opening,
        .type = res->type,
        .fields = {wf_buf_ptr(&res->fields), wf_buf_bytes(&res->fields)},
        .framing = res->framing,
        .length = res->length,
        .connection = h1_connection(req),
    };
    size_t count = wf_h1_write_answer(room, &answer);
    if (body.len != 0)
        (void)wf_h1_put_str(room + count, body);
    h1_commit(req->conn, count + body.len);
    return 0;
}

static int h1_write_chunk(weft_http_request *req, const void *bytes, size_t count)
{
    char line[WF_H1_CHUNK_LINE_BYTES], *room;
    size_t line_bytes = wf_h1_write_chunk_line(line, count);
    if (count > WF_INLINE_BYTES_MAX) {
        int rc = h1_put(req, line, line_bytes);
        if (rc < 0)
            return rc;
        rc = h1_put_large(req, bytes, count);
        if (rc == 0)
            rc = h1_put(req, "\r\n", 2);
        req->res.is_cut |= rc < 0;
        return rc;
    }
    int rc = h1_reserve(req, line_bytes + count + 2, &room);
    if (rc < 0)
        return rc;
    memcpy(room, line, line_bytes);
    memcpy(room + line_bytes, bytes, count);
    memcpy(room + line_bytes + count, "\r\n", 2);
    h1_commit(req->conn, line_bytes + count + 2);
    return 0;
}

static int h1_write(weft_http_response *res, const void *bytes, size_t count)
{
    if (res->is_chunked)
        return h1_write_chunk(res->req, bytes, count);
    return count > WF_INLINE_BYTES_MAX ? h1_put_large(res->req, bytes, count)
                                       : h1_put(res->req, bytes, count);
}

/* Only for a body whose length is in the head. */
static int h1_write_file(weft_http_response *res, int file, uint64_t offset, uint64_t count)
{
    struct wf_conn *conn = res->req->conn;
    wait_begin_output(res->req);
    int rc = weft_stream_send_file(conn->stream, file, offset, count);
    res->is_cut = rc < 0;
    conn->server->stats.bytes_sent += rc == 0 ? count : weft_progress();
    return wait_end(res->req, rc);
}

static int h1_finish(weft_http_response *res)
{
    weft_str trailers = wf_response_trailers(res);
    if (!res->is_chunked)
        return 0;
    if (trailers.len == 0)
        return h1_put(res->req, "0\r\n\r\n", 5);
    int rc = h1_put(res->req, "0\r\n", 3);
    if (rc == 0)
        rc = h1_put(res->req, trailers.ptr, trailers.len);
    return rc == 0 ? h1_put(res->req, "\r\n", 2) : rc;
}

static int h1_go_on(weft_http_request *req)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (!req->wants_continue || req->res.has_begun) /* behind an answer it would be part of it */
        return 0;
    req->wants_continue = false;
    return h1_put(req, go_on, sizeof go_on - 1);
}

static const char no_memory_answer[] = "HTTP/1.1 503 Service Unavailable\r\n"
                                       "Content-Type: application/json\r\n"
                                       "Content-Length: 85\r\n"
                                       "Retry-After: 1\r\n"
                                       "Connection: close\r\n"
                                       "\r\n" WF_NO_MEMORY_BODY;
_Static_assert(sizeof WF_NO_MEMORY_BODY - 1 == 85, "the length in the head is that of the body");

void wf_conn_answer_no_memory(struct wf_conn *conn)
{
    size_t bytes = sizeof no_memory_answer - 1;
    wf_http_count_no_memory(conn->server, bytes);
    if (weft_stream_put(conn->stream, no_memory_answer, bytes) == 0 ||
        weft_stream_get_unsent(conn->stream) != 0 || weft_stream_is_filtered(conn->stream))
        return;
    weft_op_args args = {
        .kind = WEFT_OP_SEND,
        .fd = weft_stream_get_fd(conn->stream),
        .buf = (void *)(uintptr_t)no_memory_answer,
        .bytes = bytes,
    };
    (void)weft_op_try(conn->server->loop, &args);
}

static void h1_answer_no_memory(weft_http_request *req)
{
    wf_conn_answer_no_memory(req->conn);
}

/* ---- the body of the request ---- */

/* Waits for more of the body, with the time limits of a body; it does not count as the handler's.
 */
static int h1_wait_body(weft_http_request *req)
{
    struct wf_conn *conn = req->conn;
    weft_str shown;
    int rc = h1_go_on(req);
    if (rc < 0)
        return rc;
    weft_time from = wf_http_now(conn->server), deadline = req->deadline;
    req->deadline = WEFT_FOREVER;
    wait_begin(req, WF_WAIT_INPUT, wf_request_body_patience(req, req->body_waited));
    ssize_t count = weft_stream_peek(conn->stream, 1, &shown);
    weft_time waited = wf_http_now(conn->server) - from;
    req->body_waited += waited;
    req->deadline = wf_http_later(deadline, waited);
    wf_conn_arm(conn);
    rc = wait_end(req, count < 0 ? (int)count : 0);
    if (count == 0) {
        req->verdict = WF_EXCHANGE_GONE;
        return weft_fail(-WEFT_ETRUNCATED, "the client ended in the middle of the body");
    }
    if (count == -ECANCELED && req->verdict == WF_EXCHANGE_SLOW_BODY)
        return weft_fail(-ETIMEDOUT, "the client sends its body too slowly");
    return rc;
}

static ssize_t h1_read(weft_http_request *req, char *buf, size_t bytes)
{
    struct wf_conn *conn = req->conn;
    for (;;) {
        weft_str input = weft_stream_get_input(conn->stream), piece;
        size_t used, len = input.len < bytes ? input.len : bytes;
        int rc = wf_h1_body_next(&req->framing, input.ptr, len, &used, &piece);
        if (rc > 0) {
            memcpy(buf, piece.ptr, piece.len);
            req->body_seen += piece.len;
        }
        weft_stream_consume(conn->stream, used);
        conn->server->stats.bytes_received += used;
        if (rc > 0)
            return (ssize_t)piece.len;
        if (rc < 0 && rc != -ENOMEM)
            return weft_fail(rc, "%s", req->framing.fault.message);
        if (rc < 0)
            return rc;
        if (wf_h1_body_is_done(&req->framing))
            return 0;
        if (used == 0 || used == input.len)
            rc = h1_wait_body(req);
        if (rc < 0)
            return rc;
    }
}

/* ---- admission ---- */

/* Sets the deadline of a request that is being served and waits for nothing from the client: its
 * own, or the earlier one of a client that has ended its side and may be gone. */
static void h1_arm(weft_http_request *req)
{
    struct wf_conn *conn = req->conn;
    if (req->state == WF_EXCHANGE_BUSY && conn->gone_deadline == WEFT_FOREVER &&
        weft_stream_has_hung_up(conn->stream))
        conn->gone_deadline = wf_http_after(conn->server, conn->server->limits.half_close_grace);
    weft_stream_set_deadline(conn->stream, wf_http_earlier(req->deadline, conn->gone_deadline));
}

static void h1_refused(weft_http_request *req, bool is_answered)
{
    if (is_answered)
        wf_conn_end(req->conn);
    else
        wf_conn_abort(req->conn);
}

static weft_http_request *h1_done(weft_http_request *req, bool is_answered)
{
    struct wf_conn *conn = req->conn;
    if (is_answered && req->is_upgraded && req->ready != NULL) {
        wf_conn_outlive(conn);
        return NULL;
    }
    if (is_answered)
        return wf_conn_next(conn);
    wf_conn_abort(conn);
    return NULL;
}

const struct wf_transport wf_h1_transport = {
    .begin = h1_begin,
    .write = h1_write,
    .write_file = h1_write_file,
    .finish = h1_finish,
    .read = h1_read,
    .go_on = h1_go_on,
    .answer_no_memory = h1_answer_no_memory,
    .arm = h1_arm,
    .refused = h1_refused,
    .done = h1_done,
};
