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

static int connect_host(weft_client *client, weft_stream **out, const struct wf_url *url)
{
    char name[HOST_BYTES_MAX + 1];
    weft_str host = url->host;
    if (host.len > HOST_BYTES_MAX)
        return weft_fail(-WEFT_ELIMIT, "the host's name is longer than %d bytes", HOST_BYTES_MAX);
    memcpy(name, host.ptr, host.len);
    name[host.len] = 0;
    if (url->is_https)
        WEFT_TRY(wf_secure_prepare(client));
    WEFT_TRY(weft_connect_host(out, name, url->port, NULL));
    int rc = url->is_https ? wf_secure(client, *out, name) : 0;
    if (rc < 0)
        weft_stream_abort(*out);
    return rc;
}

static int connect_origin(const struct weft_exchange *exchange, weft_stream **out)
{
    const weft_client_options *options = &exchange->client->options;
    const struct wf_url *url = &exchange->url;
    if (options->connect != NULL)
        return options->connect(out, url->host, url->port, url->is_https, options->connect_arg);
    return connect_host(exchange->client, out, url);
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
    int rc = connect_origin(exchange, &conn->stream);
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
