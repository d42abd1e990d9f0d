/* SPDX-License-Identifier: MIT */

/* What servers, callers and chance do to a client at the worst moment. */

#include <weft.h>
#include <weft/client.h>
#include <weft/client_sse.h>

#include "liar.h"
#include "site.h"

/* ---- answers ---- */

TASK_TEST(a_redirect_with_half_a_body_is_not_waited_for)
{
    static const struct liar_step steps[] = {
        {.answer = "HTTP/1.1 302 Found\r\nLocation: /b\r\nTransfer-Encoding: chunked\r\n\r\n5",
         .then = LIAR_KEEP},
        {.then = LIAR_CLOSE}, /* the connection is cut */
        {.answer = OK_HI}};
    struct liar liar;
    weft_client *client;
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    weft_time since = weft_now();
    CHECK_EQ(liar_get(client, &liar, NULL), 200);
    CHECK_LE(weft_now() - since, WEFT_SEC);
    weft_client_free(client);
    liar_close(&liar);
}

/* Whoever takes the first sees another answer than who takes the last. */
TASK_TEST(an_answer_with_two_types_or_places_is_refused)
{
#define ANSWER(status_, fields_) "HTTP/1.1 " status_ "\r\n" fields_ "Content-Length: 0\r\n\r\n"
    static const struct {
        struct liar_step step;
        int result;
    } rows[] = {
        {{.answer = ANSWER("200 OK", "Content-Type: a/b\r\ncontent-type: a/c\r\n")}, -WEFT_ESYNTAX},
        {{.answer = ANSWER("200 OK", "Content-Type: a/b\r\ncontent-type: a/b\r\n")}, 200},
        {{.answer = ANSWER("302 Found", "Location: /a\r\nX: y\r\nLocation: /b\r\n")},
         -WEFT_ESYNTAX},
        {{.answer = ANSWER("201 Made", "Location: /a\r\nLocation: /a/\r\n")}, -WEFT_ESYNTAX},
        {{.answer = ANSWER("201 Made", "Location: /a\r\nLocation: /a\r\n")}, 201},
        {{.answer = ANSWER("200 OK", "Via: a\r\nVia: b\r\n")}, 200},
    };
#undef ANSWER
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct liar liar;
        weft_client *client;
        note("row %zu", i);
        liar_open(&liar, &rows[i].step, 1);
        CHECK_OK(weft_client_new(&client, NULL));
        CHECK_EQ(liar_get(client, &liar, NULL), rows[i].result);
        if (rows[i].result < 0)
            CHECK(strstr(weft_explain(rows[i].result), "two different fields") != NULL);
        weft_client_free(client);
        liar_close(&liar);
    }
}

TASK_TEST(an_answer_that_does_not_come_is_not_called_sending)
{
    static char body[100 * 1024];
    static const struct liar_step steps[] = {{.body_bytes = sizeof body, .then = LIAR_STALL}};
    struct liar liar;
    weft_client *client;
    weft_client_trace trace;
    weft_client_response page;
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    weft_client_request request = {
        .url = liar_url(liar.port, "/"), .body = {body, sizeof body}, .trace = &trace};
    CHECK_EQ(weft_client_fetch(client, &request, &page), -ETIMEDOUT);
    CHECK(strstr(weft_error_text(), "the answer of") != NULL);
    CHECK_EQ(trace.phase, WEFT_CLIENT_HEAD);
    weft_client_free(client);
    liar_close(&liar);
}

/* ---- requests ---- */

TASK_TEST(a_user_agent_is_said_once_and_cannot_split)
{
    static const struct liar_step steps[] = {{.answer = OK_HI}};
    static const weft_client_field own = {WEFT_STR("user-agent"), WEFT_STR("mine")};
    struct liar liar;
    weft_client *client;
    weft_client_response page;
    weft_client_options options = {.user_agent = "a\r\nX: y"};
    CHECK_EQ(weft_client_new(&client, &options), -EINVAL);
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    weft_client_request request = {
        .url = liar_url(liar.port, "/"), .fields = &own, .field_count = 1};
    CHECK_OK(weft_client_fetch(client, &request, &page));
    CHECK(liar_heard(&liar, 0, "user-agent: mine"));
    CHECK(strstr(liar.heads[0], "User-Agent:") == NULL);
    weft_client_response_free(&page);
    weft_client_free(client);
    liar_close(&liar);
}

/* Without memory for a field the request fails; it is not sent without the field. */
SCENARIO(a_request_has_all_its_fields_or_is_not_sent)
{
    static const struct liar_step steps[] = {{.answer = OK_HI}, {.answer = OK_HI}};
    static char long_value[3000];
    memset(long_value, 'x', sizeof long_value);
    const weft_client_field fields[] = {{WEFT_STR("Authorization"), WEFT_STR("Bearer t")},
                                        {WEFT_STR("Long"), {long_value, sizeof long_value}},
                                        {WEFT_STR("Last"), WEFT_STR("1")}};
    struct liar liar = {0};
    weft_client *client;
    weft_client_response page = {0};
    weft_addr addr;
    liar.steps = steps;
    liar.step_count = 2;
    CHECK_OK(weft_addr_parse(&addr, "127.0.0.1:0"));
    WEFT_TRY(weft_listener_open(&liar.listener, &addr, NULL));
    liar.port = (uint16_t)weft_addr_get_port(weft_listener_get_addr(liar.listener));
    int rc = weft_client_new(&client, NULL);
    if (rc == 0) {
        liar.task = weft_spawn(liar_body, &liar);
        weft_client_request request = {
            .url = liar_url(liar.port, "/"), .fields = fields, .field_count = 3};
        rc = weft_client_fetch(client, &request, &page);
        if (rc == 0)
            CHECK_EQ(page.status, 200);
        weft_client_response_free(&page);
        weft_client_free(client);
        weft_cancel(liar.task, "the test is over");
        if (weft_gather(liar.task) == -ENOMEM && rc == 0)
            rc = -ENOMEM;
    }
    weft_listener_close(liar.listener);
    for (unsigned i = 0; i < liar.requests; i++)
        CHECK(strstr(liar.heads[i], "Authorization: Bearer t\r\nLong: x") != NULL);
    return rc;
}

