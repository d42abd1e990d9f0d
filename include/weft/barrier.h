/* SPDX-License-Identifier: MIT */

/*
 * Barrier: a point that a number of tasks leave together, when the last of them has come.
 *
 * A barrier is plain memory, needs no destructor, and belongs to the tasks of one loop.  Zeroed it
 * is a barrier for one, which nobody waits at.  It must not go away while a task waits.
 */
#ifndef WEFT_BARRIER_H
#define WEFT_BARRIER_H

#include <weft/base.h>
#include <weft/sys/park.h>

WEFT_BEGIN_DECLS

typedef struct weft_barrier {
    weft_waitq priv_waiters;
    uint32_t priv_parties; /* how many make a generation; 0 is 1 */
    uint32_t priv_arrived; /* of this generation; less than priv_parties */
} weft_barrier;

#define WEFT_BARRIER(parties)                                                                      \
    {                                                                                              \
        {NULL}, (parties), 0                                                                       \
    }

/* Waits until all parties have come.  Everybody gets 0, except the last to come, who gets 1: one of
 * them can so be picked for work that is done once.  The barrier can be used again at once.
 *
 * -ECANCELED: cancelled while waiting, which breaks this generation: the others who wait get
 * -EPIPE. Who comes after that begins the next generation.  A task that is cancelled already when
 * it comes gets -ECANCELED too, but has not come, and breaks nothing. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_barrier_wait(weft_barrier *barrier);

WEFT_END_DECLS

#endif
