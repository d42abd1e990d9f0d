/* SPDX-License-Identifier: MIT */

/* Rules S: scopes, deadlines, shields. */

#include "harness/harness.h"

#include <weft.h>

static int body_sleep(void *arg)
{
    WEFT_TRY(weft_sleep((weft_time)(intptr_t)arg));
    return 7;
}

TASK_TEST(test_S01_closing_an_outer_scope_closes_the_inner_ones)
{
    if (WF_DEBUG_CHECKS)
        expect_abort("scope closed while an inner scope is still open");
    weft_scope outer, inner;
    CHECK_OK(weft_scope_open(&outer, WEFT_FOREVER, 0));
    CHECK_OK(weft_scope_open(&inner, weft_after(WEFT_SEC), 0));
    CHECK_EQ(weft_scope_close(&outer, 3), 3); /* logged as misuse */
    CHECK_EQ(weft_scope_close(&inner, 4), 4); /* closed already: nothing happens */
    CHECK_OK(weft_sleep(2 * WEFT_SEC));       /* its deadline is gone too */
}

static int body_closes_foreign_scope(void *arg)
{
    return weft_scope_close(arg, 5);
}

TASK_TEST(test_S02_only_the_opener_closes_a_scope)
{
    weft_scope scope;
    CHECK_OK(weft_scope_open(&scope, weft_after(WEFT_SEC), 0));
    CHECK_EQ(weft_await(weft_spawn(body_closes_foreign_scope, &scope)), 5);
    CHECK_EQ(weft_sleep(2 * WEFT_SEC), -ECANCELED); /* still open, still limited */
    CHECK_EQ(weft_scope_close(&scope, -ECANCELED), -ETIMEDOUT);
}

/* Rule S03, a row of its table a line. */
static const struct {
    bool deadline, by_hand, parent;
    int rc, result;
} close_table[] = {
    {true, false, false, -ECANCELED, -ETIMEDOUT},
    {false, true, false, -ECANCELED, 0},
    {true, false, true, -ECANCELED, -ECANCELED},
    {false, true, true, -ECANCELED, -ECANCELED},
    {false, false, true, -ECANCELED, -ECANCELED},
    {false, false, false, -ECANCELED, -ECANCELED},
    {true, false, false, -EIO, -EIO},
    {true, false, true, 5, 5},
    {false, true, false, 0, 0},
};

TASK_TEST(test_S03_closing_translates_what_the_scope_caused)
{
    for (size_t i = 0; i < sizeof close_table / sizeof close_table[0]; i++) {
        note("row %zu", i);
        weft_scope parent, scope;
        CHECK_OK(weft_scope_open(&parent, WEFT_FOREVER, 0));
        CHECK_OK(weft_scope_open(&scope, WEFT_FOREVER, 0));
        if (close_table[i].deadline) {
            weft_scope_set_deadline(&scope, weft_now());
            CHECK_EQ(weft_check(), -ECANCELED);
        }
        if (close_table[i].by_hand)
            weft_scope_cancel(&scope, "by hand");
        if (close_table[i].parent)
            weft_scope_cancel(&parent, "from outside");
        CHECK_EQ(weft_scope_close(&scope, close_table[i].rc), close_table[i].result);
        CHECK_EQ(weft_scope_close(&parent, 0), 0);
    }
}

TASK_TEST(test_S04_a_value_wins_over_an_expired_deadline)
{
    weft_scope scope;
    CHECK_OK(weft_scope_open(&scope, weft_after(WEFT_SEC), 0));
    CHECK_EQ(weft_sleep(2 * WEFT_SEC), -ECANCELED);
    CHECK_EQ(weft_scope_close(&scope, 5), 5);
    CHECK(weft_scope_expired(&scope));
}

TASK_TEST(test_S05_the_outermost_of_several_passed_deadlines_converts)
{
    weft_scope outer, middle, inner;
    weft_time when = weft_after(WEFT_SEC);
    CHECK_OK(weft_scope_open(&outer, when, 0));
    CHECK_OK(weft_scope_open(&middle, when, 0));
    CHECK_OK(weft_scope_open(&inner, when, 0));
    int rc = weft_sleep(2 * WEFT_SEC);
    rc = weft_scope_close(&inner, rc);
    CHECK_EQ(rc, -ECANCELED);
    rc = weft_scope_close(&middle, rc);
    CHECK_EQ(rc, -ECANCELED);
    CHECK_EQ(weft_scope_close(&outer, rc), -ETIMEDOUT);
}

