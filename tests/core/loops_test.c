/* SPDX-License-Identifier: MIT */

/* Many loops: tasks on other loops, by the same rules as here (rules L05, X01 to X06, T05). */

#include <weft.h>

#include "base/sys.h"
#include "core/task/sched_priv.h"
#include "harness/harness.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#define LOOPS 3

static int where_am_i(void *arg)
{
    (void)arg;
    return weft_loop_index();
}

static weft_loop *other(void)
{
    return weft_loop_at((unsigned)(weft_loop_index() + 1) % weft_loop_count());
}

/* ---- L05 ---- */

LOOPS_TEST(test_L05_main_is_on_loop_0_of_as_many_as_were_asked_for, LOOPS)
{
    CHECK_EQ(weft_loop_count(), (unsigned)LOOPS);
    CHECK_EQ(weft_loop_index(), 0);
    CHECK_EQ(weft_loop_at(0), weft_loop_self());
    CHECK_EQ(weft_loop_at(LOOPS), (weft_loop *)NULL);
    for (unsigned i = 0; i < LOOPS; i++)
        CHECK_EQ(weft_await(weft_spawn_on(weft_loop_at(i), where_am_i, NULL)), (int)i);
}

TASK_TEST(test_L05_a_run_has_one_loop_unless_asked)
{
    CHECK_EQ(weft_loop_count(), 1u);
    CHECK_EQ(weft_loop_index(), 0);
    CHECK_EQ(weft_loop_at(0), weft_loop_self());
    CHECK_EQ(weft_await(weft_spawn_on(weft_loop_self(), where_am_i, NULL)), 0);
}

TEST(test_L05_outside_a_run_there_is_no_loop)
{
    CHECK_EQ(weft_loop_count(), 0u);
    CHECK_EQ(weft_loop_index(), -1);
    CHECK_EQ(weft_loop_at(0), (weft_loop *)NULL);
}

TEST(test_L05_too_many_loops_are_refused)
{
    weft_config config = {.loops = WEFT_LOOPS_MAX + 1};
    CHECK_EQ(weft_run_with(&config, where_am_i, NULL), -EINVAL);
}

KERNEL_TEST(test_L05_several_loops_have_no_virtual_clock_outside_simulation)
{
    weft_config config = test_config();
    config.loops = 2;
    CHECK_EQ(weft_run_with(&config, where_am_i, NULL), -ENOTSUP);
}

static _Atomic int ended_count;

static int wait_for_the_end(void *arg)
{
    (void)arg;
    int rc = weft_sleep(3600 * WEFT_SEC);
    CHECK_EQ(weft_why_kind(), WEFT_REASON_SHUTDOWN);
    atomic_fetch_add(&ended_count, 1);
    return rc;
}

static int detach_one(void *arg)
{
    (void)arg;
    weft_release(weft_detach(wait_for_the_end, NULL));
    return 0;
}

static int detach_everywhere(void *arg)
{
    for (unsigned i = 0; i < weft_loop_count(); i++)
        WEFT_TRY(weft_await(weft_spawn_on(weft_loop_at(i), detach_one, NULL)));
    return *(int *)arg;
}

/* Threads have no virtual time in common. */
static int run_on_loops(unsigned count, weft_fn *fn, void *arg)
{
    use_real_time();
    weft_config config = test_config();
    config.loops = count;
    return weft_run_with(&config, fn, arg);
}

RUN_TEST(test_L05_the_run_ends_when_every_loop_has_cancelled_what_it_owns)
{
    int answer = -EDOM;
    ended_count = 0;
    CHECK_EQ(run_on_loops(LOOPS, detach_everywhere, &answer), -EDOM);
    CHECK_EQ(ended_count, LOOPS);
}

/* A detached task that is cancelled still spawns on other loops, which therefore must still be
 * there. */
static int spawn_while_ending(void *arg)
{
    (void)arg;
    int rc = weft_sleep(3600 * WEFT_SEC);
    WEFT_SHIELD(clean_up, 10 * WEFT_SEC);
    for (unsigned i = 0; i < weft_loop_count(); i++) {
        weft_task task = weft_spawn_on(weft_loop_at(i), where_am_i, NULL);
        CHECK_EQ(weft_await(task), (int)i);
        atomic_fetch_add(&ended_count, 1);
    }
    return rc;
}

