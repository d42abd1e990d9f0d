/* SPDX-License-Identifier: MIT */

#ifndef WF_CURRENT_H
#define WF_CURRENT_H

#include <weft/sys/loop.h>

/* The calling thread's loop, or NULL. */
extern _Thread_local weft_loop *wf_loop_current __attribute__((tls_model("initial-exec")));

/* Its scheduler, or NULL. */
extern _Thread_local struct wf_sched *wf_sched_current __attribute__((tls_model("initial-exec")));

#endif
