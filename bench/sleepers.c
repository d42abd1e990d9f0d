/* SPDX-License-Identifier: MIT */

/*
 * What does a sleeping task cost?  N tasks asleep at once, each on its own guarded stack.  The
 * first time every stack's page is touched first: the time until all are asleep, and what of its
 * processor time was the kernel's; resident memory a task; the time over the one second that they
 * sleep, by the real clock.  Then the time to wake and join them all by cancelling, and sleeps of a
 * second as before, on stacks that have their pages.
 */

#include "bench.h"

#include <weft.h>

#include <sys/resource.h>

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

static double kernel_time(void)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return (double)usage.ru_stime.tv_sec * 1e9 + (double)usage.ru_stime.tv_usec * 1e3;
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

static int fall_asleep_first(double resident_before)
{
    double start = bench_wall(), cpu_start = bench_cpu(), kernel_start = kernel_time();
    spawn_all(doze);
    WEFT_TRY(weft_yield()); /* every one of them runs up to its sleep */
    double wall = (bench_wall() - start) / (double)count;
    double cpu = (bench_cpu() - cpu_start) / (double)count;
    double kernel = (kernel_time() - kernel_start) / (double)count;
    bench_print("sleepers_fall_asleep_first", "ns", &wall, &cpu, 1);
    bench_print_one("sleepers_fall_asleep_first_in_kernel", "ns", kernel);
    bench_print_one("sleepers_memory", "B", (bench_resident() - resident_before) / (double)count);

    await_all(0);
    double over = (bench_wall() - start - (double)DELAY) / 1e6;
    cpu = (bench_cpu() - cpu_start) / 1e6;
    bench_print("sleepers_over_1s_first", "ms", &over, &cpu, 1);
    return 0;
}

static int cancel_all(void)
{
    spawn_all(doze_long);
    WEFT_TRY(weft_yield());
    double start = bench_wall(), cpu_start = bench_cpu();
    for (size_t i = 0; i < count; i++)
        weft_cancel(tasks[i], "measured");
    await_all(-ECANCELED);
    double wall = (bench_wall() - start) / (double)count;
    double cpu = (bench_cpu() - cpu_start) / (double)count;
    bench_print("sleepers_cancel_join", "ns", &wall, &cpu, 1);
    return 0;
}

static int measure(void *arg)
{
    const double *resident_before = arg;
    WEFT_TRY(fall_asleep_first(*resident_before));
    WEFT_TRY(cancel_all());
    double over[3], cpu[3];
    for (int run = 0; run < 3; run++) {
        double start = bench_wall(), cpu_start = bench_cpu();
        spawn_all(doze);
        await_all(0);
        over[run] = (bench_wall() - start - (double)DELAY) / 1e6;
        cpu[run] = (bench_cpu() - cpu_start) / 1e6;
    }
    bench_print("sleepers_over_1s", "ms", over, cpu, 3);
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
