/* SPDX-License-Identifier: MIT */

/* Rules G: groups. */

#include "harness/harness.h"

#include <weft.h>

#include <string.h>

static int body_sleep(void *arg)
{
    WEFT_TRY(weft_sleep((weft_time)(intptr_t)arg));
    return 7;
}

static int body_fails_after(void *arg)
{
    WEFT_TRY(weft_sleep((weft_time)(intptr_t)arg));
    return weft_fail(-EIO, "after %d s", (int)((weft_time)(intptr_t)arg / WEFT_SEC));
}

static int body_sees_cancel(void *arg)
{
    int rc = weft_sleep(100 * WEFT_SEC);
    *(int *)arg += rc == -ECANCELED;
    return rc;
}

struct seen {
    int count;
    int last_rc;
};

static void see_error(const struct weft_error *error, void *arg)
{
    struct seen *seen = arg;
    seen->count++;
    seen->last_rc = error->rc;
}

static int run_seeing(weft_fn *fn, void *arg, struct seen *seen)
{
    weft_config config = test_config();
    config.unhandled = see_error;
    config.unhandled_arg = seen;
    return weft_run_with(&config, fn, arg);
}

static void leave_without_wait(int *cancelled)
{
    WEFT_GROUP(group);
    CHECK_OK(weft_group_spawn(group, body_sees_cancel, cancelled));
    CHECK_OK(weft_group_spawn(group, body_fails_after, (void *)WEFT_SEC));
    (void)weft_sleep(2 * WEFT_SEC);
}

static int main_G01(void *arg)
{
    leave_without_wait(arg);
    return weft_check();
}

RUN_TEST(test_G01_leaving_without_a_wait_cancels_joins_and_tells)
{
    int cancelled = 0;
    struct seen seen = {0};
    CHECK_OK(run_seeing(main_G01, &cancelled, &seen));
    CHECK_EQ(cancelled, 1);
    CHECK_EQ(seen.count, 1);
    CHECK_EQ(seen.last_rc, -EIO);
}

static int body_slow_to_leave(void *arg)
{
    int rc = weft_sleep(100 * WEFT_SEC);
    WEFT_SHIELD(cleanup, 10 * WEFT_SEC);
    CHECK_OK(weft_sleep(5 * WEFT_SEC));
    *(weft_time *)arg = weft_now();
    return rc;
}

TASK_TEST(test_G02_nothing_makes_wait_return_while_a_member_runs)
{
    weft_time left = 0;
    WEFT_TIMEOUT(limit, WEFT_SEC);
    WEFT_GROUP(group);
    CHECK_OK(weft_group_spawn(group, body_slow_to_leave, &left));
    CHECK_EQ(weft_group_wait(group), -ECANCELED);
    CHECK_EQ(left, weft_now());
}

TASK_TEST(test_G03_the_first_failure_cancels_the_others_and_the_owners_waits)
{
    int cancelled = 0;
    WEFT_GROUP(group);
    CHECK_OK(weft_group_spawn(group, body_sees_cancel, &cancelled));
    CHECK_OK(weft_group_spawn(group, body_fails_after, (void *)WEFT_SEC));
    CHECK_EQ(weft_sleep(50 * WEFT_SEC), -ECANCELED);
    CHECK_EQ(weft_why_kind(), WEFT_REASON_GROUP);
    CHECK_EQ(weft_group_wait(group), -EIO);
    CHECK_STR(weft_error_text(), "after 1 s");
    CHECK_EQ(cancelled, 1);
    CHECK_OK(weft_yield()); /* the group has ended: our waits work again */
}

TASK_TEST(test_G04_a_members_error_comes_before_the_owners_cancel)
{
    WEFT_TIMEOUT(limit, 2 * WEFT_SEC);
    WEFT_GROUP(group);
    CHECK_OK(weft_group_spawn(group, body_fails_after, (void *)WEFT_SEC));
    CHECK_OK(weft_group_spawn(group, body_sleep, (void *)(9 * WEFT_SEC)));
    CHECK_EQ(weft_group_wait(group), -EIO);
}

