/* SPDX-License-Identifier: MIT */

/* A live server: bytes in, status and the connection's state out. */

#include "site.h"

#include <weft/loops.h>

#include <stdlib.h>

#define H "Host: a\r\n"
#define END "\r\n"
#define NEXT "GET /ok HTTP/1.1\r\n" H "Connection: close\r\n" END

struct row {
    const char *text;
    int status;
    bool closes; /* else a second request is answered on the same connection */
    size_t len;
};

#define STAYS(text_, status_)                                                                      \
    {                                                                                              \
        (text_), (status_), false, sizeof(text_) - 1                                               \
    }
#define CLOSES(text_, status_)                                                                     \
    {                                                                                              \
        (text_), (status_), true, sizeof(text_) - 1                                                \
    }

static void check_row(struct site *site, const struct row *row)
{
    struct answer answer, next;
    weft_stream *client = client_open(site);
    client_send_bytes(client, row->text, row->len);
    CHECK_OK(client_read(client, &answer));
    CHECK_EQ(answer.status, row->status);
    const char *connection = answer_field(&answer, "Connection");
    CHECK_EQ(connection != NULL && strcmp(connection, "close") == 0, row->closes);
    if (answer.status >= 400) {
        CHECK(strncmp(answer.body, "{\"error\":{\"code\":\"", 18) == 0);
        CHECK(strstr(answer.body, "\"request_id\":\"") != NULL);
    }
    if (!row->closes) {
        client_send(client, NEXT);
        CHECK_OK(client_read(client, &next));
        CHECK_EQ(next.status, 200);
        answer_fini(&next);
    }
    CHECK(client_is_closed(client));
    weft_stream_close(client);
    answer_fini(&answer);
}

static void check_rows(const struct row *rows, size_t count)
{
    struct site site;
    CHECK_OK(site_open(&site, NULL));
    for (size_t i = 0; i < count; i++) {
        note("row %zu: %s", i, rows[i].text);
        check_row(&site, &rows[i]);
    }
    CHECK_OK(site_close(&site));
}

#define CHECK_ROWS(rows_) check_rows((rows_), sizeof(rows_) / sizeof(rows_)[0])

TASK_TEST(rows_of_the_request_line)
{
    static const struct row rows[] = {
        STAYS("GET /ok HTTP/1.1\r\n" H END, 200),
        STAYS("GET /ok HTTP/1.9\r\n" H END, 200),
        STAYS("\r\n\r\nGET /ok HTTP/1.1\r\n" H END, 200),
        CLOSES("GET /ok HTTP/1.0\r\n" END, 200),
        CLOSES("GET /ok HTTP/1.1\r\n" H "Connection: close\r\n" END, 200),
        CLOSES("GET  /ok HTTP/1.1\r\n" H END, 400),
        CLOSES("GET /ok\r\n", 400),
        CLOSES("GET /o\x7fk HTTP/1.1\r\n" H END, 400),
        CLOSES("GET /ok HTTP/1.1\n" H END, 400),
        CLOSES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        CLOSES("GET /ok HTTP/2.0\r\n" H END, 505),
        STAYS("BREW /ok HTTP/1.1\r\n" H END, 501),
        STAYS("TRACE /ok HTTP/1.1\r\n" H END, 405),
        CLOSES("CONNECT a:80 HTTP/1.1\r\n" H END, 405),
        STAYS("POST /ok HTTP/1.1\r\n" H "Content-Length: 0\r\n" END, 405),
        STAYS("GET /nothing HTTP/1.1\r\n" H END, 404),
        STAYS("OPTIONS * HTTP/1.1\r\n" H END, 204),
        STAYS("OPTIONS /ok HTTP/1.1\r\n" H END, 204),
        STAYS("GET http://other/ok?x HTTP/1.1\r\n" H END, 200),
        STAYS("GET /item/%C3%A4?q=%2B+b HTTP/1.1\r\n" H END, 200),
    };
    CHECK_ROWS(rows);
}

