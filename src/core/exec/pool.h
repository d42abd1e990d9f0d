/* SPDX-License-Identifier: MIT */

/* Pool: threads that run jobs.  Knows nothing of loops and tasks.  All calls from one thread. */
#ifndef WF_POOL_H
#define WF_POOL_H

#include <weft/sys/platform.h>

#include "base/list.h"

/* Embed it, with fn set.  It is the pool's from submit until fn is called or it is withdrawn; fn
 * may free it. */
struct wf_pool_job {
    wf_list link;
    void (*fn)(struct wf_pool_job *job);
};

struct wf_pool_options {
    const weft_platform *platform; /* for the threads; borrowed */
    uint32_t thread_max;
    weft_time idle;     /* a thread without work for so long ends */
    size_t stack_bytes; /* of a thread; 0: the system's default */
};

struct wf_pool;

int wf_pool_new(struct wf_pool **out, const struct wf_pool_options *options);

/* Joins all threads.  No job may be queued.  NULL is fine. */
void wf_pool_free(struct wf_pool *pool);

/* Queues the job, starting a thread if all are busy and there may be more.  An error only if there
 * is no thread at all and none can be started; then the job is the caller's. */
int wf_pool_submit(struct wf_pool *pool, struct wf_pool_job *job);

/* Takes a job back.  True: it had not started and is the caller's again. */
bool wf_pool_withdraw(struct wf_pool *pool, struct wf_pool_job *job);

/* Threads that live now. */
uint32_t wf_pool_thread_count(struct wf_pool *pool);

#endif
