/* SPDX-License-Identifier: MIT */

/* Decoding under limits, whatever the codec. */

#include "coding/codec.h"

#include "base/alloc.h"

/* Small texts of one letter are no attack. */
#define RATIO_FROM_BYTES ((uint64_t)64 * 1024)

struct wf_decoder {
    const struct wf_codec *codec;
    struct wf_coding_limits limits;
    uint64_t in_bytes, out_bytes;
    bool is_ended; /* the coded data came to its end */
    int rc;        /* of the last step that failed */
    _Alignas(16) char state[];
};

int wf_decoder_new(struct wf_decoder **out, enum wf_coding coding,
                   const struct wf_coding_limits *limits)
{
    const struct wf_codec *codec = wf_codec_of(coding);
    if (codec == NULL)
        return -EPROTONOSUPPORT;
    struct wf_decoder *decoder = wf_alloc(sizeof *decoder + codec->decoder_bytes);
    if (decoder == NULL)
        return -ENOMEM;
    decoder->codec = codec;
    decoder->limits = *limits;
    int rc = codec->decoder_init(decoder->state);
    if (rc < 0) {
        wf_decoder_free(decoder);
        return rc;
    }
    *out = decoder;
    return 0;
}

void wf_decoder_free(struct wf_decoder *decoder)
{
    if (decoder == NULL)
        return;
    decoder->codec->decoder_fini(decoder->state);
    wf_free(decoder);
}

static bool is_over_bytes(const struct wf_decoder *decoder)
{
    return decoder->limits.bytes_max != 0 && decoder->out_bytes > decoder->limits.bytes_max;
}

static bool is_over_ratio(const struct wf_decoder *decoder)
{
    return decoder->limits.ratio_max != 0 && decoder->out_bytes > RATIO_FROM_BYTES &&
           decoder->out_bytes / decoder->limits.ratio_max > decoder->in_bytes;
}

/* One call of the library, counted.  1: an end of coded data. */
static int decode_once(struct wf_decoder *decoder, struct wf_coding_io *io)
{
    size_t in_len = io->in_len, room = io->room;
    int rc = decoder->codec->decode(decoder->state, io);
    decoder->in_bytes += in_len - io->in_len;
    decoder->out_bytes += room - io->room;
    if (rc >= 0 && (is_over_bytes(decoder) || is_over_ratio(decoder)))
        return -WEFT_ELIMIT;
    return rc;
}

static int decode(struct wf_decoder *decoder, struct wf_coding_io *io)
{
    for (;;) {
        if (decoder->is_ended && io->in_len == 0)
            return 0;
        if (decoder->is_ended) { /* as in the files that `cat a.gz b.gz` makes */
            if (decoder->codec->decode_again == NULL)
                return -WEFT_ESYNTAX;
            int rc = decoder->codec->decode_again(decoder->state);
            if (rc < 0)
                return rc;
            decoder->is_ended = false;
        }
        int rc = decode_once(decoder, io);
        if (rc <= 0)
            return rc;
        decoder->is_ended = true;
    }
}

int wf_decoder_step(struct wf_decoder *decoder, struct wf_coding_io *io)
{
    if (decoder->rc == 0)
        decoder->rc = decode(decoder, io);
    return decoder->rc;
}

bool wf_decoder_is_whole(const struct wf_decoder *decoder)
{
    return decoder->rc == 0 && (decoder->is_ended || decoder->in_bytes == 0);
}

const char *wf_decoder_limit(const struct wf_decoder *decoder, uint64_t *out_limit,
                             uint64_t *out_seen)
{
    if (is_over_bytes(decoder)) {
        *out_limit = decoder->limits.bytes_max;
        *out_seen = decoder->out_bytes;
        return "body_bytes_max";
    }
    *out_limit = decoder->limits.ratio_max;
    *out_seen = decoder->in_bytes != 0 ? decoder->out_bytes / decoder->in_bytes : 0;
    return "decoded_ratio_max";
}
