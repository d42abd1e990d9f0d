/* SPDX-License-Identifier: MIT */

/*
 * Future: one result that comes later, from anywhere.
 *
 * Tasks of one loop wait for it; any thread may set it, before or after the first wait, and setting
 * it needs no memory and so cannot fail.  A future is plain memory, valid when zeroed, and needs no
 * destructor.  It must stay where it is while a task waits for it and until a set that another
 * thread has begun has returned.
 *
 *     weft_future answer = {0};
 *     hand_to_thread(&answer);              // the thread: weft_future_set(&answer, 0, reply);
 *     void *reply;
 *     int rc = weft_future_wait(&answer, &reply);
 *
 * When all tasks of a run wait for futures, the run stays idle if the process has, or had at that
 * moment, a thread that is not the run's; else it is a deadlock (rule F06), since nobody is left to
 * set one.  What Weft cannot see needs weft_loop_hold(): a signal handler of yours, and in
 * simulation, which knows no outside, a thread.
 */
#ifndef WEFT_FUTURE_H
#define WEFT_FUTURE_H

#include <weft/base.h>
#include <weft/sys/loop.h>
#include <weft/sys/park.h>

WEFT_BEGIN_DECLS

typedef struct weft_future {
    weft_msg priv_msg;       /* carries a set to the loop of those who wait */
    weft_loop *priv_loop;    /* theirs; valid while priv_state says that they wait */
    weft_waitq priv_waiters; /* that loop's thread only */
    void *priv_value;
    int priv_rc;
    uint32_t priv_is_claimed; /* atomic: the first set has it */
    uint32_t priv_state;      /* atomic: see future.c */
} weft_future;

/* Waits until the future is set; returns the `rc` it was set with, and stores the value in
 * *out_value (may be NULL) whatever rc is.  -ECANCELED: not set when the task was cancelled (or set
 * to that); *out_value is then untouched. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_future_wait(weft_future *future, void **out_value);

/* Sets the future: every wait for it, now or later, returns `rc` and stores `value` (borrowed; may
 * be NULL).  Any thread.  Never waits.  0; -EALREADY with nothing changed: it was set before;
 * -EPERM in the child of a fork, when those that wait are in its parent. */
WEFT_API int weft_future_set(weft_future *future, int rc, void *value);

/* True once it is set: a wait would return at once.  Any thread. */
WEFT_API bool weft_future_is_set(const weft_future *future);

WEFT_END_DECLS

#endif
