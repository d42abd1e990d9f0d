/* SPDX-License-Identifier: MIT */

/*
 * What does a task cost?  N tasks spawned, awaited and released one by one; N spawned, then all
 * awaited; N in a group; N that each wait once, so that each needs a stack of its own; N turns
 * through the ready queue. Bodies do nothing.  Starting and ending the loop is left out.
 */

#include "bench.h"

#include <weft.h>

#define YIELDERS 1000

static size_t count;
static weft_task *tasks;

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

static int yield_once(void *arg)
{
    (void)arg;
    return weft_yield();
}

static int yield_often(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < count / YIELDERS; i++)
        WEFT_TRY(weft_yield());
    return 0;
}

static void await_all(size_t task_count)
{
    for (size_t i = 0; i < task_count; i++) {
        int rc = weft_await(tasks[i]);
        weft_release(tasks[i]);
        if (rc < 0) {
            fprintf(stderr, "spawn: a task failed: %s\n", weft_strerror(rc));
            exit(1);
        }
    }
}

static void one_by_one(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < count; i++) {
        tasks[0] = weft_spawn(nothing, NULL);
        await_all(1);
    }
}

static void all_at_once(void *arg)
{
    weft_fn *body = arg == NULL ? nothing : yield_once;
    for (size_t i = 0; i < count; i++)
        tasks[i] = weft_spawn(body, NULL);
    await_all(count);
}

/* A group keeps no record of a member that has ended: no handles, no results. */
static void in_a_group(void *arg)
{
    (void)arg;
    int rc = 0;
    WEFT_GROUP(group);
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = weft_group_spawn(group, nothing, NULL);
    int wait_rc = weft_group_wait(group);
    if (rc < 0 || wait_rc < 0) {
        fprintf(stderr, "spawn: a group failed\n");
        exit(1);
    }
}

static void round_and_round(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < YIELDERS; i++)
        tasks[i] = weft_spawn(yield_often, NULL);
    await_all(YIELDERS);
}

static int measure(void *arg)
{
    bench_run("spawn_await", (double)count, one_by_one, NULL);
    bench_run("spawn_all", (double)count, all_at_once, NULL);
    bench_run("spawn_group", (double)count, in_a_group, NULL);
    bench_run("spawn_all_waiting", (double)count, all_at_once, arg);
    bench_run("yield", (double)(count / YIELDERS * YIELDERS), round_and_round, NULL);
    return 0;
}

int main(int argc, char **argv)
{
    count = bench_count(argc, argv, 100000);
    tasks = calloc(count > YIELDERS ? count : YIELDERS, sizeof *tasks);
    if (tasks == NULL)
        return 1;
    int rc = weft_run(measure, &count);
    free(tasks);
    return rc < 0;
}
