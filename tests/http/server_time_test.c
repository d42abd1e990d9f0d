/* SPDX-License-Identifier: MIT */

/* Deadlines of a server, in virtual time: slow heads, bodies, readers and handlers; idle ends. */

#include "site.h"

#include <weft/io.h>
#include <weft/scope.h>
#include <weft/sys/platform.h>
#include <weft/sys/stream.h>

#include "base/sys.h"

#include <stdlib.h>

#define H "Host: a\r\n"
#define END "\r\n"

/* The seconds that pass until the server closes, rounded. */
static long seconds_to_close(weft_stream *client, weft_time from)
{
    CHECK(client_is_closed(client));
    return (long)((weft_now() - from + WEFT_SEC / 2) / WEFT_SEC);
}

TASK_TEST(class_11_a_slow_head_gets_408_after_ten_seconds)
{
    struct site site;
    struct answer answer;
    CHECK_OK(site_open(&site, NULL));
    weft_stream *client = client_open(&site);
    weft_time from = weft_now();
    for (const char *text = "GET /ok H"; *text != 0; text++) { /* a byte a second does not help */
        client_send_bytes(client, text, 1);
        CHECK_OK(weft_sleep(WEFT_SEC));
    }
    CHECK_OK(client_read(client, &answer));
    CHECK_EQ(answer.status, 408);
    CHECK_EQ((weft_now() - from + WEFT_SEC / 2) / WEFT_SEC, 10);
    CHECK(client_is_closed(client));
    answer_fini(&answer);
    weft_stream_close(client);
    CHECK_OK(site_close(&site));
}

TASK_TEST(silence_is_ended_without_an_answer)
{
    struct site site;
    struct answer answer;
    CHECK_OK(site_open(&site, NULL));
    weft_stream *client = client_open(&site);
    CHECK_EQ(seconds_to_close(client, weft_now()), 60);
    weft_stream_close(client);

    client = client_open(&site); /* empty lines are no request */
    client_send(client, "\r\n\r\n");
    CHECK_EQ(seconds_to_close(client, weft_now()), 10);
    weft_stream_close(client);

    client = client_open(&site);
    client_send(client, "GET /ok HTTP/1.1\r\n" H END);
    CHECK_OK(client_read(client, &answer));
    CHECK_EQ(seconds_to_close(client, weft_now()), 60);
    answer_fini(&answer);
    weft_stream_close(client);
    CHECK_OK(site_close(&site));
}

/* Sends a promise of a body and `first` bytes of it, then a byte every `pause` until the server
 * answers: the seconds that took. */
static long slow_body(struct site *site, const char *path, size_t first, weft_time pause)
{
    char head[128];
    struct answer answer;
    char *bytes = calloc(1, first + 1);
    weft_stream *client = client_open(site);
    snprintf(head, sizeof head, "POST %s HTTP/1.1\r\n" H "Content-Length: 1000000\r\n" END, path);
    client_send(client, head);
    client_send_bytes(client, bytes, first);
    free(bytes);
    weft_time from = weft_now();
    for (int rc = -ETIMEDOUT; rc == -ETIMEDOUT;) {
        weft_str shown;
        weft_scope scope;
        CHECK_OK(weft_scope_open(&scope, weft_after(pause), 0));
        ssize_t count = weft_stream_peek(client, 1, &shown);
        rc = weft_scope_close(&scope, (int)count);
        if (rc == -ETIMEDOUT)
            client_send(client, "x");
        CHECK_LT(weft_now() - from, 1000 * WEFT_SEC);
    }
    weft_time took = weft_now() - from;
    CHECK_OK(client_read(client, &answer));
    CHECK_EQ(answer.status, 408);
    CHECK(client_is_closed(client));
    answer_fini(&answer);
    weft_stream_close(client);
    return (long)((took + WEFT_SEC / 2) / WEFT_SEC);
}

/* At least 1 KiB a second after the first ten, and never 20 s without a byte. */
TASK_TEST(class_12_a_slow_body_gets_408)
{
    static const char *const paths[] = {"/echo", "/drain", "/layered"};
    struct site site;
    CHECK_OK(site_open(&site, NULL));
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        note("path %s", paths[i]);
        CHECK_EQ(slow_body(&site, paths[i], 0, 100 * WEFT_SEC), 10);
        CHECK_EQ(slow_body(&site, paths[i], 0, 3 * WEFT_SEC), 10);
        CHECK_EQ(slow_body(&site, paths[i], 64 * 1024, 100 * WEFT_SEC), 20);
        CHECK_EQ(slow_body(&site, paths[i], 16 * 1024, 3 * WEFT_SEC), 26);
    }
    CHECK_OK(site_close(&site));
}

