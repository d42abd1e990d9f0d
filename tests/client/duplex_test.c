/* SPDX-License-Identifier: MIT */

/* Both ways at once, over both versions of HTTP: who writes and who reads wait for the server
 * alone, neither for the other. */

#include <weft.h>
#include <weft/client.h>

#include "client/client_priv.h"
#include "fixture.h"
#include "liar.h"

#define PLENTY ((size_t)1024 * 1024)

static int open_either(struct fixture *self, bool is_h2)
{
    const weft_client_options options = {.assumes_h2 = is_h2, .limits = {.retry_count_max = 1}};
    note("HTTP/%d", is_h2 + 1);
    return fixture_open(self, &options);
}

static int begin(struct fixture *self, weft_exchange **out, const char *path)
{
    const weft_client_request request = {.url = fixture_url(self, path)};
    return weft_exchange_begin(out, self->client, &request);
}

/* Reads so many bytes, or to the end. */
static ssize_t read_some(weft_exchange *exchange, char *buf, size_t bytes)
{
    size_t have = 0;
    ssize_t got = 1;
    while (have < bytes && got > 0) {
        WEFT_TRY(got = weft_exchange_read(exchange, buf + have, bytes - have));
        have += (size_t)got;
    }
    return (ssize_t)have;
}

/* ---- a conversation ---- */

static void ask_and_hear(weft_exchange *exchange, const char *word)
{
    char heard[16];
    size_t len = strlen(word);
    CHECK_OK(weft_exchange_write(exchange, word, len));
    CHECK_OK(weft_exchange_answer(exchange));
    CHECK_EQ(read_some(exchange, heard, len), len);
    CHECK_BYTES(heard, len, word, len);
}

TASK_TEST(each_word_is_answered_before_the_next_is_said)
{
    for (int is_h2 = 0; is_h2 < 2; is_h2++) {
        struct fixture self;
        weft_exchange *exchange;
        char none;
        CHECK_OK(open_either(&self, is_h2));
        for (int i = 0; i < 2; i++) {
            weft_client_trace trace;
            const weft_client_request request = {.url = fixture_url(&self, "/stream"),
                                                 .trace = &trace};
            CHECK_OK(weft_exchange_begin(&exchange, self.client, &request));
            CHECK_EQ(weft_exchange_status(exchange), 0);
            ask_and_hear(exchange, "one");
            CHECK_EQ(weft_exchange_status(exchange), 200);
            ask_and_hear(exchange, "two");
            ask_and_hear(exchange, "three");
            CHECK_OK(weft_exchange_write_end(exchange));
            CHECK_EQ(weft_exchange_read(exchange, &none, 1), 0);
            CHECK_EQ(trace.sent_bytes, 11);
            CHECK_EQ(trace.read_bytes, 11);
            /* Our server of HTTP/1.1 keeps no connection whose body it answers before its end. */
            CHECK_EQ(trace.is_reused, i > 0 && weft_exchange_version(exchange) == 20);
            weft_exchange_close(exchange);
        }
        CHECK_OK(fixture_close(&self));
    }
}

/* ---- two tasks ---- */

struct flow {
    weft_exchange *exchange;
    size_t bytes, written;
    uint32_t sum_sent, sum_heard;
    int rc;
};

static int flow_write(void *arg)
{
    struct flow *flow = arg;
    char piece[15000];
    while (flow->written < flow->bytes) {
        size_t left = flow->bytes - flow->written;
        size_t count = left < sizeof piece ? left : sizeof piece;
        for (size_t i = 0; i < count; i++) {
            piece[i] = (char)((flow->written + i) * 7 >> 3);
            flow->sum_sent = flow->sum_sent * 31 + (unsigned char)piece[i];
        }
        WEFT_TRY(weft_exchange_write(flow->exchange, piece, count));
        flow->written += count;
    }
    return weft_exchange_write_end(flow->exchange);
}

static int flow_hear(void *arg)
{
    struct flow *flow = arg;
    char piece[10000];
    ssize_t got = 1;
    WEFT_TRY(weft_exchange_answer(flow->exchange));
    while (got > 0) {
        WEFT_TRY(got = weft_exchange_read(flow->exchange, piece, sizeof piece));
        for (ssize_t i = 0; i < got; i++)
            flow->sum_heard = flow->sum_heard * 31 + (unsigned char)piece[i];
    }
    return 0;
}

