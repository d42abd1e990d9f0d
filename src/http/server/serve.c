/* SPDX-License-Identifier: MIT */

/*
 * Admission: a request gets a slot and a task, or a place in the queue, or 503.
 *
 * The queue is judged when the ready tasks have run: a burst of a few hundred connections in one
 * turn of the loop is not an overload if the handlers are done with it in the same turn.  A task
 * that has answered takes the next request itself, which saves making another: mostly, one of them
 * answers what has come in a turn.
 *
 * Invariant: while a request is in `server->starting`, a task is made that has not begun yet and
 * will take it, so none waits for the handler of another.
 */

#include "http/server/serve.h"

#include <weft/group.h>
#include <weft/scope.h>
#include <weft/sys/loop.h>
#include <weft/sys/park.h>
#include <weft/task.h>

#include "base/list.h"
#include "http/exchange/chain.h"
#include "http/exchange/patience.h"
#include "http/exchange/request.h"
#include "http/exchange/transport.h"
#include "http/route/router.h"
#include "http/server/conn.h"
#include "http/server/server.h"
#include "http/server/slots.h"

#include <assert.h>
#include <string.h>

/* Requests one task serves before it makes way for a fresh one. */
#define HAND_OVER_MAX 8

/* For this share of queue_time_max the queue may be longer than queue_max, while slots are still
 * to be used: 25 ms. */
#define SHED_PATIENCE_SHARE 20

/* ---- the queue ---- */

/* The requests that queue_max limits.  Those that have waited for a place of their route were
 * counted there, and are no more than there are places. */
static size_t queue_newcomers(const weft_http_server *server)
{
    return server->queue.count - server->queue_resumed;
}

bool wf_http_is_full(const weft_http_server *server)
{
    return server->slots.used >= server->limits.in_hand_max &&
           queue_newcomers(server) >= server->limits.queue_max;
}

static inline void request_set_state(weft_http_request *req, enum wf_exchange_state state,
                                     weft_time deadline)
{
    req->state = state;
    req->wait = WF_WAIT_NONE;
    req->deadline = deadline;
    req->conn->transport->arm(req);
}

static void queue_push(weft_http_request *req, struct wf_queue *queue)
{
    wf_list_append(&queue->requests, &req->queue_link);
    queue->count++;
    req->conn->server->queue_resumed += req->is_resumed; /* never in a route's queue */
    req->queue = queue;
    request_set_state(req, WF_EXCHANGE_QUEUED, wf_http_after(req->conn->server, queue->time_max));
}

void wf_http_queue_leave(weft_http_request *req)
{
    if (req->state != WF_EXCHANGE_QUEUED)
        return;
    wf_list_remove(&req->queue_link);
    req->queue->count--;
    req->conn->server->queue_resumed -= req->is_resumed;
    req->state = WF_EXCHANGE_COMING;
}

void wf_http_shed_one(weft_http_request *req)
{
    weft_http_server *server = req->conn->server;
    static const char full[] = "The server has no room for this request now.";
    static const char stops[] = "The server is stopping.";
    struct wf_http_fault fault =
        wf_http_fault(503, server->is_draining ? stops : full, WF_HTTP_NOWHERE);

    wf_http_queue_leave(req);
    server->stats.requests_shed++;
    /* Requests behind it on this connection would only be shed too. */
    req->will_close = true;
    bool is_answered = wf_request_refuse(req, &fault);
    req->conn->transport->refused(req, is_answered);
}

/* The request to shed: the one that came last, since it has waited least.  One that got a place of
 * its route from another has waited before, and stays; if it were shed, its place would bring the
 * next one here, and so on to the last.  There are no more of them than places. */
static weft_http_request *queue_last_newcomer(const weft_http_server *server)
{
    weft_http_request *req =
        wf_container(server->queue.requests.prev, weft_http_request, queue_link);
    while (req->is_resumed)
        req = wf_container(req->queue_link.prev, weft_http_request, queue_link);
    return req;
}

/* A request that is starting may be done in microseconds, or lend its slot to wait for its client;
 * a turn ends before all have begun where very many came in one.  Handlers that take their time
 * have begun soon. */
static bool shed_can_wait(weft_http_server *server)
{
    weft_time now = wf_http_now(server);
    if (server->shed_by == 0)
        server->shed_by = wf_http_later(now, server->queue.time_max / SHED_PATIENCE_SHARE);
    return !wf_list_is_empty(&server->starting) && now < server->shed_by;
}

void wf_http_shed(weft_defer *shed)
{
    weft_http_server *server = wf_container(shed, weft_http_server, shed);
    if (queue_newcomers(server) > server->limits.queue_max && shed_can_wait(server)) {
        weft_defer_start(server->loop, shed);
        return;
    }
    server->shed_by = 0;
    while (queue_newcomers(server) > server->limits.queue_max)
        wf_http_shed_one(queue_last_newcomer(server));
}

