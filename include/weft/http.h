/* SPDX-License-Identifier: MIT */

/*
 * HTTP server: routes, handlers that are ordinary tasks, and limits on everything.
 *
 *     static int hello(weft_http_request *req, weft_http_response *res, void *arg)
 *     {
 *         return weft_http_respond_text(res, 200, "Hello\n");
 *     }
 *
 *     int body(void *arg)
 *     {
 *         weft_http_server *server;
 *         WEFT_TRY(weft_http_server_new(&server, NULL));
 *         weft_http_route route = {.method = "GET", .path = "/hello/{name}", .handler = hello};
 *         int rc = weft_http_server_add(server, &route);
 *         if (rc == 0)
 *             rc = weft_http_server_listen(server, "127.0.0.1:8080");
 *         if (rc == 0)
 *             rc = weft_http_serve(server);
 *         weft_http_server_free(server);
 *         return rc;
 *     }
 *
 * A client may speak HTTP/1.1 or HTTP/2, over TLS or in clear text ("prior knowledge"); a
 * connection's first bytes say which.  A handler notices nothing of it.
 *
 * A connection without a request is a small record; a task with a stack exists only while a handler
 * runs.  The task is cancelled when the client goes away, when the handler's time is up, and when
 * the server must end: its waits then return -ECANCELED, and it returns that.  A task may serve
 * another request afterwards, but nothing is left over for it: each handler begins without task
 * locals, error text or name.
 *
 * What goes wrong before a handler runs is answered by the server: bad syntax 400, 413, 414, 431;
 * no route 404; wrong method 405 with Allow; too slow 408; overloaded 503 with Retry-After.  Every
 * such answer has the body {"error":{"code","message","details","request_id"}}.
 *
 * A server, and every object it gives out, belongs to the loop that serves it; to tasks of others,
 * what reads a body or sends an answer says -EPERM.
 *
 * Library: weft-http.
 */
#ifndef WEFT_HTTP_H
#define WEFT_HTTP_H

#include <weft/base.h>
#include <weft/net.h>

WEFT_BEGIN_DECLS

typedef struct weft_http_server weft_http_server;
typedef struct weft_http_request weft_http_request;
typedef struct weft_http_response weft_http_response;
struct weft_http_api;
struct weft_http_group;
struct weft_http_layer;
struct weft_http_openapi;
struct weft_http_record;

/* ---- limits ---- */

