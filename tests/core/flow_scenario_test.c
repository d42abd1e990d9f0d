/* SPDX-License-Identifier: MIT */

/* Scenarios of channels, select and generators: small programs, each with one thing going wrong at
 * a time (rules Y01, Y02, Y03). */

#include "scenario_helpers.h"

enum { ITEMS = 4 };

struct belt {
    weft_chan *chan, *back;
    weft_event stop;
    int got, sum;
};

/* With a channel or two, and without them again. */
static int with_belt(size_t capacity, size_t back_capacity, int (*use)(struct belt *belt))
{
    struct belt belt = {0};
    int rc = weft_chan_new(&belt.chan, sizeof(int), capacity);
    if (rc == 0)
        rc = weft_chan_new(&belt.back, sizeof(int), back_capacity);
    if (rc == 0)
        rc = use(&belt);
    weft_chan_free(belt.chan);
    weft_chan_free(belt.back);
    return rc;
}

static int belt_feed(void *arg)
{
    struct belt *belt = arg;
    int rc = 0;
    for (int i = 1; i <= ITEMS && rc == 0; i++)
        rc = weft_send(belt->chan, &i);
    weft_chan_close(belt->chan, WEFT_CHAN_KEEP);
    return rc == -EPIPE ? 0 : rc;
}

static int belt_drain(void *arg)
{
    struct belt *belt = arg;
    int item, rc;
    while ((rc = weft_recv(belt->chan, &item)) == 1) {
        belt->got++;
        belt->sum += item;
    }
    return rc;
}

static int belt_one_to_two(struct belt *belt)
{
    int rc = all_three(belt_feed, belt_drain, belt_drain, belt);
    CHECK(rc < 0 || belt->sum == 10);
    return rc;
}

SCENARIO(one_sender_and_two_receivers_hand_to_hand)
{
    return with_belt(0, 0, belt_one_to_two);
}

SCENARIO(one_sender_and_two_receivers_with_a_store)
{
    return with_belt(3, 0, belt_one_to_two);
}

static int belt_drain_slowly(void *arg)
{
    struct belt *belt = arg;
    int item, rc;
    while ((rc = weft_recv(belt->chan, &item)) == 1)
        WEFT_TRY(weft_sleep(WEFT_US));
    return rc;
}

static int belt_with_back_pressure(struct belt *belt)
{
    return both(belt_feed, belt_drain_slowly, belt);
}

SCENARIO(a_slow_receiver_holds_its_sender_back)
{
    return with_belt(1, 0, belt_with_back_pressure);
}

static int belt_drain_in_batches(void *arg)
{
    struct belt *belt = arg;
    int items[3], rc;
    while ((rc = weft_recv_batch(belt->chan, items, 3, WEFT_MS)) > 0)
        belt->got += rc;
    return rc;
}

static int belt_batches(struct belt *belt)
{
    int rc = both(belt_feed, belt_drain_in_batches, belt);
    CHECK(rc < 0 || belt->got == ITEMS);
    return rc;
}

SCENARIO(items_are_taken_in_batches)
{
    return with_belt(2, 0, belt_batches);
}

static int belt_echo(void *arg)
{
    struct belt *belt = arg;
    int item, rc;
    while ((rc = weft_recv(belt->chan, &item)) == 1)
        WEFT_TRY(weft_send(belt->back, &item));
    return rc;
}

static int belt_call(void *arg)
{
    struct belt *belt = arg;
    int rc = 0, answer;
    for (int i = 0; i < 3 && rc >= 0; i++) {
        rc = weft_send(belt->chan, &i);
        if (rc == 0)
            rc = weft_recv(belt->back, &answer);
        CHECK(rc < 0 || answer == i);
    }
    weft_chan_close(belt->chan, WEFT_CHAN_KEEP);
    return rc;
}

static int belt_calls(struct belt *belt)
{
    return both(belt_call, belt_echo, belt);
}

SCENARIO(requests_and_answers_through_two_channels)
{
    return with_belt(0, 1, belt_calls);
}

static int belt_give_up(void *arg)
{
    struct belt *belt = arg;
    int item;
    int rc = weft_recv(belt->chan, &item);
    weft_chan_close(belt->chan, WEFT_CHAN_DISCARD);
    return rc;
}

static int belt_discard(struct belt *belt)
{
    return both(belt_feed, belt_give_up, belt);
}

SCENARIO(a_receiver_that_has_enough_closes_the_channel)
{
    return with_belt(1, 0, belt_discard);
}

static int belt_wait_for_item(void *arg)
{
    int item;
    return weft_recv(((struct belt *)arg)->chan, &item);
}

static int belt_starve(struct belt *belt)
{
    int rc = weft_wait_for(belt_wait_for_item, belt, WEFT_MS);
    return rc == -ETIMEDOUT ? 0 : rc;
}

SCENARIO(a_receive_ends_at_a_deadline)
{
    return with_belt(1, 0, belt_starve);
}

