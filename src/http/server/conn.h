/* SPDX-License-Identifier: MIT */

/*
 * A connection is a record inside its stream.  Its first bytes say what it speaks (BARE, NEW). Over
 * HTTP/2 it has many exchanges, and `h2` (h2_priv.h) knows them; over HTTP/1 one at a time:
 *
 *     IDLE ──first byte──▶ HEAD ──complete──▶ BODY ──collected──▶ SERVED
 *      ▲                                                            │
 *      └── answered, nothing left of its body ◀── DISCARD ◀─────────┘
 *
 *     SERVED: its exchange is QUEUED or BUSY
 *     ENDING: the stream sends what is left and goes; from any state
 *
 * Invariants.  IDLE has no exchange, every other state but ENDING has one.  A BUSY exchange has a
 * task, and only that task ends the stream; a callback asks it to by cancelling it.  In every other
 * state the callbacks own the connection.
 */
#ifndef WF_HTTP_CONN_H
#define WF_HTTP_CONN_H

#include <weft/http.h>
#include <weft/sys/stream.h>

#include "base/list.h"
#include "base/pace.h"

#include <netinet/in.h>

enum wf_conn_state {
    WF_CONN_BARE, /* not a byte has come, and TLS is to be put on it */
    WF_CONN_NEW,  /* not a byte of HTTP has come */
    WF_CONN_IDLE,
    WF_CONN_HEAD,
    WF_CONN_BODY,
    WF_CONN_SERVED,
    WF_CONN_DISCARD,
    WF_CONN_H2,       /* its exchanges are in `h2` */
    WF_CONN_DETACHED, /* speaks another protocol, by callbacks that are not ours */
    WF_CONN_ENDING,
};

/* It lies behind its stream's record: what each request needs first. */
struct wf_conn {
    weft_http_server *server;
    weft_stream *stream;
    const struct wf_transport *transport;
    weft_http_request *req; /* the exchange; NULL while IDLE, and over HTTP/2 */
    struct wf_h2 *h2;       /* over HTTP/2; NULL: not */
    weft_time opened_at;
    weft_time deadline;       /* of the state */
    weft_time gone_deadline;  /* after the peer's end; WEFT_FOREVER: it has not ended */
    weft_time taken_deadline; /* IDLE: of an answer the client must take; WEFT_FOREVER: it has */
    uint32_t request_count;
    uint8_t state;
    bool is_aborted;
    struct wf_pace pace;           /* of a client that takes too slowly */
    uint64_t acked;                /* IDLE: what it had taken when its time was up last */
    wf_list link;                  /* in server->conns */
    struct wf_peer *peer;          /* NULL: not counted */
    struct sockaddr_in6 peer_addr; /* as it was accepted: one that is gone has none; or shorter */
    uint32_t peer_addr_bytes;      /* 0: not kept, as of a Unix socket */
    void (*stop)(void *arg);       /* DETACHED: the server stops; or NULL */
    void *stop_arg;
    weft_fn *task_fn; /* DETACHED: its task, which ends it; NULL: it has none now */
    void *task_arg;
};

extern const weft_stream_kind wf_conn_kind;

/* Takes what has come, up to a whole request, which waits for a slot; NULL: it is not there. */
weft_http_request *wf_conn_advance(struct wf_conn *conn);

/* Politely; politely to a client that owes us nothing; at once.  The exchange goes back. */
void wf_conn_end(struct wf_conn *conn);
void wf_conn_finish(struct wf_conn *conn);
void wf_conn_abort(struct wf_conn *conn);

/* After an answer: the next request, as wf_conn_advance, if the connection lives on. */
weft_http_request *wf_conn_next(struct wf_conn *conn);

void wf_conn_arm(struct wf_conn *conn);

/* Asked when the time without a request is up: the kernel holds of an answer what the client goes
 * on to take, and fast enough, so that it is not idle. */
bool wf_conn_is_reading(struct wf_conn *conn, weft_time now);

/* Its exchange is over and goes back; what it speaks now is somebody else's. */
void wf_conn_outlive(struct wf_conn *conn);

/* And so long it may be in it. */
void wf_conn_set_state(struct wf_conn *conn, enum wf_conn_state state, weft_time duration);

/* The 503 for want of memory where there is not even an exchange.  The connection is to end. */
void wf_conn_answer_no_memory(struct wf_conn *conn);

/* The client's address; -ENOTCONN. */
int wf_conn_get_peer(const struct wf_conn *conn, weft_addr *out);

/* ---- door.c: how connections come ---- */

void wf_conn_accept(weft_listener *listener, int fd, void *server);

/* The first byte of one that is BARE is there, or its end. */
void wf_conn_secure(struct wf_conn *conn);

#endif
