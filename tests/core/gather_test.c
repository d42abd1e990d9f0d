/* SPDX-License-Identifier: MIT */

/* Rules M: waiting for many tasks. */

#include "harness/harness.h"

#include <weft.h>

#include <string.h>

struct job {
    weft_time takes;
    int result;
    int started, cancelled;
};

/* One that takes so long and comes to this. */
#define JOB(takes_, result_)                                                                       \
    {                                                                                              \
        .takes = (takes_), .result = (result_)                                                     \
    }

static int body_job(void *arg)
{
    struct job *job = arg;
    job->started = 1;
    int rc = weft_sleep(job->takes);
    job->cancelled = rc == -ECANCELED;
    if (rc < 0)
        return rc;
    return job->result < 0 ? weft_fail(job->result, "job of %d", job->result) : job->result;
}

static void start_jobs(struct job jobs[], weft_task tasks[], int count)
{
    for (int i = 0; i < count; i++)
        tasks[i] = weft_spawn(body_job, &jobs[i]);
}

TASK_TEST(test_M01_gather_waits_for_all)
{
    struct job jobs[] = {JOB(3 * WEFT_SEC, 1), JOB(WEFT_SEC, 2), JOB(2 * WEFT_SEC, 3)};
    weft_task tasks[3];
    weft_time start = weft_now();
    start_jobs(jobs, tasks, 3);
    CHECK_EQ(weft_gather_n(tasks, 3), 0);
    CHECK_EQ(weft_now() - start, 3 * WEFT_SEC);
    for (int i = 0; i < 3; i++) {
        int rc = 0;
        CHECK_EQ(weft_done(tasks[i], &rc), 1);
        CHECK_EQ(rc, i + 1);
    }
}

/* Of those that had ended before the call, too, the time counts and not the index. */
TASK_TEST(test_M01_of_failures_before_the_call_the_first_in_time_is_the_result)
{
    struct job jobs[] = {JOB(2 * WEFT_SEC, -EPIPE), JOB(WEFT_SEC, -EIO), JOB(0, 3)};
    weft_task tasks[3];
    start_jobs(jobs, tasks, 3);
    CHECK_OK(weft_sleep(3 * WEFT_SEC));
    CHECK_EQ(weft_gather_n(tasks, 3), -EIO);
    CHECK_STR(weft_error_text(), "job of -5");
}

TASK_TEST(test_M06_of_tasks_that_had_ended_before_the_race_the_first_in_time_wins)
{
    struct job jobs[] = {JOB(3 * WEFT_SEC, 1), JOB(2 * WEFT_SEC, 2), JOB(WEFT_SEC, -EIO)};
    weft_task tasks[3];
    start_jobs(jobs, tasks, 3);
    CHECK_OK(weft_sleep(4 * WEFT_SEC));
    CHECK_EQ(weft_race_n(tasks, 3), 1);
    jobs[0].result = -EPIPE;
    jobs[1].result = -ENOENT;
    start_jobs(jobs, tasks, 3);
    CHECK_OK(weft_sleep(4 * WEFT_SEC));
    CHECK_EQ(weft_race_n(tasks, 3), -EPIPE); /* the last failure, also in time */
}

TASK_TEST(test_M01_the_first_failure_in_time_cancels_the_others)
{
    struct job jobs[] = {JOB(3 * WEFT_SEC, -EPIPE), JOB(WEFT_SEC, -EIO), JOB(2 * WEFT_SEC, 3)};
    weft_task tasks[3];
    start_jobs(jobs, tasks, 3);
    weft_time start = weft_now();
    CHECK_EQ(weft_gather_n(tasks, 3), -EIO);
    CHECK_STR(weft_error_text(), "job of -5");
    CHECK_EQ(weft_now() - start, WEFT_SEC);
    CHECK(jobs[0].cancelled && jobs[2].cancelled);
}

static int body_gathers_two(void *arg)
{
    struct job *jobs = arg;
    weft_task tasks[2];
    start_jobs(jobs, tasks, 2);
    return weft_gather_n(tasks, 2);
}

TASK_TEST(test_M02_a_cancelled_gather_takes_its_members_with_it)
{
    struct job jobs[] = {JOB(3 * WEFT_SEC, 1), JOB(4 * WEFT_SEC, 2)};
    weft_task task = weft_spawn(body_gathers_two, jobs);
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_EQ(weft_cancel(task, "stop"), 1);
    CHECK_EQ(weft_await(task), -ECANCELED);
    CHECK(jobs[0].cancelled && jobs[1].cancelled);
}

