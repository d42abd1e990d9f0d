/* SPDX-License-Identifier: MIT */

/* Jobs on their threads, and the task that waits for them. */

#include "core/exec/exec_priv.h"

#include "core/sim/sim_chance.h"
#include "core/sim/sim_trace.h"
#include "core/task/sched_priv.h"

static _Thread_local struct wf_exec_job *exec_current;

struct wf_exec_job *wf_exec_job_self(void)
{
    return exec_current;
}

bool weft_blocking_cancelled(void)
{
    struct wf_exec_job *job = exec_current;
    return job != NULL && atomic_load_explicit(&job->batch->must_stop, memory_order_relaxed);
}

char *wf_exec_text(void)
{
    return exec_current != NULL ? exec_current->text : NULL;
}

const struct wf_locals *wf_exec_locals(void)
{
    return exec_current != NULL ? exec_current->batch->locals : NULL;
}

/* ---- one job ---- */

/* On the thread that does it. */
void wf_exec_job_run(struct wf_exec_job *job)
{
    struct wf_exec_batch *batch = job->batch;
    exec_current = job;
    int rc = batch->fn(batch->arg);
    exec_current = NULL;
    job->result = rc < -4095 ? -EPROTO : rc;
}

/* The job is over, one way or the other; on the loop's thread. */
static void job_leave(struct wf_exec_job *job)
{
    weft_exec *exec = job->batch->exec;
    job->batch->left--;
    weft_loop_unhold(exec->loop);
    wf_exec_give(exec);
}

static void job_finished(weft_msg *msg)
{
    struct wf_exec_job *job = wf_container(msg, struct wf_exec_job, msg);
    struct wf_exec_batch *batch = job->batch;
    batch->result = job->result;
    job_leave(job);
    if (batch->left == 0)
        weft_wake(&batch->waiter, batch->result);
}

static void job_on_pool(struct wf_pool_job *pool_job)
{
    struct wf_exec_job *job = wf_container(pool_job, struct wf_exec_job, pool_job);
    weft_loop *loop = job->batch->exec->loop;
    wf_exec_job_run(job);
    weft_post_msg(loop, &job->msg); /* the last touch: the waiting task owns this memory */
}

/* Simulation: the body runs here, where no task runs, and sees no loop, as on a thread. */
static void job_on_timer(weft_timer *timer)
{
    struct wf_exec_job *job = wf_container(timer, struct wf_exec_job, timer);
    weft_loop *loop = job->batch->exec->loop;
    if (job->stage == WF_EXEC_DONE) {
        job_finished(&job->msg);
        return;
    }
    wf_loop_make_current(NULL);
    wf_exec_job_run(job);
    wf_loop_make_current(loop);
    job->stage = WF_EXEC_DONE;
    wf_sim_trace(loop, WF_SIM_TRACE_BLOCKING, (uint64_t)job->result, 0);
    weft_timer_start(loop, timer, weft_loop_now(loop) + wf_sim_blocking_delay(loop));
}

static int job_submit(weft_exec *exec, struct wf_exec_job *job)
{
    int rc = 0;
    job->pool_job.fn = job_on_pool;
    job->msg.fn = job_finished;
    if (exec->pool == NULL) {
        weft_time at = weft_loop_now(exec->loop) + wf_sim_blocking_delay(exec->loop);
        weft_timer_init(&job->timer, job_on_timer);
        weft_timer_start(exec->loop, &job->timer, at);
    } else {
        rc = wf_pool_submit(exec->pool, &job->pool_job);
    }
    if (rc == 0) {
        job->batch->left++;
        weft_loop_hold(exec->loop);
    }
    return rc;
}

/* True: it had not started and never will. */
static bool job_withdraw(weft_exec *exec, struct wf_exec_job *job)
{
    if (exec->pool != NULL)
        return wf_pool_withdraw(exec->pool, &job->pool_job);
    if (job->stage == WF_EXEC_DONE || !weft_timer_is_running(&job->timer))
        return false;
    weft_timer_stop(exec->loop, &job->timer);
    return true;
}

/* ---- a batch ---- */

static void batch_cancel(weft_waiter *waiter)
{
    struct wf_exec_batch *batch = waiter->object;
    atomic_store_explicit(&batch->must_stop, true, memory_order_relaxed);
    for (uint32_t i = 0; i < batch->job_count; i++) {
        if (job_withdraw(batch->exec, &batch->jobs[i]))
            job_leave(&batch->jobs[i]);
    }
    if (batch->left == 0)
        weft_wake(waiter, -ECANCELED);
}

static const weft_wait_class exec_batch_class = {.what = "blocking work", .cancel = batch_cancel};

int wf_exec_batch_run(struct wf_exec_batch *batch)
{
    weft_exec *exec = batch->exec;
    uint32_t started = 0;
    int rc = 0;
    batch->waiter = (weft_waiter)WEFT_WAITER(&exec_batch_class, batch);
    batch->locals = wf_current()->body->locals;
    for (uint32_t i = 0; i < batch->job_count; i++) {
        batch->jobs[i].batch = batch;
        wf_list_init(&batch->jobs[i].pool_job.link);
        rc = job_submit(exec, &batch->jobs[i]);
        if (rc < 0)
            break;
        started++;
    }
    for (uint32_t i = started; i < batch->job_count; i++)
        wf_exec_give(exec);
    batch->job_count = started;
    return started != 0 ? weft_park(&batch->waiter) : rc;
}

int wf_exec_tell(int rc, const char *text)
{
    if (rc >= 0)
        return rc;
    if (rc == -ECANCELED)
        (void)weft_check(); /* for weft_why(): the body saw the cancel, its task has not yet */
    return weft_fail(rc, "%s", text);
}
