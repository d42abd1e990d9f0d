/* SPDX-License-Identifier: MIT */

/*
 * Simulation: runs a body in a world made from one number, the seed.  The clock, the order of ready
 * tasks, the network and every fault follow from it, so a run does the same again on every machine,
 * and a failure can be kept as a number.
 *
 *     int main(int argc, char **argv)
 *     {
 *         weft_sim_options plan = {.delay_max = 20 * WEFT_MS, .reset_ppm = 1000};
 *         return weft_sim_main(argc, argv, &plan, my_server_and_clients, NULL);
 *     }
 *
 * Time moves only when every task is blocked, and then jumps: a year of sleep costs nothing.
 * Sockets (IPv4, IPv6, Unix; streams and datagrams), pipes and files live in memory, with delay,
 * short transfers, bounded buffers and, if asked for, all that goes wrong in a data centre.  Their
 * descriptors are numbers that no real call accepts.  The disk begins with an empty /tmp; relative
 * paths begin at the root; <weft/watch.h> works on it.  Real descriptors, threads, programs and
 * files are refused with -EPERM; standard output and error can be written.
 */
#ifndef WEFT_SIM_H
#define WEFT_SIM_H

#include <weft/base.h>

WEFT_BEGIN_DECLS

#define WEFT_SIM_NEVER UINT32_MAX /* for a probability whose default is not zero */
#define WEFT_SIM_HOST_BYTES 40    /* an address as text and its NUL */
#define WEFT_SIM_FAULTS_MAX 8

enum weft_sim_allow {
    WEFT_SIM_ALLOW_FILES = 1u, /* open real files for reading, where the disk has none */
};

/* ---- what goes wrong at a time ---- */

enum weft_sim_fault_kind {
    WEFT_SIM_NOTHING,
    WEFT_SIM_CUT,         /* nothing gets from `a` to `b` or back: datagrams are lost, streams wait
                             (as TCP sends again) and give up with -ETIMEDOUT after 15 minutes,
                             connects after 127 s */
    WEFT_SIM_SLOW,        /* what travels between them does so at bytes_per_second */
    WEFT_SIM_RESET,       /* connections between them break, once */
    WEFT_SIM_DISK_FULL,   /* what would need room on the disk: -ENOSPC */
    WEFT_SIM_DISK_BROKEN, /* transfers and syncs: -EIO */
    WEFT_SIM_NO_MEMORY,   /* allocations fail */
};

/* "a is cut from b, after 2 s or up to 1 s later, for 3 s, and again every 10 s" is
 *
 *     {.kind = WEFT_SIM_CUT, .a = "10.0.0.1", .b = "10.0.0.2",
 *      .after = 2 * WEFT_SEC, .within = 1 * WEFT_SEC, .lasts = 3 * WEFT_SEC,
 *      .every = 10 * WEFT_SEC}
 *
 * An empty host stands for every other one; if both are empty, all internet sockets are meant, even
 * on one host.  Unix sockets and pipes are never cut. */
typedef struct weft_sim_fault {
    int kind;                    /* enum weft_sim_fault_kind */
    char a[WEFT_SIM_HOST_BYTES]; /* "10.0.0.1", "fd00::1" */
    char b[WEFT_SIM_HOST_BYTES];
    weft_time after, within;   /* begins between `after` and `within` more, by the seed */
    weft_time lasts;           /* 0: to the end */
    weft_time every;           /* counted from one `after` to the next; 0: happens once */
    uint64_t bytes_per_second; /* SLOW */
} weft_sim_fault;

/* ---- the plan ---- */

/* Zero means "choose for me" in every field.  Probabilities are per million. */
typedef struct weft_sim_options {
    uint64_t seed;
    weft_time delay_max; /* what is sent travels for 0 … this long; 0: 1 ms; < 0: none */
    uint32_t short_ppm;  /* transfers cut short; 0: 100,000 */
    uint32_t wait_ppm;   /* operations that could go on at once but are made to wait; 0: 250,000 */
    uint32_t slow_ppm;   /* connections whose one direction is 100 times slower, with a small
                            buffer; 0: none */
    uint32_t reset_ppm;  /* sends that find the connection reset; 0: none */
    uint32_t lost_ppm;   /* datagrams that never arrive; 0: none */
    uint32_t double_ppm; /* datagrams that arrive twice; 0: none */
    uint32_t memory_error_ppm; /* allocations that fail; 0: none */
    uint32_t disk_error_ppm;   /* transfers and syncs that fail with -EIO; 0: none */
    uint32_t buffer_bytes;     /* what one direction of a connection holds; 0: 64 KiB */
    uint32_t descriptor_max;   /* open at once; 0: 65,536 */
    uint64_t disk_bytes;       /* what the disk holds, then -ENOSPC; 0: 64 MiB */
    weft_time blocking_max; /* a blocking body begins, and ends, 0 … this much later; 0: 2 ms */
    uint32_t allow;         /* enum weft_sim_allow */
    weft_sim_fault faults[WEFT_SIM_FAULTS_MAX];
    uint64_t chance_max; /* after so many things that went wrong by chance, no more do; 0: all do */
    uint64_t step_max;   /* a run that has not ended by then is aborted; 0: never */
    uint64_t break_step; /* tell the trace so far and stop in the debugger (SIGTRAP); 0: never */
    uint32_t trace_steps; /* steps kept and, when the run fails, told on standard error; 0: none */
} weft_sim_options;