static int detach_spawner(void *arg)
{
    (void)arg;
    weft_release(weft_detach(spawn_while_ending, NULL));
    return 0;
}

static int detach_spawners(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < weft_loop_count(); i++)
        WEFT_TRY(weft_await(weft_spawn_on(weft_loop_at(i), detach_spawner, NULL)));
    return 0;
}

RUN_TEST(test_L05_a_loop_stays_while_tasks_of_others_may_need_it)
{
    ended_count = 0;
    CHECK_OK(run_on_loops(LOOPS, detach_spawners, NULL));
    CHECK_EQ(ended_count, LOOPS * LOOPS);
}

/* ---- X01, X05: where it runs, and what it comes to ---- */

static int thread_of_task(void *arg)
{
    *(pthread_t *)arg = pthread_self();
    for (int i = 0; i < 20; i++) {
        CHECK_OK(weft_yield());
        CHECK(pthread_equal(*(pthread_t *)arg, pthread_self()));
    }
    return 0;
}

LOOPS_TEST(test_X01_a_task_stays_on_the_thread_of_its_loop, LOOPS)
{
    pthread_t threads[LOOPS];
    weft_task tasks[LOOPS];
    for (unsigned i = 0; i < LOOPS; i++)
        tasks[i] = weft_spawn_on(weft_loop_at(i), thread_of_task, &threads[i]);
    CHECK_OK(weft_gather_n(tasks, LOOPS));
    bool is_sim = test_is_simulated();
    CHECK_EQ(pthread_equal(threads[0], pthread_self()) != 0, true);
    CHECK_EQ(pthread_equal(threads[1], threads[2]) != 0, is_sim);
}

static int give(void *arg)
{
    return *(int *)arg;
}

LOOPS_TEST(test_X05_await_gets_the_result, 2)
{
    for (int i = -3; i < 100; i++) {
        int expected = i < 0 ? -EDOM + i : i;
        weft_task task = weft_spawn_on(other(), give, &expected);
        CHECK_EQ(weft_done(task, NULL), 0);
        CHECK_EQ(weft_await(task), expected);
        int result = 0;
        CHECK_EQ(weft_done(task, &result), 1);
        CHECK_EQ(result, expected);
        weft_release(task);
        CHECK_EQ(weft_done(task, NULL), -ESRCH);
    }
}

static int fail_with_text(void *arg)
{
    weft_set_name("far away");
    return weft_fail(-EDOM, "no luck with %d", *(int *)arg);
}

LOOPS_TEST(test_E05_the_text_of_an_error_comes_from_another_loop, 2)
{
    int number = 7;
    CHECK_EQ(weft_await(weft_spawn_on(other(), fail_with_text, &number)), -EDOM);
    CHECK_STR(weft_error_text(), "no luck with 7");
}

LOOPS_TEST(test_G06_a_group_lists_failures_of_other_loops, 2)
{
    int number = 8;
    WEFT_GROUP(group);
    weft_task task = weft_group_task_on(group, other(), fail_with_text, &number);
    CHECK_EQ(weft_group_wait(group), -EDOM);
    struct weft_error error;
    CHECK_EQ(weft_group_errors(group, &error, 1), (size_t)1);
    CHECK_STR(error.name, "far away");
    CHECK_STR(error.text, "no luck with 8");
    CHECK_EQ(error.task.id, task.id);
}

static int tell_self(void *arg)
{
    *(weft_task *)arg = weft_self();
    return 0;
}

LOOPS_TEST(test_X05_a_body_is_the_task_that_its_spawner_has, 2)
{
    weft_task seen;
    weft_task task = weft_spawn_on(other(), tell_self, &seen);
    CHECK_OK(weft_await(task));
    CHECK_EQ(seen.id, task.id);
}

static weft_local colour;

static int see_colour(void *arg)
{
    CHECK_STR(weft_local_get(&colour), arg);
    CHECK_OK(weft_local_set(&colour, "green"));
    CHECK_STR(weft_local_get(&colour), "green");
    return 0;
}

