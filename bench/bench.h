/* SPDX-License-Identifier: MIT */

/*
 * Measuring: clocks, repeated runs, one JSON line a result.
 *
 *     {"name":"switch","unit":"ns","value":4.1,"spread":0.1,"runs":9,"cpu":4.1}
 *
 * value and cpu are medians over the runs, of wall time and of this thread's CPU time; spread is
 * half the distance of the quartiles of value.  A run before them warms up and does not count.
 */
#ifndef WF_BENCH_H
#define WF_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BENCH_RUNS 9

static inline double bench_clock(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static inline double bench_wall(void)
{
    return bench_clock(CLOCK_MONOTONIC);
}

static inline double bench_cpu(void)
{
    return bench_clock(CLOCK_THREAD_CPUTIME_ID);
}

static inline int bench_compare_(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts `values`.  The value below which the part `at` of them lies. */
static inline double bench_quantile(double *values, size_t count, double at)
{
    qsort(values, count, sizeof *values, bench_compare_);
    return values[(size_t)(at * (double)(count - 1) + 0.5)];
}

/* Prints one result of values already measured.  `cpu` may be NULL. */
static inline void bench_print(const char *name, const char *unit, double *values, double *cpu,
                               size_t count)
{
    double low = bench_quantile(values, count, 0.25), high = bench_quantile(values, count, 0.75);
    printf("{\"name\":\"%s\",\"unit\":\"%s\",\"value\":%.6g,\"spread\":%.3g,\"runs\":%zu", name,
           unit, bench_quantile(values, count, 0.5), (high - low) / 2, count);
    if (cpu != NULL)
        printf(",\"cpu\":%.6g", bench_quantile(cpu, count, 0.5));
    printf("}\n");
    fflush(stdout);
}

/* Prints a single number: memory, a count. */
static inline void bench_print_one(const char *name, const char *unit, double value)
{
    bench_print(name, unit, &value, NULL, 1);
}

/* Runs fn(arg), which does `operations` operations, and prints nanoseconds per operation. */
static inline void bench_run(const char *name, double operations, void (*fn)(void *arg), void *arg)
{
    double wall[BENCH_RUNS], cpu[BENCH_RUNS];
    fn(arg);
    for (int run = 0; run < BENCH_RUNS; run++) {
        double wall_start = bench_wall(), cpu_start = bench_cpu();
        fn(arg);
        wall[run] = (bench_wall() - wall_start) / operations;
        cpu[run] = (bench_cpu() - cpu_start) / operations;
    }
    bench_print(name, "ns", wall, cpu, BENCH_RUNS);
}

/* Resident memory of this process in bytes. */
static inline double bench_resident(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file != NULL && fscanf(file, "%*d %ld", &pages) != 1)
        pages = 0;
    if (file != NULL)
        fclose(file);
    return (double)pages * 4096;
}

/* The same numbers in each run (xorshift64). */
static inline uint64_t bench_random(void)
{
    static uint64_t state = 1;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* The program's N: its first argument, or `by_default`. */
static inline size_t bench_count(int argc, char **argv, size_t by_default)
{
    size_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : by_default;
    if (count == 0) {
        fprintf(stderr, "usage: %s [N]\n", argv[0]);
        exit(2);
    }
    return count;
}

#endif
