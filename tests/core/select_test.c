/* SPDX-License-Identifier: MIT */

#include <weft/select.h>

#include "sync_helpers.h"

#include <poll.h>
#include <unistd.h>

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

static int recv_one(void *arg)
{
    struct letter *letter = arg;
    return weft_recv(letter->chan, &letter->value);
}

/* A select over two channels and an event, with what came of it. */
struct chooser {
    weft_chan *a, *b;
    weft_event *event;
    int item_a, item_b, got_a, got_b;
};

static int choose(void *arg)
{
    struct chooser *self = arg;
    return weft_select(WEFT_CASE_RECV(self->a, &self->item_a, &self->got_a),
                       WEFT_CASE_RECV(self->b, &self->item_b, &self->got_b),
                       WEFT_CASE_EVENT(self->event));
}

/* ---- Q05 ---- */

TASK_TEST(test_Q05_select_waits_and_does_exactly_one_case)
{
    weft_event event = {0};
    struct chooser chooser = {.a = chan_of_ints(0), .b = chan_of_ints(0), .event = &event};
    weft_task task = start(choose, &chooser);
    CHECK_EQ(weft_done(task, NULL), 0);
    CHECK_EQ(weft_send(chooser.b, &(int){7}), 0);
    /* The select is decided though its task has not run: nobody else can get in. */
    CHECK_EQ(weft_try_send(chooser.a, &(int){8}), -EAGAIN);
    CHECK_EQ(weft_try_send(chooser.b, &(int){9}), -EAGAIN);
    weft_event_set(&event);
    CHECK_EQ(weft_await(task), 1);
    CHECK_EQ(chooser.got_b, 1);
    CHECK_EQ(chooser.item_b, 7);
    CHECK_EQ(chooser.got_a, 0);
    weft_chan_free(chooser.a);
    weft_chan_free(chooser.b);
}

TASK_TEST(test_Q05_the_case_whose_other_side_waits_longest_is_taken)
{
    weft_event event = {0};
    struct chooser chooser = {.a = chan_of_ints(0), .b = chan_of_ints(0), .event = &event};
    struct letter first = {chooser.b, 1}, second = {chooser.a, 2}, third = {chooser.b, 3};
    weft_task tasks[] = {start(send_one, &first), start(send_one, &second),
                         start(send_one, &third)};
    CHECK_EQ(choose(&chooser), 1);
    CHECK_EQ(chooser.item_b, 1);
    CHECK_EQ(choose(&chooser), 0);
    CHECK_EQ(chooser.item_a, 2);
    CHECK_EQ(choose(&chooser), 1);
    CHECK_EQ(chooser.item_b, 3);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(weft_await(tasks[i]), 0);
    weft_chan_free(chooser.a);
    weft_chan_free(chooser.b);
}

TASK_TEST(test_Q05_where_nobody_waits_the_lowest_index_goes_first_and_then_each_in_turn)
{
    weft_event events[3] = {0};
    for (int i = 0; i < 3; i++)
        weft_event_set(&events[i]);
    for (int i = 0; i < 9; i++) {
        int index = weft_select(WEFT_CASE_EVENT(&events[0]), WEFT_CASE_EVENT(&events[1]),
                                WEFT_CASE_EVENT(&events[2]));
        CHECK_EQ(index, i % 3);
    }
}

static int pick_of_two(weft_event *first, weft_event *second)
{
    return weft_select(WEFT_CASE_EVENT(first), WEFT_CASE_EVENT(second));
}

TASK_TEST(test_Q05_each_call_site_takes_turns_of_its_own)
{
    weft_event events[2] = {0};
    weft_event_set(&events[0]);
    weft_event_set(&events[1]);
    for (int i = 0; i < 6; i++) {
        CHECK_EQ(pick_of_two(&events[0], &events[1]), i % 2);
        CHECK_EQ(weft_select(WEFT_CASE_EVENT(&events[0]), WEFT_CASE_EVENT(&events[1])), i % 2);
    }
}

