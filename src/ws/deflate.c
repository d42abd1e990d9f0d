/* SPDX-License-Identifier: MIT */

#include "ws/deflate.h"

#include "base/alloc.h"

#include <assert.h>
#include <string.h>
#include <zlib.h>

#define PIECE_BYTES_MIN ((size_t)1024)
#define PIECE_BYTES_MAX ((size_t)16 * 1024)
#define WINDOW_BITS_MAX 15
#define MEMORY_LEVEL 8
#define WINDOW_BITS_MIN 9

/* What every message ends with, and what is not sent. */
static const char flush_tail[4] = {0, 0, (char)0xff, (char)0xff};

struct wf_ws_deflate {
    struct wf_ws_deflate_terms terms;
    z_stream out, in;
    bool has_out, has_in;
    uint64_t read_bytes, given_bytes; /* of the message that comes in */
};

bool wf_ws_deflate_is_there(void)
{
    return true;
}

/* ---- memory ---- */

static void *deflate_alloc(void *opaque, unsigned count, unsigned bytes)
{
    (void)opaque;
    return wf_array(count, bytes);
}

static void deflate_release(void *opaque, void *ptr)
{
    (void)opaque;
    wf_free(ptr);
}

static void stream_init(z_stream *stream)
{
    *stream = (z_stream){.zalloc = deflate_alloc, .zfree = deflate_release};
}

struct wf_ws_deflate *wf_ws_deflate_new(const struct wf_ws_deflate_terms *terms)
{
    struct wf_ws_deflate *deflate = wf_alloc(sizeof *deflate);
    if (deflate != NULL)
        deflate->terms = *terms;
    return deflate;
}

static void drop_out(struct wf_ws_deflate *deflate)
{
    if (deflate->has_out)
        (void)deflateEnd(&deflate->out);
    deflate->has_out = false;
}

static void drop_in(struct wf_ws_deflate *deflate)
{
    if (deflate->has_in)
        (void)inflateEnd(&deflate->in);
    deflate->has_in = false;
}

void wf_ws_deflate_free(struct wf_ws_deflate *deflate)
{
    if (deflate == NULL)
        return;
    drop_out(deflate);
    drop_in(deflate);
    wf_free(deflate);
}

/* Input of any size, in steps that fit zlib's counters. */
static size_t stream_feed(z_stream *stream, weft_str *rest)
{
    size_t count = rest->len < (1u << 30) ? rest->len : 1u << 30;
    stream->next_in = (Bytef *)(uintptr_t)rest->ptr;
    stream->avail_in = (uInt)count;
    *rest = (weft_str){rest->ptr + count, rest->len - count};
    return count;
}

static size_t piece_bytes(size_t input)
{
    size_t bytes = input < PIECE_BYTES_MAX / 2 ? input * 2 : PIECE_BYTES_MAX;
    return bytes < PIECE_BYTES_MIN ? PIECE_BYTES_MIN : bytes;
}

/* ---- out ---- */

