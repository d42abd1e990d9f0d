/* SPDX-License-Identifier: MIT */

/*
 * An exchange is one request and its answer: the parsed head, the collected body, the answer in the
 * making.  Its handler knows nothing of how it came; its transport does.
 *
 *     COMING ──whole──▶ QUEUED ──slot──▶ BUSY ──handler returned──▶ transport->done
 */
#ifndef WF_HTTP_REQUEST_H
#define WF_HTTP_REQUEST_H

#include <weft/event.h>
#include <weft/task.h>

#include "base/list.h"
#include "base/pace.h"
#include "coding/coding.h"
#include "h1/body.h"
#include "h1/head.h"
#include "http/exchange/response.h"
#include "http/route/router.h"

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

/* An exchange's part of a connection of HTTP/2. */
struct wf_h2_stream {
    wf_list link;   /* in wf_h2.exchanges */
    int32_t id;     /* 0: closed */
    weft_str piece; /* of the answer, to be sent: in its owner's memory, or `rest` */
    wf_buf rest;
    wf_buf unread;              /* of the body, for a handler that reads by itself */
    weft_event moved;           /* set when `piece` is sent, or more of the body is there */
    uint64_t taken;             /* of the answer: what the windows have let into our output */
    uint64_t taken_to;          /* where the last of it ends in the connection's bytes */
    uint64_t acked;             /* of those, at the last look */
    uint64_t carried;           /* and in all, while something of this stream was on its way */
    struct wf_pace pace;        /* of `taken` and `carried` */
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
    wf_list queue_link;     /* in `queue`, among those that are starting, or in slots.waiting */
    weft_task task;         /* while BUSY and begun */

    /* Zeroed when it is over, from here to `head`. */
    uint8_t state, wait, verdict;
    bool has_slot;                /* counts in slots.used */
    bool has_reserve;             /* counts in slots.reserve_used */
    bool has_lent;                /* `has_slot` until it began to wait for its client */
    bool is_waiting;              /* in slots.waiting */
    bool has_place;               /* counts among those its route may have in hand */
    bool is_resumed;              /* it had waited for that place; while QUEUED, in the server's */
    bool is_options;              /* answered with Allow alone */
    bool lacks_slash;             /* redirected to its path with a '/' behind it */
    bool has_framing;             /* else `framing` is zeroed: there is no body */
    bool wants_continue;          /* Expect, and 100 not sent yet */
    bool is_head_timed;           /* the head did not come at once */
    bool is_collecting;           /* the body is kept before the handler starts, or is all there */
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

weft_http_request *wf_request_new(struct wf_conn *conn); /* NULL: no memory */
void wf_request_release(weft_http_request *req);

/* The request is over and the next one of its connection is there: the exchange stays with it. */
void wf_request_renew(weft_http_request *req);

/* The request is over: counts how long it took, with others. */
void wf_request_time(weft_http_request *req);

void wf_request_free(weft_http_request *req);

/* The head is complete in input[0, head.bytes): keeps a copy, finds the route, judges it.  What is
 * wrong with it is in req->fault.  0 or -ENOMEM. */
int wf_request_prepare(weft_http_request *req, const char *input);

/* Keeps a piece of the body as it came.  0, -ENOMEM, or -WEFT_ELIMIT with req->fault. */
int wf_request_keep_body(weft_http_request *req, weft_str piece);

/* Counts what is kept of the body among those of all requests.  0, or -WEFT_ELIMIT with *out. */
int wf_request_count_body(weft_http_request *req, size_t bytes, struct wf_http_fault *out);

/* How much longer the next piece of the body may take, `waited` into waiting for it. */
weft_time wf_request_body_patience(const weft_http_request *req, weft_time waited);

/* The body of a request whose handler wants it whole is collected first: a slow client holds
 * neither a task nor a slot. */
bool wf_request_must_collect(const weft_http_request *req);

/* Unless it has layers: they may refuse the request by its head. */
static inline bool wf_request_collects_late(const weft_http_request *req)
{
    const struct wf_http_route *route = req->match.route;
    return req->fault.status == 0 && !req->is_options && route != NULL &&
           (route->public.flags & WF_ROUTE_LAYERED) != 0;
}

/* True if all that is left of the body can be read and dropped to keep the connection. */
bool wf_request_can_drain(const weft_http_request *req);

/* ---- request.c ---- */

int wf_request_take_query(weft_http_request *req);

#endif
