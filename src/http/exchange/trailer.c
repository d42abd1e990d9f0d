/* SPDX-License-Identifier: MIT */

/* Trailers of a request and of its answer: fields behind the body. */

#include "h1/trailer.h"

#include <weft/error.h>

#include "base/buf.h"
#include "base/str.h"
#include "h1/list.h"
#include "h1/write.h"
#include "http/exchange/request.h"
#include "http/exchange/response.h"
#include "http/server/conn.h"

#include <string.h>

weft_str weft_http_trailer(const weft_http_request *req, const char *name)
{
    weft_str lines = {wf_buf_ptr(&req->trailers), wf_buf_bytes(&req->trailers)};
    return wf_h1_trailer_find(lines, weft_str_of(name));
}

/* HTTP/2 has a place for them, whoever drops them there; in HTTP/1.1 not every client, nor what
 * stands between, can read them (RFC 9110 6.5.1). */
static bool client_takes_trailers(const weft_http_request *req)
{
    weft_str wanted = weft_http_field(req, "te");
    if (req->conn->h2 != NULL)
        return true;
    return req->head.minor == 1 && wanted.ptr != NULL &&
           wf_http_list_has(wanted, weft_str_of("trailers"));
}

int weft_http_promise_trailers(weft_http_response *res, const char *names)
{
    static const weft_str no_value = {"", 0};
    weft_str rest = weft_str_of(names), name;
    if (res->has_begun || res->trailer_names != NULL)
        return -EALREADY;
    while (wf_str_next_item(&rest, ',', &name)) {
        if (wf_h1_field_check(name, no_value) < 0 || !wf_h1_trailer_is_allowed(name))
            return -EINVAL;
    }
    bool is_taken = client_takes_trailers(res->req);
    if (is_taken)
        WEFT_TRY(weft_http_set_field(res, "Trailer", weft_str_of(names)));
    res->trailer_names = names;
    res->takes_trailers = is_taken;
    return is_taken;
}

int weft_http_set_trailer(weft_http_response *res, const char *name, weft_str value)
{
    weft_str name_str = weft_str_of(name);
    if (res->is_done)
        return -EALREADY;
    if (res->trailer_names == NULL ||
        !wf_http_list_has(weft_str_of(res->trailer_names), name_str) ||
        wf_h1_value_check(value) < 0)
        return -EINVAL;
    return res->takes_trailers ? wf_h1_write_field(&res->trailers, name_str, value) : 0;
}
