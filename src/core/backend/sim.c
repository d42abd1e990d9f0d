/* SPDX-License-Identifier: MIT */

/* The simulator's entry in the table; it comes with the next change. */

#include "core/backend/backend_priv.h"
#include "core/sim_trace.h"

static int sim_open(weft_loop *loop, const weft_loop_options *options)
{
    (void)loop;
    (void)options;
    return -ENOSYS;
}

const struct wf_backend wf_backend_sim = {.name = "sim", .open = sim_open};

void wf_sim_trace(weft_loop *loop, enum wf_sim_trace_kind kind, uint64_t a, uint64_t b)
{
    (void)loop;
    (void)kind;
    (void)a;
    (void)b;
}
