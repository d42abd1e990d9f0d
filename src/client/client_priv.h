/* SPDX-License-Identifier: MIT */

/*
 * The client's parts: a client has origins, an origin has connections, an exchange has one
 * connection for the time of its answer; over HTTP/2 it shares it.
 */
#ifndef WF_CLIENT_PRIV_H
#define WF_CLIENT_PRIV_H

#include <weft/client.h>
#include <weft/event.h>
#include <weft/scope.h>
#include <weft/sem.h>
#include <weft/sys/loop.h>
#include <weft/sys/opened.h>
#include <weft/sys/stream.h>
#include <weft/tls.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/pace.h"
#include "client/conn/proxy.h"
#include "client/exchange/breaker.h"
#include "client/url.h"
#include "coding/coding.h"
#include "h1/body.h"
#include "h1/head.h"

/* "http://host:port": what requests share connections by. */
struct origin {
    wf_list in_client;
    char *name;
    size_t name_len;
    weft_sem slots; /* requests that may still begin */
    wf_list idle;   /* of its connections of HTTP/1, the one used last first */
    wf_list shared; /* of HTTP/2, those that take requests yet */
    struct breaker breaker;
    uint32_t users; /* exchanges and connections */

    /* Who needs a connection waits for one that is being opened, if that is to have room. */
    weft_event opened;
    uint32_t opening_count; /* connections of which it is not known yet what they take */
    uint32_t waiting_count; /* exchanges that wait for those */
    bool needs_h1;          /* it has said that it wants HTTP/1.1 */
    bool is_proxied;        /* the proxy serves its host */
    uint32_t room;          /* requests at a time over one, by what the last one has said */
};

struct carrier;
struct wf_mux;

/* A connection.  Of HTTP/1: in `idle` of its origin and of the client while no exchange has it.  Of
 * HTTP/2: in `shared` of its origin while it takes requests, in `idle` of the client while it has
 * none. */
struct conn {
    weft_stream *stream;
    struct origin *origin;
    const struct carrier *carrier;
    struct wf_mux *mux; /* HTTP/2; else NULL */
    wf_list in_origin, in_client;
    weft_time idle_since;
    bool is_reused;
    bool may_share;    /* HTTP/2 was offered when it was made */
    bool is_for_proxy; /* it is the proxy that reads the requests */
};

/* How requests and answers cross a connection: one row a version of HTTP. */
struct carrier {
    /* Puts the request's head on the way. */
    int (*head_send)(struct weft_exchange *exchange);

    /* True if a body of so many bytes is on its way without a wait. */
    bool (*takes_at_once)(const struct weft_exchange *exchange, size_t bytes);

    /* The body's next piece, behind which there is none if it is the last; that may be empty, and
     * the trailers go with it. */
    int (*piece_send)(struct weft_exchange *exchange, const char *bytes, size_t count,
                      bool is_last);

    /* The answer's head is there, and the body is still being sent, by another task.  Waits while
     * both may be of use to each other: until `*is_over`, or the answer is whole. */
    int (*sending_wait)(struct weft_exchange *exchange, const bool *is_over);

    /* Waits for the answer's head: then head and head_text say it.  Interim ones are passed over.
     */
    int (*head_receive)(struct weft_exchange *exchange);

    /* The next bytes of the answer's body: their count; 0 at its end. */
    ssize_t (*body_read)(struct weft_exchange *exchange, char *buf, size_t bytes);

    /* All of the answer was read. */
    bool (*is_read)(const struct weft_exchange *exchange);

    /* Reads, without waiting, what is here of an answer that nobody wants. */
    void (*skip)(struct weft_exchange *exchange);

    /* The exchange has done with its connection; `is_whole`: request and answer were, too. */
    void (*give_back)(struct weft_exchange *exchange, bool is_whole);
};

extern const struct carrier wf_h1_carrier, wf_mux_carrier;

struct weft_client {
    weft_loop *loop;
    weft_client_options options; /* every limit filled in */
    struct wf_h1_limits head_limits;
    struct wf_h1_body_limits body_limits;
    struct wf_proxy proxy;
    wf_list origins;
    wf_list idle;      /* connections, the one used last first */
    wf_list farewells; /* connections that go by themselves */
    weft_event parted; /* the last of them has gone */
    uint32_t origin_count, conn_count, exchange_count;
    weft_sem slots;
    weft_timer reap;      /* for the connection that is idle longest */
    weft_tls *tls;        /* for https: the options', or own_tls, or NULL so far */
    weft_tls *own_tls;    /* made at the first need */
    uint64_t retry_cents; /* repeats that are allowed now, in hundredths */
};