static int echo_large(weft_http_request *req, weft_http_response *res, void *arg)
{
    char piece[16000];
    ssize_t count;
    (void)arg;
    while ((count = weft_http_read(req, piece, sizeof piece)) > 0)
        WEFT_TRY(weft_http_write(res, piece, (size_t)count));
    return (int)count;
}

/* The kernel's buffers may hold all of a flow over HTTP/1: there it is the simulation's that fill.
 */
static int first_narrow(void)
{
    return strcmp(test_backend(), "sim") == 0 ? 0 : 1;
}

/* Nobody hears the answer: then the server does not read on, and who writes waits. */
TASK_TEST(who_writes_waits_for_who_reads)
{
    for (int is_h2 = first_narrow(); is_h2 < 2; is_h2++) {
        struct fixture self;
        struct flow flow = {.bytes = PLENTY};
        CHECK_OK(open_either(&self, is_h2));
        site_handler = echo_large;
        CHECK_OK(begin(&self, &flow.exchange, "/late"));
        weft_task writer = weft_spawn(flow_write, &flow);
        for (size_t last = 1; last != flow.written;) {
            last = flow.written;
            CHECK_OK(weft_sleep(WEFT_SEC));
        }
        CHECK_GT(flow.written, 0);
        CHECK_LT(flow.written, flow.bytes);
        CHECK_OK(weft_gather(writer, weft_spawn(flow_hear, &flow)));
        CHECK_EQ(flow.sum_heard, flow.sum_sent);
        weft_exchange_close(flow.exchange);
        CHECK_OK(fixture_close(&self));
    }
}

static int write_byte(void *arg)
{
    struct flow *flow = arg;
    flow->rc = weft_exchange_write(flow->exchange, "x", 1);
    return 0;
}

static int read_byte(void *arg)
{
    struct flow *flow = arg;
    char byte;
    flow->rc = (int)weft_exchange_read(flow->exchange, &byte, 1);
    return 0;
}

static int await_head(void *arg)
{
    struct flow *flow = arg;
    flow->rc = weft_exchange_answer(flow->exchange);
    return 0;
}

TASK_TEST(one_task_writes_and_one_reads)
{
    for (int is_h2 = first_narrow(); is_h2 < 2; is_h2++) {
        struct fixture self;
        struct flow flow = {.bytes = PLENTY}, other = {0};
        CHECK_OK(open_either(&self, is_h2));
        site_handler = echo_large;
        CHECK_OK(begin(&self, &flow.exchange, "/late"));
        other.exchange = flow.exchange;
        CHECK_OK(weft_await(weft_spawn(read_byte, &other)));
        CHECK_EQ(other.rc, -EPROTO);
        weft_task head = weft_spawn(await_head, &flow);
        CHECK_OK(weft_yield());
        CHECK_OK(weft_await(weft_spawn(await_head, &other)));
        CHECK_EQ(other.rc, -EBUSY);
        weft_task writer = weft_spawn(flow_write, &flow);
        CHECK_OK(weft_await(head));
        CHECK_OK(flow.rc);
        CHECK_OK(weft_sleep(WEFT_SEC));
        CHECK_OK(weft_await(weft_spawn(write_byte, &other)));
        CHECK_EQ(other.rc, -EBUSY);
        CHECK_OK(weft_gather(writer, weft_spawn(flow_hear, &flow)));
        CHECK_EQ(flow.sum_heard, flow.sum_sent);
        CHECK_EQ(weft_exchange_write(flow.exchange, "x", 1), -EINVAL);
        CHECK_EQ(weft_exchange_write_end(flow.exchange), -EINVAL);
        weft_exchange_close(flow.exchange);
        CHECK_OK(fixture_close(&self));
    }
}

/* ---- cancelled ---- */

TASK_TEST(a_body_that_was_cut_off_stays_cut_off)
{
    for (int is_h2 = first_narrow(); is_h2 < 2; is_h2++) {
        struct fixture self;
        struct flow flow = {.bytes = PLENTY};
        weft_client_response page;
        CHECK_OK(open_either(&self, is_h2));
        site_handler = echo_large;
        CHECK_OK(begin(&self, &flow.exchange, "/late"));
        weft_task writer = weft_spawn(flow_write, &flow);
        CHECK_OK(weft_sleep(WEFT_SEC));
        weft_cancel(writer, "enough");
        CHECK_EQ(weft_await(writer), -ECANCELED);
        CHECK_EQ(weft_exchange_write(flow.exchange, "x", 1), -ECANCELED);
        CHECK_EQ(weft_exchange_write_end(flow.exchange), -ECANCELED);
        weft_exchange_close(flow.exchange);
        CHECK_OK(weft_client_get(self.client, fixture_url(&self, "/ok"), &page));
        CHECK_EQ(page.status, 200);
        if (page.version == 20)
            CHECK_EQ(self.client->conn_count, 1); /* only the stream was reset */
        weft_client_response_free(&page);
        CHECK_EQ(self.client->exchange_count, 0);
        CHECK_OK(fixture_close(&self));
    }
}

