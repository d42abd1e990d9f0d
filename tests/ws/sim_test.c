/* SPDX-License-Identifier: MIT */

/*
 * Both ends under the simulator: clients that try again until their messages came back, while the
 * network between them delays, resets and cuts.  No hang, no leak, no half message taken as whole.
 *
 * Each plan gets 25 seeds, or with --seeds as many as there is time for.
 */

#include "ends.h"

#include <weft/sim.h>

#include <stdlib.h>

enum { CLIENTS = 2, TRIES_MAX = 40, SEEDS = 25, MESSAGES = 4, STEPS_MAX = 4000000 };

static const size_t sizes[MESSAGES] = {5, 70, 9000, 140000};
static char pattern[140000];
static enum weft_ws_deflate deflate;
static const weft_ws_handler *by_message; /* NULL: a task serves a connection */
static unsigned answers, failures;        /* of all seeds */

static void pattern_fill(void)
{
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (char)('a' + (i * 31 + i / 256) % 26);
}

struct client {
    struct ends *ends;
    size_t next; /* message that has not come back */
};

static int exchange(weft_ws *ws, size_t *next)
{
    weft_ws_message message;
    while (*next < MESSAGES) {
        WEFT_TRY(weft_ws_send(ws, WEFT_WS_TEXT, (weft_str){pattern, sizes[*next]}));
        int rc = weft_ws_receive(ws, &message);
        if (rc != 1)
            return rc < 0 ? rc : -ECONNRESET;
        CHECK_BYTES(message.data.ptr, message.data.len, pattern, sizes[*next]);
        answers++;
        ++*next;
    }
    return 0;
}

static int try_once(void *arg)
{
    struct client *client = arg;
    const weft_ws_options options = {.deflate = deflate};
    weft_ws *ws;
    WEFT_TRY(ends_connect(client->ends, &ws, &options));
    int rc = exchange(ws, &client->next);
    int closed = weft_ws_close(ws, 1000, NULL);
    return rc < 0 ? rc : closed;
}

static int client_body(void *arg)
{
    struct client client = {.ends = arg};
    for (int tries = 0; client.next < MESSAGES; tries++) {
        if (tries == TRIES_MAX)
            return weft_fail(-ETIMEDOUT, "not served in %d tries", tries);
        failures += weft_wait_for(try_once, &client, 60 * WEFT_SEC) < 0;
        WEFT_TRY(weft_sleep(100 * WEFT_MS));
    }
    return 0;
}

static int both_ends(void *arg)
{
    struct ends ends;
    weft_task clients[CLIENTS];
    (void)arg;
    WEFT_TRY(ends_open(&ends, NULL, ends_echo));
    ends.options.deflate = deflate;
    ends.by_message = by_message;
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = weft_spawn(client_body, &ends);
    int rc = weft_gather_n(clients, CLIENTS);
    int closed = ends_close(&ends);
    return rc < 0 ? rc : closed;
}

static void sweep(const char *text, enum weft_ws_deflate how)
{
    deflate = how;
    pattern_fill();
    uint64_t done = test_sweep_plan(text, SEEDS, STEPS_MAX, both_ends, NULL);
    CHECK_EQ(answers, done * CLIENTS * MESSAGES);
}

TEST(ws_both_ends_under_delay)
{
    sweep("delay 300ms", WEFT_WS_PLAIN);
    CHECK_EQ(failures, 0u);
}

TEST(ws_both_ends_while_connections_break)
{
    sweep("delay 5ms, reset 1%", WEFT_WS_PLAIN);
    CHECK_GT(failures, 0u);
}

TEST(ws_both_ends_while_hosts_are_cut_from_each_other)
{
    sweep("delay 20ms, cut after 20ms within 200ms for 15s every 90s", WEFT_WS_PLAIN);
    CHECK_GT(failures, 0u);
}

TEST(ws_both_ends_on_a_slow_link)
{
    sweep("slow at 50KB, delay 50ms, buffer 4KiB", WEFT_WS_PLAIN);
}

#if WF_HAS_ZLIB
TEST(ws_both_ends_compressed_while_connections_break)
{
    sweep("delay 5ms, reset 1%", WEFT_WS_DEFLATE_KEEPS);
    CHECK_GT(failures, 0u);
}
#endif

/* ---- a server without a task between two messages ---- */

static int say_again(weft_ws *ws, const weft_ws_message *message, void *arg)
{
    (void)arg;
    return weft_ws_send(ws, message->type, message->data);
}

static int opened, closed;

static int count_open(weft_ws *ws, void *arg)
{
    (void)ws;
    (void)arg;
    opened++;
    return 0;
}

static void count_close(weft_ws *ws, int rc, void *arg)
{
    (void)ws;
    (void)rc;
    (void)arg;
    closed++;
}

static void sweep_by_message(const char *text)
{
    static const weft_ws_handler echo = {count_open, say_again, count_close};
    by_message = &echo;
    sweep(text, WEFT_WS_PLAIN);
    CHECK_GT(opened, 0);
    CHECK_EQ(closed, opened); /* each once, whatever became of it */
}

TEST(ws_served_by_message_while_connections_break)
{
    sweep_by_message("delay 5ms, reset 1%");
    CHECK_GT(failures, 0u);
}

TEST(ws_served_by_message_while_hosts_are_cut_from_each_other)
{
    sweep_by_message("delay 20ms, cut after 20ms within 200ms for 15s every 90s");
    CHECK_GT(failures, 0u);
}
