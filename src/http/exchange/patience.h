/* SPDX-License-Identifier: MIT */

/*
 * Patience: for how long a client says that it waits, in the field that
 * weft_http_options.timeout_field names.
 */
#ifndef WF_HTTP_PATIENCE_H
#define WF_HTTP_PATIENCE_H

#include <weft/base.h>

/* "1500" (milliseconds), or up to eight digits and a unit as gRPC has them: H, M, S, m, u, n.
 * WEFT_FOREVER for any other text, which says nothing, and for more than a day. */
weft_time wf_patience_read(weft_str text);

#endif
