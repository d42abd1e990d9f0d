/* SPDX-License-Identifier: MIT */

/*
 * Barrier: a point at which a number of tasks wait for one another, and go on together when the
 * last of them has come.
 *
 * A barrier is plain memory, needs no destructor, and belongs to the tasks of one loop.  Zeroed it
 * is a barrier for one task, which never waits.  It must stay where it is while a task waits.
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

/* Waits until all parties have come.  Returns 0, or 1 to the last that came, so that one of them
 * can do what is to be done once.  The barrier can be used again at once.
 *
 * -ECANCELED: cancelled while waiting.  That breaks this generation: the others that wait get
 * -EPIPE, and the next that comes begins a new generation.  A task that is already cancelled when
 * it comes gets -ECANCELED too, but does not count as come, and breaks nothing. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_barrier_wait(weft_barrier *barrier);

WEFT_END_DECLS

#endif
