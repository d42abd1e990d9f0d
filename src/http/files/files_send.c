/* SPDX-License-Identifier: MIT */

/* A file's bytes: all of them, none, or the ranges that were asked for. */

#include <weft/error.h>
#include <weft/file.h>

#include "base/alloc.h"
#include "h1/chars.h"
#include "h1/head.h"
#include "http/coded/coded_answer.h"
#include "http/exchange/request.h"
#include "http/exchange/response.h"
#include "http/files/files_priv.h"
#include "http/files/range.h"
#include "http/server/conn.h"
#include "http/server/server.h"

#include <stdio.h>
#include <string.h>

#define PIECE_BYTES ((size_t)64 * 1024)
#define PART_HEAD_BYTES 320

/* ---- bytes of the file ---- */

/* All of them, or -WEFT_ETRUNCATED: the file was longer when its length was said. */
static int read_whole(int fd, char *buf, size_t count, uint64_t offset)
{
    for (size_t done = 0; done < count;) {
        ssize_t got = weft_pread(fd, buf + done, count - done, (int64_t)(offset + done));
        if (got < 0)
            return (int)got;
        if (got == 0)
            return weft_fail(-WEFT_ETRUNCATED, "the file became shorter while it was sent");
        done += (size_t)got;
    }
    return 0;
}

/* One piece after the other, each when the client has made room for it. */
static int write_read(weft_http_response *res, int fd, uint64_t first, uint64_t count)
{
    char *buf = wf_alloc(PIECE_BYTES);
    int rc = buf != NULL ? 0 : -ENOMEM;
    while (rc == 0 && count > 0) {
        size_t piece = count < PIECE_BYTES ? (size_t)count : PIECE_BYTES;
        rc = read_whole(fd, buf, piece, first);
        if (rc == 0)
            rc = weft_http_write(res, buf, piece);
        first += piece;
        count -= piece;
    }
    wf_free(buf);
    return rc;
}

int weft_http_write_file(weft_http_response *res, int file, uint64_t offset, uint64_t bytes)
{
    int rc = wf_response_write_file(res, file, offset, bytes);
    return rc == -EOPNOTSUPP ? write_read(res, file, offset, bytes) : rc;
}

/* ---- whole ---- */

static bool is_head(const weft_http_request *req)
{
    return req->head.method == WF_H1_HEAD;
}

static int begin(weft_http_response *res, int status, const char *type, uint64_t length)
{
    WEFT_TRY(weft_http_set_status(res, status));
    WEFT_TRY(weft_http_set_field(res, "Content-Type", weft_str_of(type)));
    WEFT_TRY(weft_http_set_length(res, length));
    return weft_http_write(res, NULL, 0);
}

static int send_small(weft_http_response *res, const struct wf_file *file)
{
    size_t bytes = (size_t)file->bytes;
    char *buf = bytes != 0 ? wf_alloc(bytes) : NULL;
    if (bytes != 0 && buf == NULL)
        return -ENOMEM;
    int rc = read_whole(file->fd, buf, bytes, 0);
    if (rc == 0)
        rc = weft_http_respond(res, 200, file->type, buf, bytes);
    wf_free(buf);
    return rc;
}

static int answer_whole(const weft_http_request *req, weft_http_response *res,
                        const struct wf_file *file)
{
    if (!is_head(req) && file->bytes <= PIECE_BYTES)
        return send_small(res, file);
    WEFT_TRY(begin(res, 200, file->type, file->bytes));
    return is_head(req) ? 0 : weft_http_write_file(res, file->fd, 0, file->bytes);
}

/* ---- ranges ---- */

static int put_content_range(char out[96], const struct wf_range *range, uint64_t length)
{
    return snprintf(out, 96, "bytes %llu-%llu/%llu", (unsigned long long)range->first,
                    (unsigned long long)(range->first + range->count - 1),
                    (unsigned long long)length);
}

static int answer_one(weft_http_response *res, const struct wf_file *file,
                      const struct wf_range *range)
{
    char text[96];
    (void)put_content_range(text, range, file->bytes);
    WEFT_TRY(weft_http_set_field(res, "Content-Range", weft_str_of(text)));
    WEFT_TRY(begin(res, 206, file->type, range->count));
    return weft_http_write_file(res, file->fd, range->first, range->count);
}

/* Several parts in one body (RFC 9110 14.6). */
struct multipart {
    char boundary[40];
    const struct wf_file *file;
    const struct wf_range *ranges;
    int count;
};

