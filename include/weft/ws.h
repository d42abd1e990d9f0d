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
 * Pings are answered, a dead peer is noticed (a ping after 20 s of silence, the end when nothing
 * comes for 20 s more), and the closing handshake is made without a task that waits for it: a
 * connection is a record with callbacks.  A peer that breaks the protocol ends the connection, with
 * the close code for it.
 *
 * Back pressure.  While a message waits to be received nothing more is read, so the peer has to
 * stop.  Its pings are not read either, so after a while it may take us for dead: keep receiving,
 * or close.  A peer that does not read makes senders wait, and is given up when it takes nothing
 * for 30 s.
 *
 * Once open, a WebSocket no longer counts as a request in hand, and its handler's time is not
 * limited.
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

/* Zero means the default, in every field.  A peer that passes one of the first four ends the
 * connection with 1009. */
typedef struct weft_ws_limits {
    uint64_t frame_bytes_max;    /* received: 1 MiB */
    uint64_t message_bytes_max;  /* received, before and after decompression: 16 MiB */
    uint32_t fragment_count_max; /* of a message received: 1,024 */
    uint32_t inflate_ratio_max;  /* so many bytes out of one, past the first 64 KiB: 200 */
    uint32_t unsent_bytes_max;   /* above it senders wait: 1 MiB */
    uint32_t unsent_count_max;   /* so do those of further messages: 256 */

    weft_time ping_every;     /* of silence: 20 s; WEFT_FOREVER: no pings */
    weft_time pong_max;       /* for any sign of life after that: 20 s.  Both this and close_max
                                 begin when the peer's system has what was sent before, and a peer
                                 that takes bytes while more wait for it is not silent */
    weft_time close_max;      /* for the peer's answer to a close: 5 s */
    weft_time write_idle_max; /* a peer that takes nothing while a sender waits: 30 s; or less than
                                 1 KiB a second.  Counted as in weft_http_limits (<weft/http.h>) */
} weft_ws_limits;

/* Compression.  A peer with the default limits refuses a large message that shrinks to less than
 * 1/200: send bytes that are all alike uncompressed. */
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

    /* Client: how the opening went, as of a request, and its status if the server refuses: after
     * 401 or 403 there is no use in trying again.  May be NULL; needed until it is open. */
    weft_client_trace *trace;
} weft_ws_options;

/* ---- server ---- */

/* Answers a request to open a WebSocket.  1: it is open, in *out.  Close it before the handler
 * returns, which should then return 0 (an error resets the connection).  0: it is not open, and the
 * client has been told why: 426, it did not ask for a WebSocket of version 13; 400, its key is not
 * valid; 403, its origin is not allowed; 503, the server is stopping.  Then the handler returns 0.
 *
 * -ENOMEM, -ECANCELED, -EALREADY and errors of the stream: nothing was answered; the handler
 * returns the code.  `options` may be NULL; only its strings are needed afterwards. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_ws_accept(weft_ws **out, weft_http_request *req,
                                                     weft_http_response *res,
                                                     const weft_ws_options *options);

/* A body that talks over a WebSocket. */
typedef int weft_ws_fn(weft_ws *ws, void *arg);

/* A whole handler in one call: opens the WebSocket, calls fn(ws, arg), and closes it: with 1000 if
 * fn returned 0 or more, 1001 if it was cancelled, 1011 after another error.  Returns what the
 * handler has to return.
 *
 * When the server stops, the peer is sent 1001 at once; fn receives what still comes, and the end
 * when the peer has answered. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_ws_serve(weft_http_request *req, weft_http_response *res,
                                                    const weft_ws_options *options, weft_ws_fn *fn,
                                                    void *arg);

/* Callbacks that serve a WebSocket message by message.  Between two messages there is no task, so a
 * silent WebSocket costs no stack: a task is started when a message comes, and goes on as long as
 * there are more.  Calls for one WebSocket never overlap. */
