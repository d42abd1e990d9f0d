/* SPDX-License-Identifier: MIT */

/* Bounded routes: so many requests in hand, so many that wait for it, and the others in peace. */

#include "site.h"

#include <weft/event.h>
#include <weft/http_layer.h>
#include <weft/sys/stream.h>

#include <stdlib.h>

#define H "Host: a\r\n"
#define GET(path_) "GET " path_ " HTTP/1.1\r\n" H "\r\n"

#define MANY 300

static weft_event gate;
static unsigned begun;
static char order[16]; /* the paths' second letters, as their handlers began */

static int pass_gate(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)arg;
    if (begun < sizeof order - 1)
        order[begun] = weft_http_path(req).ptr[1];
    begun++;
    int rc = weft_event_wait(&gate);
    return rc < 0 ? rc : weft_http_respond_text(res, 200, "passed\n");
}

static weft_stream *bell[2];

/* Waits for a byte that is not its client's. */
static int wait_bell(weft_http_request *req, weft_http_response *res, void *arg)
{
    char byte;
    (void)req;
    (void)arg;
    ssize_t count = weft_stream_read(bell[1], &byte, 1);
    return count < 0 ? (int)count : weft_http_respond_text(res, 200, "rang\n");
}

static const weft_http_group shared = {.in_hand_max = 1, .queue_max = 2};
static const weft_http_route routes[] = {
    {.method = "GET",
     .path = "/dear",
     .handler = pass_gate,
     .in_hand_max = 1,
     .queue_max = 2,
     .queue_time_max = 7 * WEFT_SEC},
    {.method = "POST", .path = "/body", .handler = pass_gate, .in_hand_max = 1, .queue_max = 1},
    {.method = "GET", .path = "/x", .handler = pass_gate, .group = &shared},
    {.method = "GET", .path = "/long", .handler = pass_gate, .in_hand_max = 1, .queue_max = MANY},
    {.method = "GET", .path = "/y", .handler = pass_gate, .group = &shared},
    {.method = "GET", .path = "/bell", .handler = wait_bell, .in_hand_max = 1, .queue_max = 2},
};

static void open_gated(struct site *site, const weft_http_options *options)
{
    gate = (weft_event){0};
    begun = 0;
    memset(order, 0, sizeof order);
    CHECK_OK(site_open_with(site, options, routes, sizeof routes / sizeof routes[0]));
}

static weft_http_stats stats_of(const struct site *site)
{
    weft_http_stats stats;
    weft_http_server_get_stats(site->server, &stats);
    return stats;
}

/* Sends it, and waits until the server has understood it. */
static void send_one(struct site *site, weft_stream *client, const char *text)
{
    uint64_t before = stats_of(site).requests;
    client_send(client, text);
    while (stats_of(site).requests == before)
        CHECK_OK(weft_sleep(WEFT_MS));
    CHECK_OK(weft_sleep(WEFT_MS));
}

static weft_stream *begin(struct site *site, const char *text)
{
    weft_stream *client = client_open(site);
    send_one(site, client, text);
    return client;
}

static void finish(weft_stream *client, int status)
{
    struct answer answer;
    CHECK_OK(client_read(client, &answer));
    CHECK_EQ(answer.status, status);
    if (status == 503) {
        CHECK_GE(atoi(answer_field(&answer, "Retry-After")), 1);
        CHECK(strstr(answer.body, "This route has no room") != NULL);
    }
    answer_fini(&answer);
    weft_stream_close(client);
}

TASK_TEST(requests_of_a_full_route_wait_and_past_its_queue_get_503)
{
    struct site site;
    struct answer answer;
    weft_stream *clients[3];
    open_gated(&site, NULL);
    for (int i = 0; i < 3; i++)
        clients[i] = begin(&site, GET("/dear"));
    CHECK_EQ(begun, 1);
    CHECK_EQ(stats_of(&site).requests_in_hand, 1); /* who waits holds none of the server's */
    CHECK_EQ(stats_of(&site).requests_queued, 2);
    weft_stream *late = begin(&site, GET("/dear") GET("/ok"));
    CHECK_OK(client_read(late, &answer));
    CHECK_EQ(answer.status, 503);
    CHECK(answer_field(&answer, "Connection") == NULL);
    answer_fini(&answer);
    finish(late, 200); /* the other route, behind it on the same connection */
    CHECK_EQ(stats_of(&site).requests_shed, 1);
    weft_event_set(&gate);
    for (int i = 0; i < 3; i++)
        finish(clients[i], 200);
    CHECK_EQ(begun, 3);
    CHECK_EQ(stats_of(&site).requests_queued, 0);
    CHECK_OK(site_close(&site));
}

