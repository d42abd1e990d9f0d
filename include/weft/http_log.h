/* SPDX-License-Identifier: MIT */

/*
 * What became of each request: its record, the access log, and the id and trace of the request that
 * a task works for.
 *
 *     weft_http_log *log;
 *     WEFT_TRY(weft_http_log_open(&log, STDOUT_FILENO, WEFT_HTTP_LOG_JSON, 0));
 *     weft_http_options options = {.done = weft_http_log_put, .done_arg = log};
 *     ... make the server with them, serve, free it ...
 *     weft_http_log_close(log);
 *
 * A line of the access log, as JSON (without the line break) or as text:
 *
 *     {"time":"2026-01-31T12:00:00.123Z","peer":"127.0.0.1:4711","method":"GET","host":"a.example",
 *      "path":"/items/7","route":"/items/{id}","status":200,"whole":true,"took_ms":0.412,
 *      "received_bytes":0,"sent_bytes":17,"request_id":"01…","trace_id":"4bf9…"}
 *     2026-01-31T12:00:00.123Z 127.0.0.1:4711 "GET /items/7" 200 17 0.412ms 01…
 *
 * Neither has the query, nor fields of the request: tokens and passwords travel there.  Controls in
 * a path are escaped, so that nobody writes lines of his own.
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
    const char *route; /* "/items/{id}"; NULL: none */
    int status;        /* 0: nothing was answered */
    bool is_whole;     /* the answer is; else the connection broke off, or was cut */
    uint64_t received_bytes, sent_bytes; /* of the bodies */
    const char *request_id;
    const weft_trace *trace; /* NULL: the server takes none */
} weft_http_record;

/* ---- the log ---- */

typedef struct weft_http_log weft_http_log;

enum weft_http_log_form { WEFT_HTTP_LOG_JSON, WEFT_HTTP_LOG_TEXT };

/* Makes a log that writes to `fd`, which stays the caller's, and starts the task that does so, a
 * child of this one.  Lines wait in memory, at most `bytes_max` of them (0: 256 KiB); what has no
 * room is dropped and counted, so that a slow disk or reader never holds up a request.  After a gap
 * there is a line {"dropped":N}.  0, -ENOMEM, and what weft_spawn() gives. */
WEFT_API WEFT_MUST_USE int weft_http_log_open(weft_http_log **out, int fd,
                                              enum weft_http_log_form form, size_t bytes_max);

/* Adds a line.  Never waits. */
WEFT_API void weft_http_log_put(const weft_http_record *record, void *log);

/* Writes to `fd` from now on, as when the old file was moved away.  After 0 the old descriptor is
 * not used any more; lines that waited are in the new file.  -ECANCELED: the old one stays.  -EBUSY
 * while another task does the same. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_http_log_move(weft_http_log *log, int fd);

/* Lines dropped so far, for want of room or because they could not be written. */
WEFT_API uint64_t weft_http_log_dropped(const weft_http_log *log);

/* Writes what is left, for at most 5 s, also in a cancelled task, and frees.  Not while a task is
 * in weft_http_log_move.  NULL is fine. */
WEFT_API WEFT_WAITS void weft_http_log_close(weft_http_log *log);

/* ---- for whom a task works ---- */

/* With takes_trace: the id of the request whose handler this task is, or was spawned by, deferred
 * tasks included; its trace is weft_trace_get().  NULL elsewhere.  Valid as long as the handler
 * runs, in a deferred task as long as that does. */
WEFT_API const char *weft_http_current_id(void);

WEFT_END_DECLS

#endif
