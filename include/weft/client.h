/* SPDX-License-Identifier: MIT */

/*
 * HTTP client: requests from any number of tasks over shared, kept connections.
 *
 *     weft_client *client;
 *     WEFT_TRY(weft_client_new(&client, NULL));
 *     weft_client_response page;
 *     int rc = weft_client_get(client, "http://127.0.0.1:8080/health", &page);
 *     if (rc == 0) {
 *         printf("%d, %zu bytes\n", page.status, page.body.len);
 *         weft_client_response_free(&page);
 *     }
 *     weft_client_free(client);
 *
 * An answer of any status is a success of the call.  A call fails if there is no valid answer: the
 * name is not found, the connection is refused, a time limit is over, the answer is cut off or is
 * no HTTP; weft_error_text() says which, with the URL but for its query.  A body that is shorter
 * than announced is always an error, never a short success.
 *
 * Times.  Each phase has its own limit (waiting for a slot, connecting, TLS, the first byte of the
 * answer, between two pieces, the whole); past it the call returns -ETIMEDOUT, with the phase in
 * the text and in the trace.  The caller's scopes and deadlines apply too.  When a request is
 * cancelled, at any point, its connection is closed and nothing of it goes on.
 *
 * Retries.  A request whose method is idempotent (GET, HEAD, OPTIONS, PUT, DELETE) is sent again if
 * no connection was made, if the connection broke before an answer, on 502, 503 and 504, and on 429
 * with Retry-After: at most twice, after a growing, jittered pause, behind the seconds that
 * Retry-After says (not for a date).  If these are more than `retry_after_max`, or the pause would
 * last past total_max or the caller's deadline (weft_deadline()), what has come stands at once.
 * Retries are less than a tenth of all requests (`retry_percent`; ten may come at once): past that
 * the failure stands, too, with the budget in its text, and in the trace.  A kept connection of
 * HTTP/1.1 that its server ended meanwhile, without a byte of an answer, is no such failure: the
 * request goes out again at once, over a new one.  Circuit breaker: when half of an origin's last
 * requests (20 or more in 10 s) have failed, requests to it fail with -EHOSTDOWN for 5 s.  A
 * request that an HTTP/2 server says it has not begun is sent again whatever its method, and does
 * not count towards the tenth.  A slow request can be hedged: sent a second time after
 * `hedge_after`, over HTTP/1.1 by another connection, which does count; the slower one is dropped.
 *
 * Redirects are followed, 10 at most; to another origin without Authorization, Cookie and the body
 * of an unsafe method; never from https to http, unless allowed.
 *
 * Compressed answers (zstd, br, gzip, deflate) are asked for and decoded on the way, unless the
 * request has a field Accept-Encoding or Range of its own.  Sizes are then those of the decoded
 * body, weft_exchange_length() is -1, and data that does not come to the end of its coding is
 * -WEFT_ETRUNCATED.
 *
 * A large body is sent while the answer is awaited.  An answer that refuses it (3xx to 5xx) ends
 * the sending, and over HTTP/2 so does any complete answer; any other is returned once the body is
 * sent, or the server takes no more.  If a body was not sent to its end, an HTTP/1.1 connection
 * cannot be used again; over HTTP/2 only the stream is lost.
 *
 * https needs a build with TLS.  A server must have a certificate for its name that the system, or
 * `tls` of the options, trusts.  Over TLS HTTP/2 is spoken with servers that can (in a build with
 * it), else HTTP/1.1; without TLS HTTP/1.1, unless `assumes_h2`.  Over HTTP/2 requests share a
 * connection, as many as the server allows; while it is not known what a server speaks, one request
 * finds out and the others wait for it.  All else is the same.
 *
 * A client, its exchanges and connections belong to one loop.
 *
 * Library: weft-client.
 */
#ifndef WEFT_CLIENT_H
#define WEFT_CLIENT_H

#include <weft/base.h>
#include <weft/net.h>

WEFT_BEGIN_DECLS

typedef struct weft_client weft_client;

/* ---- settings ---- */

