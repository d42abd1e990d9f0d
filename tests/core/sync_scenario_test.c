/* SPDX-License-Identifier: MIT */

/* Scenarios of the synchronisation objects: small programs, each with one thing going wrong at a
 * time (rules Y01, Y02, Y03). */

#include "scenario_helpers.h"

struct table {
    weft_event event, answered;
    weft_mutex mutex, inner;
    weft_sem sem;
    weft_cond cond;
    weft_barrier barrier;
    weft_future future;
    int value, inside;
};

/* ---- event ---- */

static int event_wait(void *arg)
{
    return weft_event_wait(&((struct table *)arg)->event);
}

static int event_set_later(void *arg)
{
    struct table *table = arg;
    int rc = weft_sleep(WEFT_MS);
    weft_event_set(&table->event); /* whatever happens: somebody waits */
    return rc;
}

SCENARIO(an_event_releases_two_tasks)
{
    struct table table = {0};
    return all_three(event_wait, event_wait, event_set_later, &table);
}

static int event_call_and_answer(void *arg)
{
    struct table *table = arg;
    for (int i = 0; i < 3; i++) {
        weft_event_set(&table->event);
        WEFT_TRY(weft_event_wait(&table->answered));
        weft_event_clear(&table->answered);
    }
    return 0;
}

static int event_answer(void *arg)
{
    struct table *table = arg;
    for (int i = 0; i < 3; i++) {
        WEFT_TRY(weft_event_wait(&table->event));
        weft_event_clear(&table->event);
        weft_event_set(&table->answered);
    }
    return 0;
}

SCENARIO(two_events_make_a_conversation)
{
    struct table table = {0};
    return both(event_call_and_answer, event_answer, &table);
}

SCENARIO(an_event_that_is_never_set_ends_at_a_deadline)
{
    struct table table = {0};
    int rc = weft_wait_for(event_wait, &table, WEFT_MS);
    return rc == -ETIMEDOUT ? 0 : rc;
}

/* ---- mutex ---- */

static int mutex_add_across_a_wait(void *arg)
{
    struct table *table = arg;
    WEFT_TRY(weft_lock(&table->mutex));
    int before = table->value;
    int rc = weft_sleep(WEFT_US);
    table->value = before + 1;
    CHECK_EQ(weft_unlock(&table->mutex), 0);
    return rc;
}

SCENARIO(three_tasks_add_under_a_mutex)
{
    struct table table = {0};
    int rc = all_three(mutex_add_across_a_wait, mutex_add_across_a_wait, mutex_add_across_a_wait,
                       &table);
    CHECK(rc < 0 || table.value == 3);
    CHECK(!weft_mutex_is_locked(&table.mutex));
    return rc;
}

static int mutex_lock_two(void *arg)
{
    struct table *table = arg;
    WEFT_TRY(weft_lock(&table->mutex));
    int rc = weft_lock(&table->inner);
    if (rc == 0) {
        rc = weft_yield();
        CHECK_EQ(weft_unlock(&table->inner), 0);
    }
    CHECK_EQ(weft_unlock(&table->mutex), 0);
    return rc;
}

SCENARIO(two_mutexes_are_taken_in_one_order)
{
    struct table table = {0};
    int rc = both(mutex_lock_two, mutex_lock_two, &table);
    CHECK(!weft_mutex_is_locked(&table.mutex));
    CHECK(!weft_mutex_is_locked(&table.inner));
    return rc;
}

static int mutex_die_with_it(void *arg)
{
    WEFT_TRY(weft_lock(&((struct table *)arg)->mutex));
    return weft_sleep(WEFT_US);
}

static int mutex_follow_the_dead(void *arg)
{
    struct table *table = arg;
    int rc = weft_lock(&table->mutex);
    if (rc == -EOWNERDEAD)
        rc = weft_lock(&table->mutex);
    if (rc == 0)
        CHECK_EQ(weft_unlock(&table->mutex), 0);
    return rc == -EOWNERDEAD ? 0 : rc;
}

SCENARIO(an_owner_ends_and_two_go_on)
{
    struct table table = {0};
    return all_three(mutex_die_with_it, mutex_follow_the_dead, mutex_follow_the_dead, &table);
}

static int mutex_hold_long(void *arg)
{
    struct table *table = arg;
    WEFT_TRY(weft_lock(&table->mutex));
    int rc = weft_sleep(WEFT_SEC);
    CHECK_EQ(weft_unlock(&table->mutex), 0);
    return rc;
}

static int mutex_lock_in_time(void *arg)
{
    WEFT_TRY(weft_yield());
    int rc = weft_wait_for(mutex_hold_long, arg, WEFT_MS);
    return rc == -ETIMEDOUT ? 0 : rc;
}

SCENARIO(a_wait_for_a_mutex_ends_at_a_deadline)
{
    struct table table = {0};
    int rc = both(mutex_hold_long, mutex_lock_in_time, &table);
    CHECK(!weft_mutex_is_locked(&table.mutex));
    return rc;
}

/* ---- semaphore ---- */

static int sem_visit(void *arg)
{
    struct table *table = arg;
    WEFT_TRY(weft_sem_take(&table->sem));
    CHECK_LE(++table->inside, 2);
    int rc = weft_sleep(WEFT_US);
    table->inside--;
    CHECK_EQ(weft_sem_give(&table->sem), 0);
    return rc;
}

SCENARIO(a_map_visits_under_a_semaphore)
{
    struct table table = {.sem = WEFT_SEM(2, 2)};
    struct table *visits[5] = {&table, &table, &table, &table, &table};
    int rc = 0;
    for (int i = 0; i < 5 && rc == 0; i++)
        rc = weft_gather(weft_spawn(sem_visit, visits[i]), weft_spawn(sem_visit, visits[i]));
    CHECK_EQ(weft_sem_units(&table.sem), 2);
    return rc;
}

