/* SPDX-License-Identifier: MIT */

/*
 * Server-sent events: an answer that stays open and carries one event after the other (WHATWG HTML,
 * "Server-sent events").  For progress, the tokens of a model, whatever a page or a client watches.
 *
 *     static int watch(weft_http_request *req, weft_http_response *res, void *arg)
 *     {
 *         WEFT_TRY(weft_http_sse_begin(res));
 *         while ((rc = next_token(&token)) > 0) {
 *             weft_sse_event event = {.data = token};
 *             WEFT_TRY(weft_http_sse_send(res, &event));
 *         }
 *         return rc;
 *     }
 *
 * The route needs a handler_time_max that is long enough.  When the client goes away the handler is
 * cancelled, as always; when it reads slowly, sending waits.  The client's side is in
 * <weft/client_sse.h>.
 *
 * Library: weft-http.
 */
#ifndef WEFT_HTTP_SSE_H
#define WEFT_HTTP_SSE_H

#include <weft/http.h>

WEFT_BEGIN_DECLS

/* An event.  Empty members are not sent; `data` may have several lines. */
typedef struct weft_sse_event {
    weft_str data;
    weft_str event;  /* its type; without one it is a "message" */
    weft_str id;     /* what the client says it had last, when it comes again */
    weft_time retry; /* how long it waits before, in whole ms; 0: as before */
} weft_sse_event;

/* Sends the head of an event stream.  0; errors of weft_http_write(); -EALREADY after the first
 * byte.
 */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_http_sse_begin(weft_http_response *res);

/* Sends an event.  -EINVAL: a line end in `event` or `id`, or a NUL in `id`; then nothing was sent.
 * Otherwise as weft_http_write(). */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_http_sse_send(weft_http_response *res,
                                                         const weft_sse_event *event);

/* Sends a comment, which the client does not see: every 15 s or so it keeps proxies from closing a
 * stream without events. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_http_sse_keep_alive(weft_http_response *res);

/* The id of the last event this client has seen; empty if it comes for the first time. */
WEFT_API weft_str weft_http_sse_last_id(const weft_http_request *req);

WEFT_END_DECLS

#endif
