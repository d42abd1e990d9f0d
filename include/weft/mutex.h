/* SPDX-License-Identifier: MIT */

/*
 * Mutex: keeps something to one task at a time, also while that task waits.
 *
 * Tasks of a loop never run at the same instant, so code that calls nothing marked WEFT_WAITS needs
 * no mutex.  It is for "read, wait, write back", where no other task may come in between.
 *
 * A mutex is plain memory, valid when zeroed (unlocked), needs no destructor, and belongs to the
 * tasks of one loop.  It must be unlocked before its memory is freed.
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

/* Locks the mutex, waiting until it is this task's turn; first come, first served.
 *
 * 0: the caller owns it, from the instant at which the last owner let go; a cancel that comes later
 * shows at the caller's next wait.  Otherwise this call has not locked it: -ECANCELED; -EDEADLK:
 * the caller owns it already; -EOWNERDEAD: the last owner ended without unlocking it, so what it
 * protects may be half changed.  One caller is told so, the first that waited or else the next that
 * tries, and the mutex then works as usual. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_lock(weft_mutex *mutex);

/* Locks the mutex if it is free: 0, else -EAGAIN; other errors as weft_lock().  Never waits. */
WEFT_API WEFT_MUST_USE int weft_trylock(weft_mutex *mutex);

/* Passes the mutex to the task that has waited longest, or unlocks it if none waits.  Never waits,
 * and works in a cancelled task.  0; -EPERM with nothing changed, and a line in the log, if the
 * caller does not own it.
 */
WEFT_API int weft_unlock(weft_mutex *mutex);

/* Whether a task owns it now, be it the caller.  Never waits. */
static inline bool weft_mutex_is_locked(const weft_mutex *mutex)
{
    return mutex->priv_owner != NULL;
}

WEFT_END_DECLS

#endif
