/* SPDX-License-Identifier: MIT */

/* Scenarios of tasks, scopes, groups and waits for several: small programs, each with one thing
 * going wrong at a time (rules Y01, Y02, Y03). */

#include "scenario_helpers.h"

static int sleep_for(void *arg)
{
    return weft_sleep((weft_time)(intptr_t)arg);
}

#define FOR(duration) ((void *)(intptr_t)(duration))

static int fail_after(void *arg)
{
    WEFT_TRY(weft_sleep((weft_time)(intptr_t)arg));
    return weft_fail(-EIO, "after %d ms", (int)((weft_time)(intptr_t)arg / WEFT_MS));
}

static int seven(void *arg)
{
    WEFT_TRY(sleep_for(arg));
    return 7;
}

/* ---- tasks ---- */

SCENARIO(a_child_returns_a_value)
{
    int rc = weft_await(weft_spawn(seven, FOR(WEFT_MS)));
    CHECK(rc < 0 || rc == 7);
    return rc;
}

SCENARIO(two_tasks_await_one)
{
    weft_task slow = weft_spawn(seven, FOR(WEFT_MS));
    int first = weft_await(slow), second = weft_await(slow);
    CHECK(first < 0 || second < 0 || first == second);
    return first_error(first, second);
}

SCENARIO(children_are_left_to_their_owner)
{
    for (int i = 0; i < 3; i++)
        (void)weft_spawn(sleep_for, FOR(i * WEFT_MS));
    return weft_sleep(WEFT_US);
}

static int spawn_below(void *arg)
{
    intptr_t depth = (intptr_t)arg;
    if (depth == 0)
        return weft_sleep(WEFT_MS);
    return weft_await(weft_spawn(spawn_below, (void *)(depth - 1)));
}

SCENARIO(tasks_five_deep)
{
    return spawn_below((void *)5);
}

SCENARIO(a_copied_argument_outlives_its_source)
{
    weft_time takes = WEFT_MS;
    weft_task task = weft_spawn_copy(sleep_for, takes);
    takes = 0;
    int rc = weft_cancel(task, "its argument is an address");
    CHECK(rc >= 0);
    rc = weft_await(task);
    return rc == -ECANCELED && weft_check() == 0 ? 0 : rc;
}

SCENARIO(a_task_with_a_stack_of_its_own_size)
{
    return weft_await(weft_spawn_stack(sleep_for, FOR(WEFT_MS), 256 * 1024));
}

SCENARIO(a_detached_task_ends_with_the_run)
{
    weft_task task = weft_detach(sleep_for, FOR(WEFT_SEC));
    int rc = weft_sleep(WEFT_MS);
    weft_release(task);
    return rc;
}

SCENARIO(a_cancelled_task_is_awaited)
{
    weft_task task = weft_spawn(sleep_for, FOR(WEFT_SEC));
    int rc = weft_sleep(WEFT_MS);
    (void)weft_cancel(task, "scenario");
    int ended = weft_await(task);
    CHECK(ended < 0);
    return first_error(rc, ended == -ECANCELED && weft_check() == 0 ? 0 : ended);
}

SCENARIO(an_await_with_an_end_cancels_its_task)
{
    int rc = weft_await_for(weft_spawn(sleep_for, FOR(WEFT_SEC)), WEFT_MS);
    return rc == -ETIMEDOUT ? 0 : rc;
}

SCENARIO(an_await_with_an_end_gets_the_value_in_time)
{
    return weft_await_for(weft_spawn(seven, FOR(WEFT_MS)), WEFT_SEC);
}

static int clean_up_in_a_shield(void *arg)
{
    int *cleaned = arg;
    int rc = weft_sleep(WEFT_SEC);
    WEFT_SHIELD(shield, WEFT_SEC);
    if (weft_sleep(WEFT_MS) == 0)
        ++*cleaned;
    return rc;
}

SCENARIO(a_cancelled_task_cleans_up_in_a_shield)
{
    static int cleaned;
    cleaned = 0;
    int rc = weft_await_for(weft_spawn(clean_up_in_a_shield, &cleaned), WEFT_MS);
    return rc == -ETIMEDOUT ? 0 : rc;
}

SCENARIO(a_name_and_an_error_text_cost_little)
{
    weft_set_name("scenario");
    int rc = weft_await(weft_spawn(fail_after, FOR(WEFT_MS)));
    CHECK(rc < 0);
    return rc == -EIO ? 0 : rc;
}

SCENARIO(a_nested_run_is_a_call)
{
    return weft_run(seven, FOR(WEFT_MS));
}

