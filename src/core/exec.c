/* SPDX-License-Identifier: MIT */

/* Blocking work: batches of jobs on the loop's pool, and tasks that wait for them. */

#include <weft/exec.h>

#include "core/exec_priv.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "core/pool.h"
#include "core/sched_priv.h"
#include "core/sim_trace.h"

#include <assert.h>
#include <stdatomic.h>

#define EXEC_THREADS_MAX 32
#define EXEC_QUEUE_MAX 1024
#define EXEC_IDLE (30 * WEFT_SEC)
#define EXEC_SIM_DELAY (2 * WEFT_MS) /* simulation: a body begins, and ends, within this time */

struct wf_exec {
    weft_loop *loop;
    struct wf_pool *pool;    /* NULL in simulation */
    uint32_t jobs, jobs_max; /* in hand: queued or running */
    weft_waitq room;         /* who waits to get a job in; empty unless jobs == jobs_max */
    uint32_t processor_count;
};

enum exec_stage { EXEC_QUEUED, EXEC_DONE };

/* One stretch of work on one thread. */
struct exec_job {
    struct wf_pool_job pool_job;
    weft_msg msg;     /* from the thread: it is done */
    weft_timer timer; /* simulation: when it begins, then when it is told */
    struct exec_batch *batch;
    int result;
    uint8_t stage; /* simulation; enum exec_stage */
    char text[WEFT_ERROR_TEXT_BYTES];
};

/* What one task waits for. */
struct exec_batch {
    weft_waiter waiter;
    struct wf_exec *exec;
    weft_fn *fn;
    void *arg;
    struct exec_job *jobs;
    uint32_t job_count;
    uint32_t left;          /* jobs that are neither done nor withdrawn */
    int result;             /* of the job that ended last */
    _Atomic bool must_stop; /* nobody wants it any more */
};

static _Thread_local struct exec_job *exec_current;

bool weft_blocking_cancelled(void)
{
    struct exec_job *job = exec_current;
    return job != NULL && atomic_load_explicit(&job->batch->must_stop, memory_order_relaxed);
}

char *wf_exec_text(void)
{
    return exec_current != NULL ? exec_current->text : NULL;
}

/* ---- the executor ---- */

static uint32_t exec_thread_max(const weft_config *config)
{
    if (config->blocking_thread_max != 0)
        return config->blocking_thread_max;
    uint32_t wanted = (uint32_t)wf_sys_cpu_count() * 2;
    return wanted < EXEC_THREADS_MAX ? wanted : EXEC_THREADS_MAX;
}

static int exec_new(struct wf_sched *sched)
{
    const weft_config *config = &sched->config;
    struct wf_exec *exec = wf_alloc(sizeof *exec);
    if (exec == NULL)
        return -ENOMEM;
    struct wf_pool_options options = {
        .platform = sched->loop->platform,
        .thread_max = exec_thread_max(config),
        .idle = config->blocking_idle != 0 ? config->blocking_idle : EXEC_IDLE,
    };
    uint32_t queue_max =
        config->blocking_queue_max != 0 ? config->blocking_queue_max : EXEC_QUEUE_MAX;
    exec->loop = sched->loop;
    exec->jobs_max = options.thread_max + queue_max;
    exec->processor_count = (uint32_t)wf_sys_cpu_count();
    int rc = sched->is_seeded ? 0 : wf_pool_new(&exec->pool, &options);
    if (rc < 0)
        wf_free(exec);
    else
        sched->exec = exec;
    return rc;
}

void wf_exec_fini(weft_loop *loop)
{
    struct wf_exec *exec = loop->sched->exec;
    if (exec == NULL)
        return;
    assert(exec->jobs == 0);
    wf_pool_free(exec->pool);
    wf_free(exec);
    loop->sched->exec = NULL;
}

uint32_t wf_exec_thread_count(weft_loop *loop)
{
    struct wf_exec *exec = loop->sched->exec;
    return exec != NULL && exec->pool != NULL ? wf_pool_thread_count(exec->pool) : 0;
}

/* Every suspension point of this file begins here. */
static int exec_enter(struct wf_exec **out)
{
    int rc = weft_sp_enter();
    if (rc < 0)
        return rc;
    struct wf_sched *sched = wf_sched_self();
    rc = sched->exec == NULL ? exec_new(sched) : 0;
    *out = sched->exec;
    return rc;
}

/* ---- getting in ---- */

static const weft_wait_class exec_room_class = {.what = "room in the blocking pool"};

