/* SPDX-License-Identifier: MIT */

/* Bodies of requests that may take their time, over both versions of HTTP: what stands behind them,
 * whether they are wanted, and answers that come before their end. */

#include <weft.h>
#include <weft/client.h>

#include "fixture.h"
#include "liar.h"

#include <stdlib.h>

static int open_either(struct fixture *self, bool is_h2)
{
    const weft_client_options options = {.assumes_h2 = is_h2, .limits = {.retry_count_max = 1}};
    return fixture_open(self, &options);
}

/* ---- trailers ---- */

/* "SUM BODY", and what was said of the sum in the head. */
static int tell_sum(weft_http_request *req, weft_http_response *res, void *arg)
{
    char text[64];
    size_t len = 0;
    ssize_t got = 1;
    (void)arg;
    for (; got > 0; len += (size_t)got)
        WEFT_TRY(got = weft_http_read(req, text + len, sizeof text - len));
    weft_str sum = weft_http_trailer(req, "x-sum");
    WEFT_TRY(weft_http_set_field(res, "X-Promised", weft_http_field(req, "trailer")));
    WEFT_TRY(weft_http_set_field(res, "X-Sum", sum));
    return weft_http_respond(res, 200, NULL, text, len);
}

/* A body that knows its sum when it has ended. */
struct summing {
    weft_client_field sum;
    const char *left;
    size_t count;
    char text[24];
};

static ssize_t summing_read(void *buf, size_t bytes, void *arg)
{
    struct summing *self = arg;
    WEFT_TRY(weft_yield());
    if (*self->left == 0 || bytes == 0)
        return 0;
    *(char *)buf = *self->left++;
    self->count++;
    snprintf(self->text, sizeof self->text, "%zu", self->count);
    self->sum.value = weft_str_of(self->text);
    return 1;
}

static void check_sum(struct fixture *self, weft_client_request request, const char *sum,
                      const char *body)
{
    weft_client_response page;
    static const char *const paths[] = {"/test", "/late"};
    for (size_t i = 0; i < 2; i++) {
        struct summing *source = request.body_arg;
        if (source != NULL)
            *source = (struct summing){.sum.name = WEFT_STR("X-Sum"), .left = body};
        request.method = "POST";
        request.url = fixture_url(self, paths[i]);
        CHECK_OK(weft_client_fetch(self->client, &request, &page));
        CHECK_EQ(page.status, 200);
        weft_str got = weft_client_response_field(&page, "x-sum");
        CHECK_BYTES(got.ptr, got.len, sum, strlen(sum));
        got = weft_client_response_field(&page, "x-promised");
        CHECK_BYTES(got.ptr, got.len, "X-Sum", 5);
        CHECK_BYTES(page.body.ptr, page.body.len, body, strlen(body));
        weft_client_response_free(&page);
    }
}

TASK_TEST(trailers_of_a_request_stand_behind_its_body)
{
    static const weft_client_field given = {WEFT_STR("X-Sum"), WEFT_STR("a b")};
    for (int is_h2 = 0; is_h2 < 2; is_h2++) {
        struct fixture self;
        struct summing source;
        note("HTTP/%d", is_h2 + 1);
        CHECK_OK(open_either(&self, is_h2));
        site_handler = tell_sum;
        weft_client_request request = {
            .trailers = &given, .trailer_count = 1, .body = WEFT_STR("hello")};
        check_sum(&self, request, "a b", "hello");
        request.body.len = 0;
        check_sum(&self, request, "a b", "");
        request = (weft_client_request){.trailers = &source.sum,
                                        .trailer_count = 1,
                                        .body_read = summing_read,
                                        .body_arg = &source};
        check_sum(&self, request, "5", "hello");
        request.body_bytes = 5;
        check_sum(&self, request, "5", "hello");
        CHECK_OK(fixture_close(&self));
    }
}

TASK_TEST(trailers_that_are_none_are_refused_before_sending)
{
    static const weft_client_field bad[] = {{WEFT_STR("Content-Length"), WEFT_STR("1")},
                                            {WEFT_STR("Authorization"), WEFT_STR("x")},
                                            {WEFT_STR("Trailer"), WEFT_STR("x")},
                                            {WEFT_STR("X Y"), WEFT_STR("x")},
                                            {WEFT_STR("X-Y"), WEFT_STR("x\r\nZ: y")}};
    static const weft_client_field good = {WEFT_STR("X-Y"), WEFT_STR("x")};
    weft_client *client;
    weft_client_response none;
    CHECK_OK(weft_client_new(&client, NULL));
    weft_client_request request = {
        .url = "http://127.0.0.1:1/", .trailer_count = 1, .body = WEFT_STR("hi")};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        request.trailers = &bad[i];
        CHECK_EQ(weft_client_fetch(client, &request, &none), -EINVAL);
    }
    request.trailers = &good;
    request.body = (weft_str){NULL, 0};
    CHECK_EQ(weft_client_fetch(client, &request, &none), -EINVAL);
    weft_client_free(client);
}

