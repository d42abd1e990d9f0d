/* SPDX-License-Identifier: MIT */

#include <weft/chan.h>

#include "sync_helpers.h"

static weft_chan *chan_of_ints(size_t capacity)
{
    weft_chan *chan = NULL;
    CHECK_OK(weft_chan_new(&chan, sizeof(int), capacity));
    return chan;
}

struct letter {
    weft_chan *chan;
    int value;
};

static int send_one(void *arg)
{
    struct letter *letter = arg;
    return weft_send(letter->chan, &letter->value);
}

/* 0, or what receive returned; the item is in letter->value. */
static int recv_one(void *arg)
{
    struct letter *letter = arg;
    return weft_recv(letter->chan, &letter->value);
}

static int recv_int(weft_chan *chan)
{
    int value = -1;
    CHECK_EQ(weft_recv(chan, &value), 1);
    return value;
}

/* ---- making ---- */

TASK_TEST(channel_of_more_bytes_than_there_are_is_refused)
{
    weft_chan *chan = NULL;
    CHECK_EQ(weft_chan_new(&chan, SIZE_MAX / 2, 3), -EOVERFLOW);
    CHECK_EQ(weft_chan_new(&chan, 1, SIZE_MAX), -EOVERFLOW);
    CHECK_EQ(chan, NULL);
    weft_chan_free(NULL);
}

TEST(channel_without_memory_is_enomem_and_leaves_out_alone)
{
    weft_chan *chan = NULL;
    weft_fault_plan plan = {.classes = WEFT_FAULT_ALLOC, .nth = 1};
    weft_fault_arm(&plan);
    int rc = weft_chan_new(&chan, sizeof(int), 4);
    weft_fault_arm(NULL);
    CHECK_EQ(rc, -ENOMEM);
    CHECK_EQ(chan, NULL);
}

TASK_TEST(test_P01_sending_and_receiving_allocate_nothing)
{
    weft_chan *chan = chan_of_ints(1);
    struct letter letter = {.chan = chan};
    weft_task task = start(recv_one, &letter);
    uint64_t before = blocks_made();
    CHECK_EQ(weft_send(chan, &(int){1}), 0);
    CHECK_EQ(weft_await(task), 1);
    CHECK_EQ(weft_send(chan, &(int){2}), 0);
    CHECK_EQ(recv_int(chan), 2);
    CHECK_EQ(blocks_made(), before);
    weft_chan_free(chan);
}

TASK_TEST(channel_of_empty_items_carries_signals)
{
    weft_chan *chan = NULL;
    CHECK_OK(weft_chan_new(&chan, 0, 2));
    CHECK_EQ(weft_send(chan, NULL), 0);
    CHECK_EQ(weft_send(chan, NULL), 0);
    CHECK_EQ(weft_try_send(chan, NULL), -EAGAIN);
    CHECK_EQ(weft_recv(chan, NULL), 1);
    CHECK_EQ(weft_chan_count(chan), 1);
    weft_chan_free(chan);
}

TASK_TEST(channel_copies_items_of_every_size)
{
    for (size_t bytes = 1; bytes <= 40; bytes++) {
        weft_chan *chan = NULL;
        unsigned char in[40], out[41];
        CHECK_OK(weft_chan_new(&chan, bytes, 3));
        for (int round = 0; round < 7; round++) { /* wraps around */
            memset(in, 'a' + round, sizeof in);
            memset(out, 0, sizeof out);
            CHECK_EQ(weft_send(chan, in), 0);
            CHECK_EQ(weft_recv(chan, out), 1);
            CHECK_BYTES(out, bytes, in, bytes);
            CHECK_EQ(out[bytes], 0);
        }
        weft_chan_free(chan);
    }
}

/* ---- Q01 ---- */