/* How long at most until a client that has ceased to read is cut off.  Kernels take megabytes for a
 * client that reads nothing, some of them late, and it may pause for longer then; the simulator has
 * no such buffers. */
static weft_time reader_patience(void)
{
    return (test_is_simulated() ? 40 : 300) * WEFT_SEC;
}

TASK_TEST(class_13_a_client_that_does_not_read_is_reset)
{
    struct site site;
    CHECK_OK(site_open(&site, NULL));
    weft_stream *client = client_open(&site);
    client_send(client, "GET /large?kib=65536 HTTP/1.1\r\n" H END);
    weft_time from = weft_now();
    while (site_seen.ended == 0) {
        CHECK_OK(weft_sleep(WEFT_SEC));
        CHECK_LT(weft_now() - from, 400 * WEFT_SEC);
    }
    CHECK_EQ(site_seen.last_rc, -ECANCELED);
    CHECK_GE(weft_now() - from, 30 * WEFT_SEC);
    CHECK_LE(weft_now() - from, reader_patience());
    weft_stream_abort(client);
    CHECK_OK(site_close(&site));
}

/* Whoever took 30 MiB may pause for two minutes, which begin with the last bytes that were taken.
 */
TASK_TEST(class_13_a_client_that_reads_now_and_then_is_served)
{
    static char buf[256 * 1024];
    const weft_http_options options = {.limits.handler_time_max = 3600 * WEFT_SEC};
    struct site site;
    CHECK_OK(site_open(&site, &options));
    weft_stream *client = client_open(&site);
    client_send(client, "GET /large?kib=65536 HTTP/1.1\r\n" H END);
    /* Far below 30 s: where the network is the kernel's, it may not have moved a byte when virtual
     * time jumps on, nor the next time. */
    for (int i = 0; i < 15; i++) {
        CHECK_OK(weft_sleep(3 * WEFT_SEC));
        for (size_t got = 0; got < 8 * sizeof buf;) {
            ssize_t count = weft_stream_read(client, buf, sizeof buf);
            CHECK_GT(count, 0);
            got += (size_t)count;
        }
    }
    CHECK_EQ(site_seen.ended, 0);
    weft_time from = weft_now();
    while (site_seen.ended == 0) {
        CHECK_OK(weft_sleep(WEFT_SEC));
        /* What a kernel does takes none of the virtual time, and is seen late in it. */
        CHECK_LE(weft_now() - from, (strcmp(test_backend(), "sim") == 0 ? 150 : 300) * WEFT_SEC);
    }
    CHECK_GE(weft_now() - from, 110 * WEFT_SEC);
    weft_stream_abort(client);
    CHECK_OK(site_close(&site));
}

/* 16 KiB a second: what the kernel holds for it takes no more until a third is gone, which is
 * minutes.  Read in steps of which each kernel sees something go. */
TASK_TEST(class_13_a_client_that_reads_slowly_is_served)
{
    static char buf[256 * 1024];
    const int window = 64 * 1024;
    const weft_http_options options = {.limits.handler_time_max = 3600 * WEFT_SEC};
    struct site site;
    CHECK_OK(site_open(&site, &options));
    weft_stream *client = client_open(&site);
    CHECK_OK(weft_platform_get()->setsockopt(weft_stream_get_fd(client), SOL_SOCKET, SO_RCVBUF,
                                             &window, sizeof window));
    client_send(client, "GET /large?kib=16384 HTTP/1.1\r\n" H END);
    for (size_t left = (size_t)16 << 20; left > sizeof buf; left -= sizeof buf) {
        CHECK_OK(weft_sleep(16 * WEFT_SEC));
        CHECK_GT(weft_stream_read_exact(client, buf, sizeof buf), 0);
    }
    CHECK_EQ(site_seen.cancelled, 0u);
    weft_stream_abort(client);
    CHECK_OK(site_close(&site));
}

/* Now and then, but too little: a stranger could hold a handler for ever.  Two MiB in seven seconds
 * move the kernel's buffers too. */
