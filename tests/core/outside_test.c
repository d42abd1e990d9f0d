/* SPDX-License-Identifier: MIT */

/*
 * What a task's calls come to where there is no task: on a thread without a loop, and in a callback
 * of a loop that runs tasks.  None may wait, crash or change anything; each says -EPERM.
 */

#include "harness/harness.h"

#include <weft.h>
#include <weft/sys/loop.h>

#include <stdlib.h>
#include <unistd.h>

static int never(void *arg)
{
    (void)arg;
    FAIL("a task was made where there is none to own it");
}

static int never_yield(weft_gen *self, void *arg)
{
    (void)self;
    return never(arg);
}

static void spawns_say_so(void)
{
    int copied = 1, rc = 0;
    weft_task handles[] = {
        weft_spawn(never, NULL),
        weft_spawn_stack(never, NULL, 1 << 20),
        weft_spawn_sized(never, &copied, sizeof copied),
        weft_detach(never, NULL),
        weft_group_task((weft_group){0}, never, NULL),
    };
    for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++) {
        note("spawn %d", (int)i);
        CHECK_EQ(weft_done(handles[i], &rc), 1);
        CHECK_EQ(rc, -EPERM);
        CHECK_EQ(weft_await(handles[i]), -EPERM);
        CHECK_EQ(weft_await_for(handles[i], WEFT_SEC), -EPERM);
        weft_release(handles[i]);
    }
    CHECK_EQ(weft_group_spawn((weft_group){0}, never, NULL), -EPERM);
    CHECK_EQ(weft_map(never, handles, 1), -EPERM);
}

static void waits_say_so(void)
{
    void *value;
    weft_event event = {0};
    weft_mutex mutex = {0};
    weft_cond cond = {0};
    weft_sem sem = WEFT_SEM(1, 1);
    weft_barrier barrier = WEFT_BARRIER(2);
    weft_future future = {0};
    weft_task none = {0};
    CHECK_EQ(weft_yield(), -EPERM);
    CHECK_EQ(weft_sleep(WEFT_SEC), -EPERM);
    CHECK_EQ(weft_wait_idle(), -EPERM);
    CHECK_EQ(weft_check(), -EPERM);
    CHECK_EQ(weft_event_wait(&event), -EPERM);
    CHECK_EQ(weft_lock(&mutex), -EPERM);
    CHECK_EQ(weft_cond_wait(&cond, &mutex), -EPERM);
    CHECK_EQ(weft_sem_take(&sem), -EPERM);
    CHECK_EQ(weft_barrier_wait(&barrier), -EPERM);
    CHECK_EQ(weft_future_wait(&future, &value), -EPERM);
    CHECK_EQ(weft_gather_n(&none, 1), -EPERM);
    CHECK_EQ(weft_race_n(&none, 1), -EPERM);
    CHECK_EQ(weft_any_n(&none, 1), -EPERM);
    CHECK_EQ(weft_signal_wait(10), -EPERM);
    CHECK_EQ(weft_run_blocking(never, NULL), -EPERM);
    CHECK_EQ(weft_wait_for(never, NULL, WEFT_SEC), -EPERM);
    CHECK_EQ(weft_group_wait((weft_group){0}), -EPERM);
}

static void generators_say_so(void)
{
    int item;
    weft_gen *gen = weft_gen_open(never_yield, NULL);
    CHECK(gen == NULL);
    CHECK_EQ(weft_gen_next(gen, &item), -EPERM);
    CHECK_EQ(weft_gen_yield(gen, &item), -EPERM);
    CHECK(weft_gen_merge(&gen, 1, sizeof item) == NULL);
    weft_gen_give(gen, gen);
    CHECK_EQ(weft_gen_close(gen), 0);
}

/* Those that have nothing to say. */
static void the_rest_does_nothing(void)
{
    static weft_local local;
    struct weft_error errors[1];
    char name[8] = "before", *empty = NULL;
    weft_scope scope;
    CHECK_EQ(weft_scope_open(&scope, WEFT_FOREVER, 0), -EPERM);
    CHECK_EQ(weft_local_set(&local, name), -EPERM);
    CHECK(weft_local_get(&local) == NULL);
    CHECK(weft_why() == NULL || weft_why()[0] == '\0');
    weft_set_name("nobody");
    weft_get_name(name, sizeof name);
    CHECK_STR(name, "");
    weft_get_name(empty, 0);
    weft_started();
    weft_group_cancel((weft_group){0}, "nothing");
    CHECK_EQ(weft_group_errors((weft_group){0}, errors, 1), (size_t)0);
    CHECK_EQ(weft_self().id, (uint64_t)0);
    CHECK_EQ(weft_progress(), (size_t)0);
}

static void all_calls_say_so(void)
{
    spawns_say_so();
    waits_say_so();
    generators_say_so();
    the_rest_does_nothing();
}

TEST(without_a_loop_a_tasks_calls_say_so)
{
    weft_chan *chan;
    weft_run_stats stats;
    weft_run_snapshot snapshot;
    all_calls_say_so();
    CHECK_EQ(weft_chan_new_shared(&chan, 1, 1), -EPERM);
    CHECK_EQ(weft_run_stats_get(&stats), -EPERM);
    CHECK_EQ(weft_run_snapshot_get(&snapshot), -EPERM);
    weft_dump(STDERR_FILENO);
}

struct callback {
    weft_event done;
    bool was_run;
};

static void call_back(void *arg)
{
    struct callback *callback = arg;
    int ends[2];
    all_calls_say_so();
    CHECK_OK(weft_platform_get()->pipe(ends)); /* what needs no task works */
    CHECK_OK(weft_close(ends[0]));
    CHECK_OK(weft_close(ends[1]));
    CHECK_EQ(weft_close(-1), -EBADF);
    callback->was_run = true;
    weft_event_set(&callback->done);
}

TASK_TEST(in_a_callback_a_tasks_calls_say_so)
{
    struct callback callback = {.was_run = false};
    CHECK_OK(weft_post(weft_loop_self(), call_back, &callback));
    CHECK_OK(weft_event_wait(&callback.done));
    CHECK(callback.was_run);
    char name[80];
    weft_get_name(name, sizeof name);
    CHECK(strstr(name, "nobody") == NULL);
}

/* A loop without tasks: only the callback level. */
static void call_back_without_tasks(void *arg)
{
    spawns_say_so();
    *(bool *)arg = true;
}

TEST(in_a_loop_without_tasks_there_is_no_spawn)
{
    weft_loop *loop;
    bool was_run = false;
    CHECK_OK(weft_loop_new(&loop, NULL));
    CHECK_OK(weft_post(loop, call_back_without_tasks, &was_run));
    while (!was_run)
        weft_loop_turn(loop, WEFT_SEC);
    weft_loop_free(loop);
}
