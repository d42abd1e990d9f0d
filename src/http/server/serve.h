/* SPDX-License-Identifier: MIT */

/* Admission: slots, the queue, shedding, and the task that answers. */
#ifndef WF_HTTP_SERVE_H
#define WF_HTTP_SERVE_H

#include <weft/sys/loop.h>

#include "http/exchange/request.h"
#include "http/server/queue.h"

static inline void wf_queue_init(struct wf_queue *queue, weft_time time_max)
{
    *queue = (struct wf_queue){.time_max = time_max};
    wf_list_init(&queue->requests);
}

static inline weft_http_request *wf_queue_first(const struct wf_queue *queue)
{
    return wf_container(queue->requests.next, weft_http_request, queue_link);
}

/* ---- serve.c ---- */

/* No slot and no place in the queue. */
bool wf_http_is_full(const weft_http_server *server);

/* 503 with Retry-After.  Not while BUSY. */
void wf_http_shed_one(weft_http_request *req);

/* A request that is QUEUED has waited too long: 503. */
void wf_http_queue_expired(weft_http_request *req);

/* It does not count among those any more; who waits for its place gets it. */
void wf_http_place_leave(weft_http_request *req);

/* A whole request is there: gives it a slot and a task, or a place in the queue. */
void wf_http_admit(weft_http_request *req);
void wf_http_queue_leave(weft_http_request *req);

/* Its task goes on without a slot; who waits for one gets it. */
void wf_http_slot_leave(weft_http_request *req);
void wf_http_shed(weft_defer *shed);

/* Tells the task of a BUSY exchange to end; only the first verdict counts. */
void wf_http_give_up(weft_http_request *req, enum wf_exchange_verdict verdict, const char *why);

#endif