/* A value that its source makes bad under way cannot split the message either. */
static ssize_t splitting_read(void *buf, size_t bytes, void *arg)
{
    weft_client_field *field = arg;
    (void)buf;
    (void)bytes;
    field->value = (weft_str)WEFT_STR("x\r\n\r\nGET / HTTP/1.1");
    return 0;
}

TASK_TEST(a_trailer_that_turns_bad_under_way_fails_the_request)
{
    for (int is_h2 = 0; is_h2 < 2; is_h2++) {
        struct fixture self;
        weft_client_response none;
        weft_client_field field = {WEFT_STR("X-Y"), WEFT_STR("x")};
        CHECK_OK(open_either(&self, is_h2));
        site_handler = tell_sum;
        weft_client_request request = {.url = fixture_url(&self, "/late"),
                                       .body_read = splitting_read,
                                       .body_arg = &field,
                                       .trailers = &field,
                                       .trailer_count = 1};
        CHECK_EQ(weft_client_fetch(self.client, &request, &none), -EINVAL);
        CHECK_OK(fixture_close(&self));
    }
}

/* ---- Expect: 100-continue ---- */

TASK_TEST(a_body_that_is_wanted_follows_the_word)
{
    for (int is_h2 = 0; is_h2 < 2; is_h2++) {
        struct fixture self;
        weft_client_response page;
        weft_client_trace trace;
        note("HTTP/%d", is_h2 + 1);
        CHECK_OK(open_either(&self, is_h2));
        weft_time since = weft_now();
        for (int i = 0; i < 2; i++) {
            weft_client_request request = {.url = fixture_url(&self, "/stream"),
                                           .body = WEFT_STR("hello"),
                                           .expects_continue = true,
                                           .trace = &trace};
            CHECK_OK(weft_client_fetch(self.client, &request, &page));
            CHECK_EQ(page.status, 200);
            CHECK_BYTES(page.body.ptr, page.body.len, "hello", 5);
            CHECK_EQ(trace.is_reused, i > 0);
            weft_client_response_free(&page);
        }
        CHECK_LT(weft_now() - since, WEFT_SEC);
        CHECK_OK(fixture_close(&self));
    }
}

/* Answers without having read anything. */
static int forbid(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)arg;
    CHECK_EQ(weft_http_field(req, "expect").len, strlen("100-continue"));
    return weft_http_respond_text(res, 403, "no");
}

TASK_TEST(a_body_that_is_not_wanted_stays_here)
{
    static const char body[100000];
    for (int is_h2 = 0; is_h2 < 2; is_h2++) {
        struct fixture self;
        weft_client_response page;
        weft_client_trace trace;
        note("HTTP/%d", is_h2 + 1);
        CHECK_OK(open_either(&self, is_h2));
        site_handler = forbid;
        for (int i = 0; i < 2; i++) {
            weft_client_request request = {.url = fixture_url(&self, "/late"),
                                           .body = {body, sizeof body},
                                           .expects_continue = true,
                                           .trace = &trace};
            CHECK_OK(weft_client_fetch(self.client, &request, &page));
            CHECK_EQ(page.status, 403);
            CHECK_EQ(trace.sent_bytes, 0);
            CHECK_EQ(trace.is_reused, i > 0 && is_h2 && page.version == 20);
            weft_client_response_free(&page);
        }
        CHECK_OK(fixture_close(&self));
    }
}

#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"
#define EXPECTS "Expect: 100-continue"

static weft_client_request expecting(const struct liar *liar, weft_client_trace *trace)
{
    return (weft_client_request){.url = liar_url(liar->port, "/"),
                                 .body = WEFT_STR("body"),
                                 .expects_continue = true,
                                 .trace = trace};
}

TASK_TEST(a_server_that_does_not_know_the_word_gets_the_body_after_a_while)
{
    static const struct liar_step steps[] = {{.answer = OK_HI, .body_bytes = 4}};
    for (weft_time pause = 0; pause <= 50 * WEFT_MS; pause += 50 * WEFT_MS) {
        struct liar liar;
        weft_client *client;
        weft_client_response page;
        weft_client_options options = {.limits.continue_max = pause};
        LIAR_OPEN(&liar, steps);
        CHECK_OK(weft_client_new(&client, &options));
        weft_client_request request = expecting(&liar, NULL);
        weft_time since = weft_now();
        CHECK_OK(weft_client_fetch(client, &request, &page));
        CHECK_EQ(page.status, 200);
        CHECK_GE(weft_now() - since, pause != 0 ? pause : WEFT_SEC);
        CHECK_LT(weft_now() - since, 2 * WEFT_SEC);
        CHECK(liar_heard(&liar, 0, EXPECTS));
        weft_client_response_free(&page);
        weft_client_free(client);
        liar_close(&liar);
    }
}

