/* SPDX-License-Identifier: MIT */

/* Whom a request is for, where that decides whether it is answered at all. */

#include <weft/http_layer.h>

#include "http/route/router.h"

#include <string.h>

/* 127.0.0.0/8, as a literal. */
static bool is_loopback(weft_str host)
{
    if (host.len < 4 || memcmp(host.ptr, "127.", 4) != 0)
        return false;
    for (size_t i = 4; i < host.len; i++) {
        if ((host.ptr[i] < '0' || host.ptr[i] > '9') && host.ptr[i] != '.')
            return false;
    }
    return true;
}

bool weft_http_is_local(const weft_http_request *req)
{
    weft_str host = wf_http_host_name(weft_http_host(req));
    weft_addr peer;
    if (weft_http_get_peer(req, &peer) == 0 && peer.storage.ss_family == AF_UNIX)
        return true;
    return wf_http_host_matches("localhost", host) || wf_http_host_matches("[::1]", host) ||
           is_loopback(host);
}

static bool is_for(const weft_http_request *req, const char *const *names)
{
    weft_str host = wf_http_host_name(weft_http_host(req));
    for (; *names != NULL; names++) {
        if (wf_http_host_matches(*names, host))
            return true;
    }
    return false;
}

int weft_http_check_host(weft_http_request *req, weft_http_response *res, void *arg)
{
    if (arg != NULL ? is_for(req, arg) : weft_http_is_local(req))
        return 0;
    return weft_http_fail(res, 421, NULL, "This server is not known by that name.");
}
