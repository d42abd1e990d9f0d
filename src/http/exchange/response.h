/* SPDX-License-Identifier: MIT */

/* Response: the answer of an exchange in the making, and how it comes to an end. */
#ifndef WF_HTTP_RESPONSE_H
#define WF_HTTP_RESPONSE_H

#include <weft/http.h>

#include "base/buf.h"
#include "h1/fault.h"
#include "h1/write.h"

struct weft_http_response {
    weft_http_request *req;

    /* What its head says besides `status`, `length` and `fields`, once it begins. */
    const struct wf_h1_opening *opening;
    weft_str type; /* ptr NULL: none */
    enum wf_h1_framing framing;

    /* Zeroed when it is over, from here to `fields`. */
    int status; /* 0: not set */
    bool has_begun, is_done;
    bool is_cut;     /* a piece of the body went in part: nothing makes it whole again */
    bool has_length; /* by weft_http_set_length */
    bool is_chunked;
    bool has_type_field;       /* in `fields`, which `type` stands above */
    bool is_judged;            /* it is known whether it is coded */
    bool takes_trailers;       /* some are promised, and the client wants them */
    uint64_t length, sent;     /* of the body */
    struct wf_coded *coded;    /* NULL: the body is sent as it is */
    const char *trailer_names; /* promised; NULL: none */

    wf_buf fields;   /* lines of the head */
    wf_buf trailers; /* lines */
};

/* The answer to what no route takes: the fault, or OPTIONS. */
weft_http_handler wf_request_answer_itself;

/* Calls the handler or answers the fault; afterwards the answer is whole or the connection is to
 * be aborted (false). */
bool wf_request_answer(weft_http_request *req);

/* Redirects to the path, decoded, with a '/' behind it, query included. */
int wf_response_add_slash(weft_http_response *res, weft_str path, int status);

/* Ends a streamed answer, or sends one without body if nothing was.  0, -WEFT_ETRUNCATED if less
 * came than the length promised, or what the stream says. */
int wf_response_finish(weft_http_response *res);

/* What a handler had prepared does not go with an error. */
void wf_response_restart(weft_http_response *res);

/* Answers a fault from a callback, without waiting.  False: it could not be sent. */
bool wf_request_refuse(weft_http_request *req, const struct wf_http_fault *fault);

/* The body of the 503 for want of memory, and its place in the statistics. */
#define WF_NO_MEMORY_BODY                                                                          \
    "{\"error\":{\"code\":\"overloaded\",\"message\":\"The server is out of memory.\","            \
    "\"details\":{}}}"
void wf_http_count_no_memory(weft_http_server *server, size_t bytes);

/* Fields behind the body, if there are any. */
static inline weft_str wf_response_trailers(const weft_http_response *res)
{
    bool has_some = res->takes_trailers && wf_buf_bytes(&res->trailers) != 0;
    return (weft_str){wf_buf_ptr(&res->trailers), has_some ? wf_buf_bytes(&res->trailers) : 0};
}

/* weft_http_write of what goes over the wire. */
int wf_response_write(weft_http_response *res, const void *bytes, size_t count);

/* The same with bytes of a file, if they can go as they are; -EOPNOTSUPP: they are to be read. */
int wf_response_write_file(weft_http_response *res, int file, uint64_t offset, uint64_t count);

#endif
