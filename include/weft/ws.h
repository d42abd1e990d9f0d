/* SPDX-License-Identifier: MIT */

/*
 * WebSockets: messages both ways over one connection, server and client (RFC 6455), compressed if
 * both want it (RFC 7692).
 *
 *     static int echo(weft_ws *ws, void *arg)
 *     {
 *         weft_ws_message message;
 *         int rc;
 *         while ((rc = weft_ws_receive(ws, &message)) > 0)
 *             WEFT_TRY(weft_ws_send(ws, message.type, message.data));
 *         return rc;
 *     }
 *
 *     static int handler(weft_http_request *req, weft_http_response *res, void *arg)
 *     {
 *         return weft_ws_serve(req, res, NULL, echo, NULL);      // on a GET route
 *     }
 *
 *     weft_ws *ws;                                               // and the other end
 *     WEFT_TRY(weft_ws_connect(&ws, client, "ws://127.0.0.1:8080/echo", NULL));
 *     WEFT_TRY(weft_ws_send_text(ws, "hello"));
 *
 * Pings are answered, silence is noticed (a ping after 20 s, the end when nothing comes for 20 s
 * more), and the closing handshake is made without a task that waits for it: a connection is a
 * record with callbacks.  What the peer does wrong ends the connection with the code that says so.
 *
 * Back pressure.  A message that nobody takes stops the reading, and with that the peer; also its
 * pings, so that after a while it may take us for gone: receive, or close.  A peer that does not
 * read makes senders wait, and is given up when it takes nothing for 30 s.
 *
 * Once open, it no longer counts as a request in hand, and its handler has all the time it wants.
 *
 * One task receives at a time (-EBUSY for a second one); any number may send, messages do not mix.
 * A WebSocket belongs to one loop.
 *
 * Library: weft-ws.
 */
#ifndef WEFT_WS_H
#define WEFT_WS_H

#include <weft/base.h>
#include <weft/client.h>
#include <weft/gen.h>
#include <weft/http.h>

WEFT_BEGIN_DECLS

typedef struct weft_ws weft_ws;

enum weft_ws_type {
    WEFT_WS_TEXT = 1, /* UTF-8, checked in both directions */
    WEFT_WS_BINARY = 2,
};

typedef struct weft_ws_message {
    enum weft_ws_type type;
    weft_str data; /* borrowed until the next receive, or close */
} weft_ws_message;

/* ---- settings ---- */

/* Zero means the default, in every field.  What the peer passes ends the connection with 1009. */
typedef struct weft_ws_limits {
    uint64_t frame_bytes_max;    /* received: 1 MiB */
    uint64_t message_bytes_max;  /* received, before and after decompression: 16 MiB */
    uint32_t fragment_count_max; /* of a message received: 1,024 */
    uint32_t inflate_ratio_max;  /* so many bytes out of one, past the first 64 KiB: 200 */
    uint32_t unsent_bytes_max;   /* above it senders wait: 1 MiB */

    weft_time ping_every;     /* of silence: 20 s; WEFT_FOREVER: no pings */
    weft_time pong_max;       /* for any sign of life after that: 20 s */
    weft_time close_max;      /* for the peer's answer to a close: 5 s */
    weft_time write_idle_max; /* a peer that takes nothing: 30 s */
} weft_ws_limits;

/* A peer with these limits refuses a large message that shrinks to less than 1/200: bytes that are
 * all alike are better sent plain. */
enum weft_ws_deflate {
    WEFT_WS_PLAIN,         /* nothing is compressed */
    WEFT_WS_DEFLATE,       /* each message by itself: no memory while none is under way */
    WEFT_WS_DEFLATE_KEEPS, /* with what came before: smaller, for up to 300 KiB a connection */
};