static int belt_fill(void *arg)
{
    for (int i = 0;; i++)
        WEFT_TRY(weft_send(((struct belt *)arg)->chan, &i));
}

static int belt_overflow(struct belt *belt)
{
    int rc = weft_wait_for(belt_fill, belt, WEFT_MS);
    return rc == -ETIMEDOUT ? 0 : rc;
}

SCENARIO(a_send_ends_at_a_deadline)
{
    return with_belt(2, 0, belt_overflow);
}

/* ---- select ---- */

static int belt_select_until_closed(void *arg)
{
    struct belt *belt = arg;
    int item, got;
    for (;;) {
        int rc = weft_select(WEFT_CASE_RECV(belt->chan, &item, &got), WEFT_CASE_EVENT(&belt->stop));
        WEFT_TRY(rc);
        if (rc == 1 || got == 0)
            return 0;
        belt->got++;
    }
}

static int belt_select_receives(struct belt *belt)
{
    int rc = both(belt_feed, belt_select_until_closed, belt);
    CHECK(rc < 0 || belt->got == ITEMS);
    return rc;
}

SCENARIO(select_receives_until_the_channel_is_closed)
{
    return with_belt(0, 0, belt_select_receives);
}

static int belt_stop_soon(void *arg)
{
    int rc = weft_sleep(WEFT_MS);
    weft_event_set(&((struct belt *)arg)->stop);
    return rc;
}

static int belt_select_stops(struct belt *belt)
{
    return both(belt_select_until_closed, belt_stop_soon, belt);
}

SCENARIO(select_hears_an_event)
{
    return with_belt(0, 0, belt_select_stops);
}

static int belt_select_sends(void *arg)
{
    struct belt *belt = arg;
    int item = 1, sent, rc = 0;
    for (int i = 0; i < ITEMS && rc >= 0; i++)
        rc = weft_select(WEFT_CASE_SEND(belt->chan, &item, &sent),
                         WEFT_CASE_SEND(belt->back, &item, &sent));
    weft_chan_close(belt->chan, WEFT_CHAN_KEEP);
    weft_chan_close(belt->back, WEFT_CHAN_KEEP);
    return rc;
}

static int belt_drain_back(void *arg)
{
    struct belt *belt = arg;
    int item, rc;
    while ((rc = weft_recv(belt->back, &item)) == 1)
        belt->got++;
    return rc;
}

static int belt_select_two_ways(struct belt *belt)
{
    int rc = all_three(belt_select_sends, belt_drain, belt_drain_back, belt);
    CHECK(rc < 0 || belt->got == ITEMS);
    return rc;
}

SCENARIO(select_sends_to_whoever_is_there)
{
    return with_belt(0, 0, belt_select_two_ways);
}

static int belt_select_deadline(struct belt *belt)
{
    int item, got;
    int rc = weft_select(WEFT_CASE_RECV(belt->chan, &item, &got),
                         WEFT_CASE_DEADLINE(weft_after(WEFT_MS)));
    CHECK(rc < 0 || rc == 1);
    return rc;
}

SCENARIO(select_sees_a_deadline)
{
    return with_belt(1, 0, belt_select_deadline);
}

static int nap(void *arg)
{
    (void)arg;
    return weft_sleep(WEFT_MS);
}

SCENARIO(select_sees_a_task_end)
{
    weft_event never = {0};
    int ended;
    return weft_select(WEFT_CASE_EVENT(&never), WEFT_CASE_DONE(weft_spawn(nap, NULL), &ended));
}

static int belt_select_nothing(struct belt *belt)
{
    int item, got;
    return weft_select(WEFT_CASE_RECV(belt->chan, &item, &got), WEFT_NONE_READY);
}

SCENARIO(select_need_not_wait)
{
    return with_belt(0, 0, belt_select_nothing);
}

/* ---- generators ---- */

struct source {
    int count;
    weft_time pause;
    int fails;
};

static int count_up(weft_gen *self, void *arg)
{
    const struct source *source = arg;
    for (int i = 1; i <= source->count; i++) {
        if (source->pause > 0)
            WEFT_TRY(weft_sleep(source->pause));
        WEFT_TRY(weft_gen_yield(self, &i));
    }
    return source->fails;
}

static weft_gen *counting(int count, weft_time pause, int fails)
{
    return weft_gen_open_copy(count_up, (struct source){count, pause, fails});
}

static int sum_of(weft_gen *gen)
{
    int value, rc, sum = 0;
    weft_foreach(rc, value, gen) sum += value;
    return rc < 0 ? rc : sum;
}

SCENARIO(a_generator_that_never_waits)
{
    int sum = sum_of(counting(4, 0, 0));
    CHECK(sum < 0 || sum == 10);
    return sum;
}

SCENARIO(a_generator_that_sleeps)
{
    int sum = sum_of(counting(3, WEFT_MS, 0));
    CHECK(sum < 0 || sum == 6);
    return sum;
}

