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
 * that still run when `grace` is over are written to standard error, and waited for further, or
 * with WEFT_RUN_ABORT the process ends there by SIGABRT.
 *
 * After a fork() the child has no loop, also in the middle of a task: every call says -EPERM there,
 * and a new run may begin.  It must not return from the body it forked in, but _exit or exec.
 *
 * exit() in a task ends the process without another task having run.  What atexit() has registered
 * is run as part of that task: a function of it that waits (weft_sleep()) lets others run
 * meanwhile, as any wait does, so it must not.
 *
 * When every task waits and nothing can wake one, on any loop of the run, the run says so and
 * writes the task trees; the wait of the main task, whatever it is, ends with -EDEADLK.
 *
 * A thread watches the loop meanwhile.  When a task computes or blocks for 100 ms without a wait,
 * so that nothing else can run, it says so while that goes on: the task's name, where it was
 * spawned, its backtrace, and whether it computes or in which system call it stands; at most five
 * times a minute.  While the loop is idle, so is the thread.
 *
 * In debug mode (WEFT_DEBUG=1, WEFT_RUN_DEBUG, and every debug build) the run also says what is
 * legal and most likely not meant, once a place: a task that nobody awaited, a cancel that was
 * swallowed, waits where a wait was refused, a shield without a deadline, what was never closed.
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

/* Zero means "choose for me" in every field.  With several loops each gets what is said here, its
 * own threads and workers too, and the hooks are called by any of their threads. */
typedef struct weft_config {
    const char *backend; /* "io_uring", "epoll", "sim"; NULL: $WEFT_BACKEND, else the best */
    const weft_platform *platform; /* borrowed; NULL: the thread's own */
    uint64_t seed;                 /* for "sim" */
    size_t stack_bytes;            /* stack of a task; 0: 64 KiB, at least 16 KiB */
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

    /* One line for the operator, without a newline.  NULL: standard error.  What is said of a task
     * that keeps the loop comes from a thread of its own. */
    void (*log)(const char *line, void *arg);
    void *log_arg;
} weft_config;

/* Runs fn(arg) as the main task and returns its result.  Inside a task it calls fn(arg) right
 * there, in a new scope; any depth is fine.  The environment's WEFT_BACKEND chooses the back end,
 * WEFT_CLOCK the clock, "virtual" or "real", whatever the configuration says.
 *
 * Errors of its own, before fn runs: -ENOMEM, -EMFILE, -EINVAL (config, environment), -EBUSY (this
 * thread already has a loop), -ENOTSUP (shadow stacks are on). */
WEFT_API WEFT_WAITS int weft_run(weft_fn *fn, void *arg);
WEFT_API WEFT_WAITS int weft_run_with(const weft_config *config, weft_fn *fn, void *arg);

/* weft_run() for main(): gives the exit status of the program.  0 if fn succeeds, whatever it
 * returns; 130 or 143 if SIGINT or SIGTERM ended it; else 1, with one line on standard error,
 * "PROGRAM: " and the text of the error, or what weft_strerror() says where there is none. */
WEFT_API WEFT_MUST_USE int weft_main(weft_fn *fn, void *arg);

/* Writes the task trees to a descriptor: name, id, state, what each waits for and how long already,
 * scopes and deadlines, where it was spawned.  First that of the calling thread's loop.  The other
 * loops of its run, or from a thread without a loop all loops of the process, write theirs when
 * they turn next; so leave the descriptor open.
 *
 * Any thread, and any signal handler.  In a handler on a loop's own thread that loop, which may be
 * in the middle of anything, writes its tree when it turns next as well; it is told so by the
 * signals that are held back meanwhile (a handler with SA_NODEFER must have SA_ONSTACK too).  What
 * a task does that keeps the loop from turning, `weft stack PID` tells. */
WEFT_API void weft_dump(int fd);

/* How deep the tasks, or generators, made at one place went into their stacks. */
typedef struct weft_stack_use {
    const char *site;     /* "name at file:line" of the spawn */
    uint64_t ended_count; /* how many have ended */
    size_t bytes_max;     /* the most that one used, those that live included */
    size_t stack_bytes;   /* of what it had */
} weft_stack_use;

/* For the choice of stack sizes: fills in the deepest `count` places, the deepest first, and
 * returns how many there are (at most 256 are kept).  0 in a run that does not measure, and outside
 * a loop. A run that measures reads and wipes each stack when its task ends, which takes
 * microseconds; weft_dump() and `weft ps` then end with the same list. */
WEFT_API size_t weft_stack_uses(weft_stack_use out[], size_t count);

WEFT_END_DECLS

#endif
