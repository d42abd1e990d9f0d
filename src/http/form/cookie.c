/* SPDX-License-Identifier: MIT */

#include "http/form/cookie.h"

#include "base/buf.h"
#include "h1/chars.h"
#include "http/exchange/request.h"

#include <string.h>

/* Several fields are one list, in their order (HTTP/2 sends them so). */
struct cookies {
    const weft_http_request *req;
    uint32_t field_index;
    weft_str rest; /* of the field before */
};

static bool cookies_next(struct cookies *at, weft_str *out_name, weft_str *out_value)
{
    const weft_http_request *req = at->req;
    while (!wf_cookie_next(&at->rest, out_name, out_value)) {
        if (at->field_index == req->head.field_count)
            return false;
        const struct wf_h1_field *field = &req->fields[at->field_index++];
        if (WF_HTTP_EQUAL(req->text + field->name_at, field->name_len, "cookie"))
            at->rest = (weft_str){req->text + field->value_at, field->value_len};
    }
    return true;
}

bool weft_http_cookie_at(const weft_http_request *req, size_t index, weft_str *out_name,
                         weft_str *out_value)
{
    struct cookies at = {.req = req};
    while (cookies_next(&at, out_name, out_value)) {
        if (index-- == 0)
            return true;
    }
    return false;
}

weft_str weft_http_cookie(const weft_http_request *req, const char *name)
{
    weft_str found, value;
    size_t len = strlen(name);
    struct cookies at = {.req = req};
    while (cookies_next(&at, &found, &value)) {
        if (found.len == len && memcmp(found.ptr, name, len) == 0)
            return value;
    }
    return (weft_str){NULL, 0};
}

int weft_http_set_cookie(weft_http_response *res, const char *name, weft_str value,
                         const weft_http_cookie_options *options)
{
    static const weft_http_cookie_options usual = {0};
    wf_buf text = {0};
    int rc = wf_cookie_write(&text, name, value, options != NULL ? options : &usual);
    if (rc == 0)
        rc = weft_http_set_field(res, "Set-Cookie",
                                 (weft_str){wf_buf_ptr(&text), wf_buf_bytes(&text)});
    wf_buf_fini(&text);
    return rc;
}
