/* SPDX-License-Identifier: MIT */

/* Events from our server to our client, and from servers that break off. */

#include <weft.h>
#include <weft/client_sse.h>

#include "liar.h"
#include "site.h"

static int count_events(weft_http_request *req, weft_http_response *res, void *arg)
{
    char id[16];
    weft_str last = weft_http_sse_last_id(req);
    int from = last.len == 1 ? last.ptr[0] - '0' : 0;
    (void)arg;
    if (from == 4)
        return weft_http_set_status(res, 204);
    int rc = weft_http_sse_begin(res);
    for (int i = from + 1; i <= from + 2 && rc == 0; i++) {
        snprintf(id, sizeof id, "%d", i);
        weft_sse_event event = {.data = WEFT_STR("one\r\ntwo\n"),
                                .event = WEFT_STR("count"),
                                .id = {id, strlen(id)},
                                .retry = 10 * WEFT_MS};
        rc = weft_http_sse_keep_alive(res);
        if (rc == 0)
            rc = weft_http_sse_send(res, &event);
    }
    return rc;
}

TASK_TEST(events_go_on_where_they_stopped_until_204)
{
    struct site site;
    weft_client *client;
    weft_event_source *source;
    weft_sse_event event;
    CHECK_OK(site_open(&site, NULL));
    site_handler = count_events;
    CHECK_OK(weft_client_new(&client, NULL));
    weft_client_request request = {.url =
                                       liar_url((uint16_t)weft_addr_get_port(&site.addr), "/test")};
    CHECK_OK(weft_event_source_open(&source, client, &request));
    for (int i = 1; i <= 4; i++) {
        CHECK_EQ(weft_event_source_next(source, &event), 1);
        CHECK_EQ(event.id.ptr[0], '0' + i);
        CHECK_BYTES(event.event.ptr, event.event.len, "count", 5);
        CHECK_BYTES(event.data.ptr, event.data.len, "one\ntwo\n", 8);
    }
    CHECK_EQ(weft_event_source_next(source, &event), 0);
    CHECK_EQ(weft_event_source_next(source, &event), 0);
    CHECK_EQ(site_seen.ended, 3);
    weft_event_source_close(source);
    weft_client_free(client);
    CHECK_OK(site_close(&site));
}

static int bad_event(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)arg;
    static const weft_sse_event bad[] = {
        {.data = WEFT_STR("a"), .event = WEFT_STR("x\ndata: y")},
        {.data = WEFT_STR("a"), .id = WEFT_STR("x\r")},
        {.data = WEFT_STR("a"), .id = WEFT_STR("x\0y")},
    };
    CHECK_OK(weft_http_sse_begin(res));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK_EQ(weft_http_sse_send(res, &bad[i]), -EINVAL);
    weft_sse_event fine = {.data = WEFT_STR("fine")};
    return weft_http_sse_send(res, &fine);
}

TASK_TEST(what_could_forge_an_event_is_not_sent)
{
    struct site site;
    weft_client *client;
    weft_event_source *source;
    weft_sse_event event;
    CHECK_OK(site_open(&site, NULL));
    site_handler = bad_event;
    CHECK_OK(weft_client_new(&client, NULL));
    weft_client_request request = {.url =
                                       liar_url((uint16_t)weft_addr_get_port(&site.addr), "/test")};
    CHECK_OK(weft_event_source_open(&source, client, &request));
    CHECK_EQ(weft_event_source_next(source, &event), 1);
    CHECK_BYTES(event.data.ptr, event.data.len, "fine", 4);
    CHECK_EQ(event.id.len, 0);
    weft_event_source_close(source);
    weft_client_free(client);
    CHECK_OK(site_close(&site));
}

#define STREAM "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"

