/* SPDX-License-Identifier: MIT */

/* The clock of a loop's turn, its blocks, and what only a loop with much to do shows. */

#include "base/checkers.h"
#include "core/backend/backend_priv.h"
#include "core/loop/loop_priv.h"
#include "harness/harness.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>
#include <weft/future.h>
#include <weft/gather.h>
#include <weft/io.h>
#include <weft/loops.h>
#include <weft/scope.h>
#include <weft/task.h>

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

/* ---- blocks ---- */

#define BLOCKS 200 /* more than are kept */

static size_t blocks_live;

static void *block_realloc(void *ptr, size_t bytes)
{
    blocks_live += bytes == WEFT_BLOCK_BYTES && ptr == NULL;
    return test_platform()->realloc(ptr, bytes);
}

static void block_free(void *ptr)
{
    blocks_live--;
    test_platform()->free(ptr);
}

/* Takes so many blocks at once and gives them back; the memory of how many stayed with the loop. */
static size_t blocks_kept_of(weft_loop *loop, size_t count)
{
    void *blocks[BLOCKS];
    for (size_t i = 0; i < count; i++) {
        blocks[i] = weft_block_new(loop);
        CHECK(blocks[i] != NULL);
        memset(blocks[i], (int)i, WEFT_BLOCK_BYTES);
    }
    for (size_t i = 0; i < count; i++) {
        char *bytes = blocks[i];
        CHECK_EQ(bytes[0], (char)i); /* nobody else's */
        CHECK_EQ(bytes[WEFT_BLOCK_BYTES - 1], (char)i);
    }
    for (size_t i = 0; i < count; i++)
        weft_block_free(loop, blocks[i]);
    return blocks_live;
}

TEST(a_loop_keeps_some_of_the_blocks_that_were_given_back)
{
    weft_platform platform = *test_platform();
    bool keeps = WF_HAS_ASAN + WF_DEBUG_CHECKS == 0; /* else a checker sees each of them end */
    weft_loop *loop = NULL;
    CHECK_OK(weft_loop_new(&loop, NULL));
    platform.realloc = block_realloc;
    platform.free = block_free;
    const weft_platform *before = weft_platform_set(&platform);
    CHECK_EQ(blocks_kept_of(loop, 1), keeps ? 1 : 0);
    CHECK_EQ(blocks_kept_of(loop, 1), keeps ? 1 : 0); /* the same one */
    CHECK_EQ(blocks_kept_of(loop, 100), keeps ? 100 : 0);
    CHECK_EQ(blocks_kept_of(loop, BLOCKS), keeps ? 128 : 0);
    weft_block_free(loop, NULL);
    weft_platform_set(before);
    weft_loop_free(loop); /* with those that it keeps */
}

static void *block_new_refused(weft_loop *loop)
{
    weft_fault_plan plan = {.classes = WEFT_FAULT_ALLOC, .nth = 1};
    weft_fault_arm(&plan);
    void *block = weft_block_new(loop);
    weft_fault_arm(NULL);
    CHECK_EQ(plan.hits, 1);
    return block;
}

TEST(a_block_may_be_refused_also_where_one_is_kept)
{
    weft_loop *loop = NULL;
    CHECK_OK(weft_loop_new(&loop, NULL));
    CHECK(block_new_refused(loop) == NULL);
    weft_block_free(loop, weft_block_new(loop));
    CHECK(block_new_refused(loop) == NULL);
    weft_loop_free(loop);
}

/* ---- virtual time ---- */

struct waker {
    weft_loop *loop;
    weft_future told;
};

/* As threads do whose messages were found before they had woken anybody. */
static void wake_for_nothing(void *arg)
{
    struct waker *waker = arg;
    for (int i = 0; i < 1000; i++) {
        waker->loop->backend->wake(waker->loop);
        sched_yield(); /* so that the loop sleeps again */
    }
    CHECK_OK(weft_future_set(&waker->told, 0, NULL));
}

static int wait_until_told(void *arg)
{
    struct waker *waker = arg;
    return weft_future_wait(&waker->told, NULL);
}

KERNEL_TASK_TEST(time_that_is_held_does_not_move_when_a_wake_brings_nothing)
{
    struct waker waker = {.loop = weft_loop_self()};
    weft_thread thread;
    weft_loop_hold(waker.loop);
    CHECK_OK(weft_platform_get()->thread_start(&thread, wake_for_nothing, &waker, 0));
    CHECK_OK(weft_wait_for(wait_until_told, &waker, WEFT_SEC));
    weft_loop_unhold(waker.loop);
    weft_platform_get()->thread_join(thread);
}

/* ---- a million timers ---- */

#define TIMERS 1000000

struct firing {
    weft_time last;
    uint32_t count;
};

static struct firing firing;

