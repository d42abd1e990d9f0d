/* SPDX-License-Identifier: MIT */

/* How answers and connections end: whole, cut off, or not as HTTP has it. */

#include <weft.h>
#include <weft/client.h>

#include "liar.h"

/* One GET with a client of its own; `out_len` of the body. */
static int get_once(struct liar *liar, const weft_client_options *options, size_t *out_len)
{
    weft_client *client;
    weft_client_response page;
    weft_client_request request = {.url = liar_url(liar->port, "/"), .method = "POST"};
    CHECK_OK(weft_client_new(&client, options)); /* POST: it is not repeated */
    int rc = weft_client_fetch(client, &request, &page);
    if (rc == 0) {
        *out_len = page.body.len;
        rc = page.status;
        weft_client_response_free(&page);
    }
    weft_client_free(client);
    return rc;
}

struct row {
    const char *answer;
    int rc; /* status, or the failure */
    size_t body_bytes;
    enum liar_then then;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct liar_step step = {.answer = rows[i].answer, .then = rows[i].then};
        struct liar liar;
        size_t len = 0;
        note("row %zu: %s", i, rows[i].answer);
        liar_open(&liar, &step, 1);
        CHECK_EQ(get_once(&liar, NULL, &len), rows[i].rc);
        CHECK_EQ(len, rows[i].body_bytes);
        liar_close(&liar);
    }
}

TASK_TEST(bodies_end_as_their_framing_says)
{
    static const struct row rows[] = {
        {OK_HI, 200, 2, LIAR_CLOSE},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi there", 200, 2, LIAR_CLOSE},
        {"HTTP/1.0 200\r\n\r\nto the end", 200, 10, LIAR_CLOSE},
        {"HTTP/1.1 200 \r\n\r\n", 200, 0, LIAR_CLOSE},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 200, 3,
         LIAR_CLOSE},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\na\r\n0\r\nT: v\r\n\r\n",
         200, 1, LIAR_CLOSE},
        {"HTTP/1.1 204 No\r\n\r\n", 204, 0, LIAR_STALL},
        {"HTTP/1.1 304 Not\r\nContent-Length: 99\r\n\r\n", 304, 0, LIAR_STALL},
        {"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\nLink: x\r\n\r\n" OK_HI, 200, 2, LIAR_CLOSE},
        {"HTTP/1.1 999 X\r\nHost: two\r\nHost: hosts\r\nContent-Length: 0\r\n\r\n", 999, 0,
         LIAR_CLOSE},
    };
    check_rows(rows, sizeof rows / sizeof rows[0]);
}

/* Class 26: less than was promised is never a success. */
TASK_TEST(what_is_cut_off_is_an_error)
{
    static const struct row rows[] = {
        {NULL, -WEFT_ETRUNCATED, 0, LIAR_CLOSE},
        {"HTTP/1.1 200 OK\r\nConte", -WEFT_ETRUNCATED, 0, LIAR_CLOSE},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi", -WEFT_ETRUNCATED, 0, LIAR_CLOSE},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", -WEFT_ETRUNCATED, 0,
         LIAR_CLOSE},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", -WEFT_ETRUNCATED, 0,
         LIAR_CLOSE},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n", -WEFT_ETRUNCATED,
         0, LIAR_CLOSE},
        {"HTTP/1.1 100 C\r\n\r\n", -WEFT_ETRUNCATED, 0, LIAR_CLOSE},
    };
    check_rows(rows, sizeof rows / sizeof rows[0]);
}

