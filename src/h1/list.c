/* SPDX-License-Identifier: MIT */

#include "h1/list.h"

#include "base/str.h"
#include "h1/chars.h"

bool wf_http_same(weft_str a, weft_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (wf_str_lower(a.ptr[i]) != wf_str_lower(b.ptr[i]))
            return false;
    }
    return true;
}

bool wf_http_list_has(weft_str list, weft_str token)
{
    weft_str piece;
    while (wf_str_next_item(&list, ',', &piece)) {
        if (wf_http_same(piece, token))
            return true;
    }
    return false;
}
