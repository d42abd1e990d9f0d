/* SPDX-License-Identifier: MIT */

/* Sentence encoders: a directory of sentence-transformers as a weft_encoder. */
#ifndef WF_MATCH_SENTENCE_H
#define WF_MATCH_SENTENCE_H

#include "match/model/encoder.h"

/* `dimension` 0: all numbers.  0, -errno, -ENOMEM, -ECANCELED, -WEFT_M_EMODEL. */
int wf_sentence_open(weft_encoder **out, const char *path, size_t dimension, wf_reason *reason);

#endif
