/* SPDX-License-Identifier: MIT */

/*
 * Bell: a condition variable for tasks of several loops.  Who finds under a mutex that what it
 * waits for is not so waits at the bell; who changes that rings it.  A waiting task parks and its
 * loop goes on; ringing needs no memory and never waits.
 */
#ifndef WF_SERVICE_BELL_H
#define WF_SERVICE_BELL_H

#include "base/list.h"

#include <pthread.h>
#include <weft/base.h>

/* Under the mutex of those who use it. */
struct bell {
    wf_list waiters;
};

void bell_init(struct bell *bell);

/* Leaves the mutex, waits until the bell is rung, enters it again.  0, or -ECANCELED; the mutex is
 * held either way. */
WEFT_WAITS int bell_wait(struct bell *bell, pthread_mutex_t *lock);

/* Wakes all who wait now.  The mutex is held. */
void bell_ring(struct bell *bell);

#endif