static int yield_twice(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_yield());
    return weft_yield();
}

SCENARIO(three_tasks_yield_to_each_other)
{
    return all_three(yield_twice, yield_twice, yield_twice, NULL);
}

static weft_local scenario_local;

static int look_at_the_local(void *arg)
{
    WEFT_TRY(weft_sleep(WEFT_MS));
    CHECK(weft_local_get(&scenario_local) == arg);
    return 0;
}

SCENARIO(a_local_goes_down_to_the_children)
{
    static int value;
    WEFT_TRY(weft_local_set(&scenario_local, &value));
    int rc = weft_await(weft_spawn(look_at_the_local, &value));
    return first_error(rc, weft_local_set(&scenario_local, NULL));
}

/* ---- scopes ---- */

SCENARIO(a_deadline_cuts_off_a_sleep)
{
    int rc = weft_wait_for(sleep_for, FOR(WEFT_SEC), WEFT_MS);
    return rc == -ETIMEDOUT ? 0 : rc;
}

SCENARIO(a_deadline_that_is_not_needed)
{
    return weft_wait_for(seven, FOR(WEFT_MS), WEFT_SEC);
}

SCENARIO(deadlines_three_deep)
{
    WEFT_TIMEOUT(outer, 3 * WEFT_MS);
    WEFT_TIMEOUT(middle, WEFT_MS);
    WEFT_TIMEOUT(inner, 2 * WEFT_MS);
    int rc = weft_scope_close(&inner, weft_sleep(WEFT_SEC));
    rc = weft_scope_close(&middle, rc);
    if (rc == -ETIMEDOUT)
        rc = weft_sleep(WEFT_US);
    return weft_scope_close(&outer, rc);
}

SCENARIO(a_deadline_is_moved_while_it_runs)
{
    WEFT_TIMEOUT(limit, WEFT_MS);
    weft_scope_set_deadline(&limit, weft_after(WEFT_SEC));
    return weft_scope_close(&limit, weft_sleep(2 * WEFT_MS));
}

static int cancel_the_scope(void *arg)
{
    WEFT_TRY(weft_sleep(WEFT_MS));
    weft_scope_cancel(arg, "scenario");
    return 0;
}

SCENARIO(a_scope_is_cancelled_by_another_task)
{
    static weft_scope scope;
    CHECK_EQ(weft_scope_open(&scope, WEFT_FOREVER, 0), 0);
    weft_task task = weft_spawn(cancel_the_scope, &scope);
    int rc = weft_done(task, NULL) == 1 ? -ENOMEM : weft_sleep(WEFT_SEC);
    rc = weft_scope_close(&scope, rc);
    return first_error(rc, weft_await(task));
}

SCENARIO(a_shield_within_a_deadline)
{
    WEFT_TIMEOUT(limit, WEFT_MS);
    int rc;
    {
        WEFT_SHIELD(shield, WEFT_SEC);
        rc = weft_sleep(2 * WEFT_MS);
    }
    rc = weft_scope_close(&limit, first_error(rc, weft_sleep(WEFT_US)));
    return rc == -ETIMEDOUT ? 0 : rc;
}

/* ---- groups ---- */

SCENARIO(a_group_of_three)
{
    WEFT_GROUP(group);
    for (int i = 1; i <= 3; i++)
        WEFT_TRY(weft_group_spawn(group, sleep_for, FOR(i * WEFT_MS)));
    return weft_group_wait(group);
}

SCENARIO(a_group_whose_second_fails)
{
    WEFT_GROUP(group);
    WEFT_TRY(weft_group_spawn(group, sleep_for, FOR(WEFT_SEC)));
    WEFT_TRY(weft_group_spawn(group, fail_after, FOR(WEFT_MS)));
    int rc = weft_group_wait(group);
    struct weft_error errors[2];
    (void)weft_group_errors(group, errors, 2);
    return rc == -EIO ? 0 : rc;
}

SCENARIO(a_group_that_is_cancelled)
{
    WEFT_GROUP(group);
    WEFT_TRY(weft_group_spawn(group, sleep_for, FOR(WEFT_SEC)));
    WEFT_TRY(weft_sleep(WEFT_MS));
    weft_group_cancel(group, "scenario");
    return weft_group_wait(group);
}

SCENARIO(a_group_that_is_left)
{
    WEFT_GROUP(group);
    WEFT_TRY(weft_group_spawn(group, sleep_for, FOR(WEFT_SEC)));
    return weft_sleep(WEFT_MS);
}

