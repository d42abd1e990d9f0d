/* SPDX-License-Identifier: MIT */

/*
 * Server-sent events, the client's side (EventSource): one event after the other, over as many
 * connections as it takes.
 *
 *     weft_client_request request = {.url = "http://127.0.0.1:8080/progress"};
 *     weft_event_source *source;
 *     weft_sse_event event;
 *     WEFT_TRY(weft_event_source_open(&source, client, &request));
 *     while ((rc = weft_event_source_next(source, &event)) == 1)
 *         printf("%.*s\n", (int)event.data.len, event.data.ptr);
 *     weft_event_source_close(source);
 *
 * When a connection ends, the source connects again after a pause (3 s, or what the server says, at
 * least 10 ms; doubled, up to 30 s, while that fails, but never less than the server says), and
 * tells the server the id of the last event it had.  A connection that is silent for the client's
 * between_max counts as lost, as servers should send keep-alives.  The server ends the source for
 * good with status 204.  Any other status than 200, and any type but text/event-stream, is an
 * error; the server's Retry-After, up to an hour, holds for the next connection.
 *
 * A request that may not be sent again (`is_sent_once`, or a POST without `is_idempotent`, as to a
 * model that writes an answer) is sent once: the end of its answer is that of the source, and what
 * cuts it off an error.
 *
 * Library: weft-client.
 */
#ifndef WEFT_CLIENT_SSE_H
#define WEFT_CLIENT_SSE_H

#include <weft/client.h>
#include <weft/http_sse.h>

WEFT_BEGIN_DECLS

typedef struct weft_event_source weft_event_source;

/* Makes a source in *out, which connects with the first weft_event_source_next().  The request, all
 * it points to and the client must stay valid.  The request's total_max holds for one connection
 * (0: no limit); its body must not come from a function (-EINVAL).  0, -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_event_source_open(weft_event_source **out, weft_client *client,
                                                  const weft_client_request *request);

/* Waits for the next event.  1: got one, and *out is borrowed until the next call.  0: the server
 * has ended the source, now and for every further call.  `event` is "message" if the server gave
 * none; `id` is that of the last event with one.
 *
 * -WEFT_ESYNTAX: the answer is no event stream; -EPROTO: another status than 200 (in the text, and
 * in the request's trace: 503 may pass, 401 will not); -WEFT_ELIMIT: an event of more than 1 MiB,
 * or a line of more; errors of weft_exchange_open() that a retry would not cure.  After an error
 * the next call connects again.  -ECANCELED: nothing is lost, the next call goes on.
 *
 * Of a request that is sent once: any error of weft_exchange_open() and weft_exchange_read();
 * -WEFT_ETRUNCATED: it ended in the middle of an event.  Every further call returns the same, also
 * after an -ECANCELED that came before the head of the answer. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_event_source_next(weft_event_source *source,
                                                             weft_sse_event *out);

/* Closes the connection and frees the source.  Never waits.  NULL is fine. */
WEFT_API void weft_event_source_close(weft_event_source *source);

WEFT_END_DECLS

#endif
