/* SPDX-License-Identifier: MIT */

/*
 * A live server and raw clients for its tests: bytes in, status and connection state out.
 * All calls are for tasks.  What a test does not expect ends it.
 */
#ifndef TESTS_HTTP_SITE_H
#define TESTS_HTTP_SITE_H

#include <weft/http.h>
#include <weft/net.h>
#include <weft/task.h>

#include "harness/harness.h"

struct site {
    weft_http_server *server;
    weft_task task; /* in weft_http_serve */
    weft_addr addr;
};

/* Serves the routes below on a port of its own.  `options` may be NULL. */
int site_open(struct site *site, const weft_http_options *options);

/* The same with more routes. */
int site_open_with(struct site *site, const weft_http_options *options, const weft_http_route *more,
                   size_t more_count);

/* Stops it and returns what weft_http_serve returned. */
int site_close(struct site *site);

/* A run of a sweep: a site, and so many clients at once, each with it as argument.  What only a
 * plan without memory does is no failure of it. */
int site_meet(weft_fn *client, size_t client_count);

/* The routes:
 *   GET  /ok            "ok\n"
 *   POST /echo          the body, with its type
 *   POST /layered       the same, behind a layer; 401 with a field X-Refuse
 *   POST /small         the same as /echo, body limit 16 bytes
 *   POST /stream        reads the body by itself, answers it in chunks
 *   POST /drain         reads the body by itself, then "drained\n"
 *   GET  /item/{name}   the name and the parameter q
 *   GET  /sleep         after ?ms= milliseconds "slept\n"
 *   GET  /wait          until the test sets `site_gate`; counts in `site_seen`
 *   GET  /count?n=      n chunks "line I\n"
 *   GET  /large?kib=    that many KiB at once
 *   GET  /length        10 bytes announced, ?n= written
 *   GET  /fail?rc=      returns -rc with a text
 *   GET  /split         tries to split its answer
 *   any  /test          what the test set as `site_handler`; with a body read by the server
 *   POST /late          the same, with a body that it reads by itself
 *   GET  /health        reserved; "healthy\n" or 503 when stopping
 */
struct site_seen {
    unsigned started, ended, cancelled;
    int last_rc;
    char why[64];
};
extern struct site_seen site_seen;
void site_gate_open(void);
extern weft_http_handler *site_handler;

/* ---- clients ---- */

struct answer {
    int status;
    char head[8192]; /* status line and fields, NUL-terminated */
    char *body;
    size_t body_bytes;
    char trailers[512]; /* lines */
    bool is_to_end;     /* the body was told by the end of the connection */
};

weft_stream *client_open(struct site *site);
void client_send(weft_stream *client, const char *text);
void client_send_bytes(weft_stream *client, const void *bytes, size_t count);

/* Reads one answer; free its body by answer_fini.  0, or -WEFT_ETRUNCATED if the connection ended
 * before it was whole, or the failure. */
int client_read(weft_stream *client, struct answer *out);
void answer_fini(struct answer *answer);

/* Reads to the end: true if the server closed without another byte. */
bool client_is_closed(weft_stream *client);

/* The value of a field of the head (any case) up to the line's end, or NULL.  Static buffer. */
const char *answer_field(const struct answer *answer, const char *name);

/* One connection, one request, one answer: its status.  `out` may be NULL. */
int ask(struct site *site, const char *text, struct answer *out);

#endif
