/* SPDX-License-Identifier: MIT */

#include "json/lex.h"

#include "base/utf8.h"

int wf_json_fail(wf_json_text *text, int rc, size_t at, const char *what)
{
    text->at = at;
    text->what = what;
    return rc;
}

static int fail(wf_json_text *text, size_t at, const char *what)
{
    return wf_json_fail(text, -WEFT_ESYNTAX, at, what);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The four digits behind \u, which stands at text->at. */
static int lex_unit(wf_json_text *text, uint32_t *out)
{
    uint32_t unit = 0;
    for (size_t i = text->at + 2; i < text->at + 6; i++) {
        int digit = i < text->count ? hex_digit(text->bytes[i]) : -1;
        if (digit < 0)
            return fail(text, i, "\\u needs four hexadecimal digits");
        unit = unit << 4 | (uint32_t)digit;
    }
    text->at += 6;
    *out = unit;
    return 0;
}

/* \uXXXX, or a pair of them for a character above U+FFFF. */
static int lex_unicode(wf_json_text *text, wf_buf *out)
{
    size_t start = text->at;
    uint32_t c, low;
    int rc = lex_unit(text, &c);
    if (rc < 0)
        return rc;
    if (c >= 0xDC00 && c <= 0xDFFF)
        return fail(text, start, "a low surrogate without the high one before it");
    if (c >= 0xD800 && c <= 0xDBFF) {
        size_t at = text->at;
        if (text->count - at < 2 || text->bytes[at] != '\\' || text->bytes[at + 1] != 'u')
            return fail(text, start, "a high surrogate without the low one behind it");
        rc = lex_unit(text, &low);
        if (rc < 0)
            return rc;
        if (low < 0xDC00 || low > 0xDFFF)
            return fail(text, start, "a high surrogate without the low one behind it");
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
    }
    char bytes[WF_UTF8_BYTES_MAX];
    return wf_buf_append(out, bytes, wf_utf8_write(c, bytes));
}

/* text->at stands on a backslash. */
static int lex_escape(wf_json_text *text, wf_buf *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    char c = '\0';
    if (text->at + 1 < text->count)
        c = text->bytes[text->at + 1];
    if (c == 'u')
        return lex_unicode(text, out);
    for (size_t i = 0; i < sizeof(from) - 1; i++) {
        if (c == from[i]) {
            text->at += 2;
            return wf_buf_putc(out, to[i]);
        }
    }
    return fail(text, text->at, "an escape JSON does not have");
}

/* Moves `at` to the next quote or backslash. */
static int lex_plain(wf_json_text *text)
{
    while (text->at < text->count) {
        unsigned char c = (unsigned char)text->bytes[text->at];
        if (c == '"' || c == '\\')
            return 0;
        if (c < 0x20)
            return fail(text, text->at, "a control character inside a string");
        uint32_t ignored;
        size_t bytes = wf_utf8_read(text->bytes + text->at, text->count - text->at, &ignored);
        if (bytes == 0)
            return fail(text, text->at, "a byte that is not UTF-8");
        text->at += bytes;
    }
    return fail(text, text->count, "the text ends inside a string");
}

int wf_json_lex_string(wf_json_text *text, wf_buf *unescaped, weft_str *out)
{
    size_t run = ++text->at;
    bool has_escape = false;

    wf_buf_reset(unescaped);
    for (;;) {
        int rc = lex_plain(text);
        if (rc < 0)
            return rc;
        weft_str plain = {text->bytes + run, text->at - run};
        bool is_end = text->bytes[text->at] == '"';
        if (is_end && !has_escape) {
            text->at++;
            *out = plain;
            return 0;
        }
        rc = wf_buf_append(unescaped, plain.ptr, plain.len);
        if (rc == 0 && !is_end)
            rc = lex_escape(text, unescaped);
        if (rc < 0)
            return rc;
        if (is_end) {
            text->at++;
            *out = (weft_str){wf_buf_ptr(unescaped), wf_buf_bytes(unescaped)};
            return 0;
        }
        has_escape = true;
        run = text->at;
    }
}
