/* SPDX-License-Identifier: MIT */

/* A started process, as its two files and the end of the run see it. */
#ifndef WF_PROCESS_PRIV_H
#define WF_PROCESS_PRIV_H

#include <weft/process.h>
#include <weft/sys/loop.h>

#include "base/list.h"

struct wf_sched;

/* Invariant: until it is reaped its pid is its own, so that no signal can meet a stranger. */
struct weft_process {
    wf_list link; /* in its scheduler's list */
    weft_loop *loop;
    int pid, pidfd; /* pidfd -1: the kernel has none */
    int fds[3];     /* our ends of pipes, or -1 */
    int status;     /* once reaped; or -errno */
    bool is_reaped, has_group;
    weft_time kill_after;
};

/* The run is over: kills, reaps and reports what was never closed. */
void wf_process_fini(struct wf_sched *sched);

#endif
