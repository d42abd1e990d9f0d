/* SPDX-License-Identifier: MIT */

/*
 * The server's own structures: server, connection, exchange.
 *
 * An exchange is one request and its answer: the parsed head, the collected body, the answer in the
 * making.  Its handler knows nothing of how it came; its transport does.
 *
 *     COMING ──whole──▶ QUEUED ──slot──▶ BUSY ──handler returned──▶ transport->done
 *
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
#include "coding/coding.h"
#include "h1/body.h"
#include "h1/head.h"
#include "h1/write.h"
#include "http/coded/coded_answer.h"
#include "http/coded/coded_body.h"
#include "http/exchange/chain.h"
#include "http/exchange/extras.h"
#include "http/form/form.h"
#include "http/route/router.h"
#include "http/server/openings.h"
#include "http/server/pace.h"
#include "http/server/peers.h"
#include "http/server/queue.h"
#include "http/server/slots.h"

#define WF_STATUS_MAX 599

/* Up to here a body goes with its head, or is copied where it must wait. */
#define WF_INLINE_BYTES_MAX ((size_t)16 * 1024)

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

enum wf_exchange_state {
    WF_EXCHANGE_COMING,
    WF_EXCHANGE_QUEUED,
    WF_EXCHANGE_BUSY,
    WF_EXCHANGE_ANSWERED, /* HTTP/2: what is left of the answer waits for the client */
};

/* What a BUSY exchange's task waits for. */
enum wf_exchange_wait { WF_WAIT_NONE, WF_WAIT_INPUT, WF_WAIT_OUTPUT };

/* Why a BUSY exchange was told to end. */
enum wf_exchange_verdict {
    WF_EXCHANGE_FINE,
    WF_EXCHANGE_GONE,      /* the client went away */
    WF_EXCHANGE_SLOW_BODY, /* 408 */
    WF_EXCHANGE_SLOW_READER,
    WF_EXCHANGE_OVERTIME, /* 504 */
};

/* How an exchange reaches its client: what differs between versions of HTTP.  The first group is
 * called by the exchange's task, which may wait in it, and in any other state by callbacks, where
 * nothing waits. */
struct wf_transport {
    /* Writes the head, and, in the same piece, `body`, of at most WF_INLINE_BYTES_MAX.
     * `is_whole`: nothing comes behind it, `finish` neither. */
    int (*begin)(weft_http_response *res, weft_str body, bool is_whole);

    /* Writes a piece of the body behind what was written; res->sent counts it already. */
    int (*write)(weft_http_response *res, const void *bytes, size_t count);

    /* The same with bytes of a file; NULL: they are to be read. */
    int (*write_file)(weft_http_response *res, int file, uint64_t offset, uint64_t count);

    /* Ends a body that was not whole in `begin`. */
    int (*finish)(weft_http_response *res);

    /* The next bytes of a body that was not collected; as weft_http_read. */
    ssize_t (*read)(weft_http_request *req, char *buf, size_t bytes);

    /* 100 Continue, if it was asked for and not sent. */
    int (*go_on)(weft_http_request *req);

    /* A ready-made 503, sent without any memory.  The connection, or its part, is to end. */
    void (*answer_no_memory)(weft_http_request *req);

    /* A deadline of the exchange has moved. */
    void (*arm)(weft_http_request *req);

    /* It was answered without a handler, or (false) could not even be: the exchange ends. */
    void (*refused)(weft_http_request *req, bool is_answered);

    /* The handler has returned; false: what it answered is not whole.  The exchange ends.  The next
     * whole request behind it, which waits for a slot, or NULL. */
    weft_http_request *(*done)(weft_http_request *req, bool is_answered);
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
    struct wf_pace pace;     /* of a client that takes too slowly */
    wf_list link;            /* in server->conns */
    struct wf_peer *peer;    /* NULL: not counted */
    void (*stop)(void *arg); /* DETACHED: the server stops; or NULL */
    void *stop_arg;
    weft_fn *task_fn; /* DETACHED: its task, which ends it; NULL: it has none now */
    void *task_arg;
};

