/* SPDX-License-Identifier: MIT */

#include "match/embed/lexical.h"

#include "base/alloc.h"

#include <math.h>

void wf_vector_fini(wf_vector *vector)
{
    wf_free(vector->weights);
    *vector = (wf_vector){0};
}

int wf_vector_reserve(wf_vector *vector, size_t count)
{
    if (count <= vector->capacity)
        return 0;
    wf_weight *weights = wf_grow(vector->weights, count, sizeof(*weights));
    if (weights == NULL)
        return -ENOMEM;
    vector->weights = weights;
    vector->capacity = count;
    return 0;
}

void wf_encoder_fini(wf_encoder *encoder)
{
    wf_features_fini(&encoder->features);
    wf_free(encoder->idf);
    *encoder = (wf_encoder){0};
}

double wf_feature_tf_of_many(uint32_t count)
{
    return 1 + log((double)count);
}

float wf_feature_weight(uint64_t hash, uint32_t count, float idf)
{
    double weight = wf_feature_tf(count) * (double)idf;
    return (float)(wf_feature_is_negative(hash) ? -weight : weight);
}

static int idf_reserve(wf_encoder *encoder, size_t count)
{
    if (count <= encoder->idf_capacity)
        return 0;
    size_t capacity = count < 256 ? 256 : count;
    float *idf = wf_grow(encoder->idf, capacity, sizeof(*idf));
    if (idf == NULL)
        return -ENOMEM;
    encoder->idf = idf;
    encoder->idf_capacity = capacity;
    return 0;
}

/* Features ascend by hash, so those of one dimension are neighbours. */
static void sum_dims(const wf_encoder *encoder, wf_vector *out)
{
    const wf_features *features = &encoder->features;
    double squares = 0;
    out->count = 0;
    for (size_t i = 0; i < features->count;) {
        uint32_t dim = wf_feature_dim(features->hashes[i]);
        float sum = 0;
        for (; i < features->count && wf_feature_dim(features->hashes[i]) == dim; i++)
            sum += wf_feature_weight(features->hashes[i], features->counts[i], encoder->idf[i]);
        if (sum == 0)
            continue; /* opposite signs met */
        out->weights[out->count++] = (wf_weight){.dim = dim, .value = sum};
        squares += (double)sum * (double)sum;
    }
    out->norm = sqrt(squares);
}

int wf_encode(wf_encoder *encoder, const wf_lexicon *lexicon, weft_str text, wf_vector *out)
{
    int rc = wf_features_extract(&encoder->features, text);
    if (rc == 0)
        rc = idf_reserve(encoder, encoder->features.count);
    if (rc == 0)
        rc = wf_vector_reserve(out, encoder->features.count);
    if (rc < 0)
        return rc;
    wf_lexicon_read(lexicon, &encoder->features, encoder->idf);
    sum_dims(encoder, out);
    return 0;
}