TASK_TEST(test_G04_a_cancelled_group_is_no_error)
{
    int cancelled = 0;
    WEFT_GROUP(group);
    CHECK_OK(weft_group_spawn(group, body_sees_cancel, &cancelled));
    CHECK_OK(weft_yield());
    weft_group_cancel(group, "enough");
    CHECK_EQ(weft_yield(), -ECANCELED);
    CHECK_STR(weft_why(), "enough");
    CHECK_EQ(weft_group_wait(group), 0);
    CHECK_EQ(cancelled, 1);
}

static int body_cancels_itself(void *arg)
{
    (void)arg;
    (void)weft_cancel(weft_self(), "me");
    return weft_sleep(WEFT_SEC);
}

TASK_TEST(test_G05_a_member_that_was_cancelled_is_no_error)
{
    WEFT_GROUP(group);
    CHECK_OK(weft_group_spawn(group, body_cancels_itself, NULL));
    CHECK_OK(weft_group_spawn(group, body_sleep, (void *)WEFT_SEC));
    CHECK_EQ(weft_group_wait(group), 0);
}

static int body_fails_in_cleanup(void *arg)
{
    (void)weft_sleep(100 * WEFT_SEC);
    return weft_fail(-EPIPE, "number %d", (int)(intptr_t)arg);
}

static int main_G06(void *arg)
{
    (void)arg;
    WEFT_GROUP(group);
    for (int i = 0; i < 70; i++)
        CHECK_OK(weft_group_spawn(group, body_fails_in_cleanup, (void *)(intptr_t)i));
    CHECK_OK(weft_group_spawn(group, body_fails_after, (void *)WEFT_SEC));
    CHECK_EQ(weft_group_wait(group), -EIO);
    static struct weft_error errors[80];
    CHECK_EQ(weft_group_errors(group, errors, 80), 71);
    CHECK_EQ(errors[0].rc, -EIO);
    CHECK_STR(errors[0].text, "after 1 s");
    CHECK_EQ(errors[63].rc, -EPIPE);
    CHECK_STR(errors[63].name, "body_fails_in_cleanup");
    CHECK_EQ(errors[64].rc, 0); /* 64 are kept */
    return 0;
}

RUN_TEST(test_G06_all_errors_are_kept_up_to_64)
{
    struct seen seen = {0};
    CHECK_OK(run_seeing(main_G06, NULL, &seen));
    CHECK_EQ(seen.count, 0);
}

/* Memory for the list is there again when the second fails: the list must not begin with a hole. */
TASK_TEST(test_G06_without_memory_only_the_first_error_is_kept)
{
    WEFT_GROUP(group);
    CHECK_OK(weft_group_spawn(group, body_fails_after, (void *)WEFT_SEC));
    CHECK_OK(weft_group_spawn(group, body_fails_in_cleanup, NULL));
    CHECK_OK(weft_yield());                                         /* both have their stacks */
    weft_fault_plan plan = {.classes = WEFT_FAULT_ALLOC, .nth = 2}; /* behind the error's text */
    weft_fault_arm(&plan);
    CHECK_EQ(weft_group_wait(group), -EIO);
    weft_fault_arm(NULL);
    CHECK(plan.point != NULL);
    struct weft_error errors[2] = {{.rc = 1}, {.rc = 1}};
    CHECK_EQ(weft_group_errors(group, errors, 2), 2);
    CHECK_EQ(errors[0].rc, -EIO);
    CHECK_EQ(errors[1].rc, 1);
}

static int main_G07(void *arg)
{
    (void)arg;
    WEFT_GROUP(group);
    CHECK_OK(weft_group_spawn(group, body_fails_in_cleanup, NULL));
    CHECK_OK(weft_group_spawn(group, body_fails_after, (void *)WEFT_SEC));
    CHECK_EQ(weft_group_wait(group), -EIO);
    return 0;
}

