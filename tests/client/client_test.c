/* SPDX-License-Identifier: MIT */

/* Requests and answers, against our own server and against scripts. */

#include <weft.h>
#include <weft/client.h>

#include "fixture.h"
#include "liar.h"

#include <stdlib.h>

TASK_TEST(a_page_is_fetched)
{
    struct fixture self;
    weft_client_response page;
    CHECK_OK(fixture_open(&self, NULL));
    CHECK_OK(weft_client_get(self.client, fixture_url(&self, "/ok"), &page));
    CHECK_EQ(page.status, 200);
    CHECK_BYTES(page.body.ptr, page.body.len, "ok\n", 3);
    CHECK_EQ(page.body.ptr[3], 0);
    weft_str type = weft_client_response_field(&page, "content-type");
    CHECK_BYTES(type.ptr, type.len, "text/plain", 10);
    CHECK(weft_client_response_field(&page, "absent").ptr == NULL);
    CHECK_STR(fixture_url(&self, "/ok"), page.url.ptr);
    weft_client_response_free(&page);
    weft_client_response_free(&page);
    CHECK_OK(fixture_close(&self));
}

static int get_abroad(void *arg)
{
    const struct fixture *self = arg;
    weft_client_response page;
    CHECK_EQ(weft_client_get(self->client, "http://127.0.0.1:1/", &page), -EPERM);
    CHECK_STR(weft_error_text(), "HTTP client: it belongs to another loop");
    return 0;
}

LOOPS_TEST(a_client_serves_the_tasks_of_its_loop, 2)
{
    struct fixture self;
    CHECK_OK(fixture_open(&self, NULL));
    CHECK_OK(weft_await(weft_spawn_on(weft_loop_at(1), get_abroad, &self)));
    CHECK_OK(fixture_close(&self));
}

TASK_TEST(connections_are_kept_between_requests)
{
    struct fixture self;
    CHECK_OK(fixture_open(&self, NULL));
    for (int i = 0; i < 5; i++) {
        weft_client_trace trace;
        weft_client_response page;
        weft_client_request request = {.url = fixture_url(&self, i % 2 ? "/count?n=3" : "/ok"),
                                       .trace = &trace};
        CHECK_OK(weft_client_fetch(self.client, &request, &page));
        CHECK_EQ(page.status, 200);
        CHECK_EQ(trace.is_reused, i > 0);
        CHECK_EQ(trace.attempts, 1);
        CHECK_EQ(trace.phase, WEFT_CLIENT_DONE);
        CHECK_EQ(trace.read_bytes, page.body.len);
        weft_client_response_free(&page);
    }
    CHECK_OK(fixture_close(&self));
}

TASK_TEST(a_body_is_sent_and_comes_back)
{
    struct fixture self;
    CHECK_OK(fixture_open(&self, NULL));
    size_t sizes[] = {0, 1, 8191, 8192, 100000, 1 << 20};
    char *body = malloc(1 << 20);
    for (size_t i = 0; i < 1 << 20; i++)
        body[i] = (char)(i * 7 % 251);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        weft_client_trace trace;
        weft_client_response echo;
        weft_client_request request = {
            .url = fixture_url(&self, "/echo"), .body = {body, sizes[i]}, .trace = &trace};
        note("%zu bytes", sizes[i]);
        CHECK_OK(weft_client_fetch(self.client, &request, &echo));
        CHECK_EQ(echo.status, 200);
        CHECK_BYTES(echo.body.ptr, echo.body.len, body, sizes[i]);
        CHECK_EQ(trace.sent_bytes, sizes[i]);
        weft_client_response_free(&echo);
    }
    free(body);
    CHECK_OK(fixture_close(&self));
}

struct source {
    size_t left, step;
};

static ssize_t source_read(void *buf, size_t bytes, void *arg)
{
    struct source *source = arg;
    size_t count = source->left < source->step ? source->left : source->step;
    count = count < bytes ? count : bytes;
    memset(buf, 'x', count);
    source->left -= count;
    int rc = weft_sleep(WEFT_MS);
    return rc < 0 ? rc : (ssize_t)count;
}

