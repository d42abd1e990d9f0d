/* SPDX-License-Identifier: MIT */

/*
 * Loops: more than one processor for one run.
 *
 * A run with weft_config.loops = n has n loops, each on a thread of its own.  The main task is on
 * loop 0.  A task never changes its loop (so what C libraries keep per thread stays right), and
 * objects like mutexes and channels serve the tasks of one loop.  Loops work together by passing
 * things: a task, a post, the value of a future, or an item of a channel made by
 * weft_chan_new_shared().
 *
 *     for (unsigned i = 0; i < weft_loop_count(); i++)
 *         part[i].task = weft_spawn_on(weft_loop_at(i), count_words, &part[i]);
 *     rc = weft_gather_n(...);              // as if they were here
 *
 * A task on another loop is a child of the one that spawned it, like any other: it is awaited,
 * cancelled, gathered and joined by the same rules, and its owner does not end before it.  Each of
 * these takes a message there and one back.
 *
 * With io_uring and epoll the loops run at the same time: what tasks of two loops both touch needs
 * a lock or atomics, as between any threads; and several loops cannot have a virtual clock
 * (-ENOTSUP).  In simulation they can: there all loops turn on one thread, in an order that the
 * seed decides.
 */
#ifndef WEFT_LOOPS_H
#define WEFT_LOOPS_H

#include <weft/group.h>
#include <weft/sys/loop.h>
#include <weft/task.h>

WEFT_BEGIN_DECLS

#define WEFT_LOOPS_MAX 256

/* How many loops the run of the calling thread has; 0 outside a run. */
WEFT_API unsigned weft_loop_count(void);

/* The number of the calling thread's loop in its run, from 0; -1 outside a run. */
WEFT_API int weft_loop_index(void);

/* A loop of this run, good until it ends; NULL if there is none with that number. */
WEFT_API weft_loop *weft_loop_at(unsigned index);

/* Starts fn(arg) on `loop`, as a child of the calling task; on the task's own loop this is
 * weft_spawn().
 *
 * From a thread without a loop: starts a task that the loop owns, like weft_detach(), and returns
 * when the loop has accepted it, which it does in its next turn.
 *
 * Errors, in the handle: -ENOMEM, -EAGAIN (task_count_max); -EPERM: called from a task with a loop
 * of another run, or from a callback; -ESRCH: called from a thread, and the loop has ended or its
 * run is about to.  The body then never runs, and `arg` stays the caller's. */
#define weft_spawn_on(loop, fn, arg) weft_spawn_on_at((loop), (fn), (arg), WEFT_SITE(#fn))
WEFT_API weft_task weft_spawn_on_at(weft_loop *loop, weft_fn *fn, void *arg, const char *site);

/* Like weft_group_task(), but runs fn(arg) on `loop`, as a member of a group of the calling task's
 * loop.  Its failure cancels the other members, wherever they run. */
#define weft_group_task_on(group, loop, fn, arg)                                                   \
    weft_group_task_on_at((group), (loop), (fn), (arg), WEFT_SITE(#fn))
WEFT_API weft_task weft_group_task_on_at(weft_group group, weft_loop *loop, weft_fn *fn, void *arg,
                                         const char *site);

WEFT_END_DECLS

#endif
