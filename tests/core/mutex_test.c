/* SPDX-License-Identifier: MIT */

#include <weft/mutex.h>

#include "sync_helpers.h"

static int lock_and_unlock(void *mutex)
{
    int rc = weft_lock(mutex);
    if (rc == 0)
        CHECK_EQ(weft_unlock(mutex), 0);
    return rc;
}

static int lock_and_end(void *mutex)
{
    return weft_lock(mutex);
}

TASK_TEST(test_P01_a_zeroed_mutex_is_free)
{
    weft_mutex mutex = {0};
    CHECK(!weft_mutex_is_locked(&mutex));
    CHECK_EQ(weft_lock(&mutex), 0);
    CHECK(weft_mutex_is_locked(&mutex));
    CHECK_EQ(weft_unlock(&mutex), 0);
    CHECK(!weft_mutex_is_locked(&mutex));
    CHECK_EQ(weft_trylock(&mutex), 0);
    CHECK_EQ(weft_unlock(&mutex), 0);
}

TASK_TEST(test_P03_lock_by_the_owner_is_a_deadlock)
{
    weft_mutex mutex = {0};
    CHECK_EQ(weft_lock(&mutex), 0);
    CHECK_EQ(weft_lock(&mutex), -EDEADLK);
    CHECK_EQ(weft_trylock(&mutex), -EDEADLK);
    CHECK_EQ(weft_unlock(&mutex), 0); /* one unlock is enough */
    CHECK(!weft_mutex_is_locked(&mutex));
}

static int unlock_only(void *mutex)
{
    return weft_unlock(mutex);
}

TASK_TEST(test_P03_unlock_by_another_task_is_refused)
{
    weft_mutex mutex = {0};
    CHECK_EQ(weft_unlock(&mutex), -EPERM); /* nobody's */
    CHECK_EQ(weft_lock(&mutex), 0);
    weft_task stranger = weft_spawn(unlock_only, &mutex);
    CHECK_EQ(weft_await(stranger), -EPERM);
    CHECK(weft_mutex_is_locked(&mutex));
    CHECK_EQ(weft_unlock(&mutex), 0);
}

static int try_only(void *mutex)
{
    return weft_trylock(mutex);
}

TASK_TEST(test_P03_unlock_makes_the_first_waiter_the_owner_before_it_runs)
{
    weft_mutex mutex = {0};
    CHECK_EQ(weft_lock(&mutex), 0);
    weft_task waiter = start(lock_and_unlock, &mutex);
    CHECK_EQ(weft_unlock(&mutex), 0);
    CHECK(weft_mutex_is_locked(&mutex));
    CHECK_EQ(weft_trylock(&mutex), -EAGAIN); /* P02: we are a newcomer now */
    CHECK_EQ(weft_await(waiter), 0);
    CHECK(!weft_mutex_is_locked(&mutex));
}

struct diary {
    weft_mutex mutex;
    int text; /* who wrote, as digits in order */
};

struct writer {
    struct diary *diary;
    int id;
};

static int write_once(void *arg)
{
    struct writer *self = arg;
    int rc = weft_lock(&self->diary->mutex);
    if (rc < 0)
        return rc;
    self->diary->text = self->diary->text * 10 + self->id;
    return weft_unlock(&self->diary->mutex);
}

TASK_TEST(test_P02_mutex_serves_in_order_of_coming_and_skips_the_cancelled)
{
    struct diary diary = {0};
    struct writer writers[5];
    weft_task tasks[5];
    CHECK_EQ(weft_lock(&diary.mutex), 0);
    for (int i = 0; i < 5; i++) {
        writers[i] = (struct writer){&diary, i + 1};
        tasks[i] = start(write_once, &writers[i]);
    }
    CHECK_EQ(weft_cancel(tasks[0], "test"), 1);
    CHECK_EQ(weft_cancel(tasks[2], "test"), 1);
    CHECK_EQ(weft_cancel(tasks[4], "test"), 1);
    CHECK_EQ(weft_unlock(&diary.mutex), 0);
    for (int i = 0; i < 5; i++)
        CHECK_EQ(weft_await(tasks[i]), i % 2 == 0 ? -ECANCELED : 0);
    CHECK_EQ(diary.text, 24);
    CHECK(!weft_mutex_is_locked(&diary.mutex));
}

static int lock_wait_unlock(void *arg)
{
    weft_mutex *mutex = arg;
    int rc = weft_lock(mutex);
    if (rc < 0)
        return rc;
    rc = weft_yield(); /* shows a cancel that came too late for the lock */
    CHECK_EQ(weft_unlock(mutex), 0);
    return rc == -ECANCELED ? 77 : rc;
}

TASK_TEST(test_P03_waiter_cancelled_after_the_hand_over_still_gets_the_mutex)
{
    weft_mutex mutex = {0};
    CHECK_EQ(weft_lock(&mutex), 0);
    weft_task first = start(lock_wait_unlock, &mutex);
    weft_task second = start(lock_wait_unlock, &mutex);
    CHECK_EQ(weft_unlock(&mutex), 0);
    CHECK_EQ(weft_cancel(first, "too late"), 1);
    CHECK_EQ(weft_await(first), 77);
    CHECK_EQ(weft_await(second), 0);
    CHECK(!weft_mutex_is_locked(&mutex));
}

