/* SPDX-License-Identifier: MIT */

/*
 * Simulation: runs a body in a world made from one number.  The clock, the order of ready tasks,
 * the network and every fault come from the seed, so what a run did once it does again, on every
 * machine, and a failure is a number that can be kept.
 *
 *     int rc = weft_sim_run(42, my_server_and_clients, NULL);
 *
 * Time moves only when every task is blocked, and then jumps: a year of sleep costs nothing.
 * Stream sockets (IPv4, IPv6, Unix), pipes and files live in memory, with delay, short transfers,
 * bounded buffers and, if asked for, resets, slow peers, a full or failing disk and power failures.
 * Their descriptors are numbers no real call accepts.  The disk begins with an empty /tmp; relative
 * paths begin at the root.  Real descriptors, threads, processes and files are refused with -EPERM;
 * standard output and error can be written.
 */
#ifndef WEFT_SIM_H
#define WEFT_SIM_H

#include <weft/base.h>

WEFT_BEGIN_DECLS

#define WEFT_SIM_NEVER UINT32_MAX /* for a probability whose default is not zero */

enum weft_sim_allow {
    WEFT_SIM_ALLOW_FILES = 1u, /* open real files for reading, where the disk has none */
};

/* Zero means "choose for me" in every field.  Probabilities are per million. */
typedef struct weft_sim_options {
    uint64_t seed;
    weft_time delay_max; /* bytes and connections travel for 0 … this long; 0: 1 ms; < 0: none */
    uint32_t short_ppm;  /* transfers cut short; 0: 100,000 */
    uint32_t wait_ppm;   /* operations that could go on at once but are made to wait; 0: 250,000 */
    uint32_t slow_ppm;   /* connections whose one direction is 100 times slower, with a small
                            buffer; 0: none */
    uint32_t reset_ppm;  /* sends that find the connection reset; 0: none */
    uint32_t buffer_bytes;   /* what one direction of a connection holds; 0: 64 KiB */
    uint32_t descriptor_max; /* open at once; 0: 65,536 */
    uint32_t disk_error_ppm; /* transfers and syncs that fail with -EIO; 0: none */
    uint64_t disk_bytes;     /* what the disk holds, then -ENOSPC; 0: 64 MiB */
    uint32_t allow;          /* enum weft_sim_allow */
    uint64_t break_step;     /* stop in the debugger (SIGTRAP) at this step; 0: never */
} weft_sim_options;

/* Runs fn(arg) as the main task of a simulated world; its result.  -EBUSY if this thread already
 * runs a loop; else as weft_run(). */
WEFT_API int weft_sim_run(uint64_t seed, weft_fn *fn, void *arg);
WEFT_API int weft_sim_run_with(const weft_sim_options *options, weft_fn *fn, void *arg);

/* Of the simulation this thread is in, or else of its last one; zeros if there was none. */
typedef struct weft_sim_stats {
    uint64_t seed;
    uint64_t steps;            /* switches, completions and moves of the clock so far */
    uint64_t trace_hash;       /* of all that happened: equal for equal runs */
    weft_time now;             /* the virtual clock */
    uint32_t descriptor_count; /* open now, or left open at the end */
} weft_sim_stats;
WEFT_API void weft_sim_stats_get(weft_sim_stats *out);
WEFT_API uint64_t weft_sim_trace_hash(void);

/* Breaks the connection of a simulated descriptor as a failing network would: both ends are reset
 * when the news arrives.  -EBADF, -ENOTCONN, -EPERM outside a simulation. */
WEFT_API int weft_sim_reset(int fd);

/* The disk loses power and comes back, in no time.  What was synced is there: the bytes of a file
 * after weft_fsync() on it, its name after weft_fsync() on its directory.  Of what was not, the
 * seed decides: each sector of 512 bytes is the old or the new, and of the names made, moved and
 * removed the last ones may be as before.  Close what is open first.  -EPERM outside. */
WEFT_API int weft_sim_power_failure(void);

/* A signal arrives, as weft_signal_wait() and the run see it; soon.  0; -EPERM, -EAGAIN as
 * weft_post(); -EINVAL. */
WEFT_API WEFT_MUST_USE int weft_sim_signal(int signal_number);

WEFT_END_DECLS

#endif