TASK_TEST(test_Q01_without_capacity_send_returns_when_a_receiver_has_the_item)
{
    weft_chan *chan = chan_of_ints(0);
    struct letter letter = {chan, 5};
    CHECK_EQ(weft_try_send(chan, &letter.value), -EAGAIN);
    weft_task sender = start(send_one, &letter);
    settle();
    CHECK_EQ(weft_done(sender, NULL), 0);
    CHECK_EQ(weft_chan_count(chan), 0);
    CHECK_EQ(recv_int(chan), 5);
    CHECK_EQ(weft_await(sender), 0);
    weft_chan_free(chan);
}

TASK_TEST(test_Q01_send_waits_only_when_the_store_is_full)
{
    weft_chan *chan = chan_of_ints(2);
    CHECK_EQ(weft_send(chan, &(int){1}), 0);
    CHECK_EQ(weft_send(chan, &(int){2}), 0);
    CHECK_EQ(weft_try_send(chan, &(int){9}), -EAGAIN);
    struct letter letter = {chan, 3};
    weft_task sender = start(send_one, &letter);
    CHECK_EQ(weft_done(sender, NULL), 0);
    CHECK_EQ(recv_int(chan), 1);
    CHECK_EQ(weft_chan_count(chan), 2); /* the sender's item moved up at once */
    CHECK_EQ(weft_await(sender), 0);
    CHECK_EQ(recv_int(chan), 2);
    CHECK_EQ(recv_int(chan), 3);
    weft_chan_free(chan);
}

static int body_runs(void *arg)
{
    *(bool *)arg = true;
    return 0;
}

TASK_TEST(test_F03_who_need_not_wait_at_a_channel_lets_others_run)
{
    for (size_t bytes = sizeof(int); bytes <= sizeof(uint64_t); bytes += sizeof(int)) {
        weft_chan *chan;
        uint64_t item = 1;
        bool has_run = false;
        CHECK_OK(weft_chan_new(&chan, bytes, 200));
        weft_task other = weft_spawn(body_runs, &has_run);
        for (int i = 0; i < 130; i++)
            CHECK_OK(weft_send(chan, &item));
        CHECK(has_run);
        CHECK_OK(weft_await(other));
        has_run = false;
        other = weft_spawn(body_runs, &has_run);
        for (int i = 0; i < 130; i++)
            CHECK_EQ(weft_recv(chan, &item), 1);
        CHECK(has_run);
        CHECK_OK(weft_await(other));
        weft_chan_free(chan);
    }
}

TASK_TEST(test_Q01_order_is_kept_over_the_whole_channel)
{
    for (size_t capacity = 0; capacity <= 3; capacity++) {
        weft_chan *chan = chan_of_ints(capacity);
        struct letter letters[6];
        weft_task tasks[6];
        for (int i = 0; i < 6; i++) {
            letters[i] = (struct letter){chan, i};
            tasks[i] = start(send_one, &letters[i]);
        }
        for (int i = 0; i < 6; i++)
            CHECK_EQ(recv_int(chan), i);
        for (int i = 0; i < 6; i++)
            CHECK_EQ(weft_await(tasks[i]), 0);
        weft_chan_free(chan);
    }
}

TASK_TEST(try_recv_takes_what_is_there_and_never_waits)
{
    weft_chan *chan = chan_of_ints(0);
    int value = 0;
    CHECK_EQ(weft_try_recv(chan, &value), -EAGAIN);
    struct letter letter = {chan, 8};
    weft_task sender = start(send_one, &letter);
    CHECK_EQ(weft_try_recv(chan, &value), 1);
    CHECK_EQ(value, 8);
    CHECK_EQ(weft_await(sender), 0);

    letter.value = 0;
    weft_task receiver = start(recv_one, &letter);
    CHECK_EQ(weft_try_send(chan, &(int){4}), 0);
    CHECK_EQ(weft_await(receiver), 1);
    CHECK_EQ(letter.value, 4);
    weft_chan_free(chan);
}

/* ---- Q02 and the races of cancelled waiters ---- */

