/* SPDX-License-Identifier: MIT */

/* Servers whose answer comes in crumbs, or stops, at any of its bytes. */

#include <weft.h>
#include <weft/client.h>

#include "liar.h"

#include "client/client_priv.h"

#include <stdlib.h>

#define HEAD_LENGTH "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
#define HEAD_CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static const struct answer {
    const char *text;
    size_t head_bytes;
} answers[] = {
    {HEAD_LENGTH "hi", sizeof HEAD_LENGTH - 1},
    {HEAD_CHUNKED "1;a=b\r\nh\r\n1\r\ni\r\n0\r\nX-Sum: 7\r\n\r\n", sizeof HEAD_CHUNKED - 1},
};

#define ANSWERS (sizeof answers / sizeof answers[0])

/* ---- a server of crumbs ---- */

struct crumbs {
    weft_listener *listener;
    weft_task task;
    const char *text;
    size_t at_once;  /* so many bytes come together, then one by one */
    weft_time pause; /* before each of those; WEFT_FOREVER: no more comes over this connection, and
                      * all of the answer at once over the next */
    unsigned connections;
    struct liar asked; /* its port, for liar_get() */
};

static int crumbs_send(struct crumbs *self, weft_stream *stream)
{
    size_t len = strlen(self->text), at = self->at_once;
    if (self->pause == WEFT_FOREVER && self->connections > 1)
        at = len;
    WEFT_TRY(weft_stream_write(stream, self->text, at));
    WEFT_TRY(weft_stream_flush(stream));
    for (; at < len; at++) {
        weft_str none;
        if (self->pause == WEFT_FOREVER)
            return (int)weft_stream_peek(stream, 1, &none); /* until the client ends it */
        WEFT_TRY(weft_sleep(self->pause));
        WEFT_TRY(weft_stream_write(stream, self->text + at, 1));
        WEFT_TRY(weft_stream_flush(stream));
    }
    return 1;
}

static int crumbs_serve(void *arg)
{
    struct crumbs *self = arg;
    for (;;) {
        weft_stream *stream;
        weft_str head;
        WEFT_TRY(weft_listener_accept(self->listener, &stream));
        self->connections++;
        ssize_t rc = 1;
        while (rc > 0) {
            rc = weft_stream_peek_until(stream, (weft_str){"\r\n\r\n", 4}, 8192, &head);
            if (rc > 0) {
                weft_stream_consume(stream, (size_t)rc);
                rc = crumbs_send(self, stream);
            }
        }
        weft_stream_abort(stream);
        if (rc == -ECANCELED)
            return (int)rc;
    }
}

static void crumbs_open(struct crumbs *self)
{
    weft_addr addr;
    CHECK_OK(weft_addr_parse(&addr, "127.0.0.1:0"));
    CHECK_OK(weft_listener_open(&self->listener, &addr, NULL));
    self->asked.port = (uint16_t)weft_addr_get_port(weft_listener_get_addr(self->listener));
    self->task = weft_spawn(crumbs_serve, self);
}

static void crumbs_close(struct crumbs *self)
{
    weft_cancel(self->task, "the test is over");
    (void)weft_await_for(self->task, WEFT_SEC);
    weft_listener_close(self->listener);
}

/* `options` may be NULL. */
static weft_client *client_of(const weft_client_options *options)
{
    weft_client *client;
    CHECK_OK(weft_client_new(&client, options));
    return client;
}

/* Nothing is under way, nothing is kept, and every slot is free. */
static void check_idle(const weft_client *client)
{
    CHECK_EQ(client->exchange_count, 0);
    CHECK_EQ(client->conn_count, 0);
    CHECK_EQ(client->slots.priv_units, client->options.limits.total_count_max);
}

/* ---- within the limits ---- */

TASK_TEST(an_answer_in_crumbs_comes_whole)
{
    const weft_client_options options = {
        .limits = {.between_max = 10 * WEFT_SEC, .total_max = 3600 * WEFT_SEC}};
    for (size_t i = 0; i < ANSWERS; i++) {
        struct crumbs server = {.text = answers[i].text, .pause = 5 * WEFT_SEC};
        weft_client_response page;
        weft_client_trace trace;
        note("answer %zu", i);
        crumbs_open(&server);
        weft_client *client = client_of(&options);
        const weft_client_request request = {.url = liar_url(server.asked.port, "/"),
                                             .trace = &trace};
        CHECK_OK(weft_client_fetch(client, &request, &page));
        CHECK_EQ(page.status, 200);
        CHECK_EQ(page.body.len, 2);
        CHECK(memcmp(page.body.ptr, "hi", 2) == 0);
        CHECK(i == 0 || weft_client_response_trailer(&page, "X-Sum").len == 1);
        weft_client_response_free(&page);
        CHECK_EQ(liar_get(client, &server.asked, &trace), 200);
        CHECK(trace.is_reused);
        weft_client_free(client);
        crumbs_close(&server);
    }
}

