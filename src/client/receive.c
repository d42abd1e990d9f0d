/* SPDX-License-Identifier: MIT */

/* The answer's head and body off the wire. */

#include <weft/error.h>

#include "base/alloc.h"
#include "client/client_priv.h"
#include "client/cookies_priv.h"
#include "h1/chars.h"
#include "h1/list.h"

#include <assert.h>
#include <string.h>

/* ---- the head ---- */

static int answer_fault(const struct weft_exchange *exchange, int rc,
                        const struct wf_http_fault *fault)
{
    const weft_str *origin = &exchange->url.origin;
    if (fault->limit_name != NULL)
        return weft_fail(rc, "%.*s: %s (%s %llu)", (int)origin->len, origin->ptr, fault->message,
                         fault->limit_name, (unsigned long long)fault->limit);
    return weft_fail(rc, "%.*s answered what is no HTTP: %s", (int)origin->len, origin->ptr,
                     fault->message);
}

/* Waits until more than `have` bytes of the answer are there: their count, or an error. */
static ssize_t wait_for_more(struct weft_exchange *exchange, size_t have, weft_str *out)
{
    const weft_client_limits *limits = &exchange->client->options.limits;
    weft_time limit = have == 0 ? limits->first_byte_max : limits->between_max;
    struct phase phase;
    wf_phase_begin(exchange, &phase, WEFT_CLIENT_HEAD, exchange->is_sent ? limit : WEFT_FOREVER);
    exchange->awaiting = exchange->is_sent ? NULL : &phase;
    ssize_t got = weft_stream_peek(exchange->conn->stream, have + 1, out);
    exchange->awaiting = NULL;
    int rc = wf_phase_end(exchange, &phase, got < 0 ? (int)got : 0);
    if (rc < 0)
        return rc;
    if ((size_t)got > have)
        return got;
    const weft_str *origin = &exchange->url.origin;
    return weft_fail(-WEFT_ETRUNCATED, "%.*s closed the connection %s", (int)origin->len,
                     origin->ptr, have == 0 ? "without an answer" : "in the middle of its answer");
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
        if (have == 0 && exchange->trace.first_byte == 0)
            exchange->trace.first_byte =
                weft_loop_turn_time(exchange->client->loop) - exchange->since;
        have = (size_t)got;
        rc = wf_h1_head_feed(&exchange->head, out->ptr, have);
        if (rc == 0 && have >= exchange->client->head_limits.head_bytes_max)
            return weft_fail(-WEFT_ELIMIT,
                             "%.*s: the head of the answer is larger than %u bytes "
                             "(head_bytes_max)",
                             (int)exchange->url.origin.len, exchange->url.origin.ptr,
                             exchange->client->head_limits.head_bytes_max);
    }
    return rc < 0 ? answer_fault(exchange, rc, &exchange->head.fault) : 0;
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

static int cookies_keep(const struct weft_exchange *exchange)
{
    weft_cookies *jar = exchange->client->options.cookies;
    weft_client_field field;
    for (size_t i = 0; jar != NULL && weft_exchange_field_at(exchange, i, &field); i++) {
        if (WF_HTTP_EQUAL(field.name.ptr, field.name.len, "set-cookie"))
            WEFT_TRY(wf_cookies_set(jar, &exchange->url, field.value));
    }
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
    exchange->trace.read_bytes = 0;
    if (has_none)
        wf_h1_body_init_empty(&exchange->framing);
    else if (head->is_chunked)
        wf_h1_body_init_chunked(&exchange->framing, &exchange->client->body_limits);
    else
        wf_h1_body_init_length(&exchange->framing,
                               head->has_length ? head->content_length : UINT64_MAX);
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

int wf_answer_receive(struct weft_exchange *exchange)
{
    uint32_t interim_max = exchange->client->options.limits.interim_count_max;
    weft_str text;
    for (uint32_t interim = 0;; interim++) {
        WEFT_TRY(head_receive(exchange, &text));
        if (exchange->head.status >= 200)
            break;
        if (exchange->head.status == 101 && exchange->request->upgrade != NULL)
            break;
        if (exchange->head.status == 101)
            return weft_fail(-WEFT_ESYNTAX, "the server changes the protocol, which was not asked");
        if (interim == interim_max)
            return weft_fail(-WEFT_ELIMIT, "more than %u interim answers (interim_count_max)",
                             interim_max);
        weft_stream_consume(exchange->conn->stream, exchange->head.bytes);
    }
    WEFT_TRY(head_keep(exchange, text));
    WEFT_TRY(cookies_keep(exchange));
    exchange->is_upgraded = answer_is_upgrade(exchange);
    if (exchange->head.status == 101 && !exchange->is_upgraded)
        return weft_fail(-WEFT_ESYNTAX, "the server changes to another protocol than was asked");
    framing_choose(exchange);
    return 0;
}

/* ---- the body ---- */

void wf_answer_finish(struct weft_exchange *exchange)
{
    weft_client *client = exchange->client;
    struct conn *conn = exchange->conn;
    bool is_whole = !exchange->is_to_end && wf_h1_body_is_done(&exchange->framing);
    if (conn == NULL)
        return;
    exchange->conn = NULL;
    if (is_whole && exchange->rc == 0 && exchange->is_sent && exchange->head.is_keep_alive)
        wf_conn_keep(client, conn);
    else
        wf_conn_cut(client, conn);
    weft_sem_give(&exchange->origin->slots);
    weft_sem_give(&client->slots);
}

static ssize_t read_end(struct weft_exchange *exchange)
{
    exchange->trace.phase = WEFT_CLIENT_DONE;
    exchange->trace.total = weft_loop_turn_time(exchange->client->loop) - exchange->since;
    wf_answer_finish(exchange);
    return 0;
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
    exchange->trace.read_bytes += filled;
    return rc < 0 && filled == 0 ? answer_fault(exchange, rc, &exchange->framing.fault)
                                 : (ssize_t)filled;
}

void wf_answer_drop(struct weft_exchange *exchange)
{
    char piece[1024];
    ssize_t got = 0;
    if (exchange->conn == NULL)
        return;
    while (got >= 0 && !wf_h1_body_is_done(&exchange->framing)) {
        weft_str input = weft_stream_get_input(exchange->conn->stream);
        if (input.len == 0)
            break;
        got = take(exchange, input, piece, sizeof piece);
    }
    wf_answer_finish(exchange);
}

/* The peer has ended: that is the end of the body, or cuts it off. */
static ssize_t read_cut(struct weft_exchange *exchange)
{
    const weft_str *origin = &exchange->url.origin;
    if (exchange->is_to_end)
        return read_end(exchange);
    return weft_fail(-WEFT_ETRUNCATED,
                     "%.*s closed the connection in the middle of its answer, after %llu bytes",
                     (int)origin->len, origin->ptr, (unsigned long long)exchange->trace.read_bytes);
}

static ssize_t read_more(struct weft_exchange *exchange, char *buf, size_t bytes)
{
    ssize_t filled = 0;
    while (filled == 0) {
        if (wf_h1_body_is_done(&exchange->framing))
            return read_end(exchange);
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

ssize_t wf_answer_read(struct weft_exchange *exchange, char *buf, size_t bytes)
{
    if (exchange->rc < 0)
        return exchange->rc;
    if (exchange->conn == NULL)
        return 0;
    ssize_t got = read_more(exchange, buf, bytes);
    if (got < 0 && got != -ECANCELED)
        exchange->rc = (int)got;
    if (got > 0 && wf_h1_body_is_done(&exchange->framing))
        (void)read_end(exchange); /* the connection is free as soon as its answer is read */
    return got;
}
