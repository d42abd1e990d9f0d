/* SPDX-License-Identifier: MIT */

/* What comes over HTTP/2: nghttp2's callbacks make answers of it. */

#include "client/conn/mux.h"

#include "base/alloc.h"
#include "h1/trailer.h"
#include "h1/write.h"
#include "h2/session.h"

#include <stdio.h>
#include <string.h>

/* NULL: nobody wants the stream any more. */
static struct weft_exchange *exchange_of(nghttp2_session *session, int32_t stream_id)
{
    return nghttp2_session_get_stream_user_data(session, stream_id);
}

/* The stream's end comes from us, for this. */
static void give_up(struct weft_exchange *exchange, int rc, uint32_t code)
{
    if (exchange->stream.rc == 0)
        exchange->stream.rc = rc;
    wf_mux_reset(exchange, code);
    weft_event_set(&exchange->stream.moved);
}

/* ---- the head ---- */

static int head_begun(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct wf_mux *mux = arg;
    (void)session;
    (void)frame;
    wf_h2_block_begin_answer(&mux->block, mux->client->head_limits.head_bytes_max);
    return 0;
}

static int trailer_came(struct wf_mux *mux, struct weft_exchange *exchange, weft_str name,
                        weft_str value)
{
    const struct wf_h1_body_limits *limits = &mux->client->body_limits;
    size_t bytes = wf_buf_bytes(&exchange->trailers) + name.len + value.len + 4;
    if (exchange->stream.trailer_count == limits->trailer_count_max ||
        bytes > limits->trailer_bytes_max) {
        give_up(exchange, -WEFT_ELIMIT, NGHTTP2_ENHANCE_YOUR_CALM);
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    exchange->stream.trailer_count++;
    if (!wf_h1_trailer_is_allowed(name))
        return 0;
    return wf_h1_write_field(&exchange->trailers, name, value) == -ENOMEM ? NGHTTP2_ERR_NOMEM : 0;
}

static int field_came(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                      size_t name_bytes, const uint8_t *value, size_t value_bytes, uint8_t flags,
                      void *arg)
{
    struct wf_mux *mux = arg;
    struct weft_exchange *exchange = exchange_of(session, frame->hd.stream_id);
    (void)flags;
    if (!wf_h2_block_count(&mux->block, name_bytes + value_bytes)) {
        if (exchange != NULL)
            give_up(exchange, -WEFT_ELIMIT, NGHTTP2_ENHANCE_YOUR_CALM);
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    weft_str name_text = {(const char *)name, name_bytes};
    weft_str value_text = {(const char *)value, value_bytes};
    if (exchange == NULL)
        return 0;
    if (exchange->stream.has_head)
        return trailer_came(mux, exchange, name_text, value_text);
    return wf_h2_block_add(&mux->block, name_text, value_text) == 0 ? 0 : NGHTTP2_ERR_NOMEM;
}

/* The head is judged as one of HTTP/1 is: it is the text of one. */
static int head_take(struct wf_mux *mux, struct weft_exchange *exchange)
{
    weft_str text;
    int rc = wf_h2_block_end(&mux->block, &text);
    if (rc < 0)
        return rc;
    wf_h1_head_init_answer(&exchange->head, &mux->client->head_limits, exchange->fields);
    rc = wf_h1_head_feed(&exchange->head, text.ptr, text.len);
    if (rc <= 0)
        return rc < 0 ? rc : -WEFT_ELIMIT;
    if (exchange->head.status == 100)
        weft_event_set(&exchange->go_on);
    if (exchange->head.status < 200)
        return ++exchange->stream.interim_count > mux->client->options.limits.interim_count_max
                   ? -WEFT_ELIMIT
                   : 0;
    wf_free(exchange->head_text);
    exchange->head_text = wf_strdup(text.ptr, text.len);
    if (exchange->head_text == NULL)
        return -ENOMEM;
    exchange->stream.has_head = true;
    return 0;
}

static void head_came(struct wf_mux *mux, struct weft_exchange *exchange)
{
    if (exchange->trace.first_byte == 0)
        exchange->trace.first_byte = wf_mux_now(mux) - exchange->since;
    int rc = head_take(mux, exchange);
    if (rc == -WEFT_ESYNTAX)
        exchange->stream.is_wrong = true;
    if (rc < 0)
        give_up(exchange, rc, NGHTTP2_PROTOCOL_ERROR);
}

/* ---- the body ---- */

/* The connection's window opens at once, so that an answer which nobody reads holds up no other: it
 * is its own stream's window that bounds it. */
static int data_came(nghttp2_session *session, uint8_t flags, int32_t stream_id,
                     const uint8_t *bytes, size_t count, void *arg)
{
    struct weft_exchange *exchange = exchange_of(session, stream_id);
    (void)flags;
    (void)arg;
    if (nghttp2_session_consume_connection(session, count) < 0)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    if (exchange == NULL)
        return 0;
    int rc = wf_buf_append(&exchange->stream.unread, bytes, count);
    if (rc < 0)
        give_up(exchange, rc, NGHTTP2_INTERNAL_ERROR);
    weft_event_set(&exchange->stream.moved);
    return 0;
}

/* ---- frames ---- */

static int frame_begun(nghttp2_session *session, const nghttp2_frame_hd *hd, void *arg)
{
    struct weft_exchange *exchange =
        hd->type == NGHTTP2_DATA ? exchange_of(session, hd->stream_id) : NULL;
    (void)arg;
    if (exchange != NULL)
        exchange->stream.data_bytes += hd->length;
    return 0;
}

static void answer_ended(struct weft_exchange *exchange)
{
    exchange->stream.is_ended = true;
    weft_event_set(&exchange->stream.moved);
}

static void stream_frame_came(struct wf_mux *mux, const nghttp2_frame *frame)
{
    struct weft_exchange *exchange = exchange_of(mux->session, frame->hd.stream_id);
    if (exchange == NULL)
        return;
    if (frame->hd.type == NGHTTP2_HEADERS && !exchange->stream.has_head)
        head_came(mux, exchange);
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
        answer_ended(exchange);
    weft_event_set(&exchange->stream.moved);
}

static int frame_came(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct wf_mux *mux = arg;
    struct weft_exchange *exchange;
    bool is_ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
    case NGHTTP2_DATA:
        stream_frame_came(mux, frame);
        break;
    case NGHTTP2_RST_STREAM:
        exchange = exchange_of(session, frame->hd.stream_id);
        if (exchange != NULL) {
            exchange->stream.is_reset = true;
            exchange->stream.code = frame->rst_stream.error_code;
        }
        break;
    case NGHTTP2_SETTINGS:
        if (!is_ack)
            wf_mux_settle(mux);
        break;
    case NGHTTP2_PING:
        if (is_ack) {
            mux->asked_at = WEFT_FOREVER;
            wf_pace_rest(&mux->pace, wf_mux_now(mux));
        }
        break;
    case NGHTTP2_GOAWAY:
        snprintf(mux->goaway, sizeof mux->goaway, ", after GOAWAY (%s)",
                 nghttp2_http2_strerror(frame->goaway.error_code));
        wf_mux_close_door(mux);
        break;
    default:
        break;
    }
    return 0;
}

/* What breaks a rule of HTTP: nghttp2 resets the stream. */
static int frame_was_wrong(nghttp2_session *session, const nghttp2_frame *frame, int code,
                           void *arg)
{
    struct weft_exchange *exchange = exchange_of(session, frame->hd.stream_id);
    (void)code;
    (void)arg;
    if (exchange != NULL)
        exchange->stream.is_wrong = true;
    return 0;
}

/* ---- the end of a stream ---- */

/* What a stream's end before its time means: RFC 9113 8.1.1 for what is wrong with the body. */
static int rc_of_end(const struct weft_exchange *exchange)
{
    const struct mux_stream *stream = &exchange->stream;
    if (stream->is_reset || exchange->is_unprocessed)
        return -ECONNRESET;
    bool is_short = stream->has_head && exchange->head.has_length && !stream->is_wrong &&
                    stream->data_bytes < exchange->head.content_length;
    return is_short ? -WEFT_ETRUNCATED : -WEFT_ESYNTAX;
}

void wf_mux_stream_closed(struct weft_exchange *exchange, int rc)
{
    struct mux_stream *stream = &exchange->stream;
    stream->id = 0;
    stream->piece = stream->trailers = (weft_str){NULL, 0};
    if (stream->rc == 0 && !stream->is_ended)
        stream->rc = rc != 0 ? rc : rc_of_end(exchange);
    weft_event_set(&stream->moved);
}

static int stream_closed(nghttp2_session *session, int32_t stream_id, uint32_t code, void *arg)
{
    struct wf_mux *mux = arg;
    struct weft_exchange *exchange = exchange_of(session, stream_id);
    mux->place_count--;
    if (exchange == NULL)
        return 0;
    if (code == NGHTTP2_REFUSED_STREAM) /* also by a GOAWAY: RFC 9113 8.7 */
        exchange->is_unprocessed = true;
    if (code == NGHTTP2_HTTP_1_1_REQUIRED && exchange->stream.is_reset) /* RFC 9113 7 */
        exchange->is_unprocessed = exchange->origin->needs_h1 = true;
    wf_mux_stream_closed(exchange, 0);
    return 0;
}

void wf_mux_set_receive_callbacks(nghttp2_session_callbacks *callbacks)
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