TASK_TEST(a_body_may_come_from_a_function_with_and_without_a_length)
{
    struct fixture self;
    CHECK_OK(fixture_open(&self, NULL));
    for (int has_length = 0; has_length < 2; has_length++) {
        struct source source = {.left = 20000, .step = 3000};
        weft_client_response echo;
        weft_client_request request = {.url = fixture_url(&self, "/stream"),
                                       .body_read = source_read,
                                       .body_arg = &source,
                                       .body_bytes = has_length ? 20000 : 0};
        CHECK_OK(weft_client_fetch(self.client, &request, &echo));
        CHECK_EQ(echo.status, 200);
        CHECK_EQ(echo.body.len, 20000);
        weft_client_response_free(&echo);
    }
    struct source source = {.left = 10, .step = 10};
    weft_client_response none;
    weft_client_request request = {.url = fixture_url(&self, "/stream"),
                                   .body_read = source_read,
                                   .body_arg = &source,
                                   .body_bytes = 11};
    CHECK_EQ(weft_client_fetch(self.client, &request, &none), -WEFT_ETRUNCATED);
    CHECK_OK(fixture_close(&self));
}

TASK_TEST(an_answer_is_read_piece_by_piece_and_may_be_left)
{
    struct fixture self;
    weft_exchange *exchange;
    CHECK_OK(fixture_open(&self, NULL));
    weft_client_request request = {.url = fixture_url(&self, "/large?kib=1024")};
    CHECK_OK(weft_exchange_open(&exchange, self.client, &request));
    CHECK_EQ(weft_exchange_status(exchange), 200);
    CHECK_EQ(weft_exchange_length(exchange), 1 << 20);
    char piece[100];
    size_t total = 0;
    for (int i = 0; i < 50; i++) {
        ssize_t got = weft_exchange_read(exchange, piece, sizeof piece);
        CHECK_GT(got, 0);
        for (ssize_t at = 0; at < got; at++)
            CHECK_EQ(piece[at], 'a' + (int)((total + (size_t)at) % 23));
        total += (size_t)got;
    }
    weft_exchange_close(exchange); /* in the middle: its connection is cut */
    weft_client_trace trace;
    request = (weft_client_request){.url = fixture_url(&self, "/ok"), .trace = &trace};
    CHECK_OK(weft_exchange_open(&exchange, self.client, &request));
    CHECK(!trace.is_reused);
    for (total = 0; total < 3;) {
        ssize_t got = weft_exchange_read(exchange, piece, sizeof piece);
        CHECK_GT(got, 0);
        total += (size_t)got;
    }
    CHECK_EQ(weft_exchange_read(exchange, piece, sizeof piece), 0);
    CHECK_EQ(weft_exchange_read(exchange, piece, sizeof piece), 0);
    CHECK_EQ(weft_exchange_read(exchange, piece, 0), -EINVAL);
    weft_client_field field;
    size_t count = 0;
    while (weft_exchange_field_at(exchange, count, &field))
        count++;
    CHECK_GE(count, 2);
    weft_exchange_close(exchange);
    CHECK_OK(fixture_close(&self));
}

/* ---- what is sent ---- */

#define OK_EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static void fetch_ok(weft_client *client, const weft_client_request *request, int status)
{
    weft_client_response page;
    CHECK_OK(weft_client_fetch(client, request, &page));
    CHECK_EQ(page.status, status);
    weft_client_response_free(&page);
}

TASK_TEST(the_head_says_what_is_needed_and_no_more)
{
    static const struct liar_step steps[] = {
        {.answer = OK_EMPTY},
        {.answer = OK_EMPTY, .body_bytes = 2},
        {.answer = OK_EMPTY},
        {.answer = OK_EMPTY},
    };
    struct liar liar;
    weft_client *client;
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    weft_client_field field = {WEFT_STR("X-Trace"), WEFT_STR("a b")};
    weft_client_request request = {.url = liar_url(liar.port, "/a%20b?c#d"),
                                   .fields = &field,
                                   .field_count = 1,
                                   .keeps_coding = true};
    fetch_ok(client, &request, 200);
    char want[512];
    snprintf(want, sizeof want,
             "GET /a%%20b?c HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: weft/%s\r\n"
             "X-Trace: a b\r\n\r\n",
             (unsigned)liar.port, weft_version());
    CHECK_STR(liar.heads[0], want);

    request = (weft_client_request){
        .url = liar_url(liar.port, ""), .body = WEFT_STR("{}"), .type = "application/json"};
    fetch_ok(client, &request, 200);
    CHECK_EQ(strncmp(liar.heads[1], "POST / HTTP/1.1\r\n", 17), 0);
    CHECK(liar_heard(&liar, 1, "Content-Length: 2"));
    CHECK(liar_heard(&liar, 1, "Content-Type: application/json"));

    request = (weft_client_request){.url = liar_url(liar.port, "/"), .method = "POST"};
    fetch_ok(client, &request, 200);
    CHECK(liar_heard(&liar, 2, "Content-Length: 0"));
    request.method = "HEAD";
    fetch_ok(client, &request, 200);
    CHECK(strstr(liar.heads[3], "Content-Length") == NULL);
    CHECK_KEPT(liar);
    weft_client_free(client);
    liar_close(&liar);
}