TASK_TEST(other_interim_answers_do_not_ask_for_the_body)
{
    static const struct liar_step steps[] = {
        {.answer = "HTTP/1.1 103 Early Hints\r\n\r\n" OK_HI, .then = LIAR_STALL}};
    struct liar liar;
    weft_client *client;
    weft_client_response page;
    weft_client_trace trace;
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    weft_client_request request = expecting(&liar, &trace);
    CHECK_OK(weft_client_fetch(client, &request, &page));
    CHECK_EQ(page.status, 200);
    CHECK_EQ(trace.sent_bytes, 0);
    weft_client_response_free(&page);
    weft_client_free(client);
    liar_close(&liar);
}

/* RFC 9110 10.1.1: 417 is about the expectation, not about the request. */
TASK_TEST(a_server_that_meets_no_expectation_is_asked_without_one)
{
    static const struct liar_step steps[] = {
        {.answer = "HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n", .then = LIAR_CLOSE},
        {.answer = OK_HI, .body_bytes = 4},
        {.answer = "HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n", .then = LIAR_CLOSE},
        {.answer = "HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n", .then = LIAR_CLOSE},
    };
    struct liar liar;
    weft_client *client;
    weft_client_response page;
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    weft_client_request request = expecting(&liar, NULL);
    CHECK_OK(weft_client_fetch(client, &request, &page));
    CHECK_EQ(page.status, 200);
    CHECK(liar_heard(&liar, 0, EXPECTS));
    CHECK(!liar_heard(&liar, 1, EXPECTS));
    weft_client_response_free(&page);
    CHECK_OK(weft_client_fetch(client, &request, &page));
    CHECK_EQ(page.status, 417); /* this one means something else */
    CHECK_EQ(liar.requests, 4);
    weft_client_response_free(&page);
    weft_client_free(client);
    liar_close(&liar);
}

/* What the body was read from cannot give it again. */
TASK_TEST(a_body_that_was_read_is_not_sent_again_without_the_word)
{
    static const struct liar_step steps[] = {
        {.answer = "HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n", .body_bytes = 4},
        {.answer = OK_HI}};
    struct liar liar;
    weft_client *client;
    weft_client_response page;
    struct summing source = {.left = "body"};
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    weft_client_request request = expecting(&liar, NULL);
    request.body = (weft_str){NULL, 0};
    request.body_read = summing_read;
    request.body_bytes = 4;
    request.body_arg = &source;
    CHECK_OK(weft_client_fetch(client, &request, &page));
    CHECK_EQ(page.status, 417);
    CHECK_EQ(liar.requests, 1);
    weft_client_response_free(&page);
    weft_client_free(client);
    liar_close(&liar);
}

TASK_TEST(the_word_comes_in_two_pieces_or_with_the_answer)
{
    static const char answer[] = CONTINUE OK_HI;
    for (size_t cut = 1; cut < sizeof answer - 1; cut++) {
        struct liar_step steps[] = {{.answer = answer, .len = cut},
                                    {.answer = answer + cut, .is_blind = true}};
        struct liar liar;
        weft_client *client;
        weft_client_response page;
        LIAR_OPEN(&liar, steps);
        CHECK_OK(weft_client_new(&client, NULL));
        weft_client_request request = expecting(&liar, NULL);
        CHECK_OK(weft_client_fetch(client, &request, &page));
        CHECK_EQ(page.status, 200);
        CHECK_BYTES(page.body.ptr, page.body.len, "hi", 2);
        weft_client_response_free(&page);
        weft_client_free(client);
        liar_close(&liar);
    }
}

/* ---- answers before the body is whole ---- */

static ssize_t endless_read(void *buf, size_t bytes, void *arg)
{
    (void)arg;
    memset(buf, 'x', bytes);
    return (ssize_t)bytes;
}

/* HTTP/1 has no word for "enough": the server closes, and its answer counts all the same. */
TASK_TEST(an_answer_of_a_server_that_then_takes_no_more_is_given)
{
    static const struct liar_step steps[] = {{.answer = OK_HI, .then = LIAR_LATER},
                                             {.answer = OK_HI}};
    struct liar liar;
    weft_client *client;
    weft_client_trace trace;
    weft_client_response page;
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    weft_client_request request = {
        .url = liar_url(liar.port, "/"), .body_read = endless_read, .trace = &trace};
    CHECK_OK(weft_client_fetch(client, &request, &page));
    CHECK_EQ(page.status, 200);
    CHECK_BYTES(page.body.ptr, page.body.len, "hi", 2);
    weft_client_response_free(&page);
    CHECK_EQ(liar_get(client, &liar, &trace), 200);
    CHECK(!trace.is_reused);
    weft_client_free(client);
    liar_close(&liar);
}