TASK_TEST(test_Q02_a_cancelled_receiver_has_taken_nothing)
{
    weft_chan *chan = chan_of_ints(1);
    struct letter letter = {.chan = chan};
    weft_task receiver = start(recv_one, &letter);
    CHECK_EQ(weft_cancel(receiver, "test"), 1);
    CHECK_EQ(weft_send(chan, &(int){1}), 0); /* the receiver has not run, but waits no more */
    CHECK_EQ(weft_await(receiver), -ECANCELED);
    CHECK_EQ(letter.value, 0);
    CHECK_EQ(recv_int(chan), 1);
    weft_chan_free(chan);
}

TASK_TEST(test_Q02_a_cancelled_sender_has_sent_nothing)
{
    weft_chan *chan = chan_of_ints(0);
    struct letter first = {chan, 1}, second = {chan, 2};
    weft_task tasks[] = {start(send_one, &first), start(send_one, &second)};
    CHECK_EQ(weft_cancel(tasks[0], "test"), 1);
    CHECK_EQ(recv_int(chan), 2);
    CHECK_EQ(weft_await(tasks[0]), -ECANCELED);
    CHECK_EQ(weft_await(tasks[1]), 0);
    weft_chan_free(chan);
}

TASK_TEST(test_C03_receiver_that_has_the_item_before_the_cancel_keeps_it)
{
    weft_chan *chan = chan_of_ints(1);
    struct letter letter = {.chan = chan};
    weft_task receiver = start(recv_one, &letter);
    CHECK_EQ(weft_send(chan, &(int){6}), 0);
    CHECK_EQ(weft_cancel(receiver, "too late"), 1);
    CHECK_EQ(weft_await(receiver), 1);
    CHECK_EQ(letter.value, 6);
    CHECK_EQ(weft_chan_count(chan), 0);
    weft_chan_free(chan);
}

TASK_TEST(test_C03_sender_whose_item_was_taken_before_the_cancel_has_sent)
{
    weft_chan *chan = chan_of_ints(0);
    struct letter letter = {chan, 6};
    weft_task sender = start(send_one, &letter);
    CHECK_EQ(recv_int(chan), 6);
    CHECK_EQ(weft_cancel(sender, "too late"), 1);
    CHECK_EQ(weft_await(sender), 0);
    weft_chan_free(chan);
}

TASK_TEST(test_C02_send_and_receive_of_a_cancelled_task_move_nothing)
{
    weft_chan *chan = chan_of_ints(2);
    CHECK_EQ(weft_send(chan, &(int){1}), 0);
    struct letter letter = {chan, 2};
    weft_task sender = weft_spawn(send_one, &letter);
    weft_task receiver = weft_spawn(recv_one, &letter);
    CHECK_EQ(weft_cancel(sender, "test"), 1);
    CHECK_EQ(weft_cancel(receiver, "test"), 1);
    CHECK_EQ(weft_await(sender), -ECANCELED);
    CHECK_EQ(weft_await(receiver), -ECANCELED);
    CHECK_EQ(weft_chan_count(chan), 1);
    CHECK_EQ(letter.value, 2);
    weft_chan_free(chan);
}

/* ---- Q03 ---- */

TASK_TEST(test_Q03_close_and_keep_lets_receivers_drain)
{
    weft_chan *chan = chan_of_ints(3);
    int value = 0;
    CHECK_EQ(weft_send(chan, &(int){1}), 0);
    CHECK_EQ(weft_send(chan, &(int){2}), 0);
    CHECK_EQ(weft_chan_close(chan, WEFT_CHAN_KEEP), 0);
    CHECK(weft_chan_is_closed(chan));
    CHECK_EQ(weft_send(chan, &(int){3}), -EPIPE);
    CHECK_EQ(weft_try_send(chan, &(int){3}), -EPIPE);
    CHECK_EQ(recv_int(chan), 1);
    CHECK_EQ(recv_int(chan), 2);
    CHECK_EQ(weft_recv(chan, &value), 0);
    CHECK_EQ(weft_try_recv(chan, &value), 0);
    CHECK_EQ(weft_recv(chan, &value), 0);
    weft_chan_free(chan);
}

