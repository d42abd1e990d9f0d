/* SPDX-License-Identifier: MIT */

/* Shutdown in its order, and everything going wrong once at each place. */

#include "site.h"

#include <weft/error.h>
#include <weft/event.h>
#include <weft/run.h>
#include <weft/scope.h>

#include <stdio.h>
#include <stdlib.h>
#include <weft/sys/stream.h>

#define H "Host: a\r\n"
#define END "\r\n"
#define OK "GET /ok HTTP/1.1\r\n" H END

TASK_TEST(stopping_lets_requests_in_hand_finish)
{
    struct site site;
    struct answer answer;
    CHECK_OK(site_open(&site, NULL));
    weft_stream *idle = client_open(&site), *busy = client_open(&site), *later = client_open(&site);
    client_send(later, "GET /ok HT");
    CHECK_OK(weft_sleep(WEFT_SEC)); /* it has arrived */
    client_send(busy, "GET /sleep?ms=3000 HTTP/1.1\r\n" H END);
    while (site_seen.started == 0)
        CHECK_OK(weft_sleep(WEFT_MS));

    weft_time from = weft_now();
    weft_http_server_stop(site.server);
    CHECK(weft_http_server_is_stopping(site.server));
    CHECK(client_is_closed(idle));
    CHECK_LT(weft_now() - from, WEFT_SEC);

    client_send(later, "TP/1.1\r\n" H END); /* a new request on an old connection */
    CHECK_OK(client_read(later, &answer));
    CHECK_EQ(answer.status, 503);
    CHECK_STR(answer_field(&answer, "Connection"), "close");
    CHECK(answer_field(&answer, "Retry-After") != NULL);
    answer_fini(&answer);

    CHECK_OK(client_read(busy, &answer));
    CHECK_EQ(answer.status, 200);
    CHECK_STR(answer_field(&answer, "Connection"), "close");
    answer_fini(&answer);
    weft_stream_close(idle);
    weft_stream_close(busy);
    weft_stream_close(later);
    CHECK_EQ(weft_await(site.task), 0);
    CHECK_LT(weft_now() - from, 6 * WEFT_SEC);

    weft_stream *late = NULL;
    CHECK_LT(weft_stream_connect(&late, &site.addr), 0);
    CHECK_OK(site_close(&site));
}

TASK_TEST(stopping_waits_for_no_idle_client)
{
    struct site site;
    struct answer answer;
    CHECK_OK(site_open(&site, NULL));
    weft_stream *idle = client_open(&site);
    client_send(idle, OK);
    CHECK_OK(client_read(idle, &answer));
    answer_fini(&answer);
    CHECK_OK(weft_sleep(WEFT_SEC)); /* nothing is on the way */

    weft_time from = weft_now();
    weft_http_server_stop(site.server);
    CHECK_EQ(weft_await(site.task), 0);
    CHECK_LT(weft_now() - from, WEFT_SEC);
    CHECK(client_is_closed(idle));
    weft_stream_close(idle);
    CHECK_OK(site_close(&site));
}

TASK_TEST(the_drain_delay_serves_on_while_readiness_says_no)
{
    struct site site;
    struct answer answer;
    weft_http_options options = {.drain_delay = 2 * WEFT_SEC};
    CHECK_OK(site_open(&site, &options));
    CHECK_EQ(ask(&site, "GET /health HTTP/1.1\r\n" H END, NULL), 200);
    weft_http_server_stop(site.server);
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_EQ(ask(&site, "GET /health HTTP/1.1\r\n" H END, &answer), 503);
    CHECK_STR(answer.body, "stopping\n");
    answer_fini(&answer);
    CHECK_EQ(ask(&site, OK, NULL), 200);
    CHECK_EQ(weft_await(site.task), 0);
    CHECK_OK(site_close(&site));
}