static int body_finishes_anyway(void *arg)
{
    (void)arg;
    int rc = weft_sleep(10 * WEFT_SEC);
    return rc == -ECANCELED ? 1 : rc;
}

static int body_gathers_stubborn(void *arg)
{
    *(int *)arg =
        weft_gather(weft_spawn(body_finishes_anyway, NULL), weft_spawn(body_finishes_anyway, NULL));
    return 0;
}

TASK_TEST(test_M02_a_cancelled_gather_whose_members_all_succeeded_is_a_success)
{
    int rc = 1;
    weft_task task = weft_spawn(body_gathers_stubborn, &rc);
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_EQ(weft_cancel(task, "stop"), 1);
    CHECK_OK(weft_await(task));
    CHECK_EQ(rc, 0);
}

TASK_TEST(test_M03_a_member_cancelled_by_somebody_else_is_a_failure)
{
    struct job jobs[] = {JOB(3 * WEFT_SEC, 1), JOB(9 * WEFT_SEC, 2)};
    weft_task tasks[2];
    start_jobs(jobs, tasks, 2);
    CHECK_OK(weft_yield());
    CHECK_EQ(weft_cancel(tasks[0], "somebody"), 1);
    CHECK_EQ(weft_gather_n(tasks, 2), -ECANCELED);
    CHECK(jobs[1].cancelled);
}

TASK_TEST(test_M04_odd_members)
{
    weft_run_stats before, after;
    CHECK_OK(weft_run_stats_get(&before));
    CHECK_EQ(weft_gather_n(NULL, 0), 0);
    CHECK_OK(weft_run_stats_get(&after));
    CHECK_EQ(after.switches, before.switches);

    struct job job = JOB(WEFT_SEC, 4);
    weft_task task = weft_spawn(body_job, &job);
    CHECK_EQ(weft_gather(task, task), 0); /* the same twice */

    struct job long_job = JOB(9 * WEFT_SEC, 4);
    weft_task failed = weft_spawn_sized(body_job, &job, 1 << 20); /* -E2BIG in the handle */
    CHECK_EQ(weft_gather(weft_spawn(body_job, &long_job), failed), -E2BIG);
    CHECK(long_job.cancelled || !long_job.started);

    weft_release(task);
    CHECK_EQ(weft_gather(task), -ESRCH); /* stale */
    CHECK_EQ(weft_gather(weft_self()), -EDEADLK);
}

/* What is decided before the last member is looked at reaches that one too. */
TASK_TEST(test_M01_a_failure_known_at_once_cancels_the_members_behind_it)
{
    struct job jobs[] = {JOB(9 * WEFT_SEC, 4), JOB(9 * WEFT_SEC, 5)};
    weft_task failed = weft_spawn_sized(body_job, jobs, 1 << 20); /* -E2BIG in the handle */
    weft_task tasks[] = {failed, weft_spawn(body_job, &jobs[0]), weft_spawn(body_job, &jobs[1])};
    weft_time start = weft_now();
    CHECK_EQ(weft_gather_n(tasks, 3), -E2BIG);
    CHECK_EQ(weft_now(), start);
    CHECK(jobs[0].cancelled && jobs[1].cancelled);
}

TASK_TEST(test_M06_a_race_won_before_it_began_cancels_the_members_behind_the_winner)
{
    struct job winner = JOB(WEFT_MS, 1), loser = JOB(9 * WEFT_SEC, 2);
    weft_task won = weft_spawn(body_job, &winner);
    CHECK_EQ(weft_await(won), 1);
    weft_time start = weft_now();
    CHECK_EQ(weft_race(won, weft_spawn(body_job, &loser)), 0);
    CHECK_EQ(weft_now(), start);
    CHECK(loser.cancelled);
}

/* Each gathers the next: a cancel goes down without growing anybody's stack. */
static int body_gathers_below(void *arg)
{
    int *depth = arg;
    if (*depth == 0)
        return weft_sleep(100 * WEFT_SEC);
    --*depth;
    weft_task below = weft_spawn(body_gathers_below, depth);
    return weft_gather(below);
}

TASK_TEST(test_M02_a_cancel_goes_down_any_depth_of_gathers)
{
    int depth = 5000;
    weft_task top = weft_spawn(body_gathers_below, &depth);
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_EQ(depth, 0);
    weft_time start = weft_now();
    CHECK_EQ(weft_cancel(top, "all of it"), 1);
    CHECK_EQ(weft_await(top), -ECANCELED);
    CHECK_EQ(weft_now(), start);
}

