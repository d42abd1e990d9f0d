/* SPDX-License-Identifier: MIT */

/* Limits, pings, silence, the closing handshake, and a server that stops. */

#include "ends.h"

#include "ws/ws_priv.h"

#define M "00000000"

TASK_TEST(limits_are_those_of_the_header)
{
    struct ends ends;
    weft_ws *ws;
    CHECK_OK(ends_open(&ends, NULL, ends_echo));
    CHECK_OK(ends_connect(&ends, &ws, NULL));
    const weft_ws_limits *limits = &ws->limits;
    CHECK_EQ(limits->frame_bytes_max, 1 << 20);
    CHECK_EQ(limits->message_bytes_max, 16 << 20);
    CHECK_EQ(limits->fragment_count_max, 1024);
    CHECK_EQ(limits->inflate_ratio_max, 200);
    CHECK_EQ(limits->unsent_bytes_max, 1 << 20);
    CHECK_EQ(limits->unsent_count_max, 256);
    CHECK_EQ(limits->ping_every, 20 * WEFT_SEC);
    CHECK_EQ(limits->pong_max, 20 * WEFT_SEC);
    CHECK_EQ(limits->close_max, 5 * WEFT_SEC);
    CHECK_EQ(limits->write_idle_max, 30 * WEFT_SEC);
    CHECK_EQ(weft_ws_close(ws, 1000, NULL), 0);
    CHECK_OK(ends_close(&ends));
}

/* ---- is the peer alive? ---- */

TASK_TEST(a_silent_peer_is_asked_and_then_given_up)
{
    struct ends ends;
    CHECK_OK(ends_open(&ends, NULL, ends_echo));
    weft_stream *stream = raw_open(&ends, "");
    weft_time from = weft_now();
    raw_expect(stream, "8900");
    CHECK_GE(weft_now() - from, 19 * WEFT_SEC);
    CHECK_LE(weft_now() - from, 21 * WEFT_SEC);
    CHECK_EQ(raw_close_code(stream), 1011);
    CHECK_LE(weft_now() - from, 42 * WEFT_SEC);
    ends_wait(&ends, 1);
    CHECK_EQ(ends.rc, -ETIMEDOUT);
    CHECK_EQ(ends.code, 1011);
    weft_stream_abort(stream);
    CHECK_OK(ends_close(&ends));
}

TASK_TEST(a_peer_that_answers_pings_stays)
{
    struct ends ends;
    weft_ws *ws;
    CHECK_OK(ends_open(&ends, NULL, ends_echo));
    CHECK_OK(ends_connect(&ends, &ws, NULL));
    CHECK_OK(weft_sleep(600 * WEFT_SEC));
    CHECK_OK(weft_ws_send_text(ws, "still here"));
    expect_text(ws, "still here");
    CHECK_EQ(weft_ws_close(ws, 1000, NULL), 0);
    CHECK_OK(ends_close(&ends));
}

TASK_TEST(a_peer_that_talks_is_not_asked)
{
    struct ends ends;
    CHECK_OK(ends_open(&ends, NULL, ends_echo));
    weft_stream *stream = raw_open(&ends, "");
    for (int i = 0; i < 10; i++) {
        CHECK_OK(weft_sleep(15 * WEFT_SEC));
        raw_send(stream, "8181" M "78");
        raw_expect(stream, "810178"); /* and no ping before it */
    }
    weft_stream_abort(stream);
    CHECK_OK(ends_close(&ends));
}

static int busy_for_minutes(weft_ws *ws, void *arg)
{
    weft_ws_message message;
    (void)arg;
    WEFT_TRY(weft_sleep(300 * WEFT_SEC));
    int rc, count = 0;
    while ((rc = weft_ws_receive(ws, &message)) > 0)
        count++;
    return rc < 0 ? rc : count;
}

TASK_TEST(a_task_that_is_busy_answers_pings_all_the_same)
{
    struct ends ends;
    CHECK_OK(ends_open(&ends, NULL, busy_for_minutes));
    weft_stream *stream = raw_open(&ends, "");
    for (int i = 0; i < 10; i++) {
        raw_send(stream, "8980" M);
        raw_expect(stream, "8a00");
        CHECK_OK(weft_sleep(15 * WEFT_SEC));
    }
    weft_stream_abort(stream);
    CHECK_OK(ends_close(&ends));
}

