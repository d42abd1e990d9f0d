/* SPDX-License-Identifier: MIT */

/*
 * Files over HTTP: serves the files of a directory.
 *
 *     weft_http_files *files;
 *     WEFT_TRY(weft_http_files_open(&files, "/srv/site", NULL));
 *     weft_http_route route = {
 *         .method = "GET",
 *         .path = "/static/{path*}",
 *         .handler = weft_http_files_handler,
 *         .arg = files,
 *         .handler_time_max = 3600 * WEFT_SEC, // a slow client and a large file
 *     };
 *
 * Nothing outside of the directory is ever sent, whatever the path says and whatever is moved about
 * in it meanwhile (weft_open_beneath() of <weft/file.h>).  Symbolic links are followed as long as
 * they stay inside, unless the options refuse them.  404 is given for names that begin with '.',
 * except below "/.well-known/", and for what is no regular file.  A directory is answered with its
 * index file; without the '/' at its end it is redirected, query included ("/static", too).
 *
 * Answers have Content-Type by the name's ending, Last-Modified, an ETag made of time and size,
 * Accept-Ranges and "X-Content-Type-Options: nosniff".  Conditions (If-None-Match,
 * If-Modified-Since, If-Match, If-Unmodified-Since, If-Range) and ranges, one or up to 16, are
 * answered as RFC 9110 says.  HEAD is GET without the body.
 *
 * Reading never blocks the loop, and runs no further ahead than the client takes: a file of any
 * size needs 64 KiB of memory.  The length is taken at the beginning: what is appended later is not
 * sent; if the file gets shorter the connection is broken off, so that nobody takes a part for the
 * whole.
 *
 * Library: weft-http.
 */
#ifndef WEFT_HTTP_FILES_H
#define WEFT_HTTP_FILES_H

#include <weft/http.h>

WEFT_BEGIN_DECLS

typedef struct weft_http_files weft_http_files;

/* The ending of a name, in lower case without the '.', and what such a file is. */
typedef struct weft_http_file_type {
    const char *ending, *type;
} weft_http_file_type;

/* Zero means "choose for me" in every field.  Strings and types are borrowed. */
typedef struct weft_http_files_options {
    const char *index;         /* the file that answers for a directory; NULL: "index.html" */
    const char *cache_control; /* value of that field, as "max-age=3600"; NULL: none */
    const weft_http_file_type *types; /* before the table that is built in */
    size_t type_count;
    bool refuses_links; /* any symbolic link below the directory */
    bool shows_dotfiles;
    bool has_compressed; /* beside NAME may lie NAME.zst, NAME.br or NAME.gz, not older: the same,
                            for clients that take it */
} weft_http_files_options;

/* Opens a directory for serving, in *out; `options` may be NULL, and is copied, but not its
 * strings.  -ENOENT, -ENOTDIR …; -EINVAL: a cache_control with a control character; -ENOMEM. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_http_files_open(weft_http_files **out,
                                                           const char *directory,
                                                           const weft_http_files_options *options);

/* Closes and frees, when no handler uses it any more.  NULL is fine. */
WEFT_API void weft_http_files_close(weft_http_files *files);

/* The handler for a route with a parameter {path*}; the route's `arg` is the weft_http_files. */
WEFT_API WEFT_WAITS int weft_http_files_handler(weft_http_request *req, weft_http_response *res,
                                                void *arg);

/* For any handler of GET: answers with the file at `path`, relative to the directory, or with 404
 * or 403.  Fields that were set before are sent with it.  Returns errors of reading and sending,
 * for the handler to return. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_http_files_send(weft_http_files *files,
                                                           weft_http_request *req,
                                                           weft_http_response *res, weft_str path);

/* Like weft_http_write(), but the piece is `bytes` bytes of the open file `file`, from `offset` on.
 * Over HTTP/1 without TLS, with weft_http_set_length() and not compressed, they go from the page
 * cache to the socket (weft_stream_send_file() of <weft/net.h>); else they are read and written.
 * Also -WEFT_ETRUNCATED: the file is or became shorter. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_http_write_file(weft_http_response *res, int file,
                                                           uint64_t offset, uint64_t bytes);

WEFT_END_DECLS

#endif
