/* SPDX-License-Identifier: MIT */

/* A jar as the client uses it: with URLs that are parsed already. */
#ifndef WF_CLIENT_COOKIES_PRIV_H
#define WF_CLIENT_COOKIES_PRIV_H

#include <weft/cookies.h>

#include "base/buf.h"
#include "client/url.h"

/* See weft_cookies_set(); without an error for the URL. */
int wf_cookies_set(weft_cookies *jar, const struct wf_url *url, weft_str set_cookie);

/* Appends what a request to the URL says.  0, -ENOMEM. */
int wf_cookies_for(weft_cookies *jar, const struct wf_url *url, wf_buf *out);

#endif