/* Zero means the default, in every field. */
typedef struct weft_client_limits {
    weft_time connect_max;    /* name and connection, and a proxy's tunnel: 5 s */
    weft_time tls_max;        /* the TLS handshake: 10 s */
    weft_time first_byte_max; /* from the last byte sent to the first of the answer: 30 s */
    weft_time between_max;    /* between two pieces, sent or received: 30 s.  Of what is sent counts
                                 what the server has taken out of our kernel: it may take 1 KiB a
                                 second, with pauses that grow with what it took, to four times
                                 between_max; and while it still does, first_byte_max begins anew */
    weft_time total_max;      /* with redirects and repeats: 300 s */
    weft_time slot_max;       /* waiting for one of the connections below: 5 s */
    weft_time continue_max;   /* expects_continue: a silent server gets the body after: 1 s */

    uint32_t per_origin_max;  /* requests at a time to one origin: 32 */
    uint32_t total_count_max; /* to all: 256; connections kept are not more either */
    weft_time idle_max;       /* a connection is kept for: 30 s */

    weft_time retry_after_max; /* a Retry-After that is waited for: 10 s */

    uint32_t redirect_count_max; /* 10 */
    uint32_t retry_count_max;    /* 2 */
    uint32_t retry_percent;      /* retries and hedges, of all requests: 10 */
    uint32_t retry_burst;        /* so many are allowed at first, and can be saved up: 10 */
    uint32_t interim_count_max;  /* 1xx answers before the real one: 16 */
    uint32_t head_bytes_max;     /* of an answer: 64 KiB, which is also the most */
    uint32_t field_count_max;    /* 100 */
    uint64_t body_bytes_max;     /* held in memory by weft_client_fetch: 64 MiB */
    uint32_t decoded_ratio_max;  /* of a compressed answer, beyond 64 KiB: 200 */

    /* HTTP/2, each of a connection. */
    uint32_t h2_stream_count_max; /* requests at a time, if the server allows as many: 100 */
    uint32_t h2_stream_window;    /* of an answer's body, unread: 64 KiB */
    uint32_t h2_window;           /* of all bodies, on their way: 1 MiB */
    uint32_t h2_table_bytes_max;  /* compression of fields, each way: 4 KiB */
    weft_time h2_silence_max;     /* with requests waiting: then a PING, which has as long: 10 s;
                                     and behind a body that is being taken, as between_max says */
    uint32_t h2_continuation_count_max;     /* CONTINUATION frames of a head: 8 */
    uint32_t h2_reset_burst, h2_reset_rate; /* streams reset, by the server or by its mistakes:
                                               1,000 at once, 33 a second for ever */
    uint32_t h2_odd_burst, h2_odd_rate; /* frames that cost a server nothing (PING, SETTINGS, tiny
                                           DATA …): 1,000, 100 a second */
    uint32_t h2_control_count_max;      /* frames that wait for a server to take them: 1,000 */
} weft_client_limits;

/* A name and its value, on requests and answers. */
typedef struct weft_client_field {
    weft_str name, value; /* the name in any case */
} weft_client_field;

/* Makes a connection to `host` (a name or an address, without brackets) in *out, which the client
 * then owns.  Called in the request's task, under its deadlines. */
typedef int weft_client_connect_fn(weft_stream **out, weft_str host, uint16_t port, bool is_https,
                                   void *arg);

/* Zero means the default, in every field. */
typedef struct weft_client_options {
    weft_client_limits limits; /* zero means the default, in every field here too */
    const char *user_agent;    /* NULL: "weft/VERSION"; "": none; a request's own comes first */
    weft_client_connect_fn *connect; /* NULL: TCP, by weft_connect_host() */
    void *connect_arg;               /* for connect() */
    struct weft_tls *tls;  /* <weft/tls.h>: for https, instead of the usual; must stay valid.  Which
                            * protocols are offered is the client's to say. */
    bool allows_downgrade; /* follow redirects from https to http */
    bool hides_trace;      /* no field traceparent is sent (<weft/trace_context.h>); else it is that
                            * of the calling task, if it has one and the request says none */
    const char *timeout_field; /* the name of a field that tells servers how long the answer is of
                                * use: what is left of total_max and the caller's deadline, see
                                * weft_deadline(), in ms: "X-Request-Timeout-Ms: 1500"; for
                                * "grpc-timeout" with the unit, "1500m".  NULL: it is not told.  A
                                * request with a field of that name says it itself */
    bool is_h1_only;           /* HTTP/2 is not spoken */
    bool assumes_h2;           /* servers of http, without TLS, speak HTTP/2: it is not asked */

    /* <weft/cookies.h>: kept and sent; NULL: none.  Must stay valid.  A request with a Cookie field
     * of its own sends that instead. */
    struct weft_cookies *cookies;

    /* A proxy for all requests except those to the hosts of no_proxy: "localhost,example.org",
     * where a name stands for itself and its subdomains, and "*" for everything.  For https it
     * makes a tunnel, so it sees names and ports only.  The environment is not read; a program that
     * wants it says getenv("http_proxy").  -EACCES: the proxy refuses, or answers 407, for http
     * too: it wants other proxy_auth; -ECONNREFUSED: it makes no tunnel.  What else it answers for
     * http counts as the origin's. */
    const char *proxy;      /* "http://host:port" */
    const char *proxy_auth; /* its Proxy-Authorization, like "Basic dXNlcjpwYXNz" */
    const char *no_proxy;   /* hosts that are asked directly; NULL: none */
} weft_client_options;