TASK_TEST(test_Q05_an_event_is_seen_though_a_sender_always_waits)
{
    weft_event event = {0};
    weft_event_set(&event);
    struct chooser chooser = {.a = chan_of_ints(0), .b = chan_of_ints(0), .event = &event};
    struct letter letters[6];
    weft_task tasks[6];
    for (int i = 0; i < 6; i++) {
        letters[i] = (struct letter){chooser.a, i};
        tasks[i] = start(send_one, &letters[i]);
    }
    int counts[3] = {0};
    for (int i = 0; i < 12; i++) {
        counts[choose(&chooser)]++;
        CHECK_EQ(counts[0], (i + 2) / 2); /* senders wait to the end, and it is their turn first */
        CHECK_EQ(counts[2], (i + 1) / 2);
    }
    for (int i = 0; i < 6; i++)
        CHECK_EQ(weft_await(tasks[i]), 0);
    weft_chan_free(chooser.a);
    weft_chan_free(chooser.b);
}

TASK_TEST(test_Q05_select_waits_in_each_queue_in_order_of_coming)
{
    weft_event event = {0};
    struct chooser chooser = {.a = chan_of_ints(0), .b = chan_of_ints(0), .event = &event};
    struct letter before = {.chan = chooser.a}, after = {.chan = chooser.a};
    weft_task first = start(recv_one, &before);
    weft_task second = start(choose, &chooser);
    weft_task third = start(recv_one, &after);
    for (int i = 1; i <= 3; i++)
        CHECK_EQ(weft_send(chooser.a, &i), 0);
    CHECK_EQ(weft_await(first), 1);
    CHECK_EQ(weft_await(second), 0);
    CHECK_EQ(weft_await(third), 1);
    CHECK_EQ(before.value, 1);
    CHECK_EQ(chooser.item_a, 2);
    CHECK_EQ(after.value, 3);
    weft_chan_free(chooser.a);
    weft_chan_free(chooser.b);
}

TASK_TEST(select_without_cases_is_invalid)
{
    CHECK_EQ(weft_select_at(NULL, 0, NULL), -EINVAL);
}

/* ---- Q06: the kinds of cases ---- */

TASK_TEST(test_Q06_select_sends_when_a_receiver_comes)
{
    weft_chan *chan = chan_of_ints(0);
    struct letter letter = {.chan = chan};
    weft_task receiver = start(recv_one, &letter);
    int sent = -1;
    CHECK_EQ(weft_select(WEFT_CASE_SEND(chan, &(int){3}, &sent)), 0);
    CHECK_EQ(sent, 0);
    CHECK_EQ(weft_await(receiver), 1);
    CHECK_EQ(letter.value, 3);
    weft_chan_free(chan);
}

static int select_send(void *arg)
{
    struct letter *letter = arg;
    int rc = 99;
    int index = weft_select(WEFT_CASE_SEND(letter->chan, &letter->value, &rc));
    return index < 0 ? index : rc == 0 ? 100 : rc;
}

TASK_TEST(test_Q06_select_waits_for_room_to_send)
{
    weft_chan *chan = chan_of_ints(1);
    CHECK_EQ(weft_send(chan, &(int){1}), 0);
    struct letter letter = {chan, 2};
    weft_task sender = start(select_send, &letter);
    CHECK_EQ(weft_done(sender, NULL), 0);
    int value;
    CHECK_EQ(weft_recv(chan, &value), 1);
    CHECK_EQ(weft_await(sender), 100);
    CHECK_EQ(weft_recv(chan, &value), 1);
    CHECK_EQ(value, 2);
    weft_chan_free(chan);
}

TASK_TEST(test_Q06_a_closed_channel_is_ready_on_both_sides)
{
    weft_chan *chan = chan_of_ints(0);
    CHECK_EQ(weft_chan_close(chan, WEFT_CHAN_KEEP), 0);
    int rc = 99, value = 0;
    CHECK_EQ(weft_select(WEFT_CASE_RECV(chan, &value, &rc)), 0);
    CHECK_EQ(rc, 0);
    CHECK_EQ(weft_select(WEFT_CASE_SEND(chan, &value, &rc)), 0);
    CHECK_EQ(rc, -EPIPE);
    weft_chan_free(chan);
}

TASK_TEST(test_Q06_closing_ends_a_select_that_waits)
{
    weft_chan *chan = chan_of_ints(0);
    weft_event event = {0};
    struct chooser chooser = {.a = chan_of_ints(0), .b = chan, .event = &event, .got_b = 99};
    weft_task receiver = start(choose, &chooser);
    CHECK_EQ(weft_chan_close(chan, WEFT_CHAN_KEEP), 0);
    CHECK_EQ(weft_await(receiver), 1);
    CHECK_EQ(chooser.got_b, 0);

    struct letter letter = {chooser.a, 2};
    weft_task sender = start(select_send, &letter);
    CHECK_EQ(weft_chan_close(chooser.a, WEFT_CHAN_KEEP), 0);
    CHECK_EQ(weft_await(sender), -EPIPE);
    weft_chan_free(chooser.a);
    weft_chan_free(chan);
}

