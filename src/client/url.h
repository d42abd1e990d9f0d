/* SPDX-License-Identifier: MIT */

/*
 * URL: an absolute http or https URL, made plain for one use: to ask its server (RFC 3986; where
 * that leaves it open, as the URL standard of the browsers has it).
 *
 * Scheme and host are in lower case, the usual port is left out, "." and ".." are resolved, the
 * fragment is dropped, and what may not stand in a request's target (a space, a quote, bytes above
 * ASCII) is percent-encoded.  Refused: control characters, user information, hosts that are neither
 * a name in ASCII nor an address, ports beyond 65535, other schemes.
 */
#ifndef WF_CLIENT_URL_H
#define WF_CLIENT_URL_H

#include <weft/base.h>

#define WF_URL_BYTES_MAX 8192

struct wf_url {
    char *text;         /* all of it, NUL-terminated; the pieces below point into it */
    size_t len;         /* of text */
    weft_str origin;    /* "http://host:port": what shares connections */
    weft_str authority; /* "host:port" for Host, "[::1]" with its brackets */
    weft_str host;      /* without brackets and port */
    weft_str place;     /* "http://host:port/path" for errors: cut, and without the query, which may
                           be nobody's business */
    weft_str target;    /* path and query; begins with '/' */
    uint16_t port;      /* also where the text has none */
    bool is_https;
};

/* 0, or -WEFT_ESYNTAX, -WEFT_ELIMIT (WF_URL_BYTES_MAX), -ENOMEM with a text that says what is
 * wrong; then *out is empty.  End it with fini. */
int wf_url_parse(struct wf_url *out, weft_str text);

/* What `reference` (of a Location field) means at `base`.  Errors as above. */
int wf_url_join(struct wf_url *out, const struct wf_url *base, weft_str reference);

/* True if both are asked over the same connections. */
bool wf_url_same_origin(const struct wf_url *a, const struct wf_url *b);

void wf_url_fini(struct wf_url *url);

#endif
