/* SPDX-License-Identifier: MIT */

/*
 * What does another loop cost?  A run of two loops: a task there and back, one at a time (two
 * messages, and two threads that each sleep and are woken); N tasks there, then all awaited (the
 * messages overlap); the same on the own loop, to compare; and a task that awaits the handle of
 * another loop's.  Bodies do nothing.  On one processor the threads take turns, which is another
 * question.
 */

#include "bench.h"

#include <weft.h>

static size_t count;
static weft_task *tasks;

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

static void must(int rc)
{
    if (rc < 0) {
        fprintf(stderr, "loops: a task failed: %s\n", weft_strerror(rc));
        exit(1);
    }
}

static void there_and_back(void *arg)
{
    for (size_t i = 0; i < count / 10; i++) {
        weft_task task = weft_spawn_on(arg, nothing, NULL);
        must(weft_await(task));
        weft_release(task);
    }
}

static void many_there(void *arg)
{
    for (size_t i = 0; i < count; i++)
        tasks[i] = weft_spawn_on(arg, nothing, NULL);
    for (size_t i = 0; i < count; i++) {
        must(weft_await(tasks[i]));
        weft_release(tasks[i]);
    }
}

static int await_each(void *arg)
{
    weft_task task = *(weft_task *)arg;
    for (size_t i = 0; i < count / 10; i++)
        must(weft_await(task));
    return 0;
}

/* It is done: the question goes there and the answer comes back. */
static void await_there(void *arg)
{
    weft_task done = weft_spawn(nothing, NULL);
    must(weft_await(done));
    must(weft_await(weft_spawn_on(arg, await_each, &done)));
    weft_release(done);
}

static int measure(void *arg)
{
    (void)arg;
    weft_loop *there = weft_loop_at(1);
    bench_run("loops_spawn_await", (double)(count / 10), there_and_back, there);
    bench_run("loops_spawn_all", (double)count, many_there, there);
    bench_run("loops_spawn_all_here", (double)count, many_there, weft_loop_self());
    bench_run("loops_await", (double)(count / 10), await_there, there);
    return 0;
}

int main(int argc, char **argv)
{
    count = bench_count(argc, argv, 10000);
    tasks = calloc(count, sizeof *tasks);
    if (tasks == NULL)
        return 1;
    weft_config config = {.loops = 2};
    int rc = weft_run_with(&config, measure, NULL);
    free(tasks);
    if (rc < 0)
        fprintf(stderr, "loops: %s\n", weft_strerror(rc));
    return rc < 0;
}