/* Makes a client in *out; `options` may be NULL, and is copied, but not its strings.  0, -ENOMEM;
 * -EPERM without a loop; -EINVAL for a limit out of range, a control character in user_agent or
 * proxy_auth, a proxy that is no URL, a timeout_field that is no name or the client's own. */
WEFT_API WEFT_MUST_USE int weft_client_new(weft_client **out, const weft_client_options *options);

/* Ends the kept connections as their protocols ask for (GOAWAY, TLS's close_notify), waits until
 * that is sent, for at most a second and also in a cancelled task, and frees the client.  No
 * exchange may be open.  NULL is fine. */
WEFT_API WEFT_WAITS void weft_client_close(weft_client *client);

/* Closes the kept connections at once and frees the client; never waits.  No exchange may be open.
 * NULL is fine. */
WEFT_API void weft_client_free(weft_client *client);

/* ---- requests ---- */

/* How far a request came. */
enum weft_client_phase {
    WEFT_CLIENT_CHECK,   /* the request itself */
    WEFT_CLIENT_SLOT,    /* waiting for one of the connections allowed */
    WEFT_CLIENT_CONNECT, /* name and connection */
    WEFT_CLIENT_TLS,     /* the handshake */
    WEFT_CLIENT_SEND,
    WEFT_CLIENT_HEAD, /* waiting for the answer */
    WEFT_CLIENT_BODY, /* reading it */
    WEFT_CLIENT_DONE,
};

/* What happened to a request; filled whether it succeeds or not. */
typedef struct weft_client_trace {
    enum weft_client_phase phase; /* the last one begun */
    int status;                   /* that the last attempt was answered with; 0: it was not */
    uint32_t
        attempts;        /* how often it was sent: for each retry and redirect once more, not where
                          * no connection came about; of a hedged request those of the answer's side */
    uint32_t redirects;  /* answers followed */
    bool is_over_budget; /* a retry was due, and retry_percent did not allow it */
    bool is_hedged;      /* it was sent a second time because the first was slow */
    bool is_reused;      /* the last attempt's connection had served before */
    weft_time first_byte, total;     /* since the call; total: so far */
    uint64_t sent_bytes, read_bytes; /* bodies, of the last attempt */
} weft_client_trace;

