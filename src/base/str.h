/* SPDX-License-Identifier: MIT */

/* Str: comparing texts that carry their length. */
#ifndef WF_STR_H
#define WF_STR_H

#include <weft/base.h>

#include <string.h>

/* The same bytes; none and an empty one are the same. */
static inline bool wf_str_equals(weft_str a, weft_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool wf_str_is(weft_str text, const char *word)
{
    return wf_str_equals(text, weft_str_of(word));
}

#endif
