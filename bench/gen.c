/* SPDX-License-Identifier: MIT */

/*
 * What does a step of a generator cost?  N steps of one that counts, by next; the same through a
 * second generator that hands on what the first yields (per value, so two steps); N generators
 * opened, asked once, and closed.  For comparison, in the same run: two plain switches between
 * fibers, and the same values through a call of a function pointer.
 */

#include "bench.h"
#include "core/stack/fiber.h"

#include <weft.h>

static size_t steps;

static void fail(const char *what)
{
    fprintf(stderr, "gen: %s failed\n", what);
    exit(1);
}

static int count_up(weft_gen *self, void *arg)
{
    (void)arg;
    for (uint64_t i = 0;; i++)
        WEFT_TRY(weft_gen_yield(self, &i));
}

static int hand_on(weft_gen *self, void *arg)
{
    uint64_t value;
    int rc;
    weft_foreach(rc, value, weft_gen_open(count_up, arg)) WEFT_TRY(weft_gen_yield(self, &value));
    return rc;
}

static void run_steps(void *arg)
{
    weft_gen *gen = arg;
    uint64_t sum = 0, value;
    for (size_t i = 0; i < steps; i++) {
        if (weft_gen_next(gen, &value) != 1)
            fail("next");
        sum += value;
    }
    if (sum == 0)
        fail("sum");
}

static void run_open_close(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < steps; i++) {
        uint64_t value;
        weft_gen *gen = weft_gen_open(count_up, NULL);
        if (weft_gen_next(gen, &value) != 1 || weft_gen_close(gen) < 0)
            fail("open, next, close");
    }
}

static uint64_t called_value;
static int give_next(uint64_t *out)
{
    *out = called_value++;
    return 1;
}
static int (*volatile give)(uint64_t *out) = give_next;

static void run_calls(void *arg)
{
    (void)arg;
    uint64_t sum = 0, value;
    for (size_t i = 0; i < steps; i++) {
        if (give(&value) != 1)
            fail("call");
        sum += value;
    }
    if (sum == 0)
        fail("sum");
}

/* ---- two plain switches, there and back ---- */

static wf_fiber here, there;

static int back(void *arg)
{
    (void)arg;
    for (;;)
        wf_fiber_switch(&there, &here);
    return 0;
}

static void run_switches(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < steps; i++)
        wf_fiber_switch(&here, &there);
}

static void never(wf_fiber *fiber, int rc)
{
    (void)fiber;
    (void)rc;
    abort();
}

static void measure_switches(void)
{
    wf_stack stack;
    if (wf_stack_map(&stack, 65536) < 0)
        fail("stack");
    wf_fiber_make(&there, &stack, back, NULL, &here, never);
    wf_fiber_switch(&here, &there);
    bench_run("switch_there_and_back", (double)steps, run_switches, NULL);
    wf_fiber_end(&there);
    wf_stack_unmap(&stack);
}

static int measure(void *arg)
{
    (void)arg;
    weft_gen *plain = weft_gen_open(count_up, NULL), *nested = weft_gen_open(hand_on, NULL);
    bench_run("gen_step", (double)steps, run_steps, plain);
    bench_run("gen_step_through_another", (double)steps, run_steps, nested);
    bench_run("gen_open_next_close", (double)steps, run_open_close, NULL);
    bench_run("call_by_pointer", (double)steps, run_calls, NULL);
    measure_switches();
    WEFT_TRY(weft_gen_close(plain));
    return weft_gen_close(nested);
}

int main(int argc, char **argv)
{
    steps = bench_count(argc, argv, 5000000);
    weft_config config = {.hog = WEFT_FOREVER};
    return weft_run_with(&config, measure, NULL) < 0;
}
