/* SPDX-License-Identifier: MIT */

/*
 * Connections: what the stream's callbacks do.  Bytes become requests here; a whole one goes to
 * serve.c for a slot and a task.
 */

#include "http/server/conn.h"

#include <weft/sys/stream.h>

#include "base/list.h"
#include "base/str.h"
#include "h1/body.h"
#include "h1/head.h"
#include "http/exchange/chain.h"
#include "http/exchange/request.h"
#include "http/exchange/transport.h"
#include "http/h2/h2.h"
#include "http/server/peers.h"
#include "http/server/serve.h"
#include "http/server/server.h"

#include <assert.h>
#include <string.h>

/* Out of line of what each request does: that then saves no registers for it. */
#define RARE __attribute__((noinline))

static struct wf_conn *conn_of(weft_stream *stream)
{
    return weft_stream_get_user(stream);
}

/* ---- deadlines ---- */

void wf_conn_arm(struct wf_conn *conn)
{
    const weft_http_request *req = conn->req;
    weft_time at = conn->deadline;
    if (conn->state == WF_CONN_SERVED)
        at = req->wait == WF_WAIT_NONE ? req->deadline
                                       : wf_http_earlier(req->deadline, req->wait_deadline);
    else if (conn->state == WF_CONN_IDLE)
        at = wf_http_earlier(at, conn->taken_deadline);
    weft_stream_set_deadline(conn->stream, wf_http_earlier(at, conn->gone_deadline));
}

void wf_conn_set_state(struct wf_conn *conn, enum wf_conn_state state, weft_time duration)
{
    conn->state = state;
    conn->deadline = wf_http_after(conn->server, duration);
    wf_conn_arm(conn);
}

/* Sets the deadline of a connection that only has an answer under way: the client must take it, and
 * then may be silent.  Does not arm the timer, as the next request is often here already and has a
 * deadline of its own. */
static void conn_set_idle(struct wf_conn *conn)
{
    const weft_http_limits *limits = &conn->server->limits;
    const struct wf_pace_limits pace = wf_http_pace_limits(conn->server);
    weft_time now = wf_http_now(conn->server);
    conn->state = WF_CONN_IDLE;
    conn->deadline = wf_http_later(now, limits->keep_alive_max);
    conn->taken_deadline = wf_http_later(now, wf_pace_soon(&pace));
}

/* Sets the deadline of a body: each piece within the idle time, and all of it at the minimum rate.
 */
static void conn_set_body_deadline(struct wf_conn *conn)
{
    weft_http_request *req = conn->req;
    weft_time now = wf_http_now(conn->server);
    if (req->body_waits_from == 0)
        req->body_waits_from = now;
    conn->deadline =
        wf_http_after(conn->server, wf_request_body_patience(req, now - req->body_waits_from));
    wf_conn_arm(conn);
}

/* ---- the end ---- */

static void conn_drop_request(struct wf_conn *conn)
{
    if (conn->req == NULL)
        return;
    wf_request_release(conn->req);
    conn->server->busy_count--;
    conn->req = NULL;
}

static void conn_leave(struct wf_conn *conn)
{
    if (conn->req != NULL)
        wf_http_queue_leave(conn->req);
    conn_drop_request(conn);
    conn->state = WF_CONN_ENDING;
    weft_stream_set_deadline(conn->stream, WEFT_FOREVER);
}

void wf_conn_end(struct wf_conn *conn)
{
    if (conn->state == WF_CONN_ENDING)
        return;
    conn_leave(conn);
    weft_stream_end(conn->stream);
}

void wf_conn_outlive(struct wf_conn *conn)
{
    void (*ready)(void *arg) = conn->req->ready;
    conn->stop = conn->req->stop;
    conn->stop_arg = conn->req->stop_arg;
    conn_drop_request(conn);
    conn->state = WF_CONN_DETACHED;
    ready(conn->stop_arg);
}

void wf_conn_finish(struct wf_conn *conn)
{
    conn_leave(conn);
    weft_stream_finish(conn->stream);
}

