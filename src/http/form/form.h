/* SPDX-License-Identifier: MIT */

/* Form: pairs of names and values as a query has them, and a body of
 * application/x-www-form-urlencoded. */
#ifndef WF_HTTP_FORM_H
#define WF_HTTP_FORM_H

#include <weft/base.h>

/* A pair, decoded. */
struct wf_pair {
    weft_str name, value;
};

/* Decodes all pairs of `text` into one block, the caller's (wf_free).  0; -WEFT_ESYNTAX: a broken
 * escape, or bytes that are not UTF-8; -WEFT_ELIMIT: more than `count_max`; -ENOMEM.  *out_count is
 * also the count that was too large; *out_bad where the pair that is wrong begins. */
int wf_form_decode(weft_str text, size_t count_max, struct wf_pair **out, size_t *out_count,
                   size_t *out_bad);

#endif
