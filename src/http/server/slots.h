/* SPDX-License-Identifier: MIT */

/*
 * Slots: what a handler needs to run, limits.in_hand_max of them, and a few more for routes that
 * are RESERVED.
 *
 * A handler that waits for its client, to send more of a body or to take a piece of the answer, has
 * none meanwhile, or clients that do neither would have them all.  Those that wait so have a limit
 * of their own (waiting_max).  When something has come or is taken, or nothing will be, the handler
 * gets a slot before any request that has no handler yet.
 *
 * Invariant: while a handler waits for a slot there is none to be had.
 */
#ifndef WF_HTTP_SLOTS_H
#define WF_HTTP_SLOTS_H

#include <weft/http.h>
#include <weft/sys/park.h>

#include "base/list.h"

struct wf_slots {
    size_t used, reserve_used;
    wf_list
        waiting; /* requests whose handler waits for their client, by queue_link; longest first */
    size_t waiting_count;
    weft_waitq returning; /* handlers that wait to go on */
};

static inline void wf_slots_init(struct wf_slots *slots)
{
    *slots = (struct wf_slots){0};
    wf_list_init(&slots->waiting);
}

/* Requests with a handler that has not returned. */
static inline size_t wf_slots_in_hand(const struct wf_slots *slots)
{
    return slots->used + slots->reserve_used + slots->waiting_count;
}

/* False: there is none. */
bool wf_http_slot_take(weft_http_request *req);

/* Gives it back, if it has one; a handler that waits for it has it now. */
void wf_http_slot_give_back(weft_http_request *req);

/* Around a wait for the client.  wf_http_slot_return() is 0, or -ECANCELED: then the handler
 * goes on without, to its end. */
void wf_http_slot_lend(weft_http_request *req);
WEFT_WAITS WEFT_MUST_USE int wf_http_slot_return(weft_http_request *req);

#endif