SCENARIO(a_generator_that_fails_in_the_end)
{
    int rc = sum_of(counting(2, WEFT_MS, -EIO));
    return rc == -EIO ? 0 : rc;
}

SCENARIO(a_loop_over_a_generator_is_left)
{
    int value, rc;
    weft_foreach(rc, value, counting(9, WEFT_MS, 0)) if (value == 2) break;
    return rc < 0 ? rc : 0;
}

SCENARIO(a_generator_is_left_open)
{
    int value;
    weft_gen *gen = counting(9, WEFT_MS, 0);
    int rc = weft_gen_next(gen, &value);
    return first_error(rc, weft_gen_close(gen));
}

static int clean_up_slowly(weft_gen *self, void *arg)
{
    (void)arg;
    int value = 1;
    int rc = weft_gen_yield(self, &value);
    WEFT_SHIELD(shield, WEFT_SEC);
    return first_error(rc, weft_sleep(WEFT_MS));
}

SCENARIO(a_generator_cleans_up_slowly)
{
    int value;
    weft_gen *gen = weft_gen_open(clean_up_slowly, NULL);
    int rc = weft_gen_next(gen, &value);
    int closed = weft_gen_close(gen);
    return first_error(rc, closed);
}

static int pass_on(weft_gen *self, void *arg)
{
    intptr_t depth = (intptr_t)arg;
    int value, rc;
    weft_gen *below =
        depth > 0 ? weft_gen_open(pass_on, (void *)(depth - 1)) : counting(2, WEFT_US, 0);
    weft_foreach(rc, value, below) WEFT_TRY(weft_gen_yield(self, &value));
    return rc;
}

SCENARIO(generators_three_deep)
{
    int sum = sum_of(weft_gen_open(pass_on, (void *)3));
    CHECK(sum < 0 || sum == 3);
    return sum;
}

SCENARIO(a_generator_with_a_deadline)
{
    WEFT_TIMEOUT(limit, 3 * WEFT_MS);
    int rc = weft_scope_close(&limit, sum_of(counting(9, 2 * WEFT_MS, 0)));
    return rc == -ETIMEDOUT ? 0 : rc;
}

static int keep_odd(const void *in, void *out, void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(WEFT_US));
    *(int *)out = *(const int *)in;
    return *(const int *)in % 2;
}

SCENARIO(a_generator_is_filtered)
{
    int sum = sum_of(weft_gen_map(counting(4, 0, 0), sizeof(int), sizeof(int), keep_odd, NULL));
    CHECK(sum < 0 || sum == 4);
    return sum;
}

SCENARIO(two_generators_are_merged)
{
    weft_gen *sources[] = {counting(2, WEFT_MS, 0), counting(2, 3 * WEFT_MS, 0)};
    int sum = sum_of(weft_gen_merge(sources, 2, sizeof(int)));
    CHECK(sum < 0 || sum == 6);
    return sum;
}

SCENARIO(a_merge_whose_one_source_fails)
{
    weft_gen *sources[] = {counting(9, WEFT_MS, 0), counting(1, WEFT_MS, -EIO)};
    int rc = sum_of(weft_gen_merge(sources, 2, sizeof(int)));
    return rc == -EIO ? 0 : rc;
}

SCENARIO(a_generator_in_batches)
{
    struct weft_batch batch;
    int rc;
    size_t count = 0;
    weft_foreach(rc, batch, weft_gen_batch(counting(5, WEFT_MS, 0), sizeof(int), 2, WEFT_SEC))
        count += batch.count;
    CHECK(rc < 0 || count == 5);
    return rc;
}

SCENARIO(two_generators_side_by_side)
{
    weft_gen *left = counting(3, WEFT_US, 0), *right = counting(2, WEFT_MS, 0);
    int a, b, rc, pairs = 0;
    while ((rc = weft_gen_zip(left, &a, right, &b)) == 1)
        pairs++;
    CHECK(rc < 0 || pairs == 2);
    rc = first_error(rc, weft_gen_close(left));
    return first_error(rc, weft_gen_close(right));
}

SCENARIO(a_generator_as_an_array)
{
    weft_bytes all = {0};
    int rc = weft_gen_collect(counting(3, WEFT_US, 0), &all, sizeof(int), 10);
    CHECK(rc < 0 || rc == 3);
    weft_bytes_free(&all);
    return rc;
}

static int belt_sum_by_generator(void *arg)
{
    struct belt *belt = arg;
    belt->sum = sum_of(weft_gen_of_chan(belt->chan, sizeof(int)));
    return belt->sum;
}

static int belt_as_generator(struct belt *belt)
{
    int rc = both(belt_feed, belt_sum_by_generator, belt);
    CHECK(rc < 0 || belt->sum == 10);
    return rc;
}

SCENARIO(a_channel_is_read_as_a_generator)
{
    return with_belt(1, 0, belt_as_generator);
}
