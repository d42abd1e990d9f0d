/* SPDX-License-Identifier: MIT */

/* Static: what training needs of a model of static token embeddings. */
#ifndef WF_MATCH_STATIC_H
#define WF_MATCH_STATIC_H

#include "match/model/encoder.h"

/* A text's tokens, and what each row of the table counts for in its vector.  Zeroed is ready. */
typedef struct wf_token_parts {
    uint32_t *ids;
    float *weights;
    size_t count, capacity;
} wf_token_parts;

void wf_token_parts_fini(wf_token_parts *parts);

bool wf_encoder_is_static(const weft_encoder *encoder);

/* 0 or -ENOMEM. */
int wf_static_parts(const weft_encoder *encoder, weft_str text, wf_token_parts *out);

/* The row of a token, of the encoder's dimension. */
void wf_static_row(const weft_encoder *encoder, uint32_t token, float *out);

#endif
