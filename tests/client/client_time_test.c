/* SPDX-License-Identifier: MIT */

/* Limits, times, slots and cancellation. */

#include <weft.h>
#include <weft/client.h>

#include "liar.h"

#include "client/client_priv.h"

#include <stdlib.h>

TASK_TEST(limits_are_those_of_the_header)
{
    weft_client *client;
    CHECK_OK(weft_client_new(&client, NULL));
    const weft_client_limits *limits = &client->options.limits;
    CHECK_EQ(limits->connect_max, 5 * WEFT_SEC);
    CHECK_EQ(limits->tls_max, 10 * WEFT_SEC);
    CHECK_EQ(limits->first_byte_max, 30 * WEFT_SEC);
    CHECK_EQ(limits->between_max, 30 * WEFT_SEC);
    CHECK_EQ(limits->total_max, 300 * WEFT_SEC);
    CHECK_EQ(limits->slot_max, 5 * WEFT_SEC);
    CHECK_EQ(limits->retry_after_max, 10 * WEFT_SEC);
    CHECK_EQ(limits->continue_max, 1 * WEFT_SEC);
    CHECK_EQ(limits->per_origin_max, 32);
    CHECK_EQ(limits->total_count_max, 256);
    CHECK_EQ(limits->idle_max, 30 * WEFT_SEC);
    CHECK_EQ(limits->redirect_count_max, 10);
    CHECK_EQ(limits->retry_count_max, 2);
    CHECK_EQ(limits->retry_percent, 10);
    CHECK_EQ(limits->retry_burst, 10);
    CHECK_EQ(limits->interim_count_max, 16);
    CHECK_EQ(limits->head_bytes_max, 64 << 10);
    CHECK_EQ(limits->field_count_max, 100);
    CHECK_EQ(limits->body_bytes_max, 64 << 20);
    CHECK_EQ(limits->decoded_ratio_max, 200);
    CHECK_EQ(limits->h2_stream_count_max, 100);
    CHECK_EQ(limits->h2_stream_window, 64 << 10);
    CHECK_EQ(limits->h2_window, 1 << 20);
    CHECK_EQ(limits->h2_table_bytes_max, 4 << 10);
    CHECK_EQ(limits->h2_silence_max, 10 * WEFT_SEC);
    CHECK_EQ(limits->h2_continuation_count_max, 8);
    CHECK_EQ(limits->h2_reset_burst, 1000);
    CHECK_EQ(limits->h2_reset_rate, 33);
    CHECK_EQ(limits->h2_odd_burst, 1000);
    CHECK_EQ(limits->h2_odd_rate, 100);
    CHECK_EQ(limits->h2_control_count_max, 1000);
    weft_client_free(client);
}

struct stall {
    const char *answer, *text, *limit;
    weft_time after;
    enum weft_client_phase phase;
};

TASK_TEST(each_phase_has_its_time)
{
    static const struct stall rows[] = {
        {NULL, "the answer of", "30 s (first_byte_max)", 30 * WEFT_SEC, WEFT_CLIENT_HEAD},
        {"HTTP/1.1 200", "the answer of", "20 s (between_max)", 20 * WEFT_SEC, WEFT_CLIENT_HEAD},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh", "next piece", "20 s (between_max)",
         20 * WEFT_SEC, WEFT_CLIENT_BODY},
    };
    weft_client_options options = {.limits.between_max = 20 * WEFT_SEC};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct liar_step step = {.answer = rows[i].answer, .then = LIAR_STALL};
        struct liar liar;
        weft_client *client;
        weft_client_trace trace;
        note("row %zu", i);
        liar_open(&liar, &step, 1);
        CHECK_OK(weft_client_new(&client, &options));
        weft_time since = weft_now();
        CHECK_EQ(liar_get(client, &liar, &trace), -ETIMEDOUT);
        CHECK(strstr(weft_error_text(), rows[i].text) != NULL);
        CHECK(strstr(weft_error_text(), rows[i].limit) != NULL);
        CHECK_EQ(trace.phase, rows[i].phase);
        CHECK_GE(weft_now() - since, rows[i].after);
        CHECK_LE(weft_now() - since, rows[i].after + 2 * WEFT_SEC);
        weft_client_free(client);
        liar_close(&liar);
    }
}

TASK_TEST(all_together_have_a_time_too)
{
    struct liar_step step = {.then = LIAR_STALL};
    struct liar liar;
    weft_client *client;
    weft_client_response page;
    liar_open(&liar, &step, 1);
    CHECK_OK(weft_client_new(&client, NULL));
    weft_client_request request = {.url = liar_url(liar.port, "/"), .total_max = 7 * WEFT_SEC};
    weft_time since = weft_now();
    CHECK_EQ(weft_client_fetch(client, &request, &page), -ETIMEDOUT);
    CHECK(strstr(weft_error_text(), "took more than 7 s in all (total_max)") != NULL);
    CHECK_LE(weft_now() - since, 8 * WEFT_SEC);
    weft_client_free(client);
    liar_close(&liar);
}

