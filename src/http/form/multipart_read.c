/* SPDX-License-Identifier: MIT */

/* Multipart forms for handlers: the parser fed from the request's body. */

#include <weft/error.h>
#include <weft/file.h>
#include <weft/http_multipart.h>
#include <weft/io.h>
#include <weft/scope.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "http/exchange/request.h"
#include "http/form/multipart.h"
#include "http/server/conn.h"
#include "http/server/server.h"

#include <fcntl.h>
#include <stdio.h>

#define INPUT_BYTES ((size_t)16 * 1024)
#define NAME_TRIES 100

struct weft_http_multipart {
    weft_http_request *req;
    struct wf_multipart_limits limits;
    struct wf_multipart parser;
    weft_str piece;  /* of the part, not handed out yet; in `input` or the parser */
    weft_str unread; /* of `input` */
    bool is_in_part, has_ended;
    char input[INPUT_BYTES];
};

/* What is wrong is the client's doing, and the answer to a handler that returns it says so. */
static int blame(weft_http_request *req, const struct wf_http_fault *fault, int rc)
{
    req->framing.fault = *fault;
    return weft_fail(rc, "%s", fault->message);
}

static uint32_t or_default(uint32_t value, uint32_t usual)
{
    return value != 0 ? value : usual;
}

int weft_http_multipart_open(weft_http_multipart **out, weft_http_request *req,
                             const weft_http_multipart_limits *given)
{
    static const weft_http_multipart_limits usual = {0};
    weft_str boundary;
    if (given == NULL)
        given = &usual;
    if (!wf_multipart_boundary(weft_http_field(req, "content-type"), &boundary)) {
        struct wf_http_fault fault = wf_http_fault(
            415, "Content-Type must be multipart/form-data with a boundary.", WF_HTTP_NOWHERE);
        return blame(req, &fault, -WEFT_ESYNTAX);
    }
    weft_http_multipart *form = wf_alloc(sizeof *form);
    if (form == NULL)
        return -ENOMEM;
    form->req = req;
    form->unread.ptr = form->input;
    form->limits = (struct wf_multipart_limits){
        .part_count_max = or_default(given->part_count_max, 100),
        .head_bytes_max = or_default(given->head_bytes_max, 8 * 1024),
        .name_bytes_max = or_default(given->name_bytes_max, 256),
        .part_bytes_max = given->part_bytes_max,
    };
    wf_multipart_init(&form->parser, boundary, &form->limits);
    *out = form;
    return 0;
}

void weft_http_multipart_close(weft_http_multipart *form)
{
    if (form == NULL)
        return;
    wf_multipart_fini(&form->parser);
    wf_free(form);
}

/* More of the body.  1; 0 at its end, which is right; negative. */
static int form_refill(weft_http_multipart *form)
{
    ssize_t count = weft_http_read(form->req, form->input, sizeof form->input);
    if (count > 0) {
        form->unread = (weft_str){form->input, (size_t)count};
        return 1;
    }
    if (count < 0 || wf_multipart_is_done(&form->parser))
        return (int)count;
    struct wf_http_fault fault =
        wf_http_fault(400, "The body ends before its last boundary.", (int64_t)form->parser.offset);
    return blame(form->req, &fault, -WEFT_ETRUNCATED);
}

/* The next event, waiting for bytes.  WF_MULTIPART_MORE: the body has ended. */
static int form_event(weft_http_multipart *form, weft_str *piece)
{
    for (;;) {
        size_t used;
        int rc = wf_multipart_next(&form->parser, form->unread.ptr, form->unread.len, &used, piece);
        if (rc < 0 && form->parser.fault.status != 0)
            return blame(form->req, &form->parser.fault, rc);
        form->unread = (weft_str){form->unread.ptr + used, form->unread.len - used};
        if (rc != WF_MULTIPART_MORE)
            return rc;
        rc = form_refill(form);
        if (rc <= 0)
            return rc;
    }
}

int weft_http_multipart_next(weft_http_multipart *form, weft_http_part *out)
{
    const struct wf_multipart *parser = &form->parser;
    form->piece.len = 0;
    while (!form->has_ended) {
        int rc = form_event(form, &form->piece);
        if (rc < 0)
            return rc;
        form->has_ended = rc == WF_MULTIPART_MORE; /* behind the last boundary nothing was wrong */
        form->is_in_part = rc == WF_MULTIPART_PART || rc == WF_MULTIPART_DATA;
        if (rc != WF_MULTIPART_PART)
            continue;
        form->piece.len = 0;
        *out = (weft_http_part){parser->name, parser->file_name, parser->type};
        return 1;
    }
    form->piece.len = 0;
    return 0;
}

