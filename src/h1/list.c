/* SPDX-License-Identifier: MIT */

#include "h1/list.h"

#include "h1/chars.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool wf_http_list_next(weft_str *rest, char separator, weft_str *out)
{
    if (rest->ptr == NULL)
        return false;
    const char *end = memchr(rest->ptr, separator, rest->len);
    *out = (weft_str){rest->ptr, end == NULL ? rest->len : (size_t)(end - rest->ptr)};
    *rest = end == NULL ? (weft_str){NULL, 0} : (weft_str){end + 1, rest->len - out->len - 1};
    while (out->len > 0 && is_blank(out->ptr[0]))
        *out = (weft_str){out->ptr + 1, out->len - 1};
    while (out->len > 0 && is_blank(out->ptr[out->len - 1]))
        out->len--;
    return true;
}

bool wf_http_same(weft_str a, weft_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (wf_http_lower(a.ptr[i]) != wf_http_lower(b.ptr[i]))
            return false;
    }
    return true;
}

bool wf_http_list_has(weft_str list, weft_str token)
{
    weft_str piece;
    while (wf_http_list_next(&list, ',', &piece)) {
        if (wf_http_same(piece, token))
            return true;
    }
    return false;
}
