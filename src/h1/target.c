/* SPDX-License-Identifier: MIT */

#include "h1/target.h"

#include "h1/chars.h"

#include <string.h>

static weft_str str_from(weft_str text, size_t at)
{
    return (weft_str){text.ptr + at, text.len - at};
}

/* Bytes of "scheme://authority", or 0 if it begins with a path. */
static size_t prefix_bytes(weft_str target)
{
    if (target.len == 0 || target.ptr[0] == '/' || target.ptr[0] == '*')
        return 0;
    const char *slashes = memmem(target.ptr, target.len, "://", 3);
    if (slashes == NULL)
        return 0;
    size_t at = (size_t)(slashes - target.ptr) + 3;
    while (at < target.len && target.ptr[at] != '/' && target.ptr[at] != '?')
        at++;
    return at;
}

struct wf_http_target wf_http_target_split(weft_str target)
{
    weft_str rest = str_from(target, prefix_bytes(target));
    const char *mark = memchr(rest.ptr, '?', rest.len);
    struct wf_http_target split = {.raw_path = rest};
    if (mark != NULL) {
        split.raw_path.len = (size_t)(mark - rest.ptr);
        split.query = str_from(rest, split.raw_path.len + 1);
    }
    if (split.raw_path.len == 0)
        split.raw_path = (weft_str){"/", 1};
    return split;
}

/* ---- path ---- */

static int path_bad(struct wf_http_fault *fault, const char *message, size_t offset)
{
    *fault = wf_http_fault(400, message, (int64_t)offset);
    return -WEFT_ESYNTAX;
}

static bool escape_is_valid(weft_str text, size_t at)
{
    return text.len - at > 2 && wf_http_is(text.ptr[at + 1], WF_HEX) &&
           wf_http_is(text.ptr[at + 2], WF_HEX);
}

static char escape_value(weft_str text, size_t at)
{
    return (char)(wf_http_hex(text.ptr[at + 1]) << 4 | wf_http_hex(text.ptr[at + 2]));
}

/* A segment ".." is looked for in what was decoded, so "%2e." is one too. */
static bool segment_is_dots(const char *out, size_t start, size_t end)
{
    return end - start == 2 && out[start] == '.' && out[start + 1] == '.';
}

int wf_http_path_decode(weft_str path, char *out, size_t *out_len, struct wf_http_fault *fault)
{
    size_t count = 0, segment = 0;
    for (size_t at = 0; at < path.len; at++) {
        char c = path.ptr[at];
        if (wf_http_is(c, WF_PATH)) {
            out[count++] = c;
            continue;
        }
        if (c == '%') {
            if (!escape_is_valid(path, at))
                return path_bad(fault, "The path holds a '%' without two hex digits.", at);
            c = escape_value(path, at);
            if (c == 0 || c == '/' || c == '\\')
                return path_bad(fault, "The path holds an encoded NUL, '/' or '\\'.", at);
            at += 2;
        } else if (c == 0 || c == '\\') {
            return path_bad(fault, "The path holds a NUL or '\\'.", at);
        } else if (c == '/') {
            if (segment_is_dots(out, segment, count))
                return path_bad(fault, "The path holds a segment \"..\".", at);
            segment = count + 1;
        }
        out[count++] = c;
    }
    if (segment_is_dots(out, segment, count))
        return path_bad(fault, "The path holds a segment \"..\".", path.len);
    *out_len = count;
    return 0;
}

/* ---- query ---- */

bool wf_http_query_next(weft_str *query, weft_str *out_name, weft_str *out_value)
{
    while (query->len > 0 && query->ptr[0] == '&')
        *query = str_from(*query, 1);
    if (query->len == 0)
        return false;

    const char *amp = memchr(query->ptr, '&', query->len);
    weft_str piece = {query->ptr, amp == NULL ? query->len : (size_t)(amp - query->ptr)};
    *query = str_from(*query, piece.len);

    const char *equals = memchr(piece.ptr, '=', piece.len);
    *out_name = piece;
    *out_value = (weft_str){piece.ptr + piece.len, 0};
    if (equals != NULL) {
        out_name->len = (size_t)(equals - piece.ptr);
        *out_value = str_from(piece, out_name->len + 1);
    }
    return true;
}

size_t wf_http_query_count(weft_str query)
{
    weft_str name, value;
    size_t count = 0;
    while (wf_http_query_next(&query, &name, &value))
        count++;
    return count;
}

int wf_http_query_decode(weft_str text, char *out, size_t *out_len)
{
    size_t count = 0;
    for (size_t at = 0; at < text.len; at++) {
        char c = text.ptr[at];
        if (c == '%') {
            if (!escape_is_valid(text, at))
                return -WEFT_ESYNTAX;
            c = escape_value(text, at);
            at += 2;
        } else if (c == '+') {
            c = ' ';
        }
        out[count++] = c;
    }
    *out_len = count;
    return 0;
}
