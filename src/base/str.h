/* SPDX-License-Identifier: MIT */

/* Str: comparing, trimming and splitting texts that carry their length; a text as one line. */
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

/* ASCII only, whatever the locale. */
static inline char wf_str_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Without the spaces and tabs at both ends. */
weft_str wf_str_trim(weft_str text);

/* Takes the next item of a list off *rest: what stands before the separator, or all, trimmed.
 * False: there was none, as *rest has ptr NULL after the last.  An empty list has one, empty. */
bool wf_str_next_item(weft_str *rest, char separator, weft_str *out);

/* Control characters become blanks: it is one line wherever it is shown, and no end of another. */
static inline void wf_text_flatten(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = ' ';
}

#endif