TASK_TEST(class_23_rows_of_the_path)
{
    static const struct row rows[] = {
        STAYS("GET /a%00 HTTP/1.1\r\n" H END, 400),
        STAYS("GET /a%2fb HTTP/1.1\r\n" H END, 400),
        STAYS("GET /a%5cb HTTP/1.1\r\n" H END, 400),
        STAYS("GET /../ok HTTP/1.1\r\n" H END, 400),
        STAYS("GET /%2e%2e/ok HTTP/1.1\r\n" H END, 400),
        STAYS("GET /%zz HTTP/1.1\r\n" H END, 400),
        STAYS("GET /%ff HTTP/1.1\r\n" H END, 400),
        STAYS("GET /ok?a=%zz HTTP/1.1\r\n" H END, 400),
        STAYS("GET /ok?a=%ff HTTP/1.1\r\n" H END, 400),
        STAYS("GET /ok?a=%00 HTTP/1.1\r\n" H END, 200),
    };
    CHECK_ROWS(rows);
}

TASK_TEST(rows_of_the_fields)
{
    static const struct row rows[] = {
        CLOSES("GET /ok HTTP/1.1\r\n" END, 400),
        CLOSES("GET /ok HTTP/1.1\r\n" H H END, 400),
        CLOSES("GET /ok HTTP/1.1\r\nHost: a b\r\n" END, 400),
        CLOSES("GET /ok HTTP/1.1\r\n" H "X : y\r\n" END, 400),
        CLOSES("GET /ok HTTP/1.1\r\n" H "X: y\r\n z\r\n" END, 400),
        CLOSES("GET /ok HTTP/1.1\r\n" H "X: \0\r\n" END, 400),
        STAYS("GET /ok HTTP/1.1\r\n" H "Expect: 100-continue\r\n" END, 200),
        STAYS("GET /ok HTTP/1.1\r\n" H "Expect: much\r\n" END, 417),
        STAYS("GET /ok HTTP/1.1\r\n" H "Connection: upgrade\r\nUpgrade: websocket\r\n" END, 200),
    };
    CHECK_ROWS(rows);
}

TASK_TEST(class_01_02_03_rows_of_the_framing)
{
    static const struct row rows[] = {
        STAYS("POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\n" END "hello", 200),
        STAYS("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n" END
              "5\r\nhello\r\n0\r\n\r\n",
              200),
        CLOSES("POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END
               "0\r\n\r\n",
               400),
        CLOSES("POST /echo HTTP/1.1\r\n" H "Content-Length: +5\r\n" END "hello", 400),
        CLOSES("POST /echo HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 5\r\n" END "hello",
               400),
        CLOSES("POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n" END "0\r\n\r\n",
               501),
        CLOSES("POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" END "0\r\n\r\n", 400),
        STAYS("POST /echo HTTP/1.1\r\n" H "Content-Encoding: pack\r\nContent-Length: 2\r\n" END
              "ab",
              415),
        STAYS("POST /nothing HTTP/1.1\r\n" H "Content-Length: 5\r\n" END "hello", 404),
        CLOSES("POST /nothing HTTP/1.1\r\n" H "Content-Length: 70000\r\n" END, 404),
        CLOSES("POST /nothing HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n" END, 404),
    };
    CHECK_ROWS(rows);
}

TASK_TEST(class_04_10_rows_of_chunks_and_trailers)
{
#define CHUNKED "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n" END
    static const struct row rows[] = {
        STAYS(CHUNKED "5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n", 200),
        STAYS(CHUNKED "5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n", 200),
        CLOSES(CHUNKED "5 \r\nhello\r\n0\r\n\r\n", 400),
        CLOSES(CHUNKED "00000000000000005\r\nhello\r\n0\r\n\r\n", 400),
        CLOSES(CHUNKED "5\r\nhello0\r\n\r\n", 400),
        CLOSES(CHUNKED "5\r\nhello\r\n0\r\nX\r\n\r\n", 400),
        CLOSES(CHUNKED "800001\r\n", 413),
    };
    CHECK_ROWS(rows);
}

TASK_TEST(bodies_over_the_limit_are_refused_at_their_length)
{
    static const struct row rows[] = {
        STAYS("POST /small HTTP/1.1\r\n" H "Content-Length: 16\r\n" END "0123456789abcdef", 200),
        CLOSES("POST /small HTTP/1.1\r\n" H "Content-Length: 17\r\n" END, 413),
        CLOSES("POST /echo HTTP/1.1\r\n" H "Content-Length: 8388609\r\n" END, 413),
        CLOSES("POST /small HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n" END "11\r\n", 413),
        CLOSES("POST /stream HTTP/1.1\r\n" H "Content-Length: 8388609\r\n" END, 413),
    };
    CHECK_ROWS(rows);
}

