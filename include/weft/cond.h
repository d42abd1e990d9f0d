/* SPDX-License-Identifier: MIT */

/*
 * Condition: waits, under a mutex, until another task says that something may have changed.
 *
 * A condition is plain memory, valid when zeroed, needs no destructor, and belongs to the tasks of
 * one loop.  It must not go away while a task waits.  Always wait in a loop over the thing itself:
 * a wake-up is a hint.
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

/* Unlocks the mutex and waits, in one step; owns the mutex again when it returns, whatever it
 * returns, even if that takes a wait which cannot be cancelled.
 *
 * 0: notified.  -ECANCELED: not notified, or the notification went on to the next who waits.
 * -EPERM with nothing changed: the caller does not own the mutex.  The one exception to "owns it":
 * -EOWNERDEAD, see weft_lock(). */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_cond_wait(weft_cond *cond, weft_mutex *mutex);

/* Wakes the `count` tasks that wait longest; WEFT_NOTIFY_ALL wakes everybody.  Never waits. Whether
 * the caller owns the mutex does not matter. */
WEFT_API void weft_cond_notify(weft_cond *cond, size_t count);

WEFT_END_DECLS

#endif
