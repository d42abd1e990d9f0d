/* SPDX-License-Identifier: MIT */

/*
 * What does gather add?  N tasks that end at once, gathered (ns a task); then N that sleep 100 ms,
 * gathered: the time over those 100 ms, by the real clock.
 */

#include "bench.h"

#include <weft.h>

#define DELAY (100 * WEFT_MS)

static size_t count;
static weft_task *tasks;

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

static int doze(void *arg)
{
    (void)arg;
    return weft_sleep(DELAY);
}

static void gather_all(weft_fn *body)
{
    for (size_t i = 0; i < count; i++)
        tasks[i] = weft_spawn(body, NULL);
    int rc = weft_gather_n(tasks, count);
    if (rc < 0) {
        fprintf(stderr, "gather: %s\n", weft_strerror(rc));
        exit(1);
    }
    for (size_t i = 0; i < count; i++)
        weft_release(tasks[i]);
}

static void gather_nothing(void *arg)
{
    (void)arg;
    gather_all(nothing);
}

static int measure(void *arg)
{
    (void)arg;
    bench_run("gather", (double)count, gather_nothing, NULL);

    double over[BENCH_RUNS], cpu[BENCH_RUNS];
    for (int run = -1; run < BENCH_RUNS; run++) {
        double wall_start = bench_wall(), cpu_start = bench_cpu();
        gather_all(doze);
        if (run < 0)
            continue; /* warms up */
        over[run] = (bench_wall() - wall_start - (double)DELAY) / 1e6;
        cpu[run] = (bench_cpu() - cpu_start) / 1e6;
    }
    bench_print("gather_over_100ms", "ms", over, cpu, BENCH_RUNS);
    return 0;
}

int main(int argc, char **argv)
{
    count = bench_count(argc, argv, 10000);
    tasks = calloc(count, sizeof *tasks);
    if (tasks == NULL)
        return 1;
    int rc = weft_run(measure, NULL);
    free(tasks);
    return rc < 0;
}