struct weft_http_response {
    weft_http_request *req;

    /* What its head says besides `status`, `length` and `fields`, once it begins. */
    const struct wf_h1_opening *opening;
    weft_str type; /* ptr NULL: none */
    enum wf_h1_framing framing;

    /* Zeroed when it is over, from here to `fields`. */
    int status; /* 0: not set */
    bool has_begun, is_done;
    bool is_cut;     /* a piece of the body went in part: nothing makes it whole again */
    bool has_length; /* by weft_http_set_length */
    bool is_chunked;
    bool has_type_field;       /* in `fields`, which `type` stands above */
    bool is_judged;            /* it is known whether it is coded */
    bool takes_trailers;       /* some are promised, and the client wants them */
    uint64_t length, sent;     /* of the body */
    struct wf_coded *coded;    /* NULL: the body is sent as it is */
    const char *trailer_names; /* promised; NULL: none */

    wf_buf fields;   /* lines of the head */
    wf_buf trailers; /* lines */
};

/* An exchange's part of a connection of HTTP/2. */
struct wf_h2_stream {
    wf_list link;   /* in wf_h2.exchanges */
    int32_t id;     /* 0: closed */
    weft_str piece; /* of the answer, to be sent: in its owner's memory, or `rest` */
    wf_buf rest;
    wf_buf unread;              /* of the body, for a handler that reads by itself */
    weft_event moved;           /* set when `piece` is sent, or more of the body is there */
    weft_time moved_at;         /* the client last took of the answer */
    uint64_t taken;             /* and all it took */
    struct wf_pace pace;        /* at which it does */
    struct wf_http_fault fault; /* of the body */
    bool is_finished;           /* behind `piece` nothing comes */
    bool is_held;               /* being answered: whoever answers frees it, if it is closed */
    bool is_sent;               /* the answer's end is */
    bool is_body_ended;
    uint32_t trailer_count;     /* of the request */
    char status[3], length[20]; /* of the answer, as text */
};

/* One request and its answer. */
struct weft_http_request {
    weft_http_request *next_free; /* in server->free_requests */
    struct wf_conn *conn;
    struct wf_queue *queue; /* that it is in, while QUEUED: the server's or its route's */
    wf_list queue_link;     /* in `queue`, among those that are starting, or in slots.readers */
    weft_task task;         /* while BUSY and begun */

    /* Zeroed when it is over, from here to `head`. */
    uint8_t state, wait, verdict;
    bool has_slot;                /* counts in slots.used */
    bool has_reserve;             /* counts in slots.reserve_used */
    bool has_lent;                /* `has_slot` until it began to wait for its body */
    bool is_reader;               /* in slots.readers */
    bool has_place;               /* counts among those its route may have in hand */
    bool is_resumed;              /* it had waited for that place; while QUEUED, in the server's */
    bool is_options;              /* answered with Allow alone */
    bool has_framing;             /* else `framing` is zeroed: there is no body */
    bool wants_continue;          /* Expect, and 100 not sent yet */
    bool is_head_timed;           /* the head did not come at once */
    bool is_collecting;           /* the body is kept before the handler starts */
    bool will_close;              /* the connection ends with this answer */
    bool is_upgraded;             /* its handler has the connection for another protocol */
    bool is_id_given;             /* `id` is the client's */
    bool has_extras;              /* something of extras.h or chain.h is to be done at its head or
                                     end */
    enum wf_coding coding;        /* of the body as it comes */
    const struct wf_chain *chain; /* whose handler runs; NULL: none, or a plain one */
    size_t body_read;             /* of `body`, by weft_http_read */
    size_t body_counted;          /* of it, in server->bodies_bytes */
    weft_time body_waited;        /* time spent waiting for it */
    weft_time body_waits_from;
    uint64_t body_seen; /* bytes of it that came */

