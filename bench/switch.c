/* SPDX-License-Identifier: MIT */

/*
 * What does a stack switch cost?  N switches between two fibers; then N round a ring of 1,000, of
 * which each has its own stack in the caches' way; a fiber made, run and ended on a pooled stack; a
 * switch where the two sides round differently.  The scheduler and everything above are left out.
 */

#include "bench.h"
#include "core/stack/fiber.h"

#include <fenv.h>

#define RING 1000

static wf_fiber home, pair;
static struct wf_stacks *stacks;
static wf_fiber ring[RING];
static size_t switches;

static void fail(const char *what)
{
    fprintf(stderr, "switch: %s failed\n", what);
    exit(1);
}

static void to_home(wf_fiber *fiber, int rc)
{
    (void)rc;
    wf_fiber_end(fiber);
    wf_fiber_resume(&home);
}

static wf_stack take(void)
{
    wf_stack stack;
    if (wf_stacks_reserve(stacks) < 0)
        fail("reserve");
    wf_stacks_take(stacks, &stack);
    return stack;
}

static int back_and_forth(void *arg)
{
    int rounding = *(const int *)arg;
    fesetround(rounding);
    for (;;)
        wf_fiber_switch(&pair, &home);
    return 0;
}

static void run_pair(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < switches; i += 2)
        wf_fiber_switch(&home, &pair);
}

static void measure_pair(const char *name, int rounding)
{
    wf_stack stack = take();
    wf_fiber_make(&pair, &stack, back_and_forth, &rounding, &home, to_home);
    wf_fiber_switch(&home, &pair);
    bench_run(name, (double)switches, run_pair, NULL);
    wf_fiber_end(&pair);
    wf_stacks_give(stacks, &stack);
    wf_stacks_unreserve(stacks);
}

/* The last of the ring leads back home. */
static int go_round(void *arg)
{
    size_t me = (size_t)(uintptr_t)arg;
    for (;;)
        wf_fiber_switch(&ring[me], me + 1 < RING ? &ring[me + 1] : &home);
    return 0;
}

static void run_ring(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < switches; i += RING + 1)
        wf_fiber_switch(&home, &ring[0]);
}

static void measure_ring(void)
{
    static wf_stack held[RING];
    for (size_t i = 0; i < RING; i++) {
        held[i] = take();
        wf_fiber_make(&ring[i], &held[i], go_round, (void *)(uintptr_t)i, &home, to_home);
    }
    bench_run("switch_ring_1000", (double)switches, run_ring, NULL);
    for (size_t i = 0; i < RING; i++) {
        wf_fiber_end(&ring[i]);
        wf_stacks_give(stacks, &held[i]);
        wf_stacks_unreserve(stacks);
    }
}

static int return_at_once(void *arg)
{
    (void)arg;
    return 0;
}

static void run_fibers(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < switches; i++) {
        wf_stack stack = take();
        wf_fiber_make(&pair, &stack, return_at_once, NULL, &home, to_home);
        wf_fiber_switch(&home, &pair);
        wf_stacks_give(stacks, &stack);
        wf_stacks_unreserve(stacks);
    }
}

int main(int argc, char **argv)
{
    switches = bench_count(argc, argv, 10000000);
    if (wf_fiber_check_host() < 0)
        fail("shadow stacks");
    if (wf_stacks_new(&stacks, NULL) < 0)
        fail("stacks");
    wf_fiber_home_init(&home);
    measure_pair("switch", FE_TONEAREST);
    measure_pair("switch_other_rounding", FE_UPWARD);
    fesetround(FE_TONEAREST);
    measure_ring();
    bench_run("fiber_take_make_run_exit_give", (double)switches, run_fibers, NULL);
    wf_stacks_free(stacks);
    return 0;
}
