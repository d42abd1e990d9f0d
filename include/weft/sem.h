/* SPDX-License-Identifier: MIT */

/*
 * Semaphore: a number of units that tasks take and give back.  It limits how many do something at
 * once: requests to one server, open files, jobs in memory.
 *
 * A semaphore is plain memory, needs no destructor, and belongs to the tasks of one loop.  Zeroed
 * it has no units and no maximum.  It must stay where it is while a task waits for it.
 *
 *     weft_sem slots = WEFT_SEM(10, 10);    // ten at a time
 *     int rc = weft_sem_take(&slots);
 *     if (rc < 0)
 *         return rc;                        // cancelled; holds nothing
 *     ... at most ten tasks are here ...
 *     weft_sem_give(&slots);
 */
#ifndef WEFT_SEM_H
#define WEFT_SEM_H

#include <weft/base.h>
#include <weft/sys/park.h>

WEFT_BEGIN_DECLS

typedef struct weft_sem {
    weft_waitq priv_waiters; /* empty while there are units */
    int64_t priv_units;
    int64_t priv_units_max; /* 0: no limit */
} weft_sem;

/* `units` to start with; never more than `units_max` (0: no limit). */
#define WEFT_SEM(units, units_max)                                                                 \
    {                                                                                              \
        {NULL}, (units), (units_max)                                                               \
    }

/* Takes one unit, waiting until there is one; first come, first served.  0: the task has a unit,
 * from the instant at which it was given, so that a cancel that comes later shows at the task's
 * next wait.  -ECANCELED: it has none. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_sem_take(weft_sem *sem);

/* Takes one unit if there is one: 0, else -EAGAIN.  Never waits. */
WEFT_API WEFT_MUST_USE int weft_sem_try(weft_sem *sem);

/* Gives one unit to the task that has waited longest, or back to the semaphore if none waits. Never
 * waits, and works in a cancelled task.  0; -EOVERFLOW with nothing changed if the semaphore has
 * units_max already. */
WEFT_API int weft_sem_give(weft_sem *sem);

/* Units that are free now. */
static inline int64_t weft_sem_units(const weft_sem *sem)
{
    return sem->priv_units;
}

WEFT_END_DECLS

#endif