LOOPS_TEST(test_V01_a_child_on_another_loop_sees_the_locals_of_its_spawner, 2)
{
    CHECK_OK(weft_local_set(&colour, "red"));
    weft_task task = weft_spawn_on(other(), see_colour, "red");
    CHECK_OK(weft_local_set(&colour, "blue"));
    CHECK_OK(weft_await(task));
    CHECK_STR(weft_local_get(&colour), "blue");
}

LOOPS_TEST(test_X05_a_loop_of_nobody_is_refused, 2)
{
    int stranger;
    CHECK_EQ(weft_await(weft_spawn_on((weft_loop *)(void *)&stranger, give, NULL)), -EPERM);
    CHECK_EQ(weft_await(weft_spawn_on(NULL, give, NULL)), -EPERM);
    CHECK_EQ(weft_spawn_on(NULL, give, NULL).id, weft_spawn_on(NULL, give, NULL).id);
}

/* ---- cancel ---- */

static int sleep_long(void *arg)
{
    _Atomic int *started = arg;
    if (started != NULL)
        atomic_store(started, 1);
    return weft_sleep(3600 * WEFT_SEC);
}

static void wait_until(_Atomic int *flag)
{
    while (atomic_load(flag) == 0)
        CHECK_OK(weft_sleep(10 * WEFT_US));
}

LOOPS_TEST(test_X05_cancel_reaches_a_task_on_another_loop, 2)
{
    _Atomic int started = 0;
    weft_task task = weft_spawn_on(other(), sleep_long, &started);
    wait_until(&started);
    CHECK_EQ(weft_cancel(task, "enough"), 1);
    CHECK_EQ(weft_await(task), -ECANCELED);
    CHECK_EQ(weft_cancel(task, "enough"), 0);
}

static int see_why(void *arg)
{
    (void)arg;
    int rc = weft_sleep(3600 * WEFT_SEC);
    CHECK_STR(weft_why(), "enough");
    CHECK_EQ(weft_why_kind(), WEFT_REASON_TASK);
    return rc;
}

LOOPS_TEST(test_C06_the_reason_travels_with_the_cancel, 2)
{
    weft_task task = weft_spawn_on(other(), see_why, NULL);
    CHECK_EQ(weft_cancel(task, "enough"), 1);
    CHECK_EQ(weft_cancel(task, "too late"), 1);
    CHECK_EQ(weft_await(task), -ECANCELED);
}

static int count_run(void *arg)
{
    atomic_fetch_add((_Atomic int *)arg, 1);
    return weft_yield();
}

LOOPS_TEST(test_T02_a_body_on_another_loop_runs_even_if_it_was_cancelled_first, 2)
{
    _Atomic int runs = 0;
    for (int i = 0; i < 50; i++) {
        weft_task task = weft_spawn_on(other(), count_run, &runs);
        CHECK_EQ(weft_cancel(task, NULL), 1);
        int rc = weft_await(task);
        CHECK(rc == -ECANCELED || rc == 0); /* it may have been quicker */
    }
    CHECK_EQ(runs, 50);
}

LOOPS_TEST(test_C03_what_has_completed_beats_a_cancel_on_its_way, 2)
{
    int value = 5;
    for (int i = 0; i < 200; i++) {
        weft_task task = weft_spawn_on(other(), give, &value);
        if (i % 2 == 0)
            CHECK_OK(weft_yield());
        (void)weft_cancel(task, NULL);
        CHECK_EQ(weft_await(task), 5);
        weft_release(task);
    }
}

static int cancel_oneself(void *arg)
{
    (void)arg;
    CHECK_OK(weft_yield());
    CHECK_EQ(weft_cancel(weft_self(), "myself"), 1);
    return weft_yield();
}

LOOPS_TEST(test_C07_a_task_on_another_loop_may_cancel_itself, 2)
{
    WEFT_GROUP(group);
    weft_task task = weft_group_task_on(group, other(), cancel_oneself, NULL);
    CHECK_EQ(weft_await(task), -ECANCELED);
    CHECK_OK(weft_group_wait(group)); /* which is no failure (rule G05) */
}