static void check_grace(weft_time grace, int seconds)
{
    struct site site;
    struct answer answer;
    weft_http_options options = {.grace = grace};
    CHECK_OK(site_open(&site, &options));
    weft_stream *client = client_open(&site);
    client_send(client, "GET /wait HTTP/1.1\r\n" H END);
    while (site_seen.started == 0)
        CHECK_OK(weft_sleep(WEFT_MS));
    weft_time from = weft_now();
    weft_http_server_stop(site.server);
    CHECK_OK(client_read(client, &answer));
    CHECK_EQ(answer.status, 503);
    CHECK_EQ((weft_now() - from + WEFT_SEC / 2) / WEFT_SEC, seconds);
    CHECK_EQ(site_seen.cancelled, 1);
    answer_fini(&answer);
    weft_stream_close(client);
    CHECK_EQ(weft_await(site.task), 0);
    CHECK_OK(site_close(&site));
}

TASK_TEST(the_grace_time_ends_handlers)
{
    check_grace(7 * WEFT_SEC, 7);
    check_grace(0, 30);
}

/* 256 KiB of an answer, after a second: more than 0, or what has ended it. */
static ssize_t read_piece(weft_stream *client, size_t *total)
{
    static char buf[256 * 1024];
    ssize_t count = 1;
    CHECK_OK(weft_sleep(WEFT_SEC));
    for (size_t got = 0; got < sizeof buf && count > 0; got += (size_t)count) {
        count = weft_stream_read(client, buf, sizeof buf - got);
        *total += count > 0 ? (size_t)count : 0;
    }
    return count;
}

TASK_TEST(stopping_sees_out_an_answer_that_is_read_slowly)
{
    const weft_http_options options = {.grace = 60 * WEFT_SEC};
    struct site site;
    size_t total = 0;
    CHECK_OK(site_open(&site, &options));
    weft_stream *client = client_open(&site);
    client_send(client, "GET /large?kib=4096 HTTP/1.1\r\n" H END);
    while (site_seen.started == 0)
        CHECK_OK(weft_sleep(WEFT_MS));
    weft_time from = weft_now();
    weft_http_server_stop(site.server);
    ssize_t last = 1;
    while (last > 0)
        last = read_piece(client, &total);
    CHECK_EQ(last, 0);
    CHECK_GT(total, (size_t)4 << 20); /* and its head */
    weft_stream_close(client);
    CHECK_OK(weft_await(site.task));
    CHECK_LT(weft_now() - from, 30 * WEFT_SEC);
    CHECK_OK(site_close(&site));
}

/* More than kernels hold. */
TASK_TEST(the_grace_time_ends_an_answer_that_is_read_slowly)
{
    const weft_http_options options = {.grace = 7 * WEFT_SEC};
    struct site site;
    size_t total = 0;
    CHECK_OK(site_open(&site, &options));
    weft_stream *client = client_open(&site);
    client_send(client, "GET /large?kib=65536 HTTP/1.1\r\n" H END);
    while (site_seen.started == 0)
        CHECK_OK(weft_sleep(WEFT_MS));
    weft_time from = weft_now();
    weft_http_server_stop(site.server);
    while (site_seen.ended == 0)
        (void)read_piece(client, &total);
    CHECK_GE(weft_now() - from, 7 * WEFT_SEC);
    CHECK_LE(weft_now() - from, 9 * WEFT_SEC);
    CHECK_EQ(site_seen.cancelled, 1);
    while (read_piece(client, &total) > 0) /* what was on its way */
        ;
    CHECK_LT(total, (size_t)64 << 20);
    CHECK_OK(weft_await(site.task));
    weft_stream_abort(client);
    CHECK_OK(site_close(&site));
}

static int go_on(weft_http_request *req, weft_http_response *res, void *begun)
{
    WEFT_SHIELD(deaf, 20 * WEFT_SEC);
    (void)req;
    weft_event_set(begun);
    WEFT_TRY(weft_sleep(15 * WEFT_SEC));
    return weft_http_respond_text(res, 200, "late");
}