TASK_TEST(what_is_no_http_is_an_error)
{
    static const struct row rows[] = {
        {"SSH-2.0-OpenSSH\r\n\r\n", -WEFT_ESYNTAX, 0, LIAR_CLOSE},
        {"HTTP/2.0 200 OK\r\n\r\n", -WEFT_ESYNTAX, 0, LIAR_CLOSE},
        {"HTTP/1.1 20 OK\r\n\r\n", -WEFT_ESYNTAX, 0, LIAR_CLOSE},
        {"HTTP/1.1 2000 OK\r\n\r\n", -WEFT_ESYNTAX, 0, LIAR_CLOSE},
        {"HTTP/1.1 099 OK\r\n\r\n", -WEFT_ESYNTAX, 0, LIAR_CLOSE},
        {"HTTP/1.1  200 OK\r\n\r\n", -WEFT_ESYNTAX, 0, LIAR_CLOSE},
        {"HTTP/1.1 200 OK\n\n", -WEFT_ESYNTAX, 0, LIAR_CLOSE},
        {"\r\nHTTP/1.1 200 OK\r\n\r\n", -WEFT_ESYNTAX, 0, LIAR_CLOSE},
        {"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", -WEFT_ESYNTAX, 0, LIAR_CLOSE},
        {"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", -WEFT_ESYNTAX, 0, LIAR_CLOSE},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi", -WEFT_ESYNTAX, 0,
         LIAR_CLOSE},
        {"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", -WEFT_ESYNTAX, 0, LIAR_CLOSE},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
         -WEFT_ESYNTAX, 0, LIAR_CLOSE},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", -WEFT_ESYNTAX, 0, LIAR_CLOSE},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", -WEFT_ESYNTAX, 0,
         LIAR_CLOSE},
        {"HTTP/1.1 101 S\r\nUpgrade: x\r\n\r\n", -WEFT_ESYNTAX, 0, LIAR_CLOSE},
    };
    check_rows(rows, sizeof rows / sizeof rows[0]);
}

