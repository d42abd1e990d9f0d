/* SPDX-License-Identifier: MIT */

#include "coding/codec.h"

#include "base/alloc.h"

struct wf_encoder {
    const struct wf_codec *codec;
    _Alignas(16) char state[];
};

int wf_encoder_new(struct wf_encoder **out, enum wf_coding coding, uint64_t bytes)
{
    const struct wf_codec *codec = wf_codec_of(coding);
    if (codec == NULL)
        return -EPROTONOSUPPORT;
    struct wf_encoder *encoder = wf_alloc(sizeof *encoder + codec->encoder_bytes);
    if (encoder == NULL)
        return -ENOMEM;
    encoder->codec = codec;
    int rc = codec->encoder_init(encoder->state, bytes);
    if (rc < 0) {
        wf_encoder_free(encoder);
        return rc;
    }
    *out = encoder;
    return 0;
}

int wf_encoder_step(struct wf_encoder *encoder, struct wf_coding_io *io, enum wf_coding_flush flush)
{
    return encoder->codec->encode(encoder->state, io, flush);
}

void wf_encoder_free(struct wf_encoder *encoder)
{
    if (encoder == NULL)
        return;
    encoder->codec->encoder_fini(encoder->state);
    wf_free(encoder);
}