TASK_TEST(test_S06_a_deadline_in_the_past_cancels_at_the_next_wait)
{
    weft_scope scope;
    CHECK_OK(weft_scope_open(&scope, weft_now() - WEFT_SEC, 0));
    weft_task task = weft_spawn(body_sleep, (void *)WEFT_SEC); /* still runs up to there */
    CHECK_EQ(weft_await(task), -ECANCELED);
    CHECK_EQ(weft_scope_close(&scope, -ECANCELED), -ETIMEDOUT);
    CHECK_EQ(weft_await(task), 7);

    CHECK_OK(weft_scope_open(&scope, WEFT_FOREVER, 0));
    CHECK_OK(weft_sleep((weft_time)100 * 365 * 86400 * WEFT_SEC));
    CHECK_EQ(weft_scope_close(&scope, 0), 0);
    CHECK_EQ(weft_after(WEFT_FOREVER), WEFT_FOREVER);
    CHECK_EQ(weft_after(WEFT_FOREVER - 1), WEFT_FOREVER);
}

TASK_TEST(test_S06_an_inner_scope_does_not_hide_a_deadline_in_the_past)
{
    weft_scope outer, inner;
    CHECK_OK(weft_scope_open(&outer, weft_now() - 1, 0));
    CHECK_OK(weft_scope_open(&inner, weft_after(WEFT_SEC), 0));
    int rc = weft_yield();
    CHECK_EQ(rc, -ECANCELED);
    rc = weft_scope_close(&inner, rc);
    CHECK_EQ(rc, -ECANCELED);
    CHECK_EQ(weft_scope_close(&outer, rc), -ETIMEDOUT);
}

TASK_TEST(test_S06_a_deadline_moved_into_the_past_is_seen_inside_inner_scopes)
{
    weft_sem sem = WEFT_SEM(5, 5);
    weft_scope outer, inner;
    CHECK_OK(weft_scope_open(&outer, WEFT_FOREVER, 0));
    CHECK_OK(weft_scope_open(&inner, WEFT_FOREVER, 0));
    CHECK_OK(weft_sem_take(&sem));
    weft_scope_set_deadline(&outer, weft_now());
    CHECK_EQ(weft_sem_take(&sem), -ECANCELED);
    CHECK_EQ(weft_scope_close(&inner, -ECANCELED), -ECANCELED);
    CHECK_EQ(weft_scope_close(&outer, -ECANCELED), -ETIMEDOUT);
}

TASK_TEST(moving_a_deadline_leaves_no_wake_up_behind)
{
    weft_loop *loop = weft_loop_self();
    weft_time other = weft_after(200 * WEFT_SEC + WEFT_MS);
    weft_scope outer, inner;
    CHECK_OK(weft_scope_open(&outer, other, 0));
    CHECK_OK(weft_scope_open(&inner, weft_after(200 * WEFT_SEC), 0));
    weft_scope_set_deadline(&inner, WEFT_FOREVER);
    CHECK_EQ(weft_loop_next_deadline(loop), other);
    CHECK_EQ(weft_scope_close(&inner, 0), 0);
    CHECK_EQ(weft_scope_close(&outer, 0), 0);
}

TASK_TEST(test_S07_a_deadline_can_be_moved_until_it_was_noticed)
{
    weft_scope scope;
    CHECK_OK(weft_scope_open(&scope, weft_after(WEFT_SEC), 0));
    weft_scope_set_deadline(&scope, weft_after(3 * WEFT_SEC));
    CHECK_EQ(weft_scope_deadline(&scope), weft_after(3 * WEFT_SEC));
    CHECK_OK(weft_sleep(2 * WEFT_SEC));
    weft_scope_set_deadline(&scope, weft_now() - 1); /* passed, but nobody looked */
    weft_scope_set_deadline(&scope, weft_after(WEFT_SEC));
    CHECK_OK(weft_yield());
    weft_scope_set_deadline(&scope, weft_now());
    CHECK_EQ(weft_yield(), -ECANCELED);
    weft_scope_set_deadline(&scope, WEFT_FOREVER); /* too late */
    CHECK_EQ(weft_yield(), -ECANCELED);
    CHECK_EQ(weft_scope_close(&scope, -ECANCELED), -ETIMEDOUT);
}

