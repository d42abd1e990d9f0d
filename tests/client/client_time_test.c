/* SPDX-License-Identifier: MIT */

/* Times, slots and cancellation. */

#include <weft.h>
#include <weft/client.h>

#include "liar.h"

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
