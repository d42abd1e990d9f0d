/* SPDX-License-Identifier: MIT */

/*
 * Work: how the matcher's computing meets tasks, threads and cancel.  The computing itself is plain
 * functions that look at their job now and then.
 */
#ifndef WF_MATCH_WORK_H
#define WF_MATCH_WORK_H

#include <weft/base.h>

/* What a piece of computing minds.  `stop` is the matcher's: a negative code once all must end; any
 * thread may set it. */
typedef struct wf_job {
    const int *stop; /* NULL: nothing */
} wf_job;

/* 0, or the reason to end now: -ECANCELED, -WEFT_M_ECLOSED.  Costs a load or two. */
int wf_job_poll(const wf_job *job);

/* Runs fn(arg) on the executor if this is a task, else here.  fn waits for nothing. */
WEFT_WAITS int wf_work_run(weft_fn *fn, void *arg);

/* Runs fn(arg) up to `count` times side by side; fn shares out the work itself and returns when
 * none is left.  All have ended when it returns; the result is 0 or one of the failures. */
WEFT_WAITS int wf_work_spread(weft_fn *fn, void *arg, size_t count);

/* True in a task of a loop. */
bool wf_work_is_task(void);

/* How many can run side by side. */
size_t wf_work_width(void);

#endif
