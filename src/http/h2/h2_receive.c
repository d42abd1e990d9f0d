/* SPDX-License-Identifier: MIT */

/* What comes over HTTP/2: nghttp2's callbacks make exchanges of it. */

#include <weft/event.h>

#include "base/buf.h"
#include "h1/head.h"
#include "h1/trailer.h"
#include "h1/write.h"
#include "h2/session.h"
#include "http/exchange/chain.h"
#include "http/exchange/request.h"
#include "http/exchange/transport.h"
#include "http/h2/h2_priv.h"
#include "http/server/conn.h"
#include "http/server/serve.h"
#include "http/server/server.h"

#include <string.h>

static weft_http_request *request_of(nghttp2_session *session, int32_t stream_id)
{
    return nghttp2_session_get_stream_user_data(session, stream_id);
}

/* ---- the head ---- */

/* A client's streams count upward; nghttp2 remembers those it has opened for a while after their
 * end, and would ignore one that was left out: RFC 9113 5.1.1. */
static bool is_stream_known(struct wf_h2 *h2, nghttp2_session *session, int32_t stream_id)
{
    if (stream_id <= h2->stream_id_max)
        return nghttp2_session_find_stream(session, stream_id) != NULL;
    h2->stream_id_max = stream_id;
    return true;
}

static int frame_begun(nghttp2_session *session, const nghttp2_frame_hd *hd, void *arg)
{
    struct wf_h2 *h2 = arg;
    if (hd->type == NGHTTP2_HEADERS && !is_stream_known(h2, session, hd->stream_id))
        return wf_h2_stop(h2, NGHTTP2_PROTOCOL_ERROR);
    return 0;
}

static int refuse_stream(nghttp2_session *session, int32_t stream_id)
{
    int rc =
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream_id, NGHTTP2_REFUSED_STREAM);
    return rc == 0 ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* A stream that was reset makes room for the next only when its handler has returned. */
static int head_begun(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct wf_h2 *h2 = arg;
    const weft_http_limits *limits = &h2->conn->server->limits;
    int32_t stream_id = frame->hd.stream_id;
    wf_h2_block_begin(&h2->block, limits->head_bytes_max);
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) /* trailers */
        return 0;
    if (h2->is_dead || h2->exchange_count >= limits->h2_stream_count_max)
        return refuse_stream(session, stream_id);
    weft_http_request *req = wf_h2_exchange_new(h2, stream_id);
    if (req == NULL)
        return refuse_stream(session, stream_id);
    (void)nghttp2_session_set_stream_user_data(session, stream_id, req);
    return 0;
}

/* nghttp2 resets the stream, and decodes the rest of the block without telling of it. */
static int give_up_block(struct wf_h2 *h2)
{
    h2->conn->server->stats.refused++;
    return wf_h2_flood_reset(&h2->flood, wf_h2_now(h2)) ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE
                                                        : wf_h2_stop(h2, NGHTTP2_ENHANCE_YOUR_CALM);
}

/* A fault is told when the body is over. */
static int trailer_came(weft_http_request *req, weft_str name, weft_str value)
{
    if (req == NULL || req->h2.fault.status != 0)
        return 0;
    const weft_http_limits *limits = &req->conn->server->limits;
    size_t bytes = wf_buf_bytes(&req->trailers) + name.len + value.len + 4;
    if (req->h2.trailer_count == limits->trailer_count_max)
        req->h2.fault = wf_http_fault_limit(400, "There are too many trailers.",
                                            "trailer_count_max", limits->trailer_count_max,
                                            limits->trailer_count_max + 1, WF_HTTP_NOWHERE);
    else if (bytes > limits->trailer_bytes_max)
        req->h2.fault = wf_http_fault_limit(400, "The trailers are too long.", "trailer_bytes_max",
                                            limits->trailer_bytes_max, bytes, WF_HTTP_NOWHERE);
    req->h2.trailer_count++;
    if (req->h2.fault.status != 0 || !wf_h1_trailer_is_allowed(name))
        return 0;
    return wf_h1_write_field(&req->trailers, name, value) == -ENOMEM ? NGHTTP2_ERR_CALLBACK_FAILURE
                                                                     : 0;
}