static void count_firing(weft_timer *timer)
{
    CHECK_GE(timer->deadline, firing.last);
    CHECK_GE(weft_loop_turn_time(weft_loop_self()), timer->deadline);
    firing.last = timer->deadline;
    firing.count++;
}

/* They are in the caller's memory: none is made for them. */
TASK_TEST(test_H04_a_million_timers_wait_at_a_loop)
{
    weft_loop *loop = weft_loop_self();
    weft_timer *timers = calloc(TIMERS, sizeof *timers);
    CHECK(timers != NULL);
    weft_time start = weft_now();
    firing = (struct firing){0};
    uint64_t made = blocks_made();
    for (uint32_t i = 0; i < TIMERS; i++) {
        weft_timer_init(&timers[i], count_firing);
        weft_timer_start(loop, &timers[i], start + (weft_time)(i * 7919u % 1000) * WEFT_SEC);
    }
    for (uint32_t i = 0; i < TIMERS; i += 10)
        weft_timer_stop(loop, &timers[i]);
    CHECK_OK(weft_sleep(500 * WEFT_SEC));
    CHECK_EQ(weft_now() - start, 500 * WEFT_SEC);
    CHECK_LE(firing.last - start, 500 * WEFT_SEC);
    CHECK_OK(weft_sleep(500 * WEFT_SEC));
    CHECK_EQ(firing.count, TIMERS - TIMERS / 10);
    CHECK_EQ(blocks_made(), made);
    free(timers);
}

static void keep_result(weft_op *op, const weft_completion *completion, void *arg)
{
    (void)op;
    *(int *)arg = completion->result;
}

static int run_to_the_end(const weft_op_args *args, uint32_t *out_held)
{
    weft_loop *loop = weft_loop_self();
    weft_op *op;
    int result = INT_MIN;
    CHECK_OK(weft_op_start(loop, args, keep_result, &result, &op));
    *out_held = loop->hold_count;
    while (result == INT_MIN)
        CHECK_OK(weft_yield());
    CHECK_EQ(loop->hold_count, 0u);
    return result;
}

/* A disk may take longer than the kernel is given for what else is under way. */
KERNEL_TASK_TEST(a_transfer_of_a_file_holds_time_and_one_of_a_pipe_does_not)
{
    char path[] = "/tmp/weft-loop-XXXXXX", buf[8];
    int pipe_fds[2], fd;
    uint32_t held;
    fd = mkostemp(path, O_CLOEXEC);
    CHECK_OK(fd);
    weft_op_args write_ = {.kind = WEFT_OP_WRITE, .fd = fd, .buf = "abc", .bytes = 3, .offset = -1};
    CHECK_EQ(run_to_the_end(&write_, &held), 3);
    CHECK_GT(held, 0u);
    CHECK_OK(weft_close(fd));
    CHECK_OK(unlink(path));

    CHECK_OK(pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK));
    CHECK_EQ(write(pipe_fds[1], "abc", 3), 3);
    weft_op_args read_ = {
        .kind = WEFT_OP_READ, .fd = pipe_fds[0], .buf = buf, .bytes = 8, .offset = -1};
    CHECK_EQ(run_to_the_end(&read_, &held), 3);
    CHECK_EQ(held, 0u);
    CHECK_OK(weft_close(pipe_fds[0]));
    CHECK_OK(weft_close(pipe_fds[1]));
}

/* ---- posts ---- */

#define POSTS 20000

struct poster {
    weft_loop *to;
    uint32_t seen, out_of_order;
};

struct letter {
    weft_msg msg;
    struct poster *from;
    uint32_t number;
};

static void letter_come(weft_msg *msg)
{
    struct letter *letter = (void *)((char *)msg - offsetof(struct letter, msg));
    struct poster *from = letter->from;
    from->out_of_order += letter->number != from->seen++;
    free(letter);
}

/* Now and then it lets the other loop fall asleep. */
static int body_posts(void *arg)
{
    struct poster *poster = arg;
    for (uint32_t i = 0; i < POSTS; i++) {
        struct letter *letter = malloc(sizeof *letter);
        *letter = (struct letter){.msg.fn = letter_come, .from = poster, .number = i};
        weft_post_msg(poster->to, &letter->msg);
        if (i % 1000 == 999)
            CHECK_OK(weft_sleep(WEFT_US));
    }
    return 0;
}

/* What a task of another loop has posted is there before its end is. */
LOOPS_TEST(test_X04_class_50_no_post_to_a_loop_that_sleeps_is_lost, 4)
{
    struct poster posters[3];
    weft_task tasks[3];
    for (unsigned i = 0; i < 3; i++) {
        posters[i] = (struct poster){.to = weft_loop_self()};
        tasks[i] = weft_spawn_on(weft_loop_at(i + 1), body_posts, &posters[i]);
    }
    CHECK_OK(weft_gather_n(tasks, 3));
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ(posters[i].seen, (uint32_t)POSTS);
        CHECK_EQ(posters[i].out_of_order, 0u);
    }
}