void wf_conn_abort(struct wf_conn *conn)
{
    if (conn->is_aborted)
        return;
    conn->is_aborted = true;
    conn_leave(conn);
    weft_stream_abort(conn->stream);
}

static void conn_closed(weft_stream *stream)
{
    struct wf_conn *conn = conn_of(stream);
    assert(conn->req == NULL);
    wf_h2_free(conn->h2);
    wf_peers_leave(&conn->server->peers, conn->peer);
    wf_list_remove(&conn->link);
    wf_server_conn_gone(conn->server);
}

/* ---- a request out of bytes ---- */

/* 1: go on; 0: wait for more; < 0: the connection ends. */

static RARE int conn_refuse(struct wf_conn *conn, const struct wf_http_fault *fault)
{
    conn->server->stats.refused++;
    conn->req->will_close = true;
    if (wf_request_refuse(conn->req, fault))
        wf_conn_end(conn);
    else
        wf_conn_abort(conn);
    return -1;
}

static RARE int conn_refuse_no_memory(struct wf_conn *conn)
{
    wf_conn_answer_no_memory(conn);
    wf_conn_end(conn);
    return -1;
}

/* The peer ended in the middle of a request: it can get no answer that is right. */
static RARE int conn_wait_for_more(struct wf_conn *conn)
{
    if (!weft_stream_is_ended(conn->stream)) {
        weft_stream_read_on(conn->stream);
        return 0;
    }
    wf_conn_end(conn);
    return -1;
}

/* Which version it speaks: what was agreed on says so, else the first bytes.  Those of HTTP/2 begin
 * no request that HTTP/1 knows. */
static RARE int conn_greet(struct wf_conn *conn)
{
    weft_str input = weft_stream_get_input(conn->stream);
    weft_str protocol = weft_stream_get_protocol(conn->stream);
    size_t count = input.len < WF_H2_PREFACE_BYTES ? input.len : WF_H2_PREFACE_BYTES;
    bool is_agreed = wf_str_is(protocol, "h2"), is_refused = protocol.len != 0 && !is_agreed;
    if (input.len == 0)
        return conn_wait_for_more(conn);
    if (!conn->server->has_h2 || is_refused ||
        (!is_agreed && memcmp(input.ptr, WF_H2_PREFACE, count) != 0)) {
        conn->state = WF_CONN_IDLE;
        return 1;
    }
    if (count < WF_H2_PREFACE_BYTES && !is_agreed) {
        if (conn->request_count == 0) { /* once, not with every byte */
            conn->request_count = 1;
            wf_conn_set_state(conn, WF_CONN_NEW, conn->server->limits.head_time_max);
        }
        return conn_wait_for_more(conn);
    }
    conn->request_count = 0;
    if (wf_h2_start(conn) < 0) {
        wf_conn_abort(conn);
        return -1;
    }
    wf_h2_input(conn);
    return 0;
}

/* An answer that began before the shutdown has not said that it is the last. */
static int conn_begin(struct wf_conn *conn)
{
    if (weft_stream_get_input(conn->stream).len == 0) {
        if (conn->server->is_draining) {
            wf_conn_finish(conn);
            return -1;
        }
        wf_conn_arm(conn);
        return conn_wait_for_more(conn);
    }
    conn->req = wf_request_new(conn);
    if (conn->req == NULL)
        return conn_refuse_no_memory(conn);
    conn->server->busy_count++;
    conn->state = WF_CONN_HEAD;
    wf_pace_rest(&conn->pace, wf_http_now(conn->server));
    return 1;
}

static int conn_head_done(struct wf_conn *conn, weft_str input)
{
    weft_http_request *req = conn->req;
    uint32_t head_bytes = req->head.bytes;
    conn->server->stats.requests++;
    conn->server->stats.bytes_received += head_bytes;
    req->came_at = wf_http_now(conn->server);
    conn->request_count++;
    if (wf_request_prepare(req, input.ptr) < 0)
        return conn_refuse_no_memory(conn);
    weft_stream_consume(conn->stream, head_bytes);
    conn->state = WF_CONN_BODY;
    req->is_collecting = req->has_framing && wf_request_must_collect(req);
    return 1;
}

