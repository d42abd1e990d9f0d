/* SPDX-License-Identifier: MIT */

/* HTTP/2 as the carrier of requests and answers: an exchange and its stream. */

#include "client/conn/mux.h"

#include <weft/error.h>
#include <weft/task.h>

#include "base/alloc.h"
#include "h2/fields.h"
#include "h2/session.h"

#include <string.h>

#define OWN_FIELDS_COUNT 4 /* :method, :scheme, :authority, :path */

#define TEXT(literal) ((weft_str)WEFT_STR(literal))

/* ---- bytes out: nghttp2's callbacks ---- */

static void piece_is_taken(struct mux_stream *stream)
{
    stream->is_taken = true;
    weft_event_set(&stream->moved);
}

/* nghttp2 sends them behind the data, which it asks for now. */
static int trailers_submit(nghttp2_session *session, const struct mux_stream *stream)
{
    nghttp2_nv *nva = wf_array(wf_h2_line_count(stream->trailers), sizeof nva[0]);
    if (nva == NULL)
        return NGHTTP2_ERR_NOMEM;
    size_t count = wf_h2_put_lines(nva, stream->trailers, NGHTTP2_NV_FLAG_NONE);
    int rc = nghttp2_submit_trailer(session, stream->id, nva, count);
    wf_free(nva);
    return rc;
}

static ssize_t piece_read(nghttp2_session *session, int32_t stream_id, uint8_t *buf, size_t room,
                          uint32_t *flags, nghttp2_data_source *source, void *arg)
{
    struct wf_mux *mux = arg;
    struct weft_exchange *exchange = nghttp2_session_get_stream_user_data(session, stream_id);
    (void)buf;
    (void)source;
    if (exchange == NULL) /* about to be reset */
        return NGHTTP2_ERR_DEFERRED;
    struct mux_stream *stream = &exchange->stream;
    size_t count = stream->piece.len < room ? stream->piece.len : room;
    if (count == 0 && !stream->is_last)
        return NGHTTP2_ERR_DEFERRED;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (count != stream->piece.len || !stream->is_last)
        return (ssize_t)count;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (stream->trailers.len == 0)
        return (ssize_t)count;
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    if (trailers_submit(session, stream) < 0) {
        mux->is_failing = true;
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    if (count == 0) /* then nghttp2 sends no DATA at all */
        piece_is_taken(stream);
    return (ssize_t)count;
}

static int piece_send(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head,
                      size_t count, nghttp2_data_source *source, void *arg)
{
    struct wf_mux *mux = arg;
    struct weft_exchange *exchange =
        nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    char *room;
    (void)source;
    if (exchange == NULL || exchange->stream.piece.len < count)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* left since nghttp2 asked */
    int rc = weft_stream_reserve(mux->conn->stream, WF_H2_FRAME_HEAD_BYTES + count, &room);
    if (rc == -EAGAIN)
        return NGHTTP2_ERR_WOULDBLOCK;
    if (rc < 0)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    struct mux_stream *stream = &exchange->stream;
    memcpy(room, head, WF_H2_FRAME_HEAD_BYTES);
    if (count != 0)
        memcpy(room + WF_H2_FRAME_HEAD_BYTES, stream->piece.ptr, count);
    weft_stream_commit(mux->conn->stream, WF_H2_FRAME_HEAD_BYTES + count);
    stream->piece.ptr += count;
    stream->piece.len -= count;
    if (stream->piece.len == 0)
        piece_is_taken(stream);
    return 0;
}

static int frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct wf_mux *mux = arg;
    (void)session;
    if (frame->hd.type == NGHTTP2_GOAWAY)
        mux->code = frame->goaway.error_code; /* nghttp2 has found a breach of the protocol */
    if (frame->hd.type == NGHTTP2_RST_STREAM && wf_h2_is_provoked(frame->rst_stream.error_code) &&
        !wf_h2_flood_reset(&mux->flood, wf_mux_now(mux)))
        return wf_mux_stop(mux, NGHTTP2_ENHANCE_YOUR_CALM);
    return 0;
}

/* A request that waited in nghttp2, and may not begin any more. */
static int frame_not_sent(nghttp2_session *session, const nghttp2_frame *frame, int rc, void *arg)
{
    (void)arg;
    struct weft_exchange *exchange =
        nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    if (frame->hd.type == NGHTTP2_HEADERS && exchange != NULL && rc != NGHTTP2_ERR_NOMEM)
        exchange->is_unprocessed = true;
    return 0;
}

