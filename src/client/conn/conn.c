/* SPDX-License-Identifier: MIT */

/* Connections: made when none has room, kept between requests, at most total_count_max of them. */

#include <weft/dns.h>
#include <weft/error.h>
#include <weft/sys/opened.h>
#include <weft/task.h>

#include "base/alloc.h"
#include "client/client_priv.h"
#include "client/conn/farewell.h"

#include <string.h>

#define HOST_BYTES_MAX 255 /* the longest name, with a dot at its end */

/* ---- making one ---- */

/* The URL's host as a string of its own. */
static int host_name(char out[HOST_BYTES_MAX + 1], const struct wf_url *url)
{
    if (url->host.len > HOST_BYTES_MAX)
        return weft_fail(-WEFT_ELIMIT, "the host's name is longer than %d bytes", HOST_BYTES_MAX);
    memcpy(out, url->host.ptr, url->host.len);
    out[url->host.len] = 0;
    return 0;
}

/* TCP to the server of the URL. */
static int connect_to(const weft_client *client, weft_stream **out, const struct wf_url *url)
{
    const weft_client_options *options = &client->options;
    char name[HOST_BYTES_MAX + 1];
    if (options->connect != NULL)
        return options->connect(out, url->host, url->port, /* is_https= */ false,
                                options->connect_arg);
    WEFT_TRY(host_name(name, url));
    return weft_connect_host(out, name, url->port, NULL);
}

/* Whoever makes the connections makes them whole, but for those to a proxy. */
static bool is_made_elsewhere(const struct weft_exchange *exchange)
{
    return exchange->client->options.connect != NULL && !exchange->origin->is_proxied;
}

/* To the proxy, if it is to be asked, and for https a tunnel through it. */
static int connect_origin(struct weft_exchange *exchange, struct conn *conn)
{
    weft_client *client = exchange->client;
    const weft_client_options *options = &client->options;
    const struct wf_url *url = &exchange->url;
    bool is_proxied = exchange->origin->is_proxied;
    if (is_made_elsewhere(exchange))
        return options->connect(&conn->stream, url->host, url->port, url->is_https,
                                options->connect_arg);
    if (url->is_https)
        WEFT_TRY(wf_secure_prepare(client));
    WEFT_TRY(connect_to(client, &conn->stream, is_proxied ? &client->proxy.url : url));
    conn->is_for_proxy = is_proxied && !url->is_https;
    int rc = is_proxied && url->is_https ? wf_proxy_tunnel(exchange, conn->stream) : 0;
    if (rc < 0)
        weft_stream_abort(conn->stream);
    return rc;
}

static int secure(const struct weft_exchange *exchange, const struct conn *conn)
{
    char name[HOST_BYTES_MAX + 1];
    WEFT_TRY(host_name(name, &exchange->url));
    int rc = wf_secure(exchange->client, conn->stream, name,
                       conn->may_share ? "h2,http/1.1" : "http/1.1");
    if (rc == 0 || !exchange->origin->is_proxied || rc != weft_stream_get_error(conn->stream))
        return rc;
    const weft_str *proxy = &exchange->client->proxy.url.authority;
    const char *text = weft_stream_get_error_text(conn->stream);
    return weft_fail(rc, "TLS handshake with %.*s through the proxy %.*s: %s",
                     (int)exchange->url.authority.len, exchange->url.authority.ptr, (int)proxy->len,
                     proxy->ptr, text[0] != 0 ? text : weft_strerror(rc));
}

/* HTTP/2 is spoken where both have agreed on it, or where we are told that the server does. */
static int carrier_choose(const struct weft_exchange *exchange, struct conn *conn)
{
    weft_client *client = exchange->client;
    weft_str agreed = weft_stream_get_protocol(conn->stream);
    bool is_agreed = agreed.len == 2 && memcmp(agreed.ptr, "h2", 2) == 0;
    bool is_told = client->options.assumes_h2 && !exchange->url.is_https && !conn->is_for_proxy;
    conn->carrier = &wf_h1_carrier;
    if (!is_agreed && !is_told)
        return 0;
    if (!conn->may_share)
        return is_agreed ? weft_fail(-EPROTO, "%s speaks HTTP/2, which was not asked for",
                                     exchange->origin->name)
                         : 0;
    conn->carrier = &wf_mux_carrier;
    return wf_mux_open(client, conn);
}

