/* SPDX-License-Identifier: MIT */

/* What the tests of the synchronisation objects share. */
#ifndef WF_TESTS_CORE_SYNC_HELPERS_H
#define WF_TESTS_CORE_SYNC_HELPERS_H

#include <weft/run.h>
#include <weft/scope.h>
#include <weft/task.h>

#include "harness/harness.h"

#include <pthread.h>

/* A seeded sequence of numbers (splitmix64). */
static inline uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline uint64_t random_below(uint64_t *state, uint64_t limit)
{
    return next_random(state) % limit;
}

/* Starts a task and lets it run to its first wait. */
static inline weft_task start(weft_fn *fn, void *arg)
{
    weft_task task = weft_spawn(fn, arg);
    CHECK_OK(weft_yield());
    return task;
}

/* Lets everything that is ready run, and what that makes ready. */
static inline void settle(void)
{
    for (int i = 0; i < 4; i++)
        CHECK_OK(weft_yield());
}

static inline void *run_elsewhere_(void *arg)
{
    weft_fn *fn = *(weft_fn **)arg;
    void *fn_arg = ((void **)arg)[1];
    weft_config config = {.backend = "epoll", .flags = WEFT_RUN_KEEP_SIGNALS};
    return (void *)(intptr_t)weft_run_with(&config, fn, fn_arg);
}

/* Runs fn(arg) in a task of a loop on another thread while this one stands still. */
static inline int run_elsewhere(weft_fn *fn, void *arg)
{
    pthread_t thread;
    void *result;
    void *call[2] = {(void *)(uintptr_t)fn, arg};
    CHECK_EQ(pthread_create(&thread, NULL, run_elsewhere_, call), 0);
    CHECK_EQ(pthread_join(thread, &result), 0);
    return (int)(intptr_t)result;
}

#endif