/* A deadline of the caller's is the caller's: it is no timeout of the client. */
TASK_TEST(the_callers_deadline_cuts_the_request)
{
    struct liar_step step = {.then = LIAR_STALL};
    struct liar liar;
    weft_client *client;
    liar_open(&liar, &step, 1);
    CHECK_OK(weft_client_new(&client, NULL));
    weft_scope scope;
    CHECK_OK(weft_scope_open(&scope, weft_after(WEFT_SEC), 0));
    int rc = liar_get(client, &liar, NULL);
    CHECK_EQ(rc, -ECANCELED);
    CHECK_EQ(weft_scope_close(&scope, rc), -ETIMEDOUT);
    weft_client_free(client);
    liar_close(&liar);
}

/* What the request says of its time, in ms; -1: nothing. */
static long told(const struct liar *liar, const char *name)
{
    char begin[64];
    snprintf(begin, sizeof begin, "\r\n%s: ", name);
    const char *at = strstr(liar->heads[0], begin);
    return at != NULL ? strtol(at + strlen(begin), NULL, 10) : -1;
}

static const char *head_with_time(struct liar *liar, const char *name, weft_time own,
                                  weft_time callers)
{
    static const struct liar_step step = {.answer = OK_HI};
    weft_client_options options = {.timeout_field = name};
    weft_client *client;
    weft_client_response page;
    weft_scope scope;
    liar_open(liar, &step, 1);
    CHECK_OK(weft_client_new(&client, &options));
    CHECK_OK(weft_scope_open(&scope, weft_after(callers), 0));
    weft_client_request request = {.url = liar_url(liar->port, "/"), .total_max = own};
    CHECK_OK(weft_client_fetch(client, &request, &page));
    CHECK_EQ(weft_scope_close(&scope, 0), 0);
    weft_client_response_free(&page);
    weft_client_free(client);
    liar_close(liar);
    return liar->heads[0];
}

TASK_TEST(a_server_is_told_how_long_its_answer_is_of_use)
{
    static const struct {
        weft_time own, callers;
        long ms;
    } rows[] = {
        {7 * WEFT_SEC, WEFT_FOREVER, 7000},
        {0, 9 * WEFT_SEC, 9000},
        {7 * WEFT_SEC, 5 * WEFT_SEC, 5000},
        {0, WEFT_FOREVER, 300000},
        {40 * 3600 * WEFT_SEC, WEFT_FOREVER, 99999999},
    };
    struct liar liar;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        note("row %zu", i);
        (void)head_with_time(&liar, "X-Patience", rows[i].own, rows[i].callers);
        CHECK_LE(told(&liar, "X-Patience"), rows[i].ms);
        CHECK_GE(told(&liar, "X-Patience"), rows[i].ms - 2000); /* connecting takes its time */
    }
    (void)head_with_time(&liar, "X-Patience", WEFT_FOREVER, WEFT_FOREVER);
    CHECK_EQ(told(&liar, "X-Patience"), -1);
    const char *head = head_with_time(&liar, "Grpc-Timeout", 7 * WEFT_SEC, WEFT_FOREVER);
    head = strstr(head, "\r\nGrpc-Timeout: ");
    CHECK(head != NULL);
    CHECK_EQ(head[16 + strspn(head + 16, "0123456789")], 'm');
}

TASK_TEST(what_the_request_itself_says_of_its_time_stands)
{
    static const struct liar_step step = {.answer = OK_HI};
    static const weft_client_field field = {WEFT_STR("x-patience"), WEFT_STR("3")};
    weft_client_options options = {.timeout_field = "X-Patience"};
    struct liar liar;
    weft_client *client;
    weft_client_response page;
    liar_open(&liar, &step, 1);
    CHECK_OK(weft_client_new(&client, &options));
    weft_client_request request = {
        .url = liar_url(liar.port, "/"), .fields = &field, .field_count = 1};
    CHECK_OK(weft_client_fetch(client, &request, &page));
    CHECK_EQ(told(&liar, "x-patience"), 3);
    CHECK_EQ(told(&liar, "X-Patience"), -1);
    weft_client_response_free(&page);
    weft_client_free(client);
    liar_close(&liar);
    options.timeout_field = "Host";
    CHECK_EQ(weft_client_new(&client, &options), -EINVAL);
    options.timeout_field = "";
    CHECK_EQ(weft_client_new(&client, &options), -EINVAL);
}

/* ---- slots ---- */

TASK_TEST(an_origin_gets_so_many_requests_at_a_time)
{
    static const struct liar_step steps[] = {
        {.answer = OK_HI}, {.answer = OK_HI}, {.answer = OK_HI}};
    struct liar liar;
    weft_client *client;
    LIAR_OPEN(&liar, steps);
    weft_client_options options = {.limits.per_origin_max = 1};
    CHECK_OK(weft_client_new(&client, &options));
    struct liar_asker askers[3];
    for (int i = 0; i < 3; i++)
        askers[i] = (struct liar_asker){.client = client, .liar = &liar};
    CHECK_OK(weft_map(liar_ask, askers, 3));
    for (int i = 0; i < 3; i++)
        CHECK_EQ(askers[i].rc, 200);
    CHECK_EQ(liar.connections, 1); /* one after the other */
    weft_client_free(client);
    liar_close(&liar);
}