/* Class 24: nothing a caller gives can end a line. */
TASK_TEST(what_could_split_a_request_is_refused_before_sending)
{
    weft_client *client;
    weft_client_response none;
    CHECK_OK(weft_client_new(&client, NULL));
    static const weft_client_field bad[] = {
        {WEFT_STR("X"), WEFT_STR("a\r\nY: b")},  {WEFT_STR("X: a\r\nY"), WEFT_STR("b")},
        {WEFT_STR(""), WEFT_STR("b")},           {WEFT_STR("X"), WEFT_STR("a\0b")},
        {WEFT_STR("Host"), WEFT_STR("b")},       {WEFT_STR("content-LENGTH"), WEFT_STR("1")},
        {WEFT_STR("Connection"), WEFT_STR("x")}, {WEFT_STR("Transfer-Encoding"), WEFT_STR("x")},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        weft_client_request request = {
            .url = "http://127.0.0.1:1/", .fields = &bad[i], .field_count = 1};
        note("field %zu", i);
        CHECK_EQ(weft_client_fetch(client, &request, &none), -EINVAL);
    }
    static const char *const methods[] = {"", "GET /", "G\r\nT", "CONNECT", "TRACE"};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        weft_client_request request = {.url = "http://127.0.0.1:1/", .method = methods[i]};
        CHECK_EQ(weft_client_fetch(client, &request, &none), -EINVAL);
    }
    weft_client_request request = {.url = "http://127.0.0.1:1/", .type = "a\r\nb"};
    CHECK_EQ(weft_client_fetch(client, &request, &none), -EINVAL);
    request = (weft_client_request){.url = "http://127.0.0.1:1/\r\nX: y"};
    CHECK_EQ(weft_client_fetch(client, &request, &none), -WEFT_ESYNTAX);
    int rc = weft_client_get(client, "https://127.0.0.1:1/", &none);
    CHECK(rc == -ECONNREFUSED || rc == -EPROTONOSUPPORT); /* with TLS, without */
    weft_client_free(client);
}

TASK_TEST(a_url_that_cannot_be_asked_is_quoted_without_secrets)
{
    static const struct {
        const char *url, *text;
    } rows[] = {
        {"htp://a/b?secret", "the URL does not begin with http:// or https://: \"htp://a/b\""},
        {"http://me:secret@a/", "a URL with a user name is not accepted; use a field"},
        {"htp://me:sec?ret@a/", "the URL does not begin with http:// or https://"},
        {"http://a/b\x1b[2Jc", "the URL has a control character at byte 10: \"http://a/b\""},
    };
    weft_client *client;
    weft_client_response none;
    CHECK_OK(weft_client_new(&client, NULL));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CHECK_EQ(weft_client_get(client, rows[i].url, &none), -WEFT_ESYNTAX);
        CHECK_STR(weft_error_text(), rows[i].text);
    }
    weft_client_free(client);
}

/* ---- redirects ---- */