/* Zero means the default, in every field. */
typedef struct weft_http_limits {
    uint32_t head_bytes_max;       /* all of a request's head: 64 KiB */
    uint32_t line_bytes_max;       /* the request line: 8 KiB */
    uint32_t field_bytes_max;      /* one field: 16 KiB */
    uint32_t field_count_max;      /* 100 */
    uint32_t empty_line_count_max; /* before a request: 4 */
    uint32_t query_count_max;      /* parameters of a query: 1,000 */
    uint32_t cookie_count_max;     /* cookies of a request: 100 */

    uint64_t body_bytes_max;       /* of one request: 8 MiB */
    uint64_t bodies_bytes_max;     /* of all collected at one time: 256 MiB */
    uint32_t decoded_ratio_max;    /* of a body with Content-Encoding, beyond 64 KiB: 200 */
    uint32_t chunk_line_bytes_max; /* 256 */
    uint32_t extension_bytes_max;  /* chunk extensions of a body: 16 KiB */
    uint32_t trailer_bytes_max;    /* 8 KiB */
    uint32_t trailer_count_max;    /* 32 */

    weft_time head_time_max;      /* from its first byte to its last: 10 s */
    weft_time body_idle_max;      /* between two pieces of a body: 20 s */
    weft_time body_grace;         /* after it the minimum rate holds: 10 s */
    uint64_t body_rate_min;       /* bytes a second: 1 KiB */
    weft_time keep_alive_max;     /* without a request: 60 s */
    weft_time write_idle_max;     /* a client that takes nothing of an answer: 30 s; see below */
    uint64_t write_rate_min;      /* what it takes on average, beyond twice that time: 1 KiB/s */
    weft_time handler_time_max;   /* 60 s, without what it waits for its client to send a body */
    weft_time connection_age_max; /* 1 h */
    weft_time half_close_grace;   /* a client that sends no more may be gone; a handler that is not
                                     done by then is cancelled: 100 ms */

    uint32_t requests_per_connection_max; /* 10,000 */
    uint32_t connection_count_max;    /* 0: nine tenths of the descriptors this process may have */
    uint32_t address_connections_max; /* of one address, an IPv6 one is its /64; one more gets 503.
                                         0: 256 of one of the internet, any number of others,
                                         as proxies have; UINT32_MAX: no limit */
    uint32_t in_hand_max;     /* requests with a handler, but for those of waiting_max: 64 */
    uint32_t waiting_max;     /* handlers that wait for their client to send a body, or to
                                 take an answer: 1,024; of more, who has waited longest is
                                 answered 408, or cut off */
    uint32_t queue_max;       /* requests that wait for one: 256 */
    weft_time queue_time_max; /* 500 ms */
    uint32_t reserve;         /* handlers kept for WEFT_HTTP_RESERVED routes: 8 */
    uint32_t deferred_max;    /* tasks of weft_http_defer: 1,024 */

    /* HTTP/2, of one connection.  What passes one of the last seven ends it. */
    uint32_t h2_stream_count_max; /* requests at a time, those whose handler still runs: 100 */
    uint32_t h2_table_bytes_max;  /* compression of fields, each way: 4 KiB */
    uint32_t h2_stream_window;    /* of a body, unread: 64 KiB */
    uint32_t h2_window;           /* of all bodies: 1 MiB */
    uint32_t h2_continuation_count_max;     /* CONTINUATION frames of a head: 8 */
    uint32_t h2_reset_burst, h2_reset_rate; /* streams reset, by the client or by its mistakes:
                                               1,000 at once, 33 a second */
    uint32_t h2_odd_burst, h2_odd_rate; /* frames that cost a client nothing (PING, SETTINGS, tiny
                                           DATA …): 1,000 at once, 100 a second */
    uint32_t h2_control_count_max;      /* frames that wait for a client to take them: 1,000 */
} weft_http_limits;

/* write_idle_max and write_rate_min count what has left for the client, while it is waited for:
 * what its side of TCP has acknowledged, or the reader of a Unix socket has read.  Bytes that wait
 * in this machine's kernel do not count; those in the client's kernel do, which are few (some 100
 * KiB) if it does not read.  Over HTTP/2 it is each stream by itself: what its windows let go, and
 * what the client takes of the connection while bytes of this stream are on their way there.
 *
 * A client that took much at once may pause for longer than write_idle_max, as one does that limits
 * its rate: a sixteenth of the time in which write_rate_min would have taken it (1.6 MB: 100 s),
 * and at most four times write_idle_max.  All of it is known up to a quarter of write_idle_max
 * later.
 *
 * The time beyond write_rate_min is of an answer over HTTP/2 and of a connection over HTTP/1, not
 * of each wait.  A connection whose answers are all with the kernel is kept past keep_alive_max
 * while its client takes them at that rate.
 *
 * What is acknowledged goes in steps, over loopback of 64 KiB and more: who reads steadily there
 * needs some 4 KB a second, and a client that reads 1.6 MB and then sleeps (curl --limit-rate) some
 * 16 KB a second.  For slower ones write_idle_max must be as long as their longest pause. */

/* For a program that shows its settings: the name of the index-th limit, with the value in force in
 * *out_value, and what it counts in *out_unit: "ns", "bytes", "bytes/s", "/s", or "" for a number;
 * NULL past the last.  `weft config` shows those of `weft serve`. */
WEFT_API const char *weft_http_limit_at(const weft_http_server *server, size_t index,
                                        uint64_t *out_value, const char **out_unit);

/* ---- server ---- */

