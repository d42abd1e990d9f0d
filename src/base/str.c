/* SPDX-License-Identifier: MIT */

#include "base/str.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

weft_str wf_str_trim(weft_str text)
{
    while (text.len > 0 && is_blank(text.ptr[0]))
        text = (weft_str){text.ptr + 1, text.len - 1};
    while (text.len > 0 && is_blank(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

bool wf_str_next_item(weft_str *rest, char separator, weft_str *out)
{
    if (rest->ptr == NULL)
        return false;
    const char *end = memchr(rest->ptr, separator, rest->len);
    weft_str item = {rest->ptr, end == NULL ? rest->len : (size_t)(end - rest->ptr)};
    *rest = end == NULL ? (weft_str){NULL, 0} : (weft_str){end + 1, rest->len - item.len - 1};
    *out = wf_str_trim(item);
    return true;
}
