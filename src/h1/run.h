/* SPDX-License-Identifier: MIT */

/*
 * Runs: where bytes of one kind end, sixteen a step.  Vectors are those of gcc and clang, which
 * make of them what the processor has; a comparison's result is 0xff in each byte where it holds.
 * The first byte is the lowest: both processors are little-endian.
 */
#ifndef WF_H1_RUN_H
#define WF_H1_RUN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t wf_sixteen __attribute__((vector_size(16)));
typedef uint64_t wf_two_halves __attribute__((vector_size(16)));

/* Which of sixteen bytes are not of a kind.  NUL is of none. */
typedef wf_sixteen wf_http_other(wf_sixteen c);

/* Of a field's name, as nearly all are: letters, digits, '-' and '_'. */
static inline wf_sixteen wf_http_not_name(wf_sixteen c)
{
    return ~(wf_sixteen)(((c | 0x20) - 'a' < 26) | (c - '0' < 10) | (c == '-') | (c == '_'));
}

/* Of a path that means itself, byte for byte: the same and '/'. */
static inline wf_sixteen wf_http_not_path(wf_sixteen c)
{
    return ~(wf_sixteen)(((c | 0x20) - 'a' < 26) | (c - '/' < 11) | (c == '-') | (c == '_'));
}

/* Of a request's target: WF_TARGET. */
static inline wf_sixteen wf_http_not_target(wf_sixteen c)
{
    return (wf_sixteen)((c <= ' ') | (c == 0x7f) | (c == '#'));
}

/* Of a field's value: WF_VALUE but for the tab. */
static inline wf_sixteen wf_http_not_value(wf_sixteen c)
{
    return (wf_sixteen)((c < ' ') | (c == 0x7f));
}

/* The index of the first of them, or 16. */
#ifdef __SSE2__
static inline unsigned wf_http_first(wf_sixteen other)
{
    typedef char bytes __attribute__((vector_size(16)));
    return (unsigned)__builtin_ctz((unsigned)__builtin_ia32_pmovmskb128((bytes)other) | 1u << 16);
}
#else
static inline unsigned wf_http_first(wf_sixteen other)
{
    wf_two_halves half = (wf_two_halves)other;
    if (half[0] != 0)
        return (unsigned)__builtin_ctzll(half[0]) / 8;
    return half[1] != 0 ? 8 + (unsigned)__builtin_ctzll(half[1]) / 8 : 16;
}
#endif

/* Fewer than sixteen, and NULs behind them. */
static inline wf_sixteen wf_http_last(const char *text, size_t count)
{
    uint64_t first = 0, last = 0;
    if (count >= sizeof first) { /* the last eight, without those that are among the first */
        memcpy(&first, text, sizeof first);
        memcpy(&last, text + count - sizeof last, sizeof last);
        last = last >> 8 * (15 - count) >> 8;
    } else {
        for (size_t i = 0; i < count; i++)
            first |= (uint64_t)(unsigned char)text[i] << 8 * i;
    }
    return (wf_sixteen)(wf_two_halves){first, last};
}

/* For the loops that take a head: a call there costs as much as a run. */
#define WF_RUN static inline __attribute__((always_inline)) size_t

/* Bytes of one kind from `at` on: where they end, at most at `stop`. */
WF_RUN wf_http_end_of(const char *text, size_t at, size_t stop, wf_http_other *other)
{
    wf_sixteen bytes;
    if (stop - at >= sizeof bytes) { /* they are mostly enough */
        memcpy(&bytes, text + at, sizeof bytes);
        unsigned count = wf_http_first(other(bytes));
        if (count != sizeof bytes)
            return at + count;
        at += count;
    }
    for (; stop - at >= sizeof bytes; at += sizeof bytes) {
        memcpy(&bytes, text + at, sizeof bytes);
        unsigned count = wf_http_first(other(bytes));
        if (count != sizeof bytes)
            return at + count;
    }
    return at + wf_http_first(other(wf_http_last(text + at, stop - at)));
}

WF_RUN wf_http_name_end(const char *text, size_t at, size_t stop)
{
    return wf_http_end_of(text, at, stop, wf_http_not_name);
}

WF_RUN wf_http_path_end(const char *text, size_t at, size_t stop)
{
    return wf_http_end_of(text, at, stop, wf_http_not_path);
}

WF_RUN wf_http_target_end(const char *text, size_t at, size_t stop)
{
    return wf_http_end_of(text, at, stop, wf_http_not_target);
}

WF_RUN wf_http_value_end(const char *text, size_t at, size_t stop)
{
    for (;; at++) {
        at = wf_http_end_of(text, at, stop, wf_http_not_value);
        if (at == stop || text[at] != '\t')
            return at;
    }
}

#endif