/* Connected, and for https under TLS: two phases. */
static int conn_open(struct weft_exchange *exchange, struct conn *conn)
{
    const weft_client_limits *limits = &exchange->client->options.limits;
    struct phase phase;
    wf_phase_begin(exchange, &phase, WEFT_CLIENT_CONNECT, limits->connect_max);
    int rc = connect_origin(exchange, conn);
    rc = wf_phase_end(exchange, &phase, rc);
    if (rc < 0 || !exchange->url.is_https || is_made_elsewhere(exchange))
        return rc;
    wf_phase_begin(exchange, &phase, WEFT_CLIENT_TLS, limits->tls_max);
    rc = secure(exchange, conn);
    rc = wf_phase_end(exchange, &phase, rc);
    if (rc < 0)
        weft_stream_abort(conn->stream);
    return rc;
}

static int conn_make(struct weft_exchange *exchange, struct conn *conn)
{
    int rc = conn_open(exchange, conn);
    if (rc < 0)
        return rc;
    weft_closed(conn->stream, NULL); /* it is told by the client */
    rc = carrier_choose(exchange, conn);
    if (rc < 0)
        weft_stream_abort(conn->stream);
    return rc;
}

static int conn_new(struct weft_exchange *exchange, struct conn **out)
{
    weft_client *client = exchange->client;
    struct origin *origin = exchange->origin;
    struct conn *conn = wf_alloc(sizeof *conn);
    if (conn == NULL)
        return -ENOMEM;
    wf_list_init(&conn->in_origin);
    wf_list_init(&conn->in_client);
    conn->origin = origin;
    conn->may_share = wf_origin_may_share(exchange);
    client->conn_count++; /* from here on: others make room for it */
    origin->opening_count += conn->may_share;
    int rc = conn_make(exchange, conn);
    if (rc < 0) {
        client->conn_count--;
        if (conn->may_share)
            wf_conn_opened(origin, 0);
        wf_free(conn);
        return rc;
    }
    origin->users++;
    if (conn->may_share && conn->mux == NULL)
        wf_conn_opened(origin, 1);
    *out = conn;
    return 0;
}

/* ---- keeping and cutting ---- */

/* When the timer is to look at the connection that is idle longest. */
static void reap_later(weft_client *client)
{
    weft_time at = WEFT_FOREVER, idle_max = client->options.limits.idle_max;
    if (!wf_list_is_empty(&client->idle)) {
        struct conn *oldest = wf_container(client->idle.prev, struct conn, in_client);
        if (idle_max < WEFT_FOREVER - oldest->idle_since)
            at = oldest->idle_since + idle_max;
    }
    weft_timer_start(client->loop, &client->reap, at);
}

weft_stream *wf_conn_detach(weft_client *client, struct conn *conn)
{
    wf_mux_free(conn->mux); /* and with it the stream */
    weft_stream *stream = conn->stream;
    wf_list_remove(&conn->in_origin);
    wf_list_remove(&conn->in_client);
    client->conn_count--;
    wf_origin_release(client, conn->origin);
    wf_free(conn);
    return stream;
}

void wf_conn_cut(weft_client *client, struct conn *conn)
{
    weft_stream_abort(wf_conn_detach(client, conn));
}

void wf_conn_part(weft_client *client, struct conn *conn)
{
    struct wf_farewell *farewell = conn->mux == NULL ? wf_farewell_new() : NULL;
    weft_stream *stream = wf_conn_detach(client, conn); /* NULL: that of HTTP/2 goes already */
    if (farewell != NULL)
        wf_farewell_begin(client, farewell, stream, weft_stream_get_kind(stream),
                          weft_stream_finish);
    else
        weft_stream_abort(stream);
}

void wf_conn_reap(weft_client *client, weft_time now)
{
    while (!wf_list_is_empty(&client->idle)) {
        struct conn *oldest = wf_container(client->idle.prev, struct conn, in_client);
        if (now < WEFT_FOREVER && oldest->idle_since > now - client->options.limits.idle_max)
            break;
        wf_conn_part(client, oldest);
    }
    reap_later(client);
}

/* A peer that has ended or sent something unasked is not asked again. */
static bool conn_is_sound(const struct conn *conn)
{
    return weft_stream_get_error(conn->stream) == 0 && !weft_stream_is_ended(conn->stream) &&
           !weft_stream_has_hung_up(conn->stream) && weft_stream_get_input(conn->stream).len == 0;
}

/* The one used last is the first to be used again, and the last to be cut. */
static void conn_set_idle(weft_client *client, struct conn *conn)
{
    conn->idle_since = weft_loop_turn_time(client->loop);
    wf_list_prepend(&client->idle, &conn->in_client);
    reap_later(client);
}

void wf_conn_keep(weft_client *client, struct conn *conn)
{
    if (!conn_is_sound(conn)) {
        wf_conn_cut(client, conn);
        return;
    }
    wf_list_prepend(&conn->origin->idle, &conn->in_origin);
    conn_set_idle(client, conn);
}

