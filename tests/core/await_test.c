/* SPDX-License-Identifier: MIT */

/* Rules T11 to T14: waiting for a task. */

#include "harness/harness.h"

#include <weft.h>

static int body_value(void *arg)
{
    return (int)(intptr_t)arg;
}

static int body_sleep(void *arg)
{
    WEFT_TRY(weft_sleep((weft_time)(intptr_t)arg));
    return 7;
}

struct order {
    char text[32];
    size_t len;
};

struct letter {
    struct order *order;
    char letter;
};

static int body_letter(void *arg)
{
    const struct letter *letter = arg;
    letter->order->text[letter->order->len++] = letter->letter;
    return 0;
}

struct await_order {
    weft_task target;
    struct letter letter;
};

static int body_awaits_and_writes(void *arg)
{
    struct await_order *self = arg;
    int rc = weft_await(self->target);
    body_letter(&self->letter);
    return rc;
}

TASK_TEST(test_T11_all_waiters_get_the_result_in_the_order_they_came)
{
    struct order order = {.len = 0};
    weft_task target = weft_spawn(body_sleep, (void *)WEFT_SEC);
    struct await_order waiters[3];
    weft_task tasks[3];
    for (int i = 0; i < 3; i++) {
        waiters[i] = (struct await_order){target, {&order, (char)('a' + i)}};
        tasks[i] = weft_spawn(body_awaits_and_writes, &waiters[i]);
        CHECK_OK(weft_yield());
    }
    for (int i = 0; i < 3; i++)
        CHECK_EQ(weft_await(tasks[i]), 7);
    if (!test_is_simulated())
        CHECK_STR(order.text, "abc");
}

TASK_TEST(test_T11_await_of_a_done_task_does_not_switch)
{
    weft_task task = weft_spawn(body_value, (void *)1);
    CHECK_OK(weft_await(task));
    weft_run_stats before, after;
    CHECK_OK(weft_run_stats_get(&before));
    CHECK_EQ(weft_await(task), 1);
    CHECK_OK(weft_run_stats_get(&after));
    CHECK_EQ(after.switches, before.switches);
}

TASK_TEST(test_T12_awaiting_oneself_is_a_deadlock)
{
    CHECK_EQ(weft_await(weft_self()), -EDEADLK);
    CHECK_EQ(weft_await_for(weft_self(), WEFT_SEC), -EDEADLK);
}

static int body_awaits_its_awaiter(void *arg)
{
    CHECK_EQ(weft_await_for(*(weft_task *)arg, WEFT_SEC), -EDEADLK);
    return weft_await(*(weft_task *)arg);
}

TASK_TEST(test_T12_awaiting_ones_awaiter_is_a_deadlock)
{
    weft_task self = weft_self();
    CHECK_EQ(weft_await(weft_spawn(body_awaits_its_awaiter, &self)), -EDEADLK);
    CHECK_EQ(weft_await_for(weft_spawn(body_awaits_its_awaiter, &self), WEFT_SEC), -EDEADLK);
}

TASK_TEST(test_T13_cancelling_a_waiter_leaves_the_awaited_alone)
{
    weft_task target = weft_spawn(body_sleep, (void *)(2 * WEFT_SEC));
    struct order order = {.len = 0};
    struct await_order waiter = {target, {&order, 'x'}};
    weft_task waiting = weft_spawn(body_awaits_and_writes, &waiter);
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_EQ(weft_cancel(waiting, "enough"), 1);
    CHECK_EQ(weft_await(waiting), -ECANCELED);
    CHECK_EQ(weft_done(target, NULL), 0);
    CHECK_EQ(weft_await(target), 7);
}

static int body_stubborn(void *arg)
{
    int rc = weft_sleep(10 * WEFT_SEC);
    CHECK_EQ(rc, -ECANCELED);
    WEFT_SHIELD(cleanup, 10 * WEFT_SEC);
    CHECK_OK(weft_sleep(WEFT_SEC));
    return (int)(intptr_t)arg;
}

TASK_TEST(test_T14_await_for_cancels_at_the_deadline_and_sees_the_task_out)
{
    weft_time start = weft_now();
    CHECK_EQ(weft_await_for(weft_spawn(body_sleep, (void *)(9 * WEFT_SEC)), WEFT_SEC), -ETIMEDOUT);
    CHECK_EQ(weft_now() - start, WEFT_SEC);
    CHECK_EQ(weft_await_for(weft_spawn(body_sleep, (void *)WEFT_SEC), 2 * WEFT_SEC), 7);
    start = weft_now();
    CHECK_EQ(weft_await_for(weft_spawn(body_stubborn, (void *)4), WEFT_SEC), 4);
    CHECK_EQ(weft_now() - start, 2 * WEFT_SEC);
    CHECK_EQ(weft_await_for(weft_spawn(body_stubborn, (void *)-EIO), WEFT_SEC), -EIO);
    CHECK_EQ(weft_await_for(weft_spawn(body_stubborn, (void *)-ECANCELED), WEFT_SEC), -ETIMEDOUT);
    CHECK_EQ(weft_await_for(weft_spawn(body_sleep, (void *)WEFT_SEC), 0), -ETIMEDOUT);
}

struct bounded_wait {
    weft_task target;
    int rc;
};

static int body_awaits_for_long(void *arg)
{
    struct bounded_wait *wait = arg;
    wait->rc = weft_await_for(wait->target, 100 * WEFT_SEC);
    return wait->rc;
}

TASK_TEST(test_T14_a_cancelled_await_for_takes_the_task_with_it)
{
    struct bounded_wait wait = {.target = weft_spawn(body_stubborn, (void *)4)};
    weft_task waiting = weft_spawn(body_awaits_for_long, &wait);
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_EQ(weft_cancel(waiting, "enough"), 1);
    CHECK_EQ(weft_await(waiting), -ECANCELED);
    CHECK_EQ(wait.rc, -ECANCELED);
    int rc = 0;
    CHECK_EQ(weft_done(wait.target, &rc), 1);
    CHECK_EQ(rc, 4);
}

/* What it was asked to return, however it was told to end. */
static int body_is_stubborn(void *arg)
{
    int rc = (int)(intptr_t)arg;
    (void)weft_sleep(100 * WEFT_SEC);
    return rc == -EIO ? weft_fail(rc, "all the same") : rc;
}

TASK_TEST(test_T14_what_a_task_ends_with_despite_the_deadline_is_returned)
{
    weft_time start = weft_now();
    CHECK_EQ(weft_await_for(weft_spawn(body_is_stubborn, (void *)7), WEFT_SEC), 7);
    CHECK_EQ(weft_await_for(weft_spawn(body_is_stubborn, (void *)-EIO), WEFT_SEC), -EIO);
    CHECK_STR(weft_error_text(), "all the same");
    CHECK_EQ(weft_await_for(weft_spawn(body_is_stubborn, (void *)-ECANCELED), WEFT_SEC),
             -ETIMEDOUT);
    CHECK_EQ(weft_await_for(weft_spawn(body_is_stubborn, (void *)0), -1), 0);
    CHECK_EQ(weft_now() - start, 3 * WEFT_SEC);
}

static int body_awaits_the_stubborn(void *arg)
{
    return weft_await_for(weft_spawn(body_is_stubborn, arg), 10 * WEFT_SEC);
}

TASK_TEST(test_T14_a_cancelled_waiter_gets_its_cancel_whatever_the_task_ends_with)
{
    weft_task waiter = weft_spawn(body_awaits_the_stubborn, (void *)7);
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_EQ(weft_cancel(waiter, "test"), 1);
    CHECK_EQ(weft_await(waiter), -ECANCELED);
}