void wf_mux_set_send_callbacks(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_send_data_callback(callbacks, piece_send);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, frame_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, frame_not_sent);
}

/* Its memory is not ours any more. */
static void mux_piece_forget(struct mux_stream *stream)
{
    stream->piece = stream->trailers = (weft_str){NULL, 0};
    stream->is_last = false;
}

void wf_mux_reset(struct weft_exchange *exchange, uint32_t code)
{
    struct wf_mux *mux = exchange->conn->mux;
    mux_piece_forget(&exchange->stream);
    if (exchange->stream.id != 0 &&
        nghttp2_submit_rst_stream(mux->session, NGHTTP2_FLAG_NONE, exchange->stream.id, code) < 0)
        mux->is_failing = true;
}

/* What the session has to send goes, as the exchange's doing. */
static void push(const struct weft_exchange *exchange)
{
    struct wf_mux *mux = exchange->conn->mux;
    wf_mux_enter(mux);
    wf_mux_push(mux);
    wf_mux_leave(mux);
}

/* ---- failures in words ---- */

static int say_reset(const struct weft_exchange *exchange)
{
    const weft_str *place = &exchange->url.place;
    if (exchange->is_unprocessed)
        return weft_fail(-ECONNRESET, "%.*s did not take the request over HTTP/2%s",
                         (int)place->len, place->ptr, exchange->conn->mux->goaway);
    return weft_fail(-ECONNRESET, "%.*s reset the request over HTTP/2 (%s) %s", (int)place->len,
                     place->ptr, nghttp2_http2_strerror(exchange->stream.code),
                     wf_phase_moment(exchange));
}

static int stream_fail(const struct weft_exchange *exchange)
{
    const struct mux_stream *stream = &exchange->stream;
    const weft_str *place = &exchange->url.place;
    const struct wf_http_fault *fault = &exchange->head.fault;
    switch (-stream->rc) {
    case ECONNRESET:
        if (stream->is_reset || exchange->is_unprocessed)
            return say_reset(exchange);
        return weft_fail(stream->rc, "%.*s reset the connection %s%s", (int)place->len, place->ptr,
                         wf_phase_moment(exchange), exchange->conn->mux->goaway);
    case ETIMEDOUT:
        return weft_fail(stream->rc, "%.*s is silent and answers no PING (h2_silence_max)",
                         (int)place->len, place->ptr);
    case WEFT_ETRUNCATED:
        return weft_fail(stream->rc, "%.*s ended %s%s", (int)place->len, place->ptr,
                         stream->has_head ? "in the middle of its answer" : "without an answer",
                         exchange->conn->mux->goaway);
    case WEFT_ELIMIT:
        if (fault->message == NULL)
            return weft_fail(stream->rc,
                             "%.*s floods over HTTP/2, or its answer's head is too large",
                             (int)place->len, place->ptr);
        return wf_answer_fault(exchange, stream->rc, fault);
    case WEFT_ESYNTAX:
        if (fault->message == NULL)
            return weft_fail(stream->rc, "%.*s answered what is no HTTP/2", (int)place->len,
                             place->ptr);
        return wf_answer_fault(exchange, stream->rc, fault);
    case ENOMEM:
        return stream->rc;
    default:
        return weft_fail(stream->rc, "%.*s: %s", (int)place->len, place->ptr,
                         exchange->conn->mux->why[0] != 0 ? exchange->conn->mux->why
                                                          : "the connection broke");
    }
}

/* ---- the head of the request ---- */

static int request_submit(struct weft_exchange *exchange, const nghttp2_nv *nva, size_t count)
{
    struct wf_mux *mux = exchange->conn->mux;
    nghttp2_data_provider provider = {.read_callback = piece_read};
    int32_t id = nghttp2_submit_request(mux->session, NULL, nva, count,
                                        exchange->has_body ? &provider : NULL, exchange);
    if (id == NGHTTP2_ERR_NOMEM)
        return -ENOMEM;
    if (id < 0) { /* no stream is left in this connection */
        exchange->is_unprocessed = true;
        return say_reset(exchange);
    }
    exchange->version = 20;
    exchange->stream.id = id;
    exchange->stream.is_begun = true;
    return 0;
}

