/* SPDX-License-Identifier: MIT */

/*
 * A proxy: a server that is asked instead of the origin (RFC 9110 7.3, 9.3.6).  Requests to http go
 * to it with the whole URL in their first line; for https it makes a tunnel, inside which
 * everything is as without it.
 */
#ifndef WF_CLIENT_PROXY_H
#define WF_CLIENT_PROXY_H

#include <weft/net.h>

#include "client/url.h"

struct weft_exchange;

struct wf_proxy {
    struct wf_url url; /* text NULL: there is none */
    const char *auth;  /* the caller's; or NULL */
    const char *except;
};

/* From the options' three texts, each of which may be NULL.  0, -EINVAL with a text, -ENOMEM. */
int wf_proxy_init(struct wf_proxy *proxy, const char *url, const char *auth, const char *except);
void wf_proxy_fini(struct wf_proxy *proxy);

/* True if the host is asked through it. */
bool wf_proxy_serves(const struct wf_proxy *proxy, weft_str host);

/* The failure that an answer of the proxy's own is. */
int wf_proxy_refused(const struct weft_exchange *exchange, int status);

/* Asks the proxy on the stream to pass bytes on to the exchange's origin.  Waits.  0, or an error
 * with a text. */
int wf_proxy_tunnel(struct weft_exchange *exchange, weft_stream *stream);

#endif
