/* SPDX-License-Identifier: MIT */

/* Connections: made when none is idle, kept between requests, at most total_count_max of them. */

#include <weft/dns.h>
#include <weft/error.h>
#include <weft/task.h>

#include "base/alloc.h"
#include "client/client_priv.h"

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

static int secure(weft_client *client, weft_stream *stream, const struct wf_url *url)
{
    char name[HOST_BYTES_MAX + 1];
    WEFT_TRY(host_name(name, url));
    return wf_secure(client, stream, name);
}

/* The proxy, if it is to be asked; then a tunnel through it, and TLS, for https. */
static int connect_origin(struct weft_exchange *exchange, struct conn *conn)
{
    weft_client *client = exchange->client;
    const weft_client_options *options = &client->options;
    const struct wf_url *url = &exchange->url;
    bool is_proxied = wf_proxy_serves(&client->proxy, url->host);
    if (options->connect != NULL && !is_proxied) /* whose TLS is its own */
        return options->connect(&conn->stream, url->host, url->port, url->is_https,
                                options->connect_arg);
    if (url->is_https)
        WEFT_TRY(wf_secure_prepare(client));
    WEFT_TRY(connect_to(client, &conn->stream, is_proxied ? &client->proxy.url : url));
    conn->is_for_proxy = is_proxied && !url->is_https;
    int rc = is_proxied && url->is_https ? wf_proxy_tunnel(exchange, conn->stream) : 0;
    if (rc == 0 && url->is_https)
        rc = secure(client, conn->stream, url);
    if (rc < 0)
        weft_stream_abort(conn->stream);
    return rc;
}

static int conn_new(struct weft_exchange *exchange, struct conn **out)
{
    weft_client *client = exchange->client;
    struct conn *conn = wf_alloc(sizeof *conn);
    if (conn == NULL)
        return -ENOMEM;
    struct phase phase;
    wf_phase_begin(exchange, &phase, WEFT_CLIENT_CONNECT, client->options.limits.connect_max);
    client->conn_count++; /* from here on: others make room for it */
    int rc = connect_origin(exchange, conn);
    rc = wf_phase_end(exchange, &phase, rc);
    if (rc < 0) {
        client->conn_count--;
        wf_free(conn);
        return rc;
    }
    conn->origin = exchange->origin;
    conn->origin->users++;
    wf_list_init(&conn->in_origin);
    wf_list_init(&conn->in_client);
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

void wf_conn_reap(weft_client *client, weft_time now)
{
    while (!wf_list_is_empty(&client->idle)) {
        struct conn *oldest = wf_container(client->idle.prev, struct conn, in_client);
        if (now < WEFT_FOREVER && oldest->idle_since > now - client->options.limits.idle_max)
            break;
        wf_conn_cut(client, oldest);
    }
    reap_later(client);
}

/* A peer that has ended or sent something unasked is not asked again. */
static bool conn_is_sound(const struct conn *conn)
{
    return weft_stream_get_error(conn->stream) == 0 && !weft_stream_is_ended(conn->stream) &&
           !weft_stream_has_hung_up(conn->stream) && weft_stream_get_input(conn->stream).len == 0;
}

void wf_conn_keep(weft_client *client, struct conn *conn)
{
    if (!conn_is_sound(conn)) {
        wf_conn_cut(client, conn);
        return;
    }
    conn->is_reused = true;
    conn->idle_since = weft_loop_turn_time(client->loop);
    wf_list_prepend(&conn->origin->idle, &conn->in_origin);
    wf_list_prepend(&client->idle, &conn->in_client);
    reap_later(client);
}

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

int wf_conn_take(struct weft_exchange *exchange, struct conn **out)
{
    weft_client *client = exchange->client;
    struct conn *idle = conn_from_idle(client, exchange->origin);
    if (idle != NULL) {
        *out = idle;
        return 0;
    }
    if (client->conn_count >= client->options.limits.total_count_max &&
        !wf_list_is_empty(&client->idle)) /* another origin's makes room */
        wf_conn_cut(client, wf_container(client->idle.prev, struct conn, in_client));
    return conn_new(exchange, out);
}