/* Who waits for the answer may leave and come again. */
TASK_TEST(waiting_for_the_answer_can_be_broken_off_and_resumed)
{
    for (int is_h2 = 0; is_h2 < 2; is_h2++) {
        struct fixture self;
        struct flow flow = {0};
        CHECK_OK(open_either(&self, is_h2));
        CHECK_OK(begin(&self, &flow.exchange, "/stream"));
        for (int i = 0; i < 2; i++) {
            weft_task head = weft_spawn(await_head, &flow);
            CHECK_OK(weft_sleep(WEFT_MS));
            weft_cancel(head, "later");
            CHECK_OK(weft_await(head));
            CHECK_EQ(flow.rc, -ECANCELED);
        }
        ask_and_hear(flow.exchange, "hello");
        weft_task body = weft_spawn(read_byte, &flow);
        CHECK_OK(weft_sleep(WEFT_MS));
        weft_cancel(body, "later");
        CHECK_OK(weft_await(body));
        CHECK_EQ(flow.rc, -ECANCELED);
        ask_and_hear(flow.exchange, "again");
        weft_exchange_close(flow.exchange);
        CHECK_OK(fixture_close(&self));
    }
}

/* ---- what may be said ---- */

static ssize_t gives_nothing(void *buf, size_t bytes, void *arg)
{
    (void)buf;
    (void)bytes;
    (void)arg;
    return 0;
}

TASK_TEST(what_only_a_given_body_can_have_is_refused)
{
    static const weft_client_field trailer = {WEFT_STR("Content-Length"), WEFT_STR("1")};
    const weft_client_request bad[] = {
        {.body = WEFT_STR("")},
        {.body_read = gives_nothing},
        {.expects_continue = true},
        {.upgrade = "x"},
        {.hedge_after = WEFT_SEC},
        {.body_bytes = -1},
        {.trailers = &trailer, .trailer_count = 1},
    };
    weft_client *client;
    weft_exchange *none;
    CHECK_OK(weft_client_new(&client, NULL));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        weft_client_request request = bad[i];
        request.url = "http://127.0.0.1:1/";
        note("row %zu", i);
        CHECK_EQ(weft_exchange_begin(&none, client, &request), -EINVAL);
    }
    CHECK_EQ(weft_exchange_begin(&none, client, &(weft_client_request){0}), -EINVAL);
    CHECK_EQ(client->exchange_count, 0);
    weft_client_free(client);
}

TASK_TEST(a_body_is_as_long_as_was_said)
{
    static const struct liar_step steps[] = {{.answer = OK_HI, .body_bytes = 4},
                                             {.answer = OK_HI, .body_bytes = 4}};
    struct liar liar;
    weft_client *client;
    weft_exchange *exchange;
    weft_client_trace trace;
    char text[4];
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    const weft_client_request request = {
        .url = liar_url(liar.port, "/"), .body_bytes = 4, .trace = &trace};
    for (int i = 0; i < 2; i++) {
        CHECK_OK(weft_exchange_begin(&exchange, client, &request));
        CHECK_EQ(weft_exchange_write(exchange, "abcde", 5), -EINVAL);
        CHECK_OK(weft_exchange_write(exchange, "abc", 3));
        CHECK_OK(weft_exchange_write(exchange, "", 0));
        CHECK_EQ(weft_exchange_write_end(exchange), -WEFT_ETRUNCATED);
        CHECK_EQ(weft_exchange_write(exchange, "de", 2), -EINVAL);
        CHECK_OK(weft_exchange_write(exchange, "d", 1));
        CHECK_OK(weft_exchange_write_end(exchange));
        CHECK_OK(weft_exchange_answer(exchange));
        CHECK_OK(weft_exchange_answer(exchange));
        CHECK_EQ(weft_exchange_length(exchange), 2);
        CHECK_EQ(read_some(exchange, text, sizeof text), 2);
        CHECK(liar_heard(&liar, i, "Content-Length: 4"));
        CHECK_EQ(trace.is_reused, i > 0);
        weft_exchange_close(exchange);
    }
    CHECK_EQ(liar.connections, 1);
    weft_client_free(client);
    liar_close(&liar);
}