typedef struct weft_http_options {
    weft_http_limits limits; /* zero means the default, in every field there too */
    weft_time drain_delay; /* stopping: go on accepting so long after readiness says no; 0: none */
    weft_time grace;       /* stopping: handlers get this long; 0: 30 s */

    /* Sends answers of this length and more compressed (zstd, br, gzip or deflate) to clients that
     * ask for it; 0: none.  See "content coding" below. */
    uint64_t compress_bytes_min;

    /* Called when the first byte of a connection has come, which is still unread, to put TLS on it:
     * return weft_tls_start_server(arg, stream).  Negative: the connection is closed.  A client
     * that speaks HTTP in clear text gets 400, in clear text.  NULL: plain HTTP. */
    int (*secure)(weft_stream *stream, void *arg);
    void *secure_arg; /* for secure() */

    /* Layers around every request, also those that have no route (<weft/http_layer.h>).  Borrowed.
     */
    const struct weft_http_layer *layers;
    size_t layer_count; /* of `layers` */

    /* Called once when a request is over, whatever became of it: weft_http_log_put() of
     * <weft/http_log.h>, or a function of yours.  Must not wait. */
    void (*done)(const struct weft_http_record *record, void *arg);
    void *done_arg; /* for done() */

    bool gives_ids;   /* X-Request-Id on every answer, not only where the client gave one */
    bool takes_trace; /* reads traceparent, and shows id and trace to the handler's tasks
                         (<weft/http_log.h>) */
    const char *timeout_field; /* the name of a field by which clients say how long they wait, such
                                  as "X-Request-Timeout-Ms": ms, or with a unit as gRPC's "1500m".
                                  A handler has no more than that, from the end of the head; what
                                  is no such time is passed over.  NULL: none is read */
    const struct weft_http_openapi *openapi; /* serves the description of all routes
                                                (<weft/http_api.h>); NULL: not.  Borrowed */
    bool is_h1_only;                         /* no HTTP/2, although it could be had */
} weft_http_options;

/* The protocols this server can speak, best first, for weft_tls_options.alpn: "h2,http/1.1", or
 * "http/1.1" in a build without nghttp2.  Static storage. */
WEFT_API const char *weft_http_alpn(void);

/* Makes a server in *out; `options` may be NULL, and is copied, but not what it points to.  0,
 * -ENOMEM; -EINVAL: openapi has a path that is not valid, timeout_field is no name. */
WEFT_API WEFT_MUST_USE int weft_http_server_new(weft_http_server **out,
                                                const weft_http_options *options);

/* Frees the server; not while it serves.  NULL is fine. */
WEFT_API void weft_http_server_free(weft_http_server *server);

/* Answers a request through `res` and returns 0.  A negative result before anything was sent
 * becomes an error answer with the task's error text: -ENOMEM 503, -ETIMEDOUT 504, others 500;
 * after the first byte the connection is broken off, so that the client sees that the answer is not
 * complete.  Returning 0 without having sent anything sends the status (200 unless set) with an
 * empty body. */
typedef int weft_http_handler(weft_http_request *req, weft_http_response *res, void *arg);

enum weft_http_route_flags {
    WEFT_HTTP_STREAM_BODY = 1u, /* start the handler before the body has come; it reads by itself */
    WEFT_HTTP_RESERVED = 2u,    /* never queued, answered when all else is full: health, metrics */
};

typedef struct weft_http_route {
    const char *method; /* "GET" (answers HEAD too), "POST" … */
    const char *path;   /* "/v1/matchers/{name}": {name} is one segment, not empty; {name*}, at the
                           end alone, is all that is left, slashes and all, also nothing; the path
                           without the '/' before it is redirected to that with it */
    weft_http_handler *handler; /* answers; never NULL */
    void *arg;                  /* for handler() */
    uint64_t body_bytes_max;    /* 0: the group's or server's */
    weft_time handler_time_max; /* 0: the group's or server's */
    uint32_t flags;             /* enum weft_http_route_flags */

    /* So that a slow or costly route does not hold up others: at most in_hand_max of its requests
     * have a handler at a time (0: no limit), and queue_max more (0: as the group) wait for that,
     * up to queue_time_max (0: as the group or server).  Those use neither a task nor a place in
     * the server's queue, where they may have to wait next.  More get 503 with Retry-After. */
    uint32_t in_hand_max, queue_max;
    weft_time queue_time_max;

    const struct weft_http_group *group; /* <weft/http_layer.h>: prefix, host, layers; or NULL */
    const struct weft_http_api *api; /* <weft/http_api.h>: parameters, body, document; or NULL */
} weft_http_route;