TASK_TEST(who_waits_too_long_gets_503_and_keeps_the_connection)
{
    struct site site;
    struct answer answer;
    open_gated(&site, NULL);
    weft_stream *first = begin(&site, GET("/dear"));
    weft_time since = weft_now();
    weft_stream *second = begin(&site, GET("/dear") GET("/ok"));
    CHECK_OK(client_read(second, &answer));
    CHECK_EQ(answer.status, 503);
    CHECK_EQ((weft_now() - since + WEFT_SEC / 2) / WEFT_SEC, 7);
    answer_fini(&answer);
    finish(second, 200);
    CHECK_EQ(begun, 1);
    weft_event_set(&gate);
    finish(first, 200);
    CHECK_OK(site_close(&site));
}

/* A group has room for one; its routes wait each in a queue of its own, and the longest waits no
 * more. */
TASK_TEST(routes_of_a_group_take_turns_as_they_came)
{
    static const char *const asked[] = {GET("/x"), GET("/y"), GET("/x"), GET("/y"), GET("/x")};
    struct site site;
    weft_stream *clients[5];
    const weft_http_options options = {.limits.queue_time_max = 60 * WEFT_SEC};
    open_gated(&site, &options);
    for (int i = 0; i < 5; i++)
        clients[i] = begin(&site, asked[i]);
    CHECK_EQ(stats_of(&site).requests_queued, 4);
    CHECK_EQ(ask(&site, GET("/y"), NULL), 503); /* two of each may wait */
    weft_event_set(&gate);
    for (int i = 0; i < 5; i++)
        finish(clients[i], 200);
    CHECK_STR(order, "xyxyx");
    CHECK_OK(site_close(&site));
}

/* The server's own slots are few: whoever has a place of its route waits for one of these too. */
TASK_TEST(a_place_is_given_back_however_its_request_ends)
{
    const weft_http_options options = {
        .limits = {.in_hand_max = 1, .queue_max = 8, .queue_time_max = 20 * WEFT_SEC}};
    struct site site;
    open_gated(&site, &options);
    weft_stream *other = begin(&site, GET("/wait"));  /* has the slot */
    weft_stream *first = begin(&site, GET("/dear"));  /* the place, and waits for the slot */
    weft_stream *second = begin(&site, GET("/dear")); /* waits for the place */
    weft_stream *third = begin(&site, GET("/dear"));
    CHECK_EQ(stats_of(&site).requests_queued, 3);
    weft_stream_abort(second); /* out of the route's queue */
    CHECK_OK(weft_sleep(100 * WEFT_MS));
    CHECK_EQ(stats_of(&site).requests_queued, 2);
    weft_stream_abort(first); /* out of the server's, and the place goes on */
    CHECK_OK(weft_sleep(100 * WEFT_MS));
    CHECK_EQ(stats_of(&site).requests_queued, 1);
    site_gate_open();
    finish(other, 200);
    CHECK_OK(weft_sleep(100 * WEFT_MS));
    CHECK_EQ(begun, 1); /* the third's handler */
    weft_stream *fourth = begin(&site, GET("/dear"));
    weft_stream_abort(third); /* while it is answered */
    weft_event_set(&gate);
    finish(fourth, 200);
    finish(begin(&site, GET("/dear")), 200);
    CHECK_EQ(stats_of(&site).requests_queued, 0);
    CHECK_OK(site_close(&site));
}

/* The server's queue is full too.  A place is handed over in the turn in which one more request
 * comes: who had waited for it would stand behind that one, and all of them would be shed. */
TASK_TEST(who_waited_for_a_place_is_not_shed_for_who_came_after)
{
    const weft_http_options options = {
        .limits = {.in_hand_max = 1, .queue_max = 1, .queue_time_max = 20 * WEFT_SEC}};
    struct site site;
    open_gated(&site, &options);
    CHECK_OK(weft_stream_pair(bell));
    weft_stream *first = begin(&site, GET("/bell"));
    weft_stream *second = begin(&site, GET("/bell")), *third = begin(&site, GET("/bell"));
    weft_stream *other = begin(&site, GET("/wait")); /* in the server's queue */
    CHECK_EQ(stats_of(&site).requests_queued, 3);
    weft_stream *late = client_open(&site);
    CHECK_OK(weft_sleep(10 * WEFT_MS));
    CHECK_OK(weft_stream_put(late, GET("/ok"), strlen(GET("/ok")))); /* they leave together */
    CHECK_OK(weft_stream_put(bell[0], "xxx", 3));
    finish(first, 200);
    site_gate_open();
    finish(second, 200);
    finish(third, 200);
    finish(other, 200);
    struct answer answer; /* on another way it may have come first, to a queue that was full */
    CHECK_OK(client_read(late, &answer));
    CHECK(answer.status == 200 || answer.status == 503);
    CHECK_EQ(stats_of(&site).requests_shed, answer.status == 503);
    answer_fini(&answer);
    weft_stream_close(late);
    weft_stream_close(bell[0]);
    weft_stream_close(bell[1]);
    CHECK_OK(site_close(&site));
}

/* What is behind one on its connection comes to the end of the line, and has a place in its turn.
 */
