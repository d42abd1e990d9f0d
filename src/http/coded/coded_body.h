/* SPDX-License-Identifier: MIT */

/*
 * Coded bodies: a request's body whose Content-Encoding is undone before the handler sees it, under
 * the body's own limit and a limit of the ratio.
 */
#ifndef WF_HTTP_CODED_BODY_H
#define WF_HTTP_CODED_BODY_H

#include <weft/http.h>

/* Decodes the body that was collected, in its place.  0, also when it is refused: req->fault; or
 * -ENOMEM, -ECANCELED. */
WEFT_WAITS int wf_request_decode(weft_http_request *req);

/* weft_http_read of a coded body that was not collected. */
WEFT_WAITS ssize_t wf_request_read_decoded(weft_http_request *req, char *buf, size_t bytes);

#endif
