/* SPDX-License-Identifier: MIT */

#include "http/form/form.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "h1/target.h"

/* Decodes one piece behind `*at` and moves it on.  False: it is not well-formed. */
static bool take_piece(weft_str encoded, char **at, weft_str *out)
{
    size_t len = 0;
    if (wf_http_query_decode(encoded, *at, &len) < 0 || !wf_utf8_is_valid(*at, len))
        return false;
    *out = (weft_str){*at, len};
    *at += len;
    return true;
}

int wf_form_decode(weft_str text, size_t count_max, struct wf_pair **out, size_t *out_count,
                   size_t *out_bad)
{
    size_t count = wf_http_query_count(text), used = 0;
    *out_count = count;
    *out = NULL;
    if (count > count_max)
        return -WEFT_ELIMIT;
    if (count == 0)
        return 0;
    /* One block: the list, and behind it the decoded bytes. */
    struct wf_pair *pairs = wf_alloc(count * sizeof pairs[0] + text.len);
    if (pairs == NULL)
        return -ENOMEM;
    char *at = (char *)(pairs + count);
    weft_str rest = text, name, value;
    while (wf_http_query_next(&rest, &name, &value)) {
        struct wf_pair *pair = &pairs[used++];
        if (take_piece(name, &at, &pair->name) && take_piece(value, &at, &pair->value))
            continue;
        *out_bad = (size_t)(name.ptr - text.ptr);
        wf_free(pairs);
        return -WEFT_ESYNTAX;
    }
    *out = pairs;
    return 0;
}
