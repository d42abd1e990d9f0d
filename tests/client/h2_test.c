/* SPDX-License-Identifier: MIT */

/* The client over HTTP/2, against our own server. */

#include <weft.h>
#include <weft/client.h>

#include "client/client_priv.h"
#include "fixture.h"

#include <stdlib.h>

static int h2_open(struct fixture *self, weft_client_options options)
{
    options.assumes_h2 = true;
    return fixture_open(self, &options);
}

TASK_TEST(h2_a_page_is_fetched_and_the_connection_kept)
{
    struct fixture self;
    CHECK_OK(h2_open(&self, (weft_client_options){0}));
    for (int i = 0; i < 3; i++) {
        weft_client_trace trace;
        weft_client_response page;
        weft_client_request request = {.url = fixture_url(&self, "/ok"), .trace = &trace};
        CHECK_OK(weft_client_fetch(self.client, &request, &page));
        CHECK_EQ(page.status, 200);
        CHECK_EQ(page.version, 20);
        CHECK_BYTES(page.body.ptr, page.body.len, "ok\n", 3);
        weft_str type = weft_client_response_field(&page, "content-type");
        CHECK_BYTES(type.ptr, type.len, "text/plain", 10);
        CHECK_EQ(trace.is_reused, i > 0);
        CHECK_EQ(trace.attempts, 1);
        CHECK_EQ(trace.phase, WEFT_CLIENT_DONE);
        CHECK_EQ(trace.read_bytes, 3);
        weft_client_response_free(&page);
    }
    CHECK_EQ(self.client->conn_count, 1);
    CHECK_OK(fixture_close(&self));
}

TASK_TEST(h2_without_it_being_assumed_clear_text_is_http_1)
{
    struct fixture self;
    weft_client_response page;
    weft_client *plain;
    CHECK_OK(h2_open(&self, (weft_client_options){.is_h1_only = true}));
    CHECK_OK(weft_client_new(&plain, NULL));
    CHECK_OK(weft_client_get(self.client, fixture_url(&self, "/ok"), &page));
    CHECK_EQ(page.version, 11);
    weft_client_response_free(&page);
    CHECK_OK(weft_client_get(plain, fixture_url(&self, "/ok"), &page));
    CHECK_EQ(page.version, 11);
    weft_client_response_free(&page);
    weft_client_free(plain);
    CHECK_OK(fixture_close(&self));
}

/* ---- many at once ---- */

struct asker {
    struct fixture *fixture;
    unsigned number;
};

static int ask_one(void *arg)
{
    const struct asker *asker = arg;
    char path[64], want[64];
    weft_client_response page;
    snprintf(path, sizeof path, "/item/n%u?q=%u", asker->number, asker->number);
    WEFT_TRY(weft_client_get(asker->fixture->client, fixture_url(asker->fixture, path), &page));
    int len = snprintf(want, sizeof want, "n%u %u", asker->number, asker->number);
    CHECK_EQ(page.version, 20);
    CHECK_EQ(page.status, 200);
    CHECK_GE(page.body.len, (size_t)len);
    CHECK(strncmp(page.body.ptr, want, 1) == 0);
    weft_client_response_free(&page);
    return 0;
}

static void ask_many(struct fixture *self, unsigned count)
{
    struct asker *askers = calloc(count, sizeof *askers);
    weft_task *tasks = calloc(count, sizeof *tasks);
    for (unsigned i = 0; i < count; i++) {
        askers[i] = (struct asker){self, i};
        tasks[i] = weft_spawn(ask_one, &askers[i]);
    }
    CHECK_OK(weft_gather_n(tasks, count));
    free(tasks);
    free(askers);
}

TASK_TEST(h2_requests_share_one_connection_up_to_the_limit)
{
    struct fixture self;
    weft_client_options options = {.limits = {.per_origin_max = 250, .total_count_max = 250}};
    CHECK_OK(h2_open(&self, options));
    ask_many(&self, 100);
    CHECK_EQ(self.client->conn_count, 1);
    ask_many(&self, 250); /* the server takes 100 at a time over one */
    CHECK_GE(self.client->conn_count, 2);
    CHECK_LE(self.client->conn_count, 3);
    CHECK_EQ(weft_sem_units(&self.client->slots), 250);
    CHECK_OK(fixture_close(&self));
}