TASK_TEST(answers_carry_what_was_asked)
{
    struct site site;
    struct answer answer;
    CHECK_OK(site_open(&site, NULL));

    CHECK_EQ(ask(&site, "GET /item/a%20b?x=1&q=c+d%2B HTTP/1.1\r\n" H END, &answer), 200);
    CHECK_STR(answer.body, "a b|c d+");
    CHECK_STR(answer_field(&answer, "Content-Type"), "text/plain; charset=utf-8");
    CHECK_EQ(strlen(answer_field(&answer, "Date")), 29);
    CHECK(answer_field(&answer, "X-Request-Id") == NULL);
    answer_fini(&answer);

    CHECK_EQ(ask(&site, "GET /nothing HTTP/1.1\r\n" H "X-Request-Id: my-id_1\r\n" END, &answer),
             404);
    CHECK_STR(answer_field(&answer, "X-Request-Id"), "my-id_1");
    CHECK(strstr(answer.body, "\"code\":\"not_found\"") != NULL);
    CHECK(strstr(answer.body, "\"request_id\":\"my-id_1\"") != NULL);
    answer_fini(&answer);

    CHECK_EQ(ask(&site, "GET /ok HTTP/1.1\r\n" H "X-Request-Id: a b\r\n" END, &answer), 200);
    CHECK(answer_field(&answer, "X-Request-Id") == NULL);
    answer_fini(&answer);

    CHECK_EQ(ask(&site, "PUT /ok HTTP/1.1\r\n" H END, &answer), 405);
    CHECK_STR(answer_field(&answer, "Allow"), "GET, HEAD, OPTIONS");
    CHECK(strstr(answer.body, "\"message\":\"This path does not have that method. Allowed: GET, "
                              "HEAD, OPTIONS.\",") != NULL);
    answer_fini(&answer);

    CHECK_EQ(ask(&site, "GET /fail?rc=22 HTTP/1.1\r\n" H END, &answer), 500);
    CHECK(strstr(answer.body, "\"message\":\"it \\\"failed\\\"\"") != NULL);
    answer_fini(&answer);
    CHECK_EQ(ask(&site, "GET /fail?rc=110 HTTP/1.1\r\n" H END, NULL), 504);
    CHECK_EQ(ask(&site, "GET /fail?rc=12 HTTP/1.1\r\n" H END, NULL), 503);
    CHECK_OK(site_close(&site));
}

/* Paths and queries are text, checked once where they come in. */
TASK_TEST(class_29_bytes_that_are_not_utf8_are_refused)
{
    static const char *const bad[] = {"/item/%c0%af", "/item/%ed%a0%80", "/item/\xff",
                                      "/item/a?q=%f5", "/item/a?%80=q"};
    struct site site;
    char text[128];
    CHECK_OK(site_open(&site, NULL));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        note("%s", bad[i]);
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\n" H END, bad[i]);
        CHECK_EQ(ask(&site, text, NULL), 400);
    }
    CHECK_EQ(ask(&site, "GET /item/\xc3\xa4?q=%E2%82%AC HTTP/1.1\r\n" H END, NULL), 200);
    CHECK_OK(site_close(&site));
}

/* An id with a control character would have to be escaped by every log: a new one is made. */
TASK_TEST(class_31_a_request_id_cannot_break_a_line)
{
    struct site site;
    struct answer answer;
    char text[512], long_id[130];
    memset(long_id, 'i', sizeof long_id - 1);
    long_id[sizeof long_id - 1] = 0;
    const char *const bad[] = {"a\tb", "a\xc3\xa4", "", long_id};
    CHECK_OK(site_open(&site, NULL));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        snprintf(text, sizeof text, "GET /nothing HTTP/1.1\r\n" H "X-Request-Id: %s\r\n" END,
                 bad[i]);
        CHECK_EQ(ask(&site, text, &answer), 404);
        const char *id = answer_field(&answer, "X-Request-Id");
        CHECK_EQ(strlen(id), 16);
        CHECK_EQ(strspn(id, "0123456789abcdef"), 16);
        CHECK(strstr(answer.body, id) != NULL);
        answer_fini(&answer);
    }
    long_id[128] = 0;
    snprintf(text, sizeof text, "GET /nothing HTTP/1.1\r\n" H "X-Request-Id: %s\r\n" END, long_id);
    CHECK_EQ(ask(&site, text, &answer), 404);
    CHECK_STR(answer_field(&answer, "X-Request-Id"), long_id);
    answer_fini(&answer);
    CHECK_OK(site_close(&site));
}

