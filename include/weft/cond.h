/* SPDX-License-Identifier: MIT */

/*
 * Condition: waits, under a mutex, until another task says that something may have changed.
 *
 * A condition is plain memory, valid when zeroed, needs no destructor, and belongs to the tasks of
 * one loop.  It must stay where it is while a task waits.  Always wait in a loop that checks what
 * is waited for: a wake-up is only a hint.
 *
 *     int rc = weft_lock(&queue->mutex);
 *     while (rc == 0 && queue->count == 0)
 *         rc = weft_cond_wait(&queue->filled, &queue->mutex);
 */
#ifndef WEFT_COND_H
#define WEFT_COND_H

#include <weft/base.h>
#include <weft/mutex.h>
#include <weft/sys/park.h>

WEFT_BEGIN_DECLS

typedef struct weft_cond {
    weft_waitq priv_waiters;
} weft_cond;

#define WEFT_NOTIFY_ALL SIZE_MAX

/* Unlocks the mutex and waits, in one step.  The caller owns the mutex again when this returns,
 * whatever it returns, even if locking it takes another wait, which cannot be cancelled.
 *
 * 0: notified.  -ECANCELED: not notified, or the notification was passed on to the next that waits.
 * -EPERM with nothing changed: the caller does not own the mutex.  -EOWNERDEAD, as from
 * weft_lock(): the one case in which the caller does not own the mutex afterwards. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_cond_wait(weft_cond *cond, weft_mutex *mutex);

/* Wakes the `count` tasks that have waited longest; WEFT_NOTIFY_ALL wakes all.  Never waits.  The
 * caller need not own the mutex. */
WEFT_API void weft_cond_notify(weft_cond *cond, size_t count);

WEFT_END_DECLS

#endif
