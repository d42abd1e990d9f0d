/* SPDX-License-Identifier: MIT */

/*
 * An exchange over HTTP/2.  A piece of an answer's body is handed to nghttp2 where it lies and
 * copied once, into the connection's output, as far as the windows allow.  What is left of a small
 * one is kept, so that a client with a closed window holds no handler; a large one's handler waits.
 */

#include <weft/error.h>
#include <weft/event.h>
#include <weft/sys/stream.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/list.h"
#include "h1/body.h"
#include "h1/write.h"
#include "h2/fields.h"
#include "h2/session.h"
#include "http/exchange/request.h"
#include "http/exchange/response.h"
#include "http/exchange/transport.h"
#include "http/h2/h2_priv.h"
#include "http/server/conn.h"
#include "http/server/serve.h"
#include "http/server/server.h"
#include "http/server/slots.h"

#include <string.h>

/* :status, date, content-type, content-length */
#define OWN_FIELDS_MAX 4

#define H2_LINGER (2 * WEFT_SEC) /* for the rest of a body that nobody wants */

#define TEXT(literal) ((weft_str)WEFT_STR(literal))

/* ---- life ---- */

weft_http_request *wf_h2_exchange_new(struct wf_h2 *h2, int32_t stream_id)
{
    struct wf_conn *conn = h2->conn;
    weft_http_request *req = wf_request_new(conn);
    if (req == NULL)
        return NULL;
    req->h2.id = stream_id;
    req->h2.acked = weft_stream_get_sent(conn->stream); /* what is before it is not its */
    req->deadline = WEFT_FOREVER;
    wf_list_append(&h2->exchanges, &req->h2.link);
    if (h2->exchange_count++ == 0) {
        conn->server->busy_count++;
        wf_pace_rest(&conn->pace, wf_h2_now(h2));
    }
    return req;
}

void wf_h2_exchange_free(weft_http_request *req)
{
    struct wf_conn *conn = req->conn;
    struct wf_h2 *h2 = conn->h2;
    wf_http_queue_leave(req);
    wf_list_remove(&req->h2.link);
    wf_request_release(req);
    if (--h2->exchange_count != 0)
        return;
    conn->server->busy_count--;
    conn->deadline = wf_http_after(conn->server, conn->server->limits.keep_alive_max);
    wf_h2_arm(h2, conn->deadline);
}

/* What nobody will read any more gives its room back. */
static void drop_unread(weft_http_request *req)
{
    size_t count = wf_buf_bytes(&req->h2.unread);
    wf_buf_reset(&req->h2.unread);
    if (count != 0)
        (void)nghttp2_session_consume(req->conn->h2->session, req->h2.id, count);
}

void wf_h2_exchange_closed(weft_http_request *req, bool is_whole)
{
    drop_unread(req);
    req->h2.id = 0;
    req->h2.piece = (weft_str){NULL, 0};
    if (req->state != WF_EXCHANGE_BUSY) {
        if (!req->h2.is_held)
            wf_h2_exchange_free(req);
        return;
    }
    if (!is_whole)
        wf_http_give_up(req, WF_EXCHANGE_GONE, "client disconnected");
    weft_event_set(&req->h2.moved);
}

void wf_h2_reset(weft_http_request *req, uint32_t code)
{
    struct wf_h2 *h2 = req->conn->h2;
    req->h2.piece = (weft_str){NULL, 0};
    if (req->h2.id != 0 &&
        nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, req->h2.id, code) < 0)
        h2->is_failing = true;
}

/* ---- waiting ---- */

static int h2_wait(weft_http_request *req, enum wf_exchange_wait wait, weft_time duration)
{
    req->wait = wait;
    req->wait_deadline = wf_http_after(req->conn->server, duration);
    wf_h2_arm(req->conn->h2, req->wait_deadline);
    weft_event_clear(&req->h2.moved);
    int rc = weft_event_wait(&req->h2.moved);
    req->wait = WF_WAIT_NONE;
    return rc;
}