/* The message before stays the receiver's meanwhile. */
TASK_TEST(a_task_that_holds_a_message_answers_pings_all_the_same)
{
    struct ends ends;
    weft_ws *ws;
    weft_ws_message message;
    CHECK_OK(ends_open(&ends, NULL, ends_echo));
    CHECK_OK(ends_connect(&ends, &ws, NULL));
    CHECK_OK(weft_ws_send_text(ws, "first"));
    CHECK_EQ(weft_ws_receive(ws, &message), 1);
    CHECK_OK(weft_sleep(120 * WEFT_SEC));
    CHECK_BYTES(message.data.ptr, message.data.len, "first", 5);
    CHECK_OK(weft_ws_send_text(ws, "second"));
    expect_text(ws, "second");
    CHECK_OK(weft_sleep(300 * WEFT_SEC));
    CHECK_OK(weft_ws_send_text(ws, "third"));
    expect_text(ws, "third");
    CHECK_EQ(weft_ws_close(ws, 1000, NULL), 0);
    CHECK_OK(ends_close(&ends));
}

/* Its pongs are behind messages nobody takes: that is not silence. */
TASK_TEST(a_peer_that_is_not_listened_to_is_not_called_silent)
{
    struct ends ends;
    weft_ws *ws;
    CHECK_OK(ends_open(&ends, NULL, busy_for_minutes));
    CHECK_OK(ends_connect(&ends, &ws, NULL));
    CHECK_OK(weft_ws_send_text(ws, "one"));
    CHECK_OK(weft_ws_send_text(ws, "two"));
    CHECK_OK(weft_sleep(200 * WEFT_SEC));
    CHECK_EQ(ends.ended, 0u);
    weft_ws_abort(ws);
    CHECK_OK(weft_sleep(120 * WEFT_SEC));
    ends_wait(&ends, 1);
    CHECK(ends.rc == -ECONNRESET || ends.rc == -WEFT_ETRUNCATED);
    CHECK_OK(ends_close(&ends));
}

/* ---- closing ---- */

static int leave_at_once(weft_ws *ws, void *arg)
{
    (void)ws;
    (void)arg;
    return 0;
}

TASK_TEST(a_close_that_is_not_answered_is_over_after_its_time)
{
    struct ends ends;
    CHECK_OK(ends_open(&ends, NULL, leave_at_once));
    weft_stream *stream = raw_open(&ends, "");
    weft_time from = weft_now();
    raw_expect(stream, "880203e8");
    ends_wait(&ends, 1);
    CHECK_GE(weft_now() - from, 4 * WEFT_SEC);
    CHECK_LE(weft_now() - from, 6 * WEFT_SEC);
    weft_stream_abort(stream);
    CHECK_OK(ends_close(&ends));
}

TASK_TEST(a_close_drops_what_still_comes)
{
    struct ends ends;
    CHECK_OK(ends_open(&ends, NULL, leave_at_once));
    weft_stream *stream = raw_open(&ends, "");
    raw_expect(stream, "880203e8");
    raw_send(stream, "8181" M "78 0181" M "78 8980" M " 8080" M " 8882" M "03e8");
    char byte;
    CHECK_EQ(weft_stream_read(stream, &byte, 1), 0);
    ends_wait(&ends, 1);
    weft_stream_abort(stream);
    CHECK_OK(ends_close(&ends));
}

static int close_in_vain(weft_ws *ws, void *arg)
{
    struct ends *ends = arg;
    weft_ws_message message;
    int rc;
    while ((rc = weft_ws_receive(ws, &message)) > 0) {
    }
    ends->messages++;
    CHECK_EQ(weft_ws_receive(ws, &message), 0); /* the same again */
    CHECK_EQ(weft_ws_send_text(ws, "late"), -WEFT_ECLOSED);
    return rc;
}

