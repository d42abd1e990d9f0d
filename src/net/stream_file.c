/* SPDX-License-Identifier: MIT */

/* A file's bytes, sent by a stream: from the page cache to the socket, or read and written. */

#include "net/stream_priv.h"

#include <weft/error.h>
#include <weft/file.h>
#include <weft/io.h>

#include "base/alloc.h"
#include "base/sys.h"

/* Handed to the kernel at a time: other connections have their turn between (rule I10). */
#define FILE_SEND_BYTES ((size_t)256 * 1024)
#define FILE_READ_BYTES ((size_t)64 * 1024)

struct file_span {
    int file;
    uint64_t offset, left, done;
    char *buf; /* FILE_READ_BYTES, from the first piece that is read */
};

static size_t span_piece(const struct file_span *span, size_t most)
{
    return span->left < most ? (size_t)span->left : most;
}

static void span_advance(struct file_span *span, uint64_t count)
{
    span->offset += count;
    span->left -= count;
    span->done += count;
}

/* The next bytes into `buf`: how many, at least 1. */
static ssize_t span_read(struct file_span *span)
{
    if (span->buf == NULL)
        span->buf = wf_alloc(FILE_READ_BYTES);
    if (span->buf == NULL)
        return -ENOMEM;
    ssize_t got =
        weft_pread(span->file, span->buf, span_piece(span, FILE_READ_BYTES), (int64_t)span->offset);
    return got != 0 ? got
                    : weft_fail(-WEFT_ETRUNCATED, "the file became shorter while it was sent");
}

/* ---- through the program ---- */

static int span_write(weft_stream *stream, struct file_span *span)
{
    int rc = 0;
    while (span->left != 0 && rc == 0) {
        ssize_t got = span_read(span);
        rc = got < 0 ? (int)got : weft_stream_write(stream, span->buf, (size_t)got);
        if (got > 0)
            span_advance(span, rc == 0 ? (uint64_t)got : weft_progress());
    }
    return rc;
}

/* ---- past it ---- */

/* A piece that is not in memory: reading brings what is behind it, too. */
static int span_push_read(weft_stream *stream, struct file_span *span)
{
    uint64_t sent = 0;
    ssize_t got = span_read(span);
    if (got < 0)
        return (int)got;
    int flags = (uint64_t)got < span->left ? MSG_MORE : 0;
    int rc = wf_stream_hold_send(stream, span->buf, (size_t)got, flags, &sent);
    span_advance(span, sent);
    return rc;
}

static int span_push(weft_stream *stream, struct file_span *span)
{
    int rc = 0;
    while (span->left != 0 && rc == 0) {
        rc = wf_stream_hold_enter(stream);
        if (rc < 0)
            break;
        stream->held_bytes = span->left;
        ssize_t got = wf_sys_send_file(stream->fd, span->file, (int64_t)span->offset,
                                       span_piece(span, FILE_SEND_BYTES));
        if (got > 0) {
            span_advance(span, (uint64_t)got);
            stream->sent_bytes += (uint64_t)got;
        } else if (got == -ENODATA) {
            rc = span_push_read(stream, span);
        } else {
            rc = wf_stream_hold_wait(stream, (int)got);
        }
    }
    return rc;
}

static int span_push_held(weft_stream *stream, struct file_span *span)
{
    int rc = wf_stream_hold(stream, MSG_MORE);
    if (rc < 0)
        return rc;
    rc = span_push(stream, span);
    wf_stream_unhold(stream);
    return rc;
}

int weft_stream_send_file(weft_stream *stream, int file, uint64_t offset, uint64_t bytes)
{
    struct file_span span = {.file = file, .offset = offset, .left = bytes};
    weft_progress_set(0);
    if (bytes > INT64_MAX || offset > INT64_MAX - bytes)
        return -EINVAL;
    bool is_direct = stream->filter == NULL && weft_platform_get()->send_file != NULL;
    int rc = is_direct ? span_push_held(stream, &span) : span_write(stream, &span);
    wf_free(span.buf);
    weft_progress_set(span.done);
    return rc;
}
