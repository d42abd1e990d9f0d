/* SPDX-License-Identifier: MIT */

/* Classes of bytes in HTTP, one table for every parser and writer of this folder. */
#ifndef WF_H1_CHARS_H
#define WF_H1_CHARS_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum wf_http_class {
    WF_TOKEN = 1,    /* RFC 9110 5.6.2: method and field names */
    WF_VALUE = 2,    /* in a field value: tab, space, visible, 0x80 and above */
    WF_TARGET = 4,   /* in a request target: visible but '#', 0x80 and above */
    WF_DIGIT = 8,    /* 0-9 */
    WF_HEX = 16,     /* 0-9 a-f A-F */
    WF_HOST = 32,    /* letter, digit, '-', '_' */
    WF_VISIBLE = 64, /* 0x21-0x7e */
    WF_PATH = 128    /* in a target's path it means itself: all of a target but '/', '%' and '\\' */
};

extern const uint8_t wf_http_classes[256];

static inline bool wf_http_is(char c, unsigned classes)
{
    return (wf_http_classes[(unsigned char)c] & classes) != 0;
}

/* Bytes of one class from `at` on: where they end, at most at `stop`. */
static inline size_t wf_http_run_end(const char *text, size_t at, size_t stop, unsigned class)
{
    while (at < stop && wf_http_is(text[at], class))
        at++;
    return at;
}

/* ---- eight bytes at once: the first is the lowest, as both processors are little-endian ---- */

#define WF_BYTE_ONES (UINT64_MAX / 0xff)
#define WF_BYTE_TOPS (WF_BYTE_ONES << 7)

static inline uint64_t wf_http_eight(const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return word;
}

/* All of four to eight bytes, some of them perhaps twice. */
static inline uint64_t wf_http_few(const char *text, size_t len)
{
    uint32_t first, last;
    memcpy(&first, text, sizeof first);
    memcpy(&last, text + len - sizeof last, sizeof last);
    return first | (uint64_t)last << 32;
}

/* Two texts of one length are the same. */
static inline bool wf_http_identical(const char *a, const char *b, size_t len)
{
    if (len < 4) {
        while (len > 0 && a[len - 1] == b[len - 1])
            len--;
        return len == 0;
    }
    if (len < 8)
        return wf_http_few(a, len) == wf_http_few(b, len);
    for (size_t at = 0; at < len - 8; at += 8) {
        if (wf_http_eight(a + at) != wf_http_eight(b + at))
            return false;
    }
    return wf_http_eight(a + len - 8) == wf_http_eight(b + len - 8); /* some of these once more */
}

/* The value of a hex digit. */
static inline unsigned wf_http_hex(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a') + 10;
}

/* wf_str_lower() of eight at once. */
static inline uint64_t wf_http_lower_eight(uint64_t word)
{
    uint64_t low = word & ~WF_BYTE_TOPS; /* so that no sum reaches a neighbour */
    uint64_t from_a = low + WF_BYTE_ONES * (0x80 - 'A'), past_z = low + WF_BYTE_ONES * (0x7f - 'Z');
    return word | (from_a & ~past_z & ~word & WF_BYTE_TOPS) >> 2;
}

/* True if a token is `lower`, letters and '-', but for the case of its letters.  With that bit no
 * other byte of a token is one of these. */
static inline bool wf_http_token_is(const char *token, const char *lower, size_t len)
{
    const uint64_t bits = WF_BYTE_ONES * 0x20;
    if (len < 8)
        return (wf_http_few(token, len) | bits) == wf_http_few(lower, len);
    const size_t last = len - 8; /* some of these eight once more */
    for (size_t at = 0; at < last; at += 8) {
        if ((wf_http_eight(token + at) | bits) != wf_http_eight(lower + at))
            return false;
    }
    return (wf_http_eight(token + last) | bits) == wf_http_eight(lower + last);
}

/* True if `text` is `lower` but for the case of its letters. */
static inline bool wf_http_equal(const char *text, size_t len, const char *lower, size_t lower_len)
{
    size_t at = 0;
    if (len != lower_len)
        return false;
    if (len >= 4 && len <= 8)
        return wf_http_lower_eight(wf_http_few(text, len)) == wf_http_few(lower, len);
    for (; len - at >= 8; at += 8) {
        if (wf_http_lower_eight(wf_http_eight(text + at)) != wf_http_eight(lower + at))
            return false;
    }
    for (; at < len; at++) {
        if (wf_str_lower(text[at]) != lower[at])
            return false;
    }
    return true;
}

#define WF_HTTP_EQUAL(text, len, literal)                                                          \
    wf_http_equal((text), (len), "" literal, sizeof(literal) - 1)

#endif