TASK_TEST(requests_behind_one_another_each_have_a_place)
{
    struct site site;
    struct answer answer;
    open_gated(&site, NULL);
    weft_stream *first = begin(&site, GET("/x") GET("/x") GET("/x"));
    weft_stream *second = begin(&site, GET("/y"));
    weft_event_set(&gate);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(client_read(first, &answer));
        CHECK_EQ(answer.status, 200);
        answer_fini(&answer);
    }
    finish(first, 200);
    finish(second, 200);
    CHECK_STR(order, "xyxx");
    CHECK_EQ(stats_of(&site).requests_queued, 0);
    CHECK_OK(site_close(&site));
}

TASK_TEST(a_body_is_not_read_for_a_route_that_is_full_and_its_queue_too)
{
    static const char post[] = "POST /body HTTP/1.1\r\n" H "Content-Length: 4\r\n\r\n";
    struct site site;
    struct answer answer;
    open_gated(&site, NULL);
    weft_stream *first = client_open(&site), *second = client_open(&site);
    send_one(&site, first, post);
    client_send(first, "body");
    send_one(&site, second, post);
    client_send(second, "body");
    CHECK_OK(weft_sleep(10 * WEFT_MS));
    CHECK_EQ(stats_of(&site).requests_queued, 1);
    CHECK_EQ(ask(&site, post, &answer), 503);
    answer_fini(&answer);
    weft_event_set(&gate);
    finish(first, 200);
    finish(second, 200);
    CHECK_OK(site_close(&site));
}

TASK_TEST(what_has_no_handler_needs_no_place)
{
    struct site site;
    open_gated(&site, NULL);
    weft_stream *first = begin(&site, GET("/dear"));
    weft_time since = weft_now();
    CHECK_EQ(ask(&site, "OPTIONS /dear HTTP/1.1\r\n" H "\r\n", NULL), 204);
    CHECK_EQ(ask(&site, "GET /dear HTTP/1.1\r\n" H "Content-Length: 9999999\r\n\r\n", NULL), 413);
    CHECK_LT(weft_now() - since, WEFT_SEC);
    weft_event_set(&gate);
    finish(first, 200);
    CHECK_OK(site_close(&site));
}

TASK_TEST(a_server_that_stops_answers_who_waits)
{
    struct site site;
    open_gated(&site, NULL);
    weft_stream *first = begin(&site, GET("/dear")), *second = begin(&site, GET("/dear"));
    weft_http_server_stop(site.server);
    CHECK_OK(weft_sleep(WEFT_MS));
    weft_event_set(&gate);
    finish(first, 200);
    finish(second, 200);
    CHECK_OK(site_close(&site));
}

TASK_TEST(a_server_that_is_cut_off_leaves_nobody_waiting)
{
    struct site site;
    open_gated(&site, NULL);
    weft_stream *clients[4];
    for (int i = 0; i < 4; i++)
        clients[i] = begin(&site, i < 3 ? GET("/dear") : GET("/x"));
    weft_http_server_stop(site.server);
    weft_http_server_stop(site.server); /* at once */
    CHECK_OK(site_close(&site));
    for (int i = 0; i < 4; i++)
        weft_stream_abort(clients[i]);
}

/* None of them can have a task any more, and each leaves its place to the next. */
TASK_TEST(a_server_that_is_cut_off_needs_no_more_stack_the_more_wait)
{
    static weft_stream *clients[MANY];
    const weft_http_options options = {.limits.queue_time_max = 60 * WEFT_SEC};
    struct site site;
    open_gated(&site, &options);
    for (int i = 0; i < MANY; i++) {
        clients[i] = client_open(&site);
        client_send(clients[i], GET("/long"));
    }
    while (stats_of(&site).requests < MANY)
        CHECK_OK(weft_sleep(WEFT_MS));
    CHECK_EQ(stats_of(&site).requests_queued, MANY - 1);
    weft_http_server_stop(site.server);
    weft_http_server_stop(site.server);
    CHECK_OK(site_close(&site));
    CHECK_EQ(begun, 1);
    for (int i = 0; i < MANY; i++)
        weft_stream_abort(clients[i]);
}

SCENARIO(a_bounded_route_under_everything)
{
    struct site site;
    gate = (weft_event){.priv_is_set = true};
    begun = 0;
    int rc = site_open_with(&site, NULL, routes, 1);
    if (rc < 0)
        return rc;
    weft_stream *clients[3] = {0};
    char piece[256];
    for (int i = 0; i < 3 && rc == 0; i++) {
        rc = weft_stream_connect(&clients[i], &site.addr);
        if (rc == 0)
            rc = weft_stream_write(clients[i], GET("/dear"), strlen(GET("/dear")));
    }
    for (int i = 0; i < 3; i++) {
        if (rc == 0)
            rc = (int)weft_stream_read(clients[i], piece, sizeof piece);
        rc = rc > 0 ? 0 : rc;
        weft_stream_abort(clients[i]);
    }
    int closed = site_close(&site);
    return rc < 0 ? rc : closed;
}