TASK_TEST(a_broken_stream_is_taken_up_with_the_last_id)
{
    static const struct liar_step steps[] = {
        {.answer = STREAM "retry: 5000\nid: 3\ndata: a\n\nid: 4\ndata: ha", .then = LIAR_RESET},
        {.then = LIAR_CLOSE},
        {.answer = STREAM "data: b\n\n", .then = LIAR_CLOSE},
        {.answer = "HTTP/1.1 204 No\r\n\r\n"},
    };
    struct liar liar;
    weft_client *client;
    weft_event_source *source;
    weft_sse_event event;
    LIAR_OPEN(&liar, steps);
    weft_client_options options = {.limits.retry_count_max = 1};
    CHECK_OK(weft_client_new(&client, &options));
    weft_client_request request = {.url = liar_url(liar.port, "/")};
    CHECK_OK(weft_event_source_open(&source, client, &request));
    CHECK_EQ(weft_event_source_next(source, &event), 1);
    weft_time since = weft_now();
    CHECK_EQ(weft_event_source_next(source, &event), 1);
    CHECK_BYTES(event.data.ptr, event.data.len, "b", 1);
    CHECK_BYTES(event.id.ptr, event.id.len, "3", 1);
    CHECK_GE(weft_now() - since, 5 * WEFT_SEC);
    CHECK(liar_heard(&liar, 0, "Accept: text/event-stream"));
    CHECK(strstr(liar.heads[0], "Last-Event-ID") == NULL);
    CHECK(liar_heard(&liar, 1, "Last-Event-ID: 3"));
    CHECK_EQ(weft_event_source_next(source, &event), 0);
    weft_event_source_close(source);
    weft_client_free(client);
    liar_close(&liar);
}

/* Failures prolong the pause up to 30 s, but nothing shortens what the server has said. */
TASK_TEST(a_source_stays_away_for_as_long_as_the_server_says)
{
    static const struct liar_step steps[] = {
        {.answer = STREAM "retry: 60000\ndata: a\n\n", .then = LIAR_CLOSE},
        {.answer = STREAM "retry: 10000\ndata: b\n\n", .then = LIAR_RESET},
        {.then = LIAR_CLOSE},
        {.then = LIAR_CLOSE},
        {.answer = STREAM "data: c\n\n", .then = LIAR_CLOSE},
        {.answer = STREAM "retry: 0\ndata: d\n\n", .then = LIAR_CLOSE},
        {.answer = STREAM "data: e\n\n"},
    };
    static const weft_time pauses[] = {0, 60 * WEFT_SEC, (10 + 20) * WEFT_SEC, 10 * WEFT_SEC,
                                       10 * WEFT_MS};
    struct liar liar;
    weft_client *client;
    weft_event_source *source;
    weft_sse_event event;
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, &(weft_client_options){.limits.retry_count_max = 1}));
    weft_client_request request = {.url = liar_url(liar.port, "/")};
    CHECK_OK(weft_event_source_open(&source, client, &request));
    for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
        weft_time since = weft_now();
        note("event %zu", i);
        CHECK_EQ(weft_event_source_next(source, &event), 1);
        CHECK_BYTES(event.data.ptr, event.data.len, &"abcde"[i], 1);
        CHECK_GE(weft_now() - since, pauses[i]);
        CHECK_LE(weft_now() - since, pauses[i] + 2 * WEFT_SEC);
    }
    weft_event_source_close(source);
    weft_client_free(client);
    liar_close(&liar);
}

