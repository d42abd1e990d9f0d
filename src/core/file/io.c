/* SPDX-License-Identifier: MIT */

/* Input and output on plain descriptors: an operation each, and the task parked on it. */

#include <weft/io.h>

#include <weft/sys/loop.h>
#include <weft/sys/park.h>

#include "base/list.h"
#include "base/sys.h"
#include "core/look/opened.h"
#include "core/task/note.h"
#include "core/task/task_priv.h"

/* One operation and the task that waits for it, on that task's stack. */
struct io_wait {
    weft_waiter waiter;
    weft_op *op;
};

/* The completion, not the cancel, says what happened. */
static void io_cancel(weft_waiter *waiter)
{
    struct io_wait *wait = wf_container(waiter, struct io_wait, waiter);
    weft_op_cancel(wf_loop_current, wait->op);
}

static const weft_wait_class io_classes[] = {
    [WEFT_OP_NOP] = {.what = "nothing", .cancel = io_cancel},
    [WEFT_OP_READ] = {.what = "read", .cancel = io_cancel},
    [WEFT_OP_WRITE] = {.what = "write", .cancel = io_cancel},
    [WEFT_OP_RECV] = {.what = "receive", .cancel = io_cancel},
    [WEFT_OP_SEND] = {.what = "send", .cancel = io_cancel},
    [WEFT_OP_ACCEPT] = {.what = "accept", .cancel = io_cancel},
    [WEFT_OP_CONNECT] = {.what = "connect", .cancel = io_cancel},
    [WEFT_OP_POLL] = {.what = "descriptor", .cancel = io_cancel},
    [WEFT_OP_OPEN] = {.what = "open", .cancel = io_cancel},
    [WEFT_OP_FSYNC] = {.what = "fsync", .cancel = io_cancel},
    [WEFT_OP_TRUNCATE] = {.what = "truncate", .cancel = io_cancel},
    [WEFT_OP_STAT] = {.what = "stat", .cancel = io_cancel},
    [WEFT_OP_RENAME] = {.what = "rename", .cancel = io_cancel},
    [WEFT_OP_UNLINK] = {.what = "unlink", .cancel = io_cancel},
    [WEFT_OP_MKDIR] = {.what = "mkdir", .cancel = io_cancel},
    [WEFT_OP_OPEN_BENEATH] = {.what = "open", .cancel = io_cancel},
    [WEFT_OP_READDIR] = {.what = "directory", .cancel = io_cancel},
};

static void io_done(weft_op *op, const weft_completion *completion, void *arg)
{
    struct io_wait *wait = arg;
    (void)op;
    weft_wake(&wait->waiter, completion->result);
}

int weft_op_wait(const weft_op_args *args)
{
    int rc = weft_sp_enter();
    if (rc < 0)
        return rc;
    weft_loop *loop = wf_loop_current;
    rc = weft_op_try(loop, args);
    if (rc == -EAGAIN) {
        struct io_wait wait = {.waiter = WEFT_WAITER(&io_classes[args->kind], NULL)};
        rc = weft_op_start(loop, args, io_done, &wait, &wait.op);
        if (rc == 0)
            rc = weft_park(&wait.waiter);
    }
    return __builtin_expect(rc >= 0, 1) ? rc : wf_fail_bare(rc);
}

ssize_t weft_read(int fd, void *buf, size_t bytes)
{
    return weft_op_wait(
        &(weft_op_args){.kind = WEFT_OP_READ, .fd = fd, .buf = buf, .bytes = bytes, .offset = -1});
}

ssize_t weft_write(int fd, const void *buf, size_t bytes)
{
    return weft_op_wait(&(weft_op_args){
        .kind = WEFT_OP_WRITE, .fd = fd, .buf = (void *)buf, .bytes = bytes, .offset = -1});
}

ssize_t weft_write_all(int fd, const void *buf, size_t bytes)
{
    size_t done = 0;
    ssize_t rc = 0;
    weft_progress_set(0);
    while (done < bytes && rc >= 0) {
        rc = weft_write(fd, (const char *)buf + done, bytes - done);
        if (rc > 0)
            done += (size_t)rc;
    }
    weft_progress_set(done);
    return rc < 0 ? rc : (ssize_t)done;
}

int weft_accept(int fd)
{
    return wf_opened_fd(weft_op_wait(&(weft_op_args){.kind = WEFT_OP_ACCEPT, .fd = fd}));
}

int weft_wait_fd(int fd, int events)
{
    return weft_op_wait(&(weft_op_args){.kind = WEFT_OP_POLL, .fd = fd, .flags = (uint32_t)events});
}

size_t weft_progress(void)
{
    wf_task *self = wf_task_self();
    return self != NULL ? wf_task_progress(self) : 0;
}

void weft_progress_set(size_t bytes)
{
    wf_task *self = wf_task_self();
    if (self != NULL)
        wf_task_set_progress(self, bytes);
}

/* ---- close ---- */

static const weft_wait_class close_class = {.what = "close"};

static void close_done(void *arg)
{
    weft_wake(arg, 0);
}

int weft_close(int fd)
{
    weft_loop *loop = wf_loop_current;
    if (loop == NULL) {
        return fd < 0 ? -EBADF : wf_sys_close(fd);
    }
    if (wf_task_self() == NULL) {
        int rc = weft_fd_close(loop, fd, NULL, NULL);
        return rc < 0 ? rc : 0;
    }
    weft_waiter waiter = WEFT_WAITER(&close_class, NULL);
    int rc = weft_fd_close(loop, fd, close_done, &waiter);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    return weft_park_shielded(&waiter);
}
