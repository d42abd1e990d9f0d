/* SPDX-License-Identifier: MIT */

#include "h2/fields.h"

#include "base/str.h"
#include "h1/chars.h"

#include <string.h>

nghttp2_nv wf_h2_field(weft_str name, weft_str value, uint8_t flags)
{
    return (nghttp2_nv){
        .name = (uint8_t *)(uintptr_t)name.ptr,
        .namelen = name.len,
        .value = (uint8_t *)(uintptr_t)value.ptr,
        .valuelen = value.len,
        .flags = flags,
    };
}

size_t wf_h2_line_count(weft_str lines)
{
    size_t count = 0;
    for (const char *at = lines.ptr, *end = at + lines.len; at < end; count++)
        at = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
    return count;
}

/* RFC 9113 8.2.2. */
static bool is_of_connection(weft_str name)
{
    return WF_HTTP_EQUAL(name.ptr, name.len, "keep-alive") ||
           WF_HTTP_EQUAL(name.ptr, name.len, "proxy-connection") ||
           WF_HTTP_EQUAL(name.ptr, name.len, "upgrade");
}

size_t wf_h2_put_lines(nghttp2_nv *fields, weft_str lines, uint8_t flags)
{
    size_t count = 0;
    char *at = (char *)(uintptr_t)lines.ptr;
    for (char *end = at + lines.len; at < end;) {
        char *colon = memchr(at, ':', (size_t)(end - at));
        char *stop = memchr(colon, '\r', (size_t)(end - colon));
        weft_str name = {at, (size_t)(colon - at)};
        for (; at < colon; at++)
            *at = wf_str_lower(*at);
        if (!is_of_connection(name))
            fields[count++] =
                wf_h2_field(name, (weft_str){colon + 2, (size_t)(stop - colon) - 2}, flags);
        at = stop + 2;
    }
    return count;
}
