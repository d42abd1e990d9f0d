/* SPDX-License-Identifier: MIT */

/* Status codes: the phrase of the status line; the code of the error body is in fault.h. */
#ifndef WF_H1_STATUS_H
#define WF_H1_STATUS_H

/* "" for one we do not know: the phrase may be empty (RFC 9112 4). */
const char *wf_http_status_phrase(int status);

#endif