static int exec_try_take(struct wf_exec *exec)
{
    if (exec->jobs >= exec->jobs_max)
        return -EAGAIN;
    exec->jobs++;
    return 0;
}

/* Hands the place over rather than free it: a task that asks before the waiter has run must not
 * overtake it. */
static void exec_give(struct wf_exec *exec)
{
    weft_waiter *waiter = weft_waitq_pop(&exec->room);
    if (waiter != NULL)
        weft_wake(waiter, 0);
    else
        exec->jobs--;
}

static int exec_take(struct wf_exec *exec)
{
    if (exec_try_take(exec) == 0)
        return 0;
    weft_waiter self = WEFT_WAITER(&exec_room_class, exec);
    weft_waitq_push(&exec->room, &self);
    int rc = weft_park(&self);
    if (rc < 0)
        return rc;
    rc = weft_check(); /* the place is ours, but nobody may want the work any more */
    if (rc < 0)
        exec_give(exec);
    return rc;
}

/* ---- one job ---- */

/* On the thread that does it. */
static void job_run(struct exec_job *job)
{
    struct exec_batch *batch = job->batch;
    exec_current = job;
    int rc = batch->fn(batch->arg);
    exec_current = NULL;
    job->result = rc < -4095 ? -EPROTO : rc;
}

/* The job is over, one way or the other; on the loop's thread. */
static void job_leave(struct exec_job *job)
{
    struct wf_exec *exec = job->batch->exec;
    job->batch->left--;
    weft_loop_unhold(exec->loop);
    exec_give(exec);
}

static void job_finished(weft_msg *msg)
{
    struct exec_job *job = wf_container(msg, struct exec_job, msg);
    struct exec_batch *batch = job->batch;
    batch->result = job->result;
    job_leave(job);
    if (batch->left == 0)
        weft_wake(&batch->waiter, batch->result);
}

static void job_on_pool(struct wf_pool_job *pool_job)
{
    struct exec_job *job = wf_container(pool_job, struct exec_job, pool_job);
    weft_loop *loop = job->batch->exec->loop;
    job_run(job);
    weft_post_msg(loop, &job->msg); /* the last touch: the waiting task owns this memory */
}

/* Simulation: the body runs here, where no task runs, and sees no loop, as on a thread. */
static void job_on_timer(weft_timer *timer)
{
    struct exec_job *job = wf_container(timer, struct exec_job, timer);
    weft_loop *loop = job->batch->exec->loop;
    if (job->stage == EXEC_DONE) {
        job_finished(&job->msg);
        return;
    }
    wf_loop_current = NULL;
    job_run(job);
    wf_loop_current = loop;
    job->stage = EXEC_DONE;
    wf_sim_trace(loop, WF_SIM_TRACE_BLOCKING, (uint64_t)job->result, 0);
    weft_time delay = (weft_time)(wf_loop_random(loop) % EXEC_SIM_DELAY);
    weft_timer_start(loop, timer, weft_loop_now(loop) + delay);
}

