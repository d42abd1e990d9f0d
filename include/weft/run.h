/* SPDX-License-Identifier: MIT */

/*
 * Run: starts a loop on this thread, runs one body in it as the main task, and gives everything
 * back.
 *
 *     int main(void)
 *     {
 *         return weft_main(hello, NULL);
 *     }
 *
 * When the main task has ended, detached tasks are cancelled and waited for, then pools, timers,
 * the ring and memory go, in this order.  Nothing of the runtime is left after it returns.  Tasks
 * that still run when `grace` is over are listed on standard error and waited for further; with
 * WEFT_RUN_ABORT the process is ended by SIGABRT instead.
 *
 * After a fork(), also one in the middle of a task, the child has no loop: every call returns
 * -EPERM there, and a new run may begin.  The child must not return from the body it forked in; it
 * calls _exit() or exec.
 *
 * exit() in a task ends the process, and no other task runs again.  The functions registered with
 * atexit() run as part of that task; they must not wait, since a wait would let other tasks run.
 *
 * Deadlock: when every task of every loop of the run waits and nothing can wake any, the run says
 * so, with the task trees, and the main task's wait, whatever it is, returns -EDEADLK.
 *
 * A thread watches the loop.  When a task computes or blocks for 100 ms without a wait, so that
 * nothing else can run, it reports that while it happens: the task's name, where it was spawned,
 * whether it computes or which system call it is in, and its backtrace, but not of a call that a
 * look would cut short (a sleep, poll() and the like); at most five times a minute.  When several
 * tasks in a row keep the loop, the first is named, and the time told at the end is that of all.
 * While the loop is idle, so is the thread.
 *
 * In debug mode (WEFT_DEBUG=1, WEFT_RUN_DEBUG, and every debug build) the run also reports what is
 * legal but most likely a mistake, once for each place in the code: a task that nobody awaited, a
 * cancel that was swallowed, another wait after one that was refused, a shield without a deadline,
 * what was never closed.
 */
#ifndef WEFT_RUN_H
#define WEFT_RUN_H

#include <weft/error.h>
#include <weft/stats.h>
#include <weft/sys/loop.h>
#include <weft/sys/platform.h>

WEFT_BEGIN_DECLS

enum weft_run_flags {
    WEFT_RUN_KEEP_SIGNALS = 1u,  /* leave SIGINT and SIGTERM as they are */
    WEFT_RUN_VIRTUAL_CLOCK = 2u, /* time moves only when every task is blocked */
    WEFT_RUN_WORKERS = 4u, /* weft_run_process() will be called: forks a process at the start */
    WEFT_RUN_MEASURE_STACKS = 16u, /* for weft_stack_uses(); also WEFT_MEASURE_STACKS=1 */
    WEFT_RUN_DEBUG = 8u,  /* debug mode; WEFT_DEBUG=1 in the environment asks for it too, =0 not */
    WEFT_RUN_ABORT = 32u, /* abort() if tasks still run when `grace` is over */
};

/* Zero means "choose for me" in every field.  With several loops these are settings of each loop,
 * which has threads and workers of its own; the hooks are called on any of the loops' threads. */
