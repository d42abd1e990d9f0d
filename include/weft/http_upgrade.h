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
 * The handler goes on with the stream: by the calls of <weft/net.h>, or with a kind of its own
 * (weft_stream_set_kind()) until it returns.  It no longer counts as a request in hand, its time is
 * not limited any more, and neither are the connection's age and idle time: limits are the new
 * protocol's.  A client that goes away is noticed by reading.
 *
 * WebSockets stand on this: <weft/ws.h>.
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

/* Answers 101 with the fields that were set, and hands out the connection, with what the client has
 * sent behind its request unread.  The stream stays the server's: it is not to be closed.  When the
 * handler returns 0 it ends politely, after an error by a reset.
 *
 * `stop` (or NULL) is called, on the loop's own stack or a task's, when the server begins to shut
 * down, as long as the handler runs: it says good-bye and does not wait.  Who is not done at the
 * end of the grace time is cancelled.
 *
 * 0; and with nothing sent: -EPROTONOSUPPORT if the request does not want it, -EALREADY if the
 * answer has begun, -ESHUTDOWN if the server stops, -ECANCELED, -ENOMEM, -EPIPE and the like. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_http_take_over(weft_http_response *res,
                                                          const char *protocol,
                                                          void (*stop)(void *arg), void *arg,
                                                          weft_stream **out);

/* ---- without a task ---- */

/* After weft_http_take_over: when the handler has returned 0 the connection does not end, and has
 * no task and no request any more, which `ready` is told with the argument of `stop`.  It goes on
 * by the callbacks of a kind that was set on its stream, whose `closed` must call that of the kind
 * before; `stop` is called as before. */
WEFT_API void weft_http_detach(weft_http_response *res, void (*ready)(void *arg));

/* Starts a task for such a connection, one at a time, among the handlers of its server, which does
 * not end the connection before it returns; after weft_http_detached_end() it must not wait.  0,
 * -ENOMEM, -ECANCELED. */
WEFT_API WEFT_MUST_USE int weft_http_detached_spawn(weft_stream *stream, weft_fn *fn, void *arg);

/* Such a connection, which has its own kind again, ends: politely after `rc` >= 0, else by a reset.
 * Never waits. */
WEFT_API void weft_http_detached_end(weft_stream *stream, int rc);

WEFT_END_DECLS

#endif