/* Zero means "choose for me" in every field. */
typedef struct weft_ws_options {
    weft_ws_limits limits;
    enum weft_ws_deflate deflate; /* used if the peer agrees; never without zlib */

    const char *const *protocols; /* subprotocols, the best first; the strings must stay valid */
    size_t protocol_count;

    /* Server: pages of which origins may connect ("https://example.com"; "*": any).  Without any
     * only those of the server's own host; who says no origin is no browser, and may.  On a server
     * for its own machine every name that points there is its own: see weft_http_is_local(). */
    const char *const *origins;
    size_t origin_count;

    const weft_client_field *fields; /* client: more fields of the request */
    size_t field_count;
} weft_ws_options;

/* ---- server ---- */

/* Answers a request to open a WebSocket.  1: it is open, in *out, and to be closed before the
 * handler returns, which should then be with 0 (an error resets the connection).  0: it is not, and
 * the client has been told: 426 it did not ask for a WebSocket of version 13, 400 its key is
 * wrong, 403 its origin may not, 503 the server stops.  Then the handler returns.
 *
 * -ENOMEM, -ECANCELED, -EALREADY and errors of the stream: nothing was answered, the handler
 * returns the code.  `options` may be NULL; it is not needed afterwards but for the strings. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_ws_accept(weft_ws **out, weft_http_request *req,
                                                     weft_http_response *res,
                                                     const weft_ws_options *options);

/* What talks over a WebSocket. */
typedef int weft_ws_fn(weft_ws *ws, void *arg);

/* All that a handler needs: opens it, calls fn(ws, arg), and closes: with 1000 after 0 or more,
 * 1001 when it was cancelled, 1011 after another error.  Returns what the handler is to return.
 *
 * When the server stops, the peer is told by 1001 at once; fn then gets what still comes, and the
 * end of the messages when the peer has answered. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_ws_serve(weft_http_request *req, weft_http_response *res,
                                                    const weft_ws_options *options, weft_ws_fn *fn,
                                                    void *arg);

/* What talks over a WebSocket message by message.  Between two messages there is no task, so that
 * one who is silent costs no stack: a task begins with each message that finds none, and goes on as
 * long as there are more.  Calls for one WebSocket come one after the other. */
typedef struct weft_ws_handler {
    /* It is open.  May be NULL; a negative result closes it, as with message. */
    int (*opened)(weft_ws *ws, void *arg);

    /* A message, borrowed until it returns.  It may wait, send, and start other tasks that send; it
     * may not receive, close or abort.  Negative: closed, with 1000 after -WEFT_ECLOSED, 1001 after
     * -ECANCELED, 1011 after another. */
    int (*message)(weft_ws *ws, const weft_ws_message *message, void *arg);

    /* The last call, with 0 if the peer has closed (weft_ws_get_close() says how), with the result
     * above that closed it, or with what weft_ws_receive() says of a connection that was lost.
     * Other tasks must not use the WebSocket any more.  Must not wait.  May be NULL. */
    void (*closed)(weft_ws *ws, int rc, void *arg);
} weft_ws_handler;

/* As weft_ws_serve, by such a handler (borrowed, as `arg`, until closed), and returns before it is
 * over: without a task it ends with the peer, a limit, or the server, by callbacks. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_ws_answer(weft_http_request *req,
                                                     weft_http_response *res,
                                                     const weft_ws_options *options,
                                                     const weft_ws_handler *handler, void *arg);

/* A pointer that a handler keeps with its WebSocket; NULL at first. */
WEFT_API void weft_ws_set_user(weft_ws *ws, void *user);
WEFT_API void *weft_ws_get_user(const weft_ws *ws);

/* ---- client ---- */

/* Opens "ws://host:port/path" or "wss://…" over a connection of the client's making, under its
 * limits of time; once open it is no longer the client's.  Redirects are not followed.
 *
 * 0; -EPROTO: the server answers otherwise (the status is in the text), or not as a WebSocket;
 * -EINVAL: the options; errors of weft_exchange_open().  `options` as above. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_ws_connect(weft_ws **out, weft_client *client,
                                                      const char *url,
                                                      const weft_ws_options *options);

/* ---- receiving ---- */