typedef struct weft_config {
    const char *backend; /* "io_uring", "epoll", "sim"; NULL: $WEFT_BACKEND, else the best */
    const weft_platform *platform; /* borrowed; NULL: the thread's own */
    uint64_t seed;                 /* for "sim" */
    size_t stack_bytes;            /* stack of a task, that of fn too; 0: 64 KiB, at least 16 KiB */
    weft_time grace;               /* detached tasks get this long at the end; 0: 10 s */
    uint32_t flags;                /* enum weft_run_flags */
    uint32_t loops;                /* see <weft/loops.h>; 0: 1, at most WEFT_LOOPS_MAX */
    uint32_t task_count_max;       /* 0: 4,000,000; past it spawn gives -EAGAIN in the handle */
    uint32_t blocking_thread_max;  /* of weft_run_blocking; 0: twice the processors, at most 32 */
    uint32_t blocking_queue_max;   /* bodies waiting for a thread; 0: 1,024; past it callers wait */
    weft_time blocking_idle;       /* a thread without work ends after; 0: 30 s */
    uint32_t cpu_thread_max;       /* of weft_run_cpu; 0: as many as there are processors */
    uint32_t worker_max;           /* of weft_run_process; 0: as many as there are processors */
    uint32_t file_thread_max;      /* for file operations the kernel does not do alone; 0: 8 */
    /* A task that keeps its loop so long is reported; 0: 100 ms, WEFT_FOREVER: never.  WEFT_HOG in
     * the environment, milliseconds or "never", comes first. */
    weft_time hog;

    /* An error that nobody received (rule T08).  NULL: one line to the log. */
    void (*unhandled)(const struct weft_error *error, void *arg);
    void *unhandled_arg;

    /* One line for the operator, without a newline.  NULL: standard error.  Reports of a task that
     * keeps the loop come from the watching thread. */
    void (*log)(const char *line, void *arg);
    void *log_arg;
} weft_config;

/* Runs fn(arg) as the main task and returns its result.  Inside a task it simply calls fn(arg) in a
 * new scope, to any depth.  The environment variables WEFT_BACKEND and WEFT_CLOCK ("virtual" or
 * "real") win over the configuration.
 *
 * A virtual clock jumps to the next deadline as soon as every task is blocked.  What other
 * processes do takes real time and happens meanwhile, so to a program that talks to them every
 * timeout is up at once: such a clock is for programs whose peers are their own tasks, or in
 * simulation.
 *
 * Errors of its own, before fn runs: -ENOMEM, -EMFILE, -EINVAL (config, environment), -EBUSY (this
 * thread already has a loop), -ENOTSUP (shadow stacks are on). */
WEFT_API WEFT_WAITS int weft_run(weft_fn *fn, void *arg);
WEFT_API WEFT_WAITS int weft_run_with(const weft_config *config, weft_fn *fn, void *arg);

/* weft_run() and weft_run_with() for main(): return the exit status of the program.  0 if fn
 * succeeds (returns any value >= 0); 130 or 143 if SIGINT or SIGTERM ended it; else 1, with one
 * line on standard error, "PROGRAM: " and the text of the error, or weft_strerror() where there is
 * none. */
WEFT_API WEFT_MUST_USE int weft_main(weft_fn *fn, void *arg);
WEFT_API WEFT_MUST_USE int weft_main_with(const weft_config *config, weft_fn *fn, void *arg);

/* Writes the task trees to a descriptor: of each task its name, id and state, what it waits for and
 * since when, its scopes and deadlines, where it was spawned.  The tree of the calling thread's
 * loop is written first, at once.  The other loops of its run (from a thread without a loop: all
 * loops of the process) write theirs when they turn next; so leave the descriptor open.
 *
 * Any thread, and any signal handler.  Called in a signal handler on a loop's own thread, which may
 * be in the middle of anything, it leaves that loop's tree to the next turn as well; Weft knows by
 * the signals that are blocked in a handler (one with SA_NODEFER must have SA_ONSTACK too).  What a
 * task is doing that keeps the loop from turning, `weft stack PID` shows. */
WEFT_API void weft_dump(int fd);

/* How much stack the tasks, or generators, that were made at one place have used. */
typedef struct weft_stack_use {
    const char *site;     /* "name at file:line" of the spawn */
    uint64_t ended_count; /* how many have ended */
    size_t bytes_max;     /* the most that one used, those that live included */
    size_t stack_bytes;   /* of what it had */
} weft_stack_use;

/* For the choice of stack sizes: fills `out` with the `count` places that use the most, the deepest
 * first, and returns how many places there are (at most 256 are kept).  0 outside a loop and in a
 * run without WEFT_RUN_MEASURE_STACKS.  Such a run reads and wipes each stack when its task ends,
 * which takes microseconds; weft_dump() and `weft ps` then end with this list. */
WEFT_API size_t weft_stack_uses(weft_stack_use out[], size_t count);

WEFT_END_DECLS

#endif
