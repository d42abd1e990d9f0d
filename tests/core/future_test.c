/* SPDX-License-Identifier: MIT */

#include <weft/future.h>

#include "sync_helpers.h"

#include <sched.h>
#include <stdatomic.h>

static int answer = 42;

static int wait_for_answer(void *future)
{
    void *value = NULL;
    int rc = weft_future_wait(future, &value);
    if (rc >= 0)
        CHECK_EQ(value, (void *)&answer);
    return rc;
}

TASK_TEST(test_P09_future_set_before_any_wait_is_there_at_once)
{
    weft_future future = {0};
    CHECK(!weft_future_is_set(&future));
    CHECK_EQ(weft_future_set(&future, 7, &answer), 0);
    CHECK(weft_future_is_set(&future));
    CHECK_EQ(wait_for_answer(&future), 7);
    CHECK_EQ(wait_for_answer(&future), 7);
    CHECK_EQ(weft_future_wait(&future, NULL), 7);
}

TASK_TEST(test_P09_future_is_set_once)
{
    weft_future future = {0};
    CHECK_EQ(weft_future_set(&future, 1, &answer), 0);
    CHECK_EQ(weft_future_set(&future, 2, NULL), -EALREADY);
    CHECK_EQ(wait_for_answer(&future), 1);
}

TASK_TEST(test_P09_all_waiters_get_rc_and_value)
{
    weft_future future = {0};
    weft_task tasks[3];
    for (int i = 0; i < 3; i++)
        tasks[i] = start(wait_for_answer, &future);
    CHECK_EQ(weft_future_set(&future, 5, &answer), 0);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(weft_await(tasks[i]), 5);
}

TASK_TEST(test_P09_an_error_comes_with_its_value_too)
{
    weft_future future = {0};
    void *value = NULL;
    CHECK_EQ(weft_future_set(&future, -EIO, &answer), 0);
    CHECK_EQ(weft_future_wait(&future, &value), -EIO);
    CHECK_EQ(value, (void *)&answer);
}

TASK_TEST(test_C03_future_waiter_that_has_its_value_before_the_cancel_keeps_it)
{
    weft_future future = {0};
    weft_task task = start(wait_for_answer, &future);
    CHECK_EQ(weft_future_set(&future, 3, &answer), 0);
    CHECK_EQ(weft_cancel(task, "too late"), 1);
    CHECK_EQ(weft_await(task), 3);
}

TASK_TEST(future_wait_that_was_cancelled_leaves_it_to_be_set_and_waited_for_again)
{
    weft_future future = {0};
    weft_task first = start(wait_for_answer, &future);
    weft_task second = start(wait_for_answer, &future);
    CHECK_EQ(weft_cancel(first, "test"), 1);
    CHECK_EQ(weft_await(first), -ECANCELED);
    CHECK_EQ(weft_done(second, NULL), 0);
    CHECK_EQ(weft_cancel(second, "test"), 1);
    CHECK_EQ(weft_await(second), -ECANCELED);

    weft_task third = start(wait_for_answer, &future);
    CHECK_EQ(weft_future_set(&future, 9, &answer), 0);
    CHECK_EQ(weft_await(third), 9);
}

/* The future lives on the stack of the task that waits for it, and is overwritten the moment the
 * wait is over: the set must not touch it after that. */
static int wait_on_own_stack(void *arg)
{
    weft_future **where = arg;
    weft_future future = {0};
    *where = &future;
    int rc = weft_future_wait(&future, NULL);
    memset(&future, 0xAB, sizeof future);
    *where = NULL;
    return rc;
}

TASK_TEST(future_memory_may_go_when_the_wait_returns)
{
    weft_future *where = NULL;
    weft_task task = start(wait_on_own_stack, &where);
    CHECK_EQ(weft_future_set(where, 4, NULL), 0);
    CHECK_EQ(weft_await(task), 4);
}

TASK_TEST(test_P10_future_with_waiters_of_another_loop_cannot_be_waited_for)
{
    weft_future future = {0};
    weft_task here = start(wait_for_answer, &future);
    CHECK_EQ(run_elsewhere(wait_for_answer, &future), -EPERM);
    CHECK_EQ(weft_future_set(&future, 0, &answer), 0);
    CHECK_EQ(weft_await(here), 0);
}

/* ---- from other threads ---- */

static void *set_from_thread(void *future)
{
    CHECK_EQ(weft_future_set(future, 6, &answer), 0);
    return NULL;
}