/* The client begins to be waited for: how long until it is looked at. */
static weft_time h2_first_look(weft_http_request *req)
{
    const weft_http_server *server = req->conn->server;
    const struct wf_pace_limits limits = wf_http_pace_limits(server);
    wf_pace_begin(&req->h2.pace, &limits, wf_http_now(server));
    return wf_pace_first(&req->h2.pace, &limits);
}

/* Until all that was written is on its way. */
static int h2_wait_sent(weft_http_request *req)
{
    int rc = 0;
    if (req->h2.piece.len == 0 && req->h2.id != 0)
        return 0;
    wf_http_slot_lend(req);
    while (rc == 0 && req->h2.piece.len != 0 && req->h2.id != 0)
        rc = h2_wait(req, WF_WAIT_OUTPUT, h2_first_look(req));
    wf_pace_rest(&req->h2.pace, wf_http_now(req->conn->server));
    int returned = wf_http_slot_return(req);
    if (rc == 0 && req->h2.id == 0)
        return -EPIPE;
    return rc < 0 ? rc : returned;
}

/* ---- bytes out: nghttp2's callbacks ---- */

static bool submit_trailers(nghttp2_session *session, weft_http_request *req, weft_str lines);

static ssize_t piece_read(nghttp2_session *session, int32_t stream_id, uint8_t *buf, size_t room,
                          uint32_t *flags, nghttp2_data_source *source, void *arg)
{
    weft_http_request *req = source->ptr;
    struct wf_h2_stream *stream = &req->h2;
    (void)stream_id;
    (void)buf;
    (void)arg;
    size_t count = stream->piece.len < room ? stream->piece.len : room;
    if (count == 0 && !stream->is_finished)
        return NGHTTP2_ERR_DEFERRED;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (count != stream->piece.len || !stream->is_finished)
        return (ssize_t)count;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    weft_str trailers = wf_response_trailers(&req->res);
    if (trailers.len == 0)
        return (ssize_t)count;
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    return submit_trailers(session, req, trailers) ? (ssize_t)count
                                                   : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static void piece_take(weft_http_request *req, char *out, size_t count)
{
    struct wf_h2_stream *stream = &req->h2;
    if (count != 0)
        memcpy(out, stream->piece.ptr, count);
    stream->piece.ptr += count;
    stream->piece.len -= count;
    stream->taken += count;
    if (stream->piece.len == 0)
        weft_event_set(&stream->moved);
}

static int piece_send(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head,
                      size_t count, nghttp2_data_source *source, void *arg)
{
    struct wf_h2 *h2 = arg;
    weft_http_request *req = source->ptr;
    weft_stream *output = h2->conn->stream;
    char *room;
    (void)session;
    (void)frame;
    if (req->h2.piece.len < count) /* reset since nghttp2 asked how much there is */
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    int rc = weft_stream_reserve(output, WF_H2_FRAME_HEAD_BYTES + count, &room);
    if (rc == -EAGAIN)
        return NGHTTP2_ERR_WOULDBLOCK;
    if (rc < 0)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    memcpy(room, head, WF_H2_FRAME_HEAD_BYTES);
    piece_take(req, room + WF_H2_FRAME_HEAD_BYTES, count);
    weft_stream_commit(output, WF_H2_FRAME_HEAD_BYTES + count);
    req->h2.taken_to = weft_stream_get_sent(output) + weft_stream_get_unsent(output);
    h2->conn->server->stats.bytes_sent += WF_H2_FRAME_HEAD_BYTES + count;
    return 0;
}

/* What was answered goes when its stream is closed; a client that does not take it has so long.
 * Behind the answer nobody wants the rest of the body, but a client that is told so while it sends
 * (RFC 9113 8.1) may not look for the answer: it has some time to find it, as with HTTP/1.1. */
static void wait_for_close(weft_http_request *req)
{
    req->deadline =
        wf_http_after(req->conn->server, req->h2.is_sent ? H2_LINGER : h2_first_look(req));
    wf_h2_arm(req->conn->h2, req->deadline);
}

static void answer_sent(weft_http_request *req)
{
    req->h2.is_sent = true;
    if (req->state == WF_EXCHANGE_ANSWERED && !req->h2.is_body_ended)
        wait_for_close(req);
}

static int frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct wf_h2 *h2 = arg;
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
        bool is_fine = !wf_h2_is_provoked(frame->rst_stream.error_code) ||
                       wf_h2_flood_reset(&h2->flood, wf_h2_now(h2));
        return is_fine ? 0 : wf_h2_stop(h2, NGHTTP2_ENHANCE_YOUR_CALM);
    }
    if ((frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) ||
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0)
        return 0;
    weft_http_request *req = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (req != NULL)
        answer_sent(req);
    return 0;
}

