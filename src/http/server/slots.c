/* SPDX-License-Identifier: MIT */

#include "http/server/slots.h"

#include "base/list.h"
#include "http/exchange/request.h"
#include "http/server/conn.h"
#include "http/server/serve.h"
#include "http/server/server.h"

/* A handler whose client has sent or taken something, on its task's stack. */
struct slot_waiter {
    weft_waiter waiter;
    weft_http_request *req;
};

static const weft_wait_class slot_wait = {.what = "HTTP slot"};

bool wf_http_slot_take(weft_http_request *req)
{
    weft_http_server *server = req->conn->server;
    struct wf_slots *slots = &server->slots;
    if (slots->used < server->limits.in_hand_max) {
        slots->used++;
        req->has_slot = true;
        return true;
    }
    if (wf_request_is_reserved(req) && slots->reserve_used < server->limits.reserve) {
        slots->reserve_used++;
        req->has_reserve = true;
        return true;
    }
    return false;
}

static void slot_hand_on(struct wf_slots *slots)
{
    weft_waiter *first = weft_waitq_first(&slots->returning);
    if (first != NULL && wf_http_slot_take(wf_container(first, struct slot_waiter, waiter)->req))
        weft_wake(first, 0);
}

void wf_http_slot_give_back(weft_http_request *req)
{
    struct wf_slots *slots = &req->conn->server->slots;
    slots->used -= req->has_slot;
    slots->reserve_used -= req->has_reserve;
    req->has_slot = false;
    req->has_reserve = false;
    slot_hand_on(slots);
}

/* ---- waiting for the client ---- */

static void waiting_leave(weft_http_request *req)
{
    if (!req->is_waiting)
        return;
    wf_list_remove(&req->queue_link);
    req->conn->server->slots.waiting_count--;
    req->is_waiting = false;
}

/* Who has waited longest is most likely to wait in vain. */
static void waiting_limit(weft_http_server *server)
{
    struct wf_slots *slots = &server->slots;
    if (slots->waiting_count <= server->limits.waiting_max)
        return;
    weft_http_request *first = wf_container(slots->waiting.next, weft_http_request, queue_link);
    waiting_leave(first);
    server->stats.timeouts++;
    if (first->wait == WF_WAIT_OUTPUT)
        wf_http_give_up(first, WF_EXCHANGE_SLOW_READER, "too many clients do not read");
    else
        wf_http_give_up(first, WF_EXCHANGE_SLOW_BODY, "too many clients send their bodies slowly");
}

/* A reserve stays with its request: it is nobody else's. */
void wf_http_slot_lend(weft_http_request *req)
{
    struct wf_slots *slots = &req->conn->server->slots;
    if (!req->has_slot)
        return;
    wf_list_append(&slots->waiting, &req->queue_link);
    slots->waiting_count++;
    req->is_waiting = true;
    req->has_lent = true;
    wf_http_slot_leave(req);
    waiting_limit(req->conn->server);
}

int wf_http_slot_return(weft_http_request *req)
{
    struct wf_slots *slots = &req->conn->server->slots;
    bool has_lent = req->has_lent;
    waiting_leave(req);
    req->has_lent = false;
    if (!has_lent || wf_http_slot_take(req))
        return 0;
    WEFT_TRY(weft_sp_enter());
    if (wf_http_slot_take(req)) /* left while others ran */
        return 0;
    struct slot_waiter self = {.waiter = WEFT_WAITER(&slot_wait, slots), .req = req};
    weft_waitq_push(&slots->returning, &self.waiter);
    return weft_park(&self.waiter);
}