/* Adds to a plan the settings and faults that a text describes:
 *
 *     "delay 20ms, lost 5%, reset 0.1%, cut 10.0.0.1 from 10.0.0.2 after 2s within 1s for 3s"
 *
 * The text is a list of clauses with commas in between.  A clause is a word and its value,
 *
 *     delay TIME, blocking TIME; short, wait, slow, reset, lost, doubled, memory-errors,
 *     disk-errors PERCENT; buffer, disk BYTES; chances N; any of them `none`
 *
 * or a fault and its times (`after T`, `within T`, `for T`, `every T`),
 *
 *     cut A [from B], slow A [from B] at BYTES, break A [from B], fill disk, break disk,
 *     exhaust memory; without N: not the N-th fault
 *
 * 0, or -WEFT_ESYNTAX with a text that says where; then *plan is not touched.  Any thread. */
WEFT_API WEFT_MUST_USE int weft_sim_plan(weft_sim_options *plan, const char *text);

/* ---- running ---- */

/* Runs fn(arg) as the main task of a simulated world and returns its result.  -EBUSY if this thread
 * already runs a loop; -EINVAL for a plan that makes no sense; else as weft_run(). */
WEFT_API int weft_sim_run(uint64_t seed, weft_fn *fn, void *arg);
WEFT_API int weft_sim_run_with(const weft_sim_options *options, weft_fn *fn, void *arg);

/* The first run of a sweep that failed: returned a negative result or left descriptors open. */
typedef struct weft_sim_failure {
    uint64_t seed, step;
    int rc;               /* what it returned */
    uint32_t descriptors; /* left open */
    char text[160];       /* what weft_fail said */
    uint64_t chances;     /* it still fails when only so many things go wrong by chance */
    char plan[160];       /* and with this plan on top, which takes away what it does not need */
} weft_sim_failure;

/* Runs fn(arg) under `count` seeds, from options->seed on (0: from 1).  0 if no run failed; 1 with
 * the first failure in *out, made smaller by running it again with fewer faults.  -EBUSY, -EINVAL
 * as weft_sim_run().  `options` and `out` may be NULL. */
WEFT_API WEFT_MUST_USE int weft_sim_sweep(const weft_sim_options *options, uint64_t count,
                                          weft_fn *fn, void *arg, weft_sim_failure *out);

/* The main() of such a test.  Returns its exit code: 0, 1 for a failure, 2 for wrong usage.
 *
 *     PROGRAM [--seeds N] [--from SEED] [--plan TEXT]      a sweep; 1,000 seeds
 *     PROGRAM --replay SEED [--step N] [--plan TEXT]       one run, with its trace; also at step N
 *
 * A sweep that finds no failure says so on standard error ("weft: 1000 seeds, none failed").  A
 * failure, also an abort as by a failed assert, is reported there: seed, step, the trace before it,
 * and the command that runs to that step again.  With --step N the trace and the task tree are
 * printed at that step and the run stops in the debugger (SIGTRAP); without a debugger it goes on
 * to its end, and the exit code says how it ended. */
WEFT_API int weft_sim_main(int argc, char **argv, const weft_sim_options *options, weft_fn *fn,
                           void *arg);

/* ---- inside ---- */

/* Puts the calling task, and what it spawns from now on, on the host with that address: its sockets
 * are there unless they are bound to another.  A task without a host is on the host it connects to.
 * 0; -EPERM outside a simulation; -EINVAL: not an address; -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_sim_host(const char *address);

/* Makes the fault happen, with its times counted from now.  0; -EPERM outside a simulation;
 * -EINVAL: a fault that makes no sense; -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_sim_happen(const weft_sim_fault *fault);

/* The state of the simulation this thread is in, or else of its last one; zeros if there was none.
 */
typedef struct weft_sim_stats {
    uint64_t seed;
    uint64_t steps;            /* switches, completions and moves of the clock so far */
    uint64_t trace_hash;       /* of all that happened: equal for equal runs */
    uint64_t end_step;         /* at which the body returned; 0: not yet */
    uint64_t chances;          /* things that went wrong by chance so far */
    weft_time now;             /* the virtual clock */
    uint32_t descriptor_count; /* open now, or left open at the end */
} weft_sim_stats;
WEFT_API void weft_sim_stats_get(weft_sim_stats *out);
WEFT_API uint64_t weft_sim_trace_hash(void);

/* Breaks the connection of a simulated descriptor as a failing network would: both ends are reset
 * when the news arrives.  -EBADF, -ENOTCONN, -EPERM outside a simulation. */
WEFT_API int weft_sim_reset(int fd);

/* Lets the disk lose power and come back, which takes no time.  What was synced is still there: the
 * bytes of a file after weft_fsync() on it, its name after weft_fsync() on its directory.  For the
 * rest the seed decides: each sector of 512 bytes is the old or the new, and the last of the names
 * created, renamed and removed may be as before.  Close what is open first.  -EPERM outside a
 * simulation. */
WEFT_API int weft_sim_power_failure(void);

/* Delivers a signal soon, as if it had come from outside, to weft_signal_wait() and the run.  0;
 * -EPERM outside a simulation; -EAGAIN as weft_post(); -EINVAL: no such signal. */
WEFT_API WEFT_MUST_USE int weft_sim_signal(int signal_number);

WEFT_END_DECLS

#endif