TASK_TEST(head_is_answered_without_a_body)
{
    struct site site;
    CHECK_OK(site_open(&site, NULL));
    weft_stream *client = client_open(&site);
    client_send(client,
                "HEAD /ok HTTP/1.1\r\n" H END "HEAD /count?n=3 HTTP/1.1\r\n" H END
                "HEAD /nothing HTTP/1.1\r\n" H END "HEAD /length?n=0 HTTP/1.1\r\n" H END NEXT);
    char all[4096];
    size_t len = 0;
    ssize_t count;
    while ((count = weft_stream_read(client, all + len, sizeof all - 1 - len)) > 0)
        len += (size_t)count;
    CHECK_EQ(count, 0);
    all[len] = 0;
    const char *first = strstr(all, "\r\n\r\n");
    CHECK(memmem(all, (size_t)(first + 2 - all), "Content-Length: 3\r\n", 19) != NULL);
    CHECK_EQ(strncmp(first + 4, "HTTP/1.1 200 OK\r\n", 17), 0);
    const char *second = strstr(first + 4, "\r\n\r\n");
    CHECK_EQ(strncmp(second + 4, "HTTP/1.1 404 ", 13), 0);
    const char *third = strstr(second + 4, "\r\n\r\n");
    CHECK_EQ(strncmp(third + 4, "HTTP/1.1 200 OK\r\n", 17), 0);
    const char *fourth = strstr(third + 4, "\r\n\r\n");
    CHECK(memmem(third, (size_t)(fourth + 2 - third), "Content-Length: 10\r\n", 20) != NULL);
    CHECK_EQ(strncmp(fourth + 4, "HTTP/1.1 200 OK\r\n", 17), 0);
    CHECK_STR(strstr(fourth + 4, "\r\n\r\n"), "\r\n\r\nok\n");
    weft_stream_close(client);
    CHECK_OK(site_close(&site));
}

/* Answers come in order, and everything behind a refused request is left alone. */
TASK_TEST(class_09_pipelined_requests_are_answered_in_order)
{
    struct site site;
    CHECK_OK(site_open(&site, NULL));
    weft_stream *client = client_open(&site);
    client_send(client, "GET /item/1 HTTP/1.1\r\n" H END "GET /sleep?ms=50 HTTP/1.1\r\n" H END
                        "POST /echo HTTP/1.1\r\n" H "Content-Length: 3\r\n" END "two"
                        "GET /nothing HTTP/1.1\r\n" H END "GET /item/5 HTTP/1.1\r\n" H END
                        "GET / HTTP/1.1\r\nX : y\r\n\r\nGET /item/7 HTTP/1.1\r\n" H END);
    static const struct {
        int status;
        const char *body;
    } rows[] = {{200, "1|"}, {200, "slept\n"}, {200, "two"}, {404, NULL}, {200, "5|"}, {400, NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct answer answer;
        note("answer %zu", i);
        CHECK_OK(client_read(client, &answer));
        CHECK_EQ(answer.status, rows[i].status);
        if (rows[i].body != NULL)
            CHECK_STR(answer.body, rows[i].body);
        answer_fini(&answer);
    }
    CHECK(client_is_closed(client));
    weft_stream_close(client);
    CHECK_OK(site_close(&site));
}

/* A head of `bytes` bytes with a field that makes it so long. */
static void put_long(char *out, size_t bytes)
{
    int used = snprintf(out, 64, "GET /ok HTTP/1.1\r\n" H "A: ");
    memset(out + used, 'x', bytes - (size_t)used);
    memcpy(out + bytes - 4, "\r\n\r\n", 4);
}

/* Behind the first, more arrives than the server reads ahead.  Of the last head then more is unread
 * than the mark at which reading goes on, and it is not whole. */
TASK_TEST(class_09_the_last_pipelined_head_is_read_to_its_end)
{
    enum { LONG = 15000, LAST = 18000, SENT_LAST = 17500 };
    static char heads[2 * LONG + LAST];
    struct site site;
    CHECK_OK(site_open(&site, &(weft_http_options){
                                  .limits = {.head_bytes_max = 20000, .field_bytes_max = 20000}}));
    put_long(heads, LONG);
    put_long(heads + LONG, LONG);
    put_long(heads + 2 * LONG, LAST);
    weft_stream *client = client_open(&site);
    client_send(client, "GET /wait HTTP/1.1\r\n" H END);
    client_send_bytes(client, heads, 2 * LONG + SENT_LAST);
    CHECK_OK(weft_sleep(WEFT_SEC));
    client_send_bytes(client, heads + 2 * LONG + SENT_LAST, LAST - SENT_LAST);
    CHECK_OK(weft_sleep(WEFT_SEC));
    site_gate_open();
    for (int i = 0; i < 4; i++) {
        struct answer answer;
        note("answer %d", i);
        CHECK_OK(client_read(client, &answer));
        CHECK_EQ(answer.status, 200);
        answer_fini(&answer);
    }
    weft_stream_close(client);
    CHECK_OK(site_close(&site));
}

TASK_TEST(bytes_behind_the_last_request_are_ignored)
{
    struct site site;
    struct answer answer;
    static const char *const texts[] = {
        NEXT "GET /item/2 HTTP/1.1\r\n" H END,
        "GET /ok HTTP/1.0\r\n" END "GET /item/2 HTTP/1.0\r\n" END,
        NEXT "\x01\x02 nonsense",
    };
    CHECK_OK(site_open(&site, NULL));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        weft_stream *client = client_open(&site);
        client_send(client, texts[i]);
        CHECK_OK(client_read(client, &answer));
        CHECK_EQ(answer.status, 200);
        CHECK(client_is_closed(client));
        weft_stream_close(client);
        answer_fini(&answer);
    }
    CHECK_OK(site_close(&site));
}