ssize_t weft_http_multipart_read(weft_http_multipart *form, void *buf, size_t bytes)
{
    if (form->piece.len == 0) {
        if (!form->is_in_part || bytes == 0)
            return 0;
        int rc = form_event(form, &form->piece);
        if (rc < 0)
            return rc;
        form->is_in_part = rc == WF_MULTIPART_DATA;
        if (!form->is_in_part) {
            form->piece.len = 0;
            return 0;
        }
    }
    size_t count = form->piece.len < bytes ? form->piece.len : bytes;
    memcpy(buf, form->piece.ptr, count);
    form->piece = (weft_str){form->piece.ptr + count, form->piece.len - count};
    return (ssize_t)count;
}

/* ---- into memory ---- */

static int load_fail(weft_http_multipart *form, size_t bytes_max)
{
    struct wf_http_fault fault =
        wf_http_fault_limit(413, "A part is too large.", "part_bytes_max", bytes_max,
                            (uint64_t)bytes_max + 1, WF_HTTP_NOWHERE);
    return blame(form->req, &fault, -WEFT_ELIMIT);
}

int weft_http_multipart_load(weft_http_multipart *form, size_t bytes_max, weft_bytes *out)
{
    wf_buf text = {0};
    ssize_t rc;
    char *room;
    for (;;) {
        rc = wf_buf_reserve(&text, 4096, &room);
        if (rc == 0)
            rc = weft_http_multipart_read(form, room, 4096);
        if (rc <= 0)
            break;
        wf_buf_commit(&text, (size_t)rc);
        if (wf_buf_bytes(&text) > bytes_max) {
            rc = load_fail(form, bytes_max);
            break;
        }
    }
    char *copy = rc == 0 ? wf_strdup(wf_buf_ptr(&text), wf_buf_bytes(&text)) : NULL;
    if (rc == 0 && copy == NULL)
        rc = -ENOMEM;
    if (rc == 0)
        *out = (weft_bytes){copy, wf_buf_bytes(&text)};
    wf_buf_fini(&text);
    return (int)rc;
}

/* ---- into a file ---- */

/* A name nobody has, taken away again, for file systems that make no nameless files. */
static int open_unlinked(weft_http_server *server, const char *folder)
{
    char path[4096];
    int fd = -EEXIST;
    for (int i = 0; i < NAME_TRIES && fd == -EEXIST; i++) {
        int len = snprintf(path, sizeof path, "%s/weft-%016llx", folder,
                           (unsigned long long)wf_http_server_random(server));
        if (len < 0 || (size_t)len >= sizeof path)
            return -ENAMETOOLONG;
        fd = weft_open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    }
    if (fd < 0)
        return fd;
    weft_scope cleanup;
    (void)weft_scope_open(&cleanup, weft_after(WEFT_CLEANUP_TIME),
                          WEFT_SCOPE_SHIELD | WEFT_SCOPE_CLEANUP);
    int rc = weft_scope_close(&cleanup, weft_unlink(path));
    if (rc == 0)
        return fd;
    weft_close(fd);
    return rc;
}

static int open_nameless(weft_http_server *server, const char *folder)
{
    int fd = weft_open(folder, O_RDWR | O_TMPFILE, 0600);
    bool is_unknown = fd == -EOPNOTSUPP || fd == -EISDIR || fd == -EINVAL;
    return is_unknown ? open_unlinked(server, folder) : fd;
}

static int write_file(int fd, const char *bytes, size_t count, uint64_t *offset)
{
    for (size_t at = 0; at < count;) {
        ssize_t rc = weft_pwrite(fd, bytes + at, count - at, (int64_t)*offset);
        if (rc < 0)
            return (int)rc;
        at += (size_t)rc;
        *offset += (size_t)rc;
    }
    return 0;
}

int weft_http_multipart_save(weft_http_multipart *form, const char *folder, int *out_fd,
                             uint64_t *out_bytes)
{
    uint64_t offset = 0;
    char *piece = wf_alloc(INPUT_BYTES);
    if (piece == NULL)
        return -ENOMEM;
    int fd = open_nameless(form->req->conn->server, folder), rc = fd < 0 ? fd : 0;
    while (rc == 0) {
        ssize_t count = weft_http_multipart_read(form, piece, INPUT_BYTES);
        rc = count <= 0 ? (int)count : write_file(fd, piece, (size_t)count, &offset);
        if (count == 0)
            break;
    }
    wf_free(piece);
    if (rc < 0) {
        if (fd >= 0)
            weft_close(fd);
        return rc;
    }
    *out_fd = fd;
    if (out_bytes != NULL)
        *out_bytes = offset;
    return 0;
}