/* Adds a route, before serving; strings, group and api must stay valid, the rest is copied.  When
 * several match, a route with a host wins over one without, then a path without parameters over one
 * with, then the one added first.  0, -EINVAL (unknown method, a path not of that form, a path
 * parameter of the api that is not in the path), -EEXIST (same method, host and path), each with a
 * text that names the route; -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_http_server_add(weft_http_server *server,
                                                const weft_http_route *route);

/* Binds "127.0.0.1:8080", "[::1]:0", "unix:PATH" …; connections wait in the kernel until
 * weft_http_serve().  Call it again for more addresses.  Errors of weft_addr_parse() and
 * weft_listener_open(). */
WEFT_API WEFT_MUST_USE int weft_http_server_listen(weft_http_server *server, const char *address);

/* Like weft_http_server_listen(), with a listener that the caller made; the server takes it, also
 * on failure. */
WEFT_API WEFT_MUST_USE int weft_http_server_take(weft_http_server *server, weft_listener *listener);

/* The address of the index-th listener, or NULL past the last. */
WEFT_API const weft_addr *weft_http_server_get_addr(const weft_http_server *server, size_t index);

/* Serves until the server is told to stop or the caller is cancelled, and then shuts down:
 * weft_http_server_is_stopping() turns true; after the drain delay the listeners and idle
 * connections are closed; requests in hand finish, new ones get 503; at the end of the grace time
 * handlers are cancelled, and 5 s later what is left is cut off, and the log tells how many
 * handlers go on all the same.  When this returns nothing of it runs or listens any more.  0 after
 * a stop, -ECANCELED if the caller was cancelled, -EINVAL without a listener, -EBUSY if it serves
 * already, -ENOMEM. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_http_serve(weft_http_server *server);

/* Begins the shutdown.  A second call cancels the handlers at once, and 200 ms later what is left
 * is cut off.  On the loop's thread only, from callbacks too.  Returns at once. */
WEFT_API void weft_http_server_stop(weft_http_server *server);

/* True from the first step of the shutdown: what a readiness route asks. */
WEFT_API bool weft_http_server_is_stopping(const weft_http_server *server);

/* What the server has done since it was made. */
typedef struct weft_http_stats {
    uint64_t connections_accepted; /* since the server was made */
    uint64_t connections_open;     /* now */
    uint64_t connections_idle;     /* open, without a request */
    uint64_t connections_refused;  /* no memory for them, or too many of one address */
    uint64_t requests;             /* heads that were understood */
    uint64_t requests_in_hand;     /* with a handler, those that wait for their client too */
    uint64_t requests_queued;      /* wait for a handler, of the server or of their route */
    uint64_t requests_shed;        /* 503 for want of room */
    uint64_t requests_cancelled;   /* the client went away, or the time was up */
    uint64_t bodies_bytes;         /* collected bodies held now */
    uint64_t answers[6];           /* by first digit of the status */
    uint64_t refused;              /* bytes that were no request: part of answers[4] and [5] */
    uint64_t timeouts;             /* slow heads, bodies, readers and handlers */
    uint64_t bytes_received;       /* of requests: heads and bodies */
    uint64_t bytes_sent;           /* of answers, handed to their connections */
} weft_http_stats;

/* Fills *out as of now. */
WEFT_API void weft_http_server_get_stats(const weft_http_server *server, weft_http_stats *out);

/* Adds weft_http_stats and more for Prometheus (<weft/metrics.h>): answers by status, connections,
 * bytes, and how long requests took, from the end of the head to the end of the answer.  For the
 * servers of several loops together see <weft/http_metrics.h>. */