/* A text cut anywhere gives the same answers. */
TASK_TEST(every_cut_of_a_conversation_is_answered_the_same)
{
    static const char text[] =
        "\r\nPOST /echo HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n" END
        "3\r\nabc\r\n2;x\r\nde\r\n"
        "0\r\nT: u\r\n\r\n"
        "POST /stream HTTP/1.1\r\n" H "Content-Length: 4\r\n" END "four" NEXT;
    struct site site;
    CHECK_OK(site_open(&site, NULL));
    for (size_t cut = 1; cut < sizeof text - 1; cut++) {
        struct answer first, second, third;
        note("cut %zu", cut);
        weft_stream *client = client_open(&site);
        client_send_bytes(client, text, cut);
        CHECK_OK(weft_sleep(WEFT_MS));
        client_send_bytes(client, text + cut, sizeof text - 1 - cut);
        CHECK_OK(client_read(client, &first));
        CHECK_OK(client_read(client, &second));
        CHECK_OK(client_read(client, &third));
        CHECK_STR(first.body, "abcde");
        CHECK_STR(second.body, "four");
        CHECK_STR(third.body, "ok\n");
        CHECK(client_is_closed(client));
        weft_stream_close(client);
        answer_fini(&first);
        answer_fini(&second);
        answer_fini(&third);
    }
    CHECK_OK(site_close(&site));
}

TASK_TEST(streamed_answers_are_chunked_or_end_with_the_connection)
{
    struct site site;
    struct answer answer;
    CHECK_OK(site_open(&site, NULL));
    CHECK_EQ(ask(&site, "GET /count?n=3 HTTP/1.1\r\n" H END, &answer), 200);
    CHECK_STR(answer_field(&answer, "Transfer-Encoding"), "chunked");
    CHECK_STR(answer.body, "line 0\nline 1\nline 2\n");
    answer_fini(&answer);

    CHECK_EQ(ask(&site, "GET /count?n=2 HTTP/1.0\r\nConnection: keep-alive\r\n" END, &answer), 200);
    CHECK(answer.is_to_end);
    CHECK_STR(answer_field(&answer, "Connection"), "close");
    CHECK_STR(answer.body, "line 0\nline 1\n");
    answer_fini(&answer);

    CHECK_EQ(ask(&site, "GET /length?n=10 HTTP/1.1\r\n" H END, &answer), 200);
    CHECK_STR(answer.body, "xxxxxxxxxx");
    answer_fini(&answer);
    CHECK_OK(site_close(&site));
}

