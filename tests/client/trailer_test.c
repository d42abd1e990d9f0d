/* SPDX-License-Identifier: MIT */

/* What stands behind an answer's body, and what is said of the caller's trace, over both versions
 * of HTTP. */

#include <weft.h>
#include <weft/client.h>
#include <weft/trace_context.h>

#include "fixture.h"
#include "liar.h"

static void open_either(struct fixture *self, bool is_h2, bool hides_trace)
{
    const weft_client_options options = {.assumes_h2 = is_h2, .hides_trace = hides_trace};
    CHECK_OK(fixture_open(self, &options));
}

static void check_text(weft_str text, const char *want)
{
    CHECK_BYTES(text.ptr, text.len, want, strlen(want));
}

/* ---- trailers ---- */

static int say_sum(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)arg;
    int taken = weft_http_promise_trailers(res, "X-Sum, X-Count");
    CHECK_OK(taken);
    WEFT_TRY(weft_http_write(res, "hello", 5));
    WEFT_TRY(weft_http_set_trailer(res, "X-Sum", weft_str_of("a b")));
    WEFT_TRY(weft_http_set_trailer(res, "X-Count", weft_str_of("5")));
    return 0;
}

TASK_TEST(trailers_are_there_behind_the_body)
{
    for (int is_h2 = 0; is_h2 < 2; is_h2++) {
        struct fixture self;
        weft_client_response page;
        weft_exchange *exchange;
        char body[16];
        note("HTTP/%d", is_h2 + 1);
        open_either(&self, is_h2, /* hides_trace= */ false);
        site_handler = say_sum;
        weft_client_request request = {.url = fixture_url(&self, "/test"), .takes_trailers = true};
        CHECK_OK(weft_client_fetch(self.client, &request, &page));
        check_text(page.body, "hello");
        check_text(weft_client_response_trailer(&page, "x-SUM"), "a b");
        check_text(weft_client_response_trailer(&page, "x-count"), "5");
        CHECK(weft_client_response_trailer(&page, "x-what").ptr == NULL);
        CHECK(weft_client_response_field(&page, "x-sum").ptr == NULL);
        weft_client_response_free(&page);

        CHECK_OK(weft_exchange_open(&exchange, self.client, &request));
        ssize_t got = 1;
        for (size_t total = 0; got > 0; total += (size_t)got)
            CHECK_OK(got = weft_exchange_read(exchange, body + total, sizeof body - total));
        check_text(weft_exchange_trailer(exchange, "X-Sum"), "a b");
        weft_exchange_close(exchange);
        CHECK_OK(fixture_close(&self));
    }
}

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n"

TASK_TEST(trailers_that_only_a_head_may_say_are_dropped)
{
    static const struct liar_step steps[] = {
        {.answer = CHUNKED "Set-Cookie: a=b\r\nContent-Length: 7\r\nX-A:  b \r\n\r\n"},
        {.answer = CHUNKED "\r\n"},
    };
    struct liar liar;
    weft_client *client;
    weft_client_response page;
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    CHECK_OK(weft_client_get(client, liar_url(liar.port, "/"), &page));
    check_text(weft_client_response_trailer(&page, "x-a"), "b");
    CHECK(weft_client_response_trailer(&page, "set-cookie").ptr == NULL);
    CHECK(weft_client_response_trailer(&page, "content-length").ptr == NULL);
    weft_client_response_free(&page);
    CHECK_OK(weft_client_get(client, liar_url(liar.port, "/"), &page));
    CHECK(weft_client_response_trailer(&page, "x-a").ptr == NULL);
    weft_client_response_free(&page);
    CHECK_KEPT(liar);
    weft_client_free(client);
    liar_close(&liar);
}

/* Somebody may look all the same when the body has failed. */
TASK_TEST(class_10_a_trailer_that_is_cut_off_is_none)
{
    static const char *const answers[] = {
        CHUNKED "X-A: b\r\nX-B", CHUNKED "X-A: b\r\nX-B: c", CHUNKED "X-A: b\r\nX-B: c\r",
        CHUNKED "X-A: b\r\nHost: c\r", CHUNKED "X-A: b\r\nX-B\r\n\r\n"};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        const struct liar_step step = {.answer = answers[i], .then = LIAR_CLOSE};
        struct liar liar;
        weft_client *client;
        weft_exchange *exchange;
        char body[8];
        ssize_t got;
        note("answer %zu", i);
        liar_open(&liar, &step, 1);
        CHECK_OK(weft_client_new(&client, NULL));
        weft_client_request request = {.url = liar_url(liar.port, "/")};
        CHECK_OK(weft_exchange_open(&exchange, client, &request));
        do
            got = weft_exchange_read(exchange, body, sizeof body);
        while (got > 0);
        CHECK_LT(got, 0);
        check_text(weft_exchange_trailer(exchange, "x-a"), "b");
        CHECK(weft_exchange_trailer(exchange, "x-b").ptr == NULL);
        CHECK(weft_exchange_trailer(exchange, "host").ptr == NULL);
        weft_exchange_close(exchange);
        weft_client_free(client);
        liar_close(&liar);
    }
}

/* ---- traceparent ---- */

static char seen[64];

static int see_trace(weft_http_request *req, weft_http_response *res, void *arg)
{
    weft_str value = weft_http_field(req, "traceparent");
    (void)arg;
    snprintf(seen, sizeof seen, "%.*s", (int)value.len, value.len != 0 ? value.ptr : "");
    return weft_http_respond_text(res, 200, "ok");
}

static const char *trace_seen(struct fixture *self, weft_client_request request)
{
    weft_client_response page;
    request.url = fixture_url(self, "/test");
    CHECK_OK(weft_client_fetch(self->client, &request, &page));
    CHECK_EQ(page.status, 200);
    weft_client_response_free(&page);
    return seen;
}

TASK_TEST(requests_say_the_trace_of_their_task)
{
    static const weft_client_field own = {WEFT_STR("Traceparent"), WEFT_STR("mine")};
    for (int is_h2 = 0; is_h2 < 2; is_h2++) {
        struct fixture self, silent;
        weft_trace trace;
        char text[WEFT_TRACE_BYTES];
        open_either(&self, is_h2, /* hides_trace= */ false);
        open_either(&silent, is_h2, /* hides_trace= */ true);
        site_handler = see_trace;
        CHECK_STR(trace_seen(&self, (weft_client_request){0}), "");
        CHECK_OK(weft_trace_start(&trace, (weft_str){NULL, 0}));
        CHECK_OK(weft_trace_set(&trace));
        weft_trace_format(&trace, text);
        CHECK_STR(trace_seen(&self, (weft_client_request){0}), text);
        CHECK_STR(trace_seen(&self, (weft_client_request){.fields = &own, .field_count = 1}),
                  "mine");
        CHECK_STR(trace_seen(&silent, (weft_client_request){0}), "");
        CHECK_OK(weft_trace_set(NULL));
        CHECK_OK(fixture_close(&self));
        CHECK_OK(fixture_close(&silent));
    }
}
