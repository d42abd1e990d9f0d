/* SPDX-License-Identifier: MIT */

/* HTTP/1.1 as the carrier of requests and answers: one at a time over a connection. */

#include <weft/error.h>

#include "base/alloc.h"
#include "client/client_priv.h"
#include "h1/chars.h"
#include "h1/list.h"
#include "h1/write.h"

#include <string.h>

/* ---- the request ---- */

static int head_write(const struct weft_exchange *exchange, wf_buf *head)
{
    const weft_client_request *request = exchange->request;
    const struct wf_url *url = &exchange->url;
    weft_str target = exchange->conn->is_for_proxy ? (weft_str){url->text, url->len} : url->target;
    (void)wf_buf_printf(head, "%s %.*s HTTP/1.1\r\nHost: %.*s\r\n", exchange->method,
                        (int)target.len, target.ptr, (int)url->authority.len, url->authority.ptr);
    (void)wf_request_fields(exchange, head);
    if (request->upgrade != NULL)
        (void)wf_buf_printf(head, "Connection: Upgrade\r\nUpgrade: %s\r\n", request->upgrade);
    else if (request->takes_trailers)
        (void)wf_buf_puts(head, "Connection: TE\r\nTE: trailers\r\n");
    return wf_buf_puts(head, "\r\n");
}

static int h1_head_send(struct weft_exchange *exchange)
{
    wf_buf head = {0};
    int rc = head_write(exchange, &head);
    if (rc == 0)
        rc = weft_stream_write(exchange->conn->stream, wf_buf_ptr(&head), wf_buf_bytes(&head));
    wf_buf_fini(&head);
    return rc;
}

/* What fits the stream's buffer. */
static bool h1_takes_at_once(const struct weft_exchange *exchange, size_t bytes)
{
    (void)exchange;
    return bytes <= (size_t)64 * 1024;
}

static int chunk_send(weft_stream *stream, const char *bytes, size_t count)
{
    char line[WF_H1_CHUNK_LINE_BYTES];
    if (count == 0) /* which would say the end */
        return 0;
    WEFT_TRY(weft_stream_write(stream, line, wf_h1_write_chunk_line(line, count)));
    WEFT_TRY(weft_stream_write(stream, bytes, count));
    return weft_stream_write(stream, "\r\n", 2);
}

/* And the trailers. */
static int last_chunk_send(const struct weft_exchange *exchange)
{
    wf_buf end = {0};
    (void)wf_buf_puts(&end, "0\r\n");
    int rc = wf_request_trailers(exchange, &end);
    if (rc == 0)
        rc = wf_buf_puts(&end, "\r\n");
    if (rc == 0)
        rc = weft_stream_write(exchange->conn->stream, wf_buf_ptr(&end), wf_buf_bytes(&end));
    wf_buf_fini(&end);
    return rc;
}

static int h1_piece_send(struct weft_exchange *exchange, const char *bytes, size_t count,
                         bool is_last)
{
    weft_stream *stream = exchange->conn->stream;
    if (wf_request_is_open(exchange)) {
        WEFT_TRY(chunk_send(stream, bytes, count));
        return is_last ? last_chunk_send(exchange) : 0;
    }
    return count > 0 ? weft_stream_write(stream, bytes, count) : 0;
}

/* There is no telling a server of HTTP/1 that the rest does not come: it is sent to the end. */
static int h1_sending_wait(struct weft_exchange *exchange, const bool *is_over)
{
    (void)exchange;
    (void)is_over;
    return 0;
}

/* ---- the answer's head ---- */

/* Waits until more than `have` bytes of the answer are there: their count, or an error. */
static ssize_t wait_for_more(struct weft_exchange *exchange, size_t have, weft_str *out)
{
    const weft_client_limits *limits = &exchange->client->options.limits;
    weft_time limit = have == 0 ? limits->first_byte_max : limits->between_max;
    struct phase phase;
    wf_phase_begin(exchange, &phase, WEFT_CLIENT_HEAD, exchange->is_sent ? limit : WEFT_FOREVER);
    if (have != 0)
        phase.limit_name = "between_max";
    exchange->awaiting = exchange->is_sent ? NULL : &phase;
    ssize_t got = weft_stream_peek(exchange->conn->stream, have + 1, out);
    exchange->awaiting = NULL;
    int rc = wf_phase_end(exchange, &phase, got < 0 ? (int)got : 0);
    if (rc < 0)
        return rc;
    if ((size_t)got > have)
        return got;
    const weft_str *place = &exchange->url.place;
    return weft_fail(-WEFT_ETRUNCATED, "%.*s closed the connection %s", (int)place->len, place->ptr,
                     have == 0 ? "without an answer" : "in the middle of its answer");
}

