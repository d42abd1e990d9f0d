/* SPDX-License-Identifier: MIT */

/* One body for many pieces, on as many threads as there are processors. */

#include "core/exec/exec_priv.h"

#include "base/alloc.h"
#include "base/sys.h"

#include <weft/scope.h>

struct exec_pieces {
    int (*fn)(void *arg, size_t index);
    void *arg;
    size_t count;
    struct wf_exec_batch batch;
    _Atomic size_t next;        /* piece to start */
    _Atomic size_t done;        /* pieces that succeeded */
    _Atomic int error;          /* the first one */
    struct wf_exec_job *failed; /* whose error it is; written by that job only */
};

/* One thread's share: as many pieces as it gets. */
static int pieces_run(void *arg)
{
    struct exec_pieces *pieces = arg;
    while (!weft_blocking_cancelled()) {
        size_t index = atomic_fetch_add_explicit(&pieces->next, 1, memory_order_relaxed);
        if (index >= pieces->count)
            break;
        wf_exec_job_self()->text[0] = '\0';
        int rc = pieces->fn(pieces->arg, index);
        if (rc >= 0) {
            atomic_fetch_add_explicit(&pieces->done, 1, memory_order_relaxed);
            continue;
        }
        int none = 0;
        if (atomic_compare_exchange_strong(&pieces->error, &none, rc < -4095 ? -EPROTO : rc))
            pieces->failed = wf_exec_job_self();
        atomic_store_explicit(&pieces->batch.must_stop, true, memory_order_relaxed);
        break;
    }
    return 0;
}

static int pieces_outcome(const struct exec_pieces *pieces)
{
    if (pieces->error != 0)
        return wf_exec_tell(pieces->error, pieces->failed->text);
    if (pieces->done == pieces->count)
        return 0;
    (void)weft_check(); /* for weft_why() */
    return -ECANCELED;
}

int weft_run_blocking_n(int (*fn)(void *arg, size_t index), void *arg, size_t count)
{
    weft_exec *exec;
    int rc = weft_sp_enter();
    if (rc < 0 || count == 0)
        return rc;
    rc = wf_exec_cpu(&exec);
    if (rc == 0)
        rc = wf_exec_take(exec);
    if (rc < 0)
        return rc;

    uint32_t job_count = 1; /* more only where nobody has to wait for them */
    while (job_count < (uint32_t)wf_sys_cpu_count() && job_count < count &&
           wf_exec_try_take(exec) == 0)
        job_count++;
    struct exec_pieces pieces = {.fn = fn, .arg = arg, .count = count};
    struct wf_exec_job *jobs = wf_array(job_count, sizeof *jobs);
    if (jobs == NULL) {
        while (job_count-- > 0)
            wf_exec_give(exec);
        return -ENOMEM;
    }
    pieces.batch = (struct wf_exec_batch){
        .exec = exec, .fn = pieces_run, .arg = &pieces, .jobs = jobs, .job_count = job_count};
    rc = wf_exec_batch_run(&pieces.batch);
    if (pieces.batch.job_count != 0)
        rc = pieces_outcome(&pieces);
    wf_free(jobs);
    return rc;
}