static int body_gathers_in_a_scope(void *arg)
{
    int *depth = arg;
    if (*depth == 0)
        return weft_sleep(100 * WEFT_SEC);
    --*depth;
    weft_task below = weft_spawn(body_gathers_in_a_scope, depth);
    WEFT_TIMEOUT(limit, WEFT_FOREVER);
    return weft_gather(below);
}

TASK_TEST(test_M02_a_deadline_goes_down_any_depth_of_gathers)
{
    int depth = 5000;
    weft_task top = weft_spawn(body_gathers_in_a_scope, &depth);
    CHECK_OK(weft_sleep(WEFT_SEC));
    weft_scope limit;
    CHECK_OK(weft_scope_open(&limit, weft_after(WEFT_SEC), 0));
    int rc = weft_gather(top);
    CHECK_EQ(weft_scope_close(&limit, rc), -ETIMEDOUT);
}

TASK_TEST(test_M04_many_members)
{
    enum { COUNT = 1000 };
    static struct job jobs[COUNT];
    static weft_task tasks[COUNT];
    for (int i = 0; i < COUNT; i++)
        jobs[i] = (struct job)JOB((COUNT - i) * WEFT_MS, 1);
    start_jobs(jobs, tasks, COUNT);
    CHECK_EQ(weft_gather_n(tasks, COUNT), 0);
}

TASK_TEST(test_M05_settle_never_fails_early)
{
    struct job jobs[] = {JOB(WEFT_SEC, -EIO), JOB(2 * WEFT_SEC, 2), JOB(3 * WEFT_SEC, -EPIPE)};
    weft_task tasks[3];
    int rc[3];
    start_jobs(jobs, tasks, 3);
    CHECK_EQ(weft_settle_n(tasks, 3, rc), 2);
    CHECK_EQ(rc[0], -EIO);
    CHECK_EQ(rc[1], 2);
    CHECK_EQ(rc[2], -EPIPE);
}

struct settled {
    struct job jobs[2];
    int rc[2];
};

static int body_settles(void *arg)
{
    struct settled *settled = arg;
    weft_task tasks[2];
    start_jobs(settled->jobs, tasks, 2);
    return weft_settle_n(tasks, 2, settled->rc);
}

TASK_TEST(test_M05_a_cancelled_settle_cancels_waits_and_fills)
{
    struct settled settled = {.jobs = {JOB(WEFT_SEC, 1), JOB(9 * WEFT_SEC, 2)}};
    weft_task task = weft_spawn(body_settles, &settled);
    CHECK_OK(weft_sleep(2 * WEFT_SEC));
    CHECK_EQ(weft_cancel(task, "stop"), 1);
    CHECK_EQ(weft_await(task), -ECANCELED);
    CHECK_EQ(settled.rc[0], 1);
    CHECK_EQ(settled.rc[1], -ECANCELED);
}

TASK_TEST(test_M06_race_is_won_by_the_first_success)
{
    struct job jobs[] = {JOB(WEFT_SEC, -EIO), JOB(3 * WEFT_SEC, 2), JOB(2 * WEFT_SEC, 3)};
    weft_task tasks[3];
    start_jobs(jobs, tasks, 3);
    weft_time start = weft_now();
    CHECK_EQ(weft_race_n(tasks, 3), 2);
    CHECK_EQ(weft_now() - start, 2 * WEFT_SEC);
    CHECK(jobs[1].cancelled);
    CHECK_EQ(weft_done(tasks[1], NULL), 1);
}

TASK_TEST(test_M06_a_race_that_all_lose_gives_the_last_failure)
{
    struct job jobs[] = {JOB(2 * WEFT_SEC, -EIO), JOB(WEFT_SEC, -EPIPE)};
    weft_task tasks[2];
    start_jobs(jobs, tasks, 2);
    CHECK_EQ(weft_race_n(tasks, 2), -EIO);
    CHECK_STR(weft_error_text(), "job of -5");
    CHECK_EQ(weft_race_n(NULL, 0), -EINVAL);
}

static int body_races(void *arg)
{
    struct job *jobs = arg;
    weft_task tasks[2];
    start_jobs(jobs, tasks, 2);
    return weft_race_n(tasks, 2);
}

