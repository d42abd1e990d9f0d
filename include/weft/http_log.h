/* SPDX-License-Identifier: MIT */

/*
 * Request log: a record of what became of each request, the access log made of them, and the id of
 * the request that a task works for.
 *
 *     weft_http_log *log;
 *     WEFT_TRY(weft_http_log_open(&log, STDOUT_FILENO, WEFT_HTTP_LOG_JSON, 0));
 *     weft_http_options options = {.done = weft_http_log_put, .done_arg = log};
 *     ... make the server with them, serve, free it ...
 *     weft_http_log_close(log);
 *
 * A line of the access log, as JSON (without the line break) or as text:
 *
 *     {"time":"2026-01-31T12:00:00.123Z","peer":"127.0.0.1:4711","version":"HTTP/1.1",
 *      "method":"GET","host":"a.example","path":"/items/7","route":"/items/{id}","status":200,
 *      "whole":true,"end":"complete","took_ms":0.412,"received_bytes":0,"sent_bytes":17,
 *      "request_id":"01…","trace_id":"4bf9…","span_id":"00f0…"}
 *     2026-01-31T12:00:00.123Z 127.0.0.1:4711 "GET /items/7" 200 17 0.412ms 01…
 *
 *     time            when the request was over
 *     peer            the client's address, as it was accepted; null: a Unix socket without a name
 *     version         "HTTP/1.0", "HTTP/1.1", "HTTP/2"; null: the head could not be read
 *     method, host, path   of the request, path decoded; null: they could not be read
 *     route           the path of the route that took it; null: none
 *     status          of the answer; 0: none was sent
 *     whole           all of the answer was handed to the connection
 *     end             "complete", or why the answer is not whole: "client_closed" (it went away, or
 *                     reset the connection), "body_timeout" (it sent its body too slowly),
 *                     "write_timeout" (it did not read), "handler_timeout" (handler_time_max),
 *                     "handler_error" (it failed after its first byte), "server_stopped"
 *     took_ms         from the end of the head to that of the answer; 0: no head could be read
 *     received_bytes  of the request's body, as they came
 *     sent_bytes      of the answer's body, as they were sent
 *     request_id      X-Request-Id of the client, or made here
 *     trace_id, span_id   with takes_trace alone
 *
 * The text has time, peer ("-": none), method and path, status, sent_bytes, took_ms, request_id,
 * and behind them `end` where the answer is not whole.  Neither has the query or fields of the
 * request, since those carry tokens and passwords.  Control characters in a path are escaped, so
 * that nobody can forge a line.
 *
 * Library: weft-http.
 */
#ifndef WEFT_HTTP_LOG_H
#define WEFT_HTTP_LOG_H

#include <weft/http.h>
#include <weft/trace_context.h>

WEFT_BEGIN_DECLS

/* One request that is over.  All of it is borrowed until the function that gets it returns. */
typedef struct weft_http_record {
    weft_time at;          /* its end, in nanoseconds since 1970 */
    weft_time took;        /* from the end of its head; 0: there was none that could be read */
    const weft_addr *peer; /* NULL: unknown */
    weft_str method, path; /* ptr NULL: they could not be read; path decoded, without the query */
    weft_str host;
    const char *route;   /* "/items/{id}"; NULL: none */
    int status;          /* 0: nothing was answered */
    bool is_whole;       /* the answer is; else the connection broke off, or was cut */
    const char *end;     /* why it was over: "complete", "client_closed" …, as above */
    const char *version; /* "HTTP/1.1"; NULL: the head could not be read */
    uint64_t received_bytes, sent_bytes; /* of the bodies */
    const char *request_id;
    const weft_trace *trace; /* NULL: the server takes none */
} weft_http_record;

/* ---- the log ---- */

typedef struct weft_http_log weft_http_log;

enum weft_http_log_form { WEFT_HTTP_LOG_JSON, WEFT_HTTP_LOG_TEXT };

/* Makes a log in *out that writes to `fd`, which stays the caller's, and starts the task that does
 * so, a child of this one.  At most `bytes_max` bytes of lines wait in memory (0: 256 KiB); lines
 * without room are dropped and counted, so that a slow disk or reader never holds up a request.  In
 * their place is a line {"dropped":N}.  0, -ENOMEM, and the errors of weft_spawn(). */
WEFT_API WEFT_MUST_USE int weft_http_log_open(weft_http_log **out, int fd,
                                              enum weft_http_log_form form, size_t bytes_max);

/* Adds a line for the request; the function for weft_http_options.done.  Never waits. */
WEFT_API void weft_http_log_put(const weft_http_record *record, void *log);

/* Writes to `fd` from now on, for log rotation.  After 0 the old descriptor is not used any more;
 * lines that waited are in the new file.  -ECANCELED: the old one stays.  -EBUSY while another task
 * does the same. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_http_log_move(weft_http_log *log, int fd);

/* Lines dropped so far, for want of room or because they could not be written. */
WEFT_API uint64_t weft_http_log_dropped(const weft_http_log *log);

/* Writes what is left, for at most 5 s, also in a cancelled task, and frees.  Not while a task is
 * in weft_http_log_move().  NULL is fine. */
WEFT_API WEFT_WAITS void weft_http_log_close(weft_http_log *log);

/* ---- for whom a task works ---- */

/* With weft_http_options.takes_trace: the id of the request whose handler this task is or was
 * spawned by, also in a deferred task; its trace is weft_trace_get().  NULL elsewhere.  Valid as
 * long as the handler runs; in a deferred task, as long as that runs. */
WEFT_API const char *weft_http_current_id(void);

WEFT_END_DECLS

#endif