static int body_deadline(void *arg)
{
    *(weft_time *)arg = weft_deadline();
    return 0;
}

static void check_child(weft_time deadline)
{
    weft_time seen = 0;
    CHECK_OK(weft_await(weft_spawn(body_deadline, &seen)));
    CHECK_EQ(seen, deadline);
}

static void check_member(weft_time deadline)
{
    weft_time seen = 0;
    WEFT_GROUP(group);
    CHECK_OK(weft_group_spawn(group, body_deadline, &seen));
    CHECK_OK(weft_group_wait(group));
    CHECK_EQ(seen, deadline);
}

TASK_TEST(test_S05_the_nearest_deadline_is_known_to_all_inside)
{
    weft_scope outer, inner, deaf;
    weft_time far = weft_after(9 * WEFT_SEC), near = weft_after(4 * WEFT_SEC);
    CHECK_EQ(weft_deadline(), WEFT_FOREVER);
    CHECK_OK(weft_scope_open(&outer, near, 0));
    CHECK_OK(weft_scope_open(&inner, far, 0));
    CHECK_EQ(weft_deadline(), near); /* the outer one comes first */
    check_member(near);
    check_child(WEFT_FOREVER); /* which the scope does not cut off: its owner's wait is */
    weft_scope_set_deadline(&inner, weft_after(WEFT_SEC));
    CHECK_EQ(weft_deadline(), weft_after(WEFT_SEC));
    CHECK_OK(weft_scope_open(&deaf, WEFT_FOREVER, WEFT_SCOPE_SHIELD | WEFT_SCOPE_ENDLESS));
    CHECK_EQ(weft_deadline(), WEFT_FOREVER);
    weft_scope_set_deadline(&deaf, far);
    CHECK_EQ(weft_deadline(), far); /* its own */
    CHECK_EQ(weft_scope_close(&deaf, 0), 0);
    CHECK_EQ(weft_sleep(2 * WEFT_SEC), -ECANCELED);
    CHECK_LE(weft_deadline(), weft_now()); /* has passed, and does not change */
    CHECK_EQ(weft_scope_close(&inner, -ECANCELED), -ETIMEDOUT);
    CHECK_EQ(weft_deadline(), near);
    CHECK_EQ(weft_scope_close(&outer, 0), 0);
    CHECK_EQ(weft_deadline(), WEFT_FOREVER);
}

TEST(outside_a_task_there_is_no_deadline)
{
    CHECK_EQ(weft_deadline(), WEFT_FOREVER);
}

static int leaves_by_return(void)
{
    WEFT_TIMEOUT(scope, WEFT_SEC);
    return weft_sleep(2 * WEFT_SEC);
}

TASK_TEST(test_S08_leaving_a_block_converts_nothing)
{
    CHECK_EQ(leaves_by_return(), -ECANCELED);
    CHECK_OK(weft_check());
    for (int i = 0; i < 3; i++) {
        WEFT_TIMEOUT(scope, WEFT_SEC);
        if (i == 1)
            break;
    }
    CHECK_OK(weft_sleep(5 * WEFT_SEC));
}

TASK_TEST(test_S09_a_shield_stops_what_comes_from_outside)
{
    WEFT_TIMEOUT(outer, WEFT_SEC);
    CHECK_EQ(weft_sleep(2 * WEFT_SEC), -ECANCELED);
    {
        WEFT_SHIELD(shield, 3 * WEFT_SEC);
        CHECK_OK(weft_sleep(WEFT_SEC));
        CHECK_OK(weft_check());
        int rc = weft_sleep(10 * WEFT_SEC); /* its own deadline works */
        CHECK_EQ(rc, -ECANCELED);
        CHECK(weft_scope_expired(&shield));
    }
    CHECK_EQ(weft_check(), -ECANCELED); /* visible again */
}