LOOPS_TEST(test_T14_await_for_ends_a_task_on_another_loop, 2)
{
    CHECK_EQ(weft_await_for(weft_spawn_on(other(), sleep_long, NULL), WEFT_MS), -ETIMEDOUT);
}

LOOPS_TEST(test_M01_gather_cancels_members_on_all_loops, LOOPS)
{
    int number = 1;
    weft_task tasks[LOOPS + 1];
    for (unsigned i = 0; i < LOOPS; i++)
        tasks[i] = weft_spawn_on(weft_loop_at(i), sleep_long, NULL);
    tasks[LOOPS] = weft_spawn_on(other(), fail_with_text, &number);
    CHECK_EQ(weft_gather_n(tasks, LOOPS + 1), -EDOM);
    CHECK_STR(weft_error_text(), "no luck with 1");
    for (unsigned i = 0; i < LOOPS; i++) {
        int rc = 0;
        CHECK_EQ(weft_done(tasks[i], &rc), 1);
        CHECK_EQ(rc, -ECANCELED);
    }
}

static int spawn_there_cancelled(void *arg)
{
    (void)arg;
    weft_cancel(weft_self(), "before it spawned");
    weft_release(weft_spawn_on(other(), sleep_long, NULL));
    return 5;
}

LOOPS_TEST(test_C05_what_a_cancelled_task_spawns_on_another_loop_is_cancelled, 2)
{
    weft_time start = weft_now();
    CHECK_EQ(weft_await(weft_spawn(spawn_there_cancelled, NULL)), 5);
    CHECK_LT(weft_now() - start, 600 * WEFT_SEC); /* it would sleep for longer */
}

/* ---- T05: owners and children on different loops ---- */

struct family {
    _Atomic int children_done, owner_done;
};

static int child_of_family(void *arg)
{
    struct family *family = arg;
    int rc = weft_sleep(3600 * WEFT_SEC);
    CHECK_EQ(atomic_load(&family->owner_done), 0);
    atomic_fetch_add(&family->children_done, 1);
    return rc;
}

/* It fails and leaves its children on other loops behind. */
static int bad_owner(void *arg)
{
    for (unsigned i = 0; i < weft_loop_count(); i++)
        (void)weft_spawn_on(weft_loop_at(i), child_of_family, arg);
    return -EDOM;
}

LOOPS_TEST(test_T05_a_task_is_not_done_before_its_children_on_other_loops, LOOPS)
{
    struct family family = {0};
    for (unsigned i = 0; i < LOOPS; i++) {
        CHECK_EQ(weft_await(weft_spawn_on(weft_loop_at(i), bad_owner, &family)), -EDOM);
        CHECK_EQ(family.children_done, (int)(i + 1) * LOOPS);
    }
    family.owner_done = 1;
}

/* A tree over all loops: each node has two children on the next. */
static int tree(void *arg)
{
    int depth = (int)(intptr_t)arg;
    if (depth == 0)
        return 1;
    void *below = (void *)(intptr_t)(depth - 1);
    weft_task left = weft_spawn_on(other(), tree, below);
    weft_task right = weft_spawn_on(other(), tree, below);
    int a = weft_await(left), b = weft_await(right);
    return a < 0 ? a : b < 0 ? b : a + b;
}

LOOPS_TEST(test_X05_a_tree_of_tasks_over_all_loops, LOOPS)
{
    CHECK_EQ(tree((void *)(intptr_t)8), 256);
}

static int tree_of_sleepers(void *arg)
{
    int depth = (int)(intptr_t)arg;
    void *below = (void *)(intptr_t)(depth - 1);
    if (depth != 0) {
        (void)weft_spawn_on(other(), tree_of_sleepers, below);
        (void)weft_spawn_on(other(), tree_of_sleepers, below);
    }
    return weft_sleep(3600 * WEFT_SEC);
}

LOOPS_TEST(test_C05_a_cancel_goes_down_a_tree_over_all_loops, LOOPS)
{
    weft_task top = weft_spawn_on(other(), tree_of_sleepers, (void *)(intptr_t)6);
    CHECK_OK(weft_sleep(WEFT_MS));
    CHECK_EQ(weft_cancel(top, NULL), 1);
    CHECK_EQ(weft_await(top), -ECANCELED);
}

