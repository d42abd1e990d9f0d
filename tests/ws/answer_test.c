/* SPDX-License-Identifier: MIT */

/* WebSockets that are served message by message, and have no task between two messages. */

#include "ends.h"

#include <weft/stats.h>

#include <stdlib.h>

struct served {
    struct ends ends;
    unsigned opened, closed, running;
    int rc, code;
};

static struct served *served_of(void *arg)
{
    return arg;
}

static int on_open(weft_ws *ws, void *arg)
{
    served_of(arg)->opened++;
    CHECK(weft_ws_get_user(ws) == NULL);
    weft_ws_set_user(ws, arg);
    return 0;
}

static int sleep_shielded(weft_time duration)
{
    weft_scope shield;
    (void)weft_scope_open(&shield, WEFT_FOREVER, WEFT_SCOPE_SHIELD);
    return weft_scope_close(&shield, weft_sleep(duration));
}

/* "fail" and "bye" end it, "slow" takes a second, "deaf" twenty and no cancel, all else comes back.
 */
static int on_message(weft_ws *ws, const weft_ws_message *message, void *arg)
{
    struct served *served = served_of(arg);
    CHECK(weft_ws_get_user(ws) == arg);
    CHECK_EQ(served->running, 0u); /* of one WebSocket, one after the other */
    served->running++;
    int rc = 0;
    if (message->data.len == 4 && memcmp(message->data.ptr, "fail", 4) == 0)
        rc = -EIO;
    else if (message->data.len == 3 && memcmp(message->data.ptr, "bye", 3) == 0)
        rc = -WEFT_ECLOSED;
    else if (message->data.len == 4 && memcmp(message->data.ptr, "slow", 4) == 0)
        rc = weft_sleep(WEFT_SEC);
    else if (message->data.len == 4 && memcmp(message->data.ptr, "deaf", 4) == 0)
        rc = sleep_shielded(20 * WEFT_SEC);
    if (rc == 0)
        rc = weft_ws_send(ws, message->type, message->data);
    served->running--;
    return rc;
}

static void on_close(weft_ws *ws, int rc, void *arg)
{
    struct served *served = served_of(arg);
    served->closed++;
    served->rc = rc;
    served->code = weft_ws_get_close(ws, NULL);
}

static const weft_ws_handler handler = {on_open, on_message, on_close};

static int answer(weft_http_request *req, weft_http_response *res, void *arg)
{
    return weft_ws_answer(req, res, NULL, &handler, arg);
}

static int served_open(struct served *served)
{
    const weft_http_options http = {.grace = WEFT_SEC};
    const weft_http_route route = {.method = "GET", .path = "/m", .handler = answer, .arg = served};
    *served = (struct served){0};
    WEFT_TRY(ends_open(&served->ends, &http, ends_echo));
    int rc = weft_http_server_add(served->ends.server, &route);
    strcpy(strrchr(served->ends.url, '/'), "/m");
    if (rc < 0)
        (void)ends_close(&served->ends);
    return rc;
}

static void wait_closed(const struct served *served, unsigned count)
{
    for (int i = 0; served->closed < count; i++) {
        CHECK_LT(i, 1000);
        CHECK_OK(weft_sleep(10 * WEFT_MS));
    }
}

static uint64_t tasks_now(void)
{
    weft_run_stats stats;
    CHECK_OK(weft_run_stats_get(&stats));
    return stats.tasks_live;
}

TASK_TEST(a_silent_websocket_has_no_task)
{
    struct served served;
    weft_ws *ws[4];
    CHECK_OK(served_open(&served));
    uint64_t first = 0;
    for (int i = 0; i < 4; i++) {
        CHECK_OK(ends_connect(&served.ends, &ws[i], NULL));
        CHECK_OK(weft_ws_send_text(ws[i], "hello"));
        expect_text(ws[i], "hello");
        CHECK_OK(weft_sleep(WEFT_SEC));
        first = i == 0 ? tasks_now() : first; /* the client has its own */
        CHECK_EQ(tasks_now(), first);
    }
    for (int i = 0; i < 4; i++) { /* and wakes for a message */
        CHECK_OK(weft_ws_send_text(ws[i], "again"));
        expect_text(ws[i], "again");
        CHECK_OK(weft_ws_close(ws[i], 1000, NULL));
    }
    wait_closed(&served, 4);
    CHECK_EQ(served.opened, 4u);
    CHECK_EQ(served.rc, 0);
    CHECK_EQ(served.code, 1000);
    CHECK_OK(ends_close(&served.ends));
}

TASK_TEST(messages_that_come_together_are_served_in_order)
{
    struct served served;
    weft_ws *ws;
    char *large = malloc(300000);
    CHECK(large != NULL);
    memset(large, 'x', 300000);
    CHECK_OK(served_open(&served));
    CHECK_OK(ends_connect(&served.ends, &ws, NULL));
    CHECK_OK(weft_ws_send_text(ws, "slow"));
    for (int i = 0; i < 50; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        CHECK_OK(weft_ws_send_text(ws, text));
    }
    CHECK_OK(weft_ws_send(ws, WEFT_WS_BINARY, (weft_str){large, 300000}));
    expect_text(ws, "slow");
    for (int i = 0; i < 50; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        expect_text(ws, text);
    }
    expect_message(ws, WEFT_WS_BINARY, large, 300000);
    free(large);
    CHECK_OK(weft_ws_close(ws, 1000, NULL));
    wait_closed(&served, 1);
    CHECK_OK(ends_close(&served.ends));
}