static int field_came(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                      size_t name_bytes, const uint8_t *value, size_t value_bytes, uint8_t flags,
                      void *arg)
{
    struct wf_h2 *h2 = arg;
    (void)flags;
    if (!wf_h2_block_count(&h2->block, name_bytes + value_bytes))
        return give_up_block(h2);
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return trailer_came(request_of(session, frame->hd.stream_id),
                            (weft_str){(const char *)name, name_bytes},
                            (weft_str){(const char *)value, value_bytes});
    int rc = wf_h2_block_add(&h2->block, (weft_str){(const char *)name, name_bytes},
                             (weft_str){(const char *)value, value_bytes});
    return rc == 0 ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static void refuse(weft_http_request *req, const struct wf_http_fault *fault)
{
    req->conn->server->stats.refused++;
    wf_h2_transport.refused(req, wf_request_refuse(req, fault));
}

void wf_h2_refuse_slow(weft_http_request *req)
{
    struct wf_http_fault fault =
        wf_http_fault(408, "The body of the request came too slowly.", WF_HTTP_NOWHERE);
    req->conn->server->stats.timeouts++;
    refuse(req, &fault);
}

/* What could not get in anyway is refused before its body is read. */
static void wait_for_body(weft_http_request *req)
{
    struct wf_conn *conn = req->conn;
    if (wf_http_is_full(conn->server) || wf_chain_is_full(req)) {
        wf_http_shed_one(req);
        return;
    }
    (void)wf_h2_transport.go_on(req);
    req->body_waits_from = wf_http_now(conn->server);
    req->deadline = wf_http_after(conn->server, wf_request_body_patience(req, 0));
    wf_h2_transport.arm(req);
}

/* The head is judged as one of HTTP/1 is: it is the text of one. */
static int take_head(struct wf_h2 *h2, weft_http_request *req, bool is_whole)
{
    struct wf_conn *conn = h2->conn;
    weft_str text;
    int rc = wf_h2_block_end(&h2->block, &text);
    if (rc == -WEFT_ESYNTAX) {
        wf_h2_reset(req, NGHTTP2_PROTOCOL_ERROR);
        return 0;
    }
    if (rc == 0)
        rc = wf_h1_head_feed(&req->head, text.ptr, text.len);
    if (rc == -ENOMEM)
        return rc;
    req->head.is_chunked = !is_whole && !req->head.has_length; /* its length is not known */
    if (is_whole)
        wf_h2_body_ended(req);
    if (rc <= 0) {
        refuse(req, &req->head.fault);
        return 0;
    }
    conn->server->stats.requests++;
    conn->server->stats.bytes_received += text.len;
    req->came_at = wf_h2_now(h2);
    rc = wf_request_prepare(req, text.ptr);
    if (rc < 0)
        return rc;
    req->is_collecting = wf_request_must_collect(req);
    if (req->is_collecting)
        wait_for_body(req);
    else
        wf_http_admit(req);
    return 0;
}

static void count_request(struct wf_h2 *h2)
{
    struct wf_conn *conn = h2->conn;
    const weft_http_limits *limits = &conn->server->limits;
    conn->request_count++;
    if (conn->request_count >= limits->requests_per_connection_max ||
        wf_h2_now(h2) - conn->opened_at >= limits->connection_age_max)
        wf_h2_drain(conn);
}

static int head_came(struct wf_h2 *h2, const nghttp2_frame *frame, weft_http_request *req)
{
    bool is_whole = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    count_request(h2);
    int rc = take_head(h2, req, is_whole);
    if (rc == -ENOMEM)
        wf_h2_reset(req, NGHTTP2_REFUSED_STREAM);
    return 0;
}

/* ---- the body ---- */

static void take_back_window(struct wf_h2 *h2, int32_t stream_id, size_t bytes)
{
    (void)nghttp2_session_consume(h2->session, stream_id, bytes);
}

/* Handlers that read by themselves make room by reading: what is kept is within the window. */
static int body_keep(weft_http_request *req, weft_str piece)
{
    uint64_t max = req->body_limits.body_bytes_max;
    if (piece.len > max - req->body_seen) {
        req->h2.fault = wf_http_fault_limit(413, "The body is too large.", "body_bytes_max", max,
                                            req->body_seen + piece.len, (int64_t)req->body_seen);
        return -WEFT_ELIMIT;
    }
    if (req->is_collecting)
        return wf_request_keep_body(req, piece);
    int rc = wf_buf_append(&req->h2.unread, piece.ptr, piece.len);
    if (rc == 0)
        req->body_seen += piece.len;
    return rc;
}

static void body_collected(weft_http_request *req, int rc)
{
    weft_time now = wf_http_now(req->conn->server);
    if (rc == -ENOMEM) {
        wf_h2_reset(req, NGHTTP2_REFUSED_STREAM);
    } else if (rc < 0) {
        refuse(req, req->fault.status != 0 ? &req->fault : &req->h2.fault);
    } else {
        req->deadline =
            wf_http_later(now, wf_request_body_patience(req, now - req->body_waits_from));
        wf_h2_transport.arm(req);
    }
}

static void body_came(weft_http_request *req, weft_str piece)
{
    struct wf_h2 *h2 = req->conn->h2;
    bool is_wanted = req->state != WF_EXCHANGE_ANSWERED && req->h2.fault.status == 0;
    int rc = is_wanted ? body_keep(req, piece) : -WEFT_ELIMIT;
    if (rc < 0 || req->is_collecting)
        take_back_window(h2, req->h2.id, piece.len);
    if (!is_wanted)
        return;
    if (req->is_collecting) {
        body_collected(req, rc);
        return;
    }
    if (rc == -ENOMEM)
        req->h2.fault = wf_http_fault(503, "There is no memory for the body.", WF_HTTP_NOWHERE);
    weft_event_set(&req->h2.moved);
}

static int data_came(nghttp2_session *session, uint8_t flags, int32_t stream_id,
                     const uint8_t *bytes, size_t count, void *arg)
{
    struct wf_h2 *h2 = arg;
    weft_http_request *req = request_of(session, stream_id);
    (void)flags;
    h2->conn->server->stats.bytes_received += count;
    if (req == NULL)
        take_back_window(h2, stream_id, count);
    else
        body_came(req, (weft_str){(const char *)bytes, count});
    return 0;
}

static void body_over(weft_http_request *req)
{
    bool was_collecting = req->is_collecting && req->state == WF_EXCHANGE_COMING;
    wf_h2_body_ended(req);
    if (was_collecting && req->h2.fault.status != 0)
        refuse(req, &req->h2.fault);
    else if (was_collecting)
        wf_http_admit(req);
}

/* ---- frames ---- */

static int frame_came(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct wf_h2 *h2 = arg;
    weft_http_request *req;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        req = request_of(session, frame->hd.stream_id);
        if (req == NULL)
            return 0;
        if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
            return head_came(h2, frame, req);
        break;
    case NGHTTP2_DATA:
        req = request_of(session, frame->hd.stream_id);
        break;
    case NGHTTP2_PING:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0 && h2->drain_deadline != WEFT_FOREVER) {
            h2->drain_deadline = 0; /* the deferred part of wf_h2_drain */
            wf_h2_arm(h2, wf_h2_now(h2));
        }
        return 0;
    default:
        return 0;
    }
    if (req != NULL && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
        body_over(req);
    return 0;
}

/* Headers that break a rule of HTTP: nghttp2 resets the stream, and no request came of it. */
static int frame_was_wrong(nghttp2_session *session, const nghttp2_frame *frame, int code,
                           void *arg)
{
    struct wf_h2 *h2 = arg;
    (void)session;
    (void)frame;
    (void)code;
    h2->conn->server->stats.refused++;
    return 0;
}

static int stream_closed(nghttp2_session *session, int32_t stream_id, uint32_t code, void *arg)
{
    weft_http_request *req = request_of(session, stream_id);
    (void)arg;
    if (req != NULL)
        wf_h2_exchange_closed(req, code == NGHTTP2_NO_ERROR);
    return 0;
}

void wf_h2_set_receive_callbacks(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, frame_begun);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, head_begun);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, field_came);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, frame_came);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, frame_was_wrong);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, data_came);
    wf_h2_drop_unknown(callbacks);
    wf_h2_refuse_wrong_fields(callbacks);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, stream_closed);
}