RUN_TEST(test_G07_errors_that_were_never_read_go_to_the_hook)
{
    struct seen seen = {0};
    CHECK_OK(run_seeing(main_G07, NULL, &seen));
    CHECK_EQ(seen.count, 1);
    CHECK_EQ(seen.last_rc, -EPIPE);
}

static int body_owns_a_group(void *arg)
{
    WEFT_GROUP(group);
    WEFT_TRY(weft_group_spawn(group, body_sees_cancel, arg));
    return weft_group_wait(group);
}

TASK_TEST(test_G08_a_cancel_of_the_owner_reaches_the_members)
{
    int cancelled = 0;
    weft_task owner = weft_spawn(body_owns_a_group, &cancelled);
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_EQ(weft_cancel(owner, "owner"), 1);
    CHECK_EQ(weft_await(owner), -ECANCELED);
    CHECK_EQ(cancelled, 1);
}

TASK_TEST(test_G08_a_deadline_around_the_wait_alone_ends_the_group)
{
    int cancelled = 0;
    WEFT_GROUP(group);
    CHECK_OK(weft_group_spawn(group, body_sees_cancel, &cancelled));
    weft_scope limit;
    CHECK_OK(weft_scope_open(&limit, weft_after(WEFT_SEC), 0));
    int rc = weft_group_wait(group);
    CHECK_EQ(weft_scope_close(&limit, rc), -ETIMEDOUT);
    CHECK_EQ(cancelled, 1);
    CHECK_OK(weft_yield());
}

struct spawner {
    weft_group group;
    int rc;
};

static int body_spawns_sibling(void *arg)
{
    struct spawner *spawner = arg;
    WEFT_TRY(weft_sleep(WEFT_SEC));
    spawner->rc = weft_group_spawn(spawner->group, body_sleep, (void *)WEFT_SEC);
    return 0;
}

TASK_TEST(test_G09_who_may_spawn_and_when)
{
    struct spawner spawner = {.rc = 1};
    weft_group kept;
    {
        WEFT_GROUP(group);
        kept = group;
        spawner.group = group;
        CHECK_OK(weft_group_spawn(group, body_spawns_sibling, &spawner));
        weft_time start = weft_now();
        CHECK_EQ(weft_group_wait(group), 0); /* also waits for the sibling made meanwhile */
        CHECK_EQ(spawner.rc, 0);
        CHECK_EQ(weft_now() - start, 2 * WEFT_SEC);
        CHECK_EQ(weft_group_spawn(group, body_sleep, NULL), -ESRCH);
    }
    CHECK_EQ(weft_group_spawn(kept, body_sleep, NULL), -ESRCH);
    WEFT_GROUP(other);
    weft_group_cancel(other, "no more");
    CHECK_EQ(weft_group_spawn(other, body_sleep, NULL), -ECANCELED);
    CHECK_EQ(weft_await(weft_group_task(other, body_sleep, NULL)), -ECANCELED);
}

/* No member: runs between the end of the last member and the owner that waits for it. */
TASK_TEST(test_G09_a_group_whose_last_member_has_ended_takes_no_more)
{
    struct spawner spawner = {.rc = 1};
    WEFT_GROUP(group);
    spawner.group = group;
    CHECK_OK(weft_group_spawn(group, body_sleep, (void *)WEFT_SEC));
    weft_task other = weft_spawn(body_spawns_sibling, &spawner);
    CHECK_EQ(weft_group_wait(group), 0);
    CHECK_OK(weft_await(other));
    CHECK(spawner.rc == -ESRCH || (spawner.rc == 0 && test_is_simulated()));
}

