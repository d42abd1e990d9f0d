/* SPDX-License-Identifier: MIT */

/*
 * Cookies of the server (RFC 6265bis): reads those a client sends, and sets them with an answer.
 *
 *     weft_str session = weft_http_cookie(req, "session");
 *     weft_http_set_cookie(res, "session", id, &(weft_http_cookie_options){.is_secure = true});
 *
 * A cookie that is set is hidden from scripts (HttpOnly) and not sent with requests from other
 * sites (SameSite=Lax), unless the options say otherwise.
 *
 * Library: weft-http.
 */
#ifndef WEFT_HTTP_COOKIE_H
#define WEFT_HTTP_COOKIE_H

#include <weft/http.h>

WEFT_BEGIN_DECLS

/* The value of the first cookie of that name (case matters), without quotes around it; ptr NULL:
 * there is none.  Borrowed until the handler returns.  Pairs with a byte that a server may not set
 * are ignored, since another program of the same site may have set them. */
WEFT_API weft_str weft_http_cookie(const weft_http_request *req, const char *name);

/* The index-th cookie of the request; false past the last. */
WEFT_API bool weft_http_cookie_at(const weft_http_request *req, size_t index, weft_str *out_name,
                                  weft_str *out_value);

enum weft_http_same_site {
    WEFT_HTTP_SAME_SITE_LAX = 0, /* from other sites only when the user goes to ours */
    WEFT_HTTP_SAME_SITE_STRICT,  /* never from other sites */
    WEFT_HTTP_SAME_SITE_NONE,    /* always; only with is_secure */
};

/* Zero means the default in every field. */
typedef struct weft_http_cookie_options {
    const char *path;    /* NULL: "/" */
    const char *domain;  /* with its subdomains; NULL: this host alone */
    int64_t max_age;     /* seconds; 0: until the browser ends; < 0: delete it */
    bool is_secure;      /* sent over HTTPS alone */
    bool is_for_scripts; /* scripts see it: no HttpOnly */
    bool is_partitioned; /* kept apart by top-level site; only with is_secure */
    enum weft_http_same_site same_site;
} weft_http_cookie_options;

/* Adds a Set-Cookie; `options` may be NULL.  -EINVAL for a name that is no token, a value with
 * another byte than cookies may have (no space, quote, comma, semicolon, backslash, control, nor
 * above 0x7e), path or domain with a control or ';', what the browser would refuse: SameSite=None
 * or Partitioned without is_secure, a name that begins with "__Secure-" without it, "__Host-" also
 * with a domain or another path than "/"; and past 4,096 bytes.  Else as weft_http_set_field(). */
WEFT_API WEFT_MUST_USE int weft_http_set_cookie(weft_http_response *res, const char *name,
                                                weft_str value,
                                                const weft_http_cookie_options *options);

WEFT_END_DECLS

#endif
