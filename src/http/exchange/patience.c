/* SPDX-License-Identifier: MIT */

#include "http/exchange/patience.h"

#include "h1/chars.h"

#define DIGITS_MAX 8u
#define PATIENCE_MAX ((weft_time)24 * 3600 * WEFT_SEC) /* nobody waits for longer */

/* 0: no unit. */
static weft_time unit_of(char c)
{
    switch (c) {
    case 'H':
        return 3600 * WEFT_SEC;
    case 'M':
        return 60 * WEFT_SEC;
    case 'S':
        return WEFT_SEC;
    case 'm':
        return WEFT_MS;
    case 'u':
        return WEFT_US;
    case 'n':
        return 1;
    default:
        return 0;
    }
}

weft_time wf_patience_read(weft_str text)
{
    weft_time count = 0;
    size_t digits = 0;
    while (digits < text.len && digits <= DIGITS_MAX && wf_http_is(text.ptr[digits], WF_DIGIT))
        count = count * 10 + (text.ptr[digits++] - '0');
    if (digits == 0 || digits > DIGITS_MAX || text.len > digits + 1)
        return WEFT_FOREVER;
    weft_time unit = digits == text.len ? WEFT_MS : unit_of(text.ptr[digits]);
    if (unit == 0 || count > PATIENCE_MAX / unit)
        return WEFT_FOREVER;
    return count * unit;
}
