/* SPDX-License-Identifier: MIT */

#include "match/embed/probe.h"

#include "base/alloc.h"

#include <math.h>

#define BITS_MIN 6

/* Cosines this close to 1 are those of equal texts. */
#define ONE_ERROR 1e-6

/* Invariant between texts: count is 0. */
struct probe_place {
    uint64_t hash; /* 0: empty */
    float weight, idf;
    uint32_t count;
};

void wf_probe_fini(wf_probe *probe)
{
    wf_free(probe->places);
    wf_free(probe->met);
    *probe = (wf_probe){0};
}

static bool is_known_run(const wf_encoder *encoder, size_t i)
{
    return !wf_hash_is_word(encoder->features.hashes[i]) && encoder->idf[i] > 0;
}

double wf_probe_norm(const wf_encoder *encoder)
{
    double squares = 0;
    for (size_t i = 0; i < encoder->features.count; i++) {
        if (!is_known_run(encoder, i))
            continue;
        double weight = wf_feature_tf(encoder->features.counts[i]) * (double)encoder->idf[i];
        squares += weight * weight;
    }
    return sqrt(squares);
}

static inline size_t place_of(const wf_probe *probe, uint64_t hash)
{
    size_t mask = ((size_t)1 << probe->bits) - 1, at = (size_t)(hash >> 32) & mask;
    while (probe->places[at].hash != 0 && probe->places[at].hash != hash)
        at = (at + 1) & mask;
    return at;
}

/* At most half full. */
static int make_places(wf_probe *probe, size_t count)
{
    unsigned bits = BITS_MIN;
    while ((size_t)1 << bits < 2 * count)
        bits++;
    struct probe_place *places = wf_array((size_t)1 << bits, sizeof(*places));
    uint32_t *met = wf_array((size_t)1 << bits, sizeof(*met));
    wf_free(probe->places);
    wf_free(probe->met);
    probe->places = places;
    probe->met = met;
    probe->bits = bits;
    if (places != NULL && met != NULL)
        return 0;
    wf_probe_fini(probe);
    return -ENOMEM;
}

int wf_probe_take(wf_probe *probe, const wf_encoder *encoder)
{
    const wf_features *features = &encoder->features;
    int rc = make_places(probe, features->count);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < features->count; i++) {
        if (!is_known_run(encoder, i))
            continue;
        struct probe_place *place = &probe->places[place_of(probe, features->hashes[i])];
        place->hash = features->hashes[i];
        place->idf = encoder->idf[i];
        place->weight = (float)(wf_feature_tf(features->counts[i]) * (double)encoder->idf[i]);
    }
    probe->norm = wf_probe_norm(encoder);
    return 0;
}

static inline void meet(wf_probe *probe, uint64_t hash)
{
    size_t at = place_of(probe, wf_hash_tagged(hash, /* is_word= */ false));
    if (probe->places[at].hash != 0 && probe->places[at].count++ == 0)
        probe->met[probe->met_count++] = (uint32_t)at;
}

double wf_probe_cosine(wf_probe *probe, wf_points text, double norm)
{
    probe->met_count = 0;
    for (size_t i = 0; i + WF_GRAM_MIN <= text.count; i++) {
        uint64_t state = wf_hash_step(wf_hash_step(WF_HASH_GRAM, text.at[i]), text.at[i + 1]);
        meet(probe, wf_hash_end(state + WF_GRAM_MIN));
        for (size_t n = WF_GRAM_MIN + 1; n <= WF_GRAM_MAX && i + n <= text.count; n++) {
            state = wf_hash_step(state, text.at[i + n - 1]);
            meet(probe, wf_hash_end(state + n));
        }
    }
    double dot = 0;
    for (size_t i = 0; i < probe->met_count; i++) {
        struct probe_place *place = &probe->places[probe->met[i]];
        dot += (double)place->weight * wf_feature_tf(place->count) * (double)place->idf;
        place->count = 0;
    }
    double norms = probe->norm * norm;
    double cosine = norms > 0 ? dot / norms : 0;
    return cosine > 1 - ONE_ERROR ? 1 : cosine;
}
