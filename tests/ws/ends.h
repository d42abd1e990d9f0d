/* SPDX-License-Identifier: MIT */

/*
 * A server with one WebSocket, at /ws, and clients for it: ours, and one that speaks in raw bytes.
 * All calls are for tasks.
 */
#ifndef TESTS_WS_ENDS_H
#define TESTS_WS_ENDS_H

#include <weft.h>
#include <weft/client.h>
#include <weft/http.h>
#include <weft/ws.h>

#include "harness/harness.h"

/* The server's side: what the next connections run, and how the last one ended. */
struct ends {
    weft_http_server *server;
    weft_task serving;
    weft_client *client;
    weft_addr addr;
    weft_ws_options options; /* the server's; may be changed before a connection */
    weft_ws_fn *fn;
    const weft_ws_handler *by_message; /* NULL: by a task, with fn */
    char url[64];

    int rc; /* what the last fn returned */
    int code;
    char reason[128];
    bool was_deflated;
    unsigned begun, ended;
    uint64_t messages, bytes;
};

/* Says every message again. */
int ends_echo(weft_ws *ws, void *ends);

int ends_open(struct ends *ends, const weft_http_options *http, weft_ws_fn *fn);
int ends_close(struct ends *ends);

/* Opens one with these options (NULL: usual). */
int ends_connect(struct ends *ends, weft_ws **out, const weft_ws_options *options);

/* Waits until the server's side of `count` connections has ended. */
void ends_wait(const struct ends *ends, unsigned count);

/* A message that must come, and be this. */
void expect_message(weft_ws *ws, enum weft_ws_type type, const void *bytes, size_t count);
void expect_text(weft_ws *ws, const char *text);

/* ---- raw ---- */

#define RAW_KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define RAW_ASK                                                                                    \
    "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"                 \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " RAW_KEY "\r\n"

/* Connects and opens a WebSocket by hand, with more fields of the request. */
weft_stream *raw_open(struct ends *ends, const char *fields);

/* The head of the answer to a request: its status. */
int raw_ask(weft_stream *stream, const char *head, char *out, size_t out_bytes);

/* Bytes in hexadecimal, spaces between them allowed. */
void raw_send(weft_stream *stream, const char *hex);

/* What comes must be this. */
void raw_expect(weft_stream *stream, const char *hex);

/* The code of the close frame that comes next, frames before it passed over, and the end of the
 * connection behind it. */
int raw_close_code(weft_stream *stream);

#endif