static int end_with_12(void *arg)
{
    (void)arg;
    int rc = weft_sleep(WEFT_MS);
    return rc < 0 ? rc : 12;
}

TASK_TEST(test_Q06_select_waits_for_the_end_of_a_task)
{
    weft_task slow = weft_spawn(end_with_12, NULL);
    weft_event never = {0};
    int result = -1;
    CHECK_EQ(weft_select(WEFT_CASE_EVENT(&never), WEFT_CASE_DONE(slow, &result)), 1);
    CHECK_EQ(result, 12);
    result = -1; /* and a task that is done already */
    CHECK_EQ(weft_select(WEFT_CASE_EVENT(&never), WEFT_CASE_DONE(slow, &result)), 1);
    CHECK_EQ(result, 12);
    weft_release(slow);
    CHECK_EQ(weft_select(WEFT_CASE_DONE(slow, &result)), 0);
    CHECK_EQ(result, -ESRCH);
    CHECK_EQ(weft_select(WEFT_CASE_DONE(weft_self(), &result)), 0);
    CHECK_EQ(result, -EDEADLK);
}

TASK_TEST(test_Q06_select_has_deadlines_and_the_earliest_counts)
{
    weft_event never = {0};
    weft_time begin = weft_now();
    CHECK_EQ(weft_select(WEFT_CASE_DEADLINE(begin + 5 * WEFT_SEC), WEFT_CASE_EVENT(&never),
                         WEFT_CASE_DEADLINE(begin + 2 * WEFT_SEC),
                         WEFT_CASE_DEADLINE(WEFT_FOREVER)),
             2);
    CHECK_EQ(weft_now() - begin, 2 * WEFT_SEC);
    CHECK_EQ(weft_select(WEFT_CASE_DEADLINE(begin)), 0);
    CHECK_EQ(weft_now() - begin, 2 * WEFT_SEC);
}

TASK_TEST(test_Q06_none_ready_makes_it_a_call_that_does_not_wait)
{
    weft_chan *chan = chan_of_ints(1);
    weft_event event = {0};
    int value = 0, got = 0;
    for (int i = 0; i < 3; i++)
        CHECK_EQ(weft_select(WEFT_CASE_RECV(chan, &value, &got), WEFT_CASE_EVENT(&event),
                             WEFT_NONE_READY),
                 2);
    CHECK_EQ(weft_send(chan, &(int){5}), 0);
    CHECK_EQ(weft_select(WEFT_NONE_READY, WEFT_CASE_RECV(chan, &value, &got)), 1);
    CHECK_EQ(value, 5);
    weft_chan_free(chan);
}

/* ---- descriptors ---- */

struct pipe_ends {
    int read_end, write_end;
};

