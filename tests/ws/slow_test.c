/* SPDX-License-Identifier: MIT */

/* Peers that read slowly, or not at all: more is sent than any kernel holds. */

#include "ends.h"
#include "ws/ws_priv.h"

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

static int send_less_than_the_bound(weft_ws *ws, void *arg)
{
    static const char bytes[900000];
    weft_ws_message message;
    (void)arg;
    WEFT_TRY(weft_ws_send(ws, WEFT_WS_BINARY, (weft_str){bytes, sizeof bytes}));
    return weft_ws_receive(ws, &message);
}

/* Nobody waits for room, and it answers no ping: what it takes must be worth the time. */
TASK_TEST(a_client_that_reads_crumbs_and_answers_nothing_is_given_up)
{
    struct ends ends;
    char crumbs[10000];
    CHECK_OK(ends_open(&ends, NULL, send_less_than_the_bound));
    ends.options.limits.pong_max = 100 * WEFT_SEC; /* between two steps in which its stream reads */
    weft_stream *stream = raw_open(&ends, "");
    weft_time from = weft_now();
    while (ends.ended == 0 && weft_now() - from < 1000 * WEFT_SEC) {
        CHECK_OK(weft_sleep(15 * WEFT_SEC));
        CHECK_GT(weft_stream_read(stream, crumbs, sizeof crumbs), 0);
    }
    CHECK_EQ(ends.rc, -ETIMEDOUT);
    CHECK_GE(weft_now() - from, 39 * WEFT_SEC);
    CHECK_LE(weft_now() - from, 700 * WEFT_SEC);
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

/* ---- a bound of messages ---- */

#define COUNT_MAX 256u
#define SHORT_BYTES 4000u /* so many of COUNT_MAX are less than the bound of bytes */
#define SHORT_FRAME_BYTES (SHORT_BYTES + 4)
#define SHORT_MESSAGES 8000u

struct flood {
    size_t unsent_max;
    unsigned sent, given_up;
};
static struct flood flood;

/* A message that nothing makes smaller by itself; its first bytes tell which it is. */
static void make_short(char out[SHORT_BYTES], unsigned number)
{
    uint64_t roll = 1;
    for (size_t i = number == 0 ? 0 : SHORT_BYTES; i < SHORT_BYTES; i++) {
        roll = roll * 6364136223846793005u + 1442695040888963407u;
        out[i] = (char)(roll >> 56);
    }
    memcpy(out, &number, sizeof number);
}

/* Gives up each time that it has to wait for long, and tries the same again. */
static int send_patiently(weft_ws *ws, const char *bytes)
{
    for (;;) {
        WEFT_TIMEOUT(scope, 10 * WEFT_SEC);
        int rc = weft_ws_send(ws, WEFT_WS_BINARY, (weft_str){bytes, SHORT_BYTES});
        if (rc != -ECANCELED)
            return rc;
        flood.given_up++;
    }
}

static int send_flood(weft_ws *ws, void *arg)
{
    char bytes[SHORT_BYTES];
    (void)arg;
    flood = (struct flood){0};
    while (flood.sent < SHORT_MESSAGES) {
        make_short(bytes, flood.sent);
        WEFT_TRY(send_patiently(ws, bytes));
        size_t unsent = weft_stream_get_unsent(ws->stream);
        flood.unsent_max = unsent > flood.unsent_max ? unsent : flood.unsent_max;
        flood.sent++;
    }
    return 0;
}

static void receive_flood(weft_ws *ws)
{
    weft_ws_message message;
    char bytes[SHORT_BYTES];
    for (unsigned i = 0; i < SHORT_MESSAGES; i++) {
        make_short(bytes, i);
        CHECK_EQ(weft_ws_receive(ws, &message), 1);
        CHECK_BYTES(message.data.ptr, message.data.len, bytes, SHORT_BYTES);
    }
    CHECK_EQ(weft_ws_receive(ws, &message), 0);
}

/* Who is cancelled there has sent nothing, and the connection goes on, compressed or not. */
TASK_TEST(senders_wait_behind_256_messages)
{
    static const enum weft_ws_deflate kinds[] = {WEFT_WS_PLAIN, WEFT_WS_DEFLATE};
    for (size_t i = 0; i < 2; i++) {
        const weft_ws_options options = {.deflate = kinds[i]};
        struct ends ends;
        weft_ws *ws;
        note("row %zu", i);
        CHECK_OK(ends_open(&ends, NULL, send_flood));
        ends.options = options;
        ends.options.limits.ping_every = WEFT_FOREVER;
        CHECK_OK(ends_connect(&ends, &ws, &options));
        CHECK_OK(weft_sleep(25 * WEFT_SEC));
        CHECK_LT(flood.sent, SHORT_MESSAGES);
        CHECK_GE(flood.given_up, 1u);
        CHECK_LE(flood.unsent_max, COUNT_MAX * (SHORT_FRAME_BYTES + 16));
        CHECK_GE(flood.unsent_max, COUNT_MAX / 2 * SHORT_FRAME_BYTES);
        receive_flood(ws);
        CHECK_EQ(weft_ws_close(ws, 1000, NULL), 0);
        ends_wait(&ends, 1);
        CHECK_OK(ends.rc);
        CHECK_OK(ends_close(&ends));
    }
}

static int send_three(weft_ws *ws, void *arg)
{
    (void)arg;
    for (int i = 0; i < 3; i++)
        WEFT_TRY(weft_ws_send_text(ws, "x"));
    return 0;
}

/* The least bound: each message is with the kernel before the next. */
TASK_TEST(a_bound_of_one_message_lets_all_through)
{
    struct ends ends;
    weft_ws *ws;
    weft_ws_message message;
    CHECK_OK(ends_open(&ends, NULL, send_three));
    ends.options.limits.unsent_count_max = 1;
    CHECK_OK(ends_connect(&ends, &ws, NULL));
    for (int i = 0; i < 3; i++)
        expect_text(ws, "x");
    CHECK_EQ(weft_ws_receive(ws, &message), 0);
    CHECK_EQ(weft_ws_close(ws, 1000, NULL), 0);
    ends_wait(&ends, 1);
    CHECK_OK(ends.rc);
    CHECK_OK(ends_close(&ends));
}
