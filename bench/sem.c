/* SPDX-License-Identifier: MIT */

/*
 * What does a semaphore cost as a limit?  100 tasks take one of 10 units N times in all and let
 * others run while they hold it, so that nearly every take waits.  Starting tasks is counted, the
 * loop is left out.
 */

#include "bench.h"

#include <weft.h>

#define TASKS 100
#define UNITS 10

static size_t count;

struct gate {
    weft_sem sem;
    uint64_t passed;
};

static void must(int rc)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "sem: %s\n", weft_strerror(rc));
    exit(1);
}

static int pass_often(void *arg)
{
    struct gate *gate = arg;
    for (size_t i = 0; i < count / TASKS; i++) {
        must(weft_sem_take(&gate->sem));
        gate->passed++;
        must(weft_yield());
        must(weft_sem_give(&gate->sem));
    }
    return 0;
}

static void contended(void *arg)
{
    (void)arg;
    struct gate gate = {.sem = WEFT_SEM(UNITS, UNITS)};
    weft_task tasks[TASKS];
    for (size_t i = 0; i < TASKS; i++)
        tasks[i] = weft_spawn(pass_often, &gate);
    must(weft_gather_n(tasks, TASKS));
    for (size_t i = 0; i < TASKS; i++)
        weft_release(tasks[i]);
    if (gate.passed != count / TASKS * TASKS)
        must(-EPROTO);
}

static int measure(void *arg)
{
    (void)arg;
    bench_run("sem_contended", (double)(count / TASKS * TASKS), contended, NULL);
    return 0;
}

int main(int argc, char **argv)
{
    count = bench_count(argc, argv, 300000);
    if (count < TASKS)
        count = TASKS;
    return weft_run(measure, NULL) < 0;
}
