/* SPDX-License-Identifier: MIT */

/* The record of an encoder. */
#ifndef WF_MATCH_ENCODER_H
#define WF_MATCH_ENCODER_H

#include "match/file/sha256.h"
#include "match/model/reason.h"
#include "match/work.h"

#include <weft/encoder.h>

struct weft_encoder {
    const weft_encoder_class *cls;
    void *self;
    char *name;
    size_t dimension;
    uint8_t sum[WF_SHA256_BYTES]; /* of a model's files; zeros: made by the caller */
    unsigned refs;                /* atomic */

    /* As cls->encode, for those that take long: ends early when the job is halted; NULL: not one of
     * them. */
    int (*encode_job)(void *self, const weft_str *texts, size_t count, float *out,
                      const wf_job *job);
};

/* Vectors of texts that are UTF-8: 0, -WEFT_M_EMODEL if a number is not finite, or what the class
 * returns. */
int wf_encoder_run(weft_encoder *encoder, const weft_str *texts, size_t count, float *out,
                   const wf_job *job);

/* Opens the directory of a model.  Works here, waits for nothing.  0, -errno, -ENOMEM,
 * -WEFT_M_EMODEL. */
int wf_encoder_open(weft_encoder **out, const char *path, size_t dimension, wf_reason *reason);

/* True if a model that is asked for is nowhere. */
bool wf_encoder_is_missing(const char *model);

/* A static model; what it holds is `path`'s files. */
int wf_static_open(weft_encoder **out, const char *path, size_t dimension, wf_reason *reason);

#endif