/* The client must see that an answer is not whole. */
TASK_TEST(class_26_an_answer_shorter_than_promised_is_broken_off)
{
    struct site site;
    struct answer answer;
    CHECK_OK(site_open(&site, NULL));
    weft_stream *client = client_open(&site);
    client_send(client, "GET /length?n=9 HTTP/1.1\r\n" H END);
    CHECK_LT(client_read(client, &answer), 0);
    weft_stream_close(client);
    answer_fini(&answer);
    CHECK_EQ(ask(&site, "GET /length?n=0 HTTP/1.1\r\n" H END, NULL), 500); /* none of it */
    CHECK_EQ(ask(&site, "GET /length?n=10 HTTP/1.1\r\n" H END, NULL), 200);
    client = client_open(&site);
    client_send(client, "GET /length?n=11 HTTP/1.1\r\n" H END);
    CHECK_LT(client_read(client, &answer), 0); /* the eleventh write failed, so did the handler */
    weft_stream_close(client);
    answer_fini(&answer);
    CHECK_OK(site_close(&site));
}

TASK_TEST(class_24_a_handler_cannot_split_its_answer)
{
    struct site site;
    struct answer answer;
    CHECK_OK(site_open(&site, NULL));
    CHECK_EQ(ask(&site, "GET /split HTTP/1.1\r\n" H END, &answer), 200);
    CHECK(answer_field(&answer, "Set-Cookie") == NULL);
    CHECK_STR(answer_field(&answer, "X-Fine"), "fine");
    CHECK_STR(answer.body, "whole\n");
    answer_fini(&answer);
    CHECK_OK(site_close(&site));
}

static int answer_abroad(void *arg)
{
    weft_http_response *res = arg;
    CHECK_EQ(weft_http_respond_text(res, 200, "no\n"), -EPERM);
    CHECK_STR(weft_error_text(), "HTTP answer: it belongs to another loop");
    CHECK_EQ(weft_http_write(res, "no\n", 3), -EPERM);
    return 0;
}

static int read_abroad(void *arg)
{
    char byte;
    CHECK_EQ(weft_http_read(arg, &byte, 1), -EPERM);
    return 0;
}

static int answer_at_home(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)arg;
    CHECK_OK(weft_await(weft_spawn_on(weft_loop_at(1), read_abroad, req)));
    CHECK_OK(weft_await(weft_spawn_on(weft_loop_at(1), answer_abroad, res)));
    return weft_http_respond_text(res, 200, "home\n");
}

LOOPS_TEST(an_answer_is_given_by_tasks_of_its_loop, 2)
{
    struct site site;
    struct answer answer;
    CHECK_OK(site_open(&site, NULL));
    site_handler = answer_at_home;
    CHECK_EQ(ask(&site, "GET /test HTTP/1.1\r\n" H END, &answer), 200);
    CHECK_STR(answer.body, "home\n");
    answer_fini(&answer);
    CHECK_OK(site_close(&site));
}

static int set_twice(weft_http_request *req, weft_http_response *res, void *arg)
{
    static const weft_str types[] = {WEFT_STR("a/first"), WEFT_STR("a/second")};
    static const weft_str places[] = {WEFT_STR("/first"), WEFT_STR("/second")};
    (void)arg;
    CHECK_OK(weft_http_set_field(res, "X-More", types[0]));
    for (int i = 0; i < 2; i++) {
        CHECK_OK(weft_http_set_field(res, "content-type", types[i]));
        CHECK_OK(weft_http_set_field(res, "Location", places[i]));
        CHECK_OK(weft_http_set_field(res, "X-More", types[i]));
    }
    CHECK_EQ(weft_http_set_field(res, "Location", (weft_str)WEFT_STR("/\n")), -EINVAL);
    bool has_type = weft_http_query(req).len != 0;
    return weft_http_respond(res, 201, has_type ? "a/third" : NULL, "", 0);
}

/* RFC 9110 5.3: of these one is all that an answer may have. */
TASK_TEST(an_answer_has_one_type_and_one_place)
{
    static const struct {
        const char *request, *head;
    } rows[] = {
        {"GET /test HTTP/1.1\r\n" H END,
         "X-More: a/first\r\nX-More: a/first\r\ncontent-type: a/second\r\n"
         "Location: /second\r\nX-More: a/second\r\n"},
        {"GET /test?typed HTTP/1.1\r\n" H END,
         "X-More: a/first\r\nX-More: a/first\r\nLocation: /second\r\nX-More: a/second\r\n"},
    };
    struct site site;
    struct answer answer;
    CHECK_OK(site_open(&site, NULL));
    site_handler = set_twice;
    for (size_t i = 0; i < 2; i++) {
        CHECK_EQ(ask(&site, rows[i].request, &answer), 201);
        CHECK(strstr(answer.head, rows[i].head) != NULL);
        CHECK_EQ(strstr(answer.head, "Content-Type: a/third\r\n") != NULL, i == 1);
        answer_fini(&answer);
    }
    CHECK_OK(site_close(&site));
}

