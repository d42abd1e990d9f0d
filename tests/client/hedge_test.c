/* SPDX-License-Identifier: MIT */

/* Requests that are sent once more because the first is slow. */

#include <weft.h>
#include <weft/client.h>
#include <weft/http.h>

#include "liar.h"
#include "site.h"

/* A server that takes its time with the first request it gets; each is answered with its number. */
static struct {
    weft_time first_takes;
    int first_status, asked, cancelled;
} slow;

static int answer(weft_http_request *req, weft_http_response *res, void *arg)
{
    char text[2] = "1";
    int number = ++slow.asked;
    (void)req;
    (void)arg;
    int rc = number == 1 ? weft_sleep(slow.first_takes) : 0;
    slow.cancelled += rc == -ECANCELED;
    if (rc < 0)
        return rc;
    text[0] = (char)('0' + number);
    return weft_http_respond_text(res, number == 1 ? slow.first_status : 200, text);
}

struct ends {
    struct site site;
    weft_client *client;
};

static int ends_open(struct ends *ends, weft_time first_takes)
{
    memset(&slow, 0, sizeof slow);
    slow.first_takes = first_takes;
    slow.first_status = 200;
    site_handler = answer;
    *ends = (struct ends){0};
    WEFT_TRY(site_open(&ends->site, NULL));
    return weft_client_new(&ends->client, NULL);
}

static int ends_close(struct ends *ends)
{
    weft_client_free(ends->client);
    return ends->site.server != NULL ? site_close(&ends->site) : 0;
}

/* The number of the request that was answered, or the failure. */
static int get(struct ends *ends, weft_client_trace *trace)
{
    weft_client_response page;
    weft_client_request request = {
        .url = liar_url((uint16_t)weft_addr_get_port(&ends->site.addr), "/test"),
        .hedge_after = 100 * WEFT_MS,
        .trace = trace,
    };
    WEFT_TRY(weft_client_fetch(ends->client, &request, &page));
    int number = page.body.len == 1 ? page.body.ptr[0] - '0' : -1;
    weft_client_response_free(&page);
    return number;
}

TASK_TEST(a_quick_answer_is_not_hedged)
{
    struct ends ends;
    weft_client_trace trace;
    CHECK_OK(ends_open(&ends, 50 * WEFT_MS));
    CHECK_EQ(get(&ends, &trace), 1);
    CHECK(!trace.is_hedged);
    CHECK_EQ(trace.phase, WEFT_CLIENT_DONE);
    CHECK_EQ(trace.read_bytes, 1);
    CHECK_OK(ends_close(&ends));
    CHECK_EQ(slow.asked, 1);
}

TASK_TEST(a_slow_answer_is_overtaken_and_its_request_cut)
{
    struct ends ends;
    weft_client_trace trace;
    CHECK_OK(ends_open(&ends, 60 * WEFT_SEC));
    weft_time since = weft_now();
    CHECK_EQ(get(&ends, &trace), 2);
    CHECK_LT(weft_now() - since, WEFT_SEC);
    CHECK(trace.is_hedged);
    CHECK_EQ(trace.attempts, 1);
    CHECK_EQ(trace.phase, WEFT_CLIENT_DONE);
    CHECK_EQ(get(&ends, &trace), 3); /* over the connection that won */
    CHECK(trace.is_reused && !trace.is_hedged);
    CHECK_OK(ends_close(&ends));
    CHECK_EQ(slow.cancelled, 1);
}

/* Takes both requests, and answers them together. */
static int answer_both(void *listener)
{
    weft_stream *streams[2];
    weft_str head, end = WEFT_STR("\r\n\r\n");
    for (int i = 0; i < 2; i++) {
        WEFT_TRY(weft_listener_accept(listener, &streams[i]));
        CHECK_GT(weft_stream_peek_until(streams[i], end, 8192, &head), 0);
        weft_stream_consume(streams[i], head.len);
    }
    for (int i = 0; i < 2; i++)
        CHECK_OK(weft_stream_write(streams[i], OK_HI, strlen(OK_HI)));
    CHECK_OK(weft_sleep(WEFT_SEC));
    for (int i = 0; i < 2; i++)
        weft_stream_abort(streams[i]);
    return 0;
}