TASK_TEST(test_Q03_close_and_discard_drops_and_counts)
{
    weft_chan *chan = chan_of_ints(3);
    int value = 0;
    CHECK_EQ(weft_send(chan, &(int){1}), 0);
    CHECK_EQ(weft_send(chan, &(int){2}), 0);
    CHECK_EQ(weft_chan_close(chan, WEFT_CHAN_DISCARD), 2);
    CHECK_EQ(weft_chan_count(chan), 0);
    CHECK_EQ(weft_recv(chan, &value), 0);
    weft_chan_free(chan);
}

TASK_TEST(test_Q03_second_close_has_no_effect)
{
    weft_chan *chan = chan_of_ints(3);
    CHECK_EQ(weft_send(chan, &(int){1}), 0);
    CHECK_EQ(weft_chan_close(chan, WEFT_CHAN_KEEP), 0);
    CHECK_EQ(weft_chan_close(chan, WEFT_CHAN_DISCARD), 0);
    CHECK_EQ(recv_int(chan), 1);
    weft_chan_free(chan);
}

TASK_TEST(test_Q03_close_wakes_waiting_senders_with_epipe)
{
    weft_chan *chan = chan_of_ints(1);
    CHECK_EQ(weft_send(chan, &(int){1}), 0);
    struct letter first = {chan, 2}, second = {chan, 3};
    weft_task tasks[] = {start(send_one, &first), start(send_one, &second)};
    CHECK_EQ(weft_chan_close(chan, WEFT_CHAN_KEEP), 0);
    CHECK_EQ(weft_await(tasks[0]), -EPIPE);
    CHECK_EQ(weft_await(tasks[1]), -EPIPE);
    CHECK_EQ(recv_int(chan), 1);
    int value;
    CHECK_EQ(weft_recv(chan, &value), 0);
    weft_chan_free(chan);
}

TASK_TEST(test_Q03_close_wakes_waiting_receivers_with_0)
{
    weft_chan *chan = chan_of_ints(1);
    struct letter first = {.chan = chan}, second = {.chan = chan};
    weft_task tasks[] = {start(recv_one, &first), start(recv_one, &second)};
    CHECK_EQ(weft_chan_close(chan, WEFT_CHAN_KEEP), 0);
    CHECK_EQ(weft_await(tasks[0]), 0);
    CHECK_EQ(weft_await(tasks[1]), 0);
    weft_chan_free(chan);
}

/* ---- Q04 ---- */

TASK_TEST(test_Q04_receivers_are_served_in_order_of_coming)
{
    weft_chan *chan = chan_of_ints(0);
    struct letter letters[4];
    weft_task tasks[4];
    for (int i = 0; i < 4; i++) {
        letters[i] = (struct letter){.chan = chan};
        tasks[i] = start(recv_one, &letters[i]);
    }
    CHECK_EQ(weft_cancel(tasks[1], "test"), 1);
    for (int i = 1; i <= 3; i++)
        CHECK_EQ(weft_send(chan, &i), 0);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(weft_await(tasks[i]), i == 1 ? -ECANCELED : 1);
    CHECK_EQ(letters[0].value, 1);
    CHECK_EQ(letters[2].value, 2);
    CHECK_EQ(letters[3].value, 3);
    weft_chan_free(chan);
}

static int recv_many(void *arg)
{
    struct letter *letter = arg;
    int item, rc;
    while ((rc = weft_recv(letter->chan, &item)) > 0)
        letter->value++;
    return rc;
}

TASK_TEST(test_Q04_no_receiver_starves_while_others_receive)
{
    weft_chan *chan = chan_of_ints(0);
    struct letter receivers[3];
    weft_task tasks[3];
    for (int i = 0; i < 3; i++) {
        receivers[i] = (struct letter){.chan = chan};
        tasks[i] = start(recv_many, &receivers[i]);
    }
    for (int i = 0; i < 300; i++)
        CHECK_EQ(weft_send(chan, &i), 0);
    CHECK_EQ(weft_chan_close(chan, WEFT_CHAN_KEEP), 0);
    int total = 0;
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(weft_await(tasks[i]), 0);
        CHECK_GE(receivers[i].value, 50);
        total += receivers[i].value;
    }
    CHECK_EQ(total, 300);
    weft_chan_free(chan);
}

