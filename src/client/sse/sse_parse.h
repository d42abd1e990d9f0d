/* SPDX-License-Identifier: MIT */

/*
 * Event streams: bytes in, events out (WHATWG HTML 9.2.6).
 *
 *     while ((rc = wf_sse_feed(&parser, in, len, &used, &event)) == 1) {
 *         ... the event is borrowed until the next feed ...
 *         in += used, len -= used;
 *     }
 *     rc == 0: all of `in` is taken and more must come
 *
 * Lines end in CR, LF or both.  Pure but for its buffers; the events do not depend on how the bytes
 * were cut.  An event that is not ended by an empty line does not happen.
 */
#ifndef WF_CLIENT_SSE_PARSE_H
#define WF_CLIENT_SSE_PARSE_H

#include <weft/http_sse.h>

#include "base/buf.h"

#define WF_SSE_LINE_BYTES_MAX ((size_t)1 << 20)
#define WF_SSE_EVENT_BYTES_MAX ((size_t)1 << 20)

struct wf_sse_parser {
    wf_buf line, data, event;
    wf_buf id, last_id; /* of this event, and the one that holds since the last */
    weft_time retry;    /* what the server said last */
    bool has_retry;     /* it has */
    bool was_cr;        /* an LF next is the rest of a line end */
    bool was_given;     /* the event that was handed out is to be dropped */
    bool is_begun;      /* past the first line, which may begin with a byte order mark */
};

void wf_sse_init(struct wf_sse_parser *parser);
void wf_sse_fini(struct wf_sse_parser *parser);

/* A new connection: what was begun is dropped, the last id and the pause hold. */
void wf_sse_restart(struct wf_sse_parser *parser);

/* 1: an event; 0: taken; -WEFT_ELIMIT, -ENOMEM.  *out_used is set in every case. */
int wf_sse_feed(struct wf_sse_parser *parser, const char *in, size_t len, size_t *out_used,
                weft_sse_event *out);

#endif
