/* SPDX-License-Identifier: MIT */

/* Executors: their limits, getting in, and the calls for one body. */

#include "core/exec/exec_priv.h"

#include <weft/sys/opened.h>

#include "base/alloc.h"
#include "base/sys.h"
#include "core/task/sched_priv.h"

#include <assert.h>
#include <stdio.h>

#define EXEC_THREADS_MAX 32
#define EXEC_QUEUE_MAX 1024
#define EXEC_IDLE (30 * WEFT_SEC)

/* ---- life ---- */

static uint32_t exec_threads_usual(void)
{
    uint32_t wanted = (uint32_t)wf_sys_cpu_count() * 2;
    return wanted < EXEC_THREADS_MAX ? wanted : EXEC_THREADS_MAX;
}

static int exec_new(struct wf_sched *sched, const weft_exec_options *given, weft_exec **out)
{
    weft_exec *exec = wf_alloc(sizeof *exec);
    if (exec == NULL)
        return -ENOMEM;
    struct wf_pool_options options = {
        .platform = sched->loop->platform,
        .thread_max = given->thread_max != 0 ? given->thread_max : exec_threads_usual(),
        .idle = given->idle != 0 ? given->idle : EXEC_IDLE,
    };
    uint32_t queue_max = given->queue_max != 0 ? given->queue_max : EXEC_QUEUE_MAX;
    exec->loop = sched->loop;
    if (__builtin_add_overflow(options.thread_max, queue_max, &exec->jobs_max))
        exec->jobs_max = UINT32_MAX;
    int rc = sched->is_seeded ? 0 : wf_pool_new(&exec->pool, &options);
    if (rc < 0) {
        wf_free(exec);
        return rc;
    }
    wf_list_append(&sched->execs.all, &exec->link);
    *out = exec;
    return 0;
}

static void exec_name(const void *object, char *out, size_t bytes)
{
    snprintf(out, bytes, "for %u bodies", (unsigned)((const weft_exec *)object)->jobs_max);
}

/* Not the two that are always there. */
static const weft_open_kind exec_kind = {"executor", "weft_exec_free()", exec_name};

int weft_exec_new(weft_exec **out, const weft_exec_options *options)
{
    struct wf_sched *sched = wf_sched_self();
    static const weft_exec_options nothing;
    if (sched == NULL)
        return -EPERM;
    int rc = exec_new(sched, options != NULL ? options : &nothing, out);
    if (rc == 0)
        weft_opened(*out, &exec_kind);
    return rc;
}

void weft_exec_free(weft_exec *exec)
{
    if (exec == NULL)
        return;
    assert(exec->jobs == 0);
    weft_closed(exec, &exec_kind);
    wf_list_remove(&exec->link);
    wf_pool_free(exec->pool);
    wf_free(exec);
}

void wf_exec_fini(struct wf_sched *sched)
{
    while (!wf_list_is_empty(&sched->execs.all))
        weft_exec_free(wf_container(sched->execs.all.next, weft_exec, link));
    sched->execs.blocking = NULL;
    sched->execs.cpu = NULL;
}

uint32_t wf_exec_thread_count(weft_loop *loop)
{
    uint32_t count = 0;
    wf_list_each (pos, &loop->sched->execs.all) {
        const weft_exec *exec = wf_container(pos, weft_exec, link);
        count += exec->pool != NULL ? wf_pool_thread_count(exec->pool) : 0;
    }
    return count;
}

/* ---- the two that are always there ---- */

static int exec_blocking(weft_exec **out)
{
    struct wf_sched *sched = wf_sched_self();
    weft_exec_options options = {
        .thread_max = sched->config.blocking_thread_max,
        .queue_max = sched->config.blocking_queue_max,
        .idle = sched->config.blocking_idle,
    };
    int rc = sched->execs.blocking == NULL ? exec_new(sched, &options, &sched->execs.blocking) : 0;
    *out = sched->execs.blocking;
    return rc;
}

int wf_exec_cpu(weft_exec **out)
{
    struct wf_sched *sched = wf_sched_self();
    uint32_t thread_max = sched->config.cpu_thread_max;
    weft_exec_options options = {
        .thread_max = thread_max != 0 ? thread_max : (uint32_t)wf_sys_cpu_count(),
        .queue_max = sched->config.blocking_queue_max,
        .idle = sched->config.blocking_idle,
    };
    int rc = sched->execs.cpu == NULL ? exec_new(sched, &options, &sched->execs.cpu) : 0;
    *out = sched->execs.cpu;
    return rc;
}

/* ---- getting in ---- */

static const weft_wait_class exec_room_class = {.what = "room in an executor"};

int wf_exec_try_take(weft_exec *exec)
{
    if (exec->jobs >= exec->jobs_max)
        return -EAGAIN;
    exec->jobs++;
    return 0;
}

/* Hands the place over rather than free it: a task that asks before the waiter has run must not
 * overtake it. */
void wf_exec_give(weft_exec *exec)
{
    weft_waiter *waiter = weft_waitq_pop(&exec->room);
    if (waiter != NULL)
        weft_wake(waiter, 0);
    else
        exec->jobs--;
}

int wf_exec_take(weft_exec *exec)
{
    if (wf_exec_try_take(exec) == 0)
        return 0;
    weft_waiter self = WEFT_WAITER(&exec_room_class, exec);
    weft_waitq_push(&exec->room, &self);
    int rc = weft_park(&self);
    if (rc < 0)
        return rc;
    rc = weft_check(); /* the place is ours, but nobody may want the work any more */
    if (rc < 0)
        wf_exec_give(exec);
    return rc;
}

/* ---- one body ---- */

static int run_one(weft_exec *exec, weft_fn *fn, void *arg)
{
    struct wf_exec_job job = {.result = 0};
    struct wf_exec_batch batch = {.exec = exec, .fn = fn, .arg = arg, .jobs = &job, .job_count = 1};
    return wf_exec_tell(wf_exec_batch_run(&batch), job.text);
}

/* In the executor that `find` gives; `take` gets a place there. */
static int run_in(int (*find)(weft_exec **out), int (*take)(weft_exec *exec), weft_fn *fn,
                  void *arg)
{
    weft_exec *exec = NULL;
    int rc = weft_sp_enter();
    if (rc < 0)
        return rc;
    rc = find(&exec);
    if (rc < 0)
        return rc;
    rc = take(exec);
    return rc < 0 ? rc : run_one(exec, fn, arg);
}

int weft_run_blocking(weft_fn *fn, void *arg)
{
    return run_in(exec_blocking, wf_exec_take, fn, arg);
}

int weft_run_blocking_try(weft_fn *fn, void *arg)
{
    return run_in(exec_blocking, wf_exec_try_take, fn, arg);
}

int weft_run_cpu(weft_fn *fn, void *arg)
{
    return run_in(wf_exec_cpu, wf_exec_take, fn, arg);
}

static int exec_enter(const weft_exec *exec)
{
    int rc = weft_sp_enter();
    return rc == 0 && exec->loop != wf_loop_current ? -EPERM : rc;
}

int weft_exec_run(weft_exec *exec, weft_fn *fn, void *arg)
{
    int rc = exec_enter(exec);
    if (rc == 0)
        rc = wf_exec_take(exec);
    return rc < 0 ? rc : run_one(exec, fn, arg);
}

int weft_exec_run_try(weft_exec *exec, weft_fn *fn, void *arg)
{
    int rc = exec_enter(exec);
    if (rc == 0)
        rc = wf_exec_try_take(exec);
    return rc < 0 ? rc : run_one(exec, fn, arg);
}
