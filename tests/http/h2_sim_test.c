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
