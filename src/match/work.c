/* SPDX-License-Identifier: MIT */

#include "match/work.h"

#include "base/sys.h"

#include <weft/exec.h>
#include <weft/task.h>

/* More threads than this a call outside any loop does not start. */
#define THREADS_MAX 63u

int wf_job_poll(const wf_job *job)
{
    int rc = job->stop != NULL ? __atomic_load_n(job->stop, __ATOMIC_RELAXED) : 0;
    return rc == 0 && weft_blocking_cancelled() ? -ECANCELED : rc;
}

bool wf_work_is_task(void)
{
    return weft_self().id != 0;
}

int wf_work_run(weft_fn *fn, void *arg)
{
    return wf_work_is_task() ? weft_run_cpu(fn, arg) : fn(arg);
}

struct spread {
    weft_fn *fn;
    void *arg;
    int rc; /* atomic: one of the failures */
};

static int run_piece(void *arg, size_t index)
{
    struct spread *spread = arg;
    (void)index;
    return spread->fn(spread->arg);
}

static void run_on_thread(void *arg)
{
    struct spread *spread = arg;
    int rc = spread->fn(spread->arg);
    if (rc < 0)
        __atomic_store_n(&spread->rc, rc, __ATOMIC_RELAXED);
}

/* With threads of its own, as many as can be had, and this one. */
static int spread_on_threads(struct spread *spread, size_t count)
{
    weft_thread threads[THREADS_MAX];
    size_t started = 0;
    while (started + 1 < count && started < THREADS_MAX &&
           wf_sys_thread_start(&threads[started], run_on_thread, spread, 0) >= 0)
        started++;
    run_on_thread(spread);
    while (started > 0)
        wf_sys_thread_join(threads[--started]);
    return spread->rc;
}

int wf_work_spread(weft_fn *fn, void *arg, size_t count)
{
    struct spread spread = {.fn = fn, .arg = arg};
    return wf_work_is_task() ? weft_run_blocking_n(run_piece, &spread, count)
                             : spread_on_threads(&spread, count);
}

size_t wf_work_width(void)
{
    return (size_t)wf_sys_cpu_count();
}