static int conn_head(struct wf_conn *conn, weft_str input)
{
    weft_http_request *req = conn->req;
    int rc = wf_h1_head_feed(&req->head, input.ptr, input.len);
    if (rc > 0)
        return conn_head_done(conn, input);
    if (rc < 0)
        return conn_refuse(conn, &req->head.fault);
    if (!req->is_head_timed) {
        req->is_head_timed = true;
        wf_conn_set_state(conn, WF_CONN_HEAD, conn->server->limits.head_time_max);
    }
    return conn_wait_for_more(conn);
}

/* Takes what is there of the body.  1: it is whole. */
static int conn_take_body(struct wf_conn *conn, bool is_kept)
{
    weft_http_request *req = conn->req;
    for (;;) {
        weft_str input = weft_stream_get_input(conn->stream), piece;
        size_t used;
        int rc = wf_h1_body_next(&req->framing, input.ptr, input.len, &used, &piece);
        if (rc > 0 && is_kept)
            rc = wf_request_keep_body(req, piece);
        else if (rc > 0)
            rc = 0;
        weft_stream_consume(conn->stream, used);
        conn->server->stats.bytes_received += used;
        if (rc < 0)
            return rc;
        if (wf_h1_body_is_done(&req->framing))
            return 1;
        if (used == input.len)
            return 0;
    }
}

/* Prepares to read the body; a request that cannot be admitted anyway is refused first. */
static RARE int conn_wait_for_body(struct wf_conn *conn)
{
    if (wf_http_is_full(conn->server) || wf_chain_is_full(conn->req)) {
        wf_http_shed_one(conn->req);
        return -1;
    }
    if (conn->transport->go_on(conn->req) < 0) {
        wf_conn_abort(conn);
        return -1;
    }
    conn_set_body_deadline(conn);
    return conn_wait_for_more(conn);
}

static RARE int conn_body(struct wf_conn *conn)
{
    weft_http_request *req = conn->req;
    int rc = conn_take_body(conn, /* is_kept= */ true);
    if (rc == -ENOMEM)
        return conn_refuse_no_memory(conn);
    if (rc < 0)
        return conn_refuse(conn, req->fault.status != 0 ? &req->fault : &req->framing.fault);
    return rc > 0 ? 1 : conn_wait_for_body(conn);
}

static RARE int conn_discard(struct wf_conn *conn)
{
    int rc = conn_take_body(conn, /* is_kept= */ false);
    if (rc == 0)
        return conn_wait_for_more(conn);
    if (rc < 0) {
        wf_conn_end(conn);
        return rc;
    }
    conn_drop_request(conn);
    conn_set_idle(conn);
    return 1;
}

/* The request, once its body is whole. */
static inline weft_http_request *conn_collect(struct wf_conn *conn)
{
    weft_http_request *req = conn->req;
    if (req->is_collecting && conn_body(conn) <= 0)
        return NULL;
    conn->state = WF_CONN_SERVED;
    return req;
}

/* The request, if it is whole; its head begins with `input`. */
static __attribute__((noinline)) weft_http_request *conn_receive(struct wf_conn *conn,
                                                                 weft_str input)
{
    return conn_head(conn, input) > 0 ? conn_collect(conn) : NULL;
}

weft_http_request *wf_conn_advance(struct wf_conn *conn)
{
    for (int rc = 1; rc > 0;) {
        switch ((enum wf_conn_state)conn->state) {
        case WF_CONN_NEW:
            rc = conn_greet(conn);
            break;
        case WF_CONN_IDLE:
            rc = conn_begin(conn);
            break;
        case WF_CONN_HEAD:
            return conn_receive(conn, weft_stream_get_input(conn->stream));
        case WF_CONN_BODY:
            return conn_collect(conn);
        case WF_CONN_DISCARD:
            rc = conn_discard(conn);
            break;
        default:
            return NULL;
        }
    }
    return NULL;
}