TASK_TEST(class_13_a_client_that_reads_too_slowly_is_reset)
{
    static char buf[256 * 1024];
    const weft_http_options options = {.limits.handler_time_max = 3600 * WEFT_SEC,
                                       .limits.write_rate_min = 1 << 20};
    struct site site;
    ssize_t count = 1;
    CHECK_OK(site_open(&site, &options));
    weft_stream *client = client_open(&site);
    client_send(client, "GET /large?kib=65536 HTTP/1.1\r\n" H END);
    weft_time from = weft_now();
    while (site_seen.ended == 0) {
        CHECK_OK(weft_sleep(7 * WEFT_SEC));
        for (size_t got = 0; got < 8 * sizeof buf && count > 0; got += (size_t)count)
            count = weft_stream_read(client, buf, sizeof buf);
        CHECK_LE(weft_now() - from, 110 * WEFT_SEC);
    }
    CHECK_GE(weft_now() - from, 60 * WEFT_SEC);
    CHECK_EQ(site_seen.last_rc, -ECANCELED);
    CHECK_STR(site_seen.why, "the client does not read");
    weft_stream_abort(client);
    CHECK_OK(site_close(&site));
}

TASK_TEST(a_handler_over_its_time_is_cancelled_and_the_client_gets_504)
{
    struct site site;
    struct answer answer;
    CHECK_OK(site_open(&site, NULL));
    weft_time from = weft_now();
    CHECK_EQ(ask(&site, "GET /wait HTTP/1.1\r\n" H END, &answer), 504);
    CHECK_EQ((weft_now() - from + WEFT_SEC / 2) / WEFT_SEC, 60);
    CHECK_EQ(site_seen.cancelled, 1);
    CHECK_STR(site_seen.why, "the handler's time is up");
    CHECK(strstr(answer.body, "\"code\":\"timeout\"") != NULL);
    answer_fini(&answer);
    CHECK_OK(site_close(&site));
}

/* Answers how many seconds it has. */
static int tell_time_left(weft_http_request *req, weft_http_response *res, void *arg)
{
    char text[32];
    (void)req;
    (void)arg;
    snprintf(text, sizeof text, "%lld", (long long)((weft_deadline() - weft_now()) / WEFT_SEC));
    return weft_http_respond_text(res, 200, text);
}

static long time_left(struct site *site, const char *patience)
{
    struct answer answer;
    char request[128];
    snprintf(request, sizeof request, "GET /test HTTP/1.1\r\n" H "x-patience: %s\r\n" END,
             patience);
    CHECK_EQ(ask(site, request, &answer), 200);
    long seconds = strtol(answer.body, NULL, 10);
    answer_fini(&answer);
    return seconds;
}

static long seconds_to_504(struct site *site, const char *patience)
{
    struct answer answer;
    char request[128];
    weft_time from = weft_now();
    snprintf(request, sizeof request, "GET /wait HTTP/1.1\r\n" H "X-Patience: %s\r\n" END,
             patience);
    CHECK_EQ(ask(site, request, &answer), 504);
    CHECK_STR(site_seen.why, "the handler's time is up");
    answer_fini(&answer);
    return (long)((weft_now() - from + WEFT_SEC / 2) / WEFT_SEC);
}

TASK_TEST(a_client_that_says_how_long_it_waits_has_a_handler_no_longer)
{
    static const weft_http_options options = {.timeout_field = "X-Patience"};
    struct site site;
    site_handler = tell_time_left;
    CHECK_OK(site_open(&site, &options));
    CHECK_LE(time_left(&site, "20S"), 20);
    CHECK_GE(time_left(&site, "20S"), 18);
    CHECK_GE(time_left(&site, "3H"), 58); /* its own limit comes first */
    CHECK_GE(time_left(&site, "soon"), 58);
    CHECK_EQ(seconds_to_504(&site, "5000"), 5);
    CHECK_EQ(seconds_to_504(&site, "0"), 0);
    CHECK_OK(site_close(&site));
}

TASK_TEST(a_field_for_the_patience_of_clients_has_a_name)
{
    static const weft_http_options wrong = {.timeout_field = "a b"};
    weft_http_server *server;
    CHECK_EQ(weft_http_server_new(&server, &wrong), -EINVAL);
    CHECK_STR(weft_error_text(), "timeout_field is no name of a field");
}

/* Reads all of the body, and then goes on for ever. */
static int read_and_wait(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)res;
    (void)arg;
    WEFT_TRY(weft_http_collect(req));
    CHECK_EQ(weft_http_body(req).len, 30u * 4096);
    return weft_sleep(WEFT_FOREVER);
}

