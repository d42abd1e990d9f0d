/* SPDX-License-Identifier: MIT */

/* One line of the access log, with its line break.  Pure; failures are sticky in the buffer. */
#ifndef WF_HTTP_LOG_LINE_H
#define WF_HTTP_LOG_LINE_H

#include <weft/http_log.h>

#include "base/buf.h"

void wf_log_line_json(wf_buf *out, const weft_http_record *record);
void wf_log_line_text(wf_buf *out, const weft_http_record *record);

/* "2026-01-31T12:00:00.123Z" with its NUL. */
#define WF_LOG_TIME_BYTES 25
void wf_log_time(char out[WF_LOG_TIME_BYTES], weft_time wall);

#endif