weft_http_request *wf_conn_next(struct wf_conn *conn)
{
    weft_http_request *req = conn->req;
    if (weft_stream_get_error(conn->stream) < 0) {
        wf_conn_abort(conn);
        return NULL;
    }
    if (req->will_close) {
        wf_conn_end(conn);
        return NULL;
    }
    if (!wf_h1_body_is_done(&req->framing)) {
        req->framing.trailers = NULL;
        wf_conn_set_state(conn, WF_CONN_DISCARD, conn->server->limits.body_idle_max);
        return wf_conn_advance(conn);
    }
    weft_str input = weft_stream_get_input(conn->stream);
    if (input.len == 0) {
        conn_drop_request(conn);
        conn_set_idle(conn);
        (void)conn_begin(conn); /* nothing is there: it waits, or ends with its peer */
        return NULL;
    }
    wf_request_renew(req); /* with a deadline of its own, should it not be whole */
    conn->state = WF_CONN_HEAD;
    return conn_receive(conn, input);
}

/* ---- callbacks ---- */

/* Input while a task answers.  If the connection is lost the task is cancelled, and ends it.
 * Pipelined bytes wait in the stream.  An end of the client's side may be a half-close: the handler
 * gets a little time. */
static void conn_input_served(struct wf_conn *conn)
{
    bool is_busy = conn->req->state == WF_EXCHANGE_BUSY;
    if (weft_stream_get_error(conn->stream) < 0) {
        if (is_busy)
            wf_http_give_up(conn->req, WF_EXCHANGE_GONE, "client disconnected");
        else
            wf_conn_abort(conn);
    } else if (is_busy && weft_stream_has_hung_up(conn->stream) &&
               conn->gone_deadline == WEFT_FOREVER && !conn->req->is_upgraded) {
        conn->gone_deadline = wf_http_after(conn->server, conn->server->limits.half_close_grace);
        wf_conn_arm(conn);
    }
}

static void conn_input(weft_stream *stream)
{
    struct wf_conn *conn = conn_of(stream);
    weft_http_request *req;
    switch ((enum wf_conn_state)conn->state) {
    case WF_CONN_SERVED:
        conn_input_served(conn);
        return;
    case WF_CONN_H2:
        wf_h2_input(conn);
        return;
    case WF_CONN_ENDING:
        return;
    default:
        break;
    }
    if (weft_stream_get_error(stream) < 0)
        wf_conn_abort(conn);
    else if (conn->state == WF_CONN_BARE)
        wf_conn_secure(conn);
    else if ((req = wf_conn_advance(conn)) != NULL)
        wf_http_admit(req);
}

bool wf_conn_is_reading(struct wf_conn *conn, weft_time now)
{
    const struct wf_pace_limits limits = wf_http_pace_limits(conn->server);
    uint64_t before = conn->acked;
    conn->acked = weft_stream_get_acked(conn->stream);
    return conn->acked > before && conn->acked < weft_stream_get_sent(conn->stream) &&
           !wf_pace_is_too_slow(&conn->pace, &limits, now, conn->acked);
}

/* At `*deadline` it is looked whether the client takes what waits for it: true if not.  Sets when
 * to look again: never if nothing waits in our hands. */
static bool conn_reader_is_stuck(struct wf_conn *conn, weft_time *deadline, weft_time now)
{
    const struct wf_pace_limits limits = wf_http_pace_limits(conn->server);
    if (now < *deadline)
        return false;
    if (weft_stream_get_unsent(conn->stream) == 0) {
        wf_pace_rest(&conn->pace, now);
        *deadline = WEFT_FOREVER;
        return false;
    }
    uint64_t acked = weft_stream_get_acked(conn->stream);
    bool is_stuck = wf_pace_is_too_slow(&conn->pace, &limits, now, acked);
    *deadline = wf_pace_next(&conn->pace, &limits, now);
    return is_stuck;
}