/* One head, interim or not, as it is in the stream. */
static int head_receive(struct weft_exchange *exchange, weft_str *out)
{
    size_t have = 0;
    int rc = 0;
    wf_h1_head_init_answer(&exchange->head, &exchange->client->head_limits, exchange->fields);
    while (rc == 0) {
        ssize_t got = wait_for_more(exchange, have, out);
        if (got < 0)
            return (int)got;
        exchange->is_heard = true;
        if (have == 0 && exchange->trace.first_byte == 0)
            exchange->trace.first_byte =
                weft_loop_turn_time(exchange->client->loop) - exchange->since;
        have = (size_t)got;
        rc = wf_h1_head_feed(&exchange->head, out->ptr, have);
        if (rc == 0 && have >= exchange->client->head_limits.head_bytes_max)
            return weft_fail(-WEFT_ELIMIT,
                             "%.*s: the head of the answer is larger than %u bytes "
                             "(head_bytes_max)",
                             (int)exchange->url.place.len, exchange->url.place.ptr,
                             exchange->client->head_limits.head_bytes_max);
    }
    return rc < 0 ? wf_answer_fault(exchange, rc, &exchange->head.fault) : 0;
}

static int head_keep(struct weft_exchange *exchange, weft_str text)
{
    wf_free(exchange->head_text);
    exchange->head_text = wf_strdup(text.ptr, exchange->head.bytes);
    if (exchange->head_text == NULL)
        return -ENOMEM;
    weft_stream_consume(exchange->conn->stream, exchange->head.bytes);
    return 0;
}

/* How the end of the body is told (RFC 9112 6.3). */
static void framing_choose(struct weft_exchange *exchange)
{
    const struct wf_h1_head *head = &exchange->head;
    bool has_none = strcmp(exchange->method, "HEAD") == 0 || head->status == 204 ||
                    head->status == 304 || head->status == 101;
    exchange->is_to_end =
        (!has_none && !head->is_chunked && !head->has_length) || exchange->is_upgraded;
    if (has_none)
        wf_h1_body_init_empty(&exchange->framing);
    else if (head->is_chunked)
        wf_h1_body_init_chunked(&exchange->framing, &exchange->client->body_limits);
    else
        wf_h1_body_init_length(&exchange->framing,
                               head->has_length ? head->content_length : UINT64_MAX);
    exchange->framing.trailers = &exchange->trailers;
}

/* Every server may change to what it was asked for, and to nothing else. */
static bool answer_is_upgrade(const struct weft_exchange *exchange)
{
    const char *upgrade = exchange->request->upgrade;
    weft_str name = wf_h1_head_field(&exchange->head, exchange->head_text, "upgrade");
    weft_str options = wf_h1_head_field(&exchange->head, exchange->head_text, "connection");
    return exchange->head.status == 101 && upgrade != NULL &&
           wf_http_same(name, weft_str_of(upgrade)) &&
           wf_http_list_has(options, (weft_str)WEFT_STR("upgrade"));
}