struct weft_metrics;
WEFT_API void weft_http_server_put_metrics(const weft_http_server *server,
                                           struct weft_metrics *metrics);

/* ---- request ----
 *
 * What these return is borrowed until the handler returns.  A weft_str whose ptr is NULL means
 * "not there"; an empty one is there. */

WEFT_API weft_str weft_http_method(const weft_http_request *req);

/* The path, percent-decoded, without the query; UTF-8. */
WEFT_API weft_str weft_http_path(const weft_http_request *req);

/* Path and query as they came, for passing them on: "/a%20b?c=d". */
WEFT_API weft_str weft_http_target(const weft_http_request *req);

/* The query as it came, without the '?'. */
WEFT_API weft_str weft_http_query(const weft_http_request *req);

/* The value of {name} in the route's path; of the first query parameter `name`, decoded, in UTF-8;
 * of the first header field `name` (any case). */
WEFT_API weft_str weft_http_path_param(const weft_http_request *req, const char *name);
WEFT_API weft_str weft_http_query_param(const weft_http_request *req, const char *name);
WEFT_API weft_str weft_http_field(const weft_http_request *req, const char *name);

/* The index-th header field, in the order in which they came, with repeated names.  False past the
 * last. */
WEFT_API bool weft_http_field_at(const weft_http_request *req, size_t index, weft_str *out_name,
                                 weft_str *out_value);

/* The index-th parameter of the query; false past the last. */
WEFT_API bool weft_http_query_at(const weft_http_request *req, size_t index, weft_str *out_name,
                                 weft_str *out_value);

/* The host (and port) that the client asked for: from an absolute target, else from the field Host.
 */
WEFT_API weft_str weft_http_host(const weft_http_request *req);

/* True if weft_http_host() can only mean this machine: "localhost", "127.0.0.1" and the like, or
 * "[::1]", with any port; or if the request came over a Unix socket.  A server for its own machine
 * should check this: any web page can let a name of its own point to 127.0.0.1, and to a browser it
 * then has the server's origin (DNS rebinding).  As a layer: weft_http_check_host() of
 * <weft/http_layer.h>. */
WEFT_API bool weft_http_is_local(const weft_http_request *req);

/* The request's X-Request-Id if it is acceptable (1 to 128 visible characters), else one made here.
 * The answer has it in the same field if the client gave one. */
WEFT_API const char *weft_http_request_id(weft_http_request *req);

/* The client's address; -ENOTCONN. */
WEFT_API WEFT_MUST_USE int weft_http_get_peer(const weft_http_request *req, weft_addr *out);

/* The connection that the request came on, to ask about it: weft_tls_info_get() and
 * weft_tls_peer_cert_get() of <weft/tls.h> tell who the client is (mTLS).  Others may share it
 * (HTTP/2): it is not to be read, written or ended.  Never NULL; borrowed until the handler
 * returns. */
WEFT_API const weft_stream *weft_http_get_stream(const weft_http_request *req);

/* The server that the request came to.  Never NULL. */
WEFT_API weft_http_server *weft_http_get_server(const weft_http_request *req);

/* Runs fn(arg) in a task when the request is over, whatever became of its answer (a background
 * task).  The task belongs to the server: it is not cancelled with the request; a shutdown waits
 * for it as for a handler, and cancels it at the end of the grace time.  It has the task locals of
 * the time of this call, and its result is dropped.  If this returns 0 `fn` certainly runs, so it
 * may own `arg`.  -ENOMEM, -EAGAIN (deferred_max); -ECANCELED when the server has cancelled its
 * handlers. */
WEFT_API WEFT_MUST_USE int weft_http_defer(weft_http_request *req, weft_fn *fn, void *arg);

/* The length of the body as weft_http_read() gives it, 0 without a body.  -1: not known yet, where
 * it is not collected and is chunked, compressed, or over HTTP/2 without a length. */
WEFT_API int64_t weft_http_length(const weft_http_request *req);