static int body_starts(void *arg)
{
    int *phase = arg;
    WEFT_TRY(weft_sleep(WEFT_SEC));
    *phase = 1;
    weft_started();
    weft_started(); /* G11: nothing */
    WEFT_TRY(weft_sleep(WEFT_SEC));
    *phase = 2;
    return 0;
}

static int body_never_starts(void *arg)
{
    WEFT_TRY(weft_sleep(WEFT_SEC));
    return (int)(intptr_t)arg;
}

TASK_TEST(test_G10_start_waits_until_the_member_says_so)
{
    int phase = 0;
    WEFT_GROUP(group);
    CHECK_OK(weft_group_start(group, body_starts, &phase));
    CHECK_EQ(phase, 1);
    CHECK_EQ(weft_group_start(group, body_never_starts, (void *)-EIO), -EIO);
    CHECK_EQ(weft_group_start(group, body_never_starts, (void *)3), -EPROTO);
    CHECK(strstr(weft_error_text(), "never called weft_started(): body_never_starts at ") != NULL);
    CHECK_EQ(weft_group_wait(group), 0); /* their errors were told already */
    CHECK_EQ(phase, 2);
}

TASK_TEST(test_G10_a_cancelled_start_takes_the_member_with_it)
{
    int cancelled = 0;
    WEFT_GROUP(group);
    weft_scope limit;
    CHECK_OK(weft_scope_open(&limit, weft_after(WEFT_SEC), 0));
    int rc = weft_group_start(group, body_sees_cancel, &cancelled);
    CHECK_EQ(cancelled, 1);
    CHECK_EQ(weft_scope_close(&limit, rc), -ETIMEDOUT);
    CHECK_EQ(weft_group_wait(group), 0);
}

static int body_starts_when_told_to_end(void *arg)
{
    int rc = weft_sleep(100 * WEFT_SEC);
    weft_started(); /* nobody waits for that any more */
    WEFT_SHIELD(cleanup, 10 * WEFT_SEC);
    CHECK_OK(weft_sleep(WEFT_SEC));
    *(weft_time *)arg = weft_now();
    return rc;
}

TASK_TEST(test_G10_a_member_that_says_so_after_the_cancel_is_joined)
{
    weft_time left = 0;
    WEFT_GROUP(group);
    weft_scope limit;
    CHECK_OK(weft_scope_open(&limit, weft_after(WEFT_SEC), 0));
    int rc = weft_group_start(group, body_starts_when_told_to_end, &left);
    CHECK_EQ(left, weft_now());
    CHECK_EQ(weft_scope_close(&limit, rc), -ETIMEDOUT);
    CHECK_EQ(weft_group_wait(group), 0);
}

static int body_starts_below(void *arg)
{
    int *depth = arg;
    if (*depth == 0)
        return weft_sleep(100 * WEFT_SEC);
    --*depth;
    WEFT_GROUP(group);
    return weft_group_start(group, body_starts_below, arg);
}

TASK_TEST(test_G10_a_cancel_goes_down_any_depth_of_starts)
{
    int depth = 5000;
    WEFT_GROUP(group);
    weft_scope limit;
    CHECK_OK(weft_scope_open(&limit, weft_after(WEFT_SEC), 0));
    int rc = weft_group_start(group, body_starts_below, &depth);
    CHECK_EQ(depth, 0);
    CHECK_EQ(weft_scope_close(&limit, rc), -ETIMEDOUT);
    CHECK_EQ(weft_group_wait(group), 0);
}

TASK_TEST(test_G11_started_outside_a_start_does_nothing)
{
    weft_started();
    WEFT_GROUP(group);
    int phase = 0;
    CHECK_OK(weft_group_spawn(group, body_starts, &phase));
    CHECK_OK(weft_group_wait(group));
    CHECK_EQ(phase, 2);
}

TASK_TEST(test_G12_a_second_wait_returns_the_same)
{
    WEFT_GROUP(group);
    CHECK_OK(weft_group_spawn(group, body_fails_after, NULL));
    CHECK_EQ(weft_group_wait(group), -EIO);
    CHECK_EQ(weft_group_wait(group), -EIO);
}