/* Zero means "choose for me" in every field but url. */
typedef struct weft_client_request {
    const char *method; /* NULL: "GET", with a body "POST" */
    const char *url;    /* "http://host:port/path?query" */
    const weft_client_field
        *fields;             /* besides Host, Content-Length and the like: -EINVAL for those */
    size_t field_count;      /* of `fields` */
    weft_str body;           /* ptr NULL: none */
    const char *type;        /* Content-Type of the body; NULL: none is said */
    weft_read_fn *body_read; /* instead of `body`: gives its bytes, may wait; never sent twice.
                              * What it returns negative, the call returns, with its text */
    void *body_arg;          /* for body_read() */
    int64_t body_bytes; /* of body_read: how many it gives; 0: unknown, sent in chunks.  It is not
                         * asked for more, so what a file has grown by since is not sent */

    /* Trailers, fields after the body, such as a checksum.  Their names are announced in the head;
     * the values are read when the body has ended, so body_read may set them until then.  -EINVAL
     * without a body, and for fields that belong in a head. */
    const weft_client_field *trailers; /* NULL: none */
    size_t trailer_count;              /* of `trailers` */

    bool expects_continue; /* the head goes alone; the body when the server has said that it wants
                            * it (100 Continue), or nothing for continue_max.  An answer of any
                            * status instead: none of the body is sent */
    weft_time total_max;   /* 0: the client's */
    weft_time hedge_after; /* without the head of an answer by then, it is sent once more and the
                            * first answer counts; see Retries.  0: never */
    bool keeps_redirects;  /* 3xx is the answer */
    bool takes_trailers;   /* the server is told so, by "TE: trailers"; some send them only then */
    bool keeps_coding;     /* no compressed answer is asked for; what comes is given as it comes */
    bool is_idempotent;    /* may be sent again whatever its method, as with an idempotency key */
    bool is_sent_once;   /* not sent again, whatever its method, unless the server says that it did
                          * nothing with it; for who has another server to ask.  Redirects go on */
    const char *upgrade; /* ask for this protocol, see weft_exchange_detach(); NULL: none */
    weft_client_trace *trace; /* filled; may be NULL.  Must stay valid as long as the exchange */
} weft_client_request;

/* An answer with its whole body.  It owns what it points to, until weft_client_response_free(). */
typedef struct weft_client_response {
    int status;                      /* of the answer; interim ones are passed over */
    int version;                     /* of HTTP: 10, 11 or 20 */
    weft_str url;                    /* that answered, behind redirects */
    weft_str body;                   /* with a NUL behind it */
    const weft_client_field *fields; /* as they came, with repeated names */
    size_t field_count;              /* of `fields` */
    void *priv_memory;               /* what all this lies in */
} weft_client_response;

/* Sends the request and reads all of the answer.  0; -WEFT_ELIMIT past body_bytes_max; on failure
 * *out is not touched.
 *
 * -WEFT_ESYNTAX: the URL, or an answer that is no HTTP or has two fields Content-Type or Location
 * that differ (of two that are alike one counts); -EINVAL: method or fields; -ETIMEDOUT;
 * -EHOSTDOWN; -WEFT_ETRUNCATED: cut off; those of weft_resolve() for names; -ECONNREFUSED,
 * -ECONNRESET …; -EPROTONOSUPPORT: https without TLS; -ELOOP: too many redirects; -ENOMEM;
 * -ECANCELED. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_client_fetch(weft_client *client,
                                                        const weft_client_request *request,
                                                        weft_client_response *out);

/* weft_client_fetch() for a GET, and for a POST with a JSON text. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_client_get(weft_client *client, const char *url,
                                                      weft_client_response *out);
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_client_post_json(weft_client *client, const char *url,
                                                            weft_str json,
                                                            weft_client_response *out);

/* The value of the first header field of that name, which must be in lower case; ptr NULL: there is
 * none.  Borrowed until the response is freed. */
WEFT_API weft_str weft_client_response_field(const weft_client_response *response,
                                             const char *lower);

/* The value of the first trailer of that name (any case): a field after the body, in chunks or over
 * HTTP/2.  ptr NULL: there is none.  Fields that belong in a head are dropped. */
WEFT_API weft_str weft_client_response_trailer(const weft_client_response *response,
                                               const char *name);

/* Frees what the response points to and empties it.  Harmless for one that is freed already or
 * zeroed. */
WEFT_API void weft_client_response_free(weft_client_response *response);

/* ---- exchanges: an answer piece by piece ---- */

typedef struct weft_exchange weft_exchange;

/* Sends the request and waits for the head of the answer.  Read the body with weft_exchange_read(),
 * or not at all; close the exchange in either case.  Errors as weft_client_fetch(). */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_exchange_open(weft_exchange **out, weft_client *client,
                                                         const weft_client_request *request);

/* The answer's status, version, URL and header fields; borrowed until weft_exchange_close().  The
 * name for weft_exchange_field() must be in lower case; weft_exchange_field_at() is false past the
 * last. */
WEFT_API int weft_exchange_status(const weft_exchange *exchange);
WEFT_API int weft_exchange_version(const weft_exchange *exchange); /* of HTTP: 10, 11 or 20 */
WEFT_API weft_str weft_exchange_url(const weft_exchange *exchange);
WEFT_API weft_str weft_exchange_field(const weft_exchange *exchange, const char *lower);
WEFT_API bool weft_exchange_field_at(const weft_exchange *exchange, size_t index,
                                     weft_client_field *out);