TASK_TEST(limits_on_answers_hold)
{
    struct liar liar;
    size_t len = 0;
    static const struct liar_step long_body = {.answer = OK_HI, .then = LIAR_CLOSE};
    weft_client_options options = {.limits.body_bytes_max = 1};
    liar_open(&liar, &long_body, 1);
    CHECK_EQ(get_once(&liar, &options, &len), -WEFT_ELIMIT);
    CHECK(strstr(weft_error_text(), "body_bytes_max") != NULL);
    liar_close(&liar);

    static const struct liar_step chunked = {
        .answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"};
    liar_open(&liar, &chunked, 1);
    CHECK_EQ(get_once(&liar, &options, &len), -WEFT_ELIMIT);
    liar_close(&liar);

    options = (weft_client_options){.limits.field_count_max = 1};
    static const struct liar_step fields = {
        .answer = "HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 0\r\n\r\n"};
    liar_open(&liar, &fields, 1);
    CHECK_EQ(get_once(&liar, &options, &len), -WEFT_ELIMIT);
    liar_close(&liar);

    options = (weft_client_options){.limits.interim_count_max = 1};
    static const struct liar_step interim = {
        .answer = "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\n" OK_HI};
    liar_open(&liar, &interim, 1);
    CHECK_EQ(get_once(&liar, &options, &len), -WEFT_ELIMIT);
    liar_close(&liar);

    weft_client *client;
    options = (weft_client_options){.limits.head_bytes_max = 65537};
    CHECK_EQ(weft_client_new(&client, &options), -EINVAL);
    options = (weft_client_options){.limits.idle_max = -1};
    CHECK_EQ(weft_client_new(&client, &options), -EINVAL);
}

/* Class 14, from the other side. */
TASK_TEST(a_head_without_end_is_refused)
{
    static char endless[70000];
    memset(endless, 'a', sizeof endless);
    memcpy(endless, "HTTP/1.1 200 OK\r\nX: ", 20);
    struct liar_step step = {.answer = endless, .len = sizeof endless, .then = LIAR_STALL};
    struct liar liar;
    size_t len = 0;
    liar_open(&liar, &step, 1);
    CHECK_EQ(get_once(&liar, NULL, &len), -WEFT_ELIMIT);
    CHECK(strstr(weft_error_text(), "head_bytes_max") != NULL);
    liar_close(&liar);
}

/* ---- which connections are kept ---- */

static bool is_kept(const struct liar_step *steps, size_t count)
{
    struct liar liar;
    weft_client *client;
    bool kept = false;
    liar_open(&liar, steps, count);
    CHECK_OK(weft_client_new(&client, NULL));
    for (int i = 0; i < 2; i++) {
        weft_client_trace trace;
        weft_client_response page;
        weft_client_request request = {.url = liar_url(liar.port, "/"), .trace = &trace};
        CHECK_OK(weft_client_fetch(client, &request, &page));
        CHECK_EQ(page.body.len, 2);
        weft_client_response_free(&page);
        kept = trace.is_reused;
        CHECK_OK(weft_sleep(10 * WEFT_MS));
    }
    weft_client_free(client);
    liar_close(&liar);
    return kept;
}

#define IS_KEPT(...) is_kept((struct liar_step[]){__VA_ARGS__, {.answer = OK_HI}}, 2)

TASK_TEST(only_sound_connections_are_used_again)
{
    CHECK(IS_KEPT({.answer = OK_HI}));
    CHECK(IS_KEPT(
        {.answer = "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi"}));
    CHECK(!IS_KEPT({.answer = OK_HI, .then = LIAR_CLOSE}));
    CHECK(!IS_KEPT({.answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
                    .then = LIAR_CLOSE}));
    CHECK(
        !IS_KEPT({.answer = "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", .then = LIAR_CLOSE}));
    CHECK(!IS_KEPT({.answer = "HTTP/1.0 200 OK\r\n\r\nhi", .then = LIAR_CLOSE}));
    CHECK(!IS_KEPT({.answer = OK_HI "behind", .then = LIAR_LATER}));
    CHECK(!IS_KEPT({.answer = OK_HI OK_HI, .then = LIAR_LATER})); /* an answer nobody asked for */
}

/* ---- repeats ---- */

TASK_TEST(a_get_is_repeated_after_a_lost_connection_and_a_503)
{
    static const struct liar_step steps[] = {
        {.then = LIAR_CLOSE},
        {.answer = "HTTP/1.1 503 Busy\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n"},
        {.answer = OK_HI},
    };
    struct liar liar;
    weft_client *client;
    weft_client_trace trace;
    weft_client_response page;
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    weft_time since = weft_now();
    weft_client_request request = {.url = liar_url(liar.port, "/"), .trace = &trace};
    CHECK_OK(weft_client_fetch(client, &request, &page));
    CHECK_EQ(page.status, 200);
    CHECK_EQ(trace.attempts, 3);
    CHECK_GE(weft_now() - since, 3 * WEFT_SEC + 150 * WEFT_MS); /* two halves of the pauses */
    CHECK_LE(weft_now() - since, 4 * WEFT_SEC);
    weft_client_response_free(&page);
    weft_client_free(client);
    liar_close(&liar);
}

/* So that those who failed together do not come back together. */
TASK_TEST(the_pause_before_a_repeat_is_by_chance)
{
    enum { COUNT = 8 };
    struct liar_step steps[2 * COUNT];
    struct liar liar;
    weft_client *client;
    weft_time least = WEFT_FOREVER, most = 0;
    for (int i = 0; i < COUNT; i++) {
        steps[2 * i] =
            (struct liar_step){.answer = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"};
        steps[2 * i + 1] = (struct liar_step){.answer = OK_HI};
    }
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    for (int i = 0; i < COUNT; i++) {
        weft_time since = weft_now();
        CHECK_EQ(liar_get(client, &liar, NULL), 200);
        weft_time pause = weft_now() - since;
        least = pause < least ? pause : least;
        most = pause > most ? pause : most;
    }
    CHECK_GE(least, 50 * WEFT_MS);
    CHECK_GT(most, least + 5 * WEFT_MS);
    weft_client_free(client);
    liar_close(&liar);
}

TASK_TEST(a_post_is_not_repeated_unless_it_may_be)
{
    static const struct liar_step steps[] = {
        {.then = LIAR_CLOSE}, {.then = LIAR_RESET}, {.answer = OK_HI}};
    struct liar liar;
    weft_client *client;
    weft_client_response page;
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    weft_client_request request = {.url = liar_url(liar.port, "/"), .method = "POST"};
    CHECK_EQ(weft_client_fetch(client, &request, &page), -WEFT_ETRUNCATED);
    CHECK(strstr(weft_error_text(), "without an answer") != NULL);
    request.is_idempotent = true;
    CHECK_OK(weft_client_fetch(client, &request, &page));
    CHECK_EQ(liar.requests, 3);
    weft_client_response_free(&page);
    weft_client_free(client);
    liar_close(&liar);
}

/* A server that keeps each connection until the second request comes over it. */
struct forgetful {
    weft_listener *listener;
    unsigned connections;
};

static int forget(void *arg)
{
    weft_stream *stream = arg;
    weft_str end = WEFT_STR("\r\n\r\n"), head;
    ssize_t count = weft_stream_peek_until(stream, end, 8192, &head);
    if (count > 0) {
        weft_stream_consume(stream, (size_t)count);
        if (weft_stream_write(stream, OK_HI, strlen(OK_HI)) == 0)
            count = weft_stream_peek_until(stream, end, 8192, &head);
    }
    weft_stream_abort(stream); /* with the second request unread */
    return count == -ECANCELED ? -ECANCELED : 0;
}

static int keep_and_forget(void *arg)
{
    struct forgetful *server = arg;
    weft_stream *stream;
    WEFT_GROUP(group);
    for (;;) {
        WEFT_TRY(weft_listener_accept(server->listener, &stream));
        server->connections++;
        CHECK_OK(weft_group_spawn(group, forget, stream));
    }
}

/* Two connections that are kept at the same time. */
static void keep_two(weft_client *client, const char *url)
{
    weft_exchange *exchanges[2];
    weft_client_request request = {.url = url};
    for (int i = 0; i < 2; i++)
        CHECK_OK(weft_exchange_open(&exchanges[i], client, &request));
    for (int i = 0; i < 2; i++) {
        char buf[8];
        ssize_t got;
        while ((got = weft_exchange_read(exchanges[i], buf, sizeof buf)) > 0) {
        }
        CHECK_EQ(got, 0);
        weft_exchange_close(exchanges[i]);
    }
}

/* The server is well, so it may be asked as often as one likes, although half of the requests are
 * lost, which would open a breaker. */
TASK_TEST(a_kept_connection_that_has_ended_costs_no_retry)
{
    enum { ROUNDS = 30 };
    static const weft_client_options options = {.limits = {.retry_percent = 1, .retry_burst = 1}};
    struct forgetful server = {0};
    weft_client *client;
    weft_client_trace trace;
    weft_client_response page;
    weft_addr addr;
    CHECK_OK(weft_addr_parse(&addr, "127.0.0.1:0"));
    CHECK_OK(weft_listener_open(&server.listener, &addr, NULL));
    weft_task task = weft_spawn(keep_and_forget, &server);
    CHECK_OK(weft_client_new(&client, &options));
    weft_client_request request = {.trace = &trace};
    request.url =
        liar_url((uint16_t)weft_addr_get_port(weft_listener_get_addr(server.listener)), "/");
    keep_two(client, request.url);
    weft_time since = weft_now();
    for (unsigned i = 0; i < ROUNDS; i++) {
        CHECK_OK(weft_client_fetch(client, &request, &page));
        CHECK_EQ(trace.attempts, 2); /* the other kept one is not tried */
        CHECK(!trace.is_reused);
        weft_client_response_free(&page);
    }
    CHECK_LT(weft_now() - since, WEFT_SEC); /* nor is there a pause */
    CHECK_EQ(server.connections, 2 + ROUNDS);
    request.method = "POST";
    for (int i = 0; i < 2; i++) { /* over either that is kept */
        int rc = weft_client_fetch(client, &request, &page);
        CHECK(rc == -ECONNRESET || rc == -EPIPE);
        CHECK_EQ(trace.attempts, 1); /* it may have been done all the same */
    }
    CHECK_OK(weft_client_fetch(client, &request, &page));
    weft_client_response_free(&page);
    weft_client_free(client);
    weft_cancel(task, "the test is over");
    CHECK_EQ(weft_gather(task), -ECANCELED);
    weft_listener_close(server.listener);
}

/* Who has begun to answer was there. */
TASK_TEST(an_answer_that_breaks_off_costs_a_retry_over_a_kept_connection_too)
{
    static const struct liar_step steps[] = {
        {.answer = OK_HI}, {.answer = "HTTP/1.1 2", .then = LIAR_CLOSE},
        {.answer = OK_HI}, {.answer = "HTTP/1.1 103 Wait\r\n\r\n", .then = LIAR_CLOSE},
        {.answer = OK_HI},
    };
    static const weft_client_options options = {.limits = {.retry_percent = 1, .retry_burst = 1}};
    struct liar liar;
    weft_client *client;
    weft_client_trace trace;
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, &options));
    CHECK_EQ(liar_get(client, &liar, &trace), 200);
    CHECK_EQ(liar_get(client, &liar, &trace), 200);
    CHECK_EQ(trace.attempts, 2);
    CHECK_EQ(liar_get(client, &liar, &trace), -WEFT_ETRUNCATED);
    CHECK_EQ(trace.attempts, 1);
    CHECK(trace.is_over_budget);
    weft_client_free(client);
    liar_close(&liar);
}

