/* SPDX-License-Identifier: MIT */

#include "match/novelty/space.h"

#include "base/alloc.h"
#include "match/score/probability.h"

#include <math.h>
#include <string.h>

int wf_space_init(wf_space *space)
{
    *space = (wf_space){.counts = wf_array(WF_DIM_COUNT, sizeof(*space->counts)),
                        .idf = wf_array(WF_DIM_COUNT, sizeof(*space->idf))};
    if (space->counts != NULL && space->idf != NULL)
        return 0;
    wf_space_fini(space);
    return -ENOMEM;
}

void wf_space_fini(wf_space *space)
{
    wf_free(space->counts);
    wf_free(space->idf);
    *space = (wf_space){0};
}

/* The features of the folded text, into the seeker's. */
static int read_features(wf_seeker *seeker, weft_str raw)
{
    wf_features *features = &seeker->encoder.features;
    int rc = wf_probability_fold(seeker, raw);
    if (rc < 0)
        return rc;
    weft_str text = {wf_buf_ptr(&seeker->judge.text), wf_buf_bytes(&seeker->judge.text)};
    features->is_whole = true;
    rc = wf_features_extract(features, text);
    features->is_whole = false;
    return rc;
}

int wf_space_count(wf_space *space, wf_seeker *seeker, weft_str raw)
{
    const wf_features *features = &seeker->encoder.features;
    int rc = read_features(seeker, raw);
    if (rc < 0)
        return rc;
    /* Hashes ascend, so those of one dimension are neighbours. */
    uint32_t last = UINT32_MAX;
    for (size_t i = 0; i < features->count; i++) {
        uint32_t dim = wf_feature_dim(features->hashes[i]);
        space->counts[dim] += dim != last;
        last = dim;
    }
    space->count++;
    return 0;
}

void wf_space_weigh(wf_space *space)
{
    for (size_t i = 0; i < WF_DIM_COUNT; i++)
        space->idf[i] =
            (float)(log((1 + (double)space->count) / (1 + (double)space->counts[i])) + 1);
    wf_free(space->counts);
    space->counts = NULL;
}

static void make_unit(float vector[WF_SPACE_DIM])
{
    double sum = 0;
    for (size_t i = 0; i < WF_SPACE_DIM; i++)
        sum += (double)vector[i] * (double)vector[i];
    float inverse = sum > 0 ? (float)(1 / sqrt(sum)) : 0;
    for (size_t i = 0; i < WF_SPACE_DIM; i++)
        vector[i] *= inverse;
}

int wf_space_place(const wf_space *space, wf_seeker *seeker, weft_str raw, float out[WF_SPACE_DIM])
{
    const wf_features *features = &seeker->encoder.features;
    int rc = read_features(seeker, raw);
    if (rc < 0)
        return rc;
    memset(out, 0, WF_SPACE_DIM * sizeof(*out));
    for (size_t i = 0; i < features->count; i++) {
        uint64_t hash = features->hashes[i];
        float weight = (float)wf_feature_tf(features->counts[i]) * space->idf[wf_feature_dim(hash)];
        out[hash >> 24 & (WF_SPACE_DIM - 1)] += (hash >> 23 & 1) != 0 ? -weight : weight;
    }
    make_unit(out);
    return 0;
}

void wf_spot_of(const float vector[WF_SPACE_DIM], wf_spot *out)
{
    float most = 0;
    int32_t sum = 0;
    for (size_t i = 0; i < WF_SPACE_DIM; i++)
        most = fmaxf(most, fabsf(vector[i]));
    float scale = most > 0 ? 127 / most : 0;
    for (size_t i = 0; i < WF_SPACE_DIM; i++) {
        out->at[i] = (int8_t)lrintf(vector[i] * scale);
        sum += out->at[i] * out->at[i];
    }
    out->inverse = sum > 0 ? (float)(1 / sqrt((double)sum)) : 0;
}

void wf_spot_read(const wf_spot *spot, float out[WF_SPACE_DIM])
{
    for (size_t i = 0; i < WF_SPACE_DIM; i++)
        out[i] = (float)spot->at[i] * spot->inverse;
}

float wf_spot_cosine(const wf_spot *a, const wf_spot *b)
{
    int32_t sum = 0;
    for (size_t i = 0; i < WF_SPACE_DIM; i++)
        sum += a->at[i] * b->at[i];
    return fminf((float)sum * a->inverse * b->inverse, 1);
}