/* What lies here unread is no pause of the server's. */
TASK_TEST(a_slow_reader_is_no_slow_server)
{
    const weft_client_options options = {.limits.between_max = 10 * WEFT_SEC};
    for (size_t i = 0; i < ANSWERS; i++) {
        struct crumbs server = {.text = answers[i].text, .at_once = strlen(answers[i].text)};
        weft_exchange *exchange;
        char byte;
        note("answer %zu", i);
        crumbs_open(&server);
        weft_client *client = client_of(&options);
        const weft_client_request request = {.url = liar_url(server.asked.port, "/")};
        CHECK_OK(weft_exchange_open(&exchange, client, &request));
        for (int count = 0; count < 2; count++) {
            CHECK_OK(weft_sleep(60 * WEFT_SEC));
            CHECK_EQ(weft_exchange_read(exchange, &byte, 1), 1);
            CHECK_EQ(byte, "hi"[count]);
        }
        CHECK_OK(weft_sleep(60 * WEFT_SEC));
        CHECK_EQ(weft_exchange_read(exchange, &byte, 1), 0);
        weft_exchange_close(exchange);
        weft_client_free(client);
        crumbs_close(&server);
    }
}

/* ---- past them ---- */

static void check_stall(const struct answer *answer, size_t at)
{
    const weft_client_options options = {
        .limits = {.first_byte_max = 20 * WEFT_SEC, .between_max = 10 * WEFT_SEC}};
    struct crumbs server = {.text = answer->text, .at_once = at, .pause = WEFT_FOREVER};
    weft_client_trace trace;
    crumbs_open(&server);
    weft_client *client = client_of(&options);
    CHECK_EQ(liar_get(client, &server.asked, &trace), -ETIMEDOUT);
    CHECK(strstr(weft_error_text(), at == 0 ? "20 s (first_byte_max)" : "10 s (between_max)") !=
          NULL);
    CHECK_EQ(trace.phase, at < answer->head_bytes ? WEFT_CLIENT_HEAD : WEFT_CLIENT_BODY);
    check_idle(client);
    CHECK_EQ(liar_get(client, &server.asked, &trace), 200);
    CHECK(!trace.is_reused);
    weft_client_free(client);
    crumbs_close(&server);
}

TASK_TEST(a_stall_at_any_byte_has_its_limit)
{
    for (size_t i = 0; i < ANSWERS; i++) {
        for (size_t at = 0; at < strlen(answers[i].text); at++) {
            note("answer %zu, byte %zu", i, at);
            check_stall(&answers[i], at);
        }
    }
}

/* Each pause is short enough, all of them are not. */
TASK_TEST(crumbs_do_not_last_past_the_whole)
{
    for (size_t i = 0; i < 2 * ANSWERS; i++) {
        const struct answer *answer = &answers[i / 2];
        struct crumbs server = {.text = answer->text,
                                .at_once = i % 2 != 0 ? answer->head_bytes : 0,
                                .pause = 9 * WEFT_SEC};
        const weft_client_options options = {
            .limits = {.between_max = 10 * WEFT_SEC, .total_max = 12 * WEFT_SEC}};
        weft_scope scope;
        note("row %zu", i);
        crumbs_open(&server);
        weft_client *client = client_of(&options);
        CHECK_EQ(liar_get(client, &server.asked, NULL), -ETIMEDOUT);
        CHECK(strstr(weft_error_text(), "12 s in all (total_max)") != NULL);
        check_idle(client);
        CHECK_OK(weft_scope_open(&scope, weft_after(11 * WEFT_SEC), 0));
        int rc = liar_get(client, &server.asked, NULL);
        CHECK_EQ(rc, -ECANCELED); /* the caller's deadline is no timeout of the client */
        CHECK_EQ(weft_scope_close(&scope, rc), -ETIMEDOUT);
        check_idle(client);
        weft_client_free(client);
        crumbs_close(&server);
    }
}

/* ---- cancelled ---- */

static void check_cancel(const struct answer *answer, size_t at)
{
    struct crumbs server = {.text = answer->text, .at_once = at, .pause = WEFT_FOREVER};
    weft_client_trace trace;
    crumbs_open(&server);
    weft_client *client = client_of(NULL);
    struct liar_asker asker = {.client = client, .liar = &server.asked};
    weft_task task = weft_spawn(liar_ask, &asker);
    CHECK_OK(weft_sleep(2 * WEFT_SEC));
    weft_cancel(task, "enough");
    CHECK_OK(weft_await(task));
    CHECK_EQ(asker.rc, -ECANCELED);
    check_idle(client);
    CHECK_EQ(liar_get(client, &server.asked, &trace), 200);
    CHECK(!trace.is_reused);
    CHECK_EQ(server.connections, 2);
    weft_client_free(client);
    crumbs_close(&server);
}

TASK_TEST(a_cancel_at_any_byte_leaves_nothing)
{
    for (size_t i = 0; i < ANSWERS; i++) {
        for (size_t at = 0; at < strlen(answers[i].text); at++) {
            note("answer %zu, byte %zu", i, at);
            check_cancel(&answers[i], at);
        }
    }
}