static int body_waits_for_foreign_group(void *arg)
{
    return weft_group_wait(*(weft_group *)arg);
}

TASK_TEST(only_the_owner_waits_for_a_group)
{
    WEFT_GROUP(group);
    CHECK_EQ(weft_await(weft_spawn(body_waits_for_foreign_group, &group)), -EPERM);
    CHECK_OK(weft_group_wait(group));
}

static int body_leaves_a_group_open(void *arg)
{
    weft_group group = weft_group_open();
    CHECK_OK(weft_group_spawn(group, body_sees_cancel, arg));
    return 4;
}

TASK_TEST(a_group_left_open_by_its_body_is_cancelled_and_joined)
{
    if (WF_DEBUG_CHECKS)
        expect_abort("task closed while an inner group is still open");
    int cancelled = 0;
    CHECK_EQ(weft_await(weft_spawn(body_leaves_a_group_open, &cancelled)), 4);
    CHECK_EQ(cancelled, 1);
}

static int body_closes_around_an_open_group(void *arg)
{
    WEFT_TIMEOUT(limit, 5 * WEFT_SEC);
    WEFT_GROUP(group);
    WEFT_TRY(weft_group_spawn(group, body_sees_cancel, arg));
    return weft_scope_close(&limit, weft_sleep(WEFT_SEC)); /* the group's block ends after it */
}

TASK_TEST(test_S01_closing_a_scope_around_an_open_group_cancels_it)
{
    if (WF_DEBUG_CHECKS)
        expect_abort("scope closed while an inner group is still open");
    int cancelled = 0;
    CHECK_EQ(weft_await(weft_spawn(body_closes_around_an_open_group, &cancelled)), 0);
    CHECK_EQ(cancelled, 1);
}

static int body_waits_for_a_group_whose_scope_is_closed(void *arg)
{
    weft_scope limit;
    CHECK_OK(weft_scope_open(&limit, weft_after(5 * WEFT_SEC), 0));
    WEFT_GROUP(group);
    CHECK_OK(weft_group_spawn(group, body_slow_to_leave, arg));
    CHECK_OK(weft_group_spawn(group, body_fails_in_cleanup, NULL));
    CHECK_OK(weft_yield());
    CHECK_EQ(weft_scope_close(&limit, 3), 3);
    CHECK_OK(weft_yield()); /* we are not in the group's scope any more */
    CHECK_EQ(weft_group_wait(group), -EPIPE);
    CHECK_EQ(*(weft_time *)arg, weft_now());
    return 4;
}

TASK_TEST(test_S01_a_group_closed_with_its_scope_can_be_waited_for)
{
    if (WF_DEBUG_CHECKS)
        expect_abort("scope closed while an inner group is still open");
    weft_time left = 0;
    CHECK_EQ(weft_await(weft_spawn(body_waits_for_a_group_whose_scope_is_closed, &left)), 4);
    CHECK_GT(left, 0);
}

static int body_waits_for_it_cancelled(void *arg)
{
    weft_scope limit;
    CHECK_OK(weft_scope_open(&limit, weft_after(5 * WEFT_SEC), 0));
    WEFT_GROUP(group);
    CHECK_OK(weft_group_spawn(group, body_slow_to_leave, arg));
    CHECK_OK(weft_yield());
    CHECK_EQ(weft_scope_close(&limit, 3), 3);
    weft_cancel(weft_self(), "by itself");
    int rc = weft_group_wait(group);
    CHECK_EQ(*(weft_time *)arg, weft_now());
    return rc;
}

TASK_TEST(test_G04_a_cancelled_owner_of_a_group_closed_with_its_scope_is_told)
{
    if (WF_DEBUG_CHECKS)
        expect_abort("scope closed while an inner group is still open");
    weft_time left = 0;
    CHECK_EQ(weft_await(weft_spawn(body_waits_for_it_cancelled, &left)), -ECANCELED);
    CHECK_GT(left, 0);
}