/* ---- X02: handles of other loops ---- */

struct watched {
    weft_task task;
    int result;
};

static int await_it(void *arg)
{
    struct watched *watched = arg;
    return watched->result = weft_await(watched->task);
}

LOOPS_TEST(test_X02_a_task_awaits_the_handle_of_another_loop, LOOPS)
{
    int value = 77;
    struct watched watched = {.task = weft_spawn(give, &value)};
    CHECK_EQ(weft_await(weft_spawn_on(other(), await_it, &watched)), 77);
    CHECK_EQ(weft_await(weft_spawn_on(other(), await_it, &watched)), 77); /* done already */
    weft_release(watched.task);
    CHECK_EQ(weft_await(weft_spawn_on(other(), await_it, &watched)), -ESRCH);
}

static int fail_after_a_while(void *arg)
{
    CHECK_OK(weft_sleep(100 * WEFT_US));
    return fail_with_text(arg);
}

static int await_failure(void *arg)
{
    struct watched *watched = arg;
    CHECK_EQ(weft_await(watched->task), -EDOM);
    CHECK_STR(weft_error_text(), "no luck with 3");
    return 0;
}

LOOPS_TEST(test_E05_the_text_comes_with_an_await_from_another_loop, LOOPS)
{
    int number = 3;
    struct watched watched = {.task = weft_spawn(fail_after_a_while, &number)};
    weft_task tasks[] = {weft_spawn_on(weft_loop_at(1), await_failure, &watched),
                         weft_spawn_on(weft_loop_at(2), await_failure, &watched)};
    CHECK_OK(weft_gather_n(tasks, 2));
}

LOOPS_TEST(test_T13_a_cancelled_waiter_of_another_loop_leaves_the_task_alone, 2)
{
    struct watched watched = {.task = weft_spawn(sleep_long, NULL)};
    weft_task waiter = weft_spawn_on(other(), await_it, &watched);
    CHECK_OK(weft_sleep(WEFT_MS));
    CHECK_EQ(weft_cancel(waiter, NULL), 1);
    CHECK_EQ(weft_await(waiter), -ECANCELED);
    CHECK_EQ(weft_done(watched.task, NULL), 0);
    CHECK_EQ(weft_cancel(watched.task, NULL), 1);
}

static int await_it_briefly(void *arg)
{
    struct watched *watched = arg;
    return watched->result = weft_await_for(watched->task, WEFT_MS);
}

LOOPS_TEST(test_T14_await_for_of_another_loops_handle_cancels_it, 2)
{
    struct watched watched = {.task = weft_spawn(sleep_long, NULL)};
    CHECK_EQ(weft_await(weft_spawn_on(other(), await_it_briefly, &watched)), -ETIMEDOUT);
    int rc = 0;
    CHECK_EQ(weft_done(watched.task, &rc), 1);
    CHECK_EQ(rc, -ECANCELED);
}

static int await_it_cancelled(void *arg)
{
    struct watched *watched = arg;
    weft_cancel(weft_self(), "first");
    return watched->result = weft_await_for(watched->task, 0);
}

LOOPS_TEST(test_T14_a_cancelled_await_for_takes_a_task_of_another_loop_with_it, 2)
{
    struct watched watched = {.task = weft_spawn(sleep_long, NULL)};
    CHECK_EQ(weft_await(weft_spawn_on(other(), await_it_cancelled, &watched)), -ECANCELED);
    int rc = 0;
    CHECK_EQ(weft_done(watched.task, &rc), 1);
    CHECK_EQ(rc, -ECANCELED);
}

static int cancel_and_release_it(void *arg)
{
    weft_task task = ((struct watched *)arg)->task;
    int rc = weft_cancel(task, "from afar");
    weft_release(task); /* goes with the same message, most likely */
    return rc == 1 ? 0 : -EPROTO;
}

LOOPS_TEST(test_X02_a_cancel_and_a_release_from_afar_both_arrive, 2)
{
    struct watched watched = {.task = weft_spawn(sleep_long, NULL)};
    weft_task asker = weft_spawn_on(other(), cancel_and_release_it, &watched);
    CHECK_EQ(weft_await(watched.task), -ECANCELED);
    CHECK_OK(weft_await(asker));
}

