/* SPDX-License-Identifier: MIT */

/*
 * Header block of an HTTP/2 request or answer, made into the text of an HTTP/1 head, so that one
 * strict parser judges both: the same limits, the same verdicts, the same offsets.
 *
 *     wf_h2_block_begin(&block, limits.head_bytes_max);
 *     ... wf_h2_block_add(&block, name, value) for each field, in order ...
 *     rc = wf_h2_block_end(&block, &text);
 *
 * What HTTP/2 says otherwise than HTTP/1 is settled here: pseudo-fields become the request line and
 * Host, crumbs of a cookie become one field (RFC 9113 8.2.3), Host must be :authority.  Pure.
 */
#ifndef WF_H2_BLOCK_H
#define WF_H2_BLOCK_H

#include "base/buf.h"

/* Zeroed is ready for a first one. */
struct wf_h2_block {
    wf_buf text;    /* request line, Host, fields */
    wf_buf pseudo;  /* :method, :path and :authority behind each other */
    wf_buf cookies; /* "a=b; c=d" */
    uint32_t method_at, method_len, path_at, path_len, authority_at, authority_len;
    uint32_t bytes_max;
    uint64_t counted_bytes; /* by wf_h2_block_count */
    bool is_answer;         /* :status is the one pseudo-field, and begins the text */
    bool has_line, has_authority, is_malformed;
};

/* Forgets what was there, keeps the memory.  Past `bytes_max` of text nothing more is stored: the
 * parser then sees a head that is too large. */
void wf_h2_block_begin(struct wf_h2_block *block, uint32_t bytes_max);

/* The same for the block of an answer. */
void wf_h2_block_begin_answer(struct wf_h2_block *block, uint32_t bytes_max);

void wf_h2_block_fini(struct wf_h2_block *block);

/* To be told of each field, before it is added or not.  A byte of input may name a field of
 * kilobytes (HPACK), and nghttp2 looks at each byte of each one before we see it: false once all
 * are so much too large that no more are worth a look.  What is a little too much the parser
 * refuses. */
bool wf_h2_block_count(struct wf_h2_block *block, size_t field_bytes);

/* 0 or -ENOMEM.  A field that HTTP forbids makes the block malformed. */
int wf_h2_block_add(struct wf_h2_block *block, weft_str name, weft_str value);

/* 0: *out is the head, borrowed until the block changes; -WEFT_ESYNTAX: malformed; -ENOMEM. */
int wf_h2_block_end(struct wf_h2_block *block, weft_str *out);

#endif