TASK_TEST(test_M06_a_cancelled_race)
{
    struct job jobs[] = {JOB(3 * WEFT_SEC, 1), JOB(4 * WEFT_SEC, 2)};
    weft_task task = weft_spawn(body_races, jobs);
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_EQ(weft_cancel(task, "stop"), 1);
    CHECK_EQ(weft_await(task), -ECANCELED);
    CHECK(jobs[0].cancelled && jobs[1].cancelled);
}

TASK_TEST(test_M07_any_gives_the_oldest_completion_and_cancels_nobody)
{
    struct job jobs[] = {JOB(3 * WEFT_SEC, 1), JOB(WEFT_SEC, 2), JOB(2 * WEFT_SEC, 3)};
    weft_task tasks[3];
    start_jobs(jobs, tasks, 3);
    weft_time start = weft_now();
    CHECK_EQ(weft_any_n(tasks, 3), 1);
    CHECK_EQ(weft_now() - start, WEFT_SEC);
    CHECK_OK(weft_sleep(5 * WEFT_SEC));
    CHECK_EQ(weft_any_n(tasks, 3), 1); /* all are done: still the first of them */
    CHECK(!jobs[0].cancelled && !jobs[2].cancelled);
    CHECK_EQ(weft_any_n(NULL, 0), -EINVAL);
}

TASK_TEST(test_M07_a_cancelled_any_leaves_the_members_alone)
{
    struct job job = JOB(3 * WEFT_SEC, 1);
    weft_task task = weft_spawn(body_job, &job);
    WEFT_TIMEOUT(limit, WEFT_SEC);
    CHECK_EQ(weft_any_n(&task, 1), -ECANCELED);
    CHECK_EQ(weft_scope_close(&limit, -ECANCELED), -ETIMEDOUT);
    CHECK_EQ(weft_await(task), 1);
}

struct item {
    int number;
    int *running, *running_max;
};

static int body_item(void *arg)
{
    struct item *item = arg;
    if (++*item->running > *item->running_max)
        *item->running_max = *item->running;
    int rc = weft_sleep(WEFT_SEC);
    --*item->running;
    if (rc == 0 && item->number == -1)
        rc = -EIO;
    item->number = item->number * 2 + 1;
    return rc;
}

TASK_TEST(test_M08_map_runs_each_item_at_most_limit_at_a_time)
{
    int running = 0, running_max = 0;
    struct item items[10];
    for (int i = 0; i < 10; i++)
        items[i] = (struct item){i, &running, &running_max};
    weft_time start = weft_now();
    CHECK_OK(weft_map_limit(body_item, items, 10, 3));
    CHECK_EQ(weft_now() - start, 4 * WEFT_SEC);
    CHECK_EQ(running_max, 3);
    for (int i = 0; i < 10; i++)
        CHECK_EQ(items[i].number, 2 * i + 1);
    running_max = 0;
    CHECK_OK(weft_map(body_item, items, 10));
    CHECK_EQ(running_max, 10);
    CHECK_OK(weft_map(body_item, items, 0));
}

TASK_TEST(test_M08_after_the_first_error_nothing_more_starts)
{
    int running = 0, running_max = 0;
    struct item items[6];
    for (int i = 0; i < 6; i++)
        items[i] = (struct item){i == 1 ? -1 : 100, &running, &running_max};
    CHECK_EQ(weft_map_limit(body_item, items, 6, 2), -EIO);
    CHECK_EQ(running, 0);
    for (int i = 2; i < 6; i++)
        CHECK_EQ(items[i].number, i == 2 ? items[2].number : 100);
}

TASK_TEST(test_M09_records_stay_the_callers)
{
    struct job job = JOB(WEFT_SEC, 4);
    weft_task task = weft_spawn(body_job, &job);
    CHECK_OK(weft_gather(task));
    CHECK_EQ(weft_await(task), 4);
}

enum { MANY = 20 }; /* more than fit on the stack of a gather */

static void check_all_cancelled(const struct job jobs[], const weft_task tasks[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        CHECK_EQ(weft_done(tasks[i], NULL), 1);
        CHECK(jobs[i].cancelled);
    }
}

TASK_TEST(test_M02_gather_without_memory_leaves_nobody_running)
{
    struct job jobs[MANY];
    weft_task tasks[MANY];
    for (int i = 0; i < MANY; i++)
        jobs[i] = (struct job)JOB(WEFT_SEC, 1);
    start_jobs(jobs, tasks, MANY);
    weft_fault_plan plan = {.classes = WEFT_FAULT_ALLOC, .nth = 1};
    weft_fault_arm(&plan);
    CHECK_EQ(weft_gather_n(tasks, MANY), -ENOMEM);
    weft_fault_arm(NULL);
    check_all_cancelled(jobs, tasks, MANY);
}

