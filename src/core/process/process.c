/* SPDX-License-Identifier: MIT */

/* The life of a process: start, wait, signals, and the end that always comes. */

#include "core/process/process_priv.h"

#include <weft/error.h>
#include <weft/exec.h>
#include <weft/file.h>
#include <weft/io.h>
#include <weft/scope.h>
#include <weft/sys/opened.h>

#include "base/alloc.h"
#include "base/sys.h"
#include "core/task/sched_priv.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>

#define PROCESS_KILL_AFTER (5 * WEFT_SEC)
#define PROCESS_LOOK_MIN WEFT_MS /* without a pidfd: how often its end is looked for */
#define PROCESS_LOOK_MAX (50 * WEFT_MS)

/* ---- start ---- */

struct process_start {
    const weft_platform *platform;
    struct weft_process_plan plan;
    int pid, pidfd;
};

/* On a thread: a program on a slow disk starts slowly. */
static int start_body(void *arg)
{
    struct process_start *start = arg;
    return start->platform->process_start(&start->plan, &start->pid, &start->pidfd);
}

/* A pipe between us and its descriptor `number`: its end in *out, which does block. */
static int start_pipe(weft_process *process, int number, int *out)
{
    int ends[2];
    int rc = wf_sys_pipe(ends);
    if (rc < 0)
        return rc;
    int ours = number == 0 ? 1 : 0;
    process->fds[number] = ends[ours];
    *out = ends[1 - ours];
    wf_sys_set_blocking(*out, /* blocks= */ true);
    return 0;
}

/* What becomes descriptor `number`; *out_made is to be closed when it has started. */
static int start_fd(weft_process *process, int number, enum weft_stdio kind, int fd, int *out,
                    int *out_made)
{
    int rc = 0;
    switch (kind) {
    case WEFT_STDIO_INHERIT:
        return 0;
    case WEFT_STDIO_NULL:
        rc = wf_sys_open("/dev/null", O_RDWR, 0);
        *out_made = rc;
        break;
    case WEFT_STDIO_PIPE:
        rc = start_pipe(process, number, out_made);
        break;
    case WEFT_STDIO_FD:
        *out = fd;
        return fd < 0 ? -EBADF : 0;
    default:
        return -EINVAL;
    }
    if (rc >= 0)
        *out = *out_made;
    return rc < 0 ? rc : 0;
}

static int start_fds(weft_process *process, const weft_process_options *options, int fds[3],
                     int made[3])
{
    int rc = start_fd(process, 0, options->in, options->in_fd, &fds[0], &made[0]);
    if (rc == 0)
        rc = start_fd(process, 1, options->out, options->out_fd, &fds[1], &made[1]);
    if (rc == 0 && options->err == WEFT_STDIO_OUT)
        fds[2] = fds[1] >= 0 ? fds[1] : 1;
    else if (rc == 0)
        rc = start_fd(process, 2, options->err, options->err_fd, &fds[2], &made[2]);
    return rc;
}

static int process_start(weft_process *process, const weft_process_options *options)
{
    int made[3] = {-1, -1, -1};
    struct process_start start = {
        .platform = weft_platform_get(),
        .plan = {.argv = options->argv,
                 .env = options->env,
                 .cwd = options->cwd,
                 .fds = {-1, -1, -1},
                 .has_group = options->has_group,
                 .wants_pidfd = !WEFT_FAULT(WEFT_FAULT_CALL, "pidfd_open")},
    };
    int rc = start_fds(process, options, start.plan.fds, made);
    if (rc == 0 && WEFT_FAULT(WEFT_FAULT_CALL, "process_start"))
        rc = -EAGAIN;
    if (rc == 0)
        rc = weft_run_blocking(start_body, &start);
    for (int i = 0; i < 3; i++)
        wf_sys_close(made[i]);
    if (rc == 0) {
        process->pid = start.pid;
        process->pidfd = start.pidfd;
    }
    return rc;
}

static void process_close_fds(weft_process *process)
{
    for (int i = 0; i < 3; i++)
        weft_process_close_fd(process, i);
}

/* -ENOENT may be of either. */
static int open_fail(int rc, const weft_process_options *options)
{
    const char *cwd = options->cwd;
    if (rc == -ECANCELED)
        return rc;
    return weft_fail(rc, "%.60s%s%.60s: %s", options->argv[0], cwd != NULL ? " in " : "",
                     cwd != NULL ? cwd : "", weft_strerror(rc));
}

static void process_name(const void *object, char *out, size_t bytes)
{
    snprintf(out, bytes, "%d", (int)((const weft_process *)object)->pid);
}

static const weft_open_kind process_kind = {"process", "weft_process_close()", process_name};