/* Of two exchanges that are open in one instant the caller gets one, and nobody the other. */
TASK_TEST(two_answers_in_one_instant_leave_nothing)
{
    weft_listener *listener;
    weft_client *client;
    weft_client_response page;
    weft_addr addr;
    CHECK_OK(weft_addr_parse(&addr, "127.0.0.1:0"));
    CHECK_OK(weft_listener_open(&listener, &addr, NULL));
    weft_task server = weft_spawn(answer_both, listener);
    CHECK_OK(weft_client_new(&client, NULL));
    weft_client_request request = {
        .url = liar_url((uint16_t)weft_addr_get_port(weft_listener_get_addr(listener)), "/"),
        .hedge_after = 100 * WEFT_MS,
    };
    CHECK_OK(weft_client_fetch(client, &request, &page));
    CHECK_BYTES(page.body.ptr, page.body.len, "hi", 2);
    weft_client_response_free(&page);
    weft_client_free(client);
    CHECK_OK(weft_await(server));
    weft_listener_close(listener);
}

/* What fails by itself is not slow: nothing waits for the hedge. */
TASK_TEST(a_failure_is_no_reason_to_hedge)
{
    struct ends ends;
    weft_client_trace trace;
    CHECK_OK(ends_open(&ends, 0));
    slow.first_status = 500;
    weft_client_response page;
    weft_client_request request = {
        .url = "http://127.0.0.1:1/", .hedge_after = WEFT_SEC, .trace = &trace};
    weft_time since = weft_now();
    int rc = weft_client_fetch(ends.client, &request, &page);
    CHECK_EQ(rc, -ECONNREFUSED);
    CHECK(strstr(weft_error_text(), "127.0.0.1:1") != NULL);
    CHECK(!trace.is_hedged);
    CHECK_LT(weft_now() - since, WEFT_SEC);
    CHECK_EQ(get(&ends, &trace), 1); /* a status is an answer */
    CHECK_OK(ends_close(&ends));
}

TASK_TEST(hedges_come_out_of_the_budget_of_repeats)
{
    struct ends ends;
    weft_client_trace trace;
    int hedged = 0;
    CHECK_OK(ends_open(&ends, 0));
    for (int i = 0; i < 20; i++) {
        slow.asked = 0;
        slow.first_takes = WEFT_SEC;
        CHECK_GT(get(&ends, &trace), 0);
        hedged += trace.is_hedged;
    }
    CHECK_GE(hedged, 10); /* what is saved up at the start … */
    CHECK_LE(hedged, 14); /* … and a tenth of those that were sent */
    CHECK_OK(ends_close(&ends));
}

TASK_TEST(both_have_the_time_of_one_request)
{
    static const struct liar_step steps[] = {{.then = LIAR_STALL}, {.then = LIAR_STALL}};
    struct liar liar;
    weft_client *client;
    weft_client_response page;
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    const weft_client_request request = {
        .url = liar_url(liar.port, "/"), .hedge_after = 200 * WEFT_MS, .total_max = 3 * WEFT_SEC};
    weft_time from = weft_now();
    CHECK_EQ(weft_client_fetch(client, &request, &page), -ETIMEDOUT);
    CHECK(strstr(weft_error_text(), "than 3 s in all (total_max)") != NULL);
    CHECK_GE(weft_now() - from, 3 * WEFT_SEC);
    CHECK_LT(weft_now() - from, 3100 * WEFT_MS);
    weft_client_free(client);
    liar_close(&liar);
}

TASK_TEST(what_may_not_be_sent_twice_is_not_hedged)
{
    struct ends ends;
    weft_client_response page;
    CHECK_OK(ends_open(&ends, 0));
    const char *url = liar_url((uint16_t)weft_addr_get_port(&ends.site.addr), "/test");
    weft_client_request post = {.url = url, .method = "POST", .hedge_after = 1};
    CHECK_EQ(weft_client_fetch(ends.client, &post, &page), -EINVAL);
    weft_client_request body = {.url = url, .body = WEFT_STR("x"), .hedge_after = 1};
    CHECK_EQ(weft_client_fetch(ends.client, &body, &page), -EINVAL);
    weft_client_request past = {.url = url, .hedge_after = -1};
    CHECK_EQ(weft_client_fetch(ends.client, &past, &page), -EINVAL);
    CHECK_OK(ends_close(&ends));
    CHECK_EQ(slow.asked, 0);
}

SCENARIO(hedged_requests_survive_every_failure)
{
    struct ends ends;
    int rc = ends_open(&ends, WEFT_SEC);
    if (rc == 0) {
        rc = get(&ends, NULL);
        CHECK(rc < 0 || (rc > 0 && rc < 9));
    }
    int ended = ends_close(&ends);
    return rc < 0 ? rc : ended;
}
