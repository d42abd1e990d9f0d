/* SPDX-License-Identifier: MIT */

/* Timers: exact order, never early, against a plain array for a model. */

#include "core/loop/timers.h"

#include "harness/harness.h"

#include <stdlib.h>
#include <string.h>

#define TICK ((weft_time)1 << WF_TIMERS_TICK_BITS)

static void unused(weft_timer *timer)
{
    (void)timer;
    FAIL("the wheel calls nobody");
}

static struct wf_timers *timers_new(weft_time now)
{
    static struct wf_timers timers;
    wf_timers_init(&timers, now);
    return &timers;
}

static weft_timer *timers_make(size_t count)
{
    weft_timer *timers = calloc(count, sizeof *timers);
    CHECK(timers != NULL);
    for (size_t i = 0; i < count; i++)
        timers[i].fn = unused;
    return timers;
}

/* ---- single points ---- */

TEST(test_H02_timer_is_due_at_its_deadline_and_not_before)
{
    static const weft_time deadlines[] = {
        1,
        TICK - 1,
        TICK,
        TICK + 1,
        63 * TICK,
        64 * TICK - 1,
        64 * TICK,
        65 * TICK + 3,
        4095 * TICK,
        4096 * TICK,
        WEFT_SEC,
        3600 * WEFT_SEC,
        31556952 * WEFT_SEC,
        INT64_MAX / 2,
        INT64_MAX - TICK,
        INT64_MAX - 1,
    };
    for (size_t i = 0; i < sizeof deadlines / sizeof *deadlines; i++) {
        note("deadline %lld", (long long)deadlines[i]);
        struct wf_timers *timers = timers_new(0);
        weft_timer timer = {.fn = unused};
        wf_timers_start(timers, &timer, deadlines[i]);
        CHECK(weft_timer_is_running(&timer));
        CHECK_EQ(wf_timers_next(timers), deadlines[i]);
        CHECK_EQ(wf_timers_next_bound(timers), deadlines[i]);
        CHECK_EQ(wf_timers_pop(timers, deadlines[i] - 1), NULL);
        CHECK_EQ(wf_timers_next(timers), deadlines[i]);
        CHECK_EQ(wf_timers_pop(timers, deadlines[i]), &timer);
        CHECK(!weft_timer_is_running(&timer));
        CHECK_EQ(wf_timers_pop(timers, INT64_MAX - 1), NULL);
        CHECK_EQ(wf_timers_next(timers), WEFT_FOREVER);
        CHECK_EQ(timers->count, 0u);
    }
}

TEST(timer_in_the_past_is_due_at_once)
{
    struct wf_timers *timers = timers_new(1000 * WEFT_SEC);
    weft_timer *t = timers_make(4);
    wf_timers_start(timers, &t[0], 1000 * WEFT_SEC);
    wf_timers_start(timers, &t[1], 0);
    wf_timers_start(timers, &t[2], INT64_MIN);
    wf_timers_start(timers, &t[3], -1);
    CHECK_EQ(wf_timers_next(timers), INT64_MIN);
    CHECK_EQ(wf_timers_pop(timers, 1000 * WEFT_SEC), &t[2]);
    CHECK_EQ(wf_timers_pop(timers, 1000 * WEFT_SEC), &t[3]);
    CHECK_EQ(wf_timers_pop(timers, 1000 * WEFT_SEC), &t[1]);
    CHECK_EQ(wf_timers_pop(timers, 1000 * WEFT_SEC), &t[0]);
    free(t);
}

