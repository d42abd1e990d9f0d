/* SPDX-License-Identifier: MIT */

/* Rules C: cancellation. */

#include "harness/harness.h"

#include <weft.h>

#include <string.h>

static int body_sleep(void *arg)
{
    WEFT_TRY(weft_sleep((weft_time)(intptr_t)arg));
    return 7;
}

static int body_waits_thrice(void *arg)
{
    int *refused = arg;
    for (int i = 0; i < 3; i++)
        *refused += weft_sleep(WEFT_SEC) == -ECANCELED;
    *refused += weft_yield() == -ECANCELED;
    *refused += weft_check() == -ECANCELED;
    weft_task child = weft_spawn(body_sleep, (void *)WEFT_SEC);
    *refused += weft_await(child) == -ECANCELED;
    return -ECANCELED;
}

TASK_TEST(test_C01_every_wait_in_a_cancelled_scope_is_refused)
{
    int refused = 0;
    weft_task task = weft_spawn(body_waits_thrice, &refused);
    CHECK_OK(weft_yield());
    CHECK_EQ(weft_cancel(task, "stop"), 1);
    CHECK_EQ(weft_await(task), -ECANCELED);
    CHECK_EQ(refused, 6);
}

TASK_TEST(test_C02_a_cancelled_task_does_not_start_what_could_finish_at_once)
{
    weft_task done = weft_spawn(body_sleep, (void *)0);
    CHECK_EQ(weft_await(done), 7);
    weft_scope scope;
    CHECK_OK(weft_scope_open(&scope, WEFT_FOREVER, 0));
    weft_scope_cancel(&scope, "before");
    CHECK_EQ(weft_await(done), -ECANCELED);
    CHECK_EQ(weft_gather_n(NULL, 0), -ECANCELED);
    CHECK_EQ(weft_scope_close(&scope, -ECANCELED), 0);
    CHECK_EQ(weft_await(done), 7);
}

struct woken {
    weft_event event;
    int first, second;
};

static int body_sees_the_cancel_late(void *arg)
{
    struct woken *woken = arg;
    woken->first = weft_event_wait(&woken->event);
    woken->second = weft_event_wait(&woken->event);
    return woken->second;
}

TASK_TEST(test_C03_what_had_happened_beats_a_later_cancel)
{
    struct woken woken = {.first = 1};
    weft_task task = weft_spawn(body_sees_the_cancel_late, &woken);
    CHECK_OK(weft_yield());
    weft_event_set(&woken.event);
    CHECK_EQ(weft_cancel(task, "it has not run yet"), 1);
    CHECK_EQ(weft_await(task), -ECANCELED);
    CHECK_EQ(woken.first, 0);
    CHECK_EQ(woken.second, -ECANCELED);
}

static int body_child_of_child(void *arg)
{
    int *reached = arg;
    int rc = weft_sleep(10 * WEFT_SEC);
    *reached += rc == -ECANCELED;
    return rc;
}

static int body_with_scopes_groups_and_children(void *arg)
{
    weft_release(weft_spawn(body_child_of_child, arg));
    WEFT_TIMEOUT(scope, WEFT_FOREVER);
    WEFT_GROUP(group);
    WEFT_TRY(weft_group_spawn(group, body_child_of_child, arg));
    return weft_group_wait(group);
}

TASK_TEST(test_C05_cancel_reaches_children_scopes_and_groups)
{
    int reached = 0;
    weft_task task = weft_spawn(body_with_scopes_groups_and_children, &reached);
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_EQ(weft_cancel(task, "all"), 1);
    CHECK_EQ(weft_await(task), -ECANCELED);
    CHECK_EQ(reached, 2);
    CHECK_EQ(weft_cancel(task, "again"), 0);
}

struct reason {
    const char *text;
    enum weft_reason kind;
};

static int body_reason(void *arg)
{
    struct reason *reason = arg;
    int rc = weft_sleep(10 * WEFT_SEC);
    reason->text = weft_why();
    reason->kind = weft_why_kind();
    return rc;
}

TASK_TEST(test_C06_the_first_reason_is_kept)
{
    struct reason reason;
    weft_task task = weft_spawn(body_reason, &reason);
    CHECK_OK(weft_yield());
    CHECK_EQ(weft_cancel(task, "first"), 1);
    CHECK_EQ(weft_cancel(task, "second"), 1);
    CHECK_EQ(weft_await(task), -ECANCELED);
    CHECK_STR(reason.text, "first");
    CHECK_EQ(reason.kind, WEFT_REASON_TASK);
}

