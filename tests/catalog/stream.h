/* SPDX-License-Identifier: MIT */

/* A file that is a text in memory, handed out in pieces of at most `piece` bytes. */
#ifndef WF_TESTS_STREAM_H
#define WF_TESTS_STREAM_H

#include <weft/catalog.h>

#include <string.h>
#include <sys/types.h>

struct stream {
    const char *text;
    size_t bytes, at, piece;
};

static ssize_t stream_read(void *buf, size_t bytes, void *arg)
{
    struct stream *stream = arg;
    size_t count = stream->bytes - stream->at;
    if (count > bytes)
        count = bytes;
    if (stream->piece != 0 && count > stream->piece)
        count = stream->piece;
    memcpy(buf, stream->text + stream->at, count);
    stream->at += count;
    return (ssize_t)count;
}

#endif