    struct wf_h1_head head;
    char *text; /* the head's bytes, then the decoded path; offsets of `head` are into it */
    size_t text_capacity;
    weft_time deadline;      /* while QUEUED or BUSY */
    weft_time wait_deadline; /* of `wait` */
    weft_time came_at;       /* its head was understood; 0: it was not, or is counted */
    weft_str path, query;
    struct wf_http_match match;
    struct wf_http_fault fault; /* answered instead of a handler; status 0: none */
    uint32_t allow;             /* methods for Allow, with 405 and OPTIONS */

    struct wf_pair *params; /* of the query, decoded; NULL: none */
    size_t param_count;
    struct wf_extras *extras; /* NULL: none yet */

    struct wf_h1_body_limits body_limits;
    struct wf_h1_body framing;
    wf_buf body;                  /* collected */
    wf_buf trailers;              /* behind it, as lines */
    struct wf_decoding *decoding; /* NULL: not read, collected, or not coded */

    void (*ready)(void *arg); /* if is_upgraded: the connection outlives it; or NULL */
    void (*stop)(void *arg);  /* the same: the server stops; or NULL */
    void *stop_arg;
    char id[129];   /* X-Request-Id; "": not asked for yet */
    wf_buf scratch; /* the error body */
    struct weft_http_response res;
    struct wf_h2_stream h2;
    struct wf_h1_field fields[]; /* limits.field_count_max of them */
};

/* Requests that came in one turn and are over in one: their answers leave together at its end, and
 * one look at the clock is enough for all. */
struct wf_ended {
    weft_time came_at;
    uint32_t count;
    weft_defer defer;
};

struct weft_http_server {
    weft_http_limits limits;
    struct wf_h1_limits head_limits;
    weft_stream_kind kind;
    weft_time drain_delay, grace;
    uint64_t compress_bytes_min; /* shorter answers are not coded; 0: none is */
    bool has_h2;
    int (*secure)(weft_stream *stream, void *arg); /* see weft_http_options; or NULL */
    void *secure_arg;
    struct wf_http_router router;
    struct wf_chains chains;
    const weft_http_layer *layers; /* see weft_http_options */
    size_t layer_count;
    void (*done)(const weft_http_record *record, void *arg);
    void *done_arg;
    bool gives_ids, takes_trace;
    bool has_extras; /* of every request */
    const weft_http_openapi *openapi;
    weft_bytes openapi_text; /* made when it is first asked for */
    weft_listener **listeners;
    size_t listener_count;

    weft_loop *loop; /* while it serves */
    weft_group handlers;
    wf_list conns;
    struct wf_peers peers;
    struct wf_queue queue; /* exchanges that wait for a slot */
    size_t queue_resumed;  /* of them, those that had waited for a place of their route */
    weft_defer shed;       /* looks at the queue when the ready tasks have run */
    wf_list starting;      /* exchanges, by queue_link: BUSY, and their task has not begun */
    bool has_fresh_task;   /* one that will take them */
    struct wf_slots slots;
    size_t deferred_count; /* tasks of weft_http_defer */
    size_t busy_count;     /* connections that have an exchange */
    weft_http_request *free_requests;
    size_t free_count;
    uint64_t random;

    char date[WF_H1_DATE_BYTES];
    weft_time date_until; /* loop's clock */
    struct wf_openings openings;

    weft_event changed; /* a stop was asked for, or the last connection went */
    uint8_t stops;      /* how often a stop was asked for, up to 2 */
    bool is_serving;
    bool is_accepting;
    bool is_draining;                    /* listeners are closed: no new request is served */
    bool is_handing_on, has_more_places; /* wf_http_place_leave */
    weft_http_stats stats;
    weft_histogram request_times; /* from the head until the answer leaves */
    struct wf_ended ended;        /* not in there yet */
    uint64_t status_counts[WF_STATUS_MAX + 1];
};

/* ---- queues ---- */