void wf_h2_set_send_callbacks(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_send_data_callback(callbacks, piece_send);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, frame_sent);
}

/* ---- the head of the answer ---- */

static nghttp2_nv *nva_reserve(struct wf_h2 *h2, size_t count)
{
    if (count <= h2->nva_capacity)
        return h2->nva;
    nghttp2_nv *nva = wf_grow(h2->nva, count, sizeof nva[0]);
    if (nva == NULL)
        return NULL;
    h2->nva = nva;
    h2->nva_capacity = count;
    return nva;
}

/* Names and values that live as long as the exchange are not copied. */
#define NOT_COPIED (NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE)

static nghttp2_nv nv_of(weft_str name, weft_str value)
{
    return wf_h2_field(name, value, NOT_COPIED);
}

static weft_str put_digits(char *end, uint64_t number)
{
    char *at = end;
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    return (weft_str){at, (size_t)(end - at)};
}

/* From inside nghttp2: it sends them behind the last piece. */
static bool submit_trailers(nghttp2_session *session, weft_http_request *req, weft_str lines)
{
    nghttp2_nv *nva = nva_reserve(req->conn->h2, wf_h2_line_count(lines));
    if (nva == NULL)
        return false;
    size_t count = wf_h2_put_lines(nva, lines, NOT_COPIED);
    return nghttp2_submit_trailer(session, req->h2.id, nva, count) == 0;
}

static size_t nva_fill(weft_http_response *res, weft_str fields, nghttp2_nv *nva)
{
    struct wf_h2_stream *stream = &res->req->h2;
    size_t count = 0;
    weft_http_server *server = res->req->conn->server;
    weft_str date = {wf_http_server_date(server, wf_http_now(server)), WF_H1_DATE_BYTES};
    nva[count++] =
        nv_of(TEXT(":status"), put_digits(stream->status + sizeof stream->status, res->status));
    nva[count++] = nv_of(TEXT("date"), date);
    if (res->type.ptr != NULL) {
        nva[count] = nv_of(TEXT("content-type"), res->type);
        nva[count++].flags = NGHTTP2_NV_FLAG_NO_COPY_NAME; /* the handler's memory */
    }
    if (res->framing == WF_H1_BODY_LENGTH)
        nva[count++] = nv_of(TEXT("content-length"),
                             put_digits(stream->length + sizeof stream->length, res->length));
    return count + wf_h2_put_lines(nva + count, fields, NOT_COPIED);
}

static int h2_submit(weft_http_response *res, bool has_body)
{
    weft_str fields = {wf_buf_ptr(&res->fields), wf_buf_bytes(&res->fields)};
    weft_http_request *req = res->req;
    struct wf_h2 *h2 = req->conn->h2;
    nghttp2_data_provider provider = {.source.ptr = req, .read_callback = piece_read};
    nghttp2_nv *nva = nva_reserve(h2, wf_h2_line_count(fields) + OWN_FIELDS_MAX);
    if (nva == NULL)
        return -ENOMEM;
    size_t count = nva_fill(res, fields, nva);
    int rc =
        nghttp2_submit_response(h2->session, req->h2.id, nva, count, has_body ? &provider : NULL);
    if (rc == NGHTTP2_ERR_NOMEM)
        return -ENOMEM;
    return rc == 0 ? 0 : -EPIPE;
}

