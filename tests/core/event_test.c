/* SPDX-License-Identifier: MIT */

#include <weft/event.h>

#include "sync_helpers.h"

static int wait_for_event(void *event)
{
    return weft_event_wait(event);
}

TASK_TEST(test_P01_a_zeroed_event_is_not_set_and_works)
{
    weft_event event = {0};
    CHECK(!weft_event_is_set(&event));
    weft_task task = start(wait_for_event, &event);
    CHECK_EQ(weft_done(task, NULL), 0);
    weft_event_set(&event);
    CHECK_EQ(weft_await(task), 0);
    CHECK(weft_event_is_set(&event));
}

TASK_TEST(event_that_is_set_lets_everybody_through_at_once)
{
    weft_event event = {0};
    weft_event_set(&event);
    CHECK_EQ(weft_event_wait(&event), 0);
    CHECK_EQ(weft_event_wait(&event), 0);
}

TASK_TEST(test_P06_set_wakes_all_who_wait_even_if_cleared_before_they_run)
{
    weft_event event = {0};
    weft_task tasks[3];
    for (int i = 0; i < 3; i++)
        tasks[i] = start(wait_for_event, &event);
    weft_event_set(&event);
    weft_event_clear(&event);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(weft_await(tasks[i]), 0);

    weft_task late = start(wait_for_event, &event);
    settle();
    CHECK_EQ(weft_done(late, NULL), 0);
    weft_event_set(&event);
    CHECK_EQ(weft_await(late), 0);
}

TASK_TEST(event_set_twice_is_set_once)
{
    weft_event event = {0};
    weft_event_set(&event);
    weft_event_set(&event);
    weft_event_clear(&event);
    CHECK(!weft_event_is_set(&event));
}

TASK_TEST(test_C02_event_wait_of_a_cancelled_task_fails_though_the_event_is_set)
{
    weft_event event = {0};
    weft_event_set(&event);
    weft_task task = weft_spawn(wait_for_event, &event);
    CHECK_EQ(weft_cancel(task, "test"), 1);
    CHECK_EQ(weft_await(task), -ECANCELED);
}

TASK_TEST(test_C03_event_waiter_that_was_woken_before_the_cancel_gets_0)
{
    weft_event event = {0};
    weft_task task = start(wait_for_event, &event);
    weft_event_set(&event);
    CHECK_EQ(weft_cancel(task, "too late"), 1);
    CHECK_EQ(weft_await(task), 0);
}

TASK_TEST(event_forgets_a_waiter_that_was_cancelled)
{
    weft_event event = {0};
    weft_task first = start(wait_for_event, &event);
    weft_task second = start(wait_for_event, &event);
    weft_task third = start(wait_for_event, &event);
    CHECK_EQ(weft_cancel(second, "test"), 1);
    CHECK_EQ(weft_await(second), -ECANCELED);
    weft_event_set(&event);
    CHECK_EQ(weft_await(first), 0);
    CHECK_EQ(weft_await(third), 0);
}

static int set_on_return(void *event)
{
    weft_event_set(event);
    return weft_event_wait(event);
}

TASK_TEST(test_C10_event_set_works_in_a_cancelled_task)
{
    weft_event event = {0};
    weft_task waiter = start(wait_for_event, &event);
    weft_task setter = weft_spawn(set_on_return, &event);
    CHECK_EQ(weft_cancel(setter, "test"), 1);
    CHECK_EQ(weft_await(setter), -ECANCELED);
    CHECK_EQ(weft_await(waiter), 0);
}

static int set_event(void *event)
{
    weft_event_set(event);
    return weft_event_is_set(event);
}

TASK_TEST(test_P10_event_of_another_loop_is_not_set)
{
    weft_event event = {0};
    weft_task here = start(wait_for_event, &event);
    CHECK_EQ(run_elsewhere(set_event, &event), 0);
    CHECK_EQ(weft_done(here, NULL), 0);
    weft_event_set(&event);
    CHECK_EQ(weft_await(here), 0);
}

TASK_TEST(test_P10_event_of_another_loop_cannot_be_waited_for)
{
    weft_event event = {0};
    weft_task here = start(wait_for_event, &event);
    CHECK_EQ(run_elsewhere(wait_for_event, &event), -EPERM);
    weft_event_set(&event);
    CHECK_EQ(weft_await(here), 0);
}

TEST(test_L04_event_wait_outside_a_loop_changes_nothing)
{
    weft_event event = {0};
    weft_event_set(&event);
    CHECK_EQ(weft_event_wait(&event), -EPERM);
    CHECK(weft_event_is_set(&event));
}

/* Static: a scenario that fails returns before its children have ended. */
static weft_event swept;

SCENARIO(event_start_signal_for_three_tasks)
{
    swept = (weft_event){0};
    weft_task tasks[3];
    for (int i = 0; i < 3; i++)
        tasks[i] = weft_spawn(wait_for_event, &swept);
    int rc = weft_yield();
    weft_event_set(&swept);
    for (int i = 0; i < 3; i++) {
        int one = weft_await(tasks[i]);
        rc = rc < 0 ? rc : one;
    }
    return rc;
}
