/* SPDX-License-Identifier: MIT */

/* The loop's own fields: seen by the loop, its back ends and the scheduler, nobody else. */
#ifndef WF_LOOP_PRIV_H
#define WF_LOOP_PRIV_H

#include <weft/sys/loop.h>
#include <weft/sys/platform.h>

#include "core/backend/backend_priv.h"
#include "core/loop/current.h"
#include "core/loop/timers.h"

#include <stdatomic.h>

struct wf_block;
struct wf_sched;

struct weft_loop {
    const struct wf_backend *backend;
    void *backend_state;
    const weft_platform *platform;
    struct wf_ops ops;
    struct wf_timers timers;
    weft_time now;       /* read when needed; never runs backwards */
    bool is_now_old;     /* `now` was not read in this turn, or not since the loop slept in it */
    bool is_parents;     /* we are the child of a fork: it turns there, not here */
    wf_list deferred;    /* weft_defer, run at the end of the turn */
    wf_list until_close; /* those that become deferred when a descriptor is closed */
    struct wf_block *blocks; /* given back, see blocks.c */
    uint32_t block_count;
    uint32_t hold_count;   /* outside sources that will post */
    uint32_t ending_count; /* see weft_loop_ending */
    uint32_t errand_count; /* errands to loops of this run; those to another are holds */
    uint32_t future_count; /* futures that tasks wait for: a thread may set one; timers run on */
    bool has_outside;      /* there was a thread that could set a future */
    uint32_t real_count;   /* outside work in real time: a virtual clock goes no faster meanwhile */
    uint32_t watch_count;  /* outside sources that a virtual clock need not wait for: signals */
    struct wf_posts *posts;    /* messages from other threads */
    struct wf_sched *sched;    /* the tasks, or NULL */
    struct wf_pool *file_pool; /* see backend/file_pool.h; NULL until first used */
    uint32_t file_thread_max;
    _Atomic uint64_t turn_count; /* written by the loop only, read by the watching thread */
    struct wf_watcher *watcher;  /* a thread beside the loop, or NULL */
    struct weft_embed *embed;    /* set while a foreign loop drives this one, or NULL */
    struct wf_loops *threads;    /* the loops of its run, if each has a thread; or NULL */
    uint64_t random;             /* sim: state of the seeded generator */
};

/* The record of a descriptor, or NULL if it has none. */
static inline struct wf_fd *wf_fd_find(const weft_loop *loop, int fd)
{
    int index = fd - loop->backend->fd_base;
    return fd >= 0 && index >= 0 && index < loop->ops.fd_count ? loop->ops.fds[index] : NULL;
}

/* NULL: the thread acts as one without a loop. */
static inline void wf_loop_make_current(weft_loop *loop)
{
    wf_loop_current = loop;
    wf_sched_current = loop != NULL ? loop->sched : NULL;
}

/* True if something that is ready or under way may wake a task.  If not, and nobody outside can, it
 * is a deadlock.
 */
bool wf_loop_is_moving(const weft_loop *loop);

/* True if there may be a thread that is not the run's and could set a future. */
bool wf_loop_has_outside(const weft_loop *loop);

/* Frees what weft_block_free kept. */
void wf_blocks_drop(weft_loop *loop);

/* The loop's next seeded number (sim). */
uint64_t wf_loop_random(weft_loop *loop);

#endif