static size_t part_head(const struct multipart *parts, int index, char out[PART_HEAD_BYTES])
{
    char text[96];
    (void)put_content_range(text, &parts->ranges[index], parts->file->bytes);
    int len = snprintf(out, PART_HEAD_BYTES,
                       "\r\n--%s\r\nContent-Type: %.128s\r\nContent-Range: %s\r\n\r\n",
                       parts->boundary, parts->file->type, text);
    return (size_t)len;
}

static uint64_t multipart_bytes(const struct multipart *parts)
{
    char head[PART_HEAD_BYTES];
    uint64_t bytes = strlen(parts->boundary) + 8; /* of the last line */
    for (int i = 0; i < parts->count; i++)
        bytes += part_head(parts, i, head) + parts->ranges[i].count;
    return bytes;
}

static int multipart_send(weft_http_response *res, const struct multipart *parts)
{
    char head[PART_HEAD_BYTES];
    for (int i = 0; i < parts->count; i++) {
        const struct wf_range *range = &parts->ranges[i];
        WEFT_TRY(weft_http_write(res, head, part_head(parts, i, head)));
        WEFT_TRY(weft_http_write_file(res, parts->file->fd, range->first, range->count));
    }
    int len = snprintf(head, sizeof head, "\r\n--%s--\r\n", parts->boundary);
    return weft_http_write(res, head, (size_t)len);
}

/* A boundary that nobody can have put into the file. */
static int answer_several(weft_http_request *req, weft_http_response *res,
                          const struct wf_file *file, const struct wf_range *ranges, int count)
{
    weft_http_server *server = req->conn->server;
    struct multipart parts = {.file = file, .ranges = ranges, .count = count};
    char type[96];
    snprintf(parts.boundary, sizeof parts.boundary, "weft%016llx%016llx",
             (unsigned long long)wf_http_server_random(server),
             (unsigned long long)wf_http_server_random(server));
    snprintf(type, sizeof type, "multipart/byteranges; boundary=%s", parts.boundary);
    WEFT_TRY(begin(res, 206, type, multipart_bytes(&parts)));
    return multipart_send(res, &parts);
}

static int answer_unsatisfiable(weft_http_response *res, const struct wf_file *file)
{
    char text[64];
    snprintf(text, sizeof text, "bytes */%llu", (unsigned long long)file->bytes);
    WEFT_TRY(weft_http_set_field(res, "Content-Range", weft_str_of(text)));
    return weft_http_fail(res, 416, NULL, "None of these ranges is in the file.");
}

/* ---- the verdict ---- */

static enum wf_verdict judge(const weft_http_request *req, struct wf_conditions *conditions)
{
    for (uint32_t i = 0; i < req->head.field_count; i++) {
        const struct wf_h1_field *field = &req->fields[i];
        wf_conditions_add(conditions, (weft_str){req->text + field->name_at, field->name_len},
                          (weft_str){req->text + field->value_at, field->value_len});
    }
    return wf_conditions_judge(conditions, /* reads= */ true);
}

/* The ranges to send: as wf_range_parse.  Of GET alone (RFC 9110 14.2). */
static int ranges_of(const weft_http_request *req, const struct wf_conditions *conditions,
                     const struct wf_file *file, struct wf_range ranges[WF_RANGE_COUNT_MAX])
{
    weft_str field = weft_http_field(req, "range");
    if (field.ptr == NULL || is_head(req) || !wf_conditions_allow_range(conditions))
        return 0;
    return wf_range_parse(field, file->bytes, ranges);
}

int wf_files_answer(const weft_http_files *files, weft_http_request *req, weft_http_response *res,
                    const struct wf_file *file)
{
    struct wf_conditions conditions;
    struct wf_range ranges[WF_RANGE_COUNT_MAX];
    wf_conditions_init(&conditions, &file->validators);
    enum wf_verdict verdict = judge(req, &conditions);
    if (verdict == WF_PRECONDITION_FAILED)
        return weft_http_fail(res, 412, NULL, "The file is not as the request's condition says.");
    int count = ranges_of(req, &conditions, file, ranges);
    if (verdict == WF_PROCEED && count == WF_RANGE_NONE_SATISFIABLE)
        return answer_unsatisfiable(res, file);
    WEFT_TRY(wf_files_put_fields(files, res, file));
    if (verdict == WF_NOT_MODIFIED) {
        WEFT_TRY(wf_coded_not_modified(res, weft_str_of(file->type), file->bytes));
        return weft_http_respond(res, 304, NULL, NULL, 0);
    }
    if (count == 0)
        return answer_whole(req, res, file);
    if (count == 1)
        return answer_one(res, file, &ranges[0]);
    return answer_several(req, res, file, ranges, count);
}
