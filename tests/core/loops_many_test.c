/* SPDX-License-Identifier: MIT */

/* Waiting for many at once where some are tasks of other loops, spawned there by others. */

#include <weft.h>

#include "harness/harness.h"

#include <string.h>

#define LOOPS 2
#define TEAM 3

static weft_loop *other(void)
{
    return weft_loop_at((unsigned)(weft_loop_index() + 1) % weft_loop_count());
}

static int sleep_long(void *arg)
{
    (void)arg;
    return weft_sleep(3600 * WEFT_SEC);
}

static int nine(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_yield());
    return 9;
}

static int fail(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_yield());
    return weft_fail(-EDOM, "far away");
}

/* What a task waits for; spawned by the main task on loop 0. */
struct team {
    weft_task tasks[TEAM];
    int results[TEAM];
};

#define ASK_THERE(team_, fn_) weft_await(weft_spawn_on(other(), (fn_), (team_)))

static void cancel_all(const struct team *team)
{
    for (size_t i = 0; i < TEAM; i++) {
        (void)weft_cancel(team->tasks[i], "the test is over");
        (void)weft_await(team->tasks[i]);
    }
}

/* ---- gather and settle ---- */

static int gather_them(void *arg)
{
    struct team *team = arg;
    int rc = weft_gather(team->tasks[0], weft_spawn(nine, NULL), team->tasks[1], team->tasks[2]);
    CHECK_STR(weft_error_text(), rc == -EDOM ? "far away" : "");
    return rc;
}

LOOPS_TEST(test_X02_gather_takes_handles_of_any_loop, LOOPS)
{
    struct team team = {{weft_spawn(nine, NULL), weft_spawn(nine, NULL), weft_spawn(nine, NULL)},
                        {0}};
    CHECK_OK(ASK_THERE(&team, gather_them));
    CHECK_OK(ASK_THERE(&team, gather_them)); /* done already */
    for (size_t i = 0; i < TEAM; i++)
        CHECK_EQ(weft_done(team.tasks[i], &team.results[i]), 1);
    CHECK_EQ(team.results[2], 9);
}

LOOPS_TEST(test_M01_a_failure_on_another_loop_cancels_the_others_there, LOOPS)
{
    struct team team = {
        {weft_spawn(sleep_long, NULL), weft_spawn(fail, NULL), weft_spawn(sleep_long, NULL)}, {0}};
    CHECK_EQ(ASK_THERE(&team, gather_them), -EDOM);
    for (size_t i = 0; i < TEAM; i += 2) {
        CHECK_EQ(weft_done(team.tasks[i], &team.results[i]),
                 1); /* it has ended before gather has */
        CHECK_EQ(team.results[i], -ECANCELED);
    }
}

LOOPS_TEST(test_M02_a_gather_that_is_cancelled_sees_tasks_of_other_loops_out, LOOPS)
{
    struct team team = {
        {weft_spawn(sleep_long, NULL), weft_spawn(sleep_long, NULL), weft_spawn(nine, NULL)}, {0}};
    weft_task there = weft_spawn_on(other(), gather_them, &team);
    CHECK_OK(weft_sleep(100 * WEFT_US));
    CHECK_EQ(weft_cancel(there, NULL), 1);
    CHECK_EQ(weft_await(there), -ECANCELED);
    CHECK_EQ(weft_done(team.tasks[0], &team.results[0]), 1);
    CHECK_EQ(team.results[0], -ECANCELED);
}

LOOPS_TEST(test_M04_a_stale_handle_of_another_loop_is_a_failure, LOOPS)
{
    struct team team = {{weft_spawn(nine, NULL), weft_spawn(nine, NULL), weft_spawn(nine, NULL)},
                        {0}};
    CHECK_EQ(weft_await(team.tasks[1]), 9);
    weft_release(team.tasks[1]);
    CHECK_EQ(ASK_THERE(&team, gather_them), -ESRCH);
}

static int settle_them(void *arg)
{
    struct team *team = arg;
    return weft_settle_n(team->tasks, TEAM, team->results);
}

LOOPS_TEST(test_M05_settle_takes_handles_of_any_loop, LOOPS)
{
    struct team team = {{weft_spawn(nine, NULL), weft_spawn(fail, NULL), weft_spawn(nine, NULL)},
                        {0}};
    CHECK_EQ(ASK_THERE(&team, settle_them), 1);
    CHECK_EQ(team.results[0], 9);
    CHECK_EQ(team.results[1], -EDOM);
    CHECK_EQ(team.results[2], 9);
}

/* ---- race and any ---- */

static int race_them(void *arg)
{
    struct team *team = arg;
    return weft_race_n(team->tasks, TEAM);
}