/* ---- the answer ---- */

/* What the windows have left of a small piece moves out of its owner's memory. */
static int h2_keep_rest(weft_http_request *req)
{
    struct wf_h2_stream *stream = &req->h2;
    if (stream->piece.len == 0)
        return 0;
    wf_buf_reset(&stream->rest);
    int rc = wf_buf_append(&stream->rest, stream->piece.ptr, stream->piece.len);
    if (rc < 0) {
        wf_h2_reset(req, NGHTTP2_INTERNAL_ERROR);
        return -EPIPE;
    }
    stream->piece.ptr = wf_buf_ptr(&stream->rest);
    return 0;
}

static int h2_begin(weft_http_response *res, weft_str body, bool is_whole)
{
    weft_http_request *req = res->req;
    struct wf_h2_stream *stream = &req->h2;
    if (stream->id == 0)
        return -EPIPE;
    stream->piece = body;
    stream->is_finished = is_whole;
    stream->is_held = true;
    int rc = h2_submit(res, body.len != 0 || !is_whole);
    if (rc < 0) {
        stream->piece.len = 0;
        return rc;
    }
    wf_h2_push(req->conn->h2);
    return h2_keep_rest(req);
}

static void h2_resume(weft_http_request *req)
{
    struct wf_h2 *h2 = req->conn->h2;
    if (req->h2.id == 0)
        return;
    if (nghttp2_session_resume_data(h2->session, req->h2.id) == NGHTTP2_ERR_NOMEM)
        h2->is_failing = true;
    wf_h2_push(h2);
}

static int h2_write(weft_http_response *res, const void *bytes, size_t count)
{
    weft_http_request *req = res->req;
    int rc = h2_wait_sent(req);
    if (rc < 0)
        return rc;
    req->h2.piece = (weft_str){bytes, count};
    req->h2.is_finished = res->has_length && res->sent == res->length;
    h2_resume(req);
    if (count <= WF_INLINE_BYTES_MAX)
        return req->h2.id != 0 || req->h2.is_finished ? h2_keep_rest(req) : -EPIPE;
    rc = h2_wait_sent(req);
    if (rc == -EPIPE && req->h2.is_finished && req->verdict == WF_EXCHANGE_FINE)
        rc = 0; /* closed, because it is whole */
    if (rc < 0)
        wf_h2_reset(req, NGHTTP2_INTERNAL_ERROR); /* its memory is not ours any more */
    return rc;
}

static int h2_finish(weft_http_response *res)
{
    weft_http_request *req = res->req;
    if (req->h2.is_finished)
        return 0;
    if (req->h2.id == 0)
        return -EPIPE;
    req->h2.is_finished = true;
    h2_resume(req);
    return 0;
}

static int h2_go_on(weft_http_request *req)
{
    struct wf_h2 *h2 = req->conn->h2;
    if (!req->wants_continue || req->res.has_begun || req->h2.id == 0)
        return 0;
    req->wants_continue = false;
    const nghttp2_nv nv = nv_of(TEXT(":status"), TEXT("100"));
    if (nghttp2_submit_headers(h2->session, NGHTTP2_FLAG_NONE, req->h2.id, NULL, &nv, 1, NULL) < 0)
        h2->is_failing = true;
    wf_h2_push(h2);
    return 0;
}

/* There is nothing ready-made in HTTP/2: its fields need the peer's table. */
static void h2_answer_no_memory(weft_http_request *req)
{
    wf_h2_reset(req, NGHTTP2_REFUSED_STREAM);
}

/* ---- the body of the request ---- */

void wf_h2_body_ended(weft_http_request *req)
{
    req->h2.is_body_ended = true;
    wf_h1_body_init_empty(&req->framing);
    weft_event_set(&req->h2.moved);
}