TASK_TEST(test_C02_lock_of_a_cancelled_task_locks_nothing)
{
    weft_mutex mutex = {0};
    weft_task task = weft_spawn(lock_and_end, &mutex);
    CHECK_EQ(weft_cancel(task, "test"), 1);
    CHECK_EQ(weft_await(task), -ECANCELED);
    CHECK(!weft_mutex_is_locked(&mutex));
}

TASK_TEST(test_P04_waiter_learns_that_the_owner_ended_and_the_mutex_is_free)
{
    weft_mutex mutex = {0};
    weft_task owner = start(lock_wait_unlock, &mutex);
    CHECK_EQ(weft_await(owner), 0);

    CHECK_EQ(weft_await(weft_spawn(lock_and_end, &mutex)), 0);
    CHECK(!weft_mutex_is_locked(&mutex));
    CHECK_EQ(weft_lock(&mutex), -EOWNERDEAD); /* the next who asks is told, once */
    CHECK_EQ(weft_lock(&mutex), 0);
    CHECK_EQ(weft_unlock(&mutex), 0);
}

static int lock_yield_and_end(void *mutex)
{
    int rc = weft_lock(mutex);
    return rc < 0 ? rc : weft_sleep(WEFT_SEC);
}

TASK_TEST(test_P04_first_waiter_gets_ownerdead_and_the_second_the_mutex)
{
    weft_mutex mutex = {0};
    weft_task owner = start(lock_yield_and_end, &mutex);
    weft_task first = start(lock_and_unlock, &mutex);
    weft_task second = start(lock_and_unlock, &mutex);
    CHECK_EQ(weft_await(owner), 0);
    CHECK_EQ(weft_await(first), -EOWNERDEAD);
    CHECK_EQ(weft_await(second), 0);
    CHECK(!weft_mutex_is_locked(&mutex));
    CHECK_EQ(weft_trylock(&mutex), 0); /* nobody is told twice */
    CHECK_EQ(weft_unlock(&mutex), 0);
}

struct keyring {
    weft_mutex mutexes[4];
};

/* Unlocks in an order that is neither the order of locking nor its reverse; forgets two. */
static int lock_four_unlock_two(void *arg)
{
    struct keyring *ring = arg;
    for (int i = 0; i < 4; i++)
        CHECK_EQ(weft_lock(&ring->mutexes[i]), 0);
    CHECK_EQ(weft_unlock(&ring->mutexes[1]), 0);
    CHECK_EQ(weft_unlock(&ring->mutexes[3]), 0);
    return 0;
}

TASK_TEST(test_P04_only_what_is_still_owned_at_the_end_is_abandoned)
{
    struct keyring ring = {0};
    CHECK_EQ(weft_await(weft_spawn(lock_four_unlock_two, &ring)), 0);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(weft_trylock(&ring.mutexes[i]), i % 2 == 0 ? -EOWNERDEAD : 0);
    CHECK_EQ(weft_unlock(&ring.mutexes[1]), 0);
    CHECK_EQ(weft_unlock(&ring.mutexes[3]), 0);
}

TASK_TEST(test_P10_mutex_of_another_loop_is_refused_while_it_is_locked)
{
    weft_mutex mutex = {0};
    CHECK_EQ(weft_lock(&mutex), 0);
    CHECK_EQ(run_elsewhere(lock_and_end, &mutex), -EPERM);
    CHECK_EQ(run_elsewhere(unlock_only, &mutex), -EPERM);
    CHECK_EQ(run_elsewhere(try_only, &mutex), -EPERM);
    CHECK_EQ(weft_unlock(&mutex), 0);
}

TEST(test_L04_mutex_outside_a_loop_is_refused)
{
    weft_mutex mutex = {0};
    CHECK_EQ(weft_lock(&mutex), -EPERM);
    CHECK_EQ(weft_trylock(&mutex), -EPERM);
    CHECK_EQ(weft_unlock(&mutex), -EPERM);
    CHECK(!weft_mutex_is_locked(&mutex));
}

/* ---- sweeps ---- */

static weft_mutex swept_mutex;

static void mutex_is_free(int rc)
{
    (void)rc;
    CHECK(!weft_mutex_is_locked(&swept_mutex));
}

static int hold_for_a_moment(void *mutex)
{
    int rc = weft_lock(mutex);
    if (rc < 0)
        return rc;
    rc = weft_sleep(WEFT_MS);
    weft_unlock(mutex);
    return rc;
}

SCENARIO_WITH(three_tasks_share_a_mutex, mutex_is_free)
{
    swept_mutex = (weft_mutex){0};
    weft_task tasks[3];
    int rc = 0;
    for (int i = 0; i < 3; i++)
        tasks[i] = weft_spawn(hold_for_a_moment, &swept_mutex);
    for (int i = 0; i < 3; i++) {
        int one = weft_await(tasks[i]);
        rc = rc < 0 ? rc : one;
    }
    return rc;
}