/* ---- tasks ---- */

void wf_http_give_up(weft_http_request *req, enum wf_exchange_verdict verdict, const char *why)
{
    if (req->verdict != WF_EXCHANGE_FINE)
        return;
    req->verdict = (uint8_t)verdict;
    req->conn->server->stats.requests_cancelled++;
    if (req->task.id != 0)
        (void)weft_cancel(req->task, why);
}

/* When its client has no use for an answer any more, as far as that says so. */
static weft_time client_deadline(const weft_http_request *req)
{
    weft_time patience = wf_patience_read(weft_http_field(req, req->conn->server->timeout_field));
    return patience == WEFT_FOREVER ? WEFT_FOREVER : wf_http_later(req->came_at, patience);
}

/* When the handler must be done, if it is called now. */
static inline weft_time request_deadline(const weft_http_request *req, weft_time now)
{
    const struct wf_http_route *route = req->match.route;
    const weft_http_server *server = req->conn->server;
    weft_time limit = route != NULL ? route->public.handler_time_max : 0;
    weft_time deadline = wf_http_later(now, limit != 0 ? limit : server->limits.handler_time_max);
    return server->timeout_field == NULL ? deadline
                                         : wf_http_earlier(deadline, client_deadline(req));
}

static inline void request_set_busy(weft_http_request *req, weft_time now)
{
    req->task = (weft_task){0};
    req->verdict = WF_EXCHANGE_FINE;
    request_set_state(req, WF_EXCHANGE_BUSY, request_deadline(req, now));
}

/* It has come behind one that its connection's task has just answered, mostly with it in one piece:
 * then the deadline is that one's, and is set. */
static inline void request_stay_busy(weft_http_request *req)
{
    weft_time deadline = request_deadline(req, req->came_at);
    if (req->deadline == deadline)
        req->state = WF_EXCHANGE_BUSY;
    else
        request_set_state(req, WF_EXCHANGE_BUSY, deadline);
}

/* Runs one request; returns the one behind it, if it is there. */
static weft_http_request *serve_one(weft_http_request *req, weft_task self)
{
    req->task = self;
    if (req->verdict != WF_EXCHANGE_FINE) /* given up before it began */
        (void)weft_cancel(req->task, req->verdict == WF_EXCHANGE_OVERTIME
                                         ? "the handler's time is up"
                                         : "client disconnected");
    bool is_answered = wf_request_answer(req);
    wf_http_slot_give_back(req);
    if (req->has_place)
        wf_http_place_leave(req);
    req->task = (weft_task){0};
    return req->conn->transport->done(req, is_answered);
}

static void serve_start(weft_http_request *req);
static void serve_call(weft_http_server *server);

void wf_http_slot_leave(weft_http_request *req)
{
    weft_http_server *server = req->conn->server;
    wf_http_slot_give_back(req);
    if (server->queue.count == 0)
        return;
    weft_http_request *next = wf_queue_first(&server->queue);
    if (!wf_http_slot_take(next))
        return;
    wf_http_queue_leave(next);
    serve_start(next);
}

static weft_http_request *starting_pop(weft_http_server *server)
{
    wf_list *link = wf_list_pop(&server->starting);
    return link != NULL ? wf_container(link, weft_http_request, queue_link) : NULL;
}

/* The next request for this task, BUSY and with a slot, or NULL. */
static weft_http_request *serve_next(weft_http_server *server, bool goes_on, unsigned *handed)
{
    bool is_free = goes_on && *handed < HAND_OVER_MAX;
    if (is_free && !wf_list_is_empty(&server->starting)) {
        ++*handed;
        return starting_pop(server);
    }
    if (server->queue.count == 0)
        return NULL;
    weft_http_request *req = wf_queue_first(&server->queue);
    if (!wf_http_slot_take(req))
        return NULL;
    wf_http_queue_leave(req);
    if (!is_free) {
        serve_start(req);
        return NULL;
    }
    ++*handed;
    request_set_busy(req, wf_http_now(server));
    return req;
}

/* True if another request waits for what this task could do next. */
static bool serve_is_asked(const weft_http_server *server, const weft_http_request *next)
{
    return next != NULL || server->queue.count != 0 || !wf_list_is_empty(&server->starting);
}

/* What a task is at, for those who look. */
struct serve_name {
    weft_namer namer;
    const weft_http_request *req; /* NULL: nothing */
};

/* "GET /match", as the route has it: what a client has sent is not for an operator's terminal. */
static bool serve_put_name(const weft_namer *namer, char *out, size_t out_bytes)
{
    const struct serve_name *name = wf_container(namer, struct serve_name, namer);
    const struct wf_http_route *route = name->req != NULL ? name->req->match.route : NULL;
    if (route == NULL)
        return false;
    const char *words[] = {route->public.method, " ", route->public.path};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t len = strnlen(words[i], out_bytes - 1);
        memcpy(out, words[i], len);
        out += len;
        out_bytes -= len;
    }
    *out = '\0';
    return true;
}

