/* SPDX-License-Identifier: MIT */

/* Dates of HTTP (RFC 9110 5.6.7) in their three forms.  Pure. */
#ifndef WF_HTTP_DATE_H
#define WF_HTTP_DATE_H

#include <weft/base.h>

/* Seconds since 1970 in *out.  The year of the second form has two digits: one that would be more
 * than 50 years after `now` is of the century before.  False: it is no date. */
bool wf_http_date_parse(weft_str text, int64_t now, int64_t *out);

#endif