/* A body has limits of its own. */
TASK_TEST(the_time_of_a_handler_is_without_its_wait_for_the_body)
{
    static const weft_http_options options = {.limits.handler_time_max = 5 * WEFT_SEC};
    static const struct {
        const char *path;
        int status;
        long seconds;
    } rows[] = {{"/echo", 200, 90}, {"/layered", 200, 90}, {"/drain", 200, 90}, {"/late", 504, 95}};
    static char piece[4096];
    struct site site;
    site_handler = read_and_wait;
    CHECK_OK(site_open(&site, &options));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char head[128];
        struct answer answer;
        weft_stream *client = client_open(&site);
        weft_time from = weft_now();
        note("%s", rows[i].path);
        snprintf(head, sizeof head, "POST %s HTTP/1.1\r\n" H "Content-Length: %zu\r\n" END,
                 rows[i].path, 30 * sizeof piece);
        client_send(client, head);
        for (int k = 0; k < 30; k++) {
            CHECK_OK(weft_sleep(3 * WEFT_SEC));
            client_send_bytes(client, piece, sizeof piece);
        }
        CHECK_OK(client_read(client, &answer));
        CHECK_EQ(answer.status, rows[i].status);
        CHECK_EQ((weft_now() - from + WEFT_SEC / 2) / WEFT_SEC, rows[i].seconds);
        answer_fini(&answer);
        weft_stream_close(client);
    }
    CHECK_OK(site_close(&site));
}

/* For weft ps. */
TASK_TEST(a_dump_shows_how_much_time_a_handler_has)
{
    struct site site;
    char dump[4096];
    CHECK_OK(site_open(&site, NULL));
    weft_stream *client = client_open(&site);
    client_send(client, "GET /wait HTTP/1.1\r\n" H END);
    CHECK_OK(weft_sleep(18 * WEFT_SEC));
    test_dump(dump, sizeof dump);
    const char *line = strstr(dump, "task GET /wait #");
    CHECK(line != NULL);
    const char *deadline = strstr(line, "deadline in 4");
    CHECK(deadline != NULL);
    CHECK_LT(deadline, strchr(line, '\n'));
    weft_stream_abort(client);
    CHECK_OK(site_close(&site));
}

static int respond_at_once(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)arg;
    return weft_http_respond(res, 200, NULL, NULL, 0);
}

/* Whatever came before on the connection, and how: of the same task in the same turn, or later, or
 * with a body that nobody read. */
TASK_TEST(a_pipelined_request_has_the_time_of_a_handler_from_when_it_is_its_turn)
{
    const weft_http_options options = {.limits.handler_time_max = 2 * WEFT_SEC};
    static const struct {
        const char *first;
        int64_t ms;
    } rows[] = {
        {"GET /ok HTTP/1.1\r\n" H END, 2000},
        {"GET /sleep?ms=1500 HTTP/1.1\r\n" H END, 3500},
        {"POST /late HTTP/1.1\r\n" H "Content-Length: 3\r\n" END "abc", 2000},
    };
    site_handler = respond_at_once;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct site site;
        struct answer answer;
        note("row %zu", i);
        CHECK_OK(site_open(&site, &options));
        weft_stream *client = client_open(&site);
        weft_time from = weft_now();
        char both[256];
        snprintf(both, sizeof both, "%sGET /wait HTTP/1.1\r\n" H END, rows[i].first);
        client_send(client, both);
        for (int k = 0; k < 2; k++) {
            CHECK_OK(client_read(client, &answer));
            CHECK_EQ(answer.status, k == 0 ? 200 : 504);
            answer_fini(&answer);
        }
        CHECK_GE((weft_now() - from) / WEFT_MS, rows[i].ms);
        CHECK_LT((weft_now() - from) / WEFT_MS, rows[i].ms + 100);
        weft_stream_close(client);
        CHECK_OK(site_close(&site));
    }
}

/* Politely the first time, by a reset the second: its handler is cancelled for that. */
static void go_away(weft_stream *client, int time)
{
    weft_time from = weft_now();
    if (time == 0)
        weft_stream_close(client);
    else
        weft_stream_abort(client);
    while (site_seen.ended == (unsigned)time)
        CHECK_OK(weft_sleep(WEFT_MS));
    CHECK_LE(weft_now() - from, 200 * WEFT_MS);
    CHECK_STR(site_seen.why, "client disconnected");
}