TASK_TEST(test_P09_set_from_another_thread_wakes_the_waiters)
{
    weft_future future = {0};
    pthread_t thread;
    weft_loop_hold(weft_loop_self()); /* the simulator knows of no threads */
    weft_task first = start(wait_for_answer, &future);
    weft_task second = start(wait_for_answer, &future);
    CHECK_EQ(pthread_create(&thread, NULL, set_from_thread, &future), 0);
    CHECK_EQ(weft_await(first), 6);
    CHECK_EQ(weft_await(second), 6);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    weft_loop_unhold(weft_loop_self());
}

TASK_TEST(test_P09_set_from_another_thread_needs_no_waiter)
{
    weft_future future = {0};
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, set_from_thread, &future), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_EQ(wait_for_answer(&future), 6);
}

/* The set has happened, its message has not arrived yet: completed beats cancelled. */
TASK_TEST(test_C03_a_result_on_its_way_beats_a_cancel)
{
    weft_future future = {0};
    pthread_t thread;
    weft_task task = start(wait_for_answer, &future);
    CHECK_EQ(pthread_create(&thread, NULL, set_from_thread, &future), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0); /* blocks the loop: no message is read */
    CHECK(!weft_future_is_set(&future));
    CHECK_EQ(weft_cancel(task, "too late"), 1);
    CHECK_EQ(weft_await(task), 6);
    CHECK(weft_future_is_set(&future));
}

TASK_TEST(future_result_on_its_way_is_not_given_to_a_newcomer_before_it_has_arrived)
{
    weft_future future = {0};
    pthread_t thread;
    weft_task first = start(wait_for_answer, &future);
    CHECK_EQ(pthread_create(&thread, NULL, set_from_thread, &future), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_EQ(wait_for_answer(&future), 6);
    CHECK_EQ(weft_await(first), 6);
}

/* Two threads set at once while waiters come and go: one of them wins, and nobody who waits to the
 * end misses it. */
struct race {
    weft_future future;
    atomic_int ready;
    atomic_int wins;
    int delay;
};

static void *set_in_race(void *arg)
{
    struct race *race = arg;
    atomic_fetch_add(&race->ready, 1);
    while (atomic_load(&race->ready) < 3)
        sched_yield();
    for (int i = 0; i < race->delay; i++)
        atomic_load(&race->ready);
    if (weft_future_set(&race->future, 6, &answer) == 0)
        atomic_fetch_add(&race->wins, 1);
    return NULL;
}

TASK_TEST(test_P09_sets_racing_with_waits_and_cancels_deliver_once)
{
    uint64_t random = test_seed();
    weft_loop_hold(weft_loop_self()); /* the simulator knows of no threads */
    for (int round = 0; round < 60; round++) {
        note("round %d", round);
        struct race race = {.delay = (int)random_below(&random, 2000)};
        pthread_t threads[2];
        for (int i = 0; i < 2; i++)
            CHECK_EQ(pthread_create(&threads[i], NULL, set_in_race, &race), 0);
        weft_task tasks[4];
        for (int i = 0; i < 4; i++) {
            if (i == 1)
                atomic_fetch_add(&race.ready, 1); /* go */
            tasks[i] = start(wait_for_answer, &race.future);
            if (i % 2 == 0)
                CHECK_OK(weft_cancel(tasks[i], "test"));
        }
        for (int i = 0; i < 4; i++) {
            int rc = weft_await(tasks[i]);
            CHECK(rc == 6 || (rc == -ECANCELED && i % 2 == 0));
            weft_release(tasks[i]);
        }
        for (int i = 0; i < 2; i++)
            CHECK_EQ(pthread_join(threads[i], NULL), 0);
        CHECK_EQ(atomic_load(&race.wins), 1);
        CHECK_EQ(wait_for_answer(&race.future), 6);
    }
    weft_loop_unhold(weft_loop_self());
}

/* ---- sweeps ---- */

static int set_later(void *future)
{
    int rc = weft_sleep(WEFT_MS);
    weft_future_set(future, rc, &answer);
    return rc;
}

/* Static: a scenario that fails returns before its children have ended. */
static weft_future swept;

SCENARIO(one_task_promises_and_two_wait)
{
    swept = (weft_future){0};
    weft_task setter = weft_spawn(set_later, &swept);
    int made;
    if (weft_done(setter, &made) == 1 && made < 0)
        return made; /* nobody would ever set it */
    weft_task waiter = weft_spawn(wait_for_answer, &swept);
    int rc = wait_for_answer(&swept);
    int other = weft_await(waiter);
    if (rc >= 0)
        rc = other;
    other = weft_await(setter);
    return rc < 0 ? rc : other;
}
