/* SPDX-License-Identifier: MIT */

/* Both ends: messages of all sizes and kinds, in pieces and whole, and how connections end. */

#include "ends.h"

#include <stdlib.h>

static const size_t sizes[] = {0,     1,     125,    126,    127,     4095,    65535,
                               65536, 65537, 131072, 131073, 1000000, 3000000, 0};

static char *pattern(size_t count)
{
    char *bytes = malloc(count + 1);
    CHECK(bytes != NULL);
    for (size_t i = 0; i < count; i++)
        bytes[i] = (char)('a' + (i * 7 + i / 251) % 26);
    bytes[count] = 0;
    return bytes;
}

/* ---- whole ---- */

static void check_echo(enum weft_ws_deflate deflate)
{
    struct ends ends;
    weft_ws *ws;
    const weft_ws_options options = {.deflate = deflate};
    char *bytes = pattern(3000000);
    CHECK_OK(ends_open(&ends, NULL, ends_echo));
    ends.options.deflate = deflate;
    CHECK_OK(ends_connect(&ends, &ws, &options));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        enum weft_ws_type type = i % 2 == 0 ? WEFT_WS_TEXT : WEFT_WS_BINARY;
        note("%zu bytes", sizes[i]);
        CHECK_OK(weft_ws_send(ws, type, (weft_str){bytes, sizes[i]}));
        expect_message(ws, type, bytes, sizes[i]);
    }
    CHECK_EQ(weft_ws_is_deflated(ws), deflate != WEFT_WS_PLAIN);
    CHECK_EQ(weft_ws_close(ws, 1000, "done"), 0);
    ends_wait(&ends, 1);
    CHECK_EQ(ends.rc, 0);
    CHECK_EQ(ends.code, 1000);
    CHECK_STR(ends.reason, "done");
    CHECK_EQ(ends.was_deflated, deflate != WEFT_WS_PLAIN);
    CHECK_OK(ends_close(&ends));
    free(bytes);
}

TASK_TEST(messages_of_all_sizes_come_back)
{
    check_echo(WEFT_WS_PLAIN);
}

#if WF_HAS_ZLIB
TASK_TEST(messages_of_all_sizes_come_back_compressed)
{
    check_echo(WEFT_WS_DEFLATE);
}

TASK_TEST(messages_of_all_sizes_come_back_compressed_with_what_came_before)
{
    check_echo(WEFT_WS_DEFLATE_KEEPS);
}
#endif

static int send_abroad(void *arg)
{
    weft_ws *ws = arg;
    weft_ws_message message;
    CHECK_EQ(weft_ws_send_text(ws, "hello"), -EPERM);
    CHECK_STR(weft_error_text(), "WebSocket: it belongs to another loop");
    CHECK_EQ(weft_ws_write_begin(ws, WEFT_WS_TEXT), -EPERM);
    CHECK_EQ(weft_ws_receive(ws, &message), -EPERM);
    CHECK_EQ(weft_ws_close(ws, 1000, NULL), -EPERM);
    return 0;
}

/* While the loop's own tasks are at it: what is refused changes nothing, not even a count. */
static int send_much_abroad(void *arg)
{
    for (int i = 0; i < 1000; i++)
        CHECK_EQ(weft_ws_send_text(arg, "hello"), -EPERM);
    return 0;
}

LOOPS_TEST(a_websocket_serves_the_tasks_of_its_loop, 2)
{
    struct ends ends;
    weft_ws *ws;
    CHECK_OK(ends_open(&ends, NULL, ends_echo));
    CHECK_OK(ends_connect(&ends, &ws, NULL));
    CHECK_OK(weft_await(weft_spawn_on(weft_loop_at(1), send_abroad, ws)));
    weft_task abroad = weft_spawn_on(weft_loop_at(1), send_much_abroad, ws);
    for (int i = 0; i < 10; i++) {
        CHECK_OK(weft_ws_send_text(ws, "hello"));
        expect_message(ws, WEFT_WS_TEXT, "hello", 5);
    }
    CHECK_OK(weft_await(abroad));
    CHECK_EQ(weft_ws_close(ws, 1000, "done"), 0);
    ends_wait(&ends, 1);
    CHECK_OK(ends_close(&ends));
}

