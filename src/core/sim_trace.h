/* SPDX-License-Identifier: MIT */

/* What the simulator's running hash is made of (rule Z01). */
#ifndef WF_SIM_TRACE_H
#define WF_SIM_TRACE_H

#include <weft/sys/loop.h>

enum wf_sim_trace_kind {
    WF_SIM_TRACE_SWITCH,   /* task slot, generation */
    WF_SIM_TRACE_TIME,     /* the new time */
    WF_SIM_TRACE_COMPLETE, /* operation, result */
    WF_SIM_TRACE_BYTES,    /* hash of the bytes moved, their count */
    WF_SIM_TRACE_BLOCKING, /* result of a blocking body */
};

/* Adds to the trace of a loop whose back end is the simulator. */
void wf_sim_trace(weft_loop *loop, enum wf_sim_trace_kind kind, uint64_t a, uint64_t b);

#endif