/* What each kind of wait does in a task that is cancelled before it waits.  The jobs stand in its
 * frame. */
enum late_kind { LATE_GATHER, LATE_SETTLE, LATE_RACE, LATE_AWAIT_FOR };

static int body_waits_too_late(void *arg)
{
    struct job jobs[3] = {JOB(WEFT_SEC, 1), JOB(WEFT_SEC, 2), JOB(0, 3)};
    weft_task tasks[3];
    int rcs[3] = {0};
    int rc = 0;
    start_jobs(jobs, tasks, 3);
    weft_cancel(weft_self(), "too late");
    switch (*(enum late_kind *)arg) {
    case LATE_GATHER:
        rc = weft_gather(tasks[0], tasks[1], weft_self(), tasks[2], tasks[0]);
        break;
    case LATE_SETTLE:
        rc = weft_settle_n(tasks, 3, rcs);
        CHECK_EQ(rcs[0], -ECANCELED);
        CHECK_EQ(rcs[2], -ECANCELED);
        break;
    case LATE_RACE:
        rc = weft_race_n(tasks, 3);
        break;
    case LATE_AWAIT_FOR:
        for (int i = 0; i < 3; i++)
            rc = weft_await_for(tasks[i], WEFT_SEC);
        break;
    }
    check_all_cancelled(jobs, tasks, 3);
    return rc;
}

TASK_TEST(test_M02_a_wait_that_begins_cancelled_sees_its_members_out)
{
    for (enum late_kind kind = LATE_GATHER; kind <= LATE_AWAIT_FOR; kind++) {
        note("kind %d", kind);
        CHECK_EQ(weft_await(weft_spawn(body_waits_too_late, &kind)), -ECANCELED);
    }
}

SCENARIO(scenario_gather_settle_race_any)
{
    struct job jobs[] = {JOB(3 * WEFT_SEC, 1), JOB(WEFT_SEC, 2), JOB(2 * WEFT_SEC, 3)};
    weft_task tasks[3];
    int rc[3];
    start_jobs(jobs, tasks, 3);
    WEFT_TRY(weft_any_n(tasks, 3));
    WEFT_TRY(weft_gather_n(tasks, 3));
    start_jobs(jobs, tasks, 3);
    WEFT_TRY(weft_race_n(tasks, 3));
    WEFT_TRY(weft_settle_n(tasks, 3, rc));
    return 0;
}

SCENARIO(scenario_map)
{
    int running = 0, running_max = 0;
    struct item items[5];
    for (int i = 0; i < 5; i++)
        items[i] = (struct item){i, &running, &running_max};
    int rc = weft_map_limit(body_item, items, 5, 2);
    CHECK_EQ(running, 0);
    return rc;
}

/* ---- map at the limit of tasks ---- */

static int map_over_the_limit(void *arg)
{
    struct job jobs[6] = {JOB(WEFT_SEC, 0), JOB(WEFT_SEC, 0)};
    (void)arg;
    int rc = weft_map(body_job, jobs, 6);
    CHECK_EQ(jobs[1].cancelled, 1); /* those that began were told, and are over */
    CHECK_EQ(jobs[5].started, 0);
    return rc;
}

RUN_TEST(test_M08_map_that_cannot_start_all_cancels_those_it_did)
{
    weft_config config = test_config();
    config.task_count_max = 4;
    CHECK_EQ(weft_run_with(&config, map_over_the_limit, NULL), -EAGAIN);
}

/* Takes the last places for tasks before it gives up its own. */
static int body_brings_others(void *arg)
{
    struct job *job = arg;
    job->started = 1;
    for (int i = 0; i < 4; i++)
        weft_release(weft_detach(body_job, job + 3));
    return 0;
}

static int map_loses_its_places(void *arg)
{
    static struct job jobs[4];
    (void)arg;
    memset(jobs, 0, sizeof jobs);
    jobs[3].takes = WEFT_SEC; /* of the others */
    int rc = weft_map_limit(body_brings_others, jobs, 3, 1);
    CHECK_EQ(jobs[0].started, 1);
    CHECK_EQ(jobs[2].started, 0);
    return rc;
}

RUN_TEST(test_M08_map_that_cannot_go_on_fails)
{
    weft_config config = test_config();
    config.task_count_max = 4;
    CHECK_EQ(weft_run_with(&config, map_loses_its_places, NULL), -EAGAIN);
}
