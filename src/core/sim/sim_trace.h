/* SPDX-License-Identifier: MIT */

/* What happened in the simulated world: a running hash (rule Z01), and the last steps for a human.
 */
#ifndef WF_SIM_TRACE_H
#define WF_SIM_TRACE_H

#include <weft/sys/loop.h>

#include <stdint.h>

struct sim_world;

enum wf_sim_trace_kind {
    WF_SIM_TRACE_SWITCH,   /* task slot, generation */
    WF_SIM_TRACE_TIME,     /* the new time */
    WF_SIM_TRACE_COMPLETE, /* descriptor and kind << 32, result */
    WF_SIM_TRACE_BYTES,    /* hash of the bytes moved, their count */
    WF_SIM_TRACE_BLOCKING, /* result of a blocking body */
    WF_SIM_TRACE_CHANCE,   /* what went wrong by chance: enum sim_chance_kind */
    WF_SIM_TRACE_FAULT,    /* number in the plan, 1 begins or 0 ends */
};

struct sim_trace {
    uint64_t hash, steps;
    uint64_t end_step;     /* at which the body returned */
    uint64_t step_stop;    /* something is to be done at this one */
    struct sim_step *kept; /* the last options.trace_steps, or NULL */
};

/* Adds to the trace of a loop whose back end is the simulator. */
void wf_sim_trace(weft_loop *loop, enum wf_sim_trace_kind kind, uint64_t a, uint64_t b);

/* The same for those who know the world and not the loop. */
void wf_sim_trace_add(struct sim_world *world, enum wf_sim_trace_kind kind, uint64_t a, uint64_t b);

int wf_sim_trace_open(struct sim_world *world);
void wf_sim_trace_close(struct sim_world *world);

/* Tells what is kept of it on standard error, under a line with seed, step and `what`. */
void wf_sim_trace_tell(const struct sim_world *world, const char *what);

uint64_t wf_sim_hash_bytes(const void *bytes, size_t count);

#endif