struct phase;

/* An exchange's stream of HTTP/2. */
struct mux_stream {
    wf_list in_mux;
    weft_event moved;    /* something of what follows has changed */
    int32_t id;          /* 0: not opened, or closed */
    weft_str piece;      /* of the request's body, not sent yet */
    weft_str trailers;   /* lines, behind the last */
    wf_buf unread;       /* of the answer's body */
    uint64_t data_bytes; /* of all DATA frames, those included that nghttp2 refused */
    int rc;              /* why it ended before its time */
    uint32_t code;       /* of the server's RST_STREAM */
    uint32_t interim_count, trailer_count;
    bool is_begun; /* it has, or had, an id */
    bool is_last;  /* nothing comes behind `piece` */
    bool is_taken; /* and `piece` was sent */
    bool has_head; /* the answer's */
    bool is_ended; /* the server sends no more */
    bool is_reset; /* by the server */
    bool is_wrong; /* what came broke a rule of HTTP */
};

struct duplex;

struct weft_exchange {
    weft_client *client;
    const weft_client_request *request; /* valid until open returns */
    const char *method;                 /* valid as long; "HEAD" is seen to before */
    struct duplex *duplex; /* the caller writes the body; then both are valid until close */
    struct wf_url url;
    struct origin *origin;        /* whose slot it holds */
    struct conn *conn;            /* NULL: none yet, or given back */
    weft_time since, deadline;    /* its own, by total_max */
    weft_time until;              /* when the caller has no use for it any more */
    weft_time pause, retry_after; /* before the next attempt */
    weft_client_trace trace;
    weft_client_trace *out_trace; /* the caller's, or NULL */
    bool is_probe, is_unjudged;   /* what the origin's breaker is to hear of it yet */
    bool has_body;                /* something to send */
    bool is_sent;                 /* all of it was */
    uint64_t sent_to;             /* then: the stream's bytes up to its end */
    struct wf_pace pace;          /* at which the server takes it */
    struct phase *awaiting;       /* the first byte, while the body is still being sent */
    bool is_source_failed;        /* the caller's body_read */
    bool is_source_used;          /* it was called */
    bool is_unprocessed;          /* the server has said that it did nothing with the request */
    bool is_heard;                /* a byte of an answer has come, on this attempt */
    bool is_stale;                /* this attempt's connection was kept, and had ended */
    bool wants_fresh;             /* so the next one takes none that is kept */
    bool is_body_unwanted;        /* and here that its answer needs no more of the body */
    bool expects_continue;        /* "Expect: 100-continue" goes with the head */
    bool awaits_continue;         /* and the body waits for `go_on` */
    weft_event go_on;             /* the server wants the body */
    bool is_secretive;            /* on another origin: no Authorization, no Cookie */
    uint32_t repeats;
    bool asks_coding; /* by Accept-Encoding; then what comes is decoded */
    bool is_to_end;   /* the body is told by the end of the connection */
    bool is_upgraded; /* the connection speaks the protocol that was asked for */
    uint8_t version;  /* of HTTP, that the answer came by: 10, 11, 20 */
    int rc;           /* of the reading so far: 0, or what every further read returns */

    char *head_text; /* a copy of the answer's head */
    struct wf_h1_head head;
    struct wf_h1_field *fields;
    struct wf_h1_body framing;
    struct mux_stream stream;
    wf_buf trailers;              /* lines */
    struct wf_decoding *decoding; /* NULL: the body is given as it comes */
};

/* ---- client.c: origins ---- */

/* The origin of the URL, made if it is new, with one user more; NULL without memory. */
struct origin *wf_origin_take(weft_client *client, const struct wf_url *url);
void wf_origin_release(weft_client *client, struct origin *origin);

/* ---- conn.c: connections ---- */

/* Gives the exchange a connection to its origin: one that has room or is idle, or a new one.
 * Waits. */
int wf_conn_take(struct weft_exchange *exchange);

/* Keeps it for the next request, or cuts it. */
void wf_conn_keep(weft_client *client, struct conn *conn);
void wf_conn_cut(weft_client *client, struct conn *conn);

/* Ends one that is idle as its protocol has it. */
void wf_conn_part(weft_client *client, struct conn *conn);

/* Gives its stream away. */
weft_stream *wf_conn_detach(weft_client *client, struct conn *conn);