/* The whole body that was collected, empty if there is none.  It is collected before the handler is
 * called, unless its route has WEFT_HTTP_STREAM_BODY; in a layer it may not be yet, see
 * <weft/http_layer.h>. */
WEFT_API weft_str weft_http_body(const weft_http_request *req);

/* Collects the body, or what weft_http_read() has left of it, for weft_http_body(); at once if it
 * is there.  For a layer that needs the body, and for a handler with WEFT_HTTP_STREAM_BODY that
 * wants it after a look at the head.  0; as weft_http_read(), and -WEFT_ELIMIT (503) when all
 * bodies together pass bodies_bytes_max, -ENOMEM. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_http_collect(weft_http_request *req);

/* Reads the next bytes of the body, on any route, and returns how many, at most `bytes`; 0 at its
 * end.  -WEFT_ELIMIT over the route's limit, -WEFT_ESYNTAX for bad chunks, -WEFT_ETRUNCATED if the
 * client ends too early, -ETIMEDOUT if it is too slow; a handler that returns such a code answers
 * 413, 400 or 408.  What is not read here is not read from the client either (back pressure).
 *
 * A handler that waits here for its client does not count among in_hand_max, so slow clients keep
 * nobody out, and the wait does not count as the handler's time, since a body has limits of its own
 * (body_idle_max, body_rate_min); when bytes have come it goes on before requests that have no
 * handler yet.  Its route's in_hand_max, if it has one, counts it all the time. */
WEFT_API WEFT_WAITS WEFT_MUST_USE ssize_t weft_http_read(weft_http_request *req, void *buf,
                                                         size_t bytes);

/* The first trailer field of that name (any case), which comes after a chunked body or over HTTP/2.
 * On a WEFT_HTTP_STREAM_BODY route it is there once weft_http_read() has returned 0.  Fields that
 * belong in a head (framing, authentication, Content-Type … RFC 9110 6.5.1) are dropped; passing
 * trailer_bytes_max or trailer_count_max makes the body invalid: 400. */
WEFT_API weft_str weft_http_trailer(const weft_http_request *req, const char *name);

/* True if Content-Type is `type` ("application/json"), whatever its parameters.  Also true without
 * the field, for the benefit of simple clients. */
WEFT_API bool weft_http_has_type(const weft_http_request *req, const char *type);

/* True if Accept allows `type`: by its exact name, with all of its family, or with anything, and
 * not with q=0.  Also true
 * without the field. */
WEFT_API bool weft_http_accepts(const weft_http_request *req, const char *type);

/* ---- content coding ----
 *
 * A request's body with Content-Encoding gzip, deflate, br or zstd is decoded before the handler
 * sees it.  body_bytes_max holds for the bytes before and after; decoded_ratio_max stops a
 * decompression bomb earlier: 413.  Data that is not valid in its coding: 400; another coding, or
 * more than one: 415.
 *
 * Answers are compressed if weft_http_options asks for it: those of types that get smaller by it
 * (text, JSON, XML, SVG …), also when sent piece by piece, each piece at once; with Vary, and a
 * strong ETag made weak.  An answer that sets Content-Encoding ("identity" for none) or
 * Content-Range is left as it is.  A client that refuses every coding, and also no coding, gets
 * 406.  Do not compress secrets together with what a stranger chose: the length gives them away
 * (BREACH).
 */

/* "zstd, br, gzip, deflate": the codings that are built in; "" without any. */
WEFT_API const char *weft_http_codings(void);

/* ---- response: all at once ---- */

/* Sends a complete answer.  `type`, the Content-Type, may be NULL.  A request has one answer: a
 * second call gives -EALREADY.  Waits only while the client is slow to take earlier answers.  0,
 * -ECANCELED, -ENOMEM, -EPIPE. */
WEFT_API WEFT_WAITS int weft_http_respond(weft_http_response *res, int status, const char *type,
                                          const void *body, size_t body_bytes);

/* Sends a complete answer of type text/plain in UTF-8.  As weft_http_respond(). */
WEFT_API WEFT_WAITS int weft_http_respond_text(weft_http_response *res, int status,
                                               const char *text);

