/* SPDX-License-Identifier: MIT */

#include <weft/barrier.h>

#include "sync_helpers.h"

static int arrive(void *barrier)
{
    return weft_barrier_wait(barrier);
}

TASK_TEST(test_P10_barrier_of_another_loop_is_refused_while_somebody_waits)
{
    weft_barrier barrier = WEFT_BARRIER(2);
    weft_task here = start(arrive, &barrier);
    CHECK_EQ(run_elsewhere(arrive, &barrier), -EPERM);
    CHECK_EQ(weft_done(here, NULL), 0);
    CHECK_EQ(weft_barrier_wait(&barrier), 1);
    CHECK_EQ(weft_await(here), 0);
}

TASK_TEST(test_P08_the_last_releases_all_and_exactly_one_gets_1)
{
    weft_barrier barrier = WEFT_BARRIER(3);
    weft_task first = start(arrive, &barrier);
    weft_task second = start(arrive, &barrier);
    settle();
    CHECK_EQ(weft_done(first, NULL), 0);
    CHECK_EQ(weft_done(second, NULL), 0);
    CHECK_EQ(weft_barrier_wait(&barrier), 1);
    CHECK_EQ(weft_await(first), 0);
    CHECK_EQ(weft_await(second), 0);
}

TASK_TEST(test_P08_barrier_can_be_used_again_at_once)
{
    weft_barrier barrier = WEFT_BARRIER(2);
    for (int i = 0; i < 5; i++) {
        weft_task other = start(arrive, &barrier);
        CHECK_EQ(weft_barrier_wait(&barrier), 1);
        /* The other has not run yet, and is not counted for the next generation. */
        weft_task next = start(arrive, &barrier);
        CHECK_EQ(weft_await(other), 0);
        CHECK_EQ(weft_done(next, NULL), 0);
        CHECK_EQ(weft_barrier_wait(&barrier), 1);
        CHECK_EQ(weft_await(next), 0);
    }
}

TASK_TEST(test_P01_a_zeroed_barrier_is_for_one)
{
    weft_barrier barrier = {0};
    CHECK_EQ(weft_barrier_wait(&barrier), 1);
    CHECK_EQ(weft_barrier_wait(&barrier), 1);
}

TASK_TEST(test_P08_a_cancelled_waiter_breaks_its_generation)
{
    weft_barrier barrier = WEFT_BARRIER(4);
    weft_task tasks[3];
    for (int i = 0; i < 3; i++)
        tasks[i] = start(arrive, &barrier);
    CHECK_EQ(weft_cancel(tasks[1], "test"), 1);
    CHECK_EQ(weft_await(tasks[0]), -EPIPE);
    CHECK_EQ(weft_await(tasks[1]), -ECANCELED);
    CHECK_EQ(weft_await(tasks[2]), -EPIPE);

    /* The next generation is whole. */
    for (int i = 0; i < 3; i++)
        tasks[i] = start(arrive, &barrier);
    CHECK_EQ(weft_barrier_wait(&barrier), 1);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(weft_await(tasks[i]), 0);
}

TASK_TEST(test_C03_barrier_waiter_released_before_the_cancel_gets_0)
{
    weft_barrier barrier = WEFT_BARRIER(2);
    weft_task task = start(arrive, &barrier);
    CHECK_EQ(weft_barrier_wait(&barrier), 1);
    CHECK_EQ(weft_cancel(task, "too late"), 1);
    CHECK_EQ(weft_await(task), 0);
}

TASK_TEST(test_C02_a_task_that_is_cancelled_before_it_comes_breaks_nothing)
{
    weft_barrier barrier = WEFT_BARRIER(2);
    weft_task waiting = start(arrive, &barrier);
    weft_task cancelled = weft_spawn(arrive, &barrier);
    CHECK_EQ(weft_cancel(cancelled, "test"), 1);
    CHECK_EQ(weft_await(cancelled), -ECANCELED);
    CHECK_EQ(weft_done(waiting, NULL), 0);
    CHECK_EQ(weft_barrier_wait(&barrier), 1);
    CHECK_EQ(weft_await(waiting), 0);
}

struct party {
    weft_barrier barrier;
    uint64_t random;
    int rounds[4];
};

struct guest {
    struct party *party;
    int id;
};

static int dance(void *arg)
{
    struct guest *self = arg;
    struct party *party = self->party;
    int firsts = 0;
    for (int round = 0; round < 20; round++) {
        CHECK_OK(weft_sleep((weft_time)random_below(&party->random, 20) * WEFT_US));
        party->rounds[self->id]++;
        int rc = weft_barrier_wait(&party->barrier);
        CHECK_OK(rc);
        firsts += rc;
        for (int i = 0; i < 4; i++) /* nobody is a whole round behind or ahead */
            CHECK(party->rounds[i] == round + 1 || party->rounds[i] == round + 2);
    }
    return firsts;
}

TASK_TEST(barrier_keeps_tasks_in_step)
{
    struct party party = {.barrier = WEFT_BARRIER(4), .random = test_seed()};
    struct guest guests[4];
    weft_task tasks[4];
    for (int i = 0; i < 4; i++) {
        guests[i] = (struct guest){&party, i};
        tasks[i] = weft_spawn(dance, &guests[i]);
    }
    int firsts = 0;
    for (int i = 0; i < 4; i++) {
        int rc = weft_await(tasks[i]);
        CHECK_OK(rc);
        firsts += rc;
    }
    CHECK_EQ(firsts, 20); /* one a round */
}

/* Static: a scenario that fails returns before its children have ended. */
static weft_barrier swept;

SCENARIO(three_tasks_meet)
{
    swept = (weft_barrier)WEFT_BARRIER(3);
    weft_task first = weft_spawn(arrive, &swept);
    weft_task second = weft_spawn(arrive, &swept);
    int rc;
    if (weft_done(first, &rc) == 1 || weft_done(second, &rc) == 1)
        return rc; /* could not be made: we would wait for ever */
    rc = weft_barrier_wait(&swept);
    if (rc < 0)
        return rc; /* and the children are cancelled, which frees them from the barrier */
    rc = weft_await(first);
    int other = weft_await(second);
    return rc < 0 ? rc : other;
}
