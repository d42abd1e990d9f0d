/* SPDX-License-Identifier: MIT */

/* The clock of a loop's turn. */

#include "core/backend/backend_priv.h"
#include "core/loop/loop_priv.h"
#include "harness/harness.h"

static weft_time clock_time;
static uint64_t clock_reads;
static weft_time seen[2]; /* by completions */

static weft_time clock_read(void)
{
    clock_reads++;
    return clock_time;
}

/* A back end in which everything takes 100 s, and whose completions ask for the time. */
static int poll_for_long(weft_loop *loop, weft_time timeout)
{
    (void)timeout;
    clock_time += 100 * WEFT_SEC;
    seen[0] = weft_loop_turn_time(loop);
    seen[1] = weft_loop_turn_time(loop);
    return 1;
}

/* A server that had nothing to do for longer than a connection may be silent took the time from
 * before, and dropped the next connection as soon as it had come. */
static void check_turn_time(weft_time timeout)
{
    weft_platform platform = *test_platform();
    platform.now = clock_read;
    platform.advance = NULL;
    const weft_platform *before = weft_platform_set(&platform);
    weft_loop *loop = NULL;
    weft_loop_options options = {.backend = "epoll"};
    CHECK_OK(weft_loop_new(&loop, &options));
    const struct wf_backend *backend = loop->backend;
    struct wf_backend slow = *backend;
    slow.poll = poll_for_long;
    loop->backend = &slow;

    for (int i = 0; i < 3; i++) {
        CHECK_EQ(weft_loop_turn(loop, timeout), 1);
        CHECK_EQ(seen[0], clock_time);
        uint64_t reads = clock_reads;
        CHECK_EQ(weft_loop_turn_time(loop), clock_time);
        CHECK_EQ(clock_reads, reads); /* once a turn */
    }

    loop->backend = backend;
    weft_loop_free(loop);
    weft_platform_set(before);
}

TEST(completions_of_a_turn_that_slept_see_the_time_after_it)
{
    check_turn_time(WEFT_FOREVER);
    CHECK_EQ(seen[1], seen[0]);
}

TEST(completions_of_a_turn_that_did_not_sleep_see_its_own_time)
{
    check_turn_time(0);
    CHECK_EQ(seen[1], seen[0]);
}