typedef struct weft_ws_handler {
    /* The WebSocket is open.  May be NULL; a negative result closes it, as that of `message` does.
     */
    int (*opened)(weft_ws *ws, void *arg);

    /* A message has come, borrowed until this returns.  It may wait, send, and start other tasks
     * that send; it may not receive, close or abort.  A negative result closes the WebSocket:
     * -WEFT_ECLOSED with code 1000, -ECANCELED with 1001, any other with 1011. */
    int (*message)(weft_ws *ws, const weft_ws_message *message, void *arg);

    /* The last call, with 0 if the peer has closed (weft_ws_get_close() says how), with the result
     * above that closed it, or with what weft_ws_receive() says of a connection that was lost.
     * Other tasks must not use the WebSocket any more.  Must not wait.  May be NULL. */
    void (*closed)(weft_ws *ws, int rc, void *arg);
} weft_ws_handler;

/* Like weft_ws_serve(), with callbacks, and returns as soon as the WebSocket is open; it lives on
 * without a task until the peer, a limit or the server ends it.  `handler` and `arg` are borrowed
 * until `closed` was called. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_ws_answer(weft_http_request *req,
                                                     weft_http_response *res,
                                                     const weft_ws_options *options,
                                                     const weft_ws_handler *handler, void *arg);

/* Set and get a pointer that the owner keeps with the WebSocket; NULL at first. */
WEFT_API void weft_ws_set_user(weft_ws *ws, void *user);
WEFT_API void *weft_ws_get_user(const weft_ws *ws);

/* ---- client ---- */

/* Opens "ws://host:port/path" or "wss://…" over a connection that the client makes, under the
 * client's time limits; once open it no longer belongs to the client.  Redirects are not followed.
 *
 * 0; -EPROTO: the server refuses (the status is in the text and in `trace`), or does not answer as
 * a WebSocket;
 * -EINVAL: the options; errors of weft_exchange_open().  `options` may be NULL; only its strings
 * are needed afterwards. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_ws_connect(weft_ws **out, weft_client *client,
                                                      const char *url,
                                                      const weft_ws_options *options);

/* Opens one like weft_ws_connect(), calls fn(ws, arg), and when the connection has ended opens the
 * next and calls fn() again, as long as it takes:
 *
 *     static int follow(weft_ws *ws, void *arg)       // asks anew for what it wants, and hears
 *     {
 *         WEFT_TRY(weft_ws_send_text(ws, "subscribe"));
 *         while ((rc = weft_ws_receive(ws, &message)) > 0)
 *             ...
 *         return rc;
 *     }
 *
 *     rc = weft_ws_keep(client, "wss://example.org/feed", NULL, follow, NULL);
 *
 * Between two there is a pause: up to 1 s, twice as long each time, up to 30 s, half of it by
 * chance; short again behind a connection that lasted for 30 s.  A server that cannot be reached
 * (also the first time), or answers 429 or 5xx, is asked again likewise.  A deadline around the
 * call bounds it all.
 *
 * It ends, and closes as weft_ws_serve() does, with what fn() returned, if it returned while the
 * connection was open, or more than 0, or an error that is not the connection's; with 0 when the
 * server has closed with code 1000; -EPROTO: it refuses, or closes with a code that says that we
 * are wrong (1002, 1003, 1007-1010); and with what is no loss: the server breaks the protocol or a
 * limit, -ENOMEM, -WEFT_ETLS, -ECANCELED …, as of weft_ws_connect() and weft_ws_receive(). */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_ws_keep(weft_client *client, const char *url,
                                                   const weft_ws_options *options, weft_ws_fn *fn,
                                                   void *arg);

/* ---- receiving ---- */