TASK_TEST(redirects_are_followed_and_posts_turn_into_gets)
{
    static const struct liar_step steps[] = {
        {.answer = "HTTP/1.1 302 Found\r\nLocation: b?x\r\nContent-Length: 5\r\n\r\nhello",
         .body_bytes = 2},
        {.answer = "HTTP/1.1 307 T\r\nLocation: /c\r\nContent-Length: 0\r\n\r\n"},
        {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"},
        {.answer = "HTTP/1.1 308 P\r\nLocation: /d\r\nContent-Length: 0\r\n\r\n", .body_bytes = 2},
        {.answer = OK_EMPTY, .body_bytes = 2},
        {.answer = "HTTP/1.1 301 M\r\nLocation: /e\r\nContent-Length: 0\r\n\r\n"},
    };
    struct liar liar;
    weft_client *client;
    weft_client_trace trace;
    weft_client_response page;
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    weft_client_request request = {
        .url = liar_url(liar.port, "/dir/a"), .body = WEFT_STR("{}"), .trace = &trace};
    CHECK_OK(weft_client_fetch(client, &request, &page));
    CHECK_BYTES(page.body.ptr, page.body.len, "hi", 2);
    CHECK_STR(page.url.ptr, liar_url(liar.port, "/c"));
    CHECK_EQ(trace.redirects, 2);
    weft_client_response_free(&page);
    CHECK_EQ(strncmp(liar.heads[1], "GET /dir/b?x ", 13), 0);
    CHECK(strstr(liar.heads[1], "Content-Length") == NULL);
    request.url = liar_url(liar.port, "/");
    fetch_ok(client, &request, 200);
    CHECK_EQ(strncmp(liar.heads[4], "POST /d ", 8), 0);
    request = (weft_client_request){.url = liar_url(liar.port, "/"), .keeps_redirects = true};
    fetch_ok(client, &request, 301);
    CHECK_KEPT(liar);
    weft_client_free(client);
    liar_close(&liar);
}

/* Class 25: secrets and bodies stay with the origin they were meant for. */
TASK_TEST(class_25_another_origin_gets_no_secrets_and_no_body)
{
    struct liar second;
    static const struct liar_step there[] = {{.answer = OK_EMPTY}};
    LIAR_OPEN(&second, there);
    char answer[200];
    snprintf(answer, sizeof answer,
             "HTTP/1.1 307 T\r\nLocation: http://127.0.0.1:%u/x\r\nContent-Length: 0\r\n\r\n",
             (unsigned)second.port);
    struct liar_step here[] = {{.answer = answer, .body_bytes = 6}};
    struct liar first;
    LIAR_OPEN(&first, here);
    weft_client *client;
    CHECK_OK(weft_client_new(&client, NULL));
    weft_client_field fields[] = {{WEFT_STR("Authorization"), WEFT_STR("Bearer s")},
                                  {WEFT_STR("cookie"), WEFT_STR("a=b")},
                                  {WEFT_STR("X-Plain"), WEFT_STR("c")}};
    weft_client_request request = {.url = liar_url(first.port, "/"),
                                   .body = WEFT_STR("secret"),
                                   .fields = fields,
                                   .field_count = 3};
    fetch_ok(client, &request, 200);
    CHECK(liar_heard(&first, 0, "Authorization: Bearer s"));
    CHECK(strstr(second.heads[0], "Authorization") == NULL);
    CHECK(strstr(second.heads[0], "cookie") == NULL);
    CHECK(liar_heard(&second, 0, "X-Plain: c"));
    CHECK(liar_heard(&second, 0, "Content-Length: 0"));
    weft_client_free(client);
    liar_close(&first);
    liar_close(&second);
}

TASK_TEST(class_25_redirects_end_after_ten_and_at_other_schemes)
{
    static struct liar_step steps[13];
    for (int i = 0; i < 12; i++)
        steps[i].answer = "HTTP/1.1 302 F\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n";
    steps[11].answer = "HTTP/1.1 302 F\r\nLocation: file:///etc/passwd\r\n\r\n";
    struct liar liar;
    weft_client *client;
    weft_client_response none;
    char text[160];
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    CHECK_EQ(weft_client_get(client, liar_url(liar.port, "/a?secret"), &none), -ELOOP);
    CHECK_EQ(liar.requests, 11);
    snprintf(text, sizeof text,
             "more than 10 redirects (redirect_count_max), last from http://127.0.0.1:%u/again to "
             "http://127.0.0.1:%u/again",
             liar.port, liar.port);
    CHECK_STR(weft_error_text(), text);
    CHECK_EQ(weft_client_get(client, liar_url(liar.port, "/b?secret"), &none), -WEFT_ESYNTAX);
    snprintf(text, sizeof text,
             "http://127.0.0.1:%u/b redirects to what cannot be asked: the URL does not begin with "
             "http:// or https://",
             liar.port);
    CHECK_STR(weft_error_text(), text);
    weft_client_free(client);
    liar_close(&liar);
}

/* ---- sweeps ---- */

SCENARIO(fetches_survive_every_failure)
{
    struct fixture self;
    int rc = fixture_open(&self, NULL);
    for (int i = 0; i < 2 && rc == 0; i++) {
        weft_client_response echo;
        weft_client_request request = {.url = fixture_url(&self, "/echo"),
                                       .body = WEFT_STR("hello")};
        rc = weft_client_fetch(self.client, &request, &echo);
        if (rc == 0) {
            CHECK(echo.status != 200 || echo.body.len == 5); /* never half */
            weft_client_response_free(&echo);
        }
    }
    int ended = self.client != NULL || self.site.server != NULL ? fixture_close(&self) : 0;
    return rc < 0 ? rc : ended;
}
