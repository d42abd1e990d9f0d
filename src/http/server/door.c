/* SPDX-License-Identifier: MIT */

/* How connections come in: accepted, counted for each address, and given TLS. */

#include <weft/sys/opened.h>
#include <weft/sys/stream.h>

#include "base/list.h"
#include "h1/chars.h"
#include "http/exchange/transport.h"
#include "http/server/conn.h"
#include "http/server/peers.h"
#include "http/server/server.h"

#include <stdio.h>
#include <string.h>

/* Of one address of the internet, where nothing else is said. */
#define PUBLIC_CONNECTIONS_MAX 256u

#define CLEAR_TEXT_BODY "This port speaks HTTPS, and the request came as plain HTTP text.\n"

/* ---- TLS ---- */

static const char clear_text_answer[] = "HTTP/1.1 400 Bad Request\r\n"
                                        "Content-Type: text/plain; charset=utf-8\r\n"
                                        "Content-Length: 65\r\n"
                                        "Connection: close\r\n"
                                        "\r\n" CLEAR_TEXT_BODY;
_Static_assert(sizeof CLEAR_TEXT_BODY - 1 == 65, "the length in the head is that of the body");

/* For somebody who has typed http:// instead of https://. */
static void conn_refuse_clear_text(struct wf_conn *conn)
{
    weft_http_server *server = conn->server;
    if (weft_stream_put(conn->stream, clear_text_answer, sizeof clear_text_answer - 1) == 0) {
        server->stats.refused++;
        server->status_counts[400]++;
        server->stats.bytes_sent += sizeof clear_text_answer - 1;
    }
    wf_conn_end(conn);
}

/* The first byte tells TLS from HTTP: a request begins with a token, a record with a control
 * character (RFC 8446 5.1).  TLS gets to read it. */
void wf_conn_secure(struct wf_conn *conn)
{
    weft_http_server *server = conn->server;
    weft_str input = weft_stream_get_input(conn->stream);
    if (input.len == 0) {
        if (weft_stream_is_ended(conn->stream))
            wf_conn_end(conn);
        return;
    }
    if (wf_http_is(input.ptr[0], WF_TOKEN)) {
        conn_refuse_clear_text(conn);
        return;
    }
    wf_conn_set_state(conn, WF_CONN_NEW, server->limits.keep_alive_max);
    if (server->secure(conn->stream, server->secure_arg) < 0)
        wf_conn_abort(conn);
}

/* ---- connections of one address ---- */

/* How many connections the peer's address may have; 0: any number. */
static uint32_t conn_peer_max(const struct wf_conn *conn, const weft_addr *peer)
{
    uint32_t max = conn->server->limits.address_connections_max;
    return max != 0 ? max : wf_peer_is_public(peer) ? PUBLIC_CONNECTIONS_MAX : 0;
}

int wf_conn_get_peer(const struct wf_conn *conn, weft_addr *out)
{
    if (conn->peer_addr_bytes == 0)
        return weft_stream_get_peer(conn->stream, out);
    *out = (weft_addr){.bytes = conn->peer_addr_bytes};
    memcpy(&out->storage, &conn->peer_addr, conn->peer_addr_bytes);
    return 0;
}

static void conn_keep_peer(struct wf_conn *conn, const weft_addr *addr)
{
    if (addr->bytes > sizeof conn->peer_addr)
        return;
    memcpy(&conn->peer_addr, &addr->storage, addr->bytes);
    conn->peer_addr_bytes = addr->bytes;
}

/* Counts the connection for its address: 0, or the limit if that is reached. */
static uint32_t conn_count_peer(struct wf_conn *conn)
{
    weft_addr addr;
    if (weft_stream_get_peer(conn->stream, &addr) < 0)
        return 0;
    conn_keep_peer(conn, &addr);
    uint32_t max = conn_peer_max(conn, &addr);
    int rc = max != 0 ? wf_peers_enter(&conn->server->peers, &addr, max, &conn->peer) : 0;
    return rc < 0 ? max : 0;
}

/* Answers 503 before any request was read, and ends the connection. */
static void conn_refuse_peer(struct wf_conn *conn, uint32_t max)
{
    weft_http_server *server = conn->server;
    char head[256], body[256];
    int body_bytes =
        snprintf(body, sizeof body,
                 "{\"error\":{\"code\":\"overloaded\",\"message\":\"Your address has too "
                 "many connections.\",\"details\":{\"limit\":%u,\"seen\":%u}}}",
                 max, max + 1);
    int head_bytes = snprintf(head, sizeof head,
                              "HTTP/1.1 503 Service Unavailable\r\n"
                              "Content-Type: application/json\r\nContent-Length: %d\r\n"
                              "Retry-After: %u\r\nConnection: close\r\n\r\n",
                              body_bytes, wf_http_server_retry_after(server));
    server->stats.connections_refused++;
    if (server->secure != NULL || weft_stream_put(conn->stream, head, (size_t)head_bytes) < 0 ||
        weft_stream_put(conn->stream, body, (size_t)body_bytes) < 0) {
        wf_conn_abort(conn);
        return;
    }
    server->status_counts[503]++;
    server->stats.bytes_sent += (uint64_t)head_bytes + (uint64_t)body_bytes;
    wf_conn_end(conn);
}

/* ---- accepting ---- */

void wf_conn_accept(weft_listener *listener, int fd, void *arg)
{
    weft_http_server *server = arg;
    weft_stream *stream;
    (void)listener;
    if (weft_stream_open(&stream, fd, &server->kind) < 0) {
        server->stats.connections_refused++;
        return;
    }
    weft_closed(stream, NULL); /* it is told by the server */
    struct wf_conn *conn = weft_stream_get_user(stream);
    *conn = (struct wf_conn){
        .server = server,
        .stream = stream,
        .transport = &wf_h1_transport,
        .opened_at = wf_http_now(server),
        .gone_deadline = WEFT_FOREVER,
        .taken_deadline = WEFT_FOREVER,
    };
    wf_list_append(&server->conns, &conn->link);
    if (server->secure != NULL)
        wf_conn_set_state(conn, WF_CONN_BARE, server->limits.head_time_max);
    else
        wf_conn_set_state(conn, WF_CONN_NEW, server->limits.keep_alive_max);
    wf_server_conn_came(server);
    uint32_t max = conn_count_peer(conn);
    if (max != 0)
        conn_refuse_peer(conn, max);
    else if (server->is_draining)
        wf_conn_end(conn);
}
