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
#define WF_TRACE_TEXT_BYTES 320 /* fits a line of the log */

/* The unwinder's first call loads a library, which takes memory: make it where that may be. */
void wf_trace_prepare(void);

/* The innermost frames of a task that waits or is ready: its generators', then its own.  The
 * running one's are those of the caller.  How many; 0 for one that never ran or whose body has
 * returned. */
int wf_trace_task(const struct wf_sched *sched, const wf_task *task, void *out[], int frames_max);

/* The innermost frames of whoever runs, without this function's and its caller's.  How many. */
int wf_trace_callers(void *out[], int frames_max);

/* Where the running task is, in one line: "weft_sleep+0x45 < body+0x12", as far as it fits.
 * Reads files: for what is said seldom. */
void wf_trace_text(char *out, size_t out_bytes);

#endif
