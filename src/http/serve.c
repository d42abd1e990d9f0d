/* SPDX-License-Identifier: MIT */

/*
 * Admission: a request gets a slot and a task, or a place in the queue, or 503.
 *
 * The queue is judged when the ready tasks have run: a burst of a few hundred connections in one
 * turn of the loop is not an overload if the handlers are done with it in the same turn.  A task
 * that has answered takes the next request from the queue itself, which saves making another.
 */

#include "http/server_priv.h"

#include <weft/scope.h>

#include <assert.h>

/* Connections one task serves before it makes way for a fresh one. */
#define HAND_OVER_MAX 8

/* ---- slots ---- */

static bool conn_is_reserved(const struct wf_conn *conn)
{
    const struct wf_http_route *route = conn->req->match.route;
    return route != NULL && (route->public.flags & WEFT_HTTP_RESERVED) != 0;
}

static bool slot_take(struct wf_conn *conn)
{
    weft_http_server *server = conn->server;
    assert(!conn->has_slot && !conn->has_reserve);
    if (server->in_hand < server->limits.in_hand_max) {
        server->in_hand++;
        conn->has_slot = true;
        return true;
    }
    if (conn_is_reserved(conn) && server->reserve_in_hand < server->limits.reserve) {
        server->reserve_in_hand++;
        conn->has_reserve = true;
        return true;
    }
    return false;
}

static void slot_leave(struct wf_conn *conn)
{
    if (conn->has_slot)
        conn->server->in_hand--;
    if (conn->has_reserve)
        conn->server->reserve_in_hand--;
    conn->has_slot = false;
    conn->has_reserve = false;
}

/* ---- the queue ---- */

bool wf_http_is_full(const weft_http_server *server)
{
    return server->in_hand >= server->limits.in_hand_max &&
           server->queue_count >= server->limits.queue_max;
}

static void queue_push(struct wf_conn *conn)
{
    weft_http_server *server = conn->server;
    wf_list_append(&server->queue, &conn->queue_link);
    server->queue_count++;
    wf_conn_set_state(conn, WF_CONN_QUEUED, server->limits.queue_time_max);
    if (server->queue_count > server->limits.queue_max)
        weft_defer_start(server->loop, &server->shed);
}

void wf_http_queue_leave(struct wf_conn *conn)
{
    if (conn->state != WF_CONN_QUEUED)
        return;
    wf_list_remove(&conn->queue_link);
    conn->server->queue_count--;
}

void wf_http_shed_one(struct wf_conn *conn)
{
    weft_http_server *server = conn->server;
    static const char full[] = "The server has no room for this request now.";
    static const char stops[] = "The server is stopping.";
    struct wf_http_fault fault =
        wf_http_fault(503, server->is_draining ? stops : full, WF_HTTP_NOWHERE);

    wf_http_queue_leave(conn);
    server->stats.requests_shed++;
    /* What follows on this connection would only come back to here. */
    conn->req->will_close = true;
    conn->state = WF_CONN_BODY;
    if (wf_request_refuse(conn->req, &fault, wf_http_server_retry_after(server)))
        wf_conn_end(conn);
    else
        wf_conn_abort(conn);
}

/* Who came last goes first: it has waited least. */
void wf_http_shed(weft_defer *shed)
{
    weft_http_server *server = wf_container(shed, weft_http_server, shed);
    while (server->queue_count > server->limits.queue_max)
        wf_http_shed_one(wf_container(server->queue.prev, struct wf_conn, queue_link));
}

/* ---- tasks ---- */

static void conn_set_busy(struct wf_conn *conn)
{
    const struct wf_http_route *route = conn->req->match.route;
    weft_time limit = route != NULL ? route->public.handler_time_max : 0;
    conn->task = (weft_task){0};
    conn->verdict = WF_CONN_FINE;
    if (weft_stream_has_hung_up(conn->stream) && conn->gone_deadline == WEFT_FOREVER)
        conn->gone_deadline = wf_http_after(conn->server, conn->server->limits.half_close_grace);
    wf_conn_set_state(conn, WF_CONN_BUSY,
                      limit != 0 ? limit : conn->server->limits.handler_time_max);
}

/* Runs one request; true if another one of the same connection is there. */
static bool serve_one(struct wf_conn *conn)
{
    conn->task = weft_self();
    if (conn->verdict != WF_CONN_FINE) /* given up before it began */
        (void)weft_cancel(conn->task, "client disconnected");
    bool is_answered = wf_request_answer(conn->req);
    slot_leave(conn);
    conn->task = (weft_task){0};
    if (is_answered)
        return wf_conn_next(conn);
    wf_conn_abort(conn);
    return false;
}

static void serve_start(struct wf_conn *conn);

void wf_http_slot_leave(struct wf_conn *conn)
{
    weft_http_server *server = conn->server;
    slot_leave(conn);
    if (server->queue_count == 0)
        return;
    struct wf_conn *next = wf_container(server->queue.next, struct wf_conn, queue_link);
    if (!slot_take(next))
        return;
    wf_http_queue_leave(next);
    serve_start(next);
}

/* The next request for this task, in BUSY and with a slot, or NULL. */
static struct wf_conn *serve_next(weft_http_server *server, unsigned *handed)
{
    if (server->queue_count == 0)
        return NULL;
    struct wf_conn *conn = wf_container(server->queue.next, struct wf_conn, queue_link);
    if (!slot_take(conn))
        return NULL;
    wf_http_queue_leave(conn);
    if (++*handed > HAND_OVER_MAX || weft_check() < 0) {
        serve_start(conn);
        return NULL;
    }
    conn_set_busy(conn);
    return conn;
}

static int serve_task(void *arg)
{
    struct wf_conn *conn = arg;
    weft_http_server *server = conn->server;
    for (unsigned handed = 0; conn != NULL;) {
        bool has_more = serve_one(conn);
        if (has_more && server->queue_count == 0 && weft_check() == 0 && slot_take(conn)) {
            conn_set_busy(conn);
            continue;
        }
        if (has_more)
            wf_http_admit(conn);
        conn = serve_next(server, &handed);
    }
    return 0;
}

/* The connection has its slot and is in no queue. */
static void serve_start(struct wf_conn *conn)
{
    conn_set_busy(conn);
    int rc = weft_group_spawn(conn->server->handlers, serve_task, conn);
    if (rc == 0)
        return;
    slot_leave(conn);
    conn->state = WF_CONN_BODY; /* the callbacks own it again */
    wf_conn_answer_no_memory(conn);
    wf_conn_end(conn);
}

void wf_http_admit(struct wf_conn *conn)
{
    weft_http_server *server = conn->server;
    if (server->is_draining)
        wf_http_shed_one(conn);
    else if ((server->queue_count == 0 || conn_is_reserved(conn)) && slot_take(conn))
        serve_start(conn);
    else
        queue_push(conn);
}