TASK_TEST(many_messages_on_their_way_at_a_time)
{
    struct ends ends;
    weft_ws *ws;
    char text[16];
    CHECK_OK(ends_open(&ends, NULL, ends_echo));
    CHECK_OK(ends_connect(&ends, &ws, NULL));
    for (int i = 0; i < 3000; i++) {
        snprintf(text, sizeof text, "message %d", i);
        CHECK_OK(weft_ws_send_text(ws, text));
    }
    for (int i = 0; i < 3000; i++) {
        snprintf(text, sizeof text, "message %d", i);
        expect_text(ws, text);
    }
    CHECK_EQ(weft_ws_close(ws, 0, NULL), 0);
    CHECK_OK(ends_close(&ends));
}

/* ---- iteration ---- */

static int count_by_foreach(weft_ws *ws, void *arg)
{
    struct ends *ends = arg;
    weft_ws_message message;
    int rc;
    weft_foreach(rc, message, weft_ws_messages(ws))
    {
        ends->messages++;
        ends->bytes += message.data.len;
    }
    return rc;
}

TASK_TEST(messages_are_iterated_until_the_peer_closes)
{
    struct ends ends;
    weft_ws *ws;
    CHECK_OK(ends_open(&ends, NULL, count_by_foreach));
    CHECK_OK(ends_connect(&ends, &ws, NULL));
    for (int i = 0; i < 10; i++)
        CHECK_OK(weft_ws_send_text(ws, "four"));
    CHECK_EQ(weft_ws_close(ws, 4321, NULL), 0);
    ends_wait(&ends, 1);
    CHECK_EQ(ends.messages, 10u);
    CHECK_EQ(ends.bytes, 40u);
    CHECK_EQ(ends.rc, 0);
    CHECK_EQ(ends.code, 4321);
    CHECK_OK(ends_close(&ends));
}

/* ---- in pieces ---- */

/* Sends back what it reads, as it comes. */
static int echo_pieces(weft_ws *ws, void *arg)
{
    (void)arg;
    enum weft_ws_type type;
    int begun;
    while ((begun = weft_ws_read_begin(ws, &type)) == 1) {
        char piece[1000];
        ssize_t count;
        WEFT_TRY(weft_ws_write_begin(ws, type));
        while ((count = weft_ws_read(ws, piece, sizeof piece)) > 0)
            WEFT_TRY(weft_ws_write(ws, piece, (size_t)count));
        WEFT_TRY(weft_ws_write_end(ws));
        WEFT_TRY(count);
    }
    return begun;
}

static void check_pieces(enum weft_ws_deflate deflate)
{
    struct ends ends;
    weft_ws *ws;
    const weft_ws_options options = {.deflate = deflate};
    char *bytes = pattern(700000);
    CHECK_OK(ends_open(&ends, NULL, echo_pieces));
    ends.options.deflate = deflate;
    CHECK_OK(ends_connect(&ends, &ws, &options));
    for (size_t i = 0; i < 11; i++) {
        note("%zu bytes", sizes[i]);
        CHECK_OK(weft_ws_send(ws, WEFT_WS_TEXT, (weft_str){bytes, sizes[i]}));
        expect_message(ws, WEFT_WS_TEXT, bytes, sizes[i]);
    }
    CHECK_EQ(weft_ws_close(ws, 1000, NULL), 0);
    CHECK_OK(ends_close(&ends));
    free(bytes);
}

TASK_TEST(messages_are_read_and_written_in_pieces)
{
    check_pieces(WEFT_WS_PLAIN);
}

#if WF_HAS_ZLIB
TASK_TEST(compressed_messages_are_read_in_pieces)
{
    check_pieces(WEFT_WS_DEFLATE);
}
#endif