static struct pipe_ends open_pipe(void)
{
    int fds[2];
    CHECK_OK(weft_platform_get()->socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    return (struct pipe_ends){fds[0], fds[1]};
}

static void close_pipe(struct pipe_ends ends)
{
    weft_fd_close(weft_loop_self(), ends.read_end, NULL, NULL);
    weft_fd_close(weft_loop_self(), ends.write_end, NULL, NULL);
    settle();
}

static int write_later(void *arg)
{
    const struct pipe_ends *ends = arg;
    int rc = weft_sleep(WEFT_MS);
    if (rc == 0)
        rc = (int)weft_platform_get()->send(ends->write_end, "x", 1, 0);
    return rc;
}

TASK_TEST(test_Q06_select_waits_for_a_descriptor)
{
    struct pipe_ends ends = open_pipe();
    weft_event never = {0};
    weft_task writer = weft_spawn(write_later, &ends);
    int events = 0;
    CHECK_EQ(weft_select(WEFT_CASE_EVENT(&never), WEFT_CASE_READY(ends.read_end, POLLIN, &events)),
             1);
    CHECK(events & POLLIN);
    CHECK_EQ(weft_await(writer), 1);

    events = 0; /* it is still ready, and none-ready must see that */
    CHECK_EQ(weft_select(WEFT_NONE_READY, WEFT_CASE_READY(ends.read_end, POLLIN, &events)), 1);
    CHECK(events & POLLIN);
    close_pipe(ends);
}

TASK_TEST(test_Q06_none_ready_with_a_descriptor_that_is_not)
{
    struct pipe_ends ends = open_pipe();
    int events = 0;
    CHECK_EQ(weft_select(WEFT_CASE_READY(ends.read_end, POLLIN, &events), WEFT_NONE_READY), 1);
    CHECK_EQ(events, 0);
    close_pipe(ends);
}

TASK_TEST(select_that_is_decided_otherwise_leaves_no_operation_behind)
{
    struct pipe_ends ends = open_pipe();
    weft_time begin = weft_now();
    for (int i = 0; i < 3; i++)
        CHECK_EQ(weft_select(WEFT_CASE_READY(ends.read_end, POLLIN, NULL),
                             WEFT_CASE_DEADLINE(weft_after(WEFT_SEC))),
                 1);
    CHECK_EQ(weft_now() - begin, 3 * WEFT_SEC);
    weft_run_stats stats;
    CHECK_OK(weft_run_stats_get(&stats));
    CHECK_EQ(stats.ops_live, 0);
    CHECK_EQ(stats.timers_live, 0);
    close_pipe(ends);
}

TASK_TEST(select_reports_a_descriptor_that_cannot_be_waited_for)
{
    weft_event never = {0};
    int rc = 0;
    CHECK_EQ(weft_select(WEFT_CASE_EVENT(&never), WEFT_CASE_READY(-1, POLLIN, &rc)), 1);
    CHECK_EQ(rc, -EBADF);
    weft_event_set(&never); /* the event's queue holds no waiter of ours */
}

/* ---- Q07 ---- */

TASK_TEST(test_Q07_a_cancelled_select_has_done_nothing)
{
    weft_event event = {0};
    struct chooser chooser = {.a = chan_of_ints(1), .b = chan_of_ints(0), .event = &event};
    weft_task task = start(choose, &chooser);
    CHECK_EQ(weft_cancel(task, "test"), 1);
    CHECK_EQ(weft_send(chooser.a, &(int){1}), 0); /* stays in the channel */
    CHECK_EQ(weft_try_send(chooser.b, &(int){2}), -EAGAIN);
    CHECK_EQ(weft_await(task), -ECANCELED);
    CHECK_EQ(chooser.item_a, 0);
    CHECK_EQ(weft_chan_count(chooser.a), 1);
    weft_event_set(&event);
    weft_chan_free(chooser.a);
    weft_chan_free(chooser.b);
}

TASK_TEST(test_C03_select_that_was_decided_before_the_cancel_returns_its_case)
{
    weft_event event = {0};
    struct chooser chooser = {.a = chan_of_ints(0), .b = chan_of_ints(0), .event = &event};
    weft_task task = start(choose, &chooser);
    CHECK_EQ(weft_send(chooser.a, &(int){4}), 0);
    CHECK_EQ(weft_cancel(task, "too late"), 1);
    CHECK_EQ(weft_await(task), 0);
    CHECK_EQ(chooser.item_a, 4);
    weft_chan_free(chooser.a);
    weft_chan_free(chooser.b);
}

TASK_TEST(test_C02_select_of_a_cancelled_task_takes_nothing)
{
    weft_event event = {0};
    struct chooser chooser = {.a = chan_of_ints(1), .b = chan_of_ints(0), .event = &event};
    CHECK_EQ(weft_send(chooser.a, &(int){1}), 0);
    weft_event_set(&event);
    weft_task task = weft_spawn(choose, &chooser);
    CHECK_EQ(weft_cancel(task, "test"), 1);
    CHECK_EQ(weft_await(task), -ECANCELED);
    CHECK_EQ(weft_chan_count(chooser.a), 1);
    weft_chan_free(chooser.a);
    weft_chan_free(chooser.b);
}

static int wait_for_reading(void *arg)
{
    const struct pipe_ends *ends = arg;
    return weft_select(WEFT_CASE_READY(ends->read_end, POLLIN, NULL));
}

TASK_TEST(test_Q07_a_cancelled_select_waits_for_its_operation_to_end)
{
    struct pipe_ends ends = open_pipe();
    weft_task task = start(wait_for_reading, &ends);
    CHECK_EQ(weft_cancel(task, "test"), 1);
    CHECK_EQ(weft_await(task), -ECANCELED);
    weft_run_stats stats;
    CHECK_OK(weft_run_stats_get(&stats));
    CHECK_EQ(stats.ops_live, 0);
    close_pipe(ends);
}

struct reading {
    int fd, rc;
};

static int select_reading(void *arg)
{
    struct reading *reading = arg;
    return weft_select(WEFT_CASE_READY(reading->fd, POLLIN, &reading->rc));
}

/* Its operation ends with the cancel, which is not an outcome of the case. */
TASK_TEST(test_Q07_a_cancelled_select_tells_no_outcome)
{
    struct pipe_ends ends = open_pipe();
    struct reading reading = {.fd = ends.read_end, .rc = 77};
    weft_task task = start(select_reading, &reading);
    CHECK_EQ(weft_cancel(task, "test"), 1);
    CHECK_EQ(weft_await(task), -ECANCELED);
    CHECK_EQ(reading.rc, 77);
    close_pipe(ends);
}

/* ---- Q08 ---- */

TASK_TEST(test_Q08_the_same_channel_may_be_in_several_cases)
{
    weft_chan *chan = chan_of_ints(0);
    weft_event never = {0};
    struct chooser chooser = {.a = chan, .b = chan, .event = &never};
    weft_task task = start(choose, &chooser);
    CHECK_EQ(weft_send(chan, &(int){1}), 0);
    CHECK_EQ(weft_try_send(chan, &(int){2}), -EAGAIN); /* the second case is withdrawn */
    CHECK_EQ(weft_await(task), 0);
    CHECK_EQ(chooser.item_a, 1);
    weft_chan_free(chan);
}

static int send_or_receive(void *arg)
{
    struct letter *letter = arg;
    int out = letter->value, in = 0, rc;
    int index = weft_select(WEFT_CASE_SEND(letter->chan, &out, &rc),
                            WEFT_CASE_RECV(letter->chan, &in, &rc));
    letter->value = index == 0 ? 0 : in;
    return index;
}

TASK_TEST(test_Q08_two_selects_that_both_send_and_receive_meet_each_other_not_themselves)
{
    weft_chan *chan = chan_of_ints(0);
    struct letter first = {chan, 1}, second = {chan, 2};
    weft_task task = start(send_or_receive, &first);
    CHECK_EQ(weft_done(task, NULL), 0);
    int index = send_or_receive(&second);
    CHECK_OK(index);
    CHECK_EQ(weft_await(task), 1 - index);
    CHECK_EQ(first.value + second.value, index == 0 ? 2 : 1);
    weft_chan_free(chan);
}

TASK_TEST(select_array_can_be_used_again_and_again)
{
    weft_chan *chan = chan_of_ints(1);
    weft_event stop = {0};
    int value, got;
    weft_case cases[] = {WEFT_CASE_RECV(chan, &value, &got), WEFT_CASE_EVENT(&stop)};
    for (int i = 0; i < 5; i++) {
        struct letter letter = {chan, i};
        weft_task sender = weft_spawn(send_one, &letter);
        CHECK_EQ(weft_select_n(cases, 2), 0);
        CHECK_EQ(value, i);
        CHECK_EQ(weft_await(sender), 0);
        weft_release(sender);
    }
    weft_event_set(&stop);
    CHECK_EQ(weft_select_n(cases, 2), 1);
    weft_chan_free(chan);
}

TASK_TEST(test_P01_select_allocates_nothing)
{
    weft_event event = {0};
    struct chooser chooser = {.a = chan_of_ints(0), .b = chan_of_ints(0), .event = &event};
    uint64_t before = blocks_made();
    weft_task task = start(choose, &chooser);
    before = blocks_made();
    CHECK_EQ(weft_send(chooser.a, &(int){1}), 0);
    CHECK_EQ(weft_await(task), 0);
    CHECK_EQ(blocks_made(), before);
    weft_event_set(&event);
    CHECK_EQ(choose(&chooser), 2);
    CHECK_EQ(blocks_made(), before);
    weft_chan_free(chooser.a);
    weft_chan_free(chooser.b);
}

/* ---- property: with selects on both sides, every item arrives exactly once ---- */

enum { SIDES = 3, ROUNDS = 20 };

struct market {
    weft_chan *chans[2];
    weft_event over;
    uint64_t random;
    long sent, received, sent_sum, received_sum;
};

static int random_pause(struct market *market)
{
    if (random_below(&market->random, 3) != 0)
        return 0;
    return weft_sleep((weft_time)random_below(&market->random, 30) * WEFT_US);
}

static int sell(void *arg)
{
    struct market *market = arg;
    for (int i = 0; i < ROUNDS; i++) {
        int item = (int)random_below(&market->random, 1000), rc = 0;
        int index = weft_select(WEFT_CASE_SEND(market->chans[0], &item, &rc),
                                WEFT_CASE_SEND(market->chans[1], &item, &rc));
        if (index < 0)
            return index;
        CHECK_EQ(rc, 0);
        market->sent++;
        market->sent_sum += item;
        rc = random_pause(market);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int buy(void *arg)
{
    struct market *market = arg;
    for (;;) {
        int item = 0, rc = 0;
        int index = weft_select(WEFT_CASE_RECV(market->chans[0], &item, &rc),
                                WEFT_CASE_RECV(market->chans[1], &item, &rc),
                                WEFT_CASE_DEADLINE(weft_after(7 * WEFT_US)),
                                WEFT_CASE_EVENT(&market->over));
        if (index < 0)
            return index;
        if (index == 3)
            return 0;
        if (index == 2)
            continue;
        CHECK_EQ(rc, 1);
        market->received++;
        market->received_sum += item;
        rc = random_pause(market);
        if (rc < 0)
            return rc;
    }
}

TASK_TEST(test_Q05_selects_on_both_sides_lose_and_double_nothing)
{
    uint64_t random = test_seed();
    for (int round = 0; round < 40; round++) {
        note("round %d", round);
        struct market market = {.random = next_random(&random)};
        for (int i = 0; i < 2; i++)
            market.chans[i] = chan_of_ints(random_below(&random, 3));
        weft_task sellers[SIDES], buyers[SIDES];
        for (int i = 0; i < SIDES; i++) {
            sellers[i] = weft_spawn(sell, &market);
            buyers[i] = weft_spawn(buy, &market);
        }
        for (int i = 1; i < SIDES; i++) {
            CHECK_OK(weft_sleep((weft_time)random_below(&random, 60) * WEFT_US));
            CHECK_OK(
                weft_cancel(random_below(&random, 2) == 0 ? sellers[i] : buyers[i], "at random"));
        }
        for (int i = 0; i < SIDES; i++)
            CHECK_EQ(weft_await(sellers[i]) == 0 || i > 0, true);
        while (weft_chan_count(market.chans[0]) + weft_chan_count(market.chans[1]) > 0)
            CHECK_OK(weft_sleep(50 * WEFT_US));
        weft_event_set(&market.over);
        for (int i = 0; i < SIDES; i++) {
            CHECK_EQ(weft_await(buyers[i]) == 0 || i > 0, true);
            weft_release(sellers[i]);
            weft_release(buyers[i]);
        }
        CHECK_EQ(market.received, market.sent);
        CHECK_EQ(market.received_sum, market.sent_sum);
        for (int i = 0; i < 2; i++)
            weft_chan_free(market.chans[i]);
    }
}

/* ---- sweeps ---- */

SCENARIO(select_over_every_kind_of_case)
{
    weft_chan *chan = NULL;
    int fds[2] = {-1, -1};
    weft_event stop = {0};
    int item = 0, rc, got = 0, sent = 0, result = 0;

    rc = weft_chan_new(&chan, sizeof(int), 0);
    if (rc < 0)
        return rc;
    weft_task task = weft_spawn(end_with_12, NULL);
    if (weft_platform_get()->socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
        fds[0] = fds[1] = -1;
    rc = weft_select(WEFT_CASE_RECV(chan, &item, &got), WEFT_CASE_SEND(chan, &item, &sent),
                     WEFT_CASE_EVENT(&stop), WEFT_CASE_DEADLINE(weft_after(WEFT_SEC)),
                     WEFT_CASE_DONE(task, &result), WEFT_CASE_READY(fds[0], POLLIN, NULL));
    if (rc >= 0)
        CHECK(rc == 4 || rc == 5);
    if (fds[0] >= 0) {
        weft_fd_close(weft_loop_self(), fds[0], NULL, NULL);
        weft_fd_close(weft_loop_self(), fds[1], NULL, NULL);
    }
    weft_chan_free(chan);
    return rc;
}