/* It neither reads on nor closes; what says that the body is of no use ends the sending at once. */
TASK_TEST(an_answer_that_sends_elsewhere_does_not_wait_for_the_body)
{
    static const struct liar_step steps[] = {
        {.answer = "HTTP/1.1 300 Choose\r\nContent-Length: 2\r\n\r\nab", .then = LIAR_STALL}};
    struct liar liar;
    weft_client *client;
    weft_client_response page;
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    weft_client_request request = {.url = liar_url(liar.port, "/"), .body_read = endless_read};
    weft_time since = weft_now();
    CHECK_OK(weft_client_fetch(client, &request, &page));
    CHECK_EQ(page.status, 300);
    CHECK_LT(weft_now() - since, WEFT_SEC);
    weft_client_response_free(&page);
    weft_client_free(client);
    liar_close(&liar);
}

static ssize_t broken_read(void *buf, size_t bytes, void *arg)
{
    (void)buf;
    (void)bytes;
    WEFT_TRY(weft_sleep(WEFT_SEC));
    return *(int *)arg;
}

/* Its source may be a connection too; that this one broke says nothing about the server's. */
TASK_TEST(a_body_whose_source_breaks_fails_the_request_whatever_was_answered)
{
    static const struct liar_step steps[] = {{.answer = OK_HI, .then = LIAR_STALL}};
    int codes[] = {-EPIPE, -ECONNRESET, -EIO};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct liar liar;
        weft_client *client;
        weft_client_response page;
        LIAR_OPEN(&liar, steps);
        CHECK_OK(weft_client_new(&client, NULL));
        weft_client_request request = {
            .url = liar_url(liar.port, "/"), .body_read = broken_read, .body_arg = &codes[i]};
        CHECK_EQ(weft_client_fetch(client, &request, &page), codes[i]);
        weft_client_free(client);
        liar_close(&liar);
    }
}

/* ---- everything that can go wrong ---- */

static int converse(struct fixture *self)
{
    struct summing source = {.sum.name = WEFT_STR("X-Sum"), .left = "a"};
    weft_client_response page;
    weft_client_request request = {.url = fixture_url(self, "/late"),
                                   .body_read = summing_read,
                                   .body_arg = &source,
                                   .trailers = &source.sum,
                                   .trailer_count = 1,
                                   .expects_continue = true};
    WEFT_TRY(weft_client_fetch(self->client, &request, &page));
    if (page.status == 200) {
        weft_str sum = weft_client_response_field(&page, "x-sum");
        CHECK_BYTES(sum.ptr, sum.len, "1", 1);
        CHECK_BYTES(page.body.ptr, page.body.len, "a", 1);
    }
    weft_client_response_free(&page);
    return 0;
}

static int body_waits(void *arg)
{
    return weft_event_wait(arg);
}

/* The connection is there; the body would need a task more than there may be. */
static int ask_without_a_task(void *arg)
{
    static const struct liar_step steps[] = {{.answer = OK_HI}, {.answer = OK_HI, .body_bytes = 4}};
    struct liar liar;
    struct summing source = {.left = "body"};
    weft_client *client;
    weft_client_response none;
    weft_event go = {0};
    (void)arg;
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    CHECK_EQ(liar_get(client, &liar, NULL), 200);
    weft_group crowd = weft_group_open();
    while (weft_group_spawn(crowd, body_waits, &go) == 0)
        continue;
    weft_client_request request = {
        .url = liar_url(liar.port, "/"), .body_read = summing_read, .body_arg = &source};
    weft_time since = weft_now();
    CHECK_EQ(weft_client_fetch(client, &request, &none), -EAGAIN);
    CHECK_LT(weft_now() - since, WEFT_SEC);
    weft_event_set(&go);
    CHECK_OK(weft_group_wait(crowd));
    weft_group_end_(&crowd);
    weft_client_free(client);
    liar_close(&liar);
    return 0;
}

RUN_TEST(an_upload_that_can_have_no_task_is_told_at_once)
{
    weft_config config = test_config();
    config.task_count_max = 16;
    CHECK_OK(weft_run_with(&config, ask_without_a_task, NULL));
}

static int upload(bool is_h2)
{
    struct fixture self;
    int rc = open_either(&self, is_h2);
    site_handler = tell_sum;
    if (rc == 0)
        rc = converse(&self);
    int closed = fixture_close(&self);
    return rc < 0 ? rc : closed;
}

SCENARIO(uploads_under_everything)
{
    return upload(/* is_h2= */ false);
}

SCENARIO(h2_uploads_under_everything)
{
    return upload(/* is_h2= */ true);
}
