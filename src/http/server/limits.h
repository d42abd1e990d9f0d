/* SPDX-License-Identifier: MIT */

/* Limits of a server: names, defaults, and what is in force. */
#ifndef WF_HTTP_LIMITS_H
#define WF_HTTP_LIMITS_H

#include <weft/http.h>

/* Puts the default where `limits` says zero. */
void wf_http_limits_fill(weft_http_limits *limits);

#endif