static int cancel_it(void *arg)
{
    return weft_cancel(((struct watched *)arg)->task, "from afar");
}

LOOPS_TEST(test_C08_any_loop_cancels, LOOPS)
{
    struct watched watched = {.task = weft_spawn(sleep_long, NULL)};
    CHECK_EQ(weft_await(weft_spawn_on(weft_loop_at(1), cancel_it, &watched)), 1);
    CHECK_EQ(weft_await(watched.task), -ECANCELED);
    CHECK_EQ(weft_await(weft_spawn_on(weft_loop_at(1), cancel_it, &watched)), 0);
    watched.task = weft_spawn_on(weft_loop_at(2), sleep_long, NULL); /* of three loops */
    CHECK_EQ(weft_await(weft_spawn_on(weft_loop_at(1), cancel_it, &watched)), 1);
    CHECK_EQ(weft_await(watched.task), -ECANCELED);
}

static int release_it(void *arg)
{
    struct watched *watched = arg;
    int result;
    CHECK_EQ(weft_done(watched->task, &result), 1);
    CHECK_EQ(result, 5);
    weft_release(watched->task);
    while (weft_done(watched->task, NULL) == 1) /* a message is on its way */
        CHECK_OK(weft_sleep(10 * WEFT_US));
    CHECK_EQ(weft_done(watched->task, NULL), -ESRCH);
    CHECK_EQ(weft_cancel(watched->task, NULL), -ESRCH);
    return 0;
}

LOOPS_TEST(test_X02_any_loop_asks_for_the_result_and_releases, 2)
{
    int value = 5;
    for (int i = 0; i < 20; i++) {
        struct watched watched = {.task = weft_spawn(give, &value)};
        CHECK_EQ(weft_await(watched.task), 5);
        CHECK_OK(weft_await(weft_spawn_on(other(), release_it, &watched)));
        CHECK_EQ(weft_done(watched.task, NULL), -ESRCH);
    }
}

static int await_oneself(void *arg)
{
    (void)arg;
    CHECK_EQ(weft_await(weft_self()), -EDEADLK);
    CHECK_EQ(weft_await_for(weft_self(), WEFT_MS), -EDEADLK);
    return weft_gather(weft_self());
}

LOOPS_TEST(test_T12_await_of_oneself_on_another_loop_is_refused, 2)
{
    CHECK_EQ(weft_await(weft_spawn_on(other(), await_oneself, NULL)), -EDEADLK);
}

/* ---- X02: threads without a loop ---- */

struct outsider {
    weft_loop *loop;
    weft_task sleeper, giver;
    int giver_rc, sleeper_done, cancel_rc, late_rc;
};

static int nine(void *arg)
{
    (void)arg;
    return 9;
}

static void *outsider_main(void *arg)
{
    struct outsider *outsider = arg;
    outsider->giver = weft_spawn_on(outsider->loop, nine, NULL);
    outsider->sleeper = weft_spawn_on(outsider->loop, sleep_long, NULL);
    while (weft_done(outsider->giver, &outsider->giver_rc) == 0)
        sched_yield();
    outsider->sleeper_done = weft_done(outsider->sleeper, NULL);
    outsider->cancel_rc = weft_cancel(outsider->sleeper, "from outside");
    while (weft_done(outsider->sleeper, &outsider->late_rc) == 0)
        sched_yield();
    weft_release(outsider->giver);
    weft_release(outsider->sleeper);
    return NULL;
}

static int join_thread(void *arg)
{
    return pthread_join(*(pthread_t *)arg, NULL);
}

static int host_outsider(void *arg)
{
    struct outsider *outsider = arg;
    outsider->loop = weft_loop_at(1);
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, outsider_main, outsider), 0);
    CHECK_OK(weft_run_blocking(join_thread, &thread));
    return 0;
}

