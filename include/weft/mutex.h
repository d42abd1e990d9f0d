/* SPDX-License-Identifier: MIT */

/*
 * Mutex: lets one task at a time hold something across its waits.
 *
 * Tasks of a loop never run at the same instant, so code without a WEFT_WAITS call in it needs no
 * mutex.  One is for "read, wait, write back", where another task must not come between.
 *
 * A mutex is plain memory, valid when zeroed (free), needs no destructor, and belongs to the tasks
 * of one loop.  It must be unlocked before its memory goes.
 */
#ifndef WEFT_MUTEX_H
#define WEFT_MUTEX_H

#include <weft/base.h>
#include <weft/sys/park.h>

WEFT_BEGIN_DECLS

typedef struct weft_mutex {
    weft_waitq priv_waiters; /* empty while nobody owns it */
    wf_task *priv_owner;
    struct weft_mutex *priv_next, *priv_prev; /* the owner's other mutexes */
    bool priv_is_abandoned;                   /* its last owner ended; nobody has been told */
} weft_mutex;

/* Locks it, waiting until it is this task's turn; first come, first served.
 *
 * 0: the caller owns it, from the instant at which the last owner let go; a cancel that comes later
 * shows at the next wait.  Otherwise the caller does not own it: -ECANCELED; -EDEADLK: it did
 * already; -EOWNERDEAD: its last owner ended without unlocking, so what it protects may be half
 * changed.  That is said once, to the first who waited or else to the next who asks, and the mutex
 * then goes on as usual. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_lock(weft_mutex *mutex);

/* The same without waiting: -EAGAIN if another task owns it. */
WEFT_API WEFT_MUST_USE int weft_trylock(weft_mutex *mutex);

/* Hands it to the task that waited longest, or frees it.  Never waits, and works in a cancelled
 * task.  0, or -EPERM with nothing changed (and one line in the log) if the caller does not own it.
 */
WEFT_API int weft_unlock(weft_mutex *mutex);

static inline bool weft_mutex_is_locked(const weft_mutex *mutex)
{
    return mutex->priv_owner != NULL;
}

WEFT_END_DECLS

#endif
