/* SPDX-License-Identifier: MIT */

/* Both ends of HTTP/2 over the simulated network: no half answer is taken as whole, nothing hangs.
 */

#include "h2_peer.h"

#include <weft/error.h>
#include <weft/scope.h>
#include <weft/sim.h>

enum { CLIENTS = 3, STREAMS = 6, TRIES = 6, SEEDS = 100, STEPS_MAX = 2000000 };

static unsigned answers, failures; /* of all seeds */

static const char *const paths[] = {"/ok", "/count?n=4", "/large?kib=40"};
static const size_t sizes[] = {3, 28, 40960};

/* Several requests at once; what came whole is right. */
static int converse(void *arg)
{
    struct site *site = arg;
    struct h2_peer peer;
    unsigned whole = 0;
    WEFT_TRY(h2_peer_try(&peer, site));
    for (int32_t i = 0; i < STREAMS; i++) {
        struct h2_answer answer;
        h2_peer_ask(&peer, 1 + 2 * i, paths[i % 3], &answer);
        if (answer.is_whole && answer.status == 200) {
            CHECK_EQ(answer.body_bytes, sizes[i % 3]);
            whole++;
        }
    }
    answers += whole;
    h2_peer_close(&peer);
    return whole == STREAMS ? 0 : -ECONNRESET;
}

static int client(void *arg)
{
    struct site *site = arg;
    for (int i = 0; i < TRIES; i++) {
        int ended, rc = weft_wait_for(converse, site, 20 * WEFT_SEC);
        if (rc == 0)
            return 0;
        if (weft_done(site->task, &ended) == 1)
            return ended;
        failures++;
        WEFT_TRY(weft_sleep(100 * WEFT_MS));
    }
    return 0;
}

/* Opens its windows wide, and reads 5 KB a second of what a buffer of 4 MiB holds between. */
static int slow_reader(void *arg)
{
    static char buf[5000];
    const weft_http_options options = {.limits.handler_time_max = 3600 * WEFT_SEC};
    struct site site;
    struct h2_peer peer;
    ssize_t count = 1;
    (void)arg;
    WEFT_TRY(site_open(&site, &options));
    h2_peer_open_with(&peer, &site, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, INT32_MAX);
    CHECK_OK(h2_peer_frame(&peer, NGHTTP2_WINDOW_UPDATE, 0, 0, "\x7f\0\0\0", 4));
    h2_peer_get(&peer, 1, "/large?kib=12288");
    for (size_t got = 0; got < (size_t)12288 * 1024 && count > 0; got += (size_t)count) {
        CHECK_OK(weft_sleep(WEFT_SEC));
        count = weft_stream_read(peer.stream, buf, sizeof buf);
    }
    CHECK_GT(count, 0);
    CHECK_EQ(site_seen.cancelled, 0u);
    answers++;
    h2_peer_close(&peer);
    return site_close(&site);
}

static int both_ends(void *arg)
{
    (void)arg;
    return site_meet(client, CLIENTS);
}

static void sweep(const char *text)
{
    uint64_t done = test_sweep_plan(text, SEEDS, STEPS_MAX, both_ends, NULL);
    CHECK_GE(answers, done);
}

TEST(h2_both_ends_under_delay)
{
    sweep("delay 300ms");
    CHECK_EQ(failures, 0u);
}

TEST(h2_both_ends_while_connections_break)
{
    sweep("delay 5ms, reset 1%");
    CHECK_GT(failures, 0u);
}

TEST(h2_both_ends_on_a_slow_link)
{
    sweep("slow at 200KB, delay 50ms, buffer 4KiB");
}

TEST(h2_both_ends_without_memory_now_and_then)
{
    sweep("delay 5ms, memory-errors 0.2%");
}

TEST(h2_a_reader_that_is_slower_than_the_kernel_is_patient)
{
    uint64_t done = test_sweep_plan("buffer 4MiB", 4, STEPS_MAX, slow_reader, NULL);
    CHECK_EQ(answers, done);
}
