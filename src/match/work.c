/* SPDX-License-Identifier: MIT */

#include "match/work.h"

#include "base/sys.h"

#include <weft/task.h>

int wf_job_poll(const wf_job *job)
{
    return job->stop != NULL ? __atomic_load_n(job->stop, __ATOMIC_RELAXED) : 0;
}

bool wf_work_is_task(void)
{
    return weft_self().id != 0;
}

int wf_work_run(weft_fn *fn, void *arg)
{
    int rc = wf_work_is_task() ? weft_check() : 0;
    return rc < 0 ? rc : fn(arg);
}

int wf_work_spread(weft_fn *fn, void *arg, size_t count)
{
    int rc = 0;
    for (size_t i = 0; i < count && rc >= 0; i++)
        rc = wf_work_run(fn, arg);
    return rc;
}

size_t wf_work_width(void)
{
    return (size_t)wf_sys_cpu_count();
}
