/* SPDX-License-Identifier: MIT */

/* Peers that read slowly, or not at all: more is sent than any kernel holds. */

#include "ends.h"

#define MESSAGES 32u
#define MESSAGE_BYTES ((size_t)1024 * 1024)

static int send_many(weft_ws *ws)
{
    static const char bytes[MESSAGE_BYTES];
    int rc = 0;
    for (unsigned i = 0; i < MESSAGES && rc == 0; i++)
        rc = weft_ws_send(ws, WEFT_WS_BINARY, (weft_str){bytes, sizeof bytes});
    return rc;
}

/* Takes a message every 4 s: the messages there were before the end. */
static unsigned receive_slowly(weft_ws *ws)
{
    weft_ws_message message;
    unsigned count = 0;
    int rc;
    while ((rc = weft_ws_receive(ws, &message)) > 0) {
        CHECK_EQ(message.data.len, MESSAGE_BYTES);
        count++;
        CHECK_OK(weft_sleep(4 * WEFT_SEC));
    }
    CHECK_OK(rc);
    return count;
}

/* Pings are behind what it has not read yet, and so is the close. */
static int send_and_close(weft_ws *ws, void *arg)
{
    (void)arg;
    return send_many(ws);
}

TASK_TEST(a_client_that_reads_slowly_gets_all_and_the_close)
{
    struct ends ends;
    weft_ws *ws;
    CHECK_OK(ends_open(&ends, NULL, send_and_close));
    CHECK_OK(ends_connect(&ends, &ws, NULL));
    CHECK_EQ(receive_slowly(ws), MESSAGES);
    CHECK_EQ(weft_ws_get_close(ws, NULL), 1000);
    CHECK_EQ(weft_ws_close(ws, 1000, NULL), 0);
    ends_wait(&ends, 1);
    CHECK_OK(ends.rc);
    CHECK_OK(ends_close(&ends));
}

static int take_slowly(weft_ws *ws, void *arg)
{
    struct ends *ends = arg;
    ends->messages = receive_slowly(ws);
    return 0;
}

TASK_TEST(a_server_that_reads_slowly_gets_all_and_the_close)
{
    struct ends ends;
    weft_ws *ws;
    CHECK_OK(ends_open(&ends, NULL, take_slowly));
    CHECK_OK(ends_connect(&ends, &ws, NULL));
    CHECK_OK(send_many(ws));
    int rc = weft_ws_close(ws, 1000, NULL);
    if (rc != -ETIMEDOUT || test_is_simulated()) /* a kernel has megabytes that are not read yet */
        CHECK_OK(rc);
    ends_wait(&ends, 1);
    CHECK_EQ(ends.messages, MESSAGES);
    CHECK_EQ(ends.code, 1000);
    CHECK_OK(ends_close(&ends));
}

/* The seconds until the server's side is over. */
static long seconds_to_end(const struct ends *ends)
{
    weft_time from = weft_now();
    while (ends->ended == 0) {
        CHECK_OK(weft_sleep(WEFT_SEC));
        CHECK_LT(weft_now() - from, 400 * WEFT_SEC);
    }
    return (long)((weft_now() - from) / WEFT_SEC);
}

/* Without pings, which would find it silent before. */
TASK_TEST(a_client_that_does_not_read_is_given_up)
{
    struct ends ends;
    CHECK_OK(ends_open(&ends, NULL, send_and_close));
    ends.options.limits.ping_every = WEFT_FOREVER;
    weft_stream *stream = raw_open(&ends, "");
    long took = seconds_to_end(&ends);
    CHECK_EQ(ends.rc, -ETIMEDOUT);
    CHECK_GE(took, 30);
    /* A kernel takes megabytes, some of them late, for which a client may pause. */
    CHECK_LE(took, test_is_simulated() ? 40 : 300);
    weft_stream_abort(stream);
    CHECK_OK(ends_close(&ends));
}

TASK_TEST(a_client_that_neither_reads_nor_answers_is_silent)
{
    struct ends ends;
    CHECK_OK(ends_open(&ends, NULL, send_and_close));
    ends.options.limits.write_idle_max = 600 * WEFT_SEC;
    weft_stream *stream = raw_open(&ends, "");
    long took = seconds_to_end(&ends);
    CHECK_EQ(ends.rc, -ETIMEDOUT);
    CHECK_GE(took, 39);
    CHECK_LE(took, 61);
    weft_stream_abort(stream);
    CHECK_OK(ends_close(&ends));
}

/* The server's task has returned, and its connection ends all the same. */
static int send_one(weft_ws *ws, void *arg)
{
    static const char bytes[MESSAGE_BYTES];
    (void)arg;
    return weft_ws_send(ws, WEFT_WS_BINARY, (weft_str){bytes, sizeof bytes});
}

TASK_TEST(a_close_behind_bytes_that_nobody_reads_is_given_up)
{
    struct ends ends;
    weft_http_stats stats;
    CHECK_OK(ends_open(&ends, NULL, send_one));
    weft_stream *stream = raw_open(&ends, "");
    CHECK_OK(weft_sleep(200 * WEFT_SEC));
    weft_http_server_get_stats(ends.server, &stats);
    CHECK_EQ(stats.connections_open, 0u);
    weft_stream_abort(stream);
    CHECK_OK(ends_close(&ends));
}