TASK_TEST(text_may_be_cut_inside_a_character_but_must_be_whole_at_its_end)
{
    struct ends ends;
    weft_ws *ws;
    CHECK_OK(ends_open(&ends, NULL, ends_echo));
    CHECK_OK(ends_connect(&ends, &ws, NULL));
    CHECK_OK(weft_ws_write_begin(ws, WEFT_WS_TEXT));
    CHECK_OK(weft_ws_write(ws, "gr\xc3", 3));
    CHECK_OK(weft_ws_write(ws, "\xbc\xc3", 2));
    CHECK_OK(weft_ws_write(ws, "\x9f", 1));
    CHECK_OK(weft_ws_write_end(ws));
    expect_text(ws, "gr\xc3\xbc\xc3\x9f");
    CHECK_EQ(weft_ws_send_text(ws, "\xc3"), -EINVAL);
    CHECK_EQ(weft_ws_send(ws, (enum weft_ws_type)9, (weft_str){"", 0}), -EINVAL);
    CHECK_OK(weft_ws_send_text(ws, "still open"));
    expect_text(ws, "still open");
    CHECK_OK(weft_ws_write_begin(ws, WEFT_WS_TEXT));
    CHECK_OK(weft_ws_write(ws, "\xc3", 1));
    CHECK_EQ(weft_ws_write_end(ws), -EINVAL);
    ends_wait(&ends, 1);
    CHECK_EQ(ends.code, 1011);
    CHECK_EQ(weft_ws_close(ws, 1000, NULL), -WEFT_ECLOSED);
    CHECK_OK(ends_close(&ends));
}

/* ---- several tasks ---- */

struct sender {
    weft_ws *ws;
    char letter;
    size_t bytes;
};

static int send_letters(void *arg)
{
    const struct sender *sender = arg;
    char *bytes = malloc(sender->bytes);
    CHECK(bytes != NULL);
    memset(bytes, sender->letter, sender->bytes);
    int rc = 0;
    for (int i = 0; i < 3 && rc == 0; i++)
        rc = weft_ws_send(sender->ws, WEFT_WS_TEXT, (weft_str){bytes, sender->bytes});
    free(bytes);
    return rc;
}

TASK_TEST(messages_of_several_senders_do_not_mix)
{
    struct ends ends;
    weft_ws *ws;
    weft_task tasks[4];
    CHECK_OK(ends_open(&ends, NULL, ends_echo));
    CHECK_OK(ends_connect(&ends, &ws, NULL));
    struct sender senders[4];
    for (int i = 0; i < 4; i++) {
        senders[i] = (struct sender){ws, (char)('a' + i), (size_t)200000 * (size_t)(i + 1)};
        tasks[i] = weft_spawn(send_letters, &senders[i]);
    }
    for (int i = 0; i < 12; i++) {
        weft_ws_message message;
        CHECK_EQ(weft_ws_receive(ws, &message), 1);
        const char *bytes = message.data.ptr;
        CHECK_EQ(message.data.len, senders[bytes[0] - 'a'].bytes);
        CHECK_EQ(memcmp(bytes, bytes + 1, message.data.len - 1), 0); /* all the same */
    }
    CHECK_OK(weft_gather_n(tasks, 4));
    CHECK_EQ(weft_ws_close(ws, 1000, NULL), 0);
    CHECK_OK(ends_close(&ends));
}

static int receive_one(void *arg)
{
    weft_ws_message message;
    return weft_ws_receive(arg, &message);
}

TASK_TEST(one_task_receives_and_a_close_ends_its_wait)
{
    struct ends ends;
    weft_ws *ws;
    CHECK_OK(ends_open(&ends, NULL, ends_echo));
    CHECK_OK(ends_connect(&ends, &ws, NULL));
    weft_task first = weft_spawn(receive_one, ws);
    CHECK_OK(weft_yield());
    CHECK_EQ(receive_one(ws), -EBUSY);
    CHECK_EQ(weft_ws_close(ws, 1000, NULL), 0);
    CHECK_EQ(weft_await(first), -EBADF);
    CHECK_OK(ends_close(&ends));
}

/* ---- back pressure ---- */

static int receive_nothing(weft_ws *ws, void *arg)
{
    struct ends *ends = arg;
    (void)ws;
    return ends->messages == 0 ? weft_sleep(WEFT_FOREVER) : 0;
}

static int send_for_ever(void *arg)
{
    const struct sender *sender = arg;
    static char block[64 * 1024];
    memset(block, 'x', sizeof block);
    for (;;)
        WEFT_TRY(weft_ws_send(sender->ws, WEFT_WS_BINARY, (weft_str){block, sizeof block}));
}