/* An answer that is read before the body has ended leaves the connection to the body. */
TASK_TEST(a_connection_is_kept_when_both_ways_have_ended)
{
    static const struct liar_step steps[] = {{.answer = OK_HI}, {.answer = OK_HI, .body_bytes = 4}};
    struct liar liar;
    weft_client *client;
    weft_exchange *exchange;
    char text[4];
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    const weft_client_request request = {.url = liar_url(liar.port, "/"), .body_bytes = 4};
    CHECK_OK(weft_exchange_begin(&exchange, client, &request));
    CHECK_OK(weft_exchange_answer(exchange));
    CHECK_EQ(read_some(exchange, text, sizeof text), 2);
    CHECK_OK(weft_exchange_write(exchange, "late", 4));
    CHECK(wf_list_is_empty(&client->idle));
    CHECK_OK(weft_exchange_write_end(exchange));
    CHECK(!wf_list_is_empty(&client->idle));
    CHECK_EQ(weft_exchange_read(exchange, text, 1), 0);
    weft_exchange_close(exchange);
    CHECK_EQ(client->conn_count, 1);
    weft_client_free(client);
    liar_close(&liar);
}

static int echo_trailer(weft_http_request *req, weft_http_response *res, void *arg)
{
    char piece[64];
    ssize_t count;
    (void)arg;
    WEFT_TRY(weft_http_promise_trailers(res, "x-sum"));
    while ((count = weft_http_read(req, piece, sizeof piece)) > 0)
        WEFT_TRY(weft_http_write(res, piece, (size_t)count));
    WEFT_TRY(count);
    return weft_http_set_trailer(res, "x-sum", weft_http_trailer(req, "x-sum"));
}

TASK_TEST(trailers_go_both_ways)
{
    static const weft_client_field sum = {WEFT_STR("X-Sum"), WEFT_STR("a b")};
    for (int is_h2 = 0; is_h2 < 2; is_h2++) {
        struct fixture self;
        weft_exchange *exchange;
        char text[8];
        CHECK_OK(open_either(&self, is_h2));
        site_handler = echo_trailer;
        const weft_client_request request = {.url = fixture_url(&self, "/late"),
                                             .takes_trailers = true,
                                             .trailers = &sum,
                                             .trailer_count = 1};
        CHECK_OK(weft_exchange_begin(&exchange, self.client, &request));
        ask_and_hear(exchange, "hello");
        CHECK_OK(weft_exchange_write_end(exchange));
        CHECK_EQ(read_some(exchange, text, sizeof text), 0);
        weft_str got = weft_exchange_trailer(exchange, "x-sum");
        CHECK_BYTES(got.ptr, got.len, "a b", 3);
        weft_exchange_close(exchange);
        CHECK_OK(fixture_close(&self));
    }
}

/* ---- servers that end early, fail, or say nothing ---- */

static int write_on(void *arg)
{
    struct flow *flow = arg;
    static const char piece[20000];
    int rc = 0;
    while (rc == 0)
        rc = weft_exchange_write(flow->exchange, piece, sizeof piece);
    flow->rc = rc;
    return 0;
}

static int refuse(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)arg;
    return weft_http_respond_text(res, 403, "no");
}

/* Of HTTP/1.1 the server closes at once, and how that shows depends on who was quicker. */
TASK_TEST(an_answer_that_is_whole_ends_the_writing)
{
    for (int is_h2 = 0; is_h2 < 2; is_h2++) {
        struct fixture self;
        struct flow flow = {0};
        weft_client_response page;
        char text[8];
        CHECK_OK(open_either(&self, is_h2));
        site_handler = refuse;
        CHECK_OK(begin(&self, &flow.exchange, "/late"));
        CHECK_OK(weft_await(weft_spawn(await_head, &flow)));
        weft_task writer = weft_spawn(write_on, &flow);
        CHECK_EQ(weft_exchange_status(flow.exchange), 403);
        CHECK_EQ(read_some(flow.exchange, text, sizeof text), 2);
        for (int i = 0; i < 8; i++) /* in steps: the kernel's reset takes real time */
            CHECK_OK(weft_sleep(WEFT_SEC));
        CHECK_OK(weft_await(writer));
        CHECK(flow.rc == -EPIPE || (flow.rc == -ECONNRESET && !is_h2));
        CHECK_EQ(weft_exchange_write_end(flow.exchange), flow.rc);
        bool is_shared = weft_exchange_version(flow.exchange) == 20;
        weft_exchange_close(flow.exchange);
        CHECK_OK(weft_client_get(self.client, fixture_url(&self, "/ok"), &page));
        CHECK_EQ(self.client->conn_count, 1);
        CHECK(!is_shared || page.version == 20);
        weft_client_response_free(&page);
        CHECK_OK(fixture_close(&self));
    }
}