KERNEL_TEST(test_X02_a_thread_without_a_loop_spawns_asks_and_cancels)
{
    struct outsider outsider = {0};
    CHECK_OK(run_on_loops(2, host_outsider, &outsider));
    CHECK_EQ(outsider.giver_rc, 9);
    CHECK_EQ(outsider.sleeper_done, 0);
    CHECK_EQ(outsider.cancel_rc, 1);
    CHECK_EQ(outsider.late_rc, -ECANCELED);
    weft_task late = weft_spawn_on(outsider.loop, nine, NULL);
    CHECK_EQ(weft_done(late, &outsider.late_rc), 1);
    CHECK_EQ(outsider.late_rc, -ESRCH);
    CHECK_EQ(weft_cancel(outsider.sleeper, NULL), -ESRCH);
    CHECK_EQ(weft_done(outsider.sleeper, NULL), -ESRCH);
}

/* ---- X06 ---- */

struct caller {
    weft_loop *loop;
    weft_task task, done;
    weft_future future;
    int fd;
    _Atomic bool is_through;
};

static int sleep_an_hour(void *arg)
{
    (void)arg;
    return weft_sleep(3600 * WEFT_SEC);
}

static void nothing(void *arg)
{
    (void)arg;
}

/* None of these may wait for the loop. */
static void *call_all(void *arg)
{
    struct caller *caller = arg;
    int rc;
    CHECK_OK(weft_post(caller->loop, nothing, NULL));
    CHECK_EQ(weft_done(caller->task, &rc), 0);
    CHECK_EQ(weft_done(caller->done, &rc), 1);
    CHECK_EQ(weft_cancel(caller->task, "from a thread"), 1);
    weft_release(caller->done);
    CHECK_OK(weft_future_set(&caller->future, 3, NULL));
    weft_dump(caller->fd);
    atomic_store(&caller->is_through, true);
    return NULL;
}

/* The body keeps the loop's thread all the while. */
static int body_keeps_the_loop(void *arg)
{
    pthread_t thread;
    FILE *file = tmpfile();
    struct caller caller = {.loop = weft_loop_self(), .fd = fileno(file)};
    (void)arg;
    caller.task = weft_spawn(sleep_an_hour, NULL);
    caller.done = weft_spawn(nine, NULL);
    CHECK_OK(weft_await(caller.done));
    CHECK_EQ(pthread_create(&thread, NULL, call_all, &caller), 0);
    while (!atomic_load(&caller.is_through))
        sched_yield();
    CHECK_EQ(weft_future_wait(&caller.future, NULL), 3);
    CHECK_EQ(weft_await(caller.task), -ECANCELED);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    fclose(file);
    return 0;
}

KERNEL_TEST(test_X06_no_call_of_another_thread_waits_for_a_body)
{
    use_real_time();
    weft_config config = test_config();
    config.hog = WEFT_FOREVER;
    CHECK_OK(weft_run_with(&config, body_keeps_the_loop, NULL));
}

/* ---- O02 ---- */

LOOPS_TEST(test_X02_a_dump_shows_the_tasks_of_all_loops, 2)
{
    int fds[2];
    char text[4000] = "";
    _Atomic int started = 0;
    CHECK_OK(wf_sys_pipe(fds));
    weft_task task = weft_spawn_on(other(), sleep_long, &started);
    wait_until(&started);
    weft_dump(fds[1]);
    CHECK_OK(weft_await(weft_spawn_on(other(), nine, NULL))); /* it has turned by then */
    CHECK_OK(weft_close(fds[1]));
    for (ssize_t got = 1, len = 0; got > 0; len += got)
        got = weft_read(fds[0], text + len, sizeof text - 1 - (size_t)len);
    CHECK_OK(weft_close(fds[0]));
    CHECK(strstr(text, "loop 0 of 2 on ") != NULL);
    CHECK(strstr(text, "loop 1 of 2 on ") != NULL);
    CHECK(strstr(text, "[on another loop]") != NULL);
    CHECK(strstr(text, "[sleep]") != NULL);
    (void)weft_cancel(task, NULL);
}

static int dump_it(void *arg)
{
    weft_dump(*(const int *)arg);
    return weft_loop_self() == NULL;
}

