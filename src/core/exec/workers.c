/* SPDX-License-Identifier: MIT */

/* Worker processes, the run's side: who is idle, one call, and the end of a worker. */

#include "core/exec/worker_priv.h"

#include <weft/exec.h>
#include <weft/io.h>
#include <weft/mutex.h>
#include <weft/scope.h>
#include <weft/sem.h>
#include <weft/signal.h>

#include "base/alloc.h"
#include "base/sys.h"
#include "core/exec/exec_priv.h"
#include "core/task/sched_priv.h"

#include <signal.h>

#define WORKER_KILLED 256 /* WEFT_PROCESS_KILLED */

struct worker {
    wf_list link; /* among the idle */
    int pid, fd;
};

struct wf_workers {
    int nursery_pid, control;
    weft_sem slots;          /* workers that may work at a time */
    weft_mutex control_lock; /* one question to the nursery at a time */
    wf_list idle;
};

/* ---- life ---- */

int wf_workers_new(struct wf_workers **out, const weft_config *config)
{
    *out = NULL;
    if ((config->flags & WEFT_RUN_WORKERS) == 0)
        return 0;
    struct wf_workers *workers = wf_alloc(sizeof *workers);
    if (workers == NULL)
        return -ENOMEM;
    wf_list_init(&workers->idle);
    uint32_t count = config->worker_max != 0 ? config->worker_max : (uint32_t)wf_sys_cpu_count();
    workers->slots = (weft_sem)WEFT_SEM(count, count);
    int rc = WEFT_FAULT(WEFT_FAULT_CALL, "fork") ? -EAGAIN : 0;
    if (rc == 0)
        rc = wf_nursery_fork(&workers->nursery_pid, &workers->control);
    if (rc < 0)
        wf_free(workers);
    else
        *out = workers;
    return rc;
}

/* Closing its socket ends a worker, and the nursery ends when it has reaped all.  This runs outside
 * any task, where weft_close() does not wait. */
void wf_workers_free(struct wf_workers *workers)
{
    int status;
    if (workers == NULL)
        return;
    while (!wf_list_is_empty(&workers->idle)) {
        struct worker *worker = wf_container(wf_list_pop(&workers->idle), struct worker, link);
        (void)weft_close(worker->fd);
        wf_free(worker);
    }
    (void)wf_nursery_send(workers->control, WF_NURSERY_QUIT, 0, -1);
    (void)weft_close(workers->control);
    (void)weft_platform_get()->process_reap(workers->nursery_pid, /* waits= */ true, &status);
    wf_free(workers);
}

/* ---- transfers ---- */

/* 0; -EPIPE if the worker ended; -ECANCELED. */
static int worker_read(const struct worker *worker, void *buf, size_t bytes)
{
    for (size_t at = 0; at < bytes;) {
        ssize_t count = weft_read(worker->fd, (char *)buf + at, bytes - at);
        if (count <= 0)
            return count == 0 || count == -ECONNRESET ? -EPIPE : (int)count;
        at += (size_t)count;
    }
    return 0;
}

static int worker_write(const struct worker *worker, const void *buf, size_t bytes)
{
    ssize_t rc = weft_write_all(worker->fd, buf, bytes);
    return rc == -ECONNRESET ? -EPIPE : rc < 0 ? (int)rc : 0;
}

/* ---- a worker's end ---- */

/* Its status, or negative if nobody knows. */
static int nursery_ask_status(struct wf_workers *workers, int pid)
{
    int32_t status = -ECHILD;
    int rc = weft_lock(&workers->control_lock);
    if (rc < 0)
        return rc;
    rc = wf_nursery_send(workers->control, WF_NURSERY_REAP, pid, -1);
    if (rc == 0)
        rc = (int)weft_read(workers->control, &status, sizeof status);
    weft_unlock(&workers->control_lock);
    return rc < 0 ? rc : status;
}

/* Kills it, if it is not dead already, and frees; what it ended with. */
static int worker_end(struct wf_workers *workers, struct worker *worker)
{
    WEFT_CLEANUP(cleanup);
    int status = -ECHILD;
    if (worker->pid > 0) {
        (void)weft_platform_get()->process_signal(worker->pid, /* is_group= */ false, SIGKILL);
        status = nursery_ask_status(workers, worker->pid);
    }
    (void)weft_close(worker->fd);
    wf_free(worker);
    return status;
}

static int worker_say_end(int pid, int status)
{
    if (status > WORKER_KILLED)
        return weft_fail(-ECHILD, "worker %d: killed by %s", pid,
                         weft_signal_name(status - WORKER_KILLED));
    return weft_fail(-ECHILD, "worker %d: ended with status %d", pid, status);
}

/* ---- a worker's beginning ---- */