TASK_TEST(h2_our_own_limit_of_requests_a_connection_holds)
{
    struct fixture self;
    weft_client_options options = {.limits = {.h2_stream_count_max = 4}};
    CHECK_OK(h2_open(&self, options));
    ask_many(&self, 4);
    CHECK_EQ(self.client->conn_count, 1);
    ask_many(&self, 12);
    CHECK_GE(self.client->conn_count, 2);
    CHECK_LE(self.client->conn_count, 3);
    CHECK_OK(fixture_close(&self));
}

TASK_TEST(h2_a_server_that_takes_one_at_a_time_is_asked_over_many_connections)
{
    struct fixture self = {0};
    const weft_http_options server = {.limits = {.h2_stream_count_max = 1}};
    const weft_client_options options = {.assumes_h2 = true};
    CHECK_OK(site_open(&self.site, &server));
    CHECK_OK(weft_client_new(&self.client, &options));
    ask_many(&self, 8);
    ask_many(&self, 8);
    CHECK_LE(self.client->conn_count, 8);
    CHECK_OK(fixture_close(&self));
}

/* ---- bodies ---- */

TASK_TEST(h2_bodies_are_sent_and_come_back)
{
    struct fixture self;
    CHECK_OK(h2_open(&self, (weft_client_options){0}));
    size_t sizes[] = {0, 1, 8192, 16385, 65535, 65536, 100000, 1 << 20};
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
    CHECK_EQ(self.client->conn_count, 1);
    CHECK_OK(fixture_close(&self));
}

static int answer_with_space(weft_http_request *req, weft_http_response *res, void *arg)
{
    weft_str value = weft_http_field(req, "x-asked");
    (void)arg;
    CHECK_BYTES(value.ptr, value.len, "a b", 3);
    WEFT_TRY(weft_http_set_field(res, "X-Answer", (weft_str)WEFT_STR(" c d\t")));
    WEFT_TRY(weft_http_set_field(res, "X-Empty", (weft_str)WEFT_STR(" ")));
    return weft_http_respond_text(res, 200, "fine");
}

/* RFC 9113 8.2.1: what HTTP/1 passes over would make the message malformed. */
TASK_TEST(h2_space_around_a_value_is_left_out)
{
    struct fixture self;
    weft_client_response page;
    const weft_client_field fields[] = {{WEFT_STR("X-Asked"), WEFT_STR("\ta b  ")},
                                        {WEFT_STR("X-Empty"), WEFT_STR("  ")}};
    CHECK_OK(h2_open(&self, (weft_client_options){0}));
    site_handler = answer_with_space;
    weft_client_request request = {
        .url = fixture_url(&self, "/test"), .fields = fields, .field_count = 2};
    CHECK_OK(weft_client_fetch(self.client, &request, &page));
    CHECK_EQ(page.status, 200);
    weft_str value = weft_client_response_field(&page, "x-answer");
    CHECK_BYTES(value.ptr, value.len, "c d", 3);
    CHECK_EQ(weft_client_response_field(&page, "x-empty").len, 0);
    weft_client_response_free(&page);
    CHECK_OK(fixture_close(&self));
}

struct source {
    size_t left, step;
    unsigned reads;
};

static ssize_t source_read(void *buf, size_t bytes, void *arg)
{
    struct source *source = arg;
    size_t count = source->left < source->step ? source->left : source->step;
    count = count < bytes ? count : bytes;
    memset(buf, 'x', count);
    source->left -= count;
    int rc = source->reads++ % 8 == 0 ? weft_sleep(WEFT_MS) : weft_yield();
    return rc < 0 ? rc : (ssize_t)count;
}

