/* SPDX-License-Identifier: MIT */

#include <weft/sem.h>

#include "sync_helpers.h"

struct gate {
    weft_sem sem;
    int entered; /* who went through, as digits in order */
};

struct visitor {
    struct gate *gate;
    int id;
};

static int enter(void *arg)
{
    struct visitor *self = arg;
    int rc = weft_sem_take(&self->gate->sem);
    if (rc == 0)
        self->gate->entered = self->gate->entered * 10 + self->id;
    return rc;
}

static int take(void *sem)
{
    return weft_sem_take(sem);
}

TASK_TEST(test_P01_a_zeroed_semaphore_is_empty_and_has_no_limit)
{
    weft_sem sem = {0};
    CHECK_EQ(weft_sem_try(&sem), -EAGAIN);
    for (int i = 0; i < 1000; i++)
        CHECK_EQ(weft_sem_give(&sem), 0);
    CHECK_EQ(weft_sem_units(&sem), 1000);
    CHECK_EQ(weft_sem_take(&sem), 0);
    CHECK_EQ(weft_sem_units(&sem), 999);
}

TASK_TEST(test_P01_taking_allocates_nothing)
{
    weft_sem sem = WEFT_SEM(0, 1);
    weft_task task = start(take, &sem);
    uint64_t before = blocks_made();
    CHECK_EQ(weft_sem_give(&sem), 0);
    CHECK_EQ(weft_await(task), 0);
    CHECK_EQ(blocks_made(), before);
}

TASK_TEST(test_P05_take_waits_for_a_unit_and_give_hands_it_over)
{
    weft_sem sem = WEFT_SEM(2, 2);
    CHECK_EQ(weft_sem_take(&sem), 0);
    CHECK_EQ(weft_sem_take(&sem), 0);
    weft_task task = start(take, &sem);
    CHECK_EQ(weft_done(task, NULL), 0);
    CHECK_EQ(weft_sem_give(&sem), 0);
    CHECK_EQ(weft_sem_units(&sem), 0); /* handed over, not counted */
    CHECK_EQ(weft_await(task), 0);
    CHECK_EQ(weft_sem_give(&sem), 0);
    CHECK_EQ(weft_sem_units(&sem), 1);
}

static int body_runs(void *arg)
{
    *(bool *)arg = true;
    return 0;
}

TASK_TEST(test_F03_who_need_not_wait_for_a_unit_lets_others_run)
{
    weft_sem sem = WEFT_SEM(200, 200);
    bool has_run = false;
    weft_task other = weft_spawn(body_runs, &has_run);
    for (int i = 0; i < 130; i++)
        CHECK_OK(weft_sem_take(&sem));
    CHECK(has_run);
    CHECK_OK(weft_await(other));
}

TASK_TEST(test_P05_give_above_the_limit_is_an_overflow_and_changes_nothing)
{
    weft_sem sem = WEFT_SEM(1, 2);
    CHECK_EQ(weft_sem_give(&sem), 0);
    CHECK_EQ(weft_sem_give(&sem), -EOVERFLOW);
    CHECK_EQ(weft_sem_units(&sem), 2);

    weft_sem endless = WEFT_SEM(INT64_MAX, 0);
    CHECK_EQ(weft_sem_give(&endless), -EOVERFLOW);
    CHECK_EQ(weft_sem_units(&endless), INT64_MAX);
}

TASK_TEST(test_P02_semaphore_serves_in_order_of_coming)
{
    struct gate gate = {.sem = WEFT_SEM(0, 9)};
    struct visitor visitors[5];
    weft_task tasks[5];
    for (int i = 0; i < 5; i++) {
        visitors[i] = (struct visitor){&gate, i + 1};
        tasks[i] = start(enter, &visitors[i]);
    }
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(weft_sem_give(&gate.sem), 0);
        CHECK_EQ(weft_await(tasks[i]), 0);
    }
    CHECK_EQ(gate.entered, 12345);
}

TASK_TEST(test_P02_a_newcomer_does_not_overtake_a_waiter_that_has_not_run_yet)
{
    weft_sem sem = WEFT_SEM(0, 1);
    weft_task waiter = start(take, &sem);
    CHECK_EQ(weft_sem_give(&sem), 0);      /* the waiter's, though it has not run ... */
    CHECK_EQ(weft_sem_try(&sem), -EAGAIN); /* ... so there is none for us */
    CHECK_EQ(weft_await(waiter), 0);
}

