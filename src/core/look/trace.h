/* SPDX-License-Identifier: MIT */

/*
 * Trace: where a task is, as addresses.  By its loop's thread; nothing runs meanwhile and nothing
 * is written to the task's stack, whose frames are found by the unwinder's tables, whatever a body
 * was compiled with.
 */
#ifndef WF_TRACE_H
#define WF_TRACE_H

#include "core/task/sched_priv.h"

#define WF_TRACE_FRAMES 24

/* The unwinder's first call loads a library, which takes memory: make it where that may be. */
void wf_trace_prepare(void);

/* The innermost frames of a task that waits or is ready: its generators', then its own.  The
 * running one's are those of the caller.  How many; 0 for one that never ran or whose body has
 * returned. */
int wf_trace_task(const struct wf_sched *sched, const wf_task *task, void *out[], int frames_max);

#endif
