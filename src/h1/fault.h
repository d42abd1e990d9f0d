/* SPDX-License-Identifier: MIT */

/*
 * Fault: why a request is refused.  Status and code go into the answer; a limit names itself, its
 * value and what was seen; the offset counts from the first byte of the head, of the body or of the
 * path, as the sentence says.
 */
#ifndef WF_H1_FAULT_H
#define WF_H1_FAULT_H

#include <stdint.h>

struct wf_http_fault {
    int status;             /* 0: no fault */
    const char *code;       /* "bad_request", "too_large" … */
    const char *message;    /* one sentence, static */
    const char *limit_name; /* NULL: no limit was passed */
    uint64_t limit, seen;   /* with limit_name */
    int64_t offset;         /* WF_HTTP_NOWHERE: the reason is in no byte */
};

#define WF_HTTP_NOWHERE ((int64_t)-1)

/* The code that goes with a status when nothing more exact is known. */
const char *wf_http_status_code(int status);

/* A fault without a limit, and one of a limit. */
static inline struct wf_http_fault wf_http_fault(int status, const char *message, int64_t offset)
{
    return (struct wf_http_fault){
        .status = status,
        .code = wf_http_status_code(status),
        .message = message,
        .offset = offset,
    };
}

static inline struct wf_http_fault wf_http_fault_limit(int status, const char *message,
                                                       const char *limit_name, uint64_t limit,
                                                       uint64_t seen, int64_t offset)
{
    struct wf_http_fault fault = wf_http_fault(status, message, offset);
    fault.limit_name = limit_name;
    fault.limit = limit;
    fault.seen = seen;
    return fault;
}

#endif