TASK_TEST(what_is_no_event_stream_is_an_error)
{
    static const struct liar_step steps[] = {
        {.answer = "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"},
        {.answer = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n"},
        {.answer = "HTTP/1.1 200 OK\r\nContent-Type: text/event-streams\r\nContent-Length: "
                   "0\r\n\r\n"},
    };
    struct liar liar;
    weft_client *client;
    weft_event_source *source;
    weft_sse_event event;
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    weft_client_request request = {.url = liar_url(liar.port, "/news?secret")};
    CHECK_OK(weft_event_source_open(&source, client, &request));
    CHECK_EQ(weft_event_source_next(source, &event), -EPROTO);
    CHECK(strstr(weft_error_text(), "/news answers with status 404, not with events") != NULL);
    CHECK_EQ(weft_event_source_next(source, &event), -WEFT_ESYNTAX);
    CHECK_EQ(weft_event_source_next(source, &event), -WEFT_ESYNTAX);
    CHECK(strstr(weft_error_text(), "/news answers with another type than") != NULL);
    weft_event_source_close(source);
    weft_client_free(client);
    liar_close(&liar);
}

/* However long the path is, there is room for what is wrong. */
TASK_TEST(a_long_url_does_not_push_out_why_a_source_fails)
{
    static const struct liar_step steps[] = {
        {.answer = "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"},
        {.answer = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n"},
    };
    struct liar liar;
    weft_client *client;
    weft_event_source *source;
    weft_sse_event event;
    char path[200];
    snprintf(path, sizeof path, "/%0*d", (int)sizeof path - 2, 0);
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    weft_client_request request = {.url = liar_url(liar.port, path)};
    CHECK_OK(weft_event_source_open(&source, client, &request));
    CHECK_EQ(weft_event_source_next(source, &event), -EPROTO);
    CHECK(strstr(weft_error_text(), "00 answers with status 404, not with events") != NULL);
    CHECK_EQ(weft_event_source_next(source, &event), -WEFT_ESYNTAX);
    CHECK(strstr(weft_error_text(), "00 answers with another type than") != NULL);
    weft_event_source_close(source);
    weft_client_free(client);
    liar_close(&liar);
}

TASK_TEST(a_cancelled_wait_for_an_event_goes_on_later)
{
    static const struct liar_step steps[] = {
        {.answer = STREAM "data: a\n\nda", .then = LIAR_STALL}};
    struct liar liar;
    weft_client *client;
    weft_event_source *source;
    weft_sse_event event;
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    weft_client_request request = {.url = liar_url(liar.port, "/")};
    CHECK_OK(weft_event_source_open(&source, client, &request));
    CHECK_EQ(weft_event_source_next(source, &event), 1);
    for (int i = 0; i < 2; i++) {
        weft_scope scope;
        CHECK_OK(weft_scope_open(&scope, weft_after(WEFT_SEC), 0));
        int rc = weft_event_source_next(source, &event);
        CHECK_EQ(weft_scope_close(&scope, rc), -ETIMEDOUT);
        CHECK_EQ(liar.connections, 1);
    }
    weft_event_source_close(source);
    weft_client_free(client);
    liar_close(&liar);
}

/* ---- requests that are sent once ---- */

#define CHUNKS                                                                                     \
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

TASK_TEST(a_post_is_sent_once_and_ends_with_its_answer)
{
    static const struct {
        struct liar_step step;
        int events, end;
    } rows[] = {
        {{.answer = STREAM "data: a\n\n", .then = LIAR_CLOSE}, 1, 0},
        {{.answer = STREAM "data: a\n\nid: 4\n", .then = LIAR_CLOSE}, 1, 0},
        {{.answer = STREAM "data: a\n\ndata: b\n", .then = LIAR_CLOSE}, 1, -WEFT_ETRUNCATED},
        {{.answer = STREAM "data: a\n\nda", .then = LIAR_CLOSE}, 1, -WEFT_ETRUNCATED},
        {{.answer = CHUNKS "9\r\ndata: a\n\n\r\n0\r\n\r\n", .then = LIAR_CLOSE}, 1, 0},
        {{.answer = CHUNKS "9\r\ndata: a\n\n\r\n", .then = LIAR_CLOSE}, 1, -WEFT_ETRUNCATED},
        {{.answer = "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"}, 0, -EPROTO},
        {{.answer = "HTTP/1.1 204 No\r\n\r\n"}, 0, 0},
        {{.then = LIAR_CLOSE}, 0, -WEFT_ETRUNCATED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct liar liar;
        weft_client *client;
        weft_event_source *source;
        weft_sse_event event;
        struct liar_step step = rows[i].step;
        step.body_bytes = 2; /* to close with some of it unread is a reset */
        note("row %zu", i);
        liar_open(&liar, &step, 1);
        CHECK_OK(weft_client_new(&client, NULL));
        weft_client_request request = {.url = liar_url(liar.port, "/"), .body = WEFT_STR("hi")};
        CHECK_OK(weft_event_source_open(&source, client, &request));
        for (int seen = 0; seen < rows[i].events; seen++)
            CHECK_EQ(weft_event_source_next(source, &event), 1);
        for (int again = 0; again < 2; again++)
            CHECK_EQ(weft_event_source_next(source, &event), rows[i].end);
        CHECK_EQ(liar.requests, 1);
        weft_event_source_close(source);
        weft_client_free(client);
        liar_close(&liar);
    }
}

TASK_TEST(a_post_that_may_be_sent_again_is)
{
    static const struct liar_step steps[] = {
        {.answer = STREAM "data: a\n\n", .then = LIAR_CLOSE, .body_bytes = 2},
        {.answer = "HTTP/1.1 204 No\r\n\r\n", .body_bytes = 2},
    };
    struct liar liar;
    weft_client *client;
    weft_event_source *source;
    weft_sse_event event;
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    weft_client_request request = {
        .url = liar_url(liar.port, "/"), .body = WEFT_STR("hi"), .is_idempotent = true};
    CHECK_OK(weft_event_source_open(&source, client, &request));
    CHECK_EQ(weft_event_source_next(source, &event), 1);
    CHECK_EQ(weft_event_source_next(source, &event), 0);
    CHECK_EQ(liar.requests, 2);
    weft_event_source_close(source);
    weft_client_free(client);
    liar_close(&liar);
}

TASK_TEST(a_post_that_is_cancelled_before_its_answer_is_not_sent_again)
{
    static const struct liar_step steps[] = {
        {.answer = STREAM "data: a\n\n", .then = LIAR_STALL},
        {.then = LIAR_STALL},
    };
    struct liar liar;
    weft_client *client;
    weft_sse_event event;
    weft_client_request request = {.body = WEFT_STR("hi")};
    CHECK_OK(weft_client_new(&client, NULL));
    for (int i = 0; i < 2; i++) { /* behind an event it goes on, as with any source */
        weft_event_source *source;
        liar_open(&liar, &steps[i], 1);
        request.url = liar_url(liar.port, "/");
        CHECK_OK(weft_event_source_open(&source, client, &request));
        if (i == 0)
            CHECK_EQ(weft_event_source_next(source, &event), 1);
        for (int again = 0; again < 2; again++) {
            weft_scope scope;
            CHECK_OK(weft_scope_open(&scope, weft_after(WEFT_SEC), 0));
            int rc = weft_event_source_next(source, &event);
            CHECK_EQ(rc, -ECANCELED);
            CHECK_EQ(weft_scope_expired(&scope), i == 0 || again == 0);
            CHECK_EQ(weft_scope_close(&scope, rc), i == 0 || again == 0 ? -ETIMEDOUT : -ECANCELED);
        }
        CHECK_EQ(liar.requests, 1);
        weft_event_source_close(source);
        liar_close(&liar);
    }
    weft_client_free(client);
}

TASK_TEST(a_source_that_is_refused_comes_again_when_the_server_says)
{
    static const struct liar_step steps[] = {
        {.answer = "HTTP/1.1 503 No\r\nRetry-After: 40\r\nContent-Length: 0\r\n\r\n"},
        {.answer = "HTTP/1.1 429 No\r\nRetry-After: 3601\r\nContent-Length: 0\r\n\r\n"},
        {.answer = STREAM "data: a\n\n", .then = LIAR_CLOSE},
    };
    struct liar liar;
    weft_client *client;
    weft_client_trace trace;
    weft_event_source *source;
    weft_sse_event event;
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    weft_client_request request = {.url = liar_url(liar.port, "/"), .trace = &trace};
    CHECK_OK(weft_event_source_open(&source, client, &request));
    weft_time since = weft_now();
    CHECK_EQ(weft_event_source_next(source, &event), -EPROTO);
    CHECK_EQ(trace.status, 503);
    CHECK_EQ(weft_event_source_next(source, &event), -EPROTO);
    CHECK_EQ(trace.status, 429);
    CHECK_GE(weft_now() - since, 40 * WEFT_SEC);
    CHECK_EQ(weft_event_source_next(source, &event), 1);
    CHECK_EQ(trace.status, 200);
    CHECK_LE(weft_now() - since, 60 * WEFT_SEC); /* an hour and a second is beyond belief */
    weft_event_source_close(source);
    weft_client_free(client);
    liar_close(&liar);
}

/* None is lost, and none comes twice. */
static int take_all(weft_event_source *source)
{
    weft_sse_event event;
    int rc, next = '1';
    while ((rc = weft_event_source_next(source, &event)) == 1)
        CHECK_EQ(event.id.ptr[0], next++);
    return rc;
}

SCENARIO(events_survive_every_failure)
{
    struct site site;
    weft_client *client = NULL;
    weft_event_source *source = NULL;
    int rc = site_open(&site, NULL);
    site_handler = count_events;
    if (rc == 0)
        rc = weft_client_new(&client, NULL);
    if (rc == 0) {
        weft_client_request request = {
            .url = liar_url((uint16_t)weft_addr_get_port(&site.addr), "/test")};
        rc = weft_event_source_open(&source, client, &request);
    }
    weft_scope scope; /* it would connect again for ever to a server that is gone */
    if (rc == 0)
        rc = weft_scope_open(&scope, weft_after(300 * WEFT_SEC), 0);
    if (rc == 0)
        rc = weft_scope_close(&scope, take_all(source));
    weft_event_source_close(source);
    weft_client_free(client);
    int ended = site_close(&site);
    return rc < 0 ? rc : ended;
}
