/* SPDX-License-Identifier: MIT */

/* gzip (RFC 1952) and deflate (RFC 1950) by zlib. */

#include "base/alloc.h"
#include "coding/codec.h"

#include <limits.h>
#include <zlib.h>

#define LEVEL 5 /* within 3 % of the size of level 6 on JSON, in two thirds of the time */
#define WINDOW_BITS_MIN 9
#define WINDOW_BITS_MAX 15
#define GZIP 16 /* added to the window's bits */

struct inflater {
    z_stream z;
    int kind; /* 0: zlib format or bare, seen at the first byte; GZIP */
    bool is_open;
};

static void *zlib_alloc(void *opaque, unsigned count, unsigned bytes)
{
    (void)opaque;
    return wf_array(count, bytes);
}

static void zlib_free(void *opaque, void *ptr)
{
    (void)opaque;
    wf_free(ptr);
}

static void zlib_prepare(z_stream *z)
{
    z->zalloc = zlib_alloc;
    z->zfree = zlib_free;
}

/* Of longer pieces a part is shown: the counts of zlib are 32 bits wide. */
static unsigned zlib_count(size_t bytes)
{
    return bytes < UINT_MAX ? (unsigned)bytes : UINT_MAX;
}

static int zlib_call(z_stream *z, struct wf_coding_io *io, int (*call)(z_stream *, int), int flush)
{
    unsigned in = zlib_count(io->in_len), room = zlib_count(io->room);
    z->next_in = (Bytef *)(uintptr_t)io->in;
    z->avail_in = in;
    z->next_out = (Bytef *)io->out;
    z->avail_out = room;
    int rc = call(z, flush);
    io->in += in - z->avail_in;
    io->in_len -= in - z->avail_in;
    io->out += room - z->avail_out;
    io->room -= room - z->avail_out;
    return rc;
}

/* ---- encoding ---- */

/* A short text needs no window of 32 KiB, nor the clearing of 128 KiB of tables. */
static int window_bits(uint64_t bytes)
{
    int bits = WINDOW_BITS_MIN;
    while (bits < WINDOW_BITS_MAX && (uint64_t)1 << bits < bytes)
        bits++;
    return bits;
}

static int encoder_init(z_stream *z, uint64_t bytes, int kind)
{
    int bits = window_bits(bytes), memory = bits - 7; /* 2 to 8, zlib's own default */
    zlib_prepare(z);
    return deflateInit2(z, LEVEL, Z_DEFLATED, bits + kind, memory, Z_DEFAULT_STRATEGY) == Z_OK
               ? 0
               : -ENOMEM;
}

static int gzip_encoder_init(void *state, uint64_t bytes)
{
    return encoder_init(state, bytes, GZIP);
}

static int deflate_encoder_init(void *state, uint64_t bytes)
{
    return encoder_init(state, bytes, 0);
}

static int zlib_encode(void *state, struct wf_coding_io *io, enum wf_coding_flush flush)
{
    bool is_last = io->in_len <= UINT_MAX;
    int how = !is_last ? Z_NO_FLUSH : flush == WF_CODING_FINISH ? Z_FINISH : Z_SYNC_FLUSH;
    int rc = zlib_call(state, io, deflate, how);
    if (rc == Z_STREAM_END)
        return 1;
    if (rc != Z_OK && rc != Z_BUF_ERROR) /* the latter: there was nothing to do */
        return -ENOMEM;
    return flush == WF_CODING_FLUSH && io->in_len == 0 && io->room != 0;
}

static void zlib_encoder_fini(void *state)
{
    (void)deflateEnd(state);
}

/* ---- decoding ---- */

static int inflater_open(struct inflater *inflater, int bits)
{
    zlib_prepare(&inflater->z);
    inflater->is_open = inflateInit2(&inflater->z, bits) == Z_OK;
    return inflater->is_open ? 0 : -ENOMEM;
}

static int gzip_decoder_init(void *state)
{
    struct inflater *inflater = state;
    inflater->kind = GZIP;
    return inflater_open(inflater, WINDOW_BITS_MAX + GZIP);
}

static int deflate_decoder_init(void *state)
{
    (void)state; /* opened at the first byte */
    return 0;
}

/* "deflate" means the zlib format, whose first byte ends in 8 (RFC 1950 2.2); some peers send it
 * bare, and then a byte like that would begin a stored block with a bit set that must be unset. */
static int deflate_open(struct inflater *inflater, char first)
{
    bool is_bare = (first & 0x0f) != 8;
    return inflater_open(inflater, is_bare ? -WINDOW_BITS_MAX : WINDOW_BITS_MAX);
}

static int zlib_decode(void *state, struct wf_coding_io *io)
{
    struct inflater *inflater = state;
    if (io->in_len == 0 && !inflater->is_open)
        return 0;
    if (!inflater->is_open) {
        int rc = deflate_open(inflater, io->in[0]);
        if (rc < 0)
            return rc;
    }
    int rc = zlib_call(&inflater->z, io, inflate, Z_NO_FLUSH);
    switch (rc) {
    case Z_OK:
    case Z_BUF_ERROR: /* input or room is used up */
        return 0;
    case Z_STREAM_END:
        return 1;
    case Z_MEM_ERROR:
        return -ENOMEM;
    default:
        return -WEFT_ESYNTAX;
    }
}

static int gzip_decode_again(void *state)
{
    struct inflater *inflater = state;
    return inflateReset(&inflater->z) == Z_OK ? 0 : -WEFT_ESYNTAX;
}

static void zlib_decoder_fini(void *state)
{
    struct inflater *inflater = state;
    if (inflater->is_open)
        (void)inflateEnd(&inflater->z);
}

const struct wf_codec wf_codec_gzip = {
    .name = "gzip",
    .alias = "x-gzip",
    .encoder_bytes = sizeof(z_stream),
    .encoder_init = gzip_encoder_init,
    .encode = zlib_encode,
    .encoder_fini = zlib_encoder_fini,
    .decoder_bytes = sizeof(struct inflater),
    .decoder_init = gzip_decoder_init,
    .decode = zlib_decode,
    .decode_again = gzip_decode_again,
    .decoder_fini = zlib_decoder_fini,
};

const struct wf_codec wf_codec_deflate = {
    .name = "deflate",
    .encoder_bytes = sizeof(z_stream),
    .encoder_init = deflate_encoder_init,
    .encode = zlib_encode,
    .encoder_fini = zlib_encoder_fini,
    .decoder_bytes = sizeof(struct inflater),
    .decoder_init = deflate_decoder_init,
    .decode = zlib_decode,
    .decoder_fini = zlib_decoder_fini,
};