static inline void wf_queue_init(struct wf_queue *queue, weft_time time_max)
{
    *queue = (struct wf_queue){.time_max = time_max};
    wf_list_init(&queue->requests);
}

static inline weft_http_request *wf_queue_first(const struct wf_queue *queue)
{
    return wf_container(queue->requests.next, weft_http_request, queue_link);
}

/* ---- server.c ---- */

void wf_http_server_renew_date(weft_http_server *server, weft_time now);

/* The Date of answers, made anew once a second. */
static inline const char *wf_http_server_date(weft_http_server *server, weft_time now)
{
    if (now >= server->date_until)
        wf_http_server_renew_date(server, now);
    return server->date;
}

/* How an answer begins now.  NULL: the type holds a control character. */
static inline const struct wf_h1_opening *
wf_http_server_opening(weft_http_server *server, weft_time now, int status, weft_str type)
{
    const char *date = wf_http_server_date(server, now);
    struct wf_h1_opening *opening = wf_openings_place(&server->openings, status, type);
    return wf_opening_is(opening, status, type) ? opening
                                                : wf_opening_make(opening, status, date, type);
}

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

static inline weft_time wf_http_later(weft_time now, weft_time duration)
{
    return duration < WEFT_FOREVER - now ? now + duration : WEFT_FOREVER;
}

static inline weft_time wf_http_earlier(weft_time a, weft_time b)
{
    return a < b ? a : b;
}

static inline weft_time wf_http_after(const weft_http_server *server, weft_time duration)
{
    return wf_http_later(wf_http_now(server), duration);
}

/* ---- door.c: how connections come ---- */

void wf_conn_accept(weft_listener *listener, int fd, void *server);

/* The first byte of one that is BARE is there, or its end. */
void wf_conn_secure(struct wf_conn *conn);

/* ---- conn.c: connections, and HTTP/1 on them ---- */

extern const weft_stream_kind wf_conn_kind;

/* Takes what has come, up to a whole request.  True: it is there and waits for a slot. */
bool wf_conn_advance(struct wf_conn *conn);

/* Politely; politely to a client that owes us nothing; at once.  The exchange goes back. */
void wf_conn_end(struct wf_conn *conn);
void wf_conn_finish(struct wf_conn *conn);
void wf_conn_abort(struct wf_conn *conn);

/* After an answer: the next request if the connection lives on.  True as wf_conn_advance. */
bool wf_conn_next(struct wf_conn *conn);

void wf_conn_arm(struct wf_conn *conn);

/* Its exchange is over and goes back; what it speaks now is somebody else's. */
void wf_conn_outlive(struct wf_conn *conn);

/* And so long it may be in it. */
void wf_conn_set_state(struct wf_conn *conn, enum wf_conn_state state, weft_time duration);

/* ---- h1_exchange.c ---- */

extern const struct wf_transport wf_h1_transport;

/* The 503 for want of memory where there is not even an exchange.  The connection is to end. */
void wf_conn_answer_no_memory(struct wf_conn *conn);

/* ---- serve.c: admission, and the task that answers ---- */

/* No slot and no place in the queue. */
bool wf_http_is_full(const weft_http_server *server);

/* 503 with Retry-After.  Not while BUSY. */
void wf_http_shed_one(weft_http_request *req);

/* A request that is QUEUED has waited too long: 503. */
void wf_http_queue_expired(weft_http_request *req);

/* Its route has a limit of requests in hand. */
static inline bool wf_request_is_bounded(const weft_http_request *req)
{
    const struct wf_http_route *route = req->match.route;
    return route != NULL && (route->public.flags & WF_ROUTE_BOUNDED) != 0;
}

/* It is answered when all slots are taken. */
static inline bool wf_request_is_reserved(const weft_http_request *req)
{
    const struct wf_http_route *route = req->match.route;
    return route != NULL && (route->public.flags & WEFT_HTTP_RESERVED) != 0;
}

/* It does not count among those any more; who waits for its place gets it. */
void wf_http_place_leave(weft_http_request *req);

