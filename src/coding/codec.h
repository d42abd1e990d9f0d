/* SPDX-License-Identifier: MIT */

/* A codec: what a library must give to be one of the codings. */
#ifndef WF_CODING_CODEC_H
#define WF_CODING_CODEC_H

#include "coding/coding.h"

struct wf_codec {
    const char *name, *alias;

    size_t encoder_bytes; /* of its state, zeroed at init */
    int (*encoder_init)(void *state, uint64_t bytes);
    int (*encode)(void *state, struct wf_coding_io *io, enum wf_coding_flush flush);
    void (*encoder_fini)(void *state); /* also after a failed init */

    size_t decoder_bytes;
    int (*decoder_init)(void *state);
    /* 1: the coded data ends here; 0: input or room is used up; -WEFT_ESYNTAX, -ENOMEM. */
    int (*decode)(void *state, struct wf_coding_io *io);
    /* Ready for another run of coded data behind the first; NULL: there is none in this coding. */
    int (*decode_again)(void *state);
    void (*decoder_fini)(void *state);
};

extern const struct wf_codec wf_codec_zstd, wf_codec_br, wf_codec_gzip, wf_codec_deflate;

/* NULL where it is not built in. */
const struct wf_codec *wf_codec_of(enum wf_coding coding);

#endif
