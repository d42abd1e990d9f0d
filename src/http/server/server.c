/* SPDX-License-Identifier: MIT */

/* The server: made, filled with routes and listeners, served, and shut down in order. */

#include "http/server/server.h"

#include <weft/error.h>
#include <weft/event.h>
#include <weft/group.h>
#include <weft/scope.h>
#include <weft/sys/loop.h>
#include <weft/sys/opened.h>
#include <weft/task.h>

#include "base/alloc.h"
#include "base/list.h"
#include "base/sys.h"
#include "h1/write.h"
#include "http/exchange/chain.h"
#include "http/exchange/request.h"
#include "http/h2/h2.h"
#include "http/route/router.h"
#include "http/server/conn.h"
#include "http/server/limits.h"
#include "http/server/openings.h"
#include "http/server/peers.h"
#include "http/server/serve.h"
#include "http/server/slots.h"

#include <assert.h>

/* After the grace time: how long cancelled handlers get to clean up. */
#define STOP_CANCEL_TIME (5 * WEFT_SEC)
#define STOP_CUT_TIME (200 * WEFT_MS) /* after a second stop: for what cancelled handlers say */
#define GRACE_DEFAULT (30 * WEFT_SEC)

/* Unread bytes a stream may hold besides a head of the greatest size. */
#define INPUT_BYTES_SPARE (16u * 1024)

/* ---- making ---- */

static void server_set_kind(weft_http_server *server)
{
    const weft_http_limits *limits = &server->limits;
    server->head_limits = (struct wf_h1_limits){
        .head_bytes_max = limits->head_bytes_max,
        .line_bytes_max = limits->line_bytes_max,
        .field_bytes_max = limits->field_bytes_max,
        .field_count_max = limits->field_count_max,
        .empty_line_count_max = limits->empty_line_count_max,
    };
    server->kind = wf_conn_kind;
    server->kind.input_high = limits->head_bytes_max + INPUT_BYTES_SPARE;
    server->kind.input_low = INPUT_BYTES_SPARE;
}

static const weft_open_kind server_kind = {"HTTP server", "weft_http_server_free()", NULL};

static int options_check(const weft_http_options *options)
{
    const char *name = options != NULL ? options->timeout_field : NULL;
    if (name == NULL || wf_h1_field_check(weft_str_of(name), (weft_str)WEFT_STR("1")) == 0)
        return 0;
    return weft_fail(-EINVAL, "timeout_field is no name of a field");
}

int weft_http_server_new(weft_http_server **out, const weft_http_options *options)
{
    WEFT_TRY(options_check(options));
    weft_http_server *server = wf_alloc(sizeof *server);
    if (server == NULL)
        return -ENOMEM;
    if (options != NULL) {
        server->limits = options->limits;
        server->drain_delay = options->drain_delay;
        server->compress_bytes_min = options->compress_bytes_min;
        server->grace = options->grace;
        server->secure = options->secure;
        server->secure_arg = options->secure_arg;
        server->layers = options->layers;
        server->layer_count = options->layer_count;
        server->done = options->done;
        server->done_arg = options->done_arg;
        server->gives_ids = options->gives_ids;
        server->takes_trace = options->takes_trace;
        server->timeout_field = options->timeout_field;
        server->openapi = options->openapi;
    }
    server->has_extras = server->done != NULL || server->gives_ids;
    server->has_h2 = wf_h2_is_there() && (options == NULL || !options->is_h1_only);
    wf_http_limits_fill(&server->limits);
    if (server->grace == 0)
        server->grace = GRACE_DEFAULT;
    server_set_kind(server);
    wf_list_init(&server->conns);
    wf_queue_init(&server->queue, server->limits.queue_time_max);
    wf_list_init(&server->starting);
    wf_slots_init(&server->slots);
    server->shed.fn = wf_http_shed;
    server->ended.defer.fn = wf_http_turn_ended;
    int rc = wf_sys_random(&server->random, sizeof server->random);
    if (rc == 0)
        rc = wf_sys_random(&server->peers.key, sizeof server->peers.key);
    if (rc == 0)
        rc = wf_chains_init(server);
    if (rc == 0 && server->openapi != NULL)
        rc = wf_openapi_add(server);
    if (rc < 0) {
        weft_http_server_free(server);
        return rc;
    }
    weft_opened(server, &server_kind);
    *out = server;
    return 0;
}

const char *weft_http_alpn(void)
{
    return wf_h2_is_there() ? "h2,http/1.1" : "http/1.1";
}

static void server_close_listeners(weft_http_server *server)
{
    for (size_t i = 0; i < server->listener_count; i++)
        weft_listener_close(server->listeners[i]);
    server->listener_count = 0;
    server->is_accepting = false;
}

static void server_drop_pool(weft_http_server *server)
{
    while (server->free_requests != NULL) {
        weft_http_request *req = server->free_requests;
        server->free_requests = req->next_free;
        wf_request_free(req);
    }
    server->free_count = 0;
}