TASK_TEST(expect_continue_is_answered_before_the_body_comes)
{
    static const char *const paths[] = {"/echo", "/stream", "/layered"};
    struct site site;
    struct answer answer;
    char text[256];
    CHECK_OK(site_open(&site, NULL));
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        weft_stream *client = client_open(&site);
        snprintf(text, sizeof text,
                 "POST %s HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 5\r\n" END,
                 paths[i]);
        client_send(client, text);
        CHECK_OK(client_read(client, &answer));
        CHECK_EQ(answer.status, 100);
        client_send(client, "hello");
        CHECK_OK(client_read(client, &answer));
        CHECK_EQ(answer.status, 200);
        CHECK_STR(answer.body, "hello");
        answer_fini(&answer);
        weft_stream_close(client);
    }
    /* A body nobody wants is not asked for, and might come all the same: the connection ends. */
    static const char *const unwanted[] = {"/nothing", "/layered"};
    for (size_t i = 0; i < sizeof unwanted / sizeof unwanted[0]; i++) {
        weft_stream *client = client_open(&site);
        snprintf(text, sizeof text,
                 "POST %s HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 5\r\n"
                 "X-Refuse: 1\r\n" END,
                 unwanted[i]);
        client_send(client, text);
        CHECK_OK(client_read(client, &answer));
        CHECK_EQ(answer.status, i == 0 ? 404 : 401);
        CHECK(client_is_closed(client));
        answer_fini(&answer);
        weft_stream_close(client);
    }
    CHECK_OK(site_close(&site));
}

static int answer_then_read(weft_http_request *req, weft_http_response *res, void *arg)
{
    char piece[16];
    ssize_t count;
    (void)arg;
    WEFT_TRY(weft_http_write(res, "first ", 6));
    while ((count = weft_http_read(req, piece, sizeof piece)) > 0)
        WEFT_TRY(weft_http_write(res, piece, (size_t)count));
    return (int)count;
}

/* It would stand in the middle of the body. */
TASK_TEST(expect_continue_is_not_answered_behind_the_beginning_of_an_answer)
{
    struct site site;
    struct answer answer;
    site_handler = answer_then_read;
    CHECK_OK(site_open(&site, NULL));
    weft_stream *client = client_open(&site);
    client_send(client,
                "POST /late HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 5\r\n" END);
    CHECK_OK(weft_sleep(WEFT_SEC)); /* as long as clients wait for it */
    client_send(client, "hello");
    CHECK_OK(client_read(client, &answer));
    CHECK_EQ(answer.status, 200);
    CHECK_STR(answer.body, "first hello");
    answer_fini(&answer);
    weft_stream_close(client);
    CHECK_OK(site_close(&site));
}

TASK_TEST(large_bodies_pass_in_both_directions)
{
    struct site site;
    struct answer answer;
    size_t bytes = 3 * 1024 * 1024;
    char *body = malloc(bytes), head[128];
    for (size_t i = 0; i < bytes; i++)
        body[i] = (char)(i * 7 + i / 251);
    CHECK_OK(site_open(&site, NULL));
    weft_stream *client = client_open(&site);
    snprintf(head, sizeof head, "POST /echo HTTP/1.1\r\n" H "Content-Length: %zu\r\n" END, bytes);
    client_send(client, head);
    client_send_bytes(client, body, bytes);
    CHECK_OK(client_read(client, &answer));
    CHECK_BYTES(answer.body, answer.body_bytes, body, bytes);
    answer_fini(&answer);
    weft_stream_close(client);

    CHECK_EQ(ask(&site, "GET /large?kib=2000 HTTP/1.1\r\n" H END, &answer), 200);
    CHECK_EQ(answer.body_bytes, 2000 * 1024);
    answer_fini(&answer);
    weft_http_stats stats;
    weft_http_server_get_stats(site.server, &stats);
    CHECK_EQ(stats.bodies_bytes, 0);
    free(body);
    CHECK_OK(site_close(&site));
}

