/* SPDX-License-Identifier: MIT */

/*
 * Event: a flag that tasks wait for.  It stays set until it is cleared.
 *
 * An event is plain memory, valid when zeroed (not set), needs no destructor, and belongs to the
 * tasks of one loop.  It must stay where it is while a task waits for it; a debug build aborts if
 * it does not.
 *
 *     weft_event ready = {0};
 *     ...
 *     int rc = weft_event_wait(&ready);     // one task
 *     weft_event_set(&ready);               // another
 */
#ifndef WEFT_EVENT_H
#define WEFT_EVENT_H

#include <weft/base.h>
#include <weft/sys/park.h>

WEFT_BEGIN_DECLS

typedef struct weft_event {
    weft_waitq priv_waiters; /* nobody waits while it is set */
    bool priv_is_set;
} weft_event;

/* Waits until the event is set; returns at once if it is.  0 or -ECANCELED.  A task that was
 * waiting when the event was set gets 0, even if the event is cleared, or the task cancelled,
 * before the task runs. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_event_wait(weft_event *event);

/* Sets the event and wakes all tasks that wait for it, in the order in which they came.  Never
 * waits. */
WEFT_API void weft_event_set(weft_event *event);

/* Clears the event, so that the next weft_event_wait() waits.  Tasks that were woken stay woken. */
WEFT_API void weft_event_clear(weft_event *event);

/* Whether it is set now.  Never waits. */
static inline bool weft_event_is_set(const weft_event *event)
{
    return event->priv_is_set;
}

WEFT_END_DECLS

#endif
