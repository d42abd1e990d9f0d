/* SPDX-License-Identifier: MIT */

/* Pieces of a head put behind one another: each function returns where the next one begins. */
#ifndef WF_H1_PUT_H
#define WF_H1_PUT_H

#include <weft/base.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* So many that the compiler knows how many: a few moves, no call. */
#define WF_PUT_BYTES(out, bytes, count) ((char *)memcpy((out), (bytes), (count)) + (count))
#define WF_PUT(out, literal) WF_PUT_BYTES((out), "" literal, sizeof(literal) - 1)

/* A type is mostly of eight to sixteen bytes: two moves, which may overlap. */
static inline char *wf_h1_put_str(char *out, weft_str text)
{
    if (text.len >= 8 && text.len <= 16) {
        memcpy(out, text.ptr, 8);
        memcpy(out + text.len - 8, text.ptr + text.len - 8, 8);
    } else if (text.len != 0) {
        memcpy(out, text.ptr, text.len);
    }
    return out + text.len;
}

static inline char *wf_h1_put_two(char *out, int number)
{
    *out++ = (char)('0' + number / 10 % 10);
    *out++ = (char)('0' + number % 10);
    return out;
}

static inline char *wf_h1_put_number(char *out, uint64_t number)
{
    size_t count = 1;
    if (number >= 10 && number < 100)
        return wf_h1_put_two(out, (int)number);
    for (uint64_t rest = number; rest >= 10; rest /= 10)
        count++;
    for (size_t at = count; at-- > 0; number /= 10)
        out[at] = (char)('0' + number % 10);
    return out + count;
}

#define WF_H1_TYPE_NAME_BYTES (sizeof "Content-Type: " - 1)
#define WF_H1_TYPE_LINE_BYTES (WF_H1_TYPE_NAME_BYTES + 2) /* but for the type */

static inline char *wf_h1_put_type(char *out, weft_str type)
{
    out = WF_PUT(out, "Content-Type: ");
    out = wf_h1_put_str(out, type);
    return WF_PUT(out, "\r\n");
}

#endif
