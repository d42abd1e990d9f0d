/* SPDX-License-Identifier: MIT */

/*
 * Access: who may change things, and see what users wrote: reviews and what a discovery found hold
 * their texts.
 *
 * Nobody, unless the service was told otherwise.  With a token: who shows it.  Without one: who
 * speaks to a service that only this machine can reach, but not a page in a browser there: pages
 * may send requests to any address, also by a name that they made point to it.
 */
#ifndef WF_SERVICE_ACCESS_H
#define WF_SERVICE_ACCESS_H

#include <weft/http.h>

#define ACCESS_TOKEN_MIN 16
#define ACCESS_TOKEN_MAX 1024

struct access {
    bool is_open;      /* without a token; the addresses are this machine's */
    const char *token; /* NULL: none */
    size_t token_bytes;
};

/* The `before` of a layer: answers 401 or 403 to who may not. */
WEFT_WAITS int access_check(weft_http_request *req, weft_http_response *res, void *access);

/* True of characters that can stand in a field: visible ASCII. */
bool access_is_token(const char *token, size_t bytes);

#endif
