/* SPDX-License-Identifier: MIT */

/*
 * The normaliser of <weft/text.h> on reusable memory, and the matcher's cap on combining marks,
 * which runs before it and is no part of it.
 */
#ifndef WF_MATCH_NORMALISE_H
#define WF_MATCH_NORMALISE_H

#include "base/buf.h"

#include <weft/text.h>

/* Characters on their way through the steps.  Zeroed is empty. */
typedef struct wf_norm {
    uint32_t *points, *spare;
    size_t count, point_capacity, spare_capacity;
} wf_norm;

void wf_norm_fini(wf_norm *norm);

/* Appends the normalised form of `text` (checked UTF-8) to `out`.  `options` may be NULL.  0 or
 * -ENOMEM. */
int wf_norm_append(wf_norm *norm, const weft_norm_options *options, weft_str text, wf_buf *out);

/* A bit beside a character in norm->points for who wants to know where it is put in order. */
#define WF_NORM_MARK (UINT32_C(1) << 31)

/* Canonical ordering of the decomposed characters norm->points, which may have marks, and
 * composition, if asked, of such as have none.  0 or -ENOMEM. */
int wf_norm_order(wf_norm *norm, bool composes);

/* Room for `count` characters in norm->points.  0 or -ENOMEM. */
int wf_norm_reserve(wf_norm *norm, size_t count);

/* If more than `run_max` combining marks stand in a row anywhere in `text`, appends the text
 * without the excess to `out` and returns 1; else returns 0 and `out` is untouched.  -ENOMEM. */
int wf_norm_cut_marks(weft_str text, size_t run_max, wf_buf *out);

#endif