TASK_TEST(test_C03_semaphore_waiter_cancelled_after_the_give_has_its_unit)
{
    struct gate gate = {.sem = WEFT_SEM(0, 2)};
    struct visitor first = {&gate, 1}, second = {&gate, 2};
    weft_task tasks[] = {start(enter, &first), start(enter, &second)};

    CHECK_EQ(weft_sem_give(&gate.sem), 0);      /* goes to the first ... */
    CHECK_EQ(weft_cancel(tasks[0], "late"), 1); /* ... which has not run yet */
    CHECK_EQ(weft_await(tasks[0]), 0);
    CHECK_EQ(gate.entered, 1);

    CHECK_EQ(weft_sem_give(&gate.sem), 0);
    CHECK_EQ(weft_await(tasks[1]), 0);
    CHECK_EQ(weft_sem_units(&gate.sem), 0);
}

TASK_TEST(test_P05_unit_given_after_the_cancel_goes_to_the_next)
{
    weft_sem sem = WEFT_SEM(0, 2);
    weft_task first = start(take, &sem);
    weft_task second = start(take, &sem);
    CHECK_EQ(weft_cancel(first, "test"), 1);
    CHECK_EQ(weft_sem_give(&sem), 0); /* the first has not run, but waits no more */
    CHECK_EQ(weft_await(first), -ECANCELED);
    CHECK_EQ(weft_await(second), 0);
    CHECK_EQ(weft_sem_units(&sem), 0);
}

TASK_TEST(test_C02_take_of_a_cancelled_task_takes_nothing)
{
    weft_sem sem = WEFT_SEM(1, 1);
    weft_task task = weft_spawn(take, &sem);
    CHECK_EQ(weft_cancel(task, "test"), 1);
    CHECK_EQ(weft_await(task), -ECANCELED);
    CHECK_EQ(weft_sem_units(&sem), 1);
}

static int take_then_give(void *arg)
{
    weft_sem *sem = arg;
    int rc = weft_sem_take(sem);
    if (rc < 0)
        return rc;
    rc = weft_sleep(WEFT_SEC);
    CHECK_EQ(weft_sem_give(sem), 0);
    return rc;
}

TASK_TEST(test_C10_give_works_in_a_cancelled_task)
{
    weft_sem sem = WEFT_SEM(1, 1);
    weft_task task = start(take_then_give, &sem);
    CHECK_EQ(weft_cancel(task, "test"), 1);
    CHECK_EQ(weft_await(task), -ECANCELED);
    CHECK_EQ(weft_sem_units(&sem), 1);
}

TASK_TEST(semaphore_wait_ends_at_the_deadline_of_the_scope)
{
    weft_sem sem = WEFT_SEM(0, 1);
    weft_time begin = weft_now();
    CHECK_EQ(weft_wait_for(take, &sem, 3 * WEFT_SEC), -ETIMEDOUT);
    CHECK_EQ(weft_now() - begin, 3 * WEFT_SEC);
    CHECK_EQ(weft_sem_give(&sem), 0);
    CHECK_EQ(weft_sem_units(&sem), 1); /* nobody waits any more */
}

static int give(void *sem)
{
    return weft_sem_give(sem);
}

TASK_TEST(test_P10_semaphore_of_another_loop_is_refused_while_somebody_waits)
{
    weft_sem sem = WEFT_SEM(0, 1);
    weft_task here = start(take, &sem);
    CHECK_EQ(run_elsewhere(take, &sem), -EPERM);
    CHECK_EQ(run_elsewhere(give, &sem), -EPERM);
    CHECK_EQ(weft_sem_give(&sem), 0);
    CHECK_EQ(weft_await(here), 0);
}

/* ---- sweeps ---- */

static weft_sem swept_sem;

static void all_units_are_back(int rc)
{
    (void)rc;
    CHECK_EQ(weft_sem_units(&swept_sem), 2);
}

static int use_for_a_moment(void *arg)
{
    int rc = weft_sem_take(arg);
    if (rc < 0)
        return rc;
    rc = weft_sleep(WEFT_MS);
    weft_sem_give(arg);
    return rc;
}

SCENARIO_WITH(semaphore_limits_five_tasks_to_two, all_units_are_back)
{
    swept_sem = (weft_sem)WEFT_SEM(2, 2);
    weft_task tasks[5];
    int rc = 0;
    for (int i = 0; i < 5; i++)
        tasks[i] = weft_spawn(use_for_a_moment, &swept_sem);
    for (int i = 0; i < 5; i++) {
        int one = weft_await(tasks[i]);
        rc = rc < 0 ? rc : one;
    }
    return rc;
}