static int stop_one_who_goes_on(void *arg)
{
    weft_event begun = {0};
    const weft_http_route route = {.method = "GET", .path = "/on", .handler = go_on, .arg = &begun};
    const weft_http_options options = {.grace = 2 * WEFT_SEC};
    struct site site;
    const char *said = arg;
    CHECK_OK(site_open_with(&site, &options, &route, 1));
    weft_stream *client = client_open(&site);
    client_send(client, "GET /on HTTP/1.1\r\n" H END);
    CHECK_OK(weft_event_wait(&begun));
    weft_http_server_stop(site.server);
    CHECK_OK(weft_sleep(6 * WEFT_SEC));
    CHECK_STR(said, ""); /* it has five seconds to clean up */
    CHECK_OK(weft_sleep(2 * WEFT_SEC));
    CHECK(said[0] != 0);
    CHECK_EQ(weft_await(site.task), 0);
    weft_stream_close(client);
    return site_close(&site);
}

static void keep_line(const char *line, void *said)
{
    snprintf(said, 200, "%s", line);
}

RUN_TEST(a_handler_that_keeps_the_server_from_ending_is_told)
{
    char said[200] = "";
    weft_config config = test_config();
    config.log = keep_line;
    config.log_arg = said;
    CHECK_OK(weft_run_with(&config, stop_one_who_goes_on, said));
    CHECK_STR(said,
              "HTTP server: handlers that go on although they were cancelled: 1; it ends when "
              "they have");
}

TASK_TEST(a_second_stop_does_not_wait_for_the_grace_time)
{
    struct site site;
    CHECK_OK(site_open(&site, NULL));
    weft_stream *client = client_open(&site);
    client_send(client, "GET /wait HTTP/1.1\r\n" H END);
    while (site_seen.started == 0)
        CHECK_OK(weft_sleep(WEFT_MS));
    weft_time from = weft_now();
    weft_http_server_stop(site.server);
    CHECK_OK(weft_sleep(WEFT_SEC));
    weft_http_server_stop(site.server);
    while (site_seen.ended == 0)
        CHECK_OK(weft_sleep(WEFT_MS));
    CHECK_LT(weft_now() - from, 2 * WEFT_SEC);
    weft_stream_close(client);
    CHECK_EQ(weft_await(site.task), 0);
    CHECK_OK(site_close(&site));
}

/* Its answer is in the kernel's buffers, and it does not end its side either. */
TASK_TEST(a_second_stop_waits_for_no_client_that_does_not_read)
{
    struct site site;
    CHECK_OK(site_open(&site, NULL));
    weft_stream *client = client_open(&site);
    client_send(client, "GET /wait HTTP/1.1\r\n" H END);
    while (site_seen.started == 0)
        CHECK_OK(weft_sleep(WEFT_MS));
    weft_time from = weft_now();
    weft_http_server_stop(site.server);
    weft_http_server_stop(site.server);
    CHECK_EQ(weft_await(site.task), 0);
    CHECK_LT(weft_now() - from, WEFT_SEC);
    weft_stream_close(client);
    CHECK_OK(site_close(&site));
}

/* Cancelling the serving task begins the same shutdown; an inner deadline too. */
TASK_TEST(cancelling_serve_shuts_down_politely)
{
    struct site site;
    struct answer answer;
    CHECK_OK(site_open(&site, NULL));
    weft_stream *client = client_open(&site);
    client_send(client, "GET /sleep?ms=500 HTTP/1.1\r\n" H END);
    while (site_seen.started == 0)
        CHECK_OK(weft_sleep(WEFT_MS));
    (void)weft_cancel(site.task, "enough");
    CHECK_OK(client_read(client, &answer));
    CHECK_EQ(answer.status, 200);
    answer_fini(&answer);
    weft_stream_close(client);
    CHECK_EQ(weft_await(site.task), -ECANCELED);
    CHECK_EQ(site_seen.last_rc, 0);
    CHECK_EQ(site_close(&site), -ECANCELED);
}

static int serve_for_a_second(void *arg)
{
    weft_scope scope;
    CHECK_OK(weft_scope_open(&scope, weft_after(WEFT_SEC), 0));
    return weft_scope_close(&scope, weft_http_serve(arg));
}