TEST(test_H02_equal_deadlines_fire_in_order_of_start)
{
    enum { COUNT = 1000 };
    static const weft_time deadlines[] = {5, 10 * TICK, WEFT_SEC, 100 * WEFT_SEC};
    weft_timer *t = timers_make(COUNT);
    for (size_t d = 0; d < sizeof deadlines / sizeof *deadlines; d++) {
        struct wf_timers *timers = timers_new(0);
        for (size_t i = 0; i < COUNT; i++)
            wf_timers_start(timers, &t[i], deadlines[d]);
        wf_timers_start(timers, &t[7], deadlines[d]); /* started again: last */
        for (size_t i = 0; i < COUNT; i++) {
            if (i != 7)
                CHECK_EQ(wf_timers_pop(timers, deadlines[d]), &t[i]);
        }
        CHECK_EQ(wf_timers_pop(timers, deadlines[d]), &t[7]);
    }
    free(t);
}

TEST(timer_started_with_forever_is_stopped)
{
    struct wf_timers *timers = timers_new(0);
    weft_timer timer = {.fn = unused};
    wf_timers_start(timers, &timer, WEFT_FOREVER);
    CHECK(!weft_timer_is_running(&timer));
    wf_timers_start(timers, &timer, WEFT_SEC);
    wf_timers_start(timers, &timer, WEFT_FOREVER);
    CHECK(!weft_timer_is_running(&timer));
    CHECK_EQ(wf_timers_next(timers), WEFT_FOREVER);
    wf_timers_stop(timers, &timer);
    CHECK_EQ(timers->count, 0u);
}

/* Cancelled in the order of their deadlines, as timeouts of requests are: the earliest each time.
 */
TEST(next_is_exact_after_the_earliest_was_stopped)
{
    enum { COUNT = 300 };
    struct wf_timers *timers = timers_new(0);
    weft_timer *t = timers_make(COUNT);
    for (size_t i = 0; i < COUNT; i++)
        wf_timers_start(timers, &t[i], 30 * WEFT_SEC + (weft_time)i * 1000);
    for (size_t i = 0; i < COUNT; i++) {
        CHECK_EQ(wf_timers_next(timers), t[i].deadline);
        CHECK_EQ(wf_timers_next_bound(timers), t[i].deadline);
        wf_timers_stop(timers, &t[i]);
        CHECK_LE(wf_timers_next_bound(timers), wf_timers_next(timers));
    }
    CHECK_EQ(wf_timers_next(timers), WEFT_FOREVER);
    free(t);
}

/* Whoever waits for the bound is woken in vain at most once a level. */
TEST(waiting_for_the_bound_comes_to_an_end)
{
    struct wf_timers *timers = timers_new(1);
    weft_timer *t = timers_make(200);
    for (size_t i = 0; i < 200; i++)
        wf_timers_start(timers, &t[i], 86400 * WEFT_SEC + (weft_time)i * 12345678);
    for (size_t i = 0; i < 199; i++)
        wf_timers_stop(timers, &t[i]);
    size_t wakes = 0;
    weft_time now = 0;
    while (wf_timers_pop(timers, now) == NULL) {
        CHECK_LE(++wakes, (size_t)WF_TIMERS_LEVELS);
        CHECK_GT(wf_timers_next_bound(timers), now);
        now = wf_timers_next_bound(timers);
    }
    CHECK_EQ(now, 86400 * WEFT_SEC + (weft_time)199 * 12345678);
    free(t);
}

TEST(timer_moved_within_its_slot_or_beyond_keeps_next_exact)
{
    static const weft_time moves[] = {5, 4, 6, 90, 3, 3000, 2, 1000000, 1};
    struct wf_timers *timers = timers_new(0);
    weft_timer *t = timers_make(2);
    wf_timers_start(timers, &t[0], 20 * WEFT_SEC);
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++) {
        weft_time deadline = 10 * WEFT_SEC + moves[i] * WEFT_MS;
        wf_timers_start(timers, &t[1], deadline);
        bool is_first = deadline < 20 * WEFT_SEC;
        CHECK_LE(wf_timers_next_bound(timers), is_first ? deadline : 20 * WEFT_SEC);
        CHECK_EQ(wf_timers_next(timers), is_first ? deadline : 20 * WEFT_SEC);
    }
    CHECK_EQ(wf_timers_pop(timers, 20 * WEFT_SEC), &t[1]);
    CHECK_EQ(wf_timers_pop(timers, 20 * WEFT_SEC), &t[0]);
    free(t);
}