TASK_TEST(h2_a_body_may_come_from_a_function_with_and_without_a_length)
{
    struct fixture self;
    CHECK_OK(h2_open(&self, (weft_client_options){0}));
    for (int has_length = 0; has_length < 2; has_length++) {
        static const size_t sizes[] = {20000, 300000}; /* the first comes back, the second is more
                                                          than the windows hold */
        for (int i = 0; i < 2; i++) {
            struct source source = {.left = sizes[i], .step = 3000};
            weft_client_trace trace;
            weft_client_response echo;
            weft_client_request request = {.url = fixture_url(&self, i == 0 ? "/stream" : "/drain"),
                                           .body_read = source_read,
                                           .body_arg = &source,
                                           .body_bytes = has_length ? (int64_t)sizes[i] : 0,
                                           .trace = &trace};
            CHECK_OK(weft_client_fetch(self.client, &request, &echo));
            CHECK_EQ(echo.status, 200);
            CHECK_EQ(echo.body.len, i == 0 ? sizes[i] : strlen("drained\n"));
            CHECK_EQ(trace.sent_bytes, sizes[i]);
            weft_client_response_free(&echo);
        }
    }
    CHECK_EQ(self.client->conn_count, 1);
    CHECK_OK(fixture_close(&self));
}

/* What an answer that nobody reads holds back is its own stream, and no other. */
TASK_TEST(h2_an_answer_that_is_not_read_holds_up_no_other)
{
    enum { UNREAD = 24 }; /* times 64 KiB is more than the connection's window */
    struct fixture self;
    weft_exchange *unread[UNREAD];
    CHECK_OK(h2_open(&self, (weft_client_options){0}));
    weft_client_request request = {.url = fixture_url(&self, "/large?kib=256"),
                                   .keeps_coding = true};
    for (int i = 0; i < UNREAD; i++)
        CHECK_OK(weft_exchange_open(&unread[i], self.client, &request));
    CHECK_OK(weft_sleep(WEFT_SEC));
    for (int i = 0; i < UNREAD; i++)
        CHECK_LE(wf_buf_bytes(&unread[i]->stream.unread), 64 * 1024);
    ask_many(&self, 4);
    CHECK_EQ(self.client->conn_count, 1);
    char piece[5000];
    size_t total = 0;
    for (ssize_t got = 1; got > 0; total += (size_t)got) {
        got = weft_exchange_read(unread[0], piece, sizeof piece);
        CHECK_OK(got);
        for (ssize_t at = 0; at < got; at++)
            CHECK_EQ(piece[at], 'a' + (int)((total + (size_t)at) % 23));
    }
    CHECK_EQ(total, 256 * 1024);
    for (int i = 0; i < UNREAD; i++)
        weft_exchange_close(unread[i]);
    ask_many(&self, 4);
    CHECK_EQ(self.client->conn_count, 1);
    CHECK_OK(fixture_close(&self));
}

/* ---- ends ---- */

static int ask_slowly(void *arg)
{
    struct fixture *self = arg;
    weft_client_response page;
    return weft_client_get(self->client, fixture_url(self, "/wait"), &page);
}

TASK_TEST(h2_a_cancelled_request_ends_its_stream_alone)
{
    struct fixture self;
    CHECK_OK(h2_open(&self, (weft_client_options){0}));
    ask_many(&self, 1);
    weft_task slow = weft_spawn(ask_slowly, &self);
    unsigned started = site_seen.started;
    weft_exchange *large;
    weft_client_request request = {.url = fixture_url(&self, "/large?kib=256"),
                                   .keeps_coding = true};
    CHECK_OK(weft_exchange_open(&large, self.client, &request));
    CHECK_OK(weft_sleep(10 * WEFT_MS));
    CHECK_GT(site_seen.started, started);
    CHECK_EQ(site_seen.cancelled, 0);
    weft_cancel(slow, "not wanted");
    CHECK_EQ(weft_await(slow), -ECANCELED);
    CHECK_OK(weft_sleep(10 * WEFT_MS));
    CHECK_EQ(site_seen.cancelled, 1); /* its handler was told */
    static char body[256 * 1024];
    size_t total = 0;
    for (ssize_t got = 1; got > 0; total += (size_t)got)
        CHECK_OK(got = weft_exchange_read(large, body, sizeof body));
    CHECK_EQ(total, sizeof body);
    weft_exchange_close(large);
    ask_many(&self, 2);
    CHECK_EQ(self.client->conn_count, 1);
    CHECK_OK(fixture_close(&self));
}

