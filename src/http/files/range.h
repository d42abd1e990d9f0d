/* SPDX-License-Identifier: MIT */

/* Range (RFC 9110 14.2): which bytes of a representation a client wants.  Pure. */
#ifndef WF_HTTP_RANGE_H
#define WF_HTTP_RANGE_H

#include <weft/base.h>

/* More of them are no reason to do more work than for the whole: the field is ignored. */
#define WF_RANGE_COUNT_MAX 16

struct wf_range {
    uint64_t first, count;
};

#define WF_RANGE_NONE_SATISFIABLE (-1)

/* Ranges of `length` bytes, in the order asked for; those that overlap or touch are one.  Their
 * count; 0: the field is to be ignored (another unit, not well-formed, too many, or nothing to
 * choose from); NONE_SATISFIABLE: all lie behind the end. */
int wf_range_parse(weft_str field, uint64_t length, struct wf_range out[WF_RANGE_COUNT_MAX]);

#endif