/* When its handler is given up: its time, or, while it waits for its client, that one's. */
static weft_time serve_deadline(const weft_namer *namer)
{
    const weft_http_request *req = wf_container(namer, struct serve_name, namer)->req;
    if (req == NULL)
        return WEFT_FOREVER;
    return req->wait == WF_WAIT_NONE ? req->deadline
                                     : wf_http_earlier(req->deadline, req->wait_deadline);
}

/* The next request may be another client's: it finds nothing of the last one, neither its task
 * locals nor a text that would go out as its own error, and no child of the last handler. */
static int serve_task(void *arg)
{
    weft_http_server *server = arg;
    weft_task self = weft_self();
    struct serve_name name = {.namer = {.put = serve_put_name, .deadline = serve_deadline}};
    server->has_fresh_task = false;
    weft_set_namer(&name.namer);
    (void)weft_task_renew(); /* who spawned it may have been at work on a request */
    weft_http_request *req = starting_pop(server);
    for (unsigned handed = 0; req != NULL;) {
        serve_call(server); /* those behind it do not wait for its handler */
        name.req = req;
        weft_http_request *next = serve_one(req, self);
        name.req = NULL;
        bool goes_on = serve_is_asked(server, next) && weft_task_renew();
        if (next != NULL && goes_on && server->queue.count == 0 && !wf_request_is_bounded(next) &&
            wf_http_slot_take(next)) {
            request_stay_busy(next);
            req = next;
            continue;
        }
        if (next != NULL)
            wf_http_admit(next);
        req = serve_next(server, goes_on, &handed);
    }
    return 0;
}

/* Answers 503 to a request that has no task and gets none. */
static void serve_refuse(weft_http_request *req)
{
    wf_http_slot_give_back(req);
    req->state = WF_EXCHANGE_COMING; /* the callbacks own it again */
    req->conn->transport->answer_no_memory(req);
    req->conn->transport->refused(req, /* is_answered= */ true);
}

/* Makes a task for the requests that are starting, unless one is on its way. */
static void serve_call(weft_http_server *server)
{
    if (server->has_fresh_task || wf_list_is_empty(&server->starting))
        return;
    server->has_fresh_task = weft_group_spawn(server->handlers, serve_task, server) == 0;
    while (!server->has_fresh_task && !wf_list_is_empty(&server->starting))
        serve_refuse(starting_pop(server));
}

/* Starts a request that has its slot and is in no queue. */
static void serve_start(weft_http_request *req)
{
    weft_http_server *server = req->conn->server;
    request_set_busy(req, wf_http_now(server));
    wf_list_append(&server->starting, &req->queue_link);
    serve_call(server);
}

/* ---- requests that come ---- */

/* Admits a request to the server, after its route has given it a place or refused it. */
static void admit(weft_http_request *req)
{
    weft_http_server *server = req->conn->server;
    if ((server->queue.count == 0 || wf_request_is_reserved(req)) && wf_http_slot_take(req)) {
        serve_start(req);
        return;
    }
    queue_push(req, &server->queue);
    if (queue_newcomers(server) > server->limits.queue_max)
        weft_defer_start(server->loop, &server->shed);
}

/* At most one waiting request goes on, with the place that this one leaves.  If it cannot, as no
 * task can be made, its end leaves a place again, from inside this call, and so may others of its
 * connection: those that wait for these go on afterwards, not within, so nothing recurses. */
void wf_http_place_leave(weft_http_request *req)
{
    weft_http_server *server = req->conn->server;
    struct wf_chain *chain = wf_chain_leave(req);
    weft_http_request *next;
    server->has_more_places = server->is_handing_on;
    if (server->is_handing_on)
        return;
    server->is_handing_on = true;
    while ((next = wf_chain_next(server, chain)) != NULL) {
        wf_http_queue_leave(next);
        next->is_resumed = true;
        admit(next);
        if (!server->has_more_places)
            break;
        chain = NULL;
    }
    server->is_handing_on = false;
}

/* A request that has waited too long in its route's queue goes on without a place, to be refused as
 * one that finds the queue full: the requests behind it on its connection may be for another route.
 */
void wf_http_queue_expired(weft_http_request *req)
{
    if (req->queue == &req->conn->server->queue) {
        wf_http_shed_one(req);
        return;
    }
    wf_http_queue_leave(req);
    admit(req);
}

void wf_http_admit(weft_http_request *req)
{
    struct wf_queue *queue = NULL;
    if (req->conn->server->is_draining) {
        wf_http_shed_one(req);
        return;
    }
    if (wf_request_is_bounded(req))
        queue = wf_chain_enter(req);
    if (queue != NULL)
        queue_push(req, queue);
    else
        admit(req);
}
