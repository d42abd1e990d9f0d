/* SPDX-License-Identifier: MIT */

#include "base/json_write.h"

#include "base/utf8.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What stands between this value and the one before. */
static void json_lead(wf_json *json)
{
    uint64_t bit = UINT64_C(1) << json->depth;
    if (json->is_after_key)
        json->is_after_key = false;
    else if (json->has_items & bit)
        wf_buf_putc(json->out, ',');
    json->has_items |= bit;
}

static void json_open(wf_json *json, char bracket)
{
    json_lead(json);
    wf_buf_putc(json->out, bracket);
    json->depth++;
    assert(json->depth < WF_JSON_DEPTH_MAX);
    json->has_items &= ~(UINT64_C(1) << json->depth);
}

static void json_close(wf_json *json, char bracket)
{
    assert(json->depth > 0);
    assert(!json->is_after_key);
    json->depth--;
    wf_buf_putc(json->out, bracket);
}

void wf_json_object(wf_json *json)
{
    json_open(json, '{');
}

void wf_json_object_end(wf_json *json)
{
    json_close(json, '}');
}

void wf_json_array(wf_json *json)
{
    json_open(json, '[');
}

void wf_json_array_end(wf_json *json)
{
    json_close(json, ']');
}

/* U+2028 and U+2029 end a line in JavaScript source, into which JSON is often pasted. */
static bool must_escape(const wf_json *json, uint32_t c)
{
    if (json->is_for_people && wf_utf8_is_hidden(c))
        return true;
    return c < 0x20 || c == '"' || c == '\\' || c == 0x7F || c == 0x2028 || c == 0x2029;
}

void wf_json_escape(wf_buf *out, uint32_t c)
{
    static const char names[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                 ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};
    if (c < sizeof(names) && names[c] != 0) {
        char two[2] = {'\\', names[c]};
        wf_buf_append(out, two, sizeof(two));
    } else if (c > 0xFFFF) { /* as a pair of surrogates */
        wf_buf_printf(out, "\\u%04x\\u%04x", 0xD800 + ((unsigned)c - 0x10000) / 0x400,
                      0xDC00 + (unsigned)c % 0x400);
    } else {
        wf_buf_printf(out, "\\u%04x", (unsigned)c);
    }
}

static void put_string(wf_json *json, const char *text, size_t count)
{
    wf_buf *out = json->out;
    wf_buf_putc(out, '"');
    size_t plain = 0, at = 0; /* text[plain, at) waits to be copied */
    while (at < count) {
        uint32_t c = 0;
        size_t bytes = wf_utf8_read(text + at, count - at, &c);
        if (bytes != 0 && !must_escape(json, c)) {
            at += bytes;
            continue;
        }
        wf_buf_append(out, text + plain, at - plain);
        if (bytes == 0)
            wf_buf_puts(out, "\xEF\xBF\xBD");
        else
            wf_json_escape(out, c);
        at += bytes != 0 ? bytes : 1;
        plain = at;
    }
    wf_buf_append(out, text + plain, at - plain);
    wf_buf_putc(out, '"');
}

void wf_json_key_str(wf_json *json, weft_str key)
{
    assert(!json->is_after_key);
    json_lead(json);
    put_string(json, key.ptr, key.len);
    wf_buf_putc(json->out, ':');
    json->is_after_key = true;
}

void wf_json_key(wf_json *json, const char *key)
{
    wf_json_key_str(json, (weft_str){key, strlen(key)});
}

void wf_json_str(wf_json *json, weft_str text)
{
    if (text.ptr == NULL) {
        wf_json_null(json);
        return;
    }
    json_lead(json);
    put_string(json, text.ptr, text.len);
}

void wf_json_strs(wf_json *json, const weft_str *texts, size_t count)
{
    wf_json_array(json);
    for (size_t i = 0; i < count; i++)
        wf_json_str(json, texts[i]);
    wf_json_array_end(json);
}

void wf_json_text(wf_json *json, const char *text)
{
    wf_json_str(json, (weft_str){text, text != NULL ? strlen(text) : 0});
}

void wf_json_raw(wf_json *json, weft_str value)
{
    json_lead(json);
    wf_buf_append(json->out, value.ptr, value.len);
}

static void put_word(wf_json *json, const char *word)
{
    wf_json_raw(json, (weft_str){word, strlen(word)});
}

void wf_json_null(wf_json *json)
{
    put_word(json, "null");
}

void wf_json_bool(wf_json *json, bool value)
{
    put_word(json, value ? "true" : "false");
}

void wf_json_uint(wf_json *json, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    wf_json_raw(json, (weft_str){digits + at, sizeof(digits) - at});
}

void wf_json_int(wf_json *json, int64_t value)
{
    if (value >= 0) {
        wf_json_uint(json, (uint64_t)value);
        return;
    }
    char text[24];
    int len = snprintf(text, sizeof(text), "%lld", (long long)value);
    wf_json_raw(json, (weft_str){text, (size_t)len});
}

/* The host program may have set a locale whose point is not a point.  Whole numbers get ".0", so
 * that a number with a fraction always reads back as one. */
static void put_number(wf_json *json, const char *printed)
{
    char text[48];
    size_t len = 0;
    bool has_mark = false;
    for (const char *p = printed; *p != '\0'; p++) {
        if ((*p >= '0' && *p <= '9') || *p == '-' || *p == '+' || *p == 'e') {
            has_mark |= *p == 'e';
            text[len++] = *p;
        } else if (len == 0 || text[len - 1] != '.') {
            text[len++] = '.';
            has_mark = true;
        }
    }
    if (!has_mark) {
        text[len++] = '.';
        text[len++] = '0';
    }
    wf_json_raw(json, (weft_str){text, len});
}

void wf_json_double(wf_json *json, double value)
{
    if (!isfinite(value)) {
        wf_json_null(json);
        return;
    }
    char text[40];
    for (int digits = isnormal(value) ? 15 : 1; digits <= 17; digits++) { /* few bits, few digits */
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    put_number(json, text);
}

void wf_json_float(wf_json *json, float value)
{
    if (!isfinite(value)) {
        wf_json_null(json);
        return;
    }
    char text[40];
    for (int digits = isnormal(value) ? 6 : 1; digits <= 9; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value)
            break;
    }
    put_number(json, text);
}