static int worker_hatch(struct wf_workers *workers, struct worker *worker)
{
    int ends[2];
    int32_t pid = 0;
    int rc = wf_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    if (rc < 0)
        return rc;
    wf_sys_set_blocking(ends[1], /* blocks= */ true);
    worker->fd = ends[0];
    rc = wf_nursery_send(workers->control, WF_NURSERY_FORK, 0, ends[1]);
    wf_sys_close(ends[1]);
    if (rc == -EPIPE || rc == -ECONNRESET)
        return weft_fail(-EAGAIN, "weft_run_process: the process that forks workers has ended");
    if (rc < 0)
        return rc;
    WEFT_CLEANUP(hatching); /* or nobody would know whom to reap */
    rc = worker_read(worker, &pid, sizeof pid);
    worker->pid = pid;
    return rc == -EPIPE ? -EAGAIN : rc;
}

/* A worker that has died while it was idle does not fail the call: the next is taken. */
static struct worker *worker_take_idle(struct wf_workers *workers)
{
    char byte;
    while (!wf_list_is_empty(&workers->idle)) {
        struct worker *worker = wf_container(wf_list_pop(&workers->idle), struct worker, link);
        if (wf_sys_recv(worker->fd, &byte, 1, MSG_PEEK) == -EAGAIN)
            return worker;
        (void)worker_end(workers, worker);
    }
    return NULL;
}

static int worker_get(struct wf_workers *workers, struct worker **out)
{
    *out = worker_take_idle(workers);
    if (*out != NULL)
        return 0;
    struct worker *worker = wf_alloc(sizeof *worker);
    if (worker == NULL)
        return -ENOMEM;
    wf_list_init(&worker->link);
    worker->fd = -1;
    int rc = worker_hatch(workers, worker);
    if (rc < 0)
        (void)worker_end(workers, worker);
    else
        *out = worker;
    return rc;
}

/* ---- a call ---- */

static int worker_ask(const struct worker *worker, weft_fn *fn, const struct wf_worker_buf *buf)
{
    struct wf_worker_request request = {
        .fn = fn, .bytes = buf->byte_count, .is_shared = buf->is_shared};
    if (buf->is_shared) {
        int rc = wf_worker_send_shared(worker->fd, &request, buf->fd);
        return rc == -ECONNRESET ? -EPIPE : rc;
    }
    int rc = worker_write(worker, &request, sizeof request);
    return rc == 0 ? worker_write(worker, buf->bytes, buf->byte_count) : rc;
}

/* 0 and the answer; else the worker is of no more use. */
static int worker_call(const struct worker *worker, weft_fn *fn, const struct wf_worker_buf *buf,
                       struct wf_worker_answer *out)
{
    int rc = worker_ask(worker, fn, buf);
    if (rc == 0)
        rc = worker_read(worker, out, sizeof *out);
    if (rc < 0 || buf->is_shared)
        return rc;
    WEFT_CLEANUP(arriving); /* it has happened: the rest is on its way */
    return worker_read(worker, buf->bytes, buf->byte_count);
}

static int run_on_worker(struct wf_workers *workers, weft_fn *fn, const struct wf_worker_buf *buf)
{
    struct worker *worker;
    struct wf_worker_answer answer;
    int rc = worker_get(workers, &worker);
    if (rc < 0)
        return rc;
    rc = worker_call(worker, fn, buf, &answer);
    if (rc < 0) {
        int pid = worker->pid;
        int status = worker_end(workers, worker);
        return rc == -EPIPE ? worker_say_end(pid, status) : rc;
    }
    wf_list_prepend(&workers->idle, &worker->link); /* the one whose memory is warm comes first */
    return wf_exec_tell(answer.result, answer.text);
}

int wf_workers_run(weft_fn *fn, const struct wf_worker_buf *buf)
{
    int rc = weft_sp_enter();
    if (rc < 0)
        return rc;
    struct wf_sched *sched = wf_sched_self();
    if (sched->is_seeded)
        return weft_run_blocking(fn, buf->bytes);
    if (sched->workers == NULL)
        return weft_fail(-EPERM, "weft_run_process: the run was begun without WEFT_RUN_WORKERS");
    if (buf->byte_count > WF_WORKER_BYTES_MAX)
        return weft_fail(-E2BIG, "weft_run_process: %zu bytes, the limit is %zu", buf->byte_count,
                         WF_WORKER_BYTES_MAX);
    if (buf->is_shared && buf->fd < 0)
        return -EPERM; /* made in a simulation */
    rc = weft_sem_take(&sched->workers->slots);
    if (rc < 0)
        return rc;
    sched->loop->real_count++;
    rc = run_on_worker(sched->workers, fn, buf);
    sched->loop->real_count--;
    (void)weft_sem_give(&sched->workers->slots);
    return rc;
}

int weft_run_process(weft_fn *fn, void *buf, size_t bytes)
{
    return wf_workers_run(fn, &(struct wf_worker_buf){.bytes = buf, .byte_count = bytes, .fd = -1});
}
