/* SPDX-License-Identifier: MIT */

/* Channels between the tasks of several loops. */

#include <weft.h>

#include "harness/harness.h"

#define LOOPS 3

static weft_loop *other(void)
{
    return weft_loop_at((unsigned)(weft_loop_index() + 1) % weft_loop_count());
}

struct pipeline {
    weft_chan *numbers;
    int64_t count, sum, last;
};

static int send_numbers(void *arg)
{
    struct pipeline *pipeline = arg;
    for (int64_t i = 1; i <= pipeline->count; i++)
        WEFT_TRY(weft_send(pipeline->numbers, &i));
    weft_chan_close(pipeline->numbers, WEFT_CHAN_KEEP);
    weft_chan_close(pipeline->numbers, WEFT_CHAN_KEEP); /* again is no different */
    return 0;
}

static int add_numbers(void *arg)
{
    struct pipeline *pipeline = arg;
    int64_t number;
    int rc;
    while ((rc = weft_recv(pipeline->numbers, &number)) > 0) {
        CHECK_EQ(number, pipeline->last + 1); /* in order */
        pipeline->last = number;
        pipeline->sum += number;
    }
    return rc;
}

static void run_pipeline(weft_loop *sender, weft_loop *receiver, size_t capacity)
{
    struct pipeline pipeline = {.count = 100};
    CHECK_OK(weft_chan_new_shared(&pipeline.numbers, sizeof(int64_t), capacity));
    CHECK_OK(weft_gather(weft_spawn_on(sender, send_numbers, &pipeline),
                         weft_spawn_on(receiver, add_numbers, &pipeline)));
    CHECK_EQ(pipeline.sum, 5050);
    weft_chan_free(pipeline.numbers);
}

LOOPS_TEST(test_Q01_items_cross_loops_in_order, LOOPS)
{
    for (size_t capacity = 0; capacity < 5; capacity += 2) {
        run_pipeline(weft_loop_at(1), weft_loop_at(0), capacity);
        run_pipeline(weft_loop_at(0), weft_loop_at(1), capacity);
        run_pipeline(weft_loop_at(1), weft_loop_at(2), capacity); /* the channel is on 0 */
    }
}

static int recv_one(void *arg)
{
    int64_t number;
    return weft_recv(((struct pipeline *)arg)->numbers, &number);
}

LOOPS_TEST(test_Q02_a_cancelled_receiver_of_another_loop_has_taken_nothing, 2)
{
    struct pipeline pipeline = {.count = 0};
    CHECK_OK(weft_chan_new_shared(&pipeline.numbers, sizeof(int), 4));
    for (int i = 0; i < 100; i++) {
        weft_task task = weft_spawn_on(other(), recv_one, &pipeline);
        if (i % 2 == 0)
            CHECK_OK(weft_sleep(20 * WEFT_US));
        (void)weft_cancel(task, NULL);
        CHECK_OK(weft_send(pipeline.numbers, &i));
        int rc = weft_await(task), taken;
        CHECK(rc == -ECANCELED || rc == 1);
        if (rc == -ECANCELED)
            CHECK_EQ(weft_try_recv(pipeline.numbers, &taken), 1);
        CHECK_EQ(weft_chan_count(pipeline.numbers), (size_t)0);
    }
    weft_chan_free(pipeline.numbers);
}

static int send_one(void *arg)
{
    return weft_send(((struct pipeline *)arg)->numbers, &(int){9});
}

/* Both are in line at the channel when they are withdrawn, and leave it as it was. */
LOOPS_TEST(test_Q02_who_waits_at_a_channel_of_another_loop_can_be_withdrawn, 2)
{
    struct pipeline pipeline = {.count = 0};
    int number;
    CHECK_OK(weft_chan_new_shared(&pipeline.numbers, sizeof(int), 1));
    weft_task receiver = weft_spawn_on(other(), recv_one, &pipeline);
    CHECK_OK(weft_sleep(WEFT_MS));
    CHECK_EQ(weft_cancel(receiver, "too late"), 1);
    CHECK_EQ(weft_await(receiver), -ECANCELED);
    CHECK_OK(weft_send(pipeline.numbers, &(int){7}));
    CHECK_EQ(weft_chan_count(pipeline.numbers), (size_t)1);

    weft_task sender = weft_spawn_on(other(), send_one, &pipeline); /* it is full */
    CHECK_OK(weft_sleep(WEFT_MS));
    CHECK_EQ(weft_cancel(sender, NULL), 1);
    CHECK_EQ(weft_await(sender), -ECANCELED);
    CHECK_EQ(weft_recv(pipeline.numbers, &number), 1);
    CHECK_EQ(number, 7);
    CHECK_EQ(weft_try_recv(pipeline.numbers, &number), -EAGAIN);
    weft_chan_free(pipeline.numbers);
}

LOOPS_TEST(test_P10_a_channel_that_is_not_shared_refuses_other_loops, 2)
{
    for (size_t bytes = sizeof(int); bytes <= sizeof(int64_t); bytes += sizeof(int)) {
        struct pipeline pipeline = {.count = 1};
        CHECK_OK(weft_chan_new(&pipeline.numbers, bytes, 4));
        CHECK_EQ(weft_await(weft_spawn_on(other(), recv_one, &pipeline)), -EPERM);
        CHECK_EQ(weft_await(weft_spawn_on(other(), send_numbers, &pipeline)), -EPERM);
        weft_chan_free(pipeline.numbers);
    }
}

LOOPS_TEST(test_Q03_close_from_another_loop_ends_receivers_here, 2)
{
    struct pipeline pipeline = {.count = 0};
    CHECK_OK(weft_chan_new_shared(&pipeline.numbers, sizeof(int), 4));
    weft_task closer = weft_spawn_on(other(), send_numbers, &pipeline); /* none, and closes */
    CHECK_EQ(recv_one(&pipeline), 0);
    CHECK_OK(weft_await(closer));
    CHECK_EQ(weft_await(weft_spawn_on(other(), recv_one, &pipeline)), 0);
    weft_chan_free(pipeline.numbers);
}

static int work(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(20 * WEFT_US));
    return weft_yield();
}

LOOPS_SCENARIO(items_cross_loops, 2)
{
    struct pipeline pipeline = {.count = 3};
    int rc = weft_chan_new_shared(&pipeline.numbers, sizeof(int64_t), 1);
    if (rc < 0)
        return rc;
    rc = weft_gather(weft_spawn_on(other(), send_numbers, &pipeline),
                     weft_spawn(add_numbers, &pipeline), weft_spawn_on(other(), work, NULL));
    weft_chan_free(pipeline.numbers);
    return rc;
}