/* Waits for the next message.  1: it is in *out.  0: the peer has closed (weft_ws_get_close() says
 * with what); the same again.
 *
 * -WEFT_ETRUNCATED: the connection ended without a close; -ETIMEDOUT: the peer is silent, does not
 * read, or does not answer our close; -WEFT_ESYNTAX, -WEFT_ELIMIT: it broke the protocol or a
 * limit, and was told; -ECONNRESET and the like; -ENOMEM.  After these the same again; what had
 * come whole before comes first.
 * -ECANCELED: nothing is lost.  -EBUSY: another task receives, or a message is being read.  -EBADF:
 * it was closed meanwhile. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_ws_receive(weft_ws *ws, weft_ws_message *out);

/* The messages as a generator, for weft_foreach with a weft_ws_message:
 *
 *     weft_foreach(rc, message, weft_ws_messages(ws))
 *         printf("%.*s\n", (int)message.data.len, message.data.ptr);
 *
 * It ends when the peer closes, and with the errors above. */
WEFT_API weft_gen *weft_ws_messages(weft_ws *ws);

/* A message as it comes, with no more of it in memory than a few pieces: waits for its beginning
 * (results as above), then gives at least one and at most `bytes` bytes of it; 0 at its end, after
 * which the next message may be asked for.  Text is checked, but cut anywhere. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_ws_read_begin(weft_ws *ws, enum weft_ws_type *out);
WEFT_API WEFT_WAITS WEFT_MUST_USE ssize_t weft_ws_read(weft_ws *ws, void *buf, size_t bytes);

/* ---- sending ---- */

/* Sends a message.  It leaves at the end of the turn; waits while other tasks send and while too
 * much is unsent, so `data` may be used again afterwards.  Up to 128 KiB are sent whole or not at
 * all; a larger message that is cancelled halfway ends the connection, since the peer waits for the
 * rest.
 *
 * 0; -WEFT_ECLOSED: it is closing or closed; -EINVAL: text that is not UTF-8; -ECANCELED; -ENOMEM;
 * -EBADF; what receive says of a lost connection. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_ws_send(weft_ws *ws, enum weft_ws_type type,
                                                   weft_str data);

/* The same for a text. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_ws_send_text(weft_ws *ws, const char *text);

/* A message piece by piece, each sent as it comes and never compressed.  Other tasks' messages wait
 * between begin and end; every begin that returned 0 wants an end, also after a write that failed.
 * An end of text in the middle of a character, or after bytes that are not UTF-8, is -EINVAL and
 * ends the connection, as does a cancelled end. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_ws_write_begin(weft_ws *ws, enum weft_ws_type type);
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_ws_write(weft_ws *ws, const void *bytes, size_t count);
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_ws_write_end(weft_ws *ws);

/* ---- the end ---- */

/* Says good-bye with `code` (1000, 1001, 3000-4999 …; others than may be said count as 1000) and
 * `reason` (UTF-8, cut to 123 bytes; NULL: none), waits for the peer's, drops what still comes, and
 * frees.  Deaf to cancellation, and over after close_max.  Other tasks' calls on it return -EBADF.
 *
 * 0 if both have said it; else why not, as from receive.  NULL is fine. */
WEFT_API WEFT_WAITS int weft_ws_close(weft_ws *ws, int code, const char *reason);

/* Ends it without a word, and frees; a client's connection is reset, a server's handler should
 * return an error.  Never waits.  NULL is fine. */
WEFT_API void weft_ws_abort(weft_ws *ws);

/* How it ended: 0 not yet; the peer's code, 1005 if it gave none, and its reason; 1006 when the
 * connection was lost; or the code with which we gave up.  `out_reason` may be NULL; borrowed. */
WEFT_API int weft_ws_get_close(const weft_ws *ws, weft_str *out_reason);

/* The subprotocol both have agreed on, or "". */
WEFT_API const char *weft_ws_get_protocol(const weft_ws *ws);

/* True if messages are compressed. */
WEFT_API bool weft_ws_is_deflated(const weft_ws *ws);

WEFT_END_DECLS

#endif
