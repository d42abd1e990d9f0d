/* SPDX-License-Identifier: MIT */

/*
 * The server's own structures: server, connection, exchange.
 *
 * A connection is a record inside its stream.  While it has a request, or a part of one, it also
 * has an exchange: the parsed head, the collected body and the answer in the making.
 *
 *     IDLE ──first byte──▶ HEAD ──complete──▶ BODY ──collected──▶ QUEUED ──slot──▶ BUSY
 *      ▲                                                                             │
 *      └───────────────── answered, nothing left of its body ◀── DISCARD ◀───────────┘
 *     ENDING: the stream sends what is left and goes; from any state.
 *
 * Invariants.  IDLE has no exchange, every other state but ENDING has one.  BUSY has a task, and
 * only that task ends the stream; a callback asks it to by cancelling it.  In every other state the
 * callbacks own the connection.
 */
#ifndef WF_HTTP_SERVER_PRIV_H
#define WF_HTTP_SERVER_PRIV_H

#include <weft/error.h>
#include <weft/event.h>
#include <weft/group.h>
#include <weft/http.h>
#include <weft/stats.h>
#include <weft/sys/loop.h>
#include <weft/sys/stream.h>
#include <weft/task.h>

#include "base/buf.h"
#include "base/list.h"
#include "h1/body.h"
#include "h1/head.h"
#include "h1/write.h"
#include "http/router.h"

#define WF_STATUS_MAX 599

enum wf_conn_state {
    WF_CONN_IDLE,
    WF_CONN_HEAD,
    WF_CONN_BODY,
    WF_CONN_QUEUED,
    WF_CONN_BUSY,
    WF_CONN_DISCARD,
    WF_CONN_ENDING,
};

/* What a BUSY connection's task waits for on the stream. */
enum wf_conn_wait { WF_CONN_WAIT_NONE, WF_CONN_WAIT_INPUT, WF_CONN_WAIT_OUTPUT };

/* Why a BUSY connection was told to end. */
enum wf_conn_verdict {
    WF_CONN_FINE,
    WF_CONN_GONE,      /* the client went away */
    WF_CONN_SLOW_BODY, /* 408 */
    WF_CONN_SLOW_READER,
    WF_CONN_OVERTIME, /* 504 */
};

struct wf_conn {
    wf_list link;       /* in server->conns */
    wf_list queue_link; /* in server->queue while QUEUED */
    weft_http_server *server;
    weft_stream *stream;
    weft_http_request *req; /* the exchange; NULL while IDLE */
    weft_task task;         /* while BUSY */
    weft_time opened_at;
    weft_time deadline;      /* of the state */
    weft_time gone_deadline; /* after the peer's end; WEFT_FOREVER: it has not ended */
    weft_time wait_deadline; /* of `wait` */
    uint32_t request_count;
    uint8_t state, wait, verdict;
    bool has_slot;    /* counts in server->in_hand */
    bool has_reserve; /* counts in server->reserve_in_hand */
    bool is_aborted;
};

struct weft_http_response {
    weft_http_request *req;
    int status;    /* 0: not set */
    wf_buf fields; /* lines of the head */
    bool has_begun, is_done;
    bool has_length; /* by weft_http_set_length */
    bool is_chunked;
    uint64_t length, sent; /* of the body */
};

/* A parameter of the query, decoded. */
struct wf_http_param {
    weft_str name, value;
};

/* One request and its answer. */
struct weft_http_request {
    weft_http_request *next_free; /* in server->free_requests */
    struct wf_conn *conn;
    weft_time came_at; /* its head was understood */
    struct wf_h1_head head;
    char *text; /* the head's bytes, then the decoded path; offsets of `head` are into it */
    size_t text_capacity;
    weft_str path, query;
    struct wf_http_match match;
    struct wf_http_fault fault; /* answered instead of a handler; status 0: none */
    uint32_t allow;             /* methods for Allow, with 405 and OPTIONS */
    bool is_options;            /* answered with Allow alone */

    struct wf_http_param *params;
    size_t param_count;

    struct wf_h1_body_limits body_limits;
    struct wf_h1_body framing;
    wf_buf body;           /* collected */
    size_t body_read;      /* of it, by weft_http_read */
    size_t body_counted;   /* of it, in server->bodies_bytes */
    weft_time body_waited; /* time spent waiting for it */
    weft_time body_waits_from;
    uint64_t body_seen;  /* bytes of it that came */
    bool wants_continue; /* Expect, and 100 not sent yet */
    bool is_head_timed;  /* the head did not come at once */
    bool is_collecting;  /* the body is kept before the handler starts */

    bool will_close;         /* the connection ends with this answer */
    bool is_upgraded;        /* its handler has the connection for another protocol */
    void (*stop)(void *arg); /* then: the server stops; or NULL */
    void *stop_arg;
    char id[129]; /* X-Request-Id; "": not asked for yet */
    bool is_id_given;
    wf_buf scratch; /* the error body */
    struct weft_http_response res;
    struct wf_h1_field fields[]; /* limits.field_count_max of them */
};

struct weft_http_server {
    weft_http_limits limits;
    struct wf_h1_limits head_limits;
    weft_stream_kind kind;
    weft_time drain_delay, grace;
    int (*secure)(weft_stream *stream, void *arg); /* see weft_http_options; or NULL */
    void *secure_arg;
    struct wf_http_router router;
    weft_listener **listeners;
    size_t listener_count;

