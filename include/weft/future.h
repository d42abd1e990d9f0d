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
 * A run whose tasks all wait for futures is idle while the process has a thread that is none of
 * the run's, or had one when that was first so; else it is in a deadlock (rule F06), for nobody is
 * left who could set one.  What is not seen needs weft_loop_hold(): a signal handler of yours, and
 * in simulation, where there is no outside, a thread.
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

/* Sets it: everybody who waits, now or later, gets `rc` and `value` (borrowed; may be NULL).  Any
 * thread.  Never waits.  0; -EALREADY with nothing changed: it was set before; -EPERM in the child
 * of a fork, for those who wait in its parent. */
WEFT_API int weft_future_set(weft_future *future, int rc, void *value);

/* True once it is set: a wait would return at once.  Any thread. */
WEFT_API bool weft_future_is_set(const weft_future *future);

WEFT_END_DECLS

#endif