static int h1_head_receive(struct weft_exchange *exchange)
{
    uint32_t interim_max = exchange->client->options.limits.interim_count_max;
    const weft_str *place = &exchange->url.place;
    weft_str text;
    for (uint32_t interim = 0;; interim++) {
        WEFT_TRY(head_receive(exchange, &text));
        if (exchange->head.status >= 200)
            break;
        if (exchange->head.status == 100)
            weft_event_set(&exchange->go_on);
        if (exchange->head.status == 101 && exchange->request->upgrade != NULL)
            break;
        if (exchange->head.status == 101)
            return weft_fail(-WEFT_ESYNTAX, "%.*s changes the protocol, which was not asked",
                             (int)place->len, place->ptr);
        if (interim == interim_max)
            return weft_fail(-WEFT_ELIMIT, "%.*s: more than %u interim answers (interim_count_max)",
                             (int)place->len, place->ptr, interim_max);
        weft_stream_consume(exchange->conn->stream, exchange->head.bytes);
    }
    WEFT_TRY(head_keep(exchange, text));
    exchange->version = 10 + exchange->head.minor;
    exchange->is_upgraded = answer_is_upgrade(exchange);
    if (exchange->head.status == 101 && !exchange->is_upgraded)
        return weft_fail(-WEFT_ESYNTAX, "%.*s changes to another protocol than was asked",
                         (int)place->len, place->ptr);
    framing_choose(exchange);
    return 0;
}

/* ---- the answer's body ---- */

static bool h1_is_read(const struct weft_exchange *exchange)
{
    return wf_h1_body_is_done(&exchange->framing);
}

/* Takes body bytes out of what has arrived: their count; 0: only framing came, or the end did. */
static ssize_t take(struct weft_exchange *exchange, weft_str input, char *buf, size_t bytes)
{
    size_t limit = input.len < bytes ? input.len : bytes, at = 0, filled = 0;
    int rc = 1;
    while (rc > 0) {
        size_t used;
        weft_str data;
        rc = wf_h1_body_next(&exchange->framing, input.ptr + at, limit - at, &used, &data);
        if (rc > 0) {
            memcpy(buf + filled, data.ptr, data.len);
            filled += data.len;
        }
        at += used;
    }
    weft_stream_consume(exchange->conn->stream, at);
    if (rc == -ENOMEM)
        return rc;
    return rc < 0 && filled == 0 ? wf_answer_fault(exchange, rc, &exchange->framing.fault)
                                 : (ssize_t)filled;
}

/* The peer has ended: that is the end of the body, or cuts it off. */
static ssize_t read_cut(struct weft_exchange *exchange)
{
    const weft_str *place = &exchange->url.place;
    if (exchange->is_to_end)
        return 0;
    return weft_fail(-WEFT_ETRUNCATED,
                     "%.*s closed the connection in the middle of its answer, after %llu bytes",
                     (int)place->len, place->ptr, (unsigned long long)exchange->trace.read_bytes);
}

static ssize_t h1_body_read(struct weft_exchange *exchange, char *buf, size_t bytes)
{
    ssize_t filled = 0;
    while (filled == 0) {
        if (wf_h1_body_is_done(&exchange->framing))
            return 0;
        weft_str input;
        struct phase phase;
        wf_phase_begin(exchange, &phase, WEFT_CLIENT_BODY,
                       exchange->client->options.limits.between_max);
        ssize_t got = weft_stream_peek(exchange->conn->stream, 1, &input);
        int rc = wf_phase_end(exchange, &phase, got < 0 ? (int)got : 0);
        if (rc < 0)
            return rc;
        if (got == 0)
            return read_cut(exchange);
        filled = take(exchange, input, buf, bytes);
    }
    return filled;
}

static void h1_skip(struct weft_exchange *exchange)
{
    char piece[1024];
    ssize_t got = 0;
    while (got >= 0 && !wf_h1_body_is_done(&exchange->framing)) {
        weft_str input = weft_stream_get_input(exchange->conn->stream);
        if (input.len == 0)
            break;
        got = take(exchange, input, piece, sizeof piece);
    }
}

static void h1_give_back(struct weft_exchange *exchange, bool is_whole)
{
    if (is_whole && !exchange->is_to_end && exchange->head.is_keep_alive)
        wf_conn_keep(exchange->client, exchange->conn);
    else
        wf_conn_cut(exchange->client, exchange->conn);
}

const struct carrier wf_h1_carrier = {
    .head_send = h1_head_send,
    .takes_at_once = h1_takes_at_once,
    .piece_send = h1_piece_send,
    .sending_wait = h1_sending_wait,
    .head_receive = h1_head_receive,
    .body_read = h1_body_read,
    .is_read = h1_is_read,
    .skip = h1_skip,
    .give_back = h1_give_back,
};