static int own_a_group(void *arg)
{
    WEFT_GROUP(group);
    WEFT_TRY(weft_group_spawn(group, sleep_for, arg));
    return weft_group_wait(group);
}

SCENARIO(groups_within_groups)
{
    WEFT_GROUP(group);
    WEFT_TRY(weft_group_spawn(group, own_a_group, FOR(WEFT_MS)));
    WEFT_TRY(weft_group_spawn(group, own_a_group, FOR(2 * WEFT_MS)));
    return weft_group_wait(group);
}

static int start_then_sleep(void *arg)
{
    WEFT_TRY(weft_sleep(WEFT_US));
    weft_started();
    return sleep_for(arg);
}

SCENARIO(a_member_says_that_it_has_started)
{
    WEFT_GROUP(group);
    WEFT_TRY(weft_group_start(group, start_then_sleep, FOR(WEFT_MS)));
    return weft_group_wait(group);
}

SCENARIO(a_member_fails_before_it_has_started)
{
    WEFT_GROUP(group);
    int rc = weft_group_start(group, fail_after, FOR(WEFT_MS));
    return first_error(rc == -EIO ? 0 : rc, weft_group_wait(group));
}

SCENARIO(a_member_with_a_handle_is_awaited)
{
    WEFT_GROUP(group);
    int rc = weft_await(weft_group_task(group, seven, FOR(WEFT_MS)));
    return first_error(rc, weft_group_wait(group));
}

SCENARIO(a_group_with_a_deadline)
{
    WEFT_TIMEOUT(limit, WEFT_MS);
    int rc = own_a_group(FOR(WEFT_SEC));
    rc = weft_scope_close(&limit, rc);
    return rc == -ETIMEDOUT ? 0 : rc;
}

/* ---- several at once ---- */

SCENARIO(gather_of_one_that_fails)
{
    int rc =
        weft_gather(weft_spawn(sleep_for, FOR(WEFT_SEC)), weft_spawn(fail_after, FOR(WEFT_MS)));
    return rc == -EIO ? 0 : rc;
}

SCENARIO(gather_of_many_takes_memory)
{
    weft_task tasks[12];
    for (int i = 0; i < 12; i++)
        tasks[i] = weft_spawn(sleep_for, FOR(i * WEFT_US));
    return weft_gather_n(tasks, 12);
}

SCENARIO(settle_of_three_that_end_differently)
{
    weft_task tasks[3] = {weft_spawn(seven, FOR(WEFT_MS)), weft_spawn(fail_after, FOR(WEFT_MS)),
                          weft_spawn(sleep_for, FOR(WEFT_US))};
    int results[3] = {0};
    int rc = weft_settle_n(tasks, 3, results);
    CHECK(rc < 0 || rc == (results[0] < 0) + (results[1] < 0) + (results[2] < 0));
    return rc;
}

SCENARIO(race_of_a_fast_one_and_a_slow_one)
{
    return weft_race(weft_spawn(sleep_for, FOR(WEFT_SEC)), weft_spawn(sleep_for, FOR(WEFT_MS)));
}

SCENARIO(race_that_nobody_wins)
{
    int rc = weft_race(weft_spawn(fail_after, FOR(WEFT_MS)), weft_spawn(fail_after, FOR(WEFT_US)));
    return rc == -EIO ? 0 : rc;
}

SCENARIO(any_of_three_one_after_the_other)
{
    weft_task tasks[3];
    for (int i = 0; i < 3; i++)
        tasks[i] = weft_spawn(sleep_for, FOR((3 - i) * WEFT_MS));
    for (size_t left = 3; left > 0; left--) {
        int rc = weft_any_n(tasks, left);
        WEFT_TRY(rc);
        tasks[rc] = tasks[left - 1];
    }
    return 0;
}

static int double_it(void *arg)
{
    int *item = arg;
    WEFT_TRY(weft_sleep(*item * WEFT_US));
    *item *= 2;
    return 0;
}

SCENARIO(map_with_a_limit_of_two)
{
    int items[5] = {1, 2, 3, 4, 5};
    int rc = weft_map_limit(double_it, items, 5, 2);
    CHECK(rc < 0 || items[4] == 10);
    return rc;
}

SCENARIO(map_without_a_limit)
{
    int items[10] = {0};
    return weft_map(double_it, items, 10);
}

SCENARIO(gathers_within_a_race)
{
    weft_task tasks[2] = {weft_spawn(own_a_group, FOR(WEFT_MS)),
                          weft_spawn(spawn_below, (void *)2)};
    return weft_race_n(tasks, 2);
}
