/* SPDX-License-Identifier: MIT */

/* br (RFC 7932) by Brotli. */

#include "base/alloc.h"
#include "base/list.h"
#include "coding/codec.h"

#include <brotli/decode.h>
#include <brotli/encode.h>
#include <setjmp.h>

#define QUALITY 4 /* the last without the dear search: 5 takes twice the time for 5 % */
#define WINDOW_BITS 18

/* ---- encoding ---- */

/*
 * The encoder has no way to be told that there is no memory: it ends the process (1.0 to 1.1,
 * unless built otherwise).  So the allocator does not return to it then but leaves it by longjmp;
 * its blocks are in a list, and freed from there.
 */
struct encoder {
    BrotliEncoderState *brotli;
    wf_list blocks;
    jmp_buf no_memory;
    bool is_broken;
};

struct block {
    wf_list link;
    _Alignas(16) char bytes[];
};

static void *block_new(void *opaque, size_t bytes)
{
    struct encoder *encoder = opaque;
    struct block *block = wf_alloc(sizeof *block + bytes);
    if (block == NULL)
        longjmp(encoder->no_memory, 1);
    wf_list_append(&encoder->blocks, &block->link);
    return block->bytes;
}

static void block_free(void *opaque, void *ptr)
{
    (void)opaque;
    if (ptr == NULL)
        return;
    struct block *block = wf_container(ptr, struct block, bytes);
    wf_list_remove(&block->link);
    wf_free(block);
}

static int out_of_memory(struct encoder *encoder)
{
    encoder->is_broken = true;
    return -ENOMEM;
}

static int encoder_open(struct encoder *encoder)
{
    wf_list_init(&encoder->blocks);
    if (setjmp(encoder->no_memory) != 0)
        return out_of_memory(encoder);
    encoder->brotli = BrotliEncoderCreateInstance(block_new, block_free, encoder);
    return encoder->brotli != NULL ? 0 : out_of_memory(encoder);
}

static int encoder_init(void *state, uint64_t bytes)
{
    struct encoder *encoder = state;
    uint32_t hint = bytes < UINT32_MAX ? (uint32_t)bytes : 0, bits = BROTLI_MIN_WINDOW_BITS;
    while (bits < WINDOW_BITS && (uint64_t)1 << bits < bytes)
        bits++;
    int rc = encoder_open(encoder);
    if (rc < 0)
        return rc;
    (void)BrotliEncoderSetParameter(encoder->brotli, BROTLI_PARAM_QUALITY, QUALITY);
    (void)BrotliEncoderSetParameter(encoder->brotli, BROTLI_PARAM_LGWIN, bits);
    (void)BrotliEncoderSetParameter(encoder->brotli, BROTLI_PARAM_SIZE_HINT, hint);
    return 0;
}

static int encode(void *state, struct wf_coding_io *io, enum wf_coding_flush flush)
{
    struct encoder *encoder = state;
    BrotliEncoderOperation how =
        flush == WF_CODING_FINISH ? BROTLI_OPERATION_FINISH : BROTLI_OPERATION_FLUSH;
    const uint8_t *in = (const uint8_t *)io->in;
    uint8_t *out = (uint8_t *)io->out;
    if (encoder->is_broken || setjmp(encoder->no_memory) != 0)
        return out_of_memory(encoder);
    if (!BrotliEncoderCompressStream(encoder->brotli, how, &io->in_len, &in, &io->room, &out, NULL))
        return -ENOMEM;
    io->in = (const char *)in;
    io->out = (char *)out;
    if (flush == WF_CODING_FINISH)
        return BrotliEncoderIsFinished(encoder->brotli);
    return io->in_len == 0 && !BrotliEncoderHasMoreOutput(encoder->brotli);
}

static void encoder_fini(void *state)
{
    struct encoder *encoder = state;
    if (!encoder->is_broken)
        BrotliEncoderDestroyInstance(encoder->brotli);
    while (!wf_list_is_empty(&encoder->blocks)) {
        struct block *block = wf_container(encoder->blocks.next, struct block, link);
        wf_list_remove(&block->link);
        wf_free(block);
    }
}

/* ---- decoding ---- */

struct decoder {
    BrotliDecoderState *brotli;
};

static void *decoder_alloc(void *opaque, size_t bytes)
{
    (void)opaque;
    return wf_alloc(bytes);
}

static void decoder_free(void *opaque, void *ptr)
{
    (void)opaque;
    wf_free(ptr);
}

static int decoder_init(void *state)
{
    struct decoder *decoder = state;
    decoder->brotli = BrotliDecoderCreateInstance(decoder_alloc, decoder_free, NULL);
    return decoder->brotli != NULL ? 0 : -ENOMEM;
}

static bool is_memory_error(BrotliDecoderErrorCode code)
{
    return code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
           code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES;
}

static int decode(void *state, struct wf_coding_io *io)
{
    struct decoder *decoder = state;
    const uint8_t *in = (const uint8_t *)io->in;
    uint8_t *out = (uint8_t *)io->out;
    BrotliDecoderResult result =
        BrotliDecoderDecompressStream(decoder->brotli, &io->in_len, &in, &io->room, &out, NULL);
    io->in = (const char *)in;
    io->out = (char *)out;
    switch (result) {
    case BROTLI_DECODER_RESULT_SUCCESS:
        return 1;
    case BROTLI_DECODER_RESULT_ERROR:
        return is_memory_error(BrotliDecoderGetErrorCode(decoder->brotli)) ? -ENOMEM
                                                                           : -WEFT_ESYNTAX;
    default:
        return 0;
    }
}

static void decoder_fini(void *state)
{
    struct decoder *decoder = state;
    BrotliDecoderDestroyInstance(decoder->brotli);
}

const struct wf_codec wf_codec_br = {
    .name = "br",
    .encoder_bytes = sizeof(struct encoder),
    .encoder_init = encoder_init,
    .encode = encode,
    .encoder_fini = encoder_fini,
    .decoder_bytes = sizeof(struct decoder),
    .decoder_init = decoder_init,
    .decode = decode,
    .decoder_fini = decoder_fini,
};
