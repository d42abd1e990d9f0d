/* SPDX-License-Identifier: MIT */

/* What the simulator's running hash is made of (rule Z01). */
#ifndef WF_SIM_TRACE_H
#define WF_SIM_TRACE_H

#include <weft/sys/loop.h>

enum wf_sim_trace_kind {
    WF_SIM_TRACE_SWITCH,   /* task slot, generation */
    WF_SIM_TRACE_TIME,     /* the new time */
    WF_SIM_TRACE_COMPLETE, /* descriptor and kind << 32, result */
    WF_SIM_TRACE_BYTES,    /* hash of the bytes moved, their count */
    WF_SIM_TRACE_BLOCKING, /* result of a blocking body */
    WF_SIM_TRACE_CHANCE,   /* what went wrong by chance: enum sim_chance_kind */
    WF_SIM_TRACE_FAULT,    /* number in the plan, 1 begins or 0 ends */
};

/* Adds to the trace of a loop whose back end is the simulator. */
void wf_sim_trace(weft_loop *loop, enum wf_sim_trace_kind kind, uint64_t a, uint64_t b);

/* How long a blocking body waits to begin, and to be told of. */
weft_time wf_sim_blocking_delay(weft_loop *loop);

#endif
