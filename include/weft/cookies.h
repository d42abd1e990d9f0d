/* SPDX-License-Identifier: MIT */

/*
 * Cookie jar of a client: keeps the cookies that servers set and sends them with later requests
 * (RFC 6265, with the checks of its successor).  The server's side is in <weft/http_cookie.h>.
 *
 *     weft_cookies *jar;
 *     WEFT_TRY(weft_cookies_new(&jar));
 *     weft_client_options options = {.cookies = jar};
 *     ... requests of that client keep and send cookies, redirects included ...
 *     weft_cookies_free(jar);
 *
 * A cookie is sent to the hosts, paths and schemes it was set for, and no others.  Refused are
 * cookies set for another site, for a domain that many share, for a part of an IP address, over
 * 4,096 bytes, with control characters, Secure over http, and those that break what their name
 * promises (__Secure-, __Host-).  Domains that many share are top-level domains, and kinds of
 * owners below a country: com, co.uk, ne.jp.  The full list of public suffixes is not built in: a
 * server of alice.github.io can set a cookie for github.io, which only other servers would see that
 * the same jar is used for.  SameSite and HttpOnly are for browsers and have no effect.
 *
 * At most 64 cookies of a domain and 3,000 in all are kept; the ones set longest ago make room.  A
 * jar is in memory only: to store it, save what weft_cookies_at() gives, and set that again.
 *
 * A jar may serve several clients of one loop.  No call waits.
 *
 * Library: weft-client.
 */
#ifndef WEFT_COOKIES_H
#define WEFT_COOKIES_H

#include <weft/base.h>

WEFT_BEGIN_DECLS

typedef struct weft_cookies weft_cookies;

/* A cookie of the jar.  Its strings are borrowed until the jar changes. */
typedef struct weft_cookie {
    weft_str name, value;
    weft_str domain; /* without a dot in front */
    weft_str path;
    weft_time expires; /* since 1970-01-01 UTC; WEFT_FOREVER: as long as the jar */
    bool is_host_only; /* not for what is below the domain */
    bool is_secure;    /* https only */
} weft_cookie;

/* Makes an empty jar in *out.  0, -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_cookies_new(weft_cookies **out);

/* Frees the jar.  No client may use it any more.  NULL is fine. */
WEFT_API void weft_cookies_free(weft_cookies *jar);

/* Adds the cookie of a Set-Cookie field that came with the answer of `url`.  1: it is kept, or, if
 * it has expired, the cookie it replaces is removed; 0: it is refused, as said above;
 * -WEFT_ESYNTAX, -WEFT_ELIMIT: the URL is not valid; -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_cookies_set(weft_cookies *jar, const char *url,
                                            weft_str set_cookie);

/* Writes the Cookie field of a request to `url`, "a=1; b=2", to *out, which the caller frees with
 * weft_bytes_free(); empty if there is none.  0; -WEFT_ESYNTAX, -WEFT_ELIMIT: the URL is not valid;
 * -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_cookies_for(weft_cookies *jar, const char *url, weft_bytes *out);

/* The cookie at `index`, in the order of setting; false past the last.  Expired ones are not
 * counted. */
WEFT_API bool weft_cookies_at(weft_cookies *jar, size_t index, weft_cookie *out);

/* Removes all cookies of `domain` and its subdomains; NULL: all. */
WEFT_API void weft_cookies_clear(weft_cookies *jar, const char *domain);

WEFT_END_DECLS

#endif