static ssize_t no_source(void *buf, size_t bytes, void *arg)
{
    (void)buf;
    (void)bytes;
    (void)arg;
    return -EIO;
}

TASK_TEST(bodies_that_fail_here_do_not_speak_against_the_origin)
{
    struct site site;
    weft_client *client;
    weft_client_response page;
    CHECK_OK(site_open(&site, NULL));
    CHECK_OK(weft_client_new(&client, NULL));
    uint16_t port = (uint16_t)weft_addr_get_port(&site.addr);
    for (int i = 0; i < 25; i++) {
        weft_client_request request = {.url = liar_url(port, "/drain"), .body_read = no_source};
        CHECK_EQ(weft_client_fetch(client, &request, &page), -EIO);
    }
    CHECK_OK(weft_client_get(client, liar_url(port, "/ok"), &page));
    weft_client_response_free(&page);
    weft_client_free(client);
    CHECK_OK(site_close(&site));
}

/* ---- connections ---- */

TASK_TEST(a_connection_may_be_kept_for_ever)
{
    static const struct liar_step steps[] = {{.answer = OK_HI, .then = LIAR_KEEP},
                                             {.answer = OK_HI, .then = LIAR_KEEP}};
    struct liar liar;
    weft_client *client;
    weft_client_trace trace;
    LIAR_OPEN(&liar, steps);
    weft_client_options options = {.limits.idle_max = WEFT_FOREVER};
    CHECK_OK(weft_client_new(&client, &options));
    CHECK_EQ(liar_get(client, &liar, &trace), 200);
    CHECK_OK(weft_sleep(100 * WEFT_SEC));
    CHECK_EQ(liar_get(client, &liar, &trace), 200);
    CHECK(trace.is_reused);
    weft_client_free(client);
    liar_close(&liar);
}

/* Two that connect at once count as two: the idle one of another origin makes room. */
TASK_TEST(connections_under_way_count)
{
    static const struct liar_step idle[] = {
        {.answer = OK_HI, .then = LIAR_KEEP}, {.answer = OK_HI}, {.answer = OK_HI}};
    static const struct liar_step twice[] = {{.answer = OK_HI, .then = LIAR_CLOSE},
                                             {.answer = OK_HI, .then = LIAR_CLOSE}};
    struct liar first, second;
    weft_client *client;
    weft_client_trace trace;
    LIAR_OPEN(&first, idle);
    LIAR_OPEN(&second, twice);
    weft_client_options options = {.limits.total_count_max = 2};
    CHECK_OK(weft_client_new(&client, &options));
    CHECK_EQ(liar_get(client, &first, NULL), 200);
    struct liar_asker askers[2] = {{client, &second, 0}, {client, &second, 0}};
    CHECK_OK(weft_map(liar_ask, askers, 2));
    CHECK_EQ(askers[0].rc, 200);
    CHECK_EQ(askers[1].rc, 200);
    CHECK_EQ(liar_get(client, &first, &trace), 200);
    CHECK(!trace.is_reused);
    weft_client_free(client);
    liar_close(&first);
    liar_close(&second);
}

/* ---- sources of events ---- */

#define STREAM "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"

TASK_TEST(an_id_that_no_field_can_say_does_not_stop_a_source)
{
    static const struct liar_step steps[] = {
        {.answer = STREAM "id: a\x01z\ndata: x\n\n", .then = LIAR_CLOSE},
        {.answer = STREAM "data: y\n\n", .then = LIAR_CLOSE}};
    struct liar liar;
    weft_client *client;
    weft_event_source *source;
    weft_sse_event event;
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    weft_client_request request = {.url = liar_url(liar.port, "/")};
    CHECK_OK(weft_event_source_open(&source, client, &request));
    CHECK_EQ(weft_event_source_next(source, &event), 1);
    CHECK_BYTES(event.id.ptr, event.id.len, "a\x01z", 3);
    CHECK_EQ(weft_event_source_next(source, &event), 1);
    CHECK(strstr(liar.heads[1], "Last-Event-ID") == NULL);
    weft_event_source_close(source);
    weft_client_free(client);
    liar_close(&liar);
}

TASK_TEST(a_source_that_has_ended_gives_its_slot_back)
{
    static const struct liar_step steps[] = {{.answer = "HTTP/1.1 204 No Content\r\n\r\n"},
                                             {.answer = OK_HI}};
    struct liar liar;
    weft_client *client;
    weft_event_source *source;
    weft_sse_event event;
    LIAR_OPEN(&liar, steps);
    weft_client_options options = {.limits.total_count_max = 1};
    CHECK_OK(weft_client_new(&client, &options));
    weft_client_request request = {.url = liar_url(liar.port, "/")};
    CHECK_OK(weft_event_source_open(&source, client, &request));
    CHECK_EQ(weft_event_source_next(source, &event), 0);
    CHECK_EQ(liar_get(client, &liar, NULL), 200);
    weft_event_source_close(source);
    weft_client_free(client);
    liar_close(&liar);
}