/* From a thread that has no loop of its own each loop is told to write its part. */
KERNEL_LOOPS_TEST(test_X02_a_thread_without_a_loop_dumps_all_loops, 2)
{
    FILE *file = tmpfile();
    int fd = fileno(file);
    char text[4000] = "";
    CHECK_EQ(weft_run_blocking(dump_it, &fd), 1);
    CHECK_OK(weft_await(weft_spawn_on(other(), nine, NULL))); /* it has turned by then */
    CHECK(pread(fd, text, sizeof text - 1, 0) > 0);
    CHECK(strstr(text, "loop 0 of 2 on ") != NULL);
    CHECK(strstr(text, "loop 1 of 2 on ") != NULL);
    fclose(file);
}

/* ---- order ---- */

struct sequence {
    int next; /* written to by tasks of one loop */
};

static int take_turn(void *arg)
{
    struct sequence *sequence = arg;
    return sequence->next++;
}

/* Under the simulator the seed chooses among ready tasks (rule Z03). */
LOOPS_TEST(test_X03_tasks_spawned_on_a_loop_start_in_order, 2)
{
    struct sequence sequence = {0};
    weft_task tasks[200];
    for (int i = 0; i < 200; i++)
        tasks[i] = weft_spawn_on(other(), take_turn, &sequence);
    CHECK_OK(weft_gather_n(tasks, 200));
    for (int i = 0; i < 200 && !test_is_simulated(); i++)
        CHECK_EQ(weft_await(tasks[i]), i);
    CHECK_EQ(sequence.next, 200);
}

/* ---- sweeps ---- */

static int work(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_sleep(20 * WEFT_US));
    return weft_yield();
}

LOOPS_SCENARIO(tasks_of_two_loops_are_gathered, 2)
{
    return weft_gather(weft_spawn_on(other(), work, NULL), weft_spawn(work, NULL),
                       weft_spawn_on(other(), work, NULL));
}

static int group_on_both(void *arg)
{
    (void)arg;
    WEFT_GROUP(group);
    (void)weft_group_task_on(group, other(), work, NULL);
    (void)weft_group_task_on(group, other(), work, NULL);
    return weft_group_wait(group);
}

LOOPS_SCENARIO(groups_within_groups_on_two_loops, 2)
{
    WEFT_GROUP(group);
    weft_task task = weft_group_task_on(group, other(), group_on_both, NULL);
    (void)weft_await_for(task, WEFT_SEC);
    return weft_group_wait(group);
}

static int fail_late(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_yield());
    return -EDOM;
}

LOOPS_SCENARIO(a_failure_on_one_loop_cancels_the_other, 2)
{
    weft_task tasks[] = {weft_spawn_on(other(), sleep_long, NULL),
                         weft_spawn_on(other(), fail_late, NULL), weft_spawn(sleep_long, NULL)};
    int rc = weft_gather_n(tasks, 3);
    return rc == -EDOM ? 0 : rc;
}

static int await_from_both_sides(void *arg)
{
    struct watched *watched = arg;
    (void)weft_await_for(watched->task, WEFT_SEC);
    return weft_await(watched->task) == -ESRCH ? 0 : weft_check();
}

LOOPS_SCENARIO(a_task_is_awaited_from_another_loop, 2)
{
    struct watched watched = {.task = weft_spawn(work, NULL)};
    return weft_gather(weft_spawn_on(other(), await_from_both_sides, &watched), watched.task);
}

LOOPS_SCENARIO(an_await_from_another_loop_gives_up, 2)
{
    static struct watched watched; /* a cancelled body ends before the waiter writes to it */
    watched.task = weft_spawn(sleep_long, NULL);
    weft_task waiter = weft_spawn_on(other(), await_it, &watched);
    int rc = weft_sleep(20 * WEFT_US);
    (void)weft_cancel(waiter, NULL);
    int waited = weft_await(waiter);
    (void)weft_cancel(watched.task, NULL);
    return rc < 0 ? rc : waited == -ECANCELED ? 0 : waited;
}

static int sees_local(void *arg)
{
    const char *seen = weft_local_get(arg);
    return seen != NULL && strcmp(seen, "set") == 0 ? 0 : -EPROTO;
}

LOOPS_SCENARIO(locals_go_along_to_another_loop, 2)
{
    static weft_local local;
    static char value[] = "set";
    WEFT_TRY(weft_local_set(&local, value));
    return weft_gather(weft_spawn_on(other(), sees_local, &local), weft_spawn(sees_local, &local));
}
