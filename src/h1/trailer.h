/* SPDX-License-Identifier: MIT */

/*
 * Trailers: fields behind a body (RFC 9110 6.5).  Whoever looked at the head has decided by then,
 * so a trailer that frames, routes, authenticates or tells how to take the message must not be
 * heard.
 */
#ifndef WF_H1_TRAILER_H
#define WF_H1_TRAILER_H

#include <weft/base.h>

/* False for a field that means something only in a head. */
bool wf_h1_trailer_is_allowed(weft_str name);

/* The value of the first field `name` (any case) in "name: value CR LF" lines, of which the last
 * may not be whole yet; or ptr NULL. */
weft_str wf_h1_trailer_find(weft_str lines, weft_str name);

#endif