void weft_http_server_free(weft_http_server *server)
{
    if (server == NULL)
        return;
    assert(!server->is_serving);
    weft_closed(server, &server_kind);
    server_close_listeners(server);
    server_drop_pool(server);
    wf_peers_fini(&server->peers);
    wf_http_router_fini(&server->router);
    wf_chains_fini(&server->chains);
    weft_bytes_free(&server->openapi_text);
    wf_free(server->listeners);
    wf_free(server);
}

int weft_http_server_add(weft_http_server *server, const weft_http_route *route)
{
    return wf_chains_add(server, route);
}

int weft_http_server_take(weft_http_server *server, weft_listener *listener)
{
    weft_listener **listeners =
        wf_grow(server->listeners, server->listener_count + 1, sizeof listeners[0]);
    if (listeners == NULL) {
        weft_listener_close(listener);
        return -ENOMEM;
    }
    server->listeners = listeners;
    listeners[server->listener_count++] = listener;
    weft_closed(listener, NULL); /* it is told by the server */
    return 0;
}

int weft_http_server_listen(weft_http_server *server, const char *address)
{
    weft_addr addr;
    weft_listener *listener;
    int rc = weft_addr_parse(&addr, address);
    if (rc == 0)
        rc = weft_listener_open(&listener, &addr, NULL);
    return rc == 0 ? weft_http_server_take(server, listener) : rc;
}

const weft_addr *weft_http_server_get_addr(const weft_http_server *server, size_t index)
{
    return index < server->listener_count ? weft_listener_get_addr(server->listeners[index]) : NULL;
}

/* ---- small services for the others ---- */

/* splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014. */
uint64_t wf_http_server_random(weft_http_server *server)
{
    uint64_t z = (server->random += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

unsigned wf_http_server_retry_after(weft_http_server *server)
{
    return 1 + (unsigned)(wf_http_server_random(server) % 10);
}

void wf_http_server_renew_date(weft_http_server *server, weft_time now)
{
    weft_time wall = wf_sys_wall();
    wf_h1_write_date(server->date, wall / WEFT_SEC);
    server->date_until = now + WEFT_SEC - wall % WEFT_SEC;
    wf_openings_forget(&server->openings);
}

void weft_http_server_get_stats(const weft_http_server *server, weft_http_stats *out)
{
    *out = server->stats;
    for (size_t status = 0; status <= WF_STATUS_MAX; status++)
        out->answers[status / 100] += server->status_counts[status];
    out->connections_idle = server->stats.connections_open - server->busy_count;
    out->requests_in_hand = wf_slots_in_hand(&server->slots);
    out->requests_queued = server->queue.count + wf_chains_waiting(&server->chains);
}

/* ---- accepting ---- */

static int server_resume_accepting(weft_http_server *server)
{
    int rc = 0;
    if (server->is_accepting || server->is_draining)
        return 0;
    server->is_accepting = true;
    for (size_t i = 0; i < server->listener_count && rc == 0; i++)
        rc = weft_listener_start(server->listeners[i], wf_conn_accept, server);
    return rc;
}

void wf_server_conn_came(weft_http_server *server)
{
    server->stats.connections_accepted++;
    server->stats.connections_open++;
    if (server->stats.connections_open < server->limits.connection_count_max)
        return;
    server->is_accepting = false;
    for (size_t i = 0; i < server->listener_count; i++)
        weft_listener_stop(server->listeners[i]);
}

void wf_server_conn_gone(weft_http_server *server)
{
    server->stats.connections_open--;
    if (server->stats.connections_open == 0)
        weft_event_set(&server->changed);
    if (server->is_serving && server_resume_accepting(server) < 0)
        weft_http_server_stop(server);
}

/* ---- shutdown ---- */

bool weft_http_server_is_stopping(const weft_http_server *server)
{
    return server->stops != 0;
}

void weft_http_server_stop(weft_http_server *server)
{
    if (server->stops < 2)
        server->stops++;
    weft_event_set(&server->changed);
}

/* Waits until nothing is open, or a second stop, or the time is up.  In a shield of its own: a
 * cancel of the handlers reaches the waits of their group's owner too. */
static void server_wait_empty(weft_http_server *server, weft_time duration, bool is_patient)
{
    weft_scope limit;
    (void)weft_scope_open(&limit, weft_after(duration), WEFT_SCOPE_SHIELD | WEFT_SCOPE_ENDLESS);
    int rc = 0;
    while (rc == 0 && (server->stats.connections_open != 0 || server->deferred_count != 0) &&
           (is_patient || server->stops < 2)) {
        weft_event_clear(&server->changed);
        rc = weft_event_wait(&server->changed);
    }
    (void)!weft_scope_close(&limit, rc);
}

/* The drain delay: readiness says no, while connections are still accepted and served. */
static void server_wait_drain_delay(weft_http_server *server)
{
    if (server->drain_delay <= 0)
        return;
    weft_scope limit;
    (void)weft_scope_open(&limit, weft_after(server->drain_delay), 0);
    int rc = 0;
    while (rc == 0 && server->stops < 2) {
        weft_event_clear(&server->changed);
        rc = weft_event_wait(&server->changed);
    }
    (void)!weft_scope_close(&limit, rc);
}

static void server_end_idle(weft_http_server *server)
{
    wf_list_each_safe (link, &server->conns) {
        struct wf_conn *conn = wf_container(link, struct wf_conn, link);
        if (conn->state == WF_CONN_H2)
            wf_h2_drain(conn);
        else if (conn->state <= WF_CONN_IDLE)
            wf_conn_finish(conn);
    }
}

static bool conn_has_task(const struct wf_conn *conn)
{
    return conn->state == WF_CONN_SERVED ? conn->req->state == WF_EXCHANGE_BUSY
                                         : conn->task_fn != NULL;
}

/* What the kernel has of one that is ending it may deliver. */
static void server_abort_conn(struct wf_conn *conn)
{
    if (conn->state == WF_CONN_ENDING)
        weft_stream_finish(conn->stream);
    wf_conn_abort(conn);
}

/* Ends all connections; those with a task are ended by that. */
static void server_abort_all(weft_http_server *server)
{
    wf_list_each_safe (link, &server->conns) {
        struct wf_conn *conn = wf_container(link, struct wf_conn, link);
        if (conn->state == WF_CONN_H2)
            wf_h2_abort(conn);
        else if (!conn_has_task(conn))
            server_abort_conn(conn);
    }
}

/* Deaf in a shield, or in a body that blocks: the operator sees a server that does not end. */
static void server_say_who_is_left(const weft_http_server *server)
{
    size_t count = wf_slots_in_hand(&server->slots) + server->deferred_count;
    if (count != 0)
        weft_log("HTTP server: handlers that go on although they were cancelled: %zu; it ends when "
                 "they have",
                 count);
}

static void server_shut_down(weft_http_server *server)
{
    server_wait_drain_delay(server);
    server->is_draining = true;
    server_close_listeners(server);
    server_end_idle(server);
    wf_upgrades_stop(server);
    server_wait_empty(server, server->grace, /* is_patient= */ false);

    weft_group_cancel(server->handlers, "the server stops");
    server_wait_empty(server, STOP_CANCEL_TIME, /* is_patient= */ false);
    if (server->stops >= 2)
        server_wait_empty(server, STOP_CUT_TIME, /* is_patient= */ true);
    server_say_who_is_left(server);
    server_abort_all(server);
}

/* ---- serving ---- */

/* Runs outside the shield: its cancel is the caller's. */
static int server_watch(void *arg)
{
    weft_http_server *server = arg;
    weft_event never = {0};
    int rc = weft_event_wait(&never);
    if (rc == -ECANCELED && server->stops == 0)
        weft_http_server_stop(server);
    return rc;
}

/* In a shield: a cancel of the caller begins the shutdown instead of cutting it off. */
static int server_serve(weft_http_server *server)
{
    weft_group handlers = weft_group_open();
    if (handlers.id == 0)
        return -ENOMEM;
    server->handlers = handlers;
    int rc = server_resume_accepting(server);
    while (rc == 0 && server->stops == 0) {
        weft_event_clear(&server->changed);
        rc = weft_event_wait(&server->changed);
    }
    server_shut_down(server);
    int joined = weft_group_wait(handlers);
    server_abort_all(server);
    server_wait_empty(server, WEFT_FOREVER, /* is_patient= */ true);
    weft_group_end_(&handlers);
    weft_defer_stop(server->loop, &server->shed);
    weft_defer_stop(server->loop, &server->ended.defer);
    wf_http_count_times(server);
    return rc < 0 ? rc : joined;
}

static int server_serve_watched(weft_http_server *server)
{
    weft_scope shield;
    weft_group watch = weft_group_open();
    int rc = weft_group_spawn(watch, server_watch, server);
    if (rc == 0) {
        (void)weft_scope_open(&shield, WEFT_FOREVER, WEFT_SCOPE_SHIELD | WEFT_SCOPE_ENDLESS);
        rc = weft_scope_close(&shield, server_serve(server));
        weft_group_cancel(watch, "the server has stopped");
    }
    int watched = weft_group_wait(watch);
    weft_group_end_(&watch);
    return rc < 0 ? rc : watched;
}

int weft_http_serve(weft_http_server *server)
{
    int rc = weft_check();
    if (rc < 0)
        return rc;
    if (server->is_serving)
        return -EBUSY;
    if (server->listener_count == 0)
        return weft_fail(-EINVAL, "the server listens nowhere");
    server->is_serving = true;
    server->loop = weft_loop_self();
    rc = server_serve_watched(server);
    server_close_listeners(server); /* also if it could not begin: nobody waits for an answer */
    server->is_serving = false;
    server_drop_pool(server);
    return rc;
}
