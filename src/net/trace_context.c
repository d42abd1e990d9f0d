/* SPDX-License-Identifier: MIT */

#include <weft/trace_context.h>

#include <weft/local.h>

#include "base/sys.h"

#include <stdio.h>
#include <string.h>

/* "00-" 32 "-" 16 "-" 2 */
#define ID_AT 3
#define ID_LEN 32
#define SPAN_AT (ID_AT + ID_LEN + 1)
#define SPAN_LEN 16
#define FLAGS_AT (SPAN_AT + SPAN_LEN + 1)
#define TEXT_LEN (FLAGS_AT + 2)

static weft_local current;

static bool is_hex(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool is_digit = text[i] >= '0' && text[i] <= '9';
        if (!is_digit && (text[i] < 'a' || text[i] > 'f'))
            return false;
    }
    return true;
}

static bool is_zero(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '0')
            return false;
    }
    return true;
}

/* Version 00 has nothing behind the flags; a later one may, behind another '-'. */
static bool has_form(weft_str text)
{
    const char *at = text.ptr;
    if (text.len < TEXT_LEN || !is_hex(at, 2) || memcmp(at, "ff", 2) == 0)
        return false;
    if (text.len > TEXT_LEN && (memcmp(at, "00", 2) == 0 || at[TEXT_LEN] != '-'))
        return false;
    return at[2] == '-' && at[SPAN_AT - 1] == '-' && at[FLAGS_AT - 1] == '-' &&
           is_hex(at + ID_AT, ID_LEN) && is_hex(at + SPAN_AT, SPAN_LEN) && is_hex(at + FLAGS_AT, 2);
}

static unsigned hex_value(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10;
}

int weft_trace_parse(weft_str text, weft_trace *out)
{
    if (!has_form(text) || is_zero(text.ptr + ID_AT, ID_LEN) ||
        is_zero(text.ptr + SPAN_AT, SPAN_LEN))
        return -WEFT_ESYNTAX;
    weft_trace trace = {0};
    memcpy(trace.trace_id, text.ptr + ID_AT, ID_LEN);
    memcpy(trace.parent_id, text.ptr + SPAN_AT, SPAN_LEN);
    trace.flags = (uint8_t)(hex_value(text.ptr[FLAGS_AT]) << 4 | hex_value(text.ptr[FLAGS_AT + 1]));
    *out = trace;
    return 0;
}

static void put_hex(char *out, const uint8_t *bytes, size_t count)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < count; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = 0;
}

int weft_trace_start(weft_trace *out, weft_str traceparent)
{
    uint8_t random[24];
    weft_trace trace = {0};
    int rc = wf_sys_random(random, sizeof random);
    if (rc < 0)
        return rc;
    random[0] |= 1; /* an id of zeros is none */
    random[16] |= 1;
    if (weft_trace_parse(traceparent, &trace) < 0)
        put_hex(trace.trace_id, random, 16);
    put_hex(trace.span_id, random + 16, 8);
    trace.flags &= 1; /* those we know */
    *out = trace;
    return 0;
}

void weft_trace_format(const weft_trace *trace, char out[WEFT_TRACE_BYTES])
{
    snprintf(out, WEFT_TRACE_BYTES, "00-%s-%s-%02x", trace->trace_id, trace->span_id,
             (unsigned)trace->flags);
}

const weft_trace *weft_trace_get(void)
{
    return weft_local_get(&current);
}

int weft_trace_set(const weft_trace *trace)
{
    return weft_local_set(&current, (void *)(uintptr_t)trace);
}
