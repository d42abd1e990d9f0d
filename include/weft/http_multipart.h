/* SPDX-License-Identifier: MIT */

/*
 * Forms with files (multipart/form-data, RFC 7578), read part by part, however large: only what is
 * asked for is in memory, and a client is read only as fast as its parts are.
 *
 *     weft_http_multipart *form;
 *     weft_http_part part;
 *     WEFT_TRY(weft_http_multipart_open(&form, req, NULL));
 *     int rc;
 *     while ((rc = weft_http_multipart_next(form, &part)) > 0) {
 *         if (part.file_name.ptr == NULL)
 *             rc = weft_http_multipart_load(form, 1000, &text); // a field
 *         else
 *             rc = weft_http_multipart_save(form, "/var/tmp", &file, &file_bytes);
 *         if (rc < 0)
 *             break;
 *     }
 *     weft_http_multipart_close(form);
 *     if (rc < 0)
 *         return rc; // answered 400, 413, 415 … with what is wrong
 *
 * For large files give the route WEFT_HTTP_STREAM_BODY; its body_bytes_max holds for all parts
 * together.  On other routes the whole body is in memory already.
 *
 * Library: weft-http.
 */
#ifndef WEFT_HTTP_MULTIPART_H
#define WEFT_HTTP_MULTIPART_H

#include <weft/http.h>

WEFT_BEGIN_DECLS

typedef struct weft_http_multipart weft_http_multipart;

/* Zero means the default, in every field. */
typedef struct weft_http_multipart_limits {
    uint32_t part_count_max; /* 100 */
    uint32_t head_bytes_max; /* all fields of one part: 8 KiB */
    uint32_t name_bytes_max; /* 256 */
    uint64_t part_bytes_max; /* data of one part: as the body */
} weft_http_multipart_limits;

/* A part.  Borrowed until the next call of weft_http_multipart_next(). */
typedef struct weft_http_part {
    weft_str name;      /* of the field; UTF-8 */
    weft_str file_name; /* what the client says it is called, UTF-8; never a path to open; ptr NULL:
                           it is no file */
    weft_str type;      /* its Content-Type; ptr NULL: not said */
} weft_http_part;

/* Begins to read the request's body as a form; `limits` may be NULL, and is copied.  0;
 * -WEFT_ESYNTAX: it has another Content-Type; a handler that returns this answers 415; -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_http_multipart_open(weft_http_multipart **out,
                                                    weft_http_request *req,
                                                    const weft_http_multipart_limits *limits);

/* Goes to the next part.  1: *out describes it; 0: there are no more.  What is left of the part
 * before is skipped.  -WEFT_ESYNTAX, -WEFT_ELIMIT, -WEFT_ETRUNCATED and the errors of
 * weft_http_read(): return them from the handler, and the client is told. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_http_multipart_next(weft_http_multipart *form,
                                                               weft_http_part *out);

/* Reads the next bytes of the part, at least one and at most `bytes`, and returns how many; 0 at
 * its end.  Errors as weft_http_multipart_next(). */
WEFT_API WEFT_WAITS WEFT_MUST_USE ssize_t weft_http_multipart_read(weft_http_multipart *form,
                                                                   void *buf, size_t bytes);

/* Reads all of the part into *out, which the caller frees with weft_bytes_free().  -WEFT_ELIMIT
 * past `bytes_max`; a handler that returns this answers 413.  On failure *out is not touched. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_http_multipart_load(weft_http_multipart *form,
                                                               size_t bytes_max, weft_bytes *out);

/* Writes all of the part to a temporary file in the directory `folder`, which has no name: *out_fd,
 * positioned at its beginning, is the caller's, and weft_close() deletes the file.  `out_bytes` may
 * be NULL.  Also errors of the system's calls; on failure nothing is left. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_http_multipart_save(weft_http_multipart *form,
                                                               const char *folder, int *out_fd,
                                                               uint64_t *out_bytes);

/* Frees it.  NULL is fine. */
WEFT_API void weft_http_multipart_close(weft_http_multipart *form);

WEFT_END_DECLS

#endif