/* The scope lies in a frame that is gone when the group's last member ends. */
static void open_a_group_in_a_scope(void *arg)
{
    WEFT_TIMEOUT(limit, 5 * WEFT_SEC);
    weft_group group = weft_group_open();
    CHECK_OK(weft_group_spawn(group, body_slow_to_leave, arg));
    CHECK_OK(weft_yield());
}

static int body_leaves_a_group_in_a_scope(void *arg)
{
    open_a_group_in_a_scope(arg);
    return weft_sleep(20 * WEFT_SEC);
}

TASK_TEST(test_S01_a_group_left_open_in_a_scope_outlives_the_scope)
{
    if (WF_DEBUG_CHECKS)
        expect_abort("scope closed while an inner group is still open");
    weft_time left = 0;
    CHECK_EQ(weft_await(weft_spawn(body_leaves_a_group_in_a_scope, &left)), 0);
    CHECK_GT(left, 0);
}

static int body_leaves_a_failing_group_open(void *arg)
{
    (void)arg;
    weft_group group = weft_group_open();
    CHECK_OK(weft_group_spawn(group, body_fails_in_cleanup, NULL));
    CHECK_OK(weft_yield());
    return 4;
}

RUN_TEST(test_G01_errors_in_a_group_left_open_go_to_the_hook)
{
    if (WF_DEBUG_CHECKS)
        expect_abort("task closed while an inner group is still open");
    struct seen seen = {0};
    CHECK_EQ(run_seeing(body_leaves_a_failing_group_open, NULL, &seen), 4);
    CHECK_EQ(seen.count, 1);
    CHECK_EQ(seen.last_rc, -EPIPE);
}

TASK_TEST(test_G04_a_wait_inside_another_group_forgets_no_cancel)
{
    weft_time left = 0;
    WEFT_GROUP(first);
    CHECK_OK(weft_group_spawn(first, body_fails_after, (void *)WEFT_SEC));
    WEFT_GROUP(second);
    weft_scope limit;
    CHECK_OK(weft_scope_open(&limit, weft_after(WEFT_MS), 0));
    CHECK_EQ(weft_sleep(WEFT_SEC), -ECANCELED);
    weft_scope shield;
    CHECK_OK(weft_scope_open(&shield, WEFT_FOREVER, WEFT_SCOPE_SHIELD));
    CHECK_OK(weft_group_spawn(second, body_slow_to_leave, &left));
    CHECK_EQ(weft_group_wait(first), -EIO);
    CHECK_OK(weft_check());
    CHECK_EQ(weft_scope_close(&shield, 0), 0);
    CHECK_EQ(weft_check(), -ECANCELED); /* its deadline passed, and it is still open */
    CHECK_EQ(weft_scope_close(&limit, -ECANCELED), -ETIMEDOUT);
    CHECK_OK(weft_check());
}

SCENARIO(scenario_group_of_three)
{
    int phase = 0;
    WEFT_GROUP(group);
    WEFT_TRY(weft_group_spawn(group, body_sleep, (void *)WEFT_SEC));
    WEFT_TRY(weft_group_start(group, body_starts, &phase));
    WEFT_TRY(weft_group_spawn(group, body_sleep, (void *)(3 * WEFT_SEC)));
    return weft_group_wait(group);
}

SCENARIO(scenario_group_with_a_failure)
{
    WEFT_GROUP(group);
    WEFT_TRY(weft_group_spawn(group, body_fails_after, (void *)WEFT_SEC));
    WEFT_TRY(weft_group_spawn(group, body_sleep, (void *)(3 * WEFT_SEC)));
    int rc = weft_group_wait(group);
    struct weft_error errors[4];
    (void)weft_group_errors(group, errors, 4);
    return rc == -EIO ? 0 : rc;
}
