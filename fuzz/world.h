/* SPDX-License-Identifier: MIT */

/*
 * One simulated world for all inputs: to make one takes several times as long as to try an input in
 * it.  Between two inputs its main task is suspended in the middle of world_next(), on its own
 * stack, and the fuzzer's flow of control goes on.
 *
 * An input does the same whatever came before it: each begins with the same random numbers, and
 * must leave no task, descriptor or byte behind, which is for the main task to check.  Only the
 * clock has moved on.
 */
#ifndef FUZZ_WORLD_H
#define FUZZ_WORLD_H

#include <weft/sim.h>

#include "core/loop/loop_priv.h"
#include "core/sim/sim_world.h"
#include "core/stack/fiber.h"
#include "core/stack/stack.h"

#include <assert.h>
#include <stdlib.h>

#define WORLD_STACK_BYTES ((size_t)256 * 1024) /* of what runs outside of tasks */

static struct {
    wf_fiber fuzzer, run, live; /* `live`: the main task, while the fuzzer runs */
    wf_stack stack;
    weft_fn *fn;
    void *input;
    bool is_begun, is_over;
} world;

/* What an input finds, whichever came before it. */
static inline void world_reset(void)
{
    struct sim_world *sim = wf_sim_world_self();
    sim->chances.random = 1;
    sim->chances.app_random = 2;
    weft_loop_self()->random = 3;
}

static inline uint32_t world_descriptors(void)
{
    weft_sim_stats stats;
    weft_sim_stats_get(&stats);
    return stats.descriptor_count;
}

/* The main task's: the input before this one is done with.  NULL: it was the last. */
static inline void *world_next(void)
{
    if (world.is_begun)
        wf_fiber_switch(&world.live, &world.fuzzer);
    world.is_begun = true;
    world_reset();
    return world.input;
}

static inline int world_run(void *arg)
{
    static const weft_sim_options plan = {
        .seed = 1, .delay_max = -1, .short_ppm = WEFT_SIM_NEVER, .wait_ppm = WEFT_SIM_NEVER};
    (void)arg;
    wf_fiber_home_on(&world.run);
    int rc = weft_sim_run_with(&plan, world.fn, NULL);
    wf_fiber_home_on(NULL);
    return rc;
}

static inline void world_exit(wf_fiber *run, int rc)
{
    (void)run;
    assert(rc == 0);
    world.is_over = true;
    wf_fiber_resume(&world.fuzzer);
}

static inline void world_close(void)
{
    world.input = NULL;
    wf_fiber_switch(&world.fuzzer, &world.live);
    assert(world.is_over);
    wf_fiber_end(&world.run);
    wf_stack_unmap(&world.stack);
}

static inline void world_open(weft_fn *fn)
{
    world.fn = fn;
    int rc = wf_fiber_check_host();
    assert(rc == 0);
    rc = wf_stack_map(&world.stack, WORLD_STACK_BYTES);
    assert(rc == 0);
    wf_fiber_home_init(&world.fuzzer);
    wf_fiber_make(&world.run, &world.stack, world_run, NULL, &world.fuzzer, world_exit);
    rc = atexit(world_close);
    assert(rc == 0);
}

/* Lets fn(NULL), the world's main task, try this input: from one world_next() to the next. */
static inline void world_try(weft_fn *fn, void *input)
{
    if (!world.is_begun)
        world_open(fn);
    world.input = input;
    wf_fiber_switch(&world.fuzzer, world.is_begun ? &world.live : &world.run);
    assert(!world.is_over);
    world.input = NULL;
}

#endif