/* Waits for the next message.  1: it is in *out.  0: the peer has closed (weft_ws_get_close() says
 * with what code); every further call returns the same.
 *
 * -WEFT_ETRUNCATED: the connection ended without a close; -ETIMEDOUT: the peer is silent, does not
 * read, or does not answer our close; -WEFT_ESYNTAX, -WEFT_ELIMIT: it broke the protocol or a
 * limit, and was told so; -ECONNRESET and the like; -ENOMEM.  Messages that were complete before
 * come first; after one of these errors every further call returns the same.  -ECANCELED: nothing
 * is lost.  -EBUSY: another task receives, or a message is being read piece by piece.  -EBADF: it
 * was closed meanwhile. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_ws_receive(weft_ws *ws, weft_ws_message *out);

/* The messages as a generator, for weft_foreach with a weft_ws_message:
 *
 *     weft_foreach(rc, message, weft_ws_messages(ws))
 *         printf("%.*s\n", (int)message.data.len, message.data.ptr);
 *
 * It ends when the peer closes, and with the errors above. */
WEFT_API weft_gen *weft_ws_messages(weft_ws *ws);

/* Receive a message piece by piece, with only a few pieces in memory.  weft_ws_read_begin() waits
 * for its beginning; results as weft_ws_receive().  weft_ws_read() reads at least one and at most
 * `bytes` bytes of it, and returns how many; 0 at its end, and then the next message may be
 * received.  Text is checked, but a piece may end inside a character. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_ws_read_begin(weft_ws *ws, enum weft_ws_type *out);
WEFT_API WEFT_WAITS WEFT_MUST_USE ssize_t weft_ws_read(weft_ws *ws, void *buf, size_t bytes);

/* ---- sending ---- */

/* Sends a message, at the end of the turn; `data` is copied.  Waits while other tasks send and
 * while too much is unsent.  Up to 128 KiB are sent whole or not at all; a larger message that is
 * cancelled halfway ends the connection, since the peer waits for the rest.
 *
 * 0; -WEFT_ECLOSED: it is closing or closed; -EINVAL: text that is not UTF-8; -ECANCELED; -ENOMEM;
 * -EBADF; for a lost connection the errors of weft_ws_receive(). */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_ws_send(weft_ws *ws, enum weft_ws_type type,
                                                   weft_str data);

/* weft_ws_send() for a text message that is a C string. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_ws_send_text(weft_ws *ws, const char *text);

/* Send a message piece by piece, each at once and uncompressed.  Between begin and end other tasks'
 * messages wait; every weft_ws_write_begin() that returned 0 needs a weft_ws_write_end(), also
 * after a write that failed.  Text that ends inside a character, or is not UTF-8, is -EINVAL at the
 * end and ends the connection, as does an end that is cancelled. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_ws_write_begin(weft_ws *ws, enum weft_ws_type type);
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_ws_write(weft_ws *ws, const void *bytes, size_t count);
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_ws_write_end(weft_ws *ws);

/* ---- the end ---- */

/* Closes with `code` (1000, 1001, 3000-4999 …; a code that may not be sent counts as 1000) and
 * `reason` (UTF-8, cut to 123 bytes; NULL: none), waits for the peer's close, drops what still
 * comes, and frees.  Works in a cancelled task too, and takes at most close_max from when the
 * peer's system has what was sent before: a peer that is slower to read it is told still, and
 * -ETIMEDOUT returned.  Other tasks' calls on it return -EBADF.
 *
 * 0 if both sides have closed; else why not, as from weft_ws_receive(); -EPERM, with nothing done,
 * in a task of another loop.  NULL is fine. */
WEFT_API WEFT_WAITS int weft_ws_close(weft_ws *ws, int code, const char *reason);

/* Ends it without a close message and frees; a client's connection is reset, a server's handler
 * should return an error.  Never waits.  NULL is fine. */
WEFT_API void weft_ws_abort(weft_ws *ws);

/* How it ended.  0: it has not yet; the peer's code (1005 if it gave none) and reason; 1006 if the
 * connection was lost; or the code with which we gave up.  `out_reason` may be NULL; borrowed until
 * close. */
WEFT_API int weft_ws_get_close(const weft_ws *ws, weft_str *out_reason);

/* The subprotocol that both sides agreed on, or "". */
WEFT_API const char *weft_ws_get_protocol(const weft_ws *ws);

/* True if messages are compressed. */
WEFT_API bool weft_ws_is_deflated(const weft_ws *ws);

WEFT_END_DECLS

#endif
