/* SPDX-License-Identifier: MIT */

/*
 * Cookies: what servers asked a client to say with its next requests (RFC 6265, with the checks of
 * its successor).
 *
 *     weft_cookies *jar;
 *     WEFT_TRY(weft_cookies_new(&jar));
 *     weft_client_options options = {.cookies = jar};
 *     ... requests of that client keep and send cookies, redirects included ...
 *     weft_cookies_free(jar);
 *
 * A cookie goes to hosts, paths and schemes it was set for, and no others.  Refused: one that is
 * set for another site, for names that many share, for an address's parent, over 4,096 bytes, with
 * control characters, Secure over http, and one that breaks what its name promises (__Secure-,
 * __Host-).  Shared are top-level domains, and what says a kind of owner below a country: com,
 * co.uk, ne.jp.  The full list of public suffixes is not here: a server of alice.github.io can set
 * a cookie for github.io, which only other servers that the same jar is used for would see.
 * SameSite and HttpOnly are for browsers and have no effect.
 *
 * At most 64 cookies of a domain and 3,000 in all are kept; those that were set longest ago make
 * room.  Memory only: to keep cookies, write down what weft_cookies_at() gives, and set it again.
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

/* One of the jar, borrowed until it changes. */
typedef struct weft_cookie {
    weft_str name, value;
    weft_str domain; /* without a dot in front */
    weft_str path;
    weft_time expires; /* since 1970-01-01 UTC; WEFT_FOREVER: as long as the jar */
    bool is_host_only; /* not for what is below the domain */
    bool is_secure;    /* https only */
} weft_cookie;

/* An empty jar in *out.  0, -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_cookies_new(weft_cookies **out);

/* No client may use it any more.  NULL is fine. */
WEFT_API void weft_cookies_free(weft_cookies *jar);

/* Takes the value of a Set-Cookie field that came with the answer of `url`.  1: it is kept, or what
 * it replaces is gone; 0: refused, as above; -WEFT_ESYNTAX, -WEFT_ELIMIT: the URL; -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_cookies_set(weft_cookies *jar, const char *url,
                                            weft_str set_cookie);

/* What a request to `url` says, "a=1; b=2", in *out, which the caller frees with weft_bytes_free();
 * empty: nothing. 0, -WEFT_ESYNTAX, -WEFT_ELIMIT: the URL; -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_cookies_for(weft_cookies *jar, const char *url, weft_bytes *out);

/* The cookie at `index`, in the order of setting; false past the last.  Expired ones are not
 * counted. */
WEFT_API bool weft_cookies_at(weft_cookies *jar, size_t index, weft_cookie *out);

/* Forgets all of `domain` and what is below it; NULL: everything. */
WEFT_API void weft_cookies_clear(weft_cookies *jar, const char *domain);

WEFT_END_DECLS

#endif