int weft_process_open(weft_process **out, const weft_process_options *options)
{
    int rc = weft_sp_enter();
    if (rc < 0)
        return rc;
    if (options->argv == NULL || options->argv[0] == NULL)
        return weft_fail(-EINVAL, "weft_process_open: argv has no program");
    struct wf_sched *sched = wf_sched_self();
    if (sched->is_seeded)
        return weft_fail(-EPERM, "%.60s: there are no processes in a simulation", options->argv[0]);
    weft_process *process = wf_alloc(sizeof *process);
    if (process == NULL)
        return -ENOMEM;
    *process = (weft_process){
        .loop = sched->loop,
        .pidfd = -1,
        .fds = {-1, -1, -1},
        .has_group = options->has_group,
        .kill_after = options->kill_after != 0 ? options->kill_after : PROCESS_KILL_AFTER,
    };
    rc = process_start(process, options);
    if (rc < 0) {
        process_close_fds(process);
        wf_free(process);
        return open_fail(rc, options);
    }
    sched->loop->real_count++;
    wf_list_append(&sched->processes, &process->link);
    weft_opened(process, &process_kind);
    *out = process;
    return 0;
}

/* ---- the parts ---- */

pid_t weft_process_get_pid(const weft_process *process)
{
    return process->pid;
}

int weft_process_get_fd(const weft_process *process, int number)
{
    return number >= 0 && number < 3 ? process->fds[number] : -1;
}

void weft_process_close_fd(weft_process *process, int number)
{
    if (number < 0 || number > 2 || process->fds[number] < 0)
        return;
    int fd = process->fds[number];
    process->fds[number] = -1; /* before the wait: whoever comes meanwhile finds it closed */
    (void)weft_close(fd);
}

int weft_process_signal(weft_process *process, int signal_number)
{
    if (process->is_reaped)
        return -ESRCH;
    return weft_platform_get()->process_signal(process->pid, process->has_group, signal_number);
}

/* ---- wait ---- */

/* Takes the status if it has ended. */
static bool process_reap(weft_process *process, bool waits)
{
    if (process->is_reaped)
        return true;
    int status = 0;
    int rc = weft_platform_get()->process_reap(process->pid, waits, &status);
    if (rc == -EAGAIN)
        return false;
    process->status = rc < 0 ? rc : status;
    process->is_reaped = true;
    process->loop->real_count--;
    return true;
}

/* Until it has ended, or an error.  It is not reaped yet. */
static int wait_by_pidfd(const weft_process *process)
{
    int rc = weft_wait_fd(process->pidfd, POLLIN);
    return rc < 0 ? rc : 0;
}

static int wait_by_looking(weft_process *process)
{
    weft_time pause = PROCESS_LOOK_MIN;
    while (!process_reap(process, /* waits= */ false)) {
        int rc = weft_sleep(pause);
        if (rc < 0)
            return rc;
        pause = pause * 2 < PROCESS_LOOK_MAX ? pause * 2 : PROCESS_LOOK_MAX;
    }
    return 0;
}

int weft_process_wait(weft_process *process)
{
    int rc = weft_sp_enter();
    while (rc == 0 && !process_reap(process, /* waits= */ false)) {
        rc = process->pidfd >= 0 ? wait_by_pidfd(process) : wait_by_looking(process);
        if (rc < 0 && rc != -ECANCELED)
            rc = wait_by_looking(process); /* no memory for a wait: it still ends */
    }
    return rc < 0 ? rc : process->status;
}

/* ---- the end ---- */

/* Asks, waits, and kills.  Nothing here can be cancelled. */
static void process_end(weft_process *process)
{
    if (process_reap(process, /* waits= */ false))
        return;
    (void)weft_process_signal(process, SIGTERM);
    {
        WEFT_SHIELD(grace, process->kill_after);
        (void)!weft_process_wait(process);
    }
    if (process->is_reaped)
        return;
    (void)weft_process_signal(process, SIGKILL);
    WEFT_SCOPE_(forever, WEFT_FOREVER, WEFT_SCOPE_SHIELD | WEFT_SCOPE_ENDLESS);
    (void)!weft_process_wait(process);
}

static void process_free(weft_process *process)
{
    wf_list_remove(&process->link);
    wf_free(process);
}

void weft_process_close(weft_process *process)
{
    if (process == NULL)
        return;
    weft_closed(process, &process_kind);
    process_close_fds(process);
    process_end(process);
    if (process->pidfd >= 0)
        (void)weft_close(process->pidfd);
    process_free(process);
}

void wf_process_fini(struct wf_sched *sched)
{
    while (!wf_list_is_empty(&sched->processes)) {
        weft_process *process = wf_container(sched->processes.next, weft_process, link);
        wf_sched_log(sched, "process %d was never closed", process->pid);
        (void)weft_process_signal(process, SIGKILL);
        (void)process_reap(process, /* waits= */ true);
        for (int i = 0; i < 3; i++)
            if (process->fds[i] >= 0)
                (void)weft_fd_close(sched->loop, process->fds[i], NULL, NULL);
        if (process->pidfd >= 0)
            (void)weft_fd_close(sched->loop, process->pidfd, NULL, NULL);
        process_free(process);
    }
}