static int body_has_reason(void *arg)
{
    (void)arg;
    return weft_why_kind() != WEFT_REASON_NONE || weft_why()[0] != '\0';
}

/* It may well have the stack of the one before. */
TASK_TEST(test_C06_a_fresh_task_has_no_reason_yet)
{
    struct reason reason;
    weft_task task = weft_spawn(body_reason, &reason);
    CHECK_OK(weft_yield());
    CHECK_EQ(weft_cancel(task, "its own"), 1);
    CHECK_EQ(weft_await(task), -ECANCELED);
    CHECK_EQ(weft_await(weft_spawn(body_has_reason, NULL)), 0);
}

static int body_reason_of_deadline(void *arg)
{
    return weft_wait_for(body_reason, arg, WEFT_SEC);
}

static int body_fails_later(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(WEFT_SEC));
    return -EIO;
}

static int body_fails_with_child(void *arg)
{
    weft_release(weft_spawn(body_reason, arg));
    return body_fails_later(NULL);
}

TASK_TEST(test_C06_a_reason_of_each_kind)
{
    struct reason reason;
    CHECK_EQ(weft_await(weft_spawn(body_reason_of_deadline, &reason)), -ETIMEDOUT);
    CHECK_EQ(reason.kind, WEFT_REASON_DEADLINE);

    weft_scope scope;
    CHECK_OK(weft_scope_open(&scope, WEFT_FOREVER, 0));
    weft_scope_cancel(&scope, "by hand");
    CHECK_EQ(weft_yield(), -ECANCELED);
    CHECK_EQ(weft_why_kind(), WEFT_REASON_SCOPE);
    CHECK_STR(weft_why(), "by hand");
    CHECK_EQ(weft_scope_close(&scope, -ECANCELED), 0);

    CHECK_EQ(weft_await(weft_spawn(body_fails_with_child, &reason)), -EIO);
    CHECK_EQ(reason.kind, WEFT_REASON_OWNER_ENDED);

    WEFT_GROUP(group);
    CHECK_OK(weft_group_spawn(group, body_reason, &reason));
    CHECK_OK(weft_group_spawn(group, body_fails_later, NULL));
    CHECK_EQ(weft_group_wait(group), -EIO);
    CHECK_EQ(reason.kind, WEFT_REASON_GROUP);
}

static int body_cancels_itself(void *arg)
{
    (void)arg;
    CHECK_EQ(weft_cancel(weft_self(), "me"), 1);
    CHECK_EQ(weft_check(), -ECANCELED);
    return weft_sleep(WEFT_SEC);
}

TASK_TEST(test_C07_self_cancel_returns_and_the_next_wait_fails)
{
    CHECK_EQ(weft_await(weft_spawn(body_cancels_itself, NULL)), -ECANCELED);
}

static void cancel_from_thread(void *arg)
{
    weft_task *task = arg;
    CHECK_EQ(weft_cancel(*task, "from another thread"), 1);
}

KERNEL_TASK_TEST(test_C08_cancel_from_another_thread)
{
    struct reason reason;
    weft_task task = weft_spawn(body_reason, &reason);
    CHECK_OK(weft_yield());
    weft_loop_hold(weft_loop_self()); /* a message will come: time stands still till then */
    weft_thread thread;
    CHECK_OK(weft_platform_get()->thread_start(&thread, cancel_from_thread, &task, 0));
    CHECK_EQ(weft_await(task), -ECANCELED);
    weft_loop_unhold(weft_loop_self());
    weft_platform_get()->thread_join(thread);
    CHECK_STR(reason.text, "from another thread");
}

TEST(test_C08_cancel_of_a_loop_that_has_ended)
{
    CHECK_EQ(weft_cancel((weft_task){0}, NULL), -ESRCH);
    CHECK_EQ(weft_cancel((weft_task){(uint64_t)77 << 46 | 1u << 22 | 3}, NULL), -ESRCH);
}

TASK_TEST(test_C06_the_reason_is_that_of_the_nearest_cancelled_scope)
{
    WEFT_TIMEOUT(outer, WEFT_FOREVER);
    WEFT_TIMEOUT(inner, WEFT_FOREVER);
    weft_scope_cancel(&outer, "outer");
    CHECK_EQ(weft_check(), -ECANCELED);
    CHECK_STR(weft_why(), "outer");
    weft_scope_cancel(&inner, "inner");
    CHECK_EQ(weft_check(), -ECANCELED);
    CHECK_STR(weft_why(), "inner");
    CHECK_EQ(weft_why_kind(), WEFT_REASON_SCOPE);
}

static int body_deaf(void *arg)
{
    int *spins = arg;
    while (*spins < 100)
        *spins += weft_sleep(WEFT_SEC) == -ECANCELED;
    return -ECANCELED;
}