TASK_TEST(h2_deadlines_name_their_phase)
{
    struct fixture self;
    weft_client_trace trace;
    weft_client_response none;
    weft_client_options options = {.limits = {.first_byte_max = 2 * WEFT_SEC}};
    CHECK_OK(h2_open(&self, options));
    weft_client_request request = {.url = fixture_url(&self, "/sleep?ms=9000"), .trace = &trace};
    weft_time since = weft_now();
    CHECK_EQ(weft_client_fetch(self.client, &request, &none), -ETIMEDOUT);
    CHECK_EQ(trace.phase, WEFT_CLIENT_HEAD);
    CHECK_GE(weft_now() - since, 2 * WEFT_SEC);
    CHECK_LT(weft_now() - since, 4 * WEFT_SEC);
    ask_many(&self, 1);
    CHECK_EQ(self.client->conn_count, 1);
    CHECK_OK(fixture_close(&self));
}

TASK_TEST(h2_a_server_that_stops_takes_what_it_has_and_no_more)
{
    struct fixture self;
    CHECK_OK(h2_open(&self, (weft_client_options){0}));
    weft_exchange *large;
    weft_client_request request = {.url = fixture_url(&self, "/large?kib=256"),
                                   .keeps_coding = true};
    CHECK_OK(weft_exchange_open(&large, self.client, &request));
    weft_http_server_stop(self.site.server);
    CHECK_OK(weft_sleep(10 * WEFT_MS));
    static char body[256 * 1024];
    size_t total = 0;
    for (ssize_t got = 1; got > 0; total += (size_t)got)
        CHECK_OK(got = weft_exchange_read(large, body, sizeof body));
    CHECK_EQ(total, sizeof body);
    weft_exchange_close(large);
    weft_client_response none;
    CHECK_LT(weft_client_get(self.client, fixture_url(&self, "/ok"), &none), 0);
    CHECK_EQ(self.client->conn_count, 0);
    CHECK_OK(fixture_close(&self));
}

TASK_TEST(h2_idle_connections_are_cut_after_a_while)
{
    struct fixture self;
    CHECK_OK(h2_open(&self, (weft_client_options){0}));
    ask_many(&self, 3);
    CHECK_EQ(self.client->conn_count, 1);
    CHECK_OK(weft_sleep(29 * WEFT_SEC));
    CHECK_EQ(self.client->conn_count, 1);
    CHECK_OK(weft_sleep(2 * WEFT_SEC));
    CHECK_EQ(self.client->conn_count, 0);
    ask_many(&self, 3);
    CHECK_OK(fixture_close(&self));
}

/* ---- everything that can go wrong ---- */

static int converse(struct fixture *self)
{
    static char body[70000];
    char piece[4096];
    weft_client_response page;
    weft_exchange *exchange;
    weft_client_request request = {.url = fixture_url(self, "/echo"), .body = {body, sizeof body}};
    WEFT_TRY(weft_client_fetch(self->client, &request, &page));
    size_t len = page.body.len;
    int status = page.status;
    weft_client_response_free(&page);
    if (status == 200)
        CHECK_EQ(len, sizeof body);
    request = (weft_client_request){.url = fixture_url(self, "/count?n=3")};
    WEFT_TRY(weft_exchange_open(&exchange, self->client, &request));
    ssize_t got = 1;
    while (got > 0)
        got = weft_exchange_read(exchange, piece, sizeof piece);
    weft_exchange_close(exchange);
    return got < 0 ? (int)got : 0;
}

SCENARIO(h2_requests_under_everything)
{
    struct fixture self;
    int rc = h2_open(&self, (weft_client_options){.limits = {.retry_count_max = 1}});
    if (rc == 0)
        rc = converse(&self);
    int closed = fixture_close(&self);
    return rc < 0 ? rc : closed;
}