TEST(timer_of_an_earlier_tick_than_the_wheels_comes_first)
{
    struct wf_timers *timers = timers_new(0);
    weft_timer *t = timers_make(3);
    wf_timers_start(timers, &t[0], 100 * TICK);
    CHECK_EQ(wf_timers_pop(timers, 100 * TICK - 1), NULL);
    CHECK_EQ(wf_timers_pop(timers, 99 * TICK), NULL); /* a clock that steps back a little */
    wf_timers_start(timers, &t[1], 99 * TICK + 1);
    wf_timers_start(timers, &t[2], 100 * TICK);
    CHECK_EQ(wf_timers_next(timers), 99 * TICK + 1);
    CHECK_EQ(wf_timers_pop(timers, 101 * TICK), &t[1]);
    CHECK_EQ(wf_timers_pop(timers, 101 * TICK), &t[0]);
    CHECK_EQ(wf_timers_pop(timers, 101 * TICK), &t[2]);
    free(t);
}

/* ---- against a model ---- */

#define CROWD 500

struct model_entry {
    weft_time deadline;
    uint64_t seq; /* 0: not running */
};

struct model {
    struct model_entry entries[CROWD];
    uint64_t seq;
};

static uint64_t random_state;

static uint64_t random_below(uint64_t limit)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    uint64_t mixed = random_state ^ random_state >> 29;
    return (mixed * 0x9e3779b97f4a7c15u >> 11) % limit;
}

/* The index of the earliest in order, or -1. */
static int model_first(const struct model *model)
{
    int first = -1;
    for (int i = 0; i < CROWD; i++) {
        const struct model_entry *at = &model->entries[i];
        if (at->seq == 0)
            continue;
        const struct model_entry *best = first < 0 ? NULL : &model->entries[first];
        if (best == NULL || at->deadline < best->deadline ||
            (at->deadline == best->deadline && at->seq < best->seq))
            first = i;
    }
    return first;
}

/* Deadlines of every scale around `now`, often equal to one another. */
static weft_time random_deadline(weft_time now)
{
    switch (random_below(8)) {
    case 0:
        return now - (weft_time)random_below(1000);
    case 1:
        return now + (weft_time)random_below(4);
    case 2:
        return now / TICK * TICK + TICK; /* the next tick's beginning */
    case 3:
        return now + (weft_time)(random_below(5) * WEFT_MS);
    case 4:
        return INT64_MAX - 1 - (weft_time)random_below(3);
    default:
        return now + (weft_time)random_below((uint64_t)1 << (random_below(50) + 1));
    }
}

/* Time passes: by nothing, a little, a scale, or right up to the next deadline or just before. */
static weft_time random_step(weft_time now, weft_time next)
{
    switch (random_below(5)) {
    case 0:
        return now;
    case 1:
        return now + (weft_time)random_below(TICK);
    case 2:
        return now + (weft_time)random_below((uint64_t)1 << (random_below(44) + 1));
    case 3:
        return next == WEFT_FOREVER || next <= now ? now : next - 1;
    default:
        return next == WEFT_FOREVER || next <= now ? now : next;
    }
}

static void start_or_stop(struct wf_timers *timers, weft_timer *t, struct model *model,
                          weft_time now)
{
    size_t i = random_below(CROWD);
    if (random_below(3) == 0) {
        wf_timers_stop(timers, &t[i]);
        model->entries[i].seq = 0;
    } else {
        weft_time deadline = random_deadline(now);
        bool may_move = model->entries[i].seq != 0 && t[i].deadline < INT64_MAX - 2000;
        if (may_move && random_below(2) == 0) /* a little */
            deadline = t[i].deadline + (weft_time)random_below(2000) - 1000;
        wf_timers_start(timers, &t[i], deadline);
        model->entries[i] = (struct model_entry){.deadline = deadline, .seq = ++model->seq};
    }
}