static int job_submit(struct wf_exec *exec, struct exec_job *job)
{
    int rc = 0;
    job->pool_job.fn = job_on_pool;
    job->msg.fn = job_finished;
    if (exec->pool == NULL) {
        weft_time delay = (weft_time)(wf_loop_random(exec->loop) % EXEC_SIM_DELAY);
        weft_timer_init(&job->timer, job_on_timer);
        weft_timer_start(exec->loop, &job->timer, weft_loop_now(exec->loop) + delay);
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
static bool job_withdraw(struct wf_exec *exec, struct exec_job *job)
{
    if (exec->pool != NULL)
        return wf_pool_withdraw(exec->pool, &job->pool_job);
    if (job->stage == EXEC_DONE || !weft_timer_is_running(&job->timer))
        return false;
    weft_timer_stop(exec->loop, &job->timer);
    return true;
}

/* ---- a batch ---- */

static void batch_cancel(weft_waiter *waiter)
{
    struct exec_batch *batch = waiter->object;
    atomic_store_explicit(&batch->must_stop, true, memory_order_relaxed);
    for (uint32_t i = 0; i < batch->job_count; i++) {
        if (job_withdraw(batch->exec, &batch->jobs[i]))
            job_leave(&batch->jobs[i]);
    }
    if (batch->left == 0)
        weft_wake(waiter, -ECANCELED);
}

static const weft_wait_class exec_batch_class = {.what = "blocking work", .cancel = batch_cancel};

/* Submits its jobs, for which there is room, and waits for all.  If only some can be started, those
 * do the work. */
static int batch_run(struct exec_batch *batch)
{
    struct wf_exec *exec = batch->exec;
    uint32_t started = 0;
    int rc = 0;
    batch->waiter = (weft_waiter)WEFT_WAITER(&exec_batch_class, batch);
    for (uint32_t i = 0; i < batch->job_count; i++) {
        batch->jobs[i].batch = batch;
        wf_list_init(&batch->jobs[i].pool_job.link);
        rc = job_submit(exec, &batch->jobs[i]);
        if (rc < 0)
            break;
        started++;
    }
    for (uint32_t i = started; i < batch->job_count; i++)
        exec_give(exec);
    batch->job_count = started;
    return started != 0 ? weft_park(&batch->waiter) : rc;
}

/* The text of a body becomes the task's. */
static int exec_tell(int rc, const char *text)
{
    if (rc >= 0)
        return rc;
    wf_task *self = wf_task_self();
    wf_note_drop(&self->note);
    return text[0] != '\0' ? weft_fail(rc, "%s", text) : rc;
}

static int run_one(struct wf_exec *exec, weft_fn *fn, void *arg)
{
    struct exec_job job = {.result = 0};
    struct exec_batch batch = {.exec = exec, .fn = fn, .arg = arg, .jobs = &job, .job_count = 1};
    return exec_tell(batch_run(&batch), job.text);
}

int weft_run_blocking(weft_fn *fn, void *arg)
{
    struct wf_exec *exec;
    int rc = exec_enter(&exec);
    if (rc == 0)
        rc = exec_take(exec);
    return rc < 0 ? rc : run_one(exec, fn, arg);
}

int weft_run_blocking_try(weft_fn *fn, void *arg)
{
    struct wf_exec *exec;
    int rc = exec_enter(&exec);
    if (rc == 0)
        rc = exec_try_take(exec);
    return rc < 0 ? rc : run_one(exec, fn, arg);
}

/* ---- many pieces ---- */

struct exec_pieces {
    int (*fn)(void *arg, size_t index);
    void *arg;
    size_t count;
    struct exec_batch batch;
    _Atomic size_t next;     /* piece to start */
    _Atomic size_t done;     /* pieces that succeeded */
    _Atomic int error;       /* the first one */
    struct exec_job *failed; /* whose error it is; written by that job only */
};

/* One thread's share: as many pieces as it gets. */
static int pieces_run(void *arg)
{
    struct exec_pieces *pieces = arg;
    while (!weft_blocking_cancelled()) {
        size_t index = atomic_fetch_add_explicit(&pieces->next, 1, memory_order_relaxed);
        if (index >= pieces->count)
            break;
        exec_current->text[0] = '\0';
        int rc = pieces->fn(pieces->arg, index);
        if (rc >= 0) {
            atomic_fetch_add_explicit(&pieces->done, 1, memory_order_relaxed);
            continue;
        }
        int none = 0;
        if (atomic_compare_exchange_strong(&pieces->error, &none, rc < -4095 ? -EPROTO : rc))
            pieces->failed = exec_current;
        atomic_store_explicit(&pieces->batch.must_stop, true, memory_order_relaxed);
        break;
    }
    return 0;
}

static int pieces_outcome(const struct exec_pieces *pieces)
{
    if (pieces->error != 0)
        return exec_tell(pieces->error, pieces->failed->text);
    if (pieces->done == pieces->count)
        return 0;
    (void)weft_check(); /* for weft_why() */
    return -ECANCELED;
}

int weft_run_blocking_n(int (*fn)(void *arg, size_t index), void *arg, size_t count)
{
    struct wf_exec *exec;
    int rc = exec_enter(&exec);
    if (rc < 0 || count == 0)
        return rc;
    rc = exec_take(exec);
    if (rc < 0)
        return rc;

    uint32_t job_count = 1; /* more only where nobody has to wait for them */
    while (job_count < exec->processor_count && job_count < count && exec_try_take(exec) == 0)
        job_count++;
    struct exec_pieces pieces = {.fn = fn, .arg = arg, .count = count};
    struct exec_job *jobs = wf_array(job_count, sizeof *jobs);
    if (jobs == NULL) {
        while (job_count-- > 0)
            exec_give(exec);
        return -ENOMEM;
    }
    pieces.batch = (struct exec_batch){
        .exec = exec, .fn = pieces_run, .arg = &pieces, .jobs = jobs, .job_count = job_count};
    rc = batch_run(&pieces.batch);
    if (pieces.batch.job_count != 0)
        rc = pieces_outcome(&pieces);
    wf_free(jobs);
    return rc;
}