TASK_TEST(a_client_that_goes_away_cancels_its_handler)
{
    struct site site;
    CHECK_OK(site_open(&site, NULL));
    for (int i = 0; i < 2; i++) {
        weft_stream *client = client_open(&site);
        client_send(client, "GET /wait HTTP/1.1\r\n" H END);
        while (site_seen.started == (unsigned)i)
            CHECK_OK(weft_sleep(WEFT_MS));
        go_away(client, i);
        CHECK_EQ(site_seen.last_rc, -ECANCELED);
    }
    weft_http_stats stats;
    weft_http_server_get_stats(site.server, &stats);
    CHECK_EQ(stats.requests_cancelled, 2);
    CHECK_OK(site_close(&site));
}

/* The end is behind more pipelined requests than are read ahead. */
TASK_TEST(a_client_that_pipelines_much_and_goes_away_cancels_its_handler)
{
    static char
        text[96 * 1024]; /* more than the server reads ahead; the kernel has room for the rest */
    struct site site;
    CHECK_OK(site_open(&site, NULL));
    size_t bytes = 0;
    while (bytes < sizeof text - 64)
        bytes += (size_t)snprintf(text + bytes, 64, "GET /wait HTTP/1.1\r\n" H END);
    for (int i = 0; i < 2; i++) {
        weft_stream *client = client_open(&site);
        client_send_bytes(client, text, bytes);
        while (site_seen.started == (unsigned)i || weft_stream_get_unsent(client) != 0)
            CHECK_OK(weft_sleep(WEFT_MS));
        go_away(client, i);
    }
    CHECK_OK(site_close(&site));
}

/* Half of an end is not an end: who only stops sending still gets an answer that comes soon. */
TASK_TEST(a_client_that_ends_its_half_gets_its_answers)
{
    struct site site;
    struct answer answer;
    CHECK_OK(site_open(&site, NULL));
    weft_stream *client = client_open(&site);
    client_send(client, "GET /sleep?ms=20 HTTP/1.1\r\n" H END "GET /ok HTTP/1.1\r\n" H END);
    CHECK_OK(weft_stream_shutdown(client));
    CHECK_OK(client_read(client, &answer));
    CHECK_STR(answer.body, "slept\n");
    answer_fini(&answer);
    CHECK_OK(client_read(client, &answer));
    CHECK_STR(answer.body, "ok\n");
    answer_fini(&answer);
    CHECK(client_is_closed(client));
    weft_stream_close(client);
    CHECK_OK(site_close(&site));
}

TASK_TEST(class_26_a_request_that_is_cut_off_is_never_served)
{
    static const char text[] = "POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\n" END "hell";
    struct site site;
    CHECK_OK(site_open(&site, NULL));
    for (size_t len = 1; len < sizeof text; len++) {
        note("%zu bytes", len);
        weft_stream *client = client_open(&site);
        client_send_bytes(client, text, len);
        CHECK_OK(weft_stream_shutdown(client));
        CHECK(client_is_closed(client));
        weft_stream_close(client);
    }
    /* The same where the handler reads by itself. */
    weft_stream *client = client_open(&site);
    client_send(client, "POST /stream HTTP/1.1\r\n" H "Content-Length: 5\r\n" END);
    CHECK_OK(weft_stream_shutdown(client));
    CHECK(client_is_closed(client));
    CHECK_LT(site_seen.last_rc, 0);
    weft_stream_close(client);
    weft_http_stats stats;
    weft_http_server_get_stats(site.server, &stats);
    CHECK_EQ(stats.answers[2], 0);
    CHECK_OK(site_close(&site));
}

/* And each of its answers has a date of its own. */
TASK_TEST(an_old_connection_is_closed_with_an_answer)
{
    struct site site;
    struct answer answer;
    char date[64] = "";
    CHECK_OK(site_open(&site, NULL));
    weft_stream *client = client_open(&site);
    for (int minute = 0;; minute++) {
        client_send(client, "GET /ok HTTP/1.1\r\n" H END);
        CHECK_OK(client_read(client, &answer));
        bool is_last = answer_field(&answer, "Connection") != NULL;
        CHECK(strcmp(answer_field(&answer, "Date"), date) != 0);
        snprintf(date, sizeof date, "%s", answer_field(&answer, "Date"));
        answer_fini(&answer);
        CHECK_EQ(is_last, minute >= 72);
        if (is_last)
            break;
        CHECK_OK(weft_sleep(50 * WEFT_SEC));
    }
    CHECK(client_is_closed(client));
    weft_stream_close(client);
    CHECK_OK(site_close(&site));
}
