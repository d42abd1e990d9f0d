/* SPDX-License-Identifier: MIT */

#include "core/backend/file_pool.h"

#include "core/backend/file_call.h"
#include "core/exec/pool.h"
#include "core/loop/loop_priv.h"

#define FILE_THREADS_MAX 8
#define FILE_IDLE (30 * WEFT_SEC)
#define FILE_STACK_BYTES ((size_t)256 * 1024)

static int file_pool_open(weft_loop *loop)
{
    struct wf_pool_options options = {
        .platform = loop->platform,
        .thread_max = loop->file_thread_max != 0 ? loop->file_thread_max : FILE_THREADS_MAX,
        .idle = FILE_IDLE,
        .stack_bytes = FILE_STACK_BYTES,
    };
    return wf_pool_new(&loop->file_pool, &options);
}

static void file_finished(weft_msg *msg)
{
    weft_op *op = wf_container(msg, weft_op, work.msg);
    weft_loop *loop = wf_loop_current;
    weft_loop_unhold(loop);
    wf_op_finish(loop, op, op->result);
}

/* On a thread. */
static void file_job(struct wf_pool_job *job)
{
    weft_op *op = wf_container(job, weft_op, work.job);
    weft_loop *loop = op->work.loop;
    op->result = wf_file_call(loop->platform, &op->args);
    weft_post_msg(loop, &op->work.msg); /* the last touch */
}

int wf_file_pool_submit(weft_loop *loop, weft_op *op)
{
    int rc = loop->file_pool == NULL ? file_pool_open(loop) : 0;
    if (rc < 0)
        return rc;
    op->work.loop = loop;
    op->work.msg.fn = file_finished;
    op->work.job.fn = file_job;
    wf_list_init(&op->work.job.link);
    rc = wf_pool_submit(loop->file_pool, &op->work.job);
    if (rc == 0)
        weft_loop_hold(loop); /* a virtual clock stands still meanwhile */
    return rc;
}

bool wf_file_pool_withdraw(weft_loop *loop, weft_op *op)
{
    if (!wf_pool_withdraw(loop->file_pool, &op->work.job))
        return false;
    weft_loop_unhold(loop);
    return true;
}

void wf_file_pool_close(weft_loop *loop)
{
    wf_pool_free(loop->file_pool);
    loop->file_pool = NULL;
}
