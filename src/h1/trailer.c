/* SPDX-License-Identifier: MIT */

#include "h1/trailer.h"

#include "base/str.h"
#include "h1/list.h"

#include <assert.h>
#include <string.h>

/* RFC 9110 6.5.1, field by field. */
static const weft_str of_heads[] = {
    /* framing and connection */
    WEFT_STR("connection"),
    WEFT_STR("content-length"),
    WEFT_STR("host"),
    WEFT_STR("keep-alive"),
    WEFT_STR("proxy-connection"),
    WEFT_STR("te"),
    WEFT_STR("trailer"),
    WEFT_STR("transfer-encoding"),
    WEFT_STR("upgrade"),
    /* how to take the content */
    WEFT_STR("content-encoding"),
    WEFT_STR("content-range"),
    WEFT_STR("content-type"),
    /* what modifies a request */
    WEFT_STR("cache-control"),
    WEFT_STR("expect"),
    WEFT_STR("if-match"),
    WEFT_STR("if-modified-since"),
    WEFT_STR("if-none-match"),
    WEFT_STR("if-range"),
    WEFT_STR("if-unmodified-since"),
    WEFT_STR("max-forwards"),
    WEFT_STR("pragma"),
    WEFT_STR("range"),
    /* who asks */
    WEFT_STR("authorization"),
    WEFT_STR("cookie"),
    WEFT_STR("forwarded"),
    WEFT_STR("proxy-authenticate"),
    WEFT_STR("proxy-authorization"),
    WEFT_STR("set-cookie"),
    WEFT_STR("www-authenticate"),
    /* what controls an answer */
    WEFT_STR("age"),
    WEFT_STR("date"),
    WEFT_STR("expires"),
    WEFT_STR("location"),
    WEFT_STR("retry-after"),
    WEFT_STR("vary"),
    WEFT_STR("warning"),
};

bool wf_h1_trailer_is_allowed(weft_str name)
{
    for (size_t i = 0; i < sizeof of_heads / sizeof of_heads[0]; i++) {
        if (wf_http_same(name, of_heads[i]))
            return false;
    }
    return true;
}

weft_str wf_h1_trailer_find(weft_str lines, weft_str name)
{
    const char *at = lines.ptr, *end = at + lines.len, *stop;
    while (at < end && (stop = memmem(at, (size_t)(end - at), "\r\n", 2)) != NULL) {
        const char *colon = memchr(at, ':', (size_t)(stop - at));
        assert(colon != NULL);
        if (wf_http_same((weft_str){at, (size_t)(colon - at)}, name))
            return wf_str_trim((weft_str){colon + 1, (size_t)(stop - colon) - 1});
        at = stop + 2;
    }
    return (weft_str){NULL, 0};
}