/* Ends what has been idle too long (WEFT_FOREVER: everything). */
void wf_conn_reap(weft_client *client, weft_time now);

/* The exchange may share a connection with others, if the server speaks HTTP/2. */
bool wf_origin_may_share(const struct weft_exchange *exchange);

/* A connection that was being opened takes so many requests at a time; 0: it came to nothing. */
void wf_conn_opened(struct origin *origin, uint32_t room);

/* A connection of HTTP/2 has no request now, or takes no more of them. */
void wf_conn_rest(weft_client *client, struct conn *conn);
void wf_conn_close_door(struct conn *conn);

/* ---- mux.c, or mux_none.c without nghttp2: a connection that carries many requests ---- */

bool wf_mux_is_there(void);

/* The connection speaks HTTP/2 from now on.  0 or -ENOMEM. */
int wf_mux_open(weft_client *client, struct conn *conn);

/* Ends what is left and frees; the connection's stream is gone.  NULL is fine. */
void wf_mux_free(struct wf_mux *mux);

/* A place for the exchange, which wf_mux_carrier gives back; false: it has none. */
bool wf_mux_join(struct wf_mux *mux, struct weft_exchange *exchange);

/* ---- secure.c, or secure_none.c without OpenSSL ---- */

/* Before connecting, if it is for https: whom it trusts is read at the first need. */
int wf_secure_prepare(weft_client *client);

/* Puts TLS on a new connection to `name`, offering these protocols.  Errors with a text; the stream
 * is then to be aborted. */
int wf_secure(weft_client *client, weft_stream *stream, const char *name, const char *alpn);
bool wf_secure_is_there(void);
void wf_secure_fini(weft_client *client);

/* ---- phase.c ---- */

/* A server is to take what waits for it: something within the time for a piece, or as <base/pace.h>
 * says, and a KiB a second. */
static inline struct wf_pace_limits wf_client_pace_limits(const weft_client *client)
{
    return (struct wf_pace_limits){client->options.limits.between_max, 1024};
}

/* A stretch of an exchange with a limit: begin, wait, end with what the waits came to.  At the end
 * of the phase's time, or of the exchange's, -ETIMEDOUT with a text; if the connection breaks, what
 * it came to, with one. */
struct phase {
    struct weft_exchange *exchange;
    weft_scope scope;
    enum weft_client_phase number;
    bool is_total; /* the exchange's own end comes first */
    weft_time limit;
    const char *limit_name; /* the phase's own; who has another says so */
    weft_timer look;        /* at what the server has taken of what waits for it */
};
void wf_phase_begin(struct weft_exchange *exchange, struct phase *phase,
                    enum weft_client_phase number, weft_time limit);
WEFT_MUST_USE int wf_phase_end(struct weft_exchange *exchange, struct phase *phase, int rc);

/* When something happened that ends the phase under way, in words: "before it answered". */
const char *wf_phase_moment(const struct weft_exchange *exchange);

/* Moves the limit of a phase under way: so long from now on. */
void wf_phase_limit(struct weft_exchange *exchange, struct phase *phase, weft_time limit);

/* ---- send.c, receive.c ---- */

/* 0, or -EINVAL with a text: what the caller gave is no request that can be sent. */
int wf_request_check(const weft_client_request *request);
int wf_request_field_check(const weft_client_field *field);

/* The client asks for a content coding: the caller says nothing of it himself, and wants all of it.
 */
bool wf_request_asks_coding(const weft_client_request *request);

/* Also where the caller says none. */
const char *wf_request_method(const weft_client_request *request);

/* Appends the request's fields as lines, but for those that name the server and, where the
 * connection frames by itself, those that frame. */
int wf_request_fields(const struct weft_exchange *exchange, wf_buf *out);

/* True if the body tells its end by itself: in chunks over HTTP/1. */
bool wf_request_is_open(const struct weft_exchange *exchange);

/* Appends the trailers as lines. */
int wf_request_trailers(const struct weft_exchange *exchange, wf_buf *out);

/* Sends bytes of the body over the exchange's connection; behind the last ones, its end. */
int wf_pieces_send(struct weft_exchange *exchange, weft_str bytes, bool is_last);

/* All of the body is on its way: it is the server's turn when it has it. */
void wf_request_set_sent(struct weft_exchange *exchange);

/* Sends all of the body. */
int wf_body_send(struct weft_exchange *exchange);

/* ---- upload.c ---- */

/* True if the body goes by a task of its own: it may take its time. */
bool wf_upload_is_due(const struct weft_exchange *exchange);

