/* SPDX-License-Identifier: MIT */

/* Authority of a request: a name, an IPv4 address or an [IPv6] address, with an optional port. */
#ifndef WF_H1_HOST_H
#define WF_H1_HOST_H

#include <stdbool.h>
#include <stddef.h>

/* True if all of it is such an authority.  Digits and dots alone must be an IPv4 address; a port is
 * 0 to 65535; a name has at most 253 bytes, its labels 1 to 63 of letters, digits, '-' and '_'. */
bool wf_http_host_is_valid(const char *text, size_t len);

#endif
