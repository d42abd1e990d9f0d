/* SPDX-License-Identifier: MIT */

/* Why a model cannot be used: a sentence without its full stop, for people. */
#ifndef WF_MATCH_REASON_H
#define WF_MATCH_REASON_H

#include <weft/base.h>

typedef struct wf_reason {
    char text[280];
} wf_reason;

/* Writes the sentence, what was not UTF-8 in it replaced, and returns -WEFT_M_EMODEL. */
int wf_reason_set(wf_reason *reason, const char *format, ...) WEFT_PRINTF(2, 3);

/* For "%.*s": a name out of a file, cut. */
static inline int wf_reason_shown(weft_str text)
{
    return text.len > 60 ? 60 : (int)text.len;
}

#endif
