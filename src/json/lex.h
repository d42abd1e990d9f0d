/* SPDX-License-Identifier: MIT */

/* Strings and numbers of JSON: bytes in, their meaning out.  Pure; memory only for escapes. */
#ifndef WF_JSON_LEX_H
#define WF_JSON_LEX_H

#include "base/buf.h"

#include <weft/json.h>

/* The text being read, and what is wrong with it once something is. */
typedef struct wf_json_text {
    const char *bytes;
    size_t count, at; /* on failure `at` is where it stops being right */
    const char *what; /* the failure in words */
    size_t limit;     /* of -WEFT_ELIMIT */
} wf_json_text;

typedef struct wf_json_number {
    bool is_integer;
    int64_t integer;
    double real;
} wf_json_number;

/* Notes a failure; returns `rc`. */
int wf_json_fail(wf_json_text *text, int rc, size_t at, const char *what);

/* `at` stands on the opening quote and goes behind the closing one.  *out points into the text, or
 * into `unescaped` (reset first) if there is an escape. */
int wf_json_lex_string(wf_json_text *text, wf_buf *unescaped, weft_str *out);

/* `at` stands on '-' or a digit and goes behind the number. */
int wf_json_lex_number(wf_json_text *text, uint32_t digit_count_max, wf_json_number *out);

#endif