/* ---- P10, C10 ---- */

TASK_TEST(test_P10_channel_of_another_loop_is_refused)
{
    weft_chan *chan = chan_of_ints(1);
    struct letter letter = {chan, 1};
    CHECK_EQ(run_elsewhere(send_one, &letter), -EPERM);
    CHECK_EQ(run_elsewhere(recv_one, &letter), -EPERM);
    CHECK_EQ(weft_chan_count(chan), 0);
    weft_chan_free(chan);
}

static int try_recv_one(void *chan)
{
    int item;
    return weft_try_recv(chan, &item);
}

TASK_TEST(test_P10_channel_of_another_loop_gives_nothing)
{
    weft_chan *chan = chan_of_ints(1);
    CHECK_EQ(weft_send(chan, &(int){1}), 0);
    CHECK_EQ(run_elsewhere(try_recv_one, chan), -EPERM);
    CHECK_EQ(weft_chan_count(chan), 1);
    weft_chan_free(chan);
}

TEST(test_L04_channel_outside_a_loop_cannot_be_waited_for)
{
    weft_chan *chan = chan_of_ints(1);
    CHECK_EQ(weft_send(chan, &(int){1}), -EPERM);
    CHECK_EQ(weft_chan_count(chan), 0);
    weft_chan_free(chan);
}

static int close_when_cancelled(void *chan)
{
    int rc = weft_sleep(WEFT_SEC);
    CHECK_EQ(weft_chan_close(chan, WEFT_CHAN_DISCARD), 1);
    return rc;
}

TASK_TEST(test_C10_close_works_in_a_cancelled_task)
{
    weft_chan *chan = chan_of_ints(1);
    CHECK_EQ(weft_send(chan, &(int){1}), 0);
    weft_task task = start(close_when_cancelled, chan);
    CHECK_EQ(weft_cancel(task, "test"), 1);
    CHECK_EQ(weft_await(task), -ECANCELED);
    CHECK(weft_chan_is_closed(chan));
    weft_chan_free(chan);
}

/* ---- sweeps ---- */

static int send_three(void *chan)
{
    int rc = 0;
    for (int i = 0; rc == 0 && i < 3; i++)
        rc = weft_send(chan, &i);
    weft_chan_close(chan, WEFT_CHAN_KEEP);
    return rc;
}

static int pipeline(size_t capacity)
{
    weft_chan *chan = NULL;
    int rc = weft_chan_new(&chan, sizeof(int), capacity);
    if (rc < 0)
        return rc;
    weft_task sender = weft_spawn(send_three, chan);
    int made;
    if (weft_done(sender, &made) == 1)
        weft_chan_close(chan, WEFT_CHAN_DISCARD); /* nobody else would */
    int item, sum = 0;
    while ((rc = weft_recv(chan, &item)) > 0)
        sum += item;
    if (rc < 0)
        weft_cancel(sender, "the receiver gave up");
    int sent;
    {
        WEFT_SHIELD(cleanup, WEFT_SEC);
        sent = weft_await(sender);
    }
    CHECK(rc < 0 || sent < 0 || sum == 3);
    weft_chan_free(chan);
    return rc < 0 ? rc : sent;
}

SCENARIO(sender_and_receiver_meet_without_capacity)
{
    return pipeline(0);
}

SCENARIO(sender_and_receiver_with_a_store_of_two)
{
    return pipeline(2);
}

static int send_and_receive(void *arg)
{
    weft_chan *chan = arg;
    int item = 0;
    CHECK_OK(weft_send(chan, &(int){4}));
    CHECK_EQ(weft_recv(chan, &item), 1);
    CHECK_EQ(run_elsewhere(try_recv_one, chan), -EPERM);
    return item;
}

RUN_TEST(test_P10_a_channel_made_before_the_run_is_of_the_loop_that_uses_it_first)
{
    weft_chan *chan = chan_of_ints(1);
    weft_config config = test_config();
    CHECK_EQ(weft_run_with(&config, send_and_receive, chan), 4);
    weft_chan_free(chan);
}
