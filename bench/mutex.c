/* SPDX-License-Identifier: MIT */

/*
 * What does a mutex cost that everybody wants?  100 tasks lock it N times in all and let others run
 * while they hold it, so that nearly every lock waits.  Besides: N locks nobody else wants.
 * Starting tasks is counted, the loop is left out.
 */

#include "bench.h"

#include <weft.h>

#define TASKS 100

static size_t count;

struct counter {
    weft_mutex mutex;
    uint64_t value;
};

static void must(int rc)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "mutex: %s\n", weft_strerror(rc));
    exit(1);
}

static int count_up(void *arg)
{
    struct counter *counter = arg;
    for (size_t i = 0; i < count / TASKS; i++) {
        must(weft_lock(&counter->mutex));
        uint64_t value = counter->value;
        must(weft_yield());
        counter->value = value + 1;
        must(weft_unlock(&counter->mutex));
    }
    return 0;
}

static void contended(void *arg)
{
    (void)arg;
    struct counter counter = {0};
    weft_task tasks[TASKS];
    for (size_t i = 0; i < TASKS; i++)
        tasks[i] = weft_spawn(count_up, &counter);
    must(weft_gather_n(tasks, TASKS));
    for (size_t i = 0; i < TASKS; i++)
        weft_release(tasks[i]);
    if (counter.value != count / TASKS * TASKS)
        must(-EPROTO);
}

static void uncontended(void *arg)
{
    (void)arg;
    weft_mutex mutex = {0};
    for (size_t i = 0; i < count; i++) {
        must(weft_lock(&mutex));
        must(weft_unlock(&mutex));
    }
}

static int measure(void *arg)
{
    (void)arg;
    bench_run("mutex_contended", (double)(count / TASKS * TASKS), contended, NULL);
    bench_run("mutex_uncontended", (double)count, uncontended, NULL);
    return 0;
}

int main(int argc, char **argv)
{
    count = bench_count(argc, argv, 300000);
    if (count < TASKS)
        count = TASKS;
    return weft_run(measure, NULL) < 0;
}