TASK_TEST(a_closed_connection_takes_no_message)
{
    struct ends ends;
    weft_ws *ws;
    CHECK_OK(ends_open(&ends, NULL, close_in_vain));
    CHECK_OK(ends_connect(&ends, &ws, NULL));
    CHECK_EQ(weft_ws_close(ws, 1001, NULL), 0);
    ends_wait(&ends, 1);
    CHECK_EQ(ends.messages, 1u);
    CHECK_EQ(ends.code, 1001);
    CHECK_OK(ends_close(&ends));
}

TASK_TEST(a_close_says_only_what_may_be_said)
{
    struct ends ends;
    weft_ws *ws;
    char reason[200];
    memset(reason, 'r', sizeof reason - 1);
    reason[sizeof reason - 1] = 0;
    memcpy(reason + 122, "\xc3\xbc", 2); /* the cut would go through it */
    CHECK_OK(ends_open(&ends, NULL, ends_echo));
    CHECK_OK(ends_connect(&ends, &ws, NULL));
    CHECK_EQ(weft_ws_close(ws, 1006, reason), 0);
    ends_wait(&ends, 1);
    CHECK_EQ(ends.code, 1000);
    CHECK_EQ(strlen(ends.reason), 122u);
    CHECK_OK(ends_close(&ends));
}

static int fail_at_once(weft_ws *ws, void *arg)
{
    (void)ws;
    (void)arg;
    return -EIO;
}

TASK_TEST(a_handler_that_fails_says_1011)
{
    struct ends ends;
    weft_ws *ws;
    weft_ws_message message;
    CHECK_OK(ends_open(&ends, NULL, fail_at_once));
    CHECK_OK(ends_connect(&ends, &ws, NULL));
    CHECK_EQ(weft_ws_receive(ws, &message), 0);
    CHECK_EQ(weft_ws_get_close(ws, NULL), 1011);
    CHECK_EQ(weft_ws_close(ws, 1000, NULL), 0);
    CHECK_OK(ends_close(&ends));
}

/* ---- the server stops ---- */

TASK_TEST(a_server_that_stops_says_1001_and_waits_for_the_answer)
{
    struct ends ends;
    CHECK_OK(ends_open(&ends, NULL, ends_echo));
    weft_stream *stream = raw_open(&ends, "");
    weft_http_server_stop(ends.server);
    raw_expect(stream, "880203e9");
    raw_send(stream, "8181" M "78 8882" M "03e9");
    ends_wait(&ends, 1);
    CHECK_EQ(ends.messages, 1u); /* what was on its way is received; it cannot be answered */
    CHECK_EQ(ends.rc, -WEFT_ECLOSED);
    CHECK_OK(ends_close(&ends));
    weft_stream_abort(stream);
}

TASK_TEST(a_server_that_stops_waits_for_no_answer_for_ever)
{
    struct ends ends;
    CHECK_OK(ends_open(&ends, NULL, ends_echo));
    weft_stream *stream = raw_open(&ends, "");
    weft_time from = weft_now();
    CHECK_OK(ends_close(&ends));
    CHECK_LE(weft_now() - from, 8 * WEFT_SEC);
    CHECK_EQ(ends.rc, -ETIMEDOUT);
    weft_stream_abort(stream);
}

static int sleep_for_ever(weft_ws *ws, void *arg)
{
    (void)ws;
    (void)arg;
    return weft_sleep(WEFT_FOREVER);
}

TASK_TEST(a_handler_that_does_not_listen_is_cancelled_at_the_end_of_the_grace_time)
{
    struct ends ends;
    weft_http_options http = {.grace = 3 * WEFT_SEC};
    weft_ws *ws;
    CHECK_OK(ends_open(&ends, &http, sleep_for_ever));
    CHECK_OK(ends_connect(&ends, &ws, NULL));
    weft_http_server_stop(ends.server);
    weft_ws_message message;
    CHECK_EQ(weft_ws_receive(ws, &message), 0);
    CHECK_EQ(weft_ws_get_close(ws, NULL), 1001);
    weft_ws_abort(ws);
    CHECK_OK(ends_close(&ends));
    CHECK_EQ(ends.rc, -ECANCELED);
}