/* Takes off all that is due, and meddles in between. */
static void pop_due(struct wf_timers *timers, weft_timer *t, struct model *model, weft_time now)
{
    for (int budget = 50; budget > 0; budget--) {
        int first = model_first(model);
        bool is_due = first >= 0 && model->entries[first].deadline <= now;
        CHECK_EQ(wf_timers_pop(timers, now), is_due ? &t[first] : NULL);
        if (!is_due)
            break;
        CHECK_EQ(t[first].deadline, model->entries[first].deadline);
        model->entries[first].seq = 0;
        if (random_below(4) == 0)
            start_or_stop(timers, t, model, now);
    }
}

static void check_against_model(struct wf_timers *timers, const weft_timer *t,
                                const struct model *model)
{
    size_t count = 0;
    for (int i = 0; i < CROWD; i++) {
        CHECK_EQ(weft_timer_is_running(&t[i]), model->entries[i].seq != 0);
        count += model->entries[i].seq != 0;
    }
    CHECK_EQ(timers->count, count);
    int first = model_first(model);
    weft_time next = first < 0 ? WEFT_FOREVER : model->entries[first].deadline;
    CHECK_LE(wf_timers_next_bound(timers), next);
    if (random_below(2) == 0)
        CHECK_EQ(wf_timers_next(timers), next);
}

TEST(timers_do_what_a_sorted_array_does)
{
    weft_timer *t = timers_make(CROWD);
    struct model *model = calloc(1, sizeof *model);
    random_state = test_seed();
    for (int round = 0; round < 20; round++) {
        weft_time now = (weft_time)random_below((uint64_t)1 << (random_below(60) + 1));
        struct wf_timers *timers = timers_new(now);
        memset(model, 0, sizeof *model);
        for (int i = 0; i < CROWD; i++)
            wf_timers_stop(timers, &t[i]);
        for (int step = 0; step < 300 && now < INT64_MAX / 2; step++) {
            note("round %d, step %d, now %lld", round, step, (long long)now);
            for (uint64_t i = random_below(10); i > 0; i--)
                start_or_stop(timers, t, model, now);
            check_against_model(timers, t, model);
            now = random_step(now, wf_timers_next_bound(timers));
            pop_due(timers, t, model, now);
        }
        for (int i = 0; i < CROWD; i++)
            wf_timers_stop(timers, &t[i]);
        CHECK_EQ(timers->count, 0u);
        CHECK_EQ(wf_timers_next(timers), WEFT_FOREVER);
    }
    free(model);
    free(t);
}

TEST(test_H02_many_timers_fire_in_order)
{
    enum { COUNT = 100000 };
    weft_timer *t = timers_make(COUNT);
    struct wf_timers *timers = timers_new(0);
    random_state = test_seed();
    for (size_t i = 0; i < COUNT; i++)
        wf_timers_start(timers, &t[i], (weft_time)random_below(60 * WEFT_SEC));
    for (size_t i = 0; i < COUNT; i += 10)
        wf_timers_stop(timers, &t[i]);

    weft_time last = 0, now = 0;
    uint64_t last_seq = 0;
    size_t fired = 0;
    for (now = 0; fired < COUNT - COUNT / 10; now += 10 * WEFT_MS) {
        weft_timer *timer;
        while ((timer = wf_timers_pop(timers, now)) != NULL) {
            CHECK(timer->deadline > last ||
                  (timer->deadline == last && timer->priv_seq > last_seq));
            CHECK_LE(timer->deadline, now);
            CHECK_GT(timer->deadline, now - 10 * WEFT_MS - 1);
            last = timer->deadline;
            last_seq = timer->priv_seq;
            fired++;
        }
    }
    CHECK_EQ(wf_timers_next(timers), WEFT_FOREVER);
    free(t);
}
