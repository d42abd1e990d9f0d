/* SPDX-License-Identifier: MIT */

/* Transport: how an exchange reaches its client, one row a version of HTTP. */
#ifndef WF_HTTP_TRANSPORT_H
#define WF_HTTP_TRANSPORT_H

#include <weft/http.h>

/* Up to here a body goes with its head, or is copied where it must wait. */
#define WF_INLINE_BYTES_MAX ((size_t)16 * 1024)

/* What differs between versions of HTTP.  The first group is called by the exchange's task, which
 * may wait in it, and in any other state by callbacks, where nothing waits. */
struct wf_transport {
    /* Writes the head, and, in the same piece, `body`, of at most WF_INLINE_BYTES_MAX.
     * `is_whole`: nothing comes behind it, `finish` neither. */
    int (*begin)(weft_http_response *res, weft_str body, bool is_whole);

    /* Writes a piece of the body behind what was written; res->sent counts it already. */
    int (*write)(weft_http_response *res, const void *bytes, size_t count);

    /* The same with bytes of a file; NULL: they are to be read. */
    int (*write_file)(weft_http_response *res, int file, uint64_t offset, uint64_t count);

    /* Ends a body that was not whole in `begin`. */
    int (*finish)(weft_http_response *res);

    /* The next bytes of a body that was not collected; as weft_http_read. */
    ssize_t (*read)(weft_http_request *req, char *buf, size_t bytes);

    /* 100 Continue, if it was asked for and not sent. */
    int (*go_on)(weft_http_request *req);

    /* A ready-made 503, sent without any memory, or that the request was not begun.  The
     * connection, or its part, is to end. */
    void (*answer_no_memory)(weft_http_request *req);

    /* A deadline of the exchange has moved. */
    void (*arm)(weft_http_request *req);

    /* It was answered without a handler, or (false) could not even be: the exchange ends. */
    void (*refused)(weft_http_request *req, bool is_answered);

    /* The handler has returned; false: what it answered is not whole.  The exchange ends.  The next
     * whole request behind it, which waits for a slot, or NULL. */
    weft_http_request *(*done)(weft_http_request *req, bool is_answered);
};

extern const struct wf_transport wf_h1_transport;

#endif
