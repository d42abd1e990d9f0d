/* SPDX-License-Identifier: MIT */

/* The redirect to the same path with a '/' at its end, so that relative links lead below it. */

#include "base/buf.h"
#include "h1/chars.h"
#include "http/exchange/response.h"

/* "./NAME/" leads to the same place whatever stands before it, and nowhere else. */
static void put_location(wf_buf *out, weft_str path, weft_str query)
{
    size_t from = path.len;
    while (from > 0 && path.ptr[from - 1] != '/')
        from--;
    (void)wf_buf_puts(out, "./");
    for (size_t i = from; i < path.len; i++) {
        char c = path.ptr[i];
        if (wf_http_is(c, WF_HOST) || c == '.' || c == '~')
            (void)wf_buf_putc(out, c);
        else
            (void)wf_buf_printf(out, "%%%02X", (unsigned)(unsigned char)c);
    }
    (void)wf_buf_puts(out, query.len != 0 ? "/?" : "/");
    (void)wf_buf_append(out, query.ptr, query.len);
}

int wf_response_add_slash(weft_http_response *res, weft_str path, int status)
{
    wf_buf location = {0};
    put_location(&location, path, weft_http_query(res->req));
    int rc = location.rc;
    if (rc == 0)
        rc = weft_http_set_field(res, "Location",
                                 (weft_str){wf_buf_ptr(&location), wf_buf_bytes(&location)});
    wf_buf_fini(&location);
    return rc < 0 ? rc : weft_http_respond(res, status, NULL, NULL, 0);
}