static int mux_head_send(struct weft_exchange *exchange)
{
    const struct wf_url *url = &exchange->url;
    wf_buf lines = {0};
    int rc = wf_request_fields(exchange, &lines);
    if (rc == 0 && exchange->request->takes_trailers)
        rc = wf_buf_puts(&lines, "te: trailers\r\n");
    size_t bytes = wf_buf_bytes(&lines), count = OWN_FIELDS_COUNT;
    nghttp2_nv *nva = NULL;
    if (rc == 0) {
        nva = wf_array(count + wf_h2_line_count((weft_str){wf_buf_ptr(&lines), bytes}),
                       sizeof nva[0]);
        rc = nva != NULL ? 0 : -ENOMEM;
    }
    if (rc == 0) {
        nva[0] = wf_h2_field(TEXT(":method"), weft_str_of(exchange->method), NGHTTP2_NV_FLAG_NONE);
        nva[1] = wf_h2_field(TEXT(":scheme"), url->is_https ? TEXT("https") : TEXT("http"),
                             NGHTTP2_NV_FLAG_NONE);
        nva[2] = wf_h2_field(TEXT(":authority"), url->authority, NGHTTP2_NV_FLAG_NONE);
        nva[3] = wf_h2_field(TEXT(":path"), url->target, NGHTTP2_NV_FLAG_NONE);
        count += wf_h2_put_lines(nva + count, (weft_str){wf_buf_ptr(&lines), bytes},
                                 NGHTTP2_NV_FLAG_NONE);
        rc = request_submit(exchange, nva, count);
    }
    wf_free(nva);
    wf_buf_fini(&lines);
    if (rc == 0)
        push(exchange);
    return rc;
}

/* ---- the body of the request ---- */

static bool mux_takes_at_once(const struct weft_exchange *exchange, size_t bytes)
{
    nghttp2_session *session = exchange->conn->mux->session;
    int32_t whole = nghttp2_session_get_remote_window_size(session);
    uint32_t each =
        nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE);
    return whole > 0 && bytes <= (size_t)whole && bytes <= each;
}

static int mux_wait(struct weft_exchange *exchange)
{
    weft_event_clear(&exchange->stream.moved);
    return weft_event_wait(&exchange->stream.moved);
}

/* An answer that is whole needs no more of the body: RFC 9113 8.1. */
static int piece_lost(struct weft_exchange *exchange)
{
    if (exchange->stream.rc < 0)
        return stream_fail(exchange);
    exchange->is_body_unwanted = true;
    return -EPIPE;
}

/* Sends the piece that the stream has, and waits until it is taken. */
static int piece_push(struct weft_exchange *exchange)
{
    struct mux_stream *stream = &exchange->stream;
    struct wf_mux *mux = exchange->conn->mux;
    stream->is_taken = false;
    if (stream->id != 0 &&
        nghttp2_session_resume_data(mux->session, stream->id) == NGHTTP2_ERR_NOMEM)
        mux->is_failing = true;
    push(exchange);
    int rc = 0;
    while (rc == 0 && stream->id != 0 && !stream->is_taken && !stream->is_ended)
        rc = mux_wait(exchange);
    if (rc == 0 && !stream->is_taken)
        rc = piece_lost(exchange);
    if (rc < 0)
        mux_piece_forget(stream);
    return rc;
}

static int mux_piece_send(struct weft_exchange *exchange, const char *bytes, size_t count,
                          bool is_last)
{
    struct mux_stream *stream = &exchange->stream;
    wf_buf trailers = {0};
    if (count == 0 && !is_last)
        return 0;
    int rc = is_last ? wf_request_trailers(exchange, &trailers) : 0;
    if (rc == 0) {
        stream->piece = (weft_str){bytes, count};
        stream->trailers = (weft_str){wf_buf_ptr(&trailers), wf_buf_bytes(&trailers)};
        stream->is_last = is_last;
        rc = piece_push(exchange);
    }
    stream->trailers = (weft_str){NULL, 0};
    wf_buf_fini(&trailers);
    return rc;
}

