/* SPDX-License-Identifier: MIT */

/* The answer's head and body off the wire. */

#include <weft/error.h>

#include "base/alloc.h"
#include "client/client_priv.h"
#include "client/cookies/cookies_priv.h"
#include "h1/chars.h"
#include "h1/list.h"

#include <assert.h>
#include <string.h>

/* ---- the head ---- */

int wf_answer_fault(const struct weft_exchange *exchange, int rc, const struct wf_http_fault *fault)
{
    const weft_str *place = &exchange->url.place;
    if (fault->limit_name != NULL)
        return weft_fail(rc, "%.*s: %s (%s %llu)", (int)place->len, place->ptr, fault->message,
                         fault->limit_name, (unsigned long long)fault->limit);
    return weft_fail(rc, "%.*s answered what is no HTTP: %s", (int)place->len, place->ptr,
                     fault->message);
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

/* Two that differ mean one thing to one reader and another to the next (RFC 9110 5.3, 8.3). */
static int field_check_single(const struct weft_exchange *exchange, weft_str name)
{
    const weft_str *place = &exchange->url.place;
    weft_str first = wf_h1_head_field(&exchange->head, exchange->head_text, name.ptr);
    weft_client_field field;
    for (size_t i = 0; first.ptr != NULL && weft_exchange_field_at(exchange, i, &field); i++) {
        bool is_it = wf_http_same(field.name, name);
        if (is_it &&
            (field.value.len != first.len || memcmp(field.value.ptr, first.ptr, first.len) != 0))
            return weft_fail(-WEFT_ESYNTAX, "%.*s answered with two different fields %.*s",
                             (int)place->len, place->ptr, (int)name.len, name.ptr);
    }
    return 0;
}

int wf_answer_receive(struct weft_exchange *exchange)
{
    exchange->trace.read_bytes = 0;
    WEFT_TRY(exchange->conn->carrier->head_receive(exchange));
    exchange->trace.status = exchange->head.status;
    if (exchange->conn->is_for_proxy && exchange->head.status == 407)
        return wf_proxy_refused(exchange, 407);
    WEFT_TRY(field_check_single(exchange, (weft_str)WEFT_STR("content-type")));
    WEFT_TRY(field_check_single(exchange, (weft_str)WEFT_STR("location")));
    return cookies_keep(exchange);
}

/* ---- the body ---- */

bool wf_answer_is_read(const struct weft_exchange *exchange)
{
    return exchange->conn == NULL || exchange->conn->carrier->is_read(exchange);
}

/* Hands the connection back, and the right to one. */
static void conn_give_back(struct weft_exchange *exchange, bool is_whole)
{
    exchange->conn->carrier->give_back(exchange, is_whole);
    exchange->conn = NULL;
    weft_sem_give(&exchange->origin->slots);
    weft_sem_give(&exchange->client->slots);
}

void wf_answer_fail(struct weft_exchange *exchange)
{
    if (exchange->conn != NULL)
        conn_give_back(exchange, /* is_whole= */ false);
}

void wf_answer_finish(struct weft_exchange *exchange)
{
    if (exchange->conn != NULL)
        conn_give_back(exchange,
                       wf_answer_is_read(exchange) && exchange->rc == 0 && exchange->is_sent);
}

static ssize_t read_end(struct weft_exchange *exchange)
{
    exchange->trace.phase = WEFT_CLIENT_DONE;
    exchange->trace.total = weft_loop_turn_time(exchange->client->loop) - exchange->since;
    if (!wf_duplex_is_open(exchange))
        wf_answer_finish(exchange);
    return 0;
}

void wf_answer_drop(struct weft_exchange *exchange)
{
    if (exchange->conn == NULL)
        return;
    exchange->conn->carrier->skip(exchange);
    wf_answer_finish(exchange);
}

ssize_t wf_answer_read(struct weft_exchange *exchange, char *buf, size_t bytes)
{
    if (exchange->rc < 0)
        return exchange->rc;
    if (exchange->conn == NULL)
        return 0;
    ssize_t got = exchange->conn->carrier->body_read(exchange, buf, bytes);
    if (got < 0 && got != -ECANCELED)
        exchange->rc = (int)got;
    if (got > 0)
        exchange->trace.read_bytes += (uint64_t)got;
    if (got == 0 || (got > 0 && wf_answer_is_read(exchange)))
        (void)read_end(exchange); /* the connection is free as soon as its answer is read */
    return got;
}