static int be_busy(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)arg;
    return weft_http_respond_text(res, 503, "busy");
}

static void begin_and_leave(struct fixture *self)
{
    weft_exchange *exchange;
    CHECK_OK(begin(self, &exchange, "/late"));
    weft_exchange_close(exchange);
}

/* The breaker hears of the answer, and of one that nobody waited for nothing. */
TASK_TEST(failures_of_the_answer_count_against_the_origin)
{
    struct fixture self;
    weft_exchange *exchange;
    CHECK_OK(open_either(&self, /* is_h2= */ false));
    site_handler = be_busy;
    for (int i = 0; i < 20; i++) {
        begin_and_leave(&self);
        CHECK_OK(begin(&self, &exchange, "/late"));
        CHECK_OK(weft_exchange_answer(exchange));
        CHECK_EQ(weft_exchange_status(exchange), 503);
        weft_exchange_close(exchange);
    }
    CHECK_EQ(begin(&self, &exchange, "/late"), -EHOSTDOWN);
    CHECK_OK(weft_sleep(6 * WEFT_SEC));
    begin_and_leave(&self); /* was to find out how it is, and did not */
    CHECK_OK(begin(&self, &exchange, "/stream"));
    CHECK_OK(weft_exchange_write_end(exchange));
    CHECK_OK(weft_exchange_answer(exchange));
    weft_exchange_close(exchange);
    begin_and_leave(&self);
    CHECK_OK(fixture_close(&self));
}

/* The time to the first byte is the server's only when it has the whole body. */
TASK_TEST(a_silent_server_has_its_time_from_the_end_of_the_body)
{
    static const struct liar_step steps[] = {{.then = LIAR_STALL}};
    const weft_client_options options = {.limits.first_byte_max = 2 * WEFT_SEC};
    struct liar liar;
    struct flow flow;
    weft_client *client;
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, &options));
    const weft_client_request request = {.url = liar_url(liar.port, "/")};
    CHECK_OK(weft_exchange_begin(&flow.exchange, client, &request));
    weft_task head = weft_spawn(await_head, &flow);
    CHECK_OK(weft_sleep(5 * WEFT_SEC));
    weft_time since = weft_now();
    CHECK_OK(weft_exchange_write_end(flow.exchange));
    CHECK_OK(weft_await(head));
    CHECK_EQ(flow.rc, -ETIMEDOUT);
    CHECK_EQ(weft_exchange_answer(flow.exchange), -ETIMEDOUT);
    char byte;
    CHECK_EQ(weft_exchange_read(flow.exchange, &byte, 1), -ETIMEDOUT);
    CHECK_GE(weft_now() - since, 2 * WEFT_SEC);
    CHECK_LT(weft_now() - since, 3 * WEFT_SEC);
    weft_exchange_close(flow.exchange);
    weft_client_free(client);
    liar_close(&liar);
}

/* ---- everything that can go wrong ---- */

static int converse(bool is_h2)
{
    struct fixture self;
    struct flow flow = {.bytes = 3000};
    int rc = open_either(&self, is_h2);
    if (rc == 0)
        rc = begin(&self, &flow.exchange, "/stream");
    if (rc == 0) {
        rc = weft_gather(weft_spawn(flow_write, &flow), weft_spawn(flow_hear, &flow));
        CHECK(rc < 0 || weft_exchange_status(flow.exchange) != 200 ||
              flow.sum_heard == flow.sum_sent);
        weft_exchange_close(flow.exchange);
    }
    int closed = fixture_close(&self);
    return rc < 0 ? rc : closed;
}

SCENARIO(both_ways_under_everything)
{
    return converse(/* is_h2= */ false);
}

SCENARIO(h2_both_ways_under_everything)
{
    return converse(/* is_h2= */ true);
}
