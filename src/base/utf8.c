/* SPDX-License-Identifier: MIT */

#include "base/utf8.h"

#include <string.h>

static bool is_tail(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

static size_t read_two(const unsigned char *p, size_t count, uint32_t *out)
{
    if (p[0] < 0xC2 || count < 2 || !is_tail(p[1]))
        return 0;
    *out = (uint32_t)(p[0] & 0x1F) << 6 | (p[1] & 0x3Fu);
    return 2;
}

static size_t read_three(const unsigned char *p, size_t count, uint32_t *out)
{
    if (count < 3 || !is_tail(p[1]) || !is_tail(p[2]))
        return 0;
    uint32_t c = (uint32_t)(p[0] & 0x0F) << 12 | (uint32_t)(p[1] & 0x3F) << 6 | (p[2] & 0x3Fu);
    if (c < 0x800 || (c >= 0xD800 && c <= 0xDFFF))
        return 0;
    *out = c;
    return 3;
}

static size_t read_four(const unsigned char *p, size_t count, uint32_t *out)
{
    if (count < 4 || !is_tail(p[1]) || !is_tail(p[2]) || !is_tail(p[3]))
        return 0;
    uint32_t c = (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3F) << 12 |
                 (uint32_t)(p[2] & 0x3F) << 6 | (p[3] & 0x3Fu);
    if (c < 0x10000 || c > 0x10FFFF)
        return 0;
    *out = c;
    return 4;
}

size_t wf_utf8_read(const char *text, size_t count, uint32_t *out)
{
    const unsigned char *p = (const unsigned char *)text;
    if (p[0] < 0x80) {
        *out = p[0];
        return 1;
    }
    if (p[0] < 0xE0)
        return read_two(p, count, out);
    if (p[0] < 0xF0)
        return read_three(p, count, out);
    return p[0] < 0xF8 ? read_four(p, count, out) : 0;
}

size_t wf_utf8_check(const char *text, size_t count)
{
    size_t at = 0;
    while (at < count) {
        uint64_t eight;
        if (count - at >= sizeof(eight)) {
            memcpy(&eight, text + at, sizeof(eight));
            if ((eight & UINT64_C(0x8080808080808080)) == 0) {
                at += sizeof(eight);
                continue;
            }
        }
        uint32_t c;
        size_t bytes = wf_utf8_read(text + at, count - at, &c);
        if (bytes == 0)
            return at;
        at += bytes;
    }
    return count;
}

bool wf_utf8_is_hidden(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0xAD || c == 0x61C || c == 0x180E ||
           (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
           (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB) ||
           (c >= 0xE0000 && c <= 0xE007F);
}

size_t wf_utf8_write(uint32_t c, char out[WF_UTF8_BYTES_MAX])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

size_t wf_utf8_cut(const char *text, size_t count, size_t bytes_max)
{
    if (count <= bytes_max)
        return count;
    while (bytes_max > 0 && is_tail((unsigned char)text[bytes_max]))
        bytes_max--;
    return bytes_max;
}

int wf_utf8_shown(const char *text, size_t count, size_t bytes_max)
{
    return count != 0 ? (int)wf_utf8_cut(text, wf_utf8_check(text, count), bytes_max) : 0;
}

bool wf_utf8_is_space(uint32_t c)
{
    if (c < 0x80)
        return c == ' ' || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F);
    return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
           c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool wf_utf8_is_blank(weft_str text)
{
    for (size_t at = 0; at < text.len;) {
        if (!wf_utf8_is_space(wf_utf8_next(text.ptr, &at)))
            return false;
    }
    return true;
}