/* Sends a complete answer of type application/json: `json` as it is, as <weft/json_writer.h> makes
 * it.  As weft_http_respond(). */
WEFT_API WEFT_WAITS int weft_http_respond_json(weft_http_response *res, int status, weft_str json);

/* The error body of all our services. */
typedef struct weft_http_error {
    int status;             /* of the answer */
    const char *code;       /* NULL: the usual one of the status */
    const char *message;    /* one sentence; NULL: the status's phrase */
    const char *field;      /* which part of the input; may be NULL */
    const char *suggestion; /* may be NULL */
    const char *limit_name; /* NULL: no limit was passed */
    uint64_t limit, seen;   /* with limit_name */
    int64_t offset;         /* of the offending byte; < 0: unknown */
} weft_http_error;

/* Sends an error answer:
 * {"error":{"code","message","field","suggestion","details":{"limit","seen","offset"},
 * "request_id"}}.  Absent parts are left out, except details, which is then empty. */
WEFT_API WEFT_WAITS int weft_http_respond_error(weft_http_response *res,
                                                const weft_http_error *error);

/* Sends an error answer with a code (NULL: the usual one of the status) and a formatted message. */
WEFT_API WEFT_WAITS int weft_http_fail(weft_http_response *res, int status, const char *code,
                                       const char *format, ...) WEFT_PRINTF(4, 5);

/* ---- response: piece by piece ---- */

/* Set the status and add a header field, before the first byte is sent (-EALREADY after it).
 * -EINVAL for a name that is no token, a value with CR, LF, NUL or another control character, and
 * the fields that the server sets itself (Content-Length, Transfer-Encoding, Connection, Date): so
 * a value from a stranger cannot split the answer.  -WEFT_ELIMIT past 64 KiB of fields.  A field
 * may be added again, but a second Content-Type or Location takes the place of the first, and so
 * does the type of weft_http_respond() (RFC 9110 5.3: one is all that an answer may have). */
WEFT_API WEFT_MUST_USE int weft_http_set_status(weft_http_response *res, int status);
WEFT_API WEFT_MUST_USE int weft_http_set_field(weft_http_response *res, const char *name,
                                               weft_str value);

/* Announces the length of the body; without it a streamed body is chunked.  If the handler returns
 * before it has written that many bytes the connection is broken off; if it has written nothing,
 * the client gets 500, or, to HEAD, the length. */
WEFT_API WEFT_MUST_USE int weft_http_set_length(weft_http_response *res, uint64_t length);

/* Sends a piece of the body, and before the first piece the head.  It is sent at the end of the
 * loop's turn; waits while more than 256 KiB are unsent, until the client has taken enough.  With 0
 * bytes it sends the head alone.  0, -ECANCELED, -EPIPE; -EINVAL past the length that was set. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_http_write(weft_http_response *res, const void *bytes,
                                                      size_t count);

/* Trailers: fields after the body of an answer that is sent piece by piece without a length, such
 * as a checksum, or how it went.
 *
 * Call this once, before the first byte, with the names that may come, "Digest, Server-Timing";
 * they become the field Trailer, and are borrowed until the handler returns.  1 if the client takes
 * trailers: over HTTP/2, or if it sent "TE: trailers" in HTTP/1.1; 0 if it will not see them.
 * -EINVAL for a name that is no token or belongs in a head, -EALREADY, -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_http_promise_trailers(weft_http_response *res, const char *names);

/* Sets one of the trailers that were promised; they are sent when the handler returns 0.  0, also
 * if the client will not see it; -EINVAL for a name that was not promised or a value that is not
 * valid, -EALREADY when the answer has been sent, -WEFT_ELIMIT past 64 KiB of trailers, -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_http_set_trailer(weft_http_response *res, const char *name,
                                                 weft_str value);

/* True once the head is on its way: too late for another status. */
WEFT_API bool weft_http_has_begun(const weft_http_response *res);

WEFT_END_DECLS

#endif