TASK_TEST(a_peer_that_does_not_receive_makes_senders_wait_and_is_given_up)
{
    struct ends ends;
    weft_ws *ws;
    const weft_ws_options options = {.limits = {.ping_every = WEFT_FOREVER}};
    weft_time from = weft_now();
    CHECK_OK(ends_open(&ends, NULL, receive_nothing));
    ends.options.limits.ping_every = WEFT_FOREVER;
    CHECK_OK(ends_connect(&ends, &ws, &options));
    struct sender sender = {.ws = ws};
    CHECK_EQ(weft_wait_for(send_for_ever, &sender, 10 * WEFT_SEC), -ETIMEDOUT);
    size_t live = live_bytes();
    CHECK_EQ(weft_wait_for(send_for_ever, &sender, 10 * WEFT_SEC), -ETIMEDOUT);
    CHECK_LE(live_bytes(), live + (1u << 20)); /* the buffers have taken their size */
    CHECK_EQ(send_for_ever(&sender), -ETIMEDOUT);
    CHECK_STR(weft_error_text(), "WebSocket: the peer does not read");
    CHECK_GE(weft_now() - from, 30 * WEFT_SEC);
    /* A real peer's kernel takes some megabytes, which pay for a longer pause. */
    CHECK_LE(weft_now() - from, (test_is_simulated() ? 75 : 200) * WEFT_SEC);
    CHECK_EQ(weft_ws_get_close(ws, NULL), 1013);
    weft_ws_abort(ws);
    weft_http_server_stop(ends.server);
    CHECK_OK(ends_close(&ends));
}

/* ---- scenarios ---- */

static int talk_a_little(struct ends *ends, const weft_ws_options *options)
{
    static char large[300000];
    weft_ws *ws;
    weft_ws_message message;
    memset(large, 'l', sizeof large);
    WEFT_TRY(ends_connect(ends, &ws, options));
    int rc = weft_ws_send_text(ws, "hello");
    if (rc == 0)
        rc = weft_ws_send(ws, WEFT_WS_BINARY, (weft_str){large, sizeof large});
    for (int i = 0; i < 2 && rc >= 0; i++) {
        rc = weft_ws_receive(ws, &message);
        if (rc == 1)
            CHECK_EQ(message.data.len, i == 0 ? 5u : sizeof large);
    }
    int closed = weft_ws_close(ws, 1000, "bye");
    return rc < 0 ? rc : closed;
}

static int scenario(enum weft_ws_deflate deflate)
{
    struct ends ends;
    const weft_ws_options options = {.deflate = deflate};
    WEFT_TRY(ends_open(&ends, NULL, ends_echo));
    ends.options.deflate = deflate;
    int rc = talk_a_little(&ends, &options);
    int closed = ends_close(&ends);
    return rc < 0 ? rc : closed;
}

SCENARIO(both_ends_talk)
{
    return scenario(WEFT_WS_PLAIN);
}

#if WF_HAS_ZLIB
SCENARIO(both_ends_talk_compressed)
{
    return scenario(WEFT_WS_DEFLATE);
}
#endif

SCENARIO(both_ends_talk_in_pieces)
{
    struct ends ends;
    weft_ws *ws;
    enum weft_ws_type type;
    char piece[100];
    WEFT_TRY(ends_open(&ends, NULL, echo_pieces));
    int rc = ends_connect(&ends, &ws, NULL);
    if (rc == 0) {
        rc = weft_ws_write_begin(ws, WEFT_WS_TEXT);
        if (rc == 0) {
            rc = weft_ws_write(ws, "abc", 3);
            int ended = weft_ws_write_end(ws);
            rc = rc < 0 ? rc : ended;
        }
        if (rc == 0)
            rc = weft_ws_read_begin(ws, &type);
        while (rc > 0)
            rc = (int)weft_ws_read(ws, piece, sizeof piece);
        int closed = weft_ws_close(ws, 1000, NULL);
        rc = rc < 0 ? rc : closed;
    }
    int closed = ends_close(&ends);
    return rc < 0 ? rc : closed;
}
