/* SPDX-License-Identifier: MIT */

/* Set-Cookie fields taken apart (RFC 6265, 5.1.1 and 5.2).  Pure: no clock, no memory. */
#ifndef WF_CLIENT_COOKIE_PARSE_H
#define WF_CLIENT_COOKIE_PARSE_H

#include <weft/base.h>

#define WF_COOKIE_BYTES_MAX 4096      /* of name and value */
#define WF_COOKIE_ATTR_BYTES_MAX 1024 /* of an attribute's value; a longer one is passed over */

/* What the field says; its strings point into it. */
struct wf_cookie_line {
    weft_str name, value;
    weft_str domain;          /* len 0: not said; without the dot in front */
    weft_str path;            /* ptr NULL: not said, or not from the root */
    int64_t max_age, expires; /* seconds, a point in time; of no meaning unless has_… */
    bool has_max_age, has_expires;
    bool is_secure;
};

/* False: it is to be ignored. */
bool wf_cookie_parse(struct wf_cookie_line *out, weft_str text);

/* Seconds since 1970 of a date in any of the forms that servers use; false: none. */
bool wf_cookie_date(weft_str text, int64_t *out);

#endif
