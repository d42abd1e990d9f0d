/* SPDX-License-Identifier: MIT */

/* Classes of bytes in HTTP, one table for every parser and writer of this folder. */
#ifndef WF_H1_CHARS_H
#define WF_H1_CHARS_H

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

/* ---- eight bytes at once ----
 *
 * An alarm is the top bit of a byte.  A byte below 0x80 that is less than `bound` borrows from its
 * top bit when that is taken off; one that is `c` becomes zero and borrows when 1 is.  A borrow
 * from a neighbour can raise false alarms above the first one only.  The first byte is the lowest:
 * both processors are little-endian. */

#define WF_BYTE_ONES (UINT64_MAX / 0xff)
#define WF_BYTE_TOPS (WF_BYTE_ONES << 7)

static inline uint64_t wf_http_eight(const char *text)
{
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return word;
}

static inline uint64_t wf_http_alarm_below(uint64_t word, unsigned bound)
{
    return (word - WF_BYTE_ONES * bound) & ~word;
}

static inline uint64_t wf_http_alarm_at(uint64_t word, char c)
{
    return wf_http_alarm_below(word ^ WF_BYTE_ONES * (unsigned char)c, 1);
}

/* The index of the first byte that raised one, or 8. */
static inline unsigned wf_http_first_alarm(uint64_t alarms)
{
    alarms &= WF_BYTE_TOPS;
    return alarms == 0 ? 8 : (unsigned)__builtin_ctzll(alarms) / 8;
}

/* The first control character or DEL among eight bytes: its index, or 8. */
static inline unsigned wf_http_first_control(const char *eight)
{
    uint64_t word = wf_http_eight(eight);
    return wf_http_first_alarm(wf_http_alarm_below(word, 0x20) | wf_http_alarm_at(word, 0x7f));
}

/* Bytes from `at` on that may stand in a request's target: where they end, at most at `stop`. */
static inline size_t wf_http_target_end(const char *text, size_t at, size_t stop)
{
    while (stop - at >= 8) {
        uint64_t word = wf_http_eight(text + at);
        unsigned count =
            wf_http_first_alarm(wf_http_alarm_below(word, 0x21) | wf_http_alarm_at(word, 0x7f) |
                                wf_http_alarm_at(word, '#'));
        at += count;
        if (count != 8)
            return at;
    }
    return wf_http_run_end(text, at, stop, WF_TARGET);
}

/* Bytes from `at` on that may stand in a field's value: where they end, at most at `stop`.  They
 * are mostly plain text: eight a step. */
static inline size_t wf_http_value_end(const char *text, size_t at, size_t stop)
{
    while (stop - at >= 8) {
        unsigned plain = wf_http_first_control(text + at);
        at += plain;
        if (plain == 8)
            continue;
        if (text[at] != '\t')
            return at;
        at++;
    }
    return wf_http_run_end(text, at, stop, WF_VALUE);
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