    weft_loop *loop; /* while it serves */
    weft_group handlers;
    wf_list conns;
    wf_list queue;   /* QUEUED connections, first come first */
    weft_defer shed; /* looks at the queue when the ready tasks have run */
    size_t queue_count, in_hand, reserve_in_hand, request_count;
    weft_http_request *free_requests;
    size_t free_count;
    uint64_t random;

    char date[WF_H1_DATE_BYTES];
    weft_time date_until; /* loop's clock */

    weft_event changed; /* a stop was asked for, or the last connection went */
    uint8_t stops;      /* how often a stop was asked for, up to 2 */
    bool is_serving;
    bool is_accepting;
    bool is_draining; /* listeners are closed: no new request is served */
    weft_http_stats stats;
    weft_histogram request_times; /* from the head to the end of the exchange */
    uint64_t status_counts[WF_STATUS_MAX + 1];
};

/* ---- server.c ---- */

/* The Date of answers, made anew once a second. */
const char *wf_http_server_date(weft_http_server *server, weft_time now);
uint64_t wf_http_server_random(weft_http_server *server);

/* Counts a connection; stops and resumes accepting at the limit. */
void wf_server_conn_came(weft_http_server *server);
void wf_server_conn_gone(weft_http_server *server);

/* Seconds for Retry-After, 1 to 10. */
unsigned wf_http_server_retry_after(weft_http_server *server);

/* Deadlines here are seconds and more: the time of the turn is exact enough. */
static inline weft_time wf_http_now(const weft_http_server *server)
{
    return weft_loop_turn_time(server->loop);
}

static inline weft_time wf_http_after(const weft_http_server *server, weft_time duration)
{
    weft_time now = wf_http_now(server);
    return duration < WEFT_FOREVER - now ? now + duration : WEFT_FOREVER;
}

/* ---- conn.c ---- */

void wf_conn_accept(weft_listener *listener, int fd, void *server);
extern const weft_stream_kind wf_conn_kind;

/* Takes what has come, up to a whole request.  True: it is there and waits for a slot. */
bool wf_conn_advance(struct wf_conn *conn);

/* Politely; politely to a client that owes us nothing; at once.  The exchange goes back. */
void wf_conn_end(struct wf_conn *conn);
void wf_conn_finish(struct wf_conn *conn);
void wf_conn_abort(struct wf_conn *conn);

/* After an answer: the next request if the connection lives on.  True as wf_conn_advance. */
bool wf_conn_next(struct wf_conn *conn);

void wf_conn_set_state(struct wf_conn *conn, enum wf_conn_state state, weft_time duration);
void wf_conn_arm(struct wf_conn *conn);

/* ---- serve.c: admission, and the task that answers ---- */

/* No slot and no place in the queue. */
bool wf_http_is_full(const weft_http_server *server);

/* 503 with Retry-After; the connection ends.  Not while BUSY. */
void wf_http_shed_one(struct wf_conn *conn);

/* A whole request is there: gives it a slot and a task, or a place in the queue. */
void wf_http_admit(struct wf_conn *conn);
void wf_http_queue_leave(struct wf_conn *conn);

/* Its task goes on without a slot; who waits for one gets it. */
void wf_http_slot_leave(struct wf_conn *conn);
void wf_http_shed(weft_defer *shed);

/* ---- exchange.c ---- */

weft_http_request *wf_request_new(struct wf_conn *conn); /* NULL: no memory */
void wf_request_release(weft_http_request *req);

/* The request is over: counts how long it took. */
void wf_request_time(weft_http_request *req);
void wf_request_free(weft_http_request *req);

/* The head is complete in input[0, head.bytes): keeps a copy, finds the route, judges it.  What is
 * wrong with it is in req->fault.  0 or -ENOMEM. */
int wf_request_prepare(weft_http_request *req, const char *input);

/* Keeps a piece of the body.  0, -ENOMEM, or -WEFT_ELIMIT with req->fault. */
int wf_request_keep_body(weft_http_request *req, weft_str piece);

/* How much longer the next piece of the body may take, `waited` into waiting for it. */
weft_time wf_request_body_patience(const weft_http_request *req, weft_time waited);

/* True if all that is left of the body can be read and dropped to keep the connection. */
bool wf_request_can_drain(const weft_http_request *req);

/* ---- answer.c ---- */

/* Calls the handler or answers the fault; afterwards the answer is whole or the connection is to
 * be aborted (false). */
bool wf_request_answer(weft_http_request *req);

/* Ends a streamed answer, or sends one without body if nothing was.  0, -WEFT_ETRUNCATED if less
 * came than the length promised, or what the stream says. */
int wf_response_finish(weft_http_response *res);

/* Answers a fault from a callback, without waiting.  False: it could not be sent. */
bool wf_request_refuse(weft_http_request *req, const struct wf_http_fault *fault,
                       unsigned retry_after);

/* For want of memory: a ready-made 503, sent without any.  The connection is to end. */
void wf_conn_answer_no_memory(struct wf_conn *conn);

/* "HTTP/1.1 100 Continue", if it was asked for and not sent. */
int wf_request_continue(weft_http_request *req);

/* ---- upgrade.c ---- */

/* The server stops: tells the handlers that speak another protocol. */
void wf_upgrades_stop(weft_http_server *server);

/* ---- request.c ---- */

int wf_request_take_query(weft_http_request *req);
void wf_request_take_id(weft_http_request *req);

#endif