struct logged {
    int lines;
    char last[200];
};

static void log_line(const char *line, void *arg)
{
    struct logged *logged = arg;
    logged->lines++;
    snprintf(logged->last, sizeof logged->last, "%s", line);
}

static int main_C09(void *arg)
{
    (void)arg;
    int spins = 0;
    weft_task deaf = weft_spawn(body_deaf, &spins);
    CHECK_EQ(weft_cancel(deaf, "hello?"), 1);
    while (spins == 0)
        CHECK_OK(weft_yield());
    CHECK_EQ(spins, 63); /* the 64th refusal let us in before it returned */
    CHECK_EQ(weft_await(deaf), -ECANCELED);
    return 0;
}

RUN_TEST(test_C09_ignoring_a_cancel_yields_and_is_told)
{
    struct logged logged = {0};
    weft_config config = test_config();
    config.log = log_line;
    config.log_arg = &logged;
    CHECK_OK(weft_run_with(&config, main_C09, NULL));
    CHECK_EQ(logged.lines, 1 + WF_DEBUG_CHECKS); /* debug mode tells of the second already */
    CHECK(strstr(logged.last, "body_deaf") != NULL);
    CHECK(strstr(logged.last, "ignores its cancellation (64 waits refused)") != NULL);
}

static int body_count_up(void *count)
{
    ++*(int *)count;
    return 0;
}

TASK_TEST(test_C11_yield_lets_every_other_ready_task_run_once)
{
    for (int round = 0; round < 20; round++) {
        int count = 0;
        for (int i = 0; i < 5; i++)
            (void)weft_spawn(body_count_up, &count);
        CHECK_OK(weft_yield());
        CHECK_EQ(count, 5);
    }
}

TASK_TEST(test_C11_check_reads_the_clock_and_does_not_switch)
{
    weft_run_stats before, after;
    WEFT_TIMEOUT(scope, WEFT_FOREVER);
    CHECK_OK(weft_check());
    weft_scope_set_deadline(&scope, weft_now());
    CHECK_OK(weft_run_stats_get(&before));
    CHECK_EQ(weft_check(), -ECANCELED);
    CHECK_OK(weft_run_stats_get(&after));
    CHECK_EQ(after.switches, before.switches);
}

static int body_value(void *arg)
{
    return (int)(intptr_t)arg;
}

TASK_TEST(test_C12_an_uncalled_for_ecanceled_is_a_failure)
{
    WEFT_GROUP(group);
    CHECK_OK(weft_group_spawn(group, body_sleep, (void *)WEFT_SEC));
    CHECK_OK(weft_group_spawn(group, body_value, (void *)-ECANCELED));
    CHECK_EQ(weft_group_wait(group), -ECANCELED);
    struct weft_error errors[2];
    CHECK_EQ(weft_group_errors(group, errors, 2), 1);
    CHECK_EQ(errors[0].rc, -ECANCELED);
}

TASK_TEST(test_C13_cancelling_wakes_each_blocked_task_once)
{
    enum { COUNT = 1000 };
    static weft_task tasks[COUNT];
    WEFT_GROUP(group);
    for (int i = 0; i < COUNT; i++)
        CHECK_OK(weft_group_spawn(group, body_sleep, (void *)(10 * WEFT_SEC)));
    (void)tasks;
    CHECK_OK(weft_sleep(WEFT_SEC));
    weft_run_stats before, after;
    CHECK_OK(weft_run_stats_get(&before));
    weft_group_cancel(group, "all");
    CHECK_OK(weft_group_wait(group));
    CHECK_OK(weft_run_stats_get(&after));
    CHECK_LE(after.switches - before.switches, COUNT + 16);
}

static int scenario_middle(void *arg)
{
    int *steps = arg;
    weft_task child = weft_spawn(body_sleep, (void *)(20 * WEFT_SEC));
    int rc = weft_sleep(2 * WEFT_SEC);
    (*steps)++;
    (void)weft_cancel(child, "not needed");
    WEFT_SHIELD(cleanup, WEFT_SEC);
    (void)weft_sleep(WEFT_MS);
    return rc;
}

SCENARIO(scenario_cancel_through_a_tree)
{
    static int steps; /* the task may outlive this frame */
    weft_task task = weft_spawn(scenario_middle, &steps);
    WEFT_TRY(weft_sleep(WEFT_SEC));
    (void)weft_cancel(task, "half way");
    int rc = weft_await(task);
    return rc == -ECANCELED && weft_check() == 0 ? 0 : rc;
}
