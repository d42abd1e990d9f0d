/* SPDX-License-Identifier: MIT */

/* Classes of bytes in HTTP, one table for every parser and writer of this folder. */
#ifndef WF_H1_CHARS_H
#define WF_H1_CHARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wf_http_class {
    WF_TOKEN = 1,   /* RFC 9110 5.6.2: method and field names */
    WF_VALUE = 2,   /* in a field value: tab, space, visible, 0x80 and above */
    WF_TARGET = 4,  /* in a request target: visible but '#', 0x80 and above */
    WF_DIGIT = 8,   /* 0-9 */
    WF_HEX = 16,    /* 0-9 a-f A-F */
    WF_HOST = 32,   /* letter, digit, '-', '_' */
    WF_VISIBLE = 64 /* 0x21-0x7e */
};

extern const uint8_t wf_http_classes[256];

static inline bool wf_http_is(char c, unsigned classes)
{
    return (wf_http_classes[(unsigned char)c] & classes) != 0;
}

/* The value of a hex digit. */
static inline unsigned wf_http_hex(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a') + 10;
}

/* ASCII only, whatever the locale. */
static inline char wf_http_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* True if `text` is `lower` but for the case of its letters. */
static inline bool wf_http_equal(const char *text, size_t len, const char *lower, size_t lower_len)
{
    if (len != lower_len)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (wf_http_lower(text[i]) != lower[i])
            return false;
    }
    return true;
}

#define WF_HTTP_EQUAL(text, len, literal)                                                          \
    wf_http_equal((text), (len), "" literal, sizeof(literal) - 1)

#endif