TASK_TEST(the_result_of_a_handler_closes_with_its_code)
{
    static const struct {
        const char *text;
        int rc, code;
    } rows[] = {{"fail", -EIO, 1011}, {"bye", -WEFT_ECLOSED, 1000}};
    struct served served;
    CHECK_OK(served_open(&served));
    for (unsigned i = 0; i < 2; i++) {
        weft_ws *ws;
        weft_ws_message message;
        note("%s", rows[i].text);
        CHECK_OK(ends_connect(&served.ends, &ws, NULL));
        CHECK_OK(weft_sleep(WEFT_SEC));
        CHECK_OK(weft_ws_send_text(ws, rows[i].text));
        CHECK_EQ(weft_ws_receive(ws, &message), 0);
        CHECK_EQ(weft_ws_get_close(ws, NULL), rows[i].code);
        CHECK_OK(weft_ws_close(ws, 1000, NULL));
        wait_closed(&served, i + 1);
        CHECK_EQ(served.rc, rows[i].rc);
    }
    CHECK_OK(ends_close(&served.ends));
}

TASK_TEST(a_websocket_without_a_task_notices_how_it_ends)
{
    struct served served;
    weft_ws *ws;
    CHECK_OK(served_open(&served));
    CHECK_OK(ends_connect(&served.ends, &ws, NULL));
    CHECK_OK(weft_sleep(100 * WEFT_SEC)); /* pings are answered, nobody hangs up */
    CHECK_EQ(served.closed, 0u);
    weft_ws_abort(ws);
    wait_closed(&served, 1);
    CHECK_LT(served.rc, 0);
    CHECK_OK(ends_close(&served.ends));
}

/* It reads, and answers no ping. */
TASK_TEST(a_silent_peer_of_a_websocket_without_a_task_is_given_up)
{
    static const char ask[] =
        "GET /m HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " RAW_KEY "\r\n\r\n";
    struct served served;
    weft_stream *raw;
    char buf[256];
    CHECK_OK(served_open(&served));
    CHECK_OK(weft_stream_connect(&raw, &served.ends.addr));
    CHECK_OK(weft_stream_write(raw, ask, sizeof ask - 1));
    CHECK_OK(weft_sleep(30 * WEFT_SEC));
    CHECK_EQ(served.closed, 0u);
    while (weft_stream_read(raw, buf, sizeof buf) > 0) {
    }
    CHECK_EQ(served.closed, 1u);
    CHECK_EQ(served.rc, -ETIMEDOUT);
    weft_stream_abort(raw);
    CHECK_OK(ends_close(&served.ends));
}

TASK_TEST(a_server_that_stops_says_so_to_websockets_without_a_task)
{
    struct served served;
    weft_ws *ws;
    weft_ws_message message;
    CHECK_OK(served_open(&served));
    CHECK_OK(ends_connect(&served.ends, &ws, NULL));
    CHECK_OK(weft_sleep(WEFT_SEC));
    weft_http_server_stop(served.ends.server);
    CHECK_EQ(weft_ws_receive(ws, &message), 0);
    CHECK_EQ(weft_ws_get_close(ws, NULL), 1001);
    CHECK_OK(weft_ws_close(ws, 1000, NULL));
    CHECK_OK(ends_close(&served.ends));
    CHECK_EQ(served.closed, 1u);
}

/* The peer never answers: the grace time ends it. */
TASK_TEST(a_server_that_stops_ends_websockets_that_do_not_answer)
{
    struct served served;
    weft_ws *ws;
    CHECK_OK(served_open(&served));
    CHECK_OK(ends_connect(&served.ends, &ws, NULL));
    CHECK_OK(weft_ws_send_text(ws, "slow")); /* one is in hand, too */
    CHECK_OK(weft_sleep(WEFT_MS));
    CHECK_OK(ends_close(&served.ends));
    CHECK_EQ(served.closed, 1u);
    weft_ws_abort(ws);
}

/* The server has no time left, and its connection stays until the task has ended it. */
TASK_TEST(class_41_a_message_that_takes_no_cancel_keeps_its_websocket)
{
    struct served served;
    weft_ws *ws;
    CHECK_OK(served_open(&served));
    CHECK_OK(ends_connect(&served.ends, &ws, NULL));
    CHECK_OK(weft_ws_send_text(ws, "deaf"));
    CHECK_OK(weft_sleep(WEFT_MS));
    weft_http_server_stop(served.ends.server);
    CHECK_OK(weft_sleep(10 * WEFT_SEC)); /* its grace, and five seconds after the cancel */
    CHECK_EQ(served.closed, 0u);
    CHECK_EQ(served.running, 1u);
    CHECK_OK(ends_close(&served.ends));
    CHECK_EQ(served.closed, 1u);
    CHECK_EQ(served.running, 0u);
    weft_ws_abort(ws);
}

SCENARIO(a_websocket_is_served_by_messages_with_anything_failing)
{
    struct served served;
    weft_ws *ws;
    int rc = served_open(&served);
    if (rc < 0)
        return rc;
    rc = ends_connect(&served.ends, &ws, NULL);
    if (rc == 0) {
        weft_ws_message message;
        rc = weft_ws_send_text(ws, "hello");
        if (rc == 0)
            rc = weft_ws_receive(ws, &message);
        int closed = weft_ws_close(ws, 1000, NULL);
        rc = rc < 0 ? rc : closed;
    }
    int ended = ends_close(&served.ends);
    CHECK_EQ(served.opened, served.closed);
    return rc < 0 ? rc : ended;
}