LOOPS_TEST(test_M06_race_takes_handles_of_any_loop, LOOPS)
{
    struct team team = {
        {weft_spawn(sleep_long, NULL), weft_spawn(nine, NULL), weft_spawn(sleep_long, NULL)}, {0}};
    CHECK_EQ(ASK_THERE(&team, race_them), 1);
    CHECK_EQ(weft_done(team.tasks[2], &team.results[2]), 1);
    CHECK_EQ(team.results[2], -ECANCELED);
}

static int any_of_them(void *arg)
{
    struct team *team = arg;
    return weft_any_n(team->tasks, TEAM);
}

LOOPS_TEST(test_M07_any_takes_handles_of_any_loop_and_cancels_nobody, LOOPS)
{
    struct team team = {
        {weft_spawn(sleep_long, NULL), weft_spawn(sleep_long, NULL), weft_spawn(nine, NULL)}, {0}};
    CHECK_EQ(ASK_THERE(&team, any_of_them), 2);
    CHECK_EQ(ASK_THERE(&team, any_of_them), 2); /* done already */
    CHECK_EQ(weft_done(team.tasks[0], NULL), 0);
    CHECK_EQ(weft_done(team.tasks[1], NULL), 0);
    cancel_all(&team);
}

/* ---- select ---- */

static int select_them(void *arg)
{
    struct team *team = arg;
    weft_event never = {0};
    (void)weft_fail(-EDOM, "an earlier one");
    int index = weft_select(WEFT_CASE_EVENT(&never), WEFT_CASE_DONE(team->tasks[0], NULL),
                            WEFT_CASE_DONE(team->tasks[1], &team->results[1]));
    if (index == 2 && team->results[1] == -EDOM) /* its text comes along if we waited */
        CHECK(strcmp(weft_explain(-EDOM), "an earlier one") != 0);
    return index;
}

LOOPS_TEST(test_Q06_select_takes_handles_of_any_loop, LOOPS)
{
    struct team team = {
        {weft_spawn(sleep_long, NULL), weft_spawn(fail, NULL), weft_spawn(sleep_long, NULL)}, {0}};
    CHECK_EQ(ASK_THERE(&team, select_them), 2);
    CHECK_EQ(team.results[1], -EDOM);
    CHECK_EQ(ASK_THERE(&team, select_them), 2); /* done already */
    CHECK_EQ(weft_done(team.tasks[0], NULL), 0);
    cancel_all(&team);
}

static int select_or_give_up(void *arg)
{
    const struct team *team = arg;
    return weft_select(WEFT_CASE_DONE(team->tasks[0], NULL),
                       WEFT_CASE_DEADLINE(weft_after(100 * WEFT_US)));
}

LOOPS_TEST(test_Q05_a_select_that_is_decided_otherwise_leaves_the_task_of_another_loop, LOOPS)
{
    struct team team = {{weft_spawn(sleep_long, NULL)}, {0}};
    for (int i = 0; i < 20; i++)
        CHECK_EQ(ASK_THERE(&team, select_or_give_up), 1);
    CHECK_EQ(weft_cancel(team.tasks[0], NULL), 1);
    CHECK_EQ(weft_await(team.tasks[0]), -ECANCELED);
}

LOOPS_TEST(test_Q07_a_cancelled_select_of_tasks_of_another_loop, LOOPS)
{
    struct team team = {
        {weft_spawn(sleep_long, NULL), weft_spawn(sleep_long, NULL), weft_spawn(nine, NULL)}, {0}};
    weft_task there = weft_spawn_on(other(), select_them, &team);
    CHECK_OK(weft_sleep(100 * WEFT_US));
    CHECK_EQ(weft_cancel(there, NULL), 1);
    CHECK_EQ(weft_await(there), -ECANCELED);
    CHECK_EQ(weft_done(team.tasks[0], NULL), 0);
    cancel_all(&team);
}

/* ---- with one thing going wrong ---- */

static int by_far(weft_fn *fn)
{
    struct team team = {
        {weft_spawn(nine, NULL), weft_spawn(sleep_long, NULL), weft_spawn(nine, NULL)}, {0}};
    weft_task there = weft_spawn_on(other(), fn, &team);
    int rc = weft_await(there);
    (void)weft_cancel(there, NULL); /* ours was cancelled: it uses our memory */
    cancel_all(&team);
    while (weft_done(there, NULL) == 0)
        (void)weft_await_for(there, 0);
    return rc;
}

LOOPS_SCENARIO(a_race_with_tasks_of_another_loop, LOOPS)
{
    return by_far(race_them);
}

LOOPS_SCENARIO(any_of_tasks_of_another_loop, LOOPS)
{
    return by_far(any_of_them);
}

LOOPS_SCENARIO(a_select_of_tasks_of_another_loop, LOOPS)
{
    return by_far(select_them);
}