/* The URL as errors and logs have it: "http://host:port/path", cut to half of an error's text, and
 * without the query, which may be nobody's business.  Borrowed likewise. */
WEFT_API weft_str weft_exchange_place(const weft_exchange *exchange);

/* The first trailer of that name (any case), once weft_exchange_read() has returned 0; ptr NULL:
 * none.
 */
WEFT_API weft_str weft_exchange_trailer(const weft_exchange *exchange, const char *name);

/* The answer's Content-Length; -1 if there is none. */
WEFT_API int64_t weft_exchange_length(const weft_exchange *exchange);

/* Reads the next bytes of the body as they come, at least one and at most `bytes`, and returns how
 * many; 0 at its end.  What is not read stays with the server (back pressure).  After an error
 * every call returns the same again; but after -ECANCELED nothing was read, and it can go on.
 * -EPROTO for an exchange of weft_exchange_begin() before weft_exchange_answer(). */
WEFT_API WEFT_WAITS WEFT_MUST_USE ssize_t weft_exchange_read(weft_exchange *exchange, void *buf,
                                                             size_t bytes);

/* ---- exchanges: both ways at once ---- */

/* Sends the head of a request whose body the caller writes, and returns without an answer, so that
 * one task may write while another reads (one each: -EBUSY for a second one):
 *
 *     static int say(void *exchange)
 *     {
 *         while (...)
 *             WEFT_TRY(weft_exchange_write(exchange, line, strlen(line)));
 *         return weft_exchange_write_end(exchange);
 *     }
 *
 *     WEFT_TRY(weft_exchange_begin(&exchange, client, &request));
 *     rc = weft_gather(weft_spawn(say, exchange), weft_spawn(hear, exchange));
 *     weft_exchange_close(exchange);
 *
 * where `hear` calls weft_exchange_answer() and then weft_exchange_read().  Of the request, body,
 * body_read, expects_continue, upgrade and hedge_after must be 0; what it points to must stay valid
 * until close, itself need not.  It is sent once, and a redirect is the answer.  All over HTTP/2;
 * a server of HTTP/1.1 may well answer only when it has the whole body.
 *
 * 0, and the errors of weft_exchange_open() up to there. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_exchange_begin(weft_exchange **out, weft_client *client,
                                                          const weft_client_request *request);

/* Sends bytes of the body; waits while the server does not take them (back pressure), as long as
 * between_max allows.
 *
 * 0; -EPIPE: over HTTP/2, the answer is whole and the server takes no more, which may be as it
 * should; -ECONNRESET and the like: weft_exchange_answer() may still say why; -ETIMEDOUT;
 * -ECANCELED; -ENOMEM: the body is cut off, and every further call says so; -EINVAL: the body has
 * ended, or body_bytes would be exceeded. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_exchange_write(weft_exchange *exchange,
                                                          const void *bytes, size_t count);

/* Sends the end of the body, and the trailers.  Errors as weft_exchange_write(); -WEFT_ETRUNCATED:
 * fewer than body_bytes were written. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_exchange_write_end(weft_exchange *exchange);

/* Waits for the head of the answer; first_byte_max counts from the end of the body.  Returns at
 * once when the head is there, and so for an exchange of weft_exchange_open().  Errors as
 * weft_exchange_open(), and every further call returns the same; after -ECANCELED nothing is lost.
 */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_exchange_answer(weft_exchange *exchange);

/* ---- exchanges: their end ---- */

/* After status 101, the answer to a request with `upgrade`: gives the connection in *out, which now
 * speaks that protocol; what the server has sent in it is unread.  It no longer counts among the
 * client's connections, and is the caller's to close, as the exchange still is.  -EPROTO without
 * such an answer, or a second time. */
WEFT_API WEFT_MUST_USE int weft_exchange_detach(weft_exchange *exchange, weft_stream **out);

/* Ends the exchange and frees it: its connection is kept if the answer was read to its end, else
 * closed.  Never waits.  No task may be inside a call on it.  NULL is fine. */
WEFT_API void weft_exchange_close(weft_exchange *exchange);

WEFT_END_DECLS

#endif
