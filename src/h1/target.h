/* SPDX-License-Identifier: MIT */

/*
 * Target: a request's target cut into path and query, and the path made plain.
 *
 * The path is percent-decoded once.  What could mean one path to us and another to a file system or
 * a proxy is refused: NUL, an encoded '/' or '\', a plain '\', a segment "..", an escape that is
 * not two hex digits.  The query keeps its escapes; its parameters are decoded one by one.
 */
#ifndef WF_H1_TARGET_H
#define WF_H1_TARGET_H

#include <weft/base.h>

#include "h1/fault.h"

struct wf_http_target {
    weft_str raw_path; /* "/" at least, or "*"; a piece of the target or static */
    weft_str query;    /* behind the '?', ptr NULL without one */
};

/* Cuts an origin-form ("/a?b"), absolute-form ("http://h/a?b") or "*" target. */
struct wf_http_target wf_http_target_split(weft_str target);

/* Decodes a path into `out`, which has room for path.len bytes and may be path.ptr itself.  The
 * count written goes to *out_len.  0, or -WEFT_ESYNTAX with *fault: its offset counts from the
 * path's first byte. */
int wf_http_path_decode(weft_str path, char *out, size_t *out_len, struct wf_http_fault *fault);

/* The next "name=value" of a query, both still encoded, with the bytes up to the next '&' taken off
 * `query`; false at the end.  Empty pieces are skipped; a piece without '=' has an empty value. */
bool wf_http_query_next(weft_str *query, weft_str *out_name, weft_str *out_value);

/* How many such pieces there are. */
size_t wf_http_query_count(weft_str query);

/* Decodes '%' escapes and '+' of a query's name or value, as above.  0, or -WEFT_ESYNTAX for an
 * escape that is not two hex digits. */
int wf_http_query_decode(weft_str text, char *out, size_t *out_len);

#endif