static int mux_sending_wait(struct weft_exchange *exchange, const bool *is_over)
{
    int rc = 0;
    while (rc == 0 && !*is_over && !exchange->stream.is_ended)
        rc = mux_wait(exchange);
    exchange->is_body_unwanted |= !*is_over && exchange->stream.is_ended;
    return rc;
}

/* ---- the answer ---- */

static int mux_head_receive(struct weft_exchange *exchange)
{
    const struct mux_stream *stream = &exchange->stream;
    struct phase phase;
    int rc = 0;
    wf_phase_begin(exchange, &phase, WEFT_CLIENT_HEAD,
                   exchange->is_sent ? exchange->client->options.limits.first_byte_max
                                     : WEFT_FOREVER);
    exchange->awaiting = exchange->is_sent ? NULL : &phase;
    while (rc == 0 && !stream->has_head && stream->rc == 0)
        rc = mux_wait(exchange);
    exchange->awaiting = NULL;
    rc = wf_phase_end(exchange, &phase, rc);
    if (rc < 0)
        return rc;
    return stream->has_head ? 0 : stream_fail(exchange);
}

static bool mux_is_read(const struct weft_exchange *exchange)
{
    return exchange->stream.is_ended && wf_buf_bytes(&exchange->stream.unread) == 0;
}

/* Bytes that were read make room for others. */
static ssize_t take_unread(struct weft_exchange *exchange, char *buf, size_t bytes)
{
    struct mux_stream *stream = &exchange->stream;
    struct wf_mux *mux = exchange->conn->mux;
    size_t count = wf_buf_bytes(&stream->unread);
    count = count < bytes ? count : bytes;
    memcpy(buf, wf_buf_ptr(&stream->unread), count);
    wf_buf_consume(&stream->unread, count);
    if (stream->id != 0 && !stream->is_ended) {
        if (nghttp2_session_consume_stream(mux->session, stream->id, count) < 0)
            mux->is_failing = true;
        push(exchange);
    }
    return (ssize_t)count;
}

static ssize_t mux_body_read(struct weft_exchange *exchange, char *buf, size_t bytes)
{
    const struct mux_stream *stream = &exchange->stream;
    struct phase phase;
    int rc = 0;
    if (wf_buf_bytes(&stream->unread) == 0 && !stream->is_ended && stream->rc == 0) {
        wf_phase_begin(exchange, &phase, WEFT_CLIENT_BODY,
                       exchange->client->options.limits.between_max);
        while (rc == 0 && wf_buf_bytes(&stream->unread) == 0 && !stream->is_ended &&
               stream->rc == 0)
            rc = mux_wait(exchange);
        rc = wf_phase_end(exchange, &phase, rc);
    }
    if (rc < 0)
        return rc;
    if (wf_buf_bytes(&stream->unread) != 0)
        return take_unread(exchange, buf, bytes);
    return stream->is_ended ? 0 : stream_fail(exchange);
}

static void mux_skip(struct weft_exchange *exchange)
{
    wf_buf_reset(&exchange->stream.unread);
}

/* ---- the end ---- */

static void mux_give_back(struct weft_exchange *exchange, bool is_whole)
{
    struct mux_stream *stream = &exchange->stream;
    struct conn *conn = exchange->conn;
    struct wf_mux *mux = conn->mux;
    (void)is_whole; /* what is left open is not */
    wf_mux_enter(mux);
    if (stream->id != 0) {
        /* RFC 9113 8.1: what is left is the request's body, which the answer did not need. */
        wf_mux_reset(exchange, stream->is_ended ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL);
        (void)nghttp2_session_set_stream_user_data(mux->session, stream->id, NULL);
        wf_mux_push(mux);
    } else if (!stream->is_begun) {
        mux->place_count--;
    }
    wf_list_remove(&stream->in_mux);
    wf_buf_fini(&stream->unread);
    bool is_resting = wf_list_is_empty(&mux->exchanges) && !mux->is_dead;
    wf_mux_leave(mux);
    if (is_resting)
        wf_conn_rest(exchange->client, conn);
}

const struct carrier wf_mux_carrier = {
    .head_send = mux_head_send,
    .takes_at_once = mux_takes_at_once,
    .piece_send = mux_piece_send,
    .sending_wait = mux_sending_wait,
    .head_receive = mux_head_receive,
    .body_read = mux_body_read,
    .is_read = mux_is_read,
    .skip = mux_skip,
    .give_back = mux_give_back,
};
