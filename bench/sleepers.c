/* SPDX-License-Identifier: MIT */

/*
 * What does a sleeping task cost?  N tasks asleep at once, each on its own guarded stack: resident
 * memory a task; time to wake and join them all by cancelling.  Then N tasks that sleep one second:
 * the time over that second, by the real clock.  The first time pays for the first touch of every
 * stack's page, so it is told apart from the next.
 */

#include "bench.h"

#include <weft.h>

#define DELAY (1 * WEFT_SEC)

static size_t count;
static weft_task *tasks;

static int doze(void *arg)
{
    (void)arg;
    return weft_sleep(DELAY);
}

static int doze_long(void *arg)
{
    (void)arg;
    return weft_sleep(24 * 3600 * WEFT_SEC);
}

static void spawn_all(weft_fn *body)
{
    for (size_t i = 0; i < count; i++)
        tasks[i] = weft_spawn(body, NULL);
}

static void await_all(int expected)
{
    for (size_t i = 0; i < count; i++) {
        int rc = weft_await(tasks[i]);
        weft_release(tasks[i]);
        if (rc != expected) {
            fprintf(stderr, "sleepers: task %zu: %s\n", i, weft_strerror(rc));
            exit(1);
        }
    }
}

static int measure(void *arg)
{
    const double *resident_before = arg;
    double start = bench_wall();
    spawn_all(doze_long);
    WEFT_TRY(weft_yield()); /* every one of them runs up to its sleep */
    bench_print_one("sleepers_fall_asleep_first", "ns", (bench_wall() - start) / (double)count);
    bench_print_one("sleepers_memory", "B", (bench_resident() - *resident_before) / (double)count);

    start = bench_wall();
    for (size_t i = 0; i < count; i++)
        weft_cancel(tasks[i], "measured");
    await_all(-ECANCELED);
    bench_print_one("sleepers_cancel_join", "ns", (bench_wall() - start) / (double)count);

    double over[3];
    for (int run = 0; run < 3; run++) {
        start = bench_wall();
        spawn_all(doze);
        await_all(0);
        over[run] = (bench_wall() - start - (double)DELAY) / 1e6;
    }
    bench_print("sleepers_over_1s", "ms", over, NULL, 3);
    return 0;
}

int main(int argc, char **argv)
{
    count = bench_count(argc, argv, 100000);
    tasks = malloc(count * sizeof *tasks);
    if (tasks == NULL)
        return 1;
    memset(tasks, 0xff, count * sizeof *tasks); /* its pages do not count */
    double resident = bench_resident();
    int rc = weft_run(measure, &resident);
    if (rc < 0)
        fprintf(stderr, "sleepers: %s\n", weft_strerror(rc));
    free(tasks);
    return rc < 0;
}