static int sem_produce(void *arg)
{
    for (int i = 0; i < 3; i++) {
        WEFT_TRY(weft_sleep(WEFT_US));
        CHECK_EQ(weft_sem_give(&((struct table *)arg)->sem), 0);
    }
    return 0;
}

static int sem_consume(void *arg)
{
    struct table *table = arg;
    for (; table->value < 3; table->value++)
        WEFT_TRY(weft_sem_take(&table->sem));
    return 0;
}

SCENARIO(a_semaphore_counts_what_was_produced)
{
    struct table table = {0};
    int rc = both(sem_produce, sem_consume, &table);
    CHECK(rc < 0 || table.value == 3);
    return rc;
}

static int sem_visit_in_a_shield(void *arg)
{
    WEFT_SHIELD(shield, WEFT_SEC);
    return sem_visit(arg);
}

SCENARIO(a_shielded_visit_is_never_cut_short)
{
    struct table table = {.sem = WEFT_SEM(1, 1)};
    int rc = both(sem_visit_in_a_shield, sem_visit, &table);
    CHECK_EQ(weft_sem_units(&table.sem), 1);
    return rc;
}

/* ---- condition ---- */

static int cond_put(void *arg)
{
    struct table *table = arg;
    for (int i = 0; i < 2; i++) {
        WEFT_TRY(weft_lock(&table->mutex));
        table->value++;
        weft_cond_notify(&table->cond, 1);
        int rc = weft_yield();
        CHECK_EQ(weft_unlock(&table->mutex), 0);
        WEFT_TRY(rc);
    }
    return 0;
}

static int cond_get(void *arg)
{
    struct table *table = arg;
    WEFT_TRY(weft_lock(&table->mutex));
    int rc = 0;
    while (rc == 0 && table->value == 0)
        rc = weft_cond_wait(&table->cond, &table->mutex);
    if (rc == 0)
        table->value--;
    CHECK_EQ(weft_unlock(&table->mutex), 0);
    return rc;
}

SCENARIO(a_condition_hands_two_things_to_two_tasks)
{
    struct table table = {0};
    int rc = all_three(cond_get, cond_get, cond_put, &table);
    CHECK(rc < 0 || table.value == 0);
    return rc;
}

SCENARIO(a_condition_that_never_comes_ends_at_a_deadline)
{
    struct table table = {0};
    int rc = weft_wait_for(cond_get, &table, WEFT_MS);
    CHECK(!weft_mutex_is_locked(&table.mutex));
    return rc == -ETIMEDOUT ? 0 : rc;
}

/* ---- barrier ---- */

static int barrier_three_rounds(void *arg)
{
    struct table *table = arg;
    for (int i = 0; i < 3; i++) {
        WEFT_TRY(weft_sleep(WEFT_US));
        int rc = weft_barrier_wait(&table->barrier);
        WEFT_TRY(rc);
        table->value += rc;
    }
    return 0;
}

SCENARIO(three_tasks_meet_three_times)
{
    struct table table = {.barrier = WEFT_BARRIER(3)};
    int rc = all_three(barrier_three_rounds, barrier_three_rounds, barrier_three_rounds, &table);
    CHECK(rc < 0 || table.value == 3);
    return rc;
}

static int barrier_come_in_time(void *arg)
{
    struct table *table = arg;
    WEFT_TIMEOUT(limit, WEFT_MS);
    int rc = weft_barrier_wait(&table->barrier);
    rc = weft_scope_close(&limit, rc);
    return rc == -ETIMEDOUT || rc == -EPIPE ? 0 : rc;
}

SCENARIO(a_meeting_that_lacks_one_breaks_for_all)
{
    struct table table = {.barrier = WEFT_BARRIER(3)};
    return both(barrier_come_in_time, barrier_come_in_time, &table);
}

/* ---- future ---- */

static int future_answer(void *arg)
{
    struct table *table = arg;
    int rc = weft_sleep(WEFT_MS);
    (void)weft_future_set(&table->future, rc, &table->value);
    return rc;
}

static int future_ask(void *arg)
{
    struct table *table = arg;
    void *value = NULL;
    int rc = weft_future_wait(&table->future, &value);
    CHECK(rc < 0 || value == &table->value);
    return rc;
}

SCENARIO(a_future_answers_two_tasks)
{
    struct table table = {0};
    return all_three(future_ask, future_ask, future_answer, &table);
}

static int future_set_on_a_thread(void *arg)
{
    struct table *table = arg;
    return weft_future_set(&table->future, 0, &table->value);
}

static int future_have_it_set(void *arg)
{
    int rc = weft_run_blocking(future_set_on_a_thread, arg);
    return rc == -EALREADY ? 0 : rc;
}

SCENARIO(a_future_is_set_on_a_thread)
{
    static struct table table; /* the body may still be with its loop's thread */
    table = (struct table){0};
    return both(future_ask, future_have_it_set, &table);
}

SCENARIO(a_future_that_nobody_sets_ends_at_a_deadline)
{
    struct table table = {0};
    int rc = weft_wait_for(future_ask, &table, WEFT_MS);
    return rc == -ETIMEDOUT ? 0 : rc;
}

SCENARIO(a_future_that_was_set_answers_at_once)
{
    struct table table = {0};
    CHECK_EQ(weft_future_set(&table.future, 5, &table.value), 0);
    int rc = future_ask(&table);
    CHECK(rc == 5 || rc == -ECANCELED);
    return rc;
}