/* As h1_wait_body: it does not count as the handler's time. */
static int h2_wait_body(weft_http_request *req)
{
    const weft_http_server *server = req->conn->server;
    int rc = h2_go_on(req);
    if (rc < 0)
        return rc;
    weft_time from = wf_http_now(server), deadline = req->deadline;
    req->deadline = WEFT_FOREVER;
    wf_http_slot_lend(req);
    rc = h2_wait(req, WF_WAIT_INPUT, wf_request_body_patience(req, req->body_waited));
    weft_time waited = wf_http_now(server) - from;
    req->body_waited += waited;
    req->deadline = wf_http_later(deadline, waited);
    wf_h2_arm(req->conn->h2, req->deadline);
    int returned = wf_http_slot_return(req);
    if (rc == -ECANCELED && req->verdict == WF_EXCHANGE_SLOW_BODY)
        return weft_fail(-ETIMEDOUT, "the client sends its body too slowly");
    return rc < 0 ? rc : returned;
}

static ssize_t h2_take_unread(weft_http_request *req, char *buf, size_t bytes)
{
    struct wf_h2_stream *stream = &req->h2;
    struct wf_h2 *h2 = req->conn->h2;
    size_t count = wf_buf_bytes(&stream->unread);
    count = count < bytes ? count : bytes;
    memcpy(buf, wf_buf_ptr(&stream->unread), count);
    wf_buf_consume(&stream->unread, count);
    (void)nghttp2_session_consume(h2->session, stream->id, count);
    wf_h2_push(h2);
    return (ssize_t)count;
}

static ssize_t h2_read(weft_http_request *req, char *buf, size_t bytes)
{
    for (;;) {
        if (wf_buf_bytes(&req->h2.unread) != 0)
            return h2_take_unread(req, buf, bytes);
        if (req->h2.fault.status != 0) {
            req->framing.fault = req->h2.fault;
            return weft_fail(-WEFT_ELIMIT, "%s", req->h2.fault.message);
        }
        if (req->h2.is_body_ended)
            return 0;
        if (req->h2.id == 0)
            return weft_fail(-WEFT_ETRUNCATED, "the client ended in the middle of the body");
        int rc = h2_wait_body(req);
        if (rc < 0)
            return rc;
    }
}

/* ---- admission and time ---- */

static void h2_arm(weft_http_request *req)
{
    wf_h2_arm(req->conn->h2, req->deadline);
}

static void set_answered(weft_http_request *req)
{
    req->state = WF_EXCHANGE_ANSWERED;
    req->h2.is_held = false;
    drop_unread(req);
    wait_for_close(req);
}

static void h2_refused(weft_http_request *req, bool is_answered)
{
    struct wf_h2 *h2 = req->conn->h2;
    if (!is_answered)
        wf_h2_reset(req, NGHTTP2_INTERNAL_ERROR);
    if (req->h2.id != 0)
        set_answered(req);
    else
        wf_h2_exchange_free(req);
    wf_h2_push(h2);
}

static weft_http_request *h2_done(weft_http_request *req, bool is_answered)
{
    struct wf_h2 *h2 = req->conn->h2;
    bool has_news = !is_answered || wf_buf_bytes(&req->h2.unread) != 0; /* a reset, a window */
    if (!is_answered)
        wf_h2_reset(req, NGHTTP2_INTERNAL_ERROR);
    if (req->h2.id != 0)
        set_answered(req);
    else
        wf_h2_exchange_free(req);
    if (has_news || h2->exchange_count == 0)
        wf_h2_push(h2);
    return NULL;
}

/* True if it is the connection that holds the answer up: bytes of it are on their way there, or the
 * windows are open and there is no room. */
static bool is_carried(const weft_http_request *req, uint64_t acked)
{
    nghttp2_session *session = req->conn->h2->session;
    return acked < req->h2.taken_to ||
           (nghttp2_session_get_stream_remote_window_size(session, req->h2.id) > 0 &&
            nghttp2_session_get_remote_window_size(session) > 0);
}