TASK_TEST(test_S09_a_shield_opened_before_the_cancel_holds)
{
    weft_scope outer, shield, inner;
    CHECK_OK(weft_scope_open(&outer, weft_after(WEFT_SEC), 0));
    CHECK_OK(weft_scope_open(&shield, WEFT_FOREVER, WEFT_SCOPE_SHIELD)); /* S10: legal */
    CHECK_OK(weft_scope_open(&inner, WEFT_FOREVER, 0));
    CHECK_OK(weft_sleep(2 * WEFT_SEC));
    weft_scope_cancel(&shield, "from inside");
    CHECK_EQ(weft_yield(), -ECANCELED);
    CHECK_EQ(weft_scope_close(&inner, -ECANCELED), -ECANCELED);
    CHECK_EQ(weft_scope_close(&shield, -ECANCELED), -ECANCELED); /* outer is cancelled too */
    CHECK_EQ(weft_scope_close(&outer, -ECANCELED), -ETIMEDOUT);
}

/* ---- cleanup ---- */

static struct {
    int lines;
    char last[512];
} said;

static void keep_line(const char *line, void *arg)
{
    (void)arg;
    said.lines++;
    snprintf(said.last, sizeof said.last, "%s", line);
}

static int body_cleans_up(void *arg)
{
    weft_time begin = weft_now();
    weft_scope outer;
    CHECK_OK(weft_scope_open(&outer, WEFT_FOREVER, 0));
    weft_scope_cancel(&outer, "cleanup is all that is left");
    {
        WEFT_CLEANUP(cleanup);
        for (int i = 0; i < 2; i++) { /* the second is cut off if both do not fit in */
            int rc = weft_sleep(*(weft_time *)arg);
            CHECK_EQ(rc, weft_scope_expired(&cleanup) ? -ECANCELED : 0);
        }
        weft_scope_cancel(&outer, "a second cancel does not reach it");
        CHECK_EQ(weft_check(), weft_scope_expired(&cleanup) ? -ECANCELED : 0);
    }
    CHECK_EQ(weft_check(), -ECANCELED);
    CHECK_EQ(weft_scope_close(&outer, -ECANCELED), 0);
    weft_time took = weft_now() - begin;
    CHECK_EQ(took,
             2 * *(weft_time *)arg < WEFT_CLEANUP_TIME ? 2 * *(weft_time *)arg : WEFT_CLEANUP_TIME);
    return 0;
}

static void clean_up_for(weft_time time)
{
    weft_config config = {.platform = test_platform(), .log = keep_line};
    said.lines = 0;
    CHECK_OK(weft_run_with(&config, body_cleans_up, &time));
}

TEST(cleanup_has_five_seconds_and_is_then_cut_off_and_told)
{
    CHECK_EQ(WEFT_CLEANUP_TIME, 5 * WEFT_SEC);
    clean_up_for(2 * WEFT_SEC);
    CHECK_EQ(said.lines, 0);
    clean_up_for(3 * WEFT_SEC);
    CHECK_EQ(said.lines, 1);
    CHECK_STR(said.last,
              "task main: its cleanup takes too long and is cut off; spawned: main at weft_run");
}

TASK_TEST(test_S11_wait_for_runs_the_body_under_a_deadline)
{
    CHECK_EQ(weft_wait_for(body_sleep, (void *)WEFT_SEC, 2 * WEFT_SEC), 7);
    CHECK_EQ(weft_wait_for(body_sleep, (void *)(2 * WEFT_SEC), WEFT_SEC), -ETIMEDOUT);
    CHECK_EQ(weft_wait_for(body_sleep, (void *)WEFT_SEC, 0), -ETIMEDOUT);
    CHECK_EQ(weft_wait_for(body_sleep, (void *)WEFT_SEC, -5), -ETIMEDOUT);
}

TEST(test_L04_scopes_outside_a_loop_do_nothing)
{
    weft_scope scope;
    CHECK_EQ(weft_scope_open(&scope, WEFT_FOREVER, 0), -EPERM);
    weft_scope_cancel(&scope, "x");
    weft_scope_set_deadline(&scope, 1);
    CHECK_EQ(weft_scope_close(&scope, 4), 4);
}

SCENARIO(scenario_nested_deadlines_and_shields)
{
    WEFT_TIMEOUT(outer, 10 * WEFT_SEC);
    int rc = weft_wait_for(body_sleep, (void *)(2 * WEFT_SEC), WEFT_SEC);
    if (rc != -ETIMEDOUT)
        return rc;
    {
        WEFT_SHIELD(shield, WEFT_SEC);
        WEFT_TRY(weft_sleep(WEFT_MS));
    }
    return weft_sleep(WEFT_SEC);
}
