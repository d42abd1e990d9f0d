/* SPDX-License-Identifier: MIT */

/*
 * Upgrade: a request after which its connection speaks another protocol (RFC 9110 7.8).
 *
 *     static int tunnel(weft_http_request *req, weft_http_response *res, void *arg)
 *     {
 *         weft_stream *stream;
 *         if (!weft_http_wants_upgrade(req, "chatter"))
 *             return weft_http_fail(res, 426, NULL, "Only chatter is spoken here.");
 *         WEFT_TRY(weft_http_take_over(res, "chatter", NULL, NULL, &stream));
 *         return chat(stream);
 *     }
 *
 * The handler goes on with the stream until it returns, by the calls of <weft/net.h> or with a kind
 * of its own (weft_stream_set_kind()).  It no longer counts as a request in hand; its time and the
 * connection's age and idle time are not limited any more, as that is up to the new protocol.  That
 * a client has gone away shows when reading.
 *
 * WebSockets (<weft/ws.h>) are built on this.
 *
 * Library: weft-http.
 */
#ifndef WEFT_HTTP_UPGRADE_H
#define WEFT_HTTP_UPGRADE_H

#include <weft/http.h>

WEFT_BEGIN_DECLS

/* True if the client offers to speak `protocol` (a token; any case) on this connection: an HTTP/1.1
 * request without a body, with Connection: upgrade and the name in its Upgrade field. */
WEFT_API bool weft_http_wants_upgrade(const weft_http_request *req, const char *protocol);

/* Answers 101 with the fields that were set, and gives the connection in *out; what the client has
 * sent after its request is unread.  The stream stays the server's: do not close it.  When the
 * handler returns 0 it is ended politely, after an error by a reset.
 *
 * `stop` (may be NULL) is called, on the loop's own stack or a task's, if the server begins to shut
 * down while the handler runs: to tell the peer.  It must not wait.  A handler that is not done at
 * the end of the grace time is cancelled.
 *
 * 0; and with nothing sent: -EPROTONOSUPPORT if the request does not want it, -EALREADY if the
 * answer has begun, -ESHUTDOWN if the server stops, -ECANCELED, -ENOMEM, -EPIPE and the like. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_http_take_over(weft_http_response *res,
                                                          const char *protocol,
                                                          void (*stop)(void *arg), void *arg,
                                                          weft_stream **out);

/* ---- without a task ---- */

/* Called after weft_http_take_over(): when the handler returns 0 the connection does not end, but
 * goes on without a task and a request.  Then `ready` is called, with the argument of `stop`.  The
 * connection lives by the callbacks of the kind that was set on its stream, whose `closed` must
 * call that of the kind before; `stop` is called as before. */
WEFT_API void weft_http_detach(weft_http_response *res, void (*ready)(void *arg));

/* Starts fn(arg) for a detached connection, one task at a time, as one of the server's handlers.
 * The server does not end the connection before fn returns; after weft_http_detached_end() fn must
 * not wait.  0, -ENOMEM, -ECANCELED. */
WEFT_API WEFT_MUST_USE int weft_http_detached_spawn(weft_stream *stream, weft_fn *fn, void *arg);

/* Ends a detached connection, whose stream must have its first kind again: politely if `rc` >= 0,
 * else by a reset.  Never waits. */
WEFT_API void weft_http_detached_end(weft_stream *stream, int rc);

WEFT_END_DECLS

#endif
