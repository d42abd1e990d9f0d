/* SPDX-License-Identifier: MIT */

/*
 * UTF-8 as Unicode defines it: no overlong form, no surrogate, nothing above U+10FFFF.  Text is
 * checked once, where it comes in; after that the decoder trusts it.
 */
#ifndef WF_UTF8_H
#define WF_UTF8_H

#include <weft/base.h>

#define WF_UTF8_BYTES_MAX 4

/* The offset of the first byte that does not belong to a well-formed character, or `count`. */
size_t wf_utf8_check(const char *text, size_t count);

static inline bool wf_utf8_is_valid(const char *text, size_t count)
{
    return wf_utf8_check(text, count) == count;
}

/* The bytes of one well-formed character at `text`, of which `count` > 0 are there; 0 if it is
 * none.  The character goes to *out. */
size_t wf_utf8_read(const char *text, size_t count, uint32_t *out);

/* The next character of checked text; moves *at behind it. */
static inline uint32_t wf_utf8_next(const char *text, size_t *at)
{
    const unsigned char *p = (const unsigned char *)text + *at;
    if (p[0] < 0x80) {
        *at += 1;
        return p[0];
    }
    if (p[0] < 0xE0) {
        *at += 2;
        return (uint32_t)(p[0] & 0x1F) << 6 | (p[1] & 0x3Fu);
    }
    if (p[0] < 0xF0) {
        *at += 3;
        return (uint32_t)(p[0] & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3Fu);
    }
    *at += 4;
    return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3F) << 12 |
           (uint32_t)(p[2] & 0x3F) << 6 | (p[3] & 0x3Fu);
}

/* True for control characters, marks that change the direction of text, and invisible characters:
 * those to escape where a person or a terminal reads text of strangers. */
bool wf_utf8_is_hidden(uint32_t c);

/* White_Space, and the four separators U+001C-U+001F. */
bool wf_utf8_is_space(uint32_t c);

/* True if checked text has nothing but those. */
bool wf_utf8_is_blank(weft_str text);

/* Writes a character (no surrogate, at most U+10FFFF) into `out`; returns its bytes. */
size_t wf_utf8_write(uint32_t c, char out[WF_UTF8_BYTES_MAX]);

/* How many bytes of checked text to keep so that they are at most `bytes_max` and no character is
 * cut. */
size_t wf_utf8_cut(const char *text, size_t count, size_t bytes_max);

/* The same for bytes that nobody has checked, up to the first wrong one; for "%.*s" in messages. */
int wf_utf8_shown(const char *text, size_t count, size_t bytes_max);

#endif
