/* SPDX-License-Identifier: MIT */

/* Cookies as text: the pairs of a Cookie field, the value of a Set-Cookie field.  Pure. */
#ifndef WF_HTTP_COOKIE_H
#define WF_HTTP_COOKIE_H

#include <weft/http_cookie.h>

#include "base/buf.h"

/* The next pair of a Cookie field's value; moves `rest` behind it.  False at its end. */
bool wf_cookie_next(weft_str *rest, weft_str *out_name, weft_str *out_value);

/* Appends the value of a Set-Cookie field.  0, -EINVAL as weft_http_set_cookie says, -ENOMEM. */
int wf_cookie_write(wf_buf *out, const char *name, weft_str value,
                    const weft_http_cookie_options *options);

#endif