static int begin_out(struct wf_ws_deflate *deflate)
{
    if (deflate->has_out)
        return 0;
    /* zlib has no window of 256 bytes for raw data: for such a peer nothing refers to any. */
    bool is_tiny = deflate->terms.out_bits < WINDOW_BITS_MIN;
    int bits = is_tiny ? WINDOW_BITS_MIN : deflate->terms.out_bits;
    stream_init(&deflate->out);
    if (deflateInit2(&deflate->out, is_tiny ? Z_NO_COMPRESSION : Z_DEFAULT_COMPRESSION, Z_DEFLATED,
                     -bits, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
        return -ENOMEM;
    deflate->has_out = true;
    return 0;
}

/* Until all input is taken and, with a flush, all of the output is out. */
static int run_out(z_stream *stream, int flush, wf_buf *out)
{
    do {
        char *room = NULL;
        size_t bytes = piece_bytes(stream->avail_in);
        int rc = wf_buf_reserve(out, bytes, &room);
        if (rc < 0)
            return rc;
        stream->next_out = (Bytef *)room;
        stream->avail_out = (uInt)bytes;
        (void)deflate(stream, flush); /* cannot fail but for want of room */
        wf_buf_commit(out, bytes - stream->avail_out);
    } while (stream->avail_out == 0);
    return 0;
}

int wf_ws_compress(struct wf_ws_deflate *deflate, weft_str message, wf_buf *out)
{
    if (message.len == 0) /* of which zlib says nothing behind another: RFC 7692 7.2.3.6 */
        return wf_buf_putc(out, 0);
    size_t before = wf_buf_bytes(out);
    int rc = begin_out(deflate);
    while (rc == 0) {
        stream_feed(&deflate->out, &message);
        rc = run_out(&deflate->out, message.len == 0 ? Z_SYNC_FLUSH : Z_NO_FLUSH, out);
        if (message.len == 0)
            break;
    }
    if (rc == 0) {
        assert(wf_buf_bytes(out) - before >= sizeof flush_tail);
        wf_buf_drop(out, sizeof flush_tail);
    }
    if (rc < 0 || !deflate->terms.out_keeps)
        drop_out(deflate);
    return rc;
}

/* ---- in ---- */

static int begin_in(struct wf_ws_deflate *deflate)
{
    if (deflate->has_in)
        return 0;
    stream_init(&deflate->in);
    if (inflateInit2(&deflate->in, -WINDOW_BITS_MAX) != Z_OK)
        return -ENOMEM;
    deflate->has_in = true;
    return 0;
}

static int in_fault(struct wf_ws_fault *fault, uint16_t code, const char *reason)
{
    *fault = (struct wf_ws_fault){code, reason};
    return code == WF_WS_TOO_BIG ? -WEFT_ELIMIT : -WEFT_ESYNTAX;
}

static int check_growth(const struct wf_ws_deflate *deflate,
                        const struct wf_ws_inflate_limits *limits, struct wf_ws_fault *fault)
{
    uint64_t free_bytes = WF_WS_RATIO_FREE;
    if (deflate->given_bytes > limits->message_bytes_max)
        return in_fault(fault, WF_WS_TOO_BIG, "message too big");
    if (deflate->given_bytes > free_bytes &&
        (deflate->given_bytes - free_bytes) / limits->ratio_max > deflate->read_bytes)
        return in_fault(fault, WF_WS_TOO_BIG, "message compressed too much");
    return 0;
}

/* What one call of zlib came to: 1: go on, 0: all taken. */
static int judge_in(struct wf_ws_deflate *deflate, int result, struct wf_ws_fault *fault)
{
    z_stream *stream = &deflate->in;
    switch (result) {
    case Z_STREAM_END: /* a sender may end its stream and begin another (RFC 7692 7.2.3.4) */
        if (inflateReset(stream) != Z_OK)
            return -ENOMEM;
        return stream->avail_in > 0;
    case Z_OK:
        return stream->avail_in > 0 || stream->avail_out == 0;
    case Z_BUF_ERROR:
        return stream->avail_out == 0;
    case Z_MEM_ERROR:
        return -ENOMEM;
    default:
        return in_fault(fault, WF_WS_NOT_UTF8, "broken compressed data");
    }
}

static int run_in(struct wf_ws_deflate *deflate, weft_str piece,
                  const struct wf_ws_inflate_limits *limits, wf_buf *out, struct wf_ws_fault *fault)
{
    z_stream *stream = &deflate->in;
    int rc = 1;
    deflate->read_bytes += stream_feed(stream, &piece);
    while (rc > 0) {
        char *room = NULL;
        size_t bytes = piece_bytes(stream->avail_in);
        rc = wf_buf_reserve(out, bytes, &room);
        if (rc < 0)
            return rc;
        stream->next_out = (Bytef *)room;
        stream->avail_out = (uInt)bytes;
        rc = judge_in(deflate, inflate(stream, Z_SYNC_FLUSH), fault);
        size_t given = bytes - stream->avail_out;
        wf_buf_commit(out, given);
        deflate->given_bytes += given;
        if (rc >= 0) {
            int grown = check_growth(deflate, limits, fault);
            rc = grown < 0 ? grown : rc;
        }
    }
    return rc;
}

int wf_ws_inflate(struct wf_ws_deflate *deflate, weft_str piece, bool is_end,
                  const struct wf_ws_inflate_limits *limits, wf_buf *out, struct wf_ws_fault *fault)
{
    int rc = begin_in(deflate);
    if (rc == 0 && piece.len > 0)
        rc = run_in(deflate, piece, limits, out, fault);
    if (rc < 0 || !is_end)
        return rc;
    rc = run_in(deflate, (weft_str){flush_tail, sizeof flush_tail}, limits, out, fault);
    deflate->read_bytes = 0;
    deflate->given_bytes = 0;
    if (!deflate->terms.in_keeps)
        drop_in(deflate);
    return rc;
}
