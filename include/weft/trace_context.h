/* SPDX-License-Identifier: MIT */

/*
 * Trace context (W3C Recommendation "Trace Context", level 1): which trace the work at hand belongs
 * to, and the field `traceparent` that carries it from service to service.
 *
 *     weft_trace trace;
 *     weft_trace_start(&trace, weft_http_field(req, "traceparent")); // goes on, or begins one
 *     char text[WEFT_TRACE_BYTES];
 *     weft_trace_format(&trace, text); // for the requests made on its behalf
 *
 * An HTTP server with takes_trace starts a trace for every request like this and sets it for the
 * handler's tasks, where weft_trace_get() gives it.
 *
 * Library: weft-net.
 */
#ifndef WEFT_TRACE_CONTEXT_H
#define WEFT_TRACE_CONTEXT_H

#include <weft/base.h>

WEFT_BEGIN_DECLS

#define WEFT_TRACE_BYTES 56 /* of the field's text, with its NUL */

/* Ids are lower-case hex digits. */
typedef struct weft_trace {
    char trace_id[33];
    char span_id[17];   /* of the work at hand: the parent of what it asks others for */
    char parent_id[17]; /* of who asked for it; "" where the trace begins */
    uint8_t flags;      /* bit 0: sampled */
} weft_trace;

/* Reads a traceparent: trace_id, flags, and its span as parent_id; span_id is "".  Versions above
 * 00 are read as 00 where they begin like it.  0, or -WEFT_ESYNTAX with *out as it was. */
WEFT_API WEFT_MUST_USE int weft_trace_parse(weft_str text, weft_trace *out);

/* Starts a span: in the trace that `traceparent` names, or, if that is not valid, in a new one,
 * which is not sampled.  0, or an error of the system's random source. */
WEFT_API WEFT_MUST_USE int weft_trace_start(weft_trace *out, weft_str traceparent);

/* Writes the traceparent to send with what is asked of others: this span is their parent. */
WEFT_API void weft_trace_format(const weft_trace *trace, char out[WEFT_TRACE_BYTES]);

/* Get and set the calling task's trace; NULL: none.  It goes with the task and with all that it
 * spawns after it was set.  Only the pointer is kept; set returns what weft_local_set() does
 * (<weft/local.h>). */
WEFT_API const weft_trace *weft_trace_get(void);
WEFT_API WEFT_MUST_USE int weft_trace_set(const weft_trace *trace);

WEFT_END_DECLS

#endif
