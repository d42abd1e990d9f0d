/* SPDX-License-Identifier: MIT */

/* A fault plan under many seeds, for tests of two ends that talk through a simulated network. */

#include "harness.h"

#include <weft/sim.h>

#define PARTS 5 /* of the usual seeds, between two looks at the time */

static void sweep_some(weft_sim_options *plan, const char *text, uint64_t count, weft_fn *fn,
                       void *arg)
{
    weft_sim_failure failure = {.rc = 0};
    int rc = weft_sim_sweep(plan, count, fn, arg, &failure);
    note("\"%s\", seed %llu, step %llu: %d, %s; %u descriptors; smaller: %s", text,
         (unsigned long long)failure.seed, (unsigned long long)failure.step, failure.rc,
         failure.text, failure.descriptors, failure.plan);
    CHECK_EQ(rc, 0);
    plan->seed += count;
}

uint64_t test_sweep_plan(const char *text, uint64_t usual, uint64_t step_max, weft_fn *fn,
                         void *arg)
{
    weft_sim_options plan = {.seed = test_seed(), .step_max = step_max};
    usual = test_amount(usual, usual / 4);
    uint64_t done = 0, wanted = test_seed_count(usual),
             part = usual < PARTS ? usual : usual / PARTS;
    size_t blocks = live_blocks();
    CHECK_OK(weft_sim_plan(&plan, text));
    for (; done < wanted && (done < usual || test_has_time()); done += part)
        sweep_some(&plan, text, part, fn, arg);
    CHECK_EQ(live_blocks(), blocks);
    return done;
}