/* Sends it so, and waits for the head of the answer. */
int wf_upload(struct weft_exchange *exchange);

/* A failure for what of an answer is no HTTP. */
int wf_answer_fault(const struct weft_exchange *exchange, int rc,
                    const struct wf_http_fault *fault);

/* Reads the head of the answer; interim ones are passed over. */
int wf_answer_receive(struct weft_exchange *exchange);

/* The same for its body; see weft_exchange_read(). */
ssize_t wf_answer_read(struct weft_exchange *exchange, char *buf, size_t bytes);

/* All of it was read, or there is no body. */
bool wf_answer_is_read(const struct weft_exchange *exchange);

/* Nobody wants the answer: takes what is here of it and gives the connection back, which is kept if
 * that was all.  Does not wait. */
void wf_answer_drop(struct weft_exchange *exchange);

/* There is none: gives the connection back, which carries nothing more of this exchange. */
void wf_answer_fail(struct weft_exchange *exchange);

/* The answer is read to its end: gives the connection back. */
void wf_answer_finish(struct weft_exchange *exchange);

/* ---- coded.c ---- */

/* The head of the answer that is given is there: makes ready to decode its body, if it is coded. */
int wf_coded_open(struct weft_exchange *exchange);
void wf_coded_close(struct weft_exchange *exchange);

/* wf_answer_read, decoded. */
ssize_t wf_coded_read(struct weft_exchange *exchange, char *buf, size_t bytes);

/* ---- duplex.c: a body that the caller writes while he reads the answer ---- */

/* The body has not ended yet, so the connection is still needed. */
bool wf_duplex_is_open(const struct weft_exchange *exchange);

/* As weft_exchange_read(). */
ssize_t wf_duplex_read(struct weft_exchange *exchange, void *buf, size_t bytes);

/* No task may be inside a call on it.  NULL is fine. */
void wf_duplex_free(struct duplex *duplex);

/* ---- exchange.c, hedge.c ---- */

extern const weft_open_kind wf_exchange_open_kind;

int wf_exchange_new(weft_exchange **out, weft_client *client, const weft_client_request *request,
                    weft_time since);

/* All attempts, until there is an answer, or, if the caller writes the body, its turn has come. */
int wf_exchange_run(weft_exchange **out, weft_exchange *exchange);

/* Tells the origin's breaker what became of the request. */
void wf_exchange_judge(weft_exchange *exchange, int rc);

/* The same as weft_exchange_read(), of an answer whose head is there. */
ssize_t wf_exchange_read(weft_exchange *exchange, void *buf, size_t bytes);

/* The caller's trace is up to date. */
void wf_trace_out(const struct weft_exchange *exchange);

/* weft_exchange_open() of a request that was checked: by itself (its time counts from `since`;
 * `until`: the deadline of whom the calling task works for, or WEFT_FOREVER), or with a second one
 * behind it. */
int wf_exchange_open_once(weft_exchange **out, weft_client *client,
                          const weft_client_request *request, weft_time since, weft_time until);
int wf_hedge_open(weft_exchange **out, weft_client *client, const weft_client_request *request);

/* ---- retry.c, redirect.c ---- */

/* True if the request may be sent twice, by its method or by what the caller says. */
bool wf_is_idempotent(const weft_client_request *request, const char *method);

/* Pays for one more sending; false: the budget does not allow it now. */
bool wf_retry_pay(weft_client *client);

/* True if the attempt that came to `rc`, and still has its connection, was lost because that was
 * kept for too long: nothing of an answer has come. */
bool wf_retry_is_stale(const struct weft_exchange *exchange, int rc);

/* True if the request may be sent again after this outcome, and the budget allows it now; after a
 * stale connection it need not. */
bool wf_retry_is_due(struct weft_exchange *exchange, int rc);

/* Seconds of the answer's Retry-After; -1: none, a date, or more than `most`. */
int wf_retry_after(const struct weft_exchange *exchange, int most);

/* The pause before; none after a stale connection. */
int wf_retry_wait(struct weft_exchange *exchange);

/* Each request earns the right to a part of a repeat: retry_percent of its price. */
#define WF_RETRY_CENTS 100
void wf_retry_earn(weft_client *client);

/* True if the answer names another place to ask. */
bool wf_redirect_is_due(const struct weft_exchange *exchange);

/* Turns the exchange to it.  -ELOOP, and errors of the URL. */
int wf_redirect_follow(struct weft_exchange *exchange);

#endif