TASK_TEST(what_is_to_be_sent_once_is)
{
    static const struct liar_step steps[] = {
        {.answer = OK_HI},
        {.then = LIAR_CLOSE}, /* the kept connection */
        {.then = LIAR_CLOSE},
        {.answer = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"},
    };
    static const int results[] = {0, -WEFT_ETRUNCATED, -WEFT_ETRUNCATED, 0};
    struct liar liar;
    weft_client *client;
    weft_client_trace trace;
    weft_client_response page;
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    weft_client_request request = {.url = liar_url(liar.port, "/"),
                                   .trace = &trace,
                                   .is_idempotent = true,
                                   .is_sent_once = true};
    for (unsigned i = 0; i < 4; i++) {
        int rc = weft_client_fetch(client, &request, &page);
        CHECK_EQ(rc, results[i]);
        CHECK_EQ(trace.attempts, 1);
        CHECK_EQ(liar.requests, i + 1);
        if (rc == 0)
            weft_client_response_free(&page);
    }
    CHECK_EQ(trace.status, 503);
    weft_client_free(client);
    liar_close(&liar);
}

/* Who did it, and when. */
TASK_TEST(a_reset_has_a_text)
{
    static const struct {
        struct liar_step step;
        const char *moment;
    } rows[] = {
        {{.then = LIAR_RESET}, "before it answered"},
        {{.answer = "HTTP/1.1 200 OK\r\nContent-", .then = LIAR_RESET}, "before it answered"},
        {{.answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi", .then = LIAR_RESET},
         "in the middle of its answer"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct liar liar;
        weft_client *client;
        weft_client_response page;
        char text[128];
        liar_open(&liar, &rows[i].step, 1);
        CHECK_OK(weft_client_new(&client, NULL));
        weft_client_request request = {.url = liar_url(liar.port, "/"), .body = WEFT_STR("x")};
        CHECK_EQ(weft_client_fetch(client, &request, &page), -ECONNRESET);
        snprintf(text, sizeof text, "http://127.0.0.1:%u/ reset the connection %s", liar.port,
                 rows[i].moment);
        CHECK_STR(weft_explain(-ECONNRESET), text);
        weft_client_free(client);
        liar_close(&liar);
    }
}

TASK_TEST(a_503_that_lasts_is_the_answer)
{
    static const struct liar_step steps[] = {
        {.answer = "HTTP/1.1 503 Busy\r\nContent-Length: 1\r\n\r\n1"},
        {.answer = "HTTP/1.1 503 Busy\r\nContent-Length: 1\r\n\r\n2"},
        {.answer = "HTTP/1.1 503 Busy\r\nContent-Length: 1\r\n\r\n3"},
        {.answer = "HTTP/1.1 503 Busy\r\nRetry-After: 11\r\nContent-Length: 1\r\n\r\n4"},
    };
    struct liar liar;
    weft_client *client;
    weft_client_response page;
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    CHECK_OK(weft_client_get(client, liar_url(liar.port, "/"), &page));
    CHECK_EQ(page.status, 503);
    CHECK_STR(page.body.ptr, "3");
    weft_client_response_free(&page);
    CHECK_OK(weft_client_get(client, liar_url(liar.port, "/"), &page));
    CHECK_STR(page.body.ptr, "4"); /* too far away to wait for */
    weft_client_response_free(&page);
    CHECK_KEPT(liar);
    weft_client_free(client);
    liar_close(&liar);
}

#define BUSY(status_, after_)                                                                      \
    "HTTP/1.1 " status_ " Busy\r\nRetry-After: " after_ "\r\nContent-Length: 0\r\n\r\n"

TASK_TEST(a_429_is_repeated_when_it_says_when)
{
    static const struct liar_step steps[] = {
        {.answer = BUSY("429", "2")},
        {.answer = OK_HI},
        {.answer = "HTTP/1.1 429 No\r\nContent-Length: 0\r\n\r\n"},
        {.answer = BUSY("429", "Fri, 01 Jan 2100 00:00:00 GMT")},
    };
    struct liar liar;
    weft_client *client;
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    weft_time since = weft_now();
    CHECK_EQ(liar_get(client, &liar, NULL), 200);
    CHECK_GE(weft_now() - since, 2 * WEFT_SEC + 50 * WEFT_MS);
    CHECK_EQ(liar_get(client, &liar, NULL), 429);
    CHECK_EQ(liar_get(client, &liar, NULL), 429);
    CHECK_EQ(liar.requests, 4);
    weft_client_free(client);
    liar_close(&liar);
}

/* The answer is of more use than a timeout that is certain. */
TASK_TEST(nobody_waits_for_a_retry_that_comes_too_late)
{
    static const struct liar_step steps[] = {
        {.answer = BUSY("503", "3")}, {.answer = BUSY("429", "3")},  {.answer = BUSY("503", "3")},
        {.answer = BUSY("503", "3")}, {.answer = BUSY("503", "11")}, {.answer = OK_HI},
    };
    static const weft_client_options options = {.limits.retry_after_max = 11 * WEFT_SEC};
    struct liar liar;
    weft_client *client;
    weft_client_response page;
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, &options));
    weft_time since = weft_now();
    weft_client_request request = {.url = liar_url(liar.port, "/"), .total_max = 3 * WEFT_SEC};
    CHECK_OK(weft_client_fetch(client, &request, &page));
    CHECK_EQ(page.status, 503);
    weft_client_response_free(&page);
    {
        WEFT_TIMEOUT(limit, 3 * WEFT_SEC);
        struct liar_asker asker = {.client = client, .liar = &liar};
        CHECK_EQ(liar_get(client, &liar, NULL), 429);
        request = (weft_client_request){.url = request.url, .hedge_after = 10 * WEFT_SEC};
        CHECK_OK(weft_client_fetch(client, &request, &page));
        CHECK_EQ(page.status, 503);
        weft_client_response_free(&page);
        WEFT_GROUP(group);
        CHECK_OK(weft_group_spawn(group, liar_ask, &asker));
        CHECK_OK(weft_group_wait(group));
        CHECK_EQ(asker.rc, 503);
    }
    CHECK_LE(weft_now() - since, 2 * WEFT_SEC); /* as long as the simulated network takes */
    CHECK_EQ(liar_get(client, &liar, NULL), 200);
    CHECK_GE(weft_now() - since, 11 * WEFT_SEC);
    weft_client_free(client);
    liar_close(&liar);
}

/* The budget is the caller's to set, and says so where it ends. */
TASK_TEST(a_retry_that_the_budget_forbids_is_told)
{
    static const struct liar_step steps[] = {
        {.then = LIAR_CLOSE},
        {.then = LIAR_CLOSE},
        {.answer = "HTTP/1.1 503 Busy\r\nContent-Length: 1\r\n\r\n1"},
    };
    static const weft_client_options options = {.limits = {.retry_percent = 50, .retry_burst = 1}};
    struct liar liar;
    weft_client *client;
    weft_client_trace trace;
    weft_client_response page;
    char text[128];
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, &options));
    weft_client_request request = {.url = liar_url(liar.port, "/a?secret=1"), .trace = &trace};
    CHECK_EQ(weft_client_fetch(client, &request, &page), -WEFT_ETRUNCATED);
    snprintf(text, sizeof text,
             "http://127.0.0.1:%u/a closed the connection without an answer; not sent again: over "
             "the budget (retry_percent 50)",
             liar.port);
    CHECK_STR(weft_error_text(), text);
    CHECK_EQ(trace.attempts, 2);
    CHECK(trace.is_over_budget);
    CHECK_OK(weft_client_fetch(client, &request, &page)); /* half a retry was earned */
    CHECK_EQ(page.status, 503);
    CHECK(trace.is_over_budget);
    weft_client_response_free(&page);
    weft_client_free(client);
    liar_close(&liar);
}