TASK_TEST(a_deadline_around_serve_ends_it)
{
    weft_http_server *server;
    CHECK_OK(weft_http_server_new(&server, NULL));
    CHECK_EQ(weft_http_serve(server), -EINVAL);
    CHECK_OK(weft_http_server_listen(server, "127.0.0.1:0"));
    weft_task task = weft_spawn(serve_for_a_second, server);
    CHECK_OK(weft_sleep(100 * WEFT_MS));
    CHECK_EQ(weft_http_serve(server), -EBUSY);
    CHECK_EQ(weft_await(task), -ETIMEDOUT);
    weft_http_server_free(server);
}

TASK_TEST(addresses_that_are_none_are_refused)
{
    weft_http_server *server;
    CHECK_OK(weft_http_server_new(&server, NULL));
    CHECK_LT(weft_http_server_listen(server, "nowhere"), 0);
    CHECK_LT(weft_http_server_listen(server, "127.0.0.1:65536"), 0);
    CHECK(weft_http_server_get_addr(server, 0) == NULL);
    weft_http_server_free(server);
}

/* ---- sweeps: whatever fails, the server ends, leaks nothing, and nobody is served a lie ---- */

/* Like ask(), but everything may fail. */
static int try_ask(struct site *site, const char *text, const char *expected)
{
    weft_stream *client = NULL;
    struct answer answer = {0};
    int rc = weft_stream_connect(&client, &site->addr);
    if (rc == 0)
        rc = weft_stream_write(client, text, strlen(text));
    if (rc == 0)
        rc = client_read(client, &answer);
    if (rc == 0 && answer.status == 200)
        CHECK_STR(answer.body, expected);
    answer_fini(&answer);
    weft_stream_close(client);
    return rc;
}

/* Of several clients, whose requests come in one turn. */
static int try_ask_all(struct site *site, const char *text, const char *expected)
{
    enum { CLIENTS = 3 };
    weft_stream *clients[CLIENTS] = {NULL};
    int rc = 0;
    for (int i = 0; i < CLIENTS && rc == 0; i++)
        rc = weft_stream_connect(&clients[i], &site->addr);
    for (int i = 0; i < CLIENTS && rc == 0; i++)
        rc = weft_stream_put(clients[i], text, strlen(text));
    for (int i = 0; i < CLIENTS && rc == 0; i++) {
        struct answer answer = {0};
        rc = client_read(clients[i], &answer);
        if (rc == 0 && answer.status == 200)
            CHECK_STR(answer.body, expected);
        answer_fini(&answer);
    }
    for (int i = 0; i < CLIENTS; i++)
        weft_stream_close(clients[i]);
    return rc;
}

static int try_site_by(int (*ask_it)(struct site *site, const char *text, const char *expected),
                       const char *text, const char *expected)
{
    struct site site;
    int rc = site_open(&site, NULL);
    if (rc < 0)
        return rc;
    weft_scope patience; /* the server may have failed to serve */
    (void)weft_scope_open(&patience, weft_after(100 * WEFT_SEC), 0);
    rc = weft_scope_close(&patience, ask_it(&site, text, expected));
    int closed = site_close(&site);
    return rc < 0 ? rc : closed;
}

static int try_site(const char *text, const char *expected)
{
    return try_site_by(try_ask, text, expected);
}

SCENARIO(a_request_and_its_answer)
{
    return try_site("GET /item/a?q=b HTTP/1.1\r\n" H END, "a|b");
}

SCENARIO(a_chunked_body_and_its_echo)
{
    return try_site("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n" END
                    "5\r\nhello\r\n0\r\n\r\n",
                    "hello");
}

SCENARIO(a_streamed_body_and_its_streamed_echo)
{
    return try_site("POST /stream HTTP/1.1\r\n" H "Content-Length: 5\r\n" END "hello", "hello");
}

SCENARIO(a_handler_that_waits)
{
    return try_site("GET /sleep?ms=20 HTTP/1.1\r\n" H END, "slept\n");
}

SCENARIO(handlers_that_wait_beside_one_another)
{
    return try_site_by(try_ask_all, "GET /sleep?ms=20 HTTP/1.1\r\n" H END, "slept\n");
}

SCENARIO(a_request_that_is_refused)
{
    return try_site("GET / HTTP/1.1\r\nX : y\r\n\r\n", "");
}
