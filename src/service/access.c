/* SPDX-License-Identifier: MIT */

#include "service/access.h"

#include <string.h>
#include <strings.h>

bool access_is_token(const char *token, size_t bytes)
{
    if (bytes < ACCESS_TOKEN_MIN || bytes > ACCESS_TOKEN_MAX)
        return false;
    for (size_t i = 0; i < bytes; i++) {
        if (token[i] <= ' ' || token[i] > '~')
            return false;
    }
    return true;
}

/* ---- with a token ---- */

/* In a time that tells nothing of the token but its length. */
static bool is_same(weft_str given, const char *token, size_t bytes)
{
    unsigned char difference = given.len != bytes;
    for (size_t i = 0; i < bytes; i++)
        difference |= (unsigned char)(token[i] ^ given.ptr[given.len != 0 ? i % given.len : 0]);
    return difference == 0;
}

static bool shows_token(const weft_http_request *req, const struct access *access)
{
    static const char scheme[] = "Bearer ";
    weft_str field = weft_http_field(req, "Authorization");
    size_t head = sizeof(scheme) - 1;
    if (field.ptr == NULL || field.len <= head || strncasecmp(field.ptr, scheme, head) != 0)
        return false;
    weft_str given = {field.ptr + head, field.len - head};
    return is_same(given, access->token, access->token_bytes);
}

static int refuse_stranger(const weft_http_request *req, weft_http_response *res)
{
    int rc = weft_http_set_field(res, "WWW-Authenticate", weft_str_of("Bearer realm=\"weft\""));
    if (rc < 0)
        return rc;
    return weft_http_fail(res, 401, "unauthorized",
                          weft_http_field(req, "Authorization").ptr != NULL
                              ? "Authorization is not Bearer and the service's token"
                              : "changes, and texts that users wrote, need the service's token: "
                                "Authorization: Bearer TOKEN");
}

/* ---- without ---- */

static bool is_one_of(weft_str text, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (strlen(*names) == text.len && strncasecmp(text.ptr, *names, text.len) == 0)
            return true;
    }
    return false;
}

/* What a browser says of a page's request; other clients say nothing. */
static bool is_from_page(const weft_http_request *req)
{
    static const char *const own[] = {"same-origin", "none", NULL};
    weft_str site = weft_http_field(req, "Sec-Fetch-Site");
    return weft_http_field(req, "Origin").ptr != NULL ||
           (site.ptr != NULL && !is_one_of(site, own));
}

int access_check(weft_http_request *req, weft_http_response *res, void *arg)
{
    const struct access *access = arg;
    if (access->token != NULL)
        return shows_token(req, access) ? 0 : refuse_stranger(req, res);
    if (!access->is_open)
        return weft_http_fail(res, 403, "forbidden",
                              "this service takes no changes and shows no texts that users wrote; "
                              "weft serve --token FILE or --allow-changes makes it");
    if (is_from_page(req) || !weft_http_is_local(req))
        return weft_http_fail(res, 403, "forbidden",
                              "without a token a browser's pages may neither change things nor see "
                              "texts that users wrote");
    return 0;
}
