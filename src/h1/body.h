/* SPDX-License-Identifier: MIT */

/*
 * Body of an HTTP/1 message: finds where it ends and hands out what it holds, for both framings.
 *
 *     struct wf_h1_body body;
 *     wf_h1_body_init_chunked(&body, &limits);
 *     while ((rc = wf_h1_body_next(&body, in, len, &used, &data)) > 0) {
 *         ... data is a piece of in[0, used) ...
 *         in += used, len -= used;
 *     }
 *     in += used;
 *     rc == 0: ended if wf_h1_body_is_done(&body), else all of `in` is taken and more must come
 *     rc < 0:  body.fault says what to answer; the connection must end
 *
 * Pure, each byte looked at once; the outcome and the bytes handed out do not depend on how the
 * input was cut.  Nothing behind the end is taken.
 *
 * Chunk extensions are checked and dropped.  So are trailers, unless somebody gives them a place;
 * those of a head are dropped in any case, so that none is smuggled past whoever looked at it.
 */
#ifndef WF_H1_BODY_H
#define WF_H1_BODY_H

#include <weft/base.h>

#include "base/buf.h"
#include "h1/fault.h"

struct wf_h1_body_limits {
    uint64_t body_bytes_max;
    uint32_t chunk_line_bytes_max; /* one size line with its extensions, without CRLF */
    uint32_t extension_bytes_max;  /* all extensions of a body */
    uint32_t trailer_bytes_max;    /* all trailers, with their line ends */
    uint32_t trailer_count_max;
};

struct wf_h1_body {
    uint64_t bytes;             /* handed out, or promised by the present chunk */
    struct wf_http_fault fault; /* after a refusal; its offset counts from the body's first byte */

    const struct wf_h1_body_limits *limits;
    uint8_t state; /* 0: ended */
    uint8_t digit_count;
    uint32_t line_bytes, extension_bytes, trailer_bytes, trailer_count;
    wf_buf *trailers;       /* borrowed, set by whoever wants them as lines; NULL: nobody */
    uint32_t trailer_start; /* of the present one, in `trailers` */
    uint64_t left;          /* of the body, or of the present chunk */
    uint64_t offset;        /* bytes taken */
};

/* `limits` is borrowed.  The length was judged by whoever saw the head. */
void wf_h1_body_init_empty(struct wf_h1_body *body);
void wf_h1_body_init_length(struct wf_h1_body *body, uint64_t length);
void wf_h1_body_init_chunked(struct wf_h1_body *body, const struct wf_h1_body_limits *limits);

/* 1: `*out_data` is the next piece, not empty; 0: ended or out of input; -WEFT_ESYNTAX or
 * -WEFT_ELIMIT: refused, and so for ever; -ENOMEM for `trailers`, likewise.  *out_used is set in
 * every case. */
int wf_h1_body_next(struct wf_h1_body *body, const char *in, size_t len, size_t *out_used,
                    weft_str *out_data);

/* A zeroed one has ended. */
static inline bool wf_h1_body_is_done(const struct wf_h1_body *body)
{
    return body->state == 0;
}

#endif