TASK_TEST(requests_of_a_connection_are_counted)
{
    struct site site;
    struct answer answer;
    weft_http_options options = {.limits.requests_per_connection_max = 3};
    CHECK_OK(site_open(&site, &options));
    weft_stream *client = client_open(&site);
    for (int i = 0; i < 3; i++) {
        client_send(client, "GET /ok HTTP/1.1\r\n" H END);
        CHECK_OK(client_read(client, &answer));
        CHECK_EQ(answer_field(&answer, "Connection") != NULL, i == 2);
        answer_fini(&answer);
    }
    CHECK(client_is_closed(client));
    weft_stream_close(client);
    CHECK_OK(site_close(&site));
}

#define KIB ((uint64_t)1024)

/* All of them, in their order. */
static const struct {
    const char *name;
    uint64_t value;
    const char *unit;
} defaults[] = {
    {"head_bytes_max", 64 * KIB, "bytes"},
    {"line_bytes_max", 8 * KIB, "bytes"},
    {"field_bytes_max", 16 * KIB, "bytes"},
    {"field_count_max", 100, ""},
    {"empty_line_count_max", 4, ""},
    {"query_count_max", 1000, ""},
    {"cookie_count_max", 100, ""},
    {"body_bytes_max", 8 * KIB *KIB, "bytes"},
    {"bodies_bytes_max", 256 * KIB *KIB, "bytes"},
    {"decoded_ratio_max", 200, ""},
    {"chunk_line_bytes_max", 256, "bytes"},
    {"extension_bytes_max", 16 * KIB, "bytes"},
    {"trailer_bytes_max", 8 * KIB, "bytes"},
    {"trailer_count_max", 32, ""},
    {"head_time_max", 10 * WEFT_SEC, "ns"},
    {"body_idle_max", 20 * WEFT_SEC, "ns"},
    {"body_grace", 10 * WEFT_SEC, "ns"},
    {"body_rate_min", KIB, "bytes/s"},
    {"keep_alive_max", 60 * WEFT_SEC, "ns"},
    {"write_idle_max", 30 * WEFT_SEC, "ns"},
    {"write_rate_min", KIB, "bytes/s"},
    {"handler_time_max", 60 * WEFT_SEC, "ns"},
    {"connection_age_max", 3600 * WEFT_SEC, "ns"},
    {"half_close_grace", 100 * WEFT_MS, "ns"},
    {"requests_per_connection_max", 10000, ""},
    {"connection_count_max", 0, ""}, /* of the descriptors that there are */
    {"address_connections_max", 0, ""},
    {"in_hand_max", 64, ""},
    {"waiting_max", 1024, ""},
    {"queue_max", 256, ""},
    {"queue_time_max", 500 * WEFT_MS, "ns"},
    {"reserve", 8, ""},
    {"deferred_max", 1024, ""},
    {"h2_stream_count_max", 100, ""},
    {"h2_table_bytes_max", 4 * KIB, "bytes"},
    {"h2_stream_window", 64 * KIB, "bytes"},
    {"h2_window", KIB *KIB, "bytes"},
    {"h2_continuation_count_max", 8, ""},
    {"h2_reset_burst", 1000, ""},
    {"h2_reset_rate", 33, "/s"},
    {"h2_odd_burst", 1000, ""},
    {"h2_odd_rate", 100, "/s"},
    {"h2_control_count_max", 1000, ""},
};

TASK_TEST(limits_are_those_of_the_header_and_can_be_read_by_name)
{
    struct site site;
    uint64_t value;
    const char *name, *unit;
    size_t count = 0;
    CHECK_OK(site_open(&site, NULL));
    for (; (name = weft_http_limit_at(site.server, count, &value, &unit)) != NULL; count++) {
        note("%s", name);
        CHECK_LT(count, sizeof defaults / sizeof defaults[0]);
        CHECK_STR(name, defaults[count].name);
        CHECK_STR(unit, defaults[count].unit);
        if (strcmp(name, "connection_count_max") == 0)
            CHECK_GT(value, 0);
        else
            CHECK_EQ(value, defaults[count].value);
    }
    CHECK_EQ(count, sizeof defaults / sizeof defaults[0]);
    CHECK_OK(site_close(&site));
}
