/* SPDX-License-Identifier: MIT */

/*
 * The lexical encoder: a text becomes a sparse vector of WF_DIM_COUNT dimensions.  The weight of a
 * feature is (1 + ln(times it occurs)) * idf; it is added to, or with its sign taken from, the
 * dimension its hash names.  Vectors are kept as they come out, with their length beside them, and
 * divided by it in the score.
 */
#ifndef WF_MATCH_LEXICAL_H
#define WF_MATCH_LEXICAL_H

#include "match/embed/features.h"
#include "match/embed/lexicon.h"

typedef struct wf_weight {
    uint32_t dim;
    float value;
} wf_weight;

/* Dimensions ascend.  The memory is the vector's own. */
typedef struct wf_vector {
    wf_weight *weights;
    size_t count, capacity;
    double norm; /* Euclidean length; 0: no direction, scores 0 */
} wf_vector;

void wf_vector_fini(wf_vector *vector);
int wf_vector_reserve(wf_vector *vector, size_t count);

/* What one thread needs to encode.  Zeroed is ready. */
typedef struct wf_encoder {
    wf_features features;
    float *idf;
    size_t idf_capacity;
} wf_encoder;

void wf_encoder_fini(wf_encoder *encoder);

/* Encodes `text` (normalised) into *out, replacing what it held.  0 or -ENOMEM. */
int wf_encode(wf_encoder *encoder, const wf_lexicon *lexicon, weft_str text, wf_vector *out);

/* 1 + ln(count).  Most features occur once, and a word alone counts twice. */
double wf_feature_tf_of_many(uint32_t count);
static inline double wf_feature_tf(uint32_t count)
{
    if (count == 1)
        return 1;
    return count == 2 ? 1.6931471805599453 : wf_feature_tf_of_many(count);
}

/* The signed weight of a feature that occurs `count` times. */
float wf_feature_weight(uint64_t hash, uint32_t count, float idf);

#endif
