/* SPDX-License-Identifier: MIT */

/*
 * What do timers cost?  Start and stop of one among few; cancel and re-arm of random ones among N
 * live ones with deadlines spread over a minute; start of N in a row; all N firing in order; and
 * timeouts that are pushed forward, as a connection's are, which is the kind case of a re-arm.  The
 * loop and the clock are left out.
 */

#include "core/loop/timers.h"
#include "bench.h"

#define FEW 10
#define OPERATIONS 1000000
#define SPREAD (60 * WEFT_SEC)

static struct wf_timers wheel;
static weft_timer *timers;
static size_t count;
static void fire(weft_timer *timer)
{
    (void)timer;
}

static void start_and_stop(void *arg)
{
    weft_timer *timer = arg;
    for (size_t i = 0; i < OPERATIONS; i++) {
        wf_timers_start(&wheel, timer, (weft_time)(WEFT_SEC + (weft_time)i));
        wf_timers_stop(&wheel, timer);
    }
}

static void rearm_random(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < OPERATIONS; i++) {
        uint64_t random = bench_random();
        wf_timers_start(&wheel, &timers[random % count], (weft_time)((random >> 20) % SPREAD));
    }
}

/* Time moves on; whoever is touched gets thirty seconds from then. */
static void push_forward(void *arg)
{
    weft_time *now = arg;
    for (size_t i = 0; i < OPERATIONS; i++) {
        *now += 1000;
        wf_timers_start(&wheel, &timers[bench_random() % count], *now + 30 * WEFT_SEC);
    }
}

static void start_all(void)
{
    for (size_t i = 0; i < count; i++)
        wf_timers_start(&wheel, &timers[i], (weft_time)(bench_random() % SPREAD));
}

static size_t fire_all(weft_time from)
{
    size_t fired = 0;
    for (weft_time now = from; wheel.count > 0; now += WEFT_MS) {
        while (wf_timers_pop(&wheel, now) != NULL)
            fired++;
    }
    return fired;
}

static void measure_life(void)
{
    double start[BENCH_RUNS], run[BENCH_RUNS];
    for (int i = 0; i < BENCH_RUNS; i++) {
        wf_timers_init(&wheel, 0);
        double at = bench_wall();
        start_all();
        start[i] = (bench_wall() - at) / (double)count;
        at = bench_wall();
        if (fire_all(0) != count) {
            fprintf(stderr, "timers: some did not fire\n");
            exit(1);
        }
        run[i] = (bench_wall() - at) / (double)count;
    }
    bench_print("timers_start_all", "ns", start, NULL, BENCH_RUNS);
    bench_print("timers_fire_all", "ns", run, NULL, BENCH_RUNS);
}

int main(int argc, char **argv)
{
    count = bench_count(argc, argv, 1000000);
    timers = calloc(count > FEW ? count : FEW, sizeof *timers);
    if (timers == NULL)
        return 1;
    for (size_t i = 0; i < count; i++)
        timers[i].fn = fire;

    wf_timers_init(&wheel, 0);
    for (size_t i = 1; i < FEW; i++)
        wf_timers_start(&wheel, &timers[i], WEFT_SEC * (weft_time)i);
    bench_run("timers_start_stop_few", OPERATIONS, start_and_stop, &timers[0]);
    for (size_t i = 1; i < FEW; i++)
        wf_timers_stop(&wheel, &timers[i]);

    measure_life();
    wf_timers_init(&wheel, 0);
    start_all();
    bench_run("timers_rearm_random_many", OPERATIONS, rearm_random, NULL);
    weft_time now = 0;
    bench_run("timers_push_forward_many", OPERATIONS, push_forward, &now);
    free(timers);
    return 0;
}
