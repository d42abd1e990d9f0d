/* SPDX-License-Identifier: MIT */

/*
 * Executors: threads that run bodies for tasks, and who waits for them.
 *
 *     exec.c          executors: limits, getting in, the calls for one body
 *     exec_batch.c    jobs on their threads, and a task that waits for some
 *     exec_pieces.c   one body for many pieces
 *
 * A task first gets a place in its executor (queued or running bodies are bounded), then submits.
 * Invariant: nobody waits for a place unless all are taken; a place is handed over, not freed.
 */
#ifndef WF_EXEC_PRIV_H
#define WF_EXEC_PRIV_H

#include <weft/error.h>
#include <weft/exec.h>
#include <weft/sys/loop.h>
#include <weft/sys/park.h>

#include "base/list.h"
#include "core/exec/pool.h"

#include <stdatomic.h>

struct wf_sched;

struct weft_exec {
    wf_list link; /* in its scheduler's list */
    weft_loop *loop;
    struct wf_pool *pool;    /* NULL in simulation */
    uint32_t jobs, jobs_max; /* in hand: queued or running */
    weft_waitq room;         /* who waits to get a job in; empty unless jobs == jobs_max */
};

enum wf_exec_stage { WF_EXEC_QUEUED, WF_EXEC_DONE };

/* One stretch of work on one thread. */
struct wf_exec_job {
    struct wf_pool_job pool_job;
    weft_msg msg;     /* from the thread: it is done */
    weft_timer timer; /* simulation: when it begins, then when it is told */
    struct wf_exec_batch *batch;
    int result;
    uint8_t stage; /* simulation; enum wf_exec_stage */
    char text[WEFT_ERROR_TEXT_BYTES];
};

/* What one task waits for. */
struct wf_exec_batch {
    weft_waiter waiter;
    weft_exec *exec;
    weft_fn *fn;
    void *arg;
    struct wf_exec_job *jobs;
    uint32_t job_count;
    const struct wf_locals *locals; /* of the task that waits: nobody sets them meanwhile */
    uint32_t left;                  /* jobs that are neither done nor withdrawn */
    int result;                     /* of the job that ended last */
    _Atomic bool must_stop;         /* nobody wants it any more */
};

/* ---- exec.c ---- */

/* The executor for bodies that compute, made when first used. */
int wf_exec_cpu(weft_exec **out);

/* Get a place for one job, without waiting (-EAGAIN) or waiting for one (-ECANCELED). */
int wf_exec_try_take(weft_exec *exec);
int wf_exec_take(weft_exec *exec);
void wf_exec_give(weft_exec *exec);

/* Ends all executors of a run.  No task may run any more. */
void wf_exec_fini(struct wf_sched *sched);

/* Threads of all executors of the loop that live now. */
uint32_t wf_exec_thread_count(weft_loop *loop);

/* ---- exec_batch.c ---- */

/* Submits its jobs, for which there are places, and waits for all.  If only some can be started,
 * those do the work. */
int wf_exec_batch_run(struct wf_exec_batch *batch);

/* Makes the text of a body's failure the calling task's, and returns `rc`. */
int wf_exec_tell(int rc, const char *text);

/* Runs the job's body on this thread, and keeps its result and text. */
void wf_exec_job_run(struct wf_exec_job *job);

/* The body on this thread, or NULL. */
struct wf_exec_job *wf_exec_job_self(void);

/* Where a blocking body on this thread keeps its error text (WEFT_ERROR_TEXT_BYTES bytes); NULL
 * outside of one.
 */
char *wf_exec_text(void);

/* The task locals that a blocking body on this thread sees; NULL: none, or outside of one. */
const struct wf_locals *wf_exec_locals(void);

#endif