void wf_conn_rest(weft_client *client, struct conn *conn)
{
    if (wf_list_is_empty(&conn->in_origin)) /* it takes no more */
        wf_conn_cut(client, conn);
    else
        conn_set_idle(client, conn);
}

void wf_conn_close_door(struct conn *conn)
{
    wf_list_remove(&conn->in_origin);
}

/* ---- one for an exchange ---- */

/* One that is idle and sound, or NULL. */
static struct conn *conn_from_idle(weft_client *client, struct origin *origin)
{
    while (!wf_list_is_empty(&origin->idle)) {
        struct conn *conn = wf_container(origin->idle.next, struct conn, in_origin);
        if (!conn_is_sound(conn)) {
            wf_conn_cut(client, conn);
            continue;
        }
        wf_list_remove(&conn->in_origin);
        wf_list_remove(&conn->in_client);
        reap_later(client);
        return conn;
    }
    return NULL;
}

/* One that carries other requests beside, or NULL. */
static struct conn *conn_from_shared(struct weft_exchange *exchange)
{
    weft_client *client = exchange->client;
    wf_list_each (at, &exchange->origin->shared) {
        struct conn *conn = wf_container(at, struct conn, in_origin);
        if (!wf_mux_join(conn->mux, exchange))
            continue;
        wf_list_remove(&conn->in_client);
        reap_later(client);
        return conn;
    }
    return NULL;
}

void wf_conn_opened(struct origin *origin, uint32_t room)
{
    origin->opening_count--;
    if (room != 0)
        origin->room = room;
    weft_event_set(&origin->opened);
    weft_event_clear(&origin->opened);
}

/* Connections that are being opened will have room for one more than those who wait for it. */
static bool is_opening_enough(const struct origin *origin)
{
    return origin->waiting_count < (uint64_t)origin->opening_count * (origin->room - 1);
}

static int wait_for_opening(struct weft_exchange *exchange)
{
    struct origin *origin = exchange->origin;
    const weft_client_limits *limits = &exchange->client->options.limits;
    weft_time patience = limits->connect_max; /* as long as who opens it may take */
    struct phase phase;
    if (exchange->url.is_https)
        patience =
            limits->tls_max < WEFT_FOREVER - patience ? patience + limits->tls_max : WEFT_FOREVER;
    wf_phase_begin(exchange, &phase, WEFT_CLIENT_CONNECT, patience);
    origin->waiting_count++;
    int rc = weft_event_wait(&origin->opened);
    origin->waiting_count--;
    return wf_phase_end(exchange, &phase, rc);
}

/* An idle one, or one with room; NULL: a new one is to be made. */
static int conn_find(struct weft_exchange *exchange, struct conn **out)
{
    bool may_share = wf_origin_may_share(exchange);
    for (;;) {
        *out = may_share ? conn_from_shared(exchange) : NULL;
        if (*out == NULL && !exchange->wants_fresh)
            *out = conn_from_idle(exchange->client, exchange->origin);
        if (*out != NULL || !may_share || !is_opening_enough(exchange->origin))
            return 0;
        WEFT_TRY(wait_for_opening(exchange));
    }
}

int wf_conn_take(struct weft_exchange *exchange)
{
    weft_client *client = exchange->client;
    struct conn *conn;
    WEFT_TRY(conn_find(exchange, &conn));
    if (conn != NULL) {
        exchange->conn = conn;
        return 0;
    }
    if (client->conn_count >= client->options.limits.total_count_max &&
        !wf_list_is_empty(&client->idle)) /* another one makes room */
        wf_conn_part(client, wf_container(client->idle.prev, struct conn, in_client));
    WEFT_TRY(conn_new(exchange, &conn));
    if (conn->mux != NULL && !wf_mux_join(conn->mux, exchange)) { /* it has ended already */
        wf_conn_cut(client, conn);
        return weft_fail(-ECONNRESET, "%s closed the connection at once", exchange->origin->name);
    }
    exchange->conn = conn;
    return 0;
}

bool wf_origin_may_share(const struct weft_exchange *exchange)
{
    const weft_client_options *options = &exchange->client->options;
    const struct wf_url *url = &exchange->url;
    if (!wf_mux_is_there() || options->is_h1_only || exchange->request->upgrade != NULL ||
        exchange->origin->needs_h1)
        return false;
    if (url->is_https)
        return wf_secure_is_there() || options->connect != NULL;
    return options->assumes_h2 && !exchange->origin->is_proxied;
}