TASK_TEST(waiting_for_a_slot_ends)
{
    static const struct liar_step steps[] = {{.then = LIAR_STALL}};
    struct liar liar;
    weft_client *client;
    weft_client_trace trace;
    LIAR_OPEN(&liar, steps);
    weft_client_options options = {.limits.total_count_max = 1};
    CHECK_OK(weft_client_new(&client, &options));
    struct liar_asker first = {.client = client, .liar = &liar};
    weft_task task = weft_spawn(liar_ask, &first);
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_EQ(liar_get(client, &liar, &trace), -ETIMEDOUT);
    CHECK_EQ(trace.phase, WEFT_CLIENT_SLOT);
    CHECK(strstr(weft_error_text(), "a free connection to") != NULL);
    CHECK(strstr(weft_error_text(), " took more than 5 s (slot_max)") != NULL);
    weft_cancel(task, "enough");
    CHECK_OK(weft_await(task));
    CHECK_EQ(first.rc, -ECANCELED);
    weft_client_free(client);
    liar_close(&liar);
}

/* The slot of the origin is there already when that of the client does not come.  An origin whose
 * requests failed is remembered, with its slots. */
TASK_TEST(a_slot_that_came_alone_is_given_back)
{
    static const struct liar_step stalls[] = {{.then = LIAR_STALL}};
    static const struct liar_step steps[] = {{.then = LIAR_CLOSE}, {.answer = OK_HI}};
    struct liar busy, liar;
    weft_client *client;
    weft_client_response page;
    LIAR_OPEN(&busy, stalls);
    LIAR_OPEN(&liar, steps);
    weft_client_options options = {.limits = {.total_count_max = 1, .per_origin_max = 1}};
    CHECK_OK(weft_client_new(&client, &options));
    weft_client_request request = {.url = liar_url(liar.port, "/"), .is_sent_once = true};
    CHECK_EQ(weft_client_fetch(client, &request, &page), -WEFT_ETRUNCATED);
    struct liar_asker first = {.client = client, .liar = &busy};
    weft_task task = weft_spawn(liar_ask, &first);
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_EQ(liar_get(client, &liar, NULL), -ETIMEDOUT);
    weft_cancel(task, "enough");
    CHECK_OK(weft_await(task));
    CHECK_EQ(liar_get(client, &liar, NULL), 200);
    weft_client_free(client);
    liar_close(&liar);
    liar_close(&busy);
}

TASK_TEST(idle_connections_go_after_a_while)
{
    static const struct liar_step steps[] = {{.answer = OK_HI, .then = LIAR_KEEP},
                                             {.answer = OK_HI, .then = LIAR_KEEP},
                                             {.answer = OK_HI, .then = LIAR_KEEP}};
    struct liar liar;
    weft_client *client;
    weft_client_trace trace;
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    CHECK_EQ(liar_get(client, &liar, &trace), 200);
    CHECK_OK(weft_sleep(29 * WEFT_SEC));
    CHECK_EQ(liar_get(client, &liar, &trace), 200);
    CHECK(trace.is_reused);
    CHECK_OK(weft_sleep(31 * WEFT_SEC));
    CHECK_EQ(liar_get(client, &liar, &trace), 200);
    CHECK(!trace.is_reused);
    CHECK_EQ(liar.connections, 2);
    weft_client_free(client);
    liar_close(&liar);
}

/* ---- cancellation ---- */

/* A cancel at any moment leaves no connection, no slot and no task; the next request works. */
TASK_TEST(a_cancelled_request_leaves_the_client_whole)
{
    static const struct liar_step steps[] = {
        {.then = LIAR_CLOSE}, {.answer = "HTTP/1.1 2", .then = LIAR_CLOSE}, {.answer = OK_HI}};
    for (weft_time at = 0; at < 4; at++) {
        struct liar liar;
        weft_client *client;
        LIAR_OPEN(&liar, steps);
        weft_client_options options = {.limits.per_origin_max = 1};
        CHECK_OK(weft_client_new(&client, &options));
        struct liar_asker asker = {.client = client, .liar = &liar};
        weft_task task = weft_spawn(liar_ask, &asker);
        CHECK_OK(at == 0 ? 0 : weft_sleep(at * 40 * WEFT_MS));
        weft_cancel(task, "now");
        CHECK_OK(weft_await(task));
        int rc = -1;
        for (int i = 0; i < 3 && rc < 0; i++)
            rc = liar_get(client, &liar, NULL);
        CHECK(rc == 200 || liar.requests == 3);
        weft_client_free(client);
        liar_close(&liar);
    }
}