TASK_TEST(the_trace_has_the_status_of_the_last_attempt)
{
    static const struct liar_step steps[] = {
        {.answer = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
         .then = LIAR_CLOSE},
        {.then = LIAR_CLOSE},
        {.answer = "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"},
    };
    static const weft_client_options options = {.limits.retry_count_max = 1};
    struct liar liar;
    weft_client *client;
    weft_client_trace trace;
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, &options));
    CHECK_EQ(liar_get(client, &liar, &trace), -WEFT_ETRUNCATED);
    CHECK_EQ(trace.attempts, 2);
    CHECK_EQ(trace.status, 0);
    CHECK_EQ(liar_get(client, &liar, &trace), 404);
    CHECK_EQ(trace.status, 404);
    weft_client_free(client);
    liar_close(&liar);
}

/* Class 51: repeats do not add to a storm, and an origin that is down is left alone. */
TASK_TEST(a_dead_origin_is_asked_little)
{
    struct liar liar;
    static const struct liar_step none = {.then = LIAR_CLOSE};
    liar_open(&liar, &none, 0);
    weft_client *client;
    weft_client_response page;
    weft_listener_close(liar.listener); /* nobody is there any more */
    CHECK_OK(weft_client_new(&client, NULL));
    unsigned attempts = 0, down = 0;
    for (int i = 0; i < 60; i++) {
        weft_client_trace trace;
        weft_client_request request = {.url = liar_url(liar.port, "/"), .trace = &trace};
        int rc = weft_client_fetch(client, &request, &page);
        CHECK(rc == -ECONNREFUSED || rc == -EHOSTDOWN);
        attempts += trace.attempts;
        down += rc == -EHOSTDOWN;
    }
    CHECK_EQ(attempts, 0); /* no connection came about */
    CHECK_GE(down, 30);
    weft_client_free(client);
    liar.listener = NULL;
    liar_close(&liar);
}

/* An early refusal of a body is heard. */
TASK_TEST(an_answer_before_the_body_is_sent_ends_the_sending)
{
    static const struct liar_step steps[] = {
        {.answer = "HTTP/1.1 413 Large\r\nContent-Length: 2\r\n\r\nno", .then = LIAR_STALL}};
    static char body[4 << 20];
    struct liar liar;
    weft_client *client;
    weft_client_trace trace;
    weft_client_response page;
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    weft_client_request request = {
        .url = liar_url(liar.port, "/"), .body = {body, sizeof body}, .trace = &trace};
    CHECK_OK(weft_client_fetch(client, &request, &page));
    CHECK_EQ(page.status, 413);
    CHECK_LT(trace.sent_bytes, sizeof body);
    weft_client_response_free(&page);
    weft_client_free(client);
    liar_close(&liar);
}