static void conn_expired_busy(struct wf_conn *conn, weft_time now)
{
    weft_http_request *req = conn->req;
    weft_http_stats *stats = &conn->server->stats;
    if (now >= conn->gone_deadline) {
        conn->gone_deadline = WEFT_FOREVER;
        wf_http_give_up(req, WF_EXCHANGE_GONE, "client disconnected");
    } else if (now >= req->deadline) {
        req->deadline = WEFT_FOREVER;
        stats->timeouts++;
        wf_http_give_up(req, WF_EXCHANGE_OVERTIME, "the handler's time is up");
    } else if (req->wait == WF_WAIT_INPUT && now >= req->wait_deadline) {
        req->wait_deadline = WEFT_FOREVER;
        stats->timeouts++;
        wf_http_give_up(req, WF_EXCHANGE_SLOW_BODY, "the client sends its body too slowly");
    } else if (req->wait == WF_WAIT_OUTPUT &&
               conn_reader_is_stuck(conn, &req->wait_deadline, now)) {
        req->wait_deadline = WEFT_FOREVER;
        stats->timeouts++;
        wf_http_give_up(req, WF_EXCHANGE_SLOW_READER, "the client does not read");
    }
    wf_conn_arm(conn);
}

static void conn_expired_served(struct wf_conn *conn, weft_time now)
{
    if (conn->req->state == WF_EXCHANGE_BUSY)
        conn_expired_busy(conn, now);
    else
        wf_http_queue_expired(conn->req);
}

static void conn_expired_idle(struct wf_conn *conn, weft_time now)
{
    if (conn_reader_is_stuck(conn, &conn->taken_deadline, now)) {
        conn->server->stats.timeouts++;
        wf_conn_abort(conn);
    } else if (now < conn->deadline) {
        wf_conn_arm(conn);
    } else if (wf_conn_is_reading(conn, now)) {
        conn->deadline = wf_http_later(now, conn->server->limits.keep_alive_max);
        wf_conn_arm(conn);
    } else {
        wf_conn_end(conn);
    }
}

static void conn_expired_receiving(struct wf_conn *conn)
{
    const char *message = conn->state == WF_CONN_HEAD
                              ? "The head of the request did not come in time."
                              : "The body of the request came too slowly.";
    struct wf_http_fault fault = wf_http_fault(408, message, WF_HTTP_NOWHERE);
    conn->server->stats.timeouts++;
    if (conn->state == WF_CONN_HEAD && !wf_h1_head_has_begun(&conn->req->head))
        wf_conn_end(conn);
    else
        (void)conn_refuse(conn, &fault);
}

static void conn_expired(weft_stream *stream)
{
    struct wf_conn *conn = conn_of(stream);
    weft_time now = wf_http_now(conn->server);
    switch ((enum wf_conn_state)conn->state) {
    case WF_CONN_BARE:
    case WF_CONN_NEW:
        wf_conn_end(conn);
        return;
    case WF_CONN_H2:
        wf_h2_expired(conn);
        return;
    case WF_CONN_IDLE:
        conn_expired_idle(conn, now);
        return;
    case WF_CONN_SERVED:
        conn_expired_served(conn, now);
        return;
    case WF_CONN_HEAD:
    case WF_CONN_BODY:
        conn_expired_receiving(conn);
        return;
    case WF_CONN_DISCARD:
        wf_conn_end(conn);
        return;
    case WF_CONN_DETACHED:
    case WF_CONN_ENDING:
        return;
    }
}

static void conn_output(weft_stream *stream)
{
    struct wf_conn *conn = conn_of(stream);
    if (conn->state == WF_CONN_H2)
        wf_h2_output(conn);
}

const weft_stream_kind wf_conn_kind = {
    .input = conn_input,
    .output = conn_output,
    .expired = conn_expired,
    .closed = conn_closed,
    .user_bytes = sizeof(struct wf_conn),
};
