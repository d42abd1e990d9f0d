/* SPDX-License-Identifier: MIT */

/*
 * URL: texts of URLs for the client (<weft/client.h>), made of what pages and people give.
 *
 *     weft_bytes url;
 *     if (weft_url_join(&url, page.url, link) == 0) { // else it is no page: "mailto:…"
 *         rc = visit(url.ptr);
 *         weft_bytes_free(&url);
 *     }
 *
 *     weft_str place = weft_str_of("https://example.org/search");
 *     WEFT_TRY(weft_url_join(&url, place, weft_str_of("")));
 *     rc = weft_url_add(&url, "q", weft_str_of("tea & cake")); // …/search?q=tea%20%26%20cake
 *
 * Nothing here waits.
 *
 * Library: weft-client.
 */
#ifndef WEFT_URL_H
#define WEFT_URL_H

#include <weft/base.h>

WEFT_BEGIN_DECLS

/* Makes in *out the URL that `reference`, as of a link, means on the page at `base` (RFC 3986 5.2):
 * "b", "../c", "/d", "//host/e", "?f", a whole URL, or "" for the page itself.  White space around
 * it is passed over.  With an empty base it must be a whole URL.
 *
 * The result is as the client would ask it: http or https; scheme and host in lower case, without
 * the usual port, "." and ".." and the fragment; what may not stand in a request percent-encoded.
 * So what is asked alike is mostly the same text, which tells a crawler where it has been.  The
 * caller frees it with weft_bytes_free().
 *
 * 0; with *out as it was -WEFT_ESYNTAX: another scheme, a host that is none, a user name, a control
 * character; -WEFT_ELIMIT: more than 8 KiB; each with a text; -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_url_join(weft_bytes *out, weft_str base, weft_str reference);

/* Adds a parameter to the query of a URL of weft_url_join(): "?name=value", "&name=value" behind
 * others; both percent-encoded, whatever bytes they have.  0; with *url as it was -EINVAL: it has a
 * fragment; -WEFT_ELIMIT: it would have more than 8 KiB; each with a text; -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_url_add(weft_bytes *url, const char *name, weft_str value);

WEFT_END_DECLS

#endif