/* What a client takes of a stream is what its windows let go; and what it takes of the connection
 * as long as that is what it waits for, behind megabytes in the kernel and the bytes of other
 * streams.
 */
static bool is_too_slow(weft_http_request *req, weft_time now)
{
    struct wf_h2_stream *stream = &req->h2;
    const struct wf_pace_limits limits = wf_http_pace_limits(req->conn->server);
    uint64_t acked = weft_stream_get_acked(req->conn->stream);
    if (acked > stream->acked) {
        stream->carried += is_carried(req, stream->acked) ? acked - stream->acked : 0;
        stream->acked = acked;
    }
    return wf_pace_is_too_slow(&stream->pace, &limits, now, stream->taken + stream->carried);
}

static weft_time next_look(const weft_http_request *req, weft_time now)
{
    const struct wf_pace_limits limits = wf_http_pace_limits(req->conn->server);
    return wf_pace_next(&req->h2.pace, &limits, now);
}

static bool wait_is_over(weft_http_request *req, weft_time now)
{
    if (req->wait == WF_WAIT_NONE || now < req->wait_deadline)
        return false;
    if (req->wait == WF_WAIT_INPUT || is_too_slow(req, now))
        return true;
    req->wait_deadline = next_look(req, now);
    return false;
}

static weft_time expire_busy(weft_http_request *req, weft_time now)
{
    weft_http_server *server = req->conn->server;
    if (now >= req->deadline) {
        req->deadline = WEFT_FOREVER;
        server->stats.timeouts++;
        wf_http_give_up(req, WF_EXCHANGE_OVERTIME, "the handler's time is up");
    }
    if (wait_is_over(req, now)) {
        req->wait_deadline = WEFT_FOREVER;
        server->stats.timeouts++;
        if (req->wait == WF_WAIT_INPUT)
            wf_http_give_up(req, WF_EXCHANGE_SLOW_BODY, "the client sends its body too slowly");
        else
            wf_http_give_up(req, WF_EXCHANGE_SLOW_READER, "the client does not read");
    }
    return req->wait != WF_WAIT_NONE ? wf_http_earlier(req->wait_deadline, req->deadline)
                                     : req->deadline;
}

static weft_time expire_answered(weft_http_request *req, weft_time now)
{
    if (now < req->deadline)
        return req->deadline;
    if (req->h2.is_sent) {
        req->deadline = WEFT_FOREVER;
        wf_h2_reset(req, NGHTTP2_NO_ERROR);
        return WEFT_FOREVER;
    }
    if (!is_too_slow(req, now)) {
        req->deadline = next_look(req, now);
        return req->deadline;
    }
    req->deadline = WEFT_FOREVER;
    req->conn->server->stats.timeouts++;
    wf_h2_reset(req, NGHTTP2_CANCEL);
    return WEFT_FOREVER;
}

weft_time wf_h2_exchange_expire(weft_http_request *req, weft_time now)
{
    switch ((enum wf_exchange_state)req->state) {
    case WF_EXCHANGE_BUSY:
        return expire_busy(req, now);
    case WF_EXCHANGE_ANSWERED:
        return expire_answered(req, now);
    case WF_EXCHANGE_QUEUED:
    case WF_EXCHANGE_COMING:
        break;
    }
    if (now < req->deadline)
        return req->deadline;
    req->deadline = WEFT_FOREVER;
    if (req->state == WF_EXCHANGE_QUEUED)
        wf_http_queue_expired(req);
    else
        wf_h2_refuse_slow(req);
    return now + 1; /* looked at again, if it is still there */
}

const struct wf_transport wf_h2_transport = {
    .begin = h2_begin,
    .write = h2_write,
    .finish = h2_finish,
    .read = h2_read,
    .go_on = h2_go_on,
    .answer_no_memory = h2_answer_no_memory,
    .arm = h2_arm,
    .refused = h2_refused,
    .done = h2_done,
};
