/* SPDX-License-Identifier: MIT */

/* zstd (RFC 8878) by libzstd, whose own memory is the system's: its stable interface takes no
 * other. */

#include "base/alloc.h"
#include "coding/codec.h"

#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#define LEVEL 3
#define WINDOW_BITS 18
#define WINDOW_BITS_MAX 23 /* RFC 9659: what an HTTP peer may ask of us */
#define HEAD_BYTES_MAX 18  /* RFC 8878 3.1.1 */

struct encoder {
    ZSTD_CCtx *zstd;
};

struct decoder {
    ZSTD_DCtx *zstd;
    unsigned char head[HEAD_BYTES_MAX]; /* of the frame, as far as it has come */
    uint32_t head_bytes;
    uint64_t frame_bytes; /* that came out of it so far */
};

static int error_of(size_t result)
{
    ZSTD_ErrorCode code = ZSTD_getErrorCode(result);
    return code == ZSTD_error_memory_allocation ? -ENOMEM : -WEFT_ESYNTAX;
}

/* ---- encoding ---- */

static int encoder_init(void *state, uint64_t bytes)
{
    struct encoder *encoder = state;
    encoder->zstd = WEFT_FAULT(WEFT_FAULT_ALLOC, "zstd") ? NULL : ZSTD_createCCtx();
    if (encoder->zstd == NULL)
        return -ENOMEM;
    (void)ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_compressionLevel, LEVEL);
    (void)ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_windowLog, WINDOW_BITS);
    if (bytes != WF_CODING_UNKNOWN_BYTES)
        (void)ZSTD_CCtx_setPledgedSrcSize(encoder->zstd, bytes);
    return 0;
}

static int encode(void *state, struct wf_coding_io *io, enum wf_coding_flush flush)
{
    struct encoder *encoder = state;
    ZSTD_inBuffer in = {io->in, io->in_len, 0};
    ZSTD_outBuffer out = {io->out, io->room, 0};
    size_t left = ZSTD_compressStream2(encoder->zstd, &out, &in,
                                       flush == WF_CODING_FINISH ? ZSTD_e_end : ZSTD_e_flush);
    io->in += in.pos;
    io->in_len -= in.pos;
    io->out += out.pos;
    io->room -= out.pos;
    return ZSTD_isError(left) ? -ENOMEM : left == 0 && io->in_len == 0;
}

static void encoder_fini(void *state)
{
    struct encoder *encoder = state;
    (void)ZSTD_freeCCtx(encoder->zstd);
}

/* ---- decoding ---- */

static int decoder_init(void *state)
{
    struct decoder *decoder = state;
    decoder->zstd = WEFT_FAULT(WEFT_FAULT_ALLOC, "zstd") ? NULL : ZSTD_createDCtx();
    if (decoder->zstd == NULL)
        return -ENOMEM;
    (void)ZSTD_DCtx_setParameter(decoder->zstd, ZSTD_d_windowLogMax, WINDOW_BITS_MAX);
    return 0;
}

/* How many of the input's bytes stand in the head now. */
static size_t keep_head(struct decoder *decoder, const struct wf_coding_io *io)
{
    size_t room = HEAD_BYTES_MAX - decoder->head_bytes;
    size_t count = io->in_len < room ? io->in_len : room;
    if (count != 0)
        memcpy(decoder->head + decoder->head_bytes, io->in, count);
    decoder->head_bytes += (uint32_t)count;
    return count;
}

/* False if the frame is none of RFC 8878 3.1.  libzstd may also know the formats from before it:
 * old code, which no peer needs, and whose verdict depends on how the input was cut. */
static bool magic_is_right(const struct decoder *decoder)
{
    uint32_t magic = 0;
    for (size_t i = 0; i < 4; i++)
        magic |= (uint32_t)decoder->head[i] << 8 * i;
    return decoder->head_bytes < 4 || magic == ZSTD_MAGICNUMBER ||
           (magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START;
}

/* What its head says it holds, if it says so.  libzstd does not always look when the last block is
 * empty and the frame came in pieces. */
static bool size_is_right(const struct decoder *decoder)
{
    unsigned long long said = ZSTD_getFrameContentSize(decoder->head, decoder->head_bytes);
    return said == ZSTD_CONTENTSIZE_UNKNOWN || said == decoder->frame_bytes;
}

/* The first byte of a frame goes in alone: a frame that lies there whole libzstd decodes in another
 * way, which takes some that are wrong, so that its verdict would depend on how the input was cut.
 */
static int decode(void *state, struct wf_coding_io *io)
{
    struct decoder *decoder = state;
    bool is_first = decoder->head_bytes == 0 && io->in_len != 0;
    size_t kept = keep_head(decoder, io);
    if (!magic_is_right(decoder))
        return -WEFT_ESYNTAX;
    ZSTD_inBuffer in = {io->in, is_first ? 1 : io->in_len, 0};
    ZSTD_outBuffer out = {io->out, io->room, 0};
    size_t hint = 1;
    while (in.pos < in.size || out.pos < out.size) {
        size_t in_before = in.pos, out_before = out.pos;
        hint = ZSTD_decompressStream(decoder->zstd, &out, &in);
        in.size = io->in_len;
        if (ZSTD_isError(hint) || hint == 0 || (in.pos == in_before && out.pos == out_before))
            break;
    }
    if (in.pos < kept) /* they come again */
        decoder->head_bytes -= (uint32_t)(kept - in.pos);
    io->in += in.pos;
    io->in_len -= in.pos;
    io->out += out.pos;
    io->room -= out.pos;
    decoder->frame_bytes += out.pos;
    if (ZSTD_isError(hint))
        return error_of(hint);
    if (hint != 0)
        return 0;
    return size_is_right(decoder) ? 1 : -WEFT_ESYNTAX;
}

/* Frames follow one another; each begins by itself. */
static int decode_again(void *state)
{
    struct decoder *decoder = state;
    decoder->head_bytes = 0;
    decoder->frame_bytes = 0;
    return 0;
}

static void decoder_fini(void *state)
{
    struct decoder *decoder = state;
    (void)ZSTD_freeDCtx(decoder->zstd);
}

const struct wf_codec wf_codec_zstd = {
    .name = "zstd",
    .encoder_bytes = sizeof(struct encoder),
    .encoder_init = encoder_init,
    .encode = encode,
    .encoder_fini = encoder_fini,
    .decoder_bytes = sizeof(struct decoder),
    .decoder_init = decoder_init,
    .decode = decode,
    .decode_again = decode_again,
    .decoder_fini = decoder_fini,
};