/* A whole request is there: gives it a slot and a task, or a place in the queue. */
void wf_http_admit(weft_http_request *req);
void wf_http_queue_leave(weft_http_request *req);

/* Its task goes on without a slot; who waits for one gets it. */
void wf_http_slot_leave(weft_http_request *req);
void wf_http_shed(weft_defer *shed);

/* Tells the task of a BUSY exchange to end; only the first verdict counts. */
void wf_http_give_up(weft_http_request *req, enum wf_exchange_verdict verdict, const char *why);

/* ---- exchange.c ---- */

weft_http_request *wf_request_new(struct wf_conn *conn); /* NULL: no memory */
void wf_request_release(weft_http_request *req);

/* The request is over and the next one of its connection is there: the exchange stays with it. */
void wf_request_renew(weft_http_request *req);

/* The request is over: counts how long it took, with others. */
void wf_request_time(weft_http_request *req);

/* Now; whoever looks at the times asks for it. */
void wf_http_count_times(weft_http_server *server);
void wf_http_turn_ended(weft_defer *defer);
void wf_request_free(weft_http_request *req);

/* The head is complete in input[0, head.bytes): keeps a copy, finds the route, judges it.  What is
 * wrong with it is in req->fault.  0 or -ENOMEM. */
int wf_request_prepare(weft_http_request *req, const char *input);

/* Keeps a piece of the body.  0, -ENOMEM, or -WEFT_ELIMIT with req->fault. */
int wf_request_keep_body(weft_http_request *req, weft_str piece);

/* How much longer the next piece of the body may take, `waited` into waiting for it. */
weft_time wf_request_body_patience(const weft_http_request *req, weft_time waited);

/* The body of a request whose handler wants it whole is collected first: a slow client holds
 * neither a task nor a slot. */
bool wf_request_must_collect(const weft_http_request *req);

/* True if all that is left of the body can be read and dropped to keep the connection. */
bool wf_request_can_drain(const weft_http_request *req);

/* ---- answer.c ---- */

/* The answer to what no route takes: the fault, or OPTIONS. */
weft_http_handler wf_request_answer_itself;

/* Calls the handler or answers the fault; afterwards the answer is whole or the connection is to
 * be aborted (false). */
bool wf_request_answer(weft_http_request *req);

/* Ends a streamed answer, or sends one without body if nothing was.  0, -WEFT_ETRUNCATED if less
 * came than the length promised, or what the stream says. */
int wf_response_finish(weft_http_response *res);

/* Answers a fault from a callback, without waiting.  False: it could not be sent. */
bool wf_request_refuse(weft_http_request *req, const struct wf_http_fault *fault);

/* The body of the 503 for want of memory, and its place in the statistics. */
#define WF_NO_MEMORY_BODY                                                                          \
    "{\"error\":{\"code\":\"overloaded\",\"message\":\"The server is out of memory.\","            \
    "\"details\":{}}}"
void wf_http_count_no_memory(weft_http_server *server, size_t bytes);

/* Fields behind the body, if there are any. */
static inline weft_str wf_response_trailers(const weft_http_response *res)
{
    bool has_some = res->takes_trailers && wf_buf_bytes(&res->trailers) != 0;
    return (weft_str){wf_buf_ptr(&res->trailers), has_some ? wf_buf_bytes(&res->trailers) : 0};
}

/* weft_http_write of what goes over the wire. */
int wf_response_write(weft_http_response *res, const void *bytes, size_t count);

/* The same with bytes of a file, if they can go as they are; -EOPNOTSUPP: they are to be read. */
int wf_response_write_file(weft_http_response *res, int file, uint64_t offset, uint64_t count);

/* ---- upgrade.c ---- */

/* The server stops: tells the handlers that speak another protocol. */
void wf_upgrades_stop(weft_http_server *server);

/* ---- request.c ---- */

int wf_request_take_query(weft_http_request *req);

#endif
