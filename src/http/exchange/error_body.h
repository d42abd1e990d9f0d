/* SPDX-License-Identifier: MIT */

/* The body of every error answer. */
#ifndef WF_HTTP_ERROR_BODY_H
#define WF_HTTP_ERROR_BODY_H

#include <weft/http.h>
#include <weft/schema.h>

#include "base/buf.h"
#include "h1/fault.h"

/* Appends {"error":{…}}; the buffer's failure is sticky there. */
void wf_http_write_error(wf_buf *out, const weft_http_error *error, const char *request_id);

/* The same for what is wrong with values: the first in front, all that were kept in the details. */
void wf_http_write_issues(wf_buf *out, const weft_issues *issues, const char *request_id);

/* What a fault says to the client. */
weft_http_error wf_http_error_of_fault(const struct wf_http_fault *fault);

#endif
