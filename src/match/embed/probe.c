/* SPDX-License-Identifier: MIT */

#include "match/embed/probe.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

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

static float weight_of(const wf_encoder *encoder, size_t i)
{
    return (float)(wf_feature_tf(encoder->features.counts[i]) * (double)encoder->idf[i]);
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
        place->weight = weight_of(encoder, i);
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

static double cosine_of(double dot, double norms)
{
    double cosine = norms > 0 ? dot / norms : 0;
    return cosine > 1 - ONE_ERROR ? 1 : cosine;
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
    return cosine_of(dot, probe->norm * norm);
}

/* ---- short texts ---- */

/* Where a hash would be: they ascend and are spread evenly, so it is near to its part of them. */
static size_t find_hash(const wf_features *features, uint64_t hash)
{
    size_t at = (size_t)((hash >> 32) * features->count >> 32);
    while (at > 0 && features->hashes[at] > hash)
        at--;
    while (at < features->count && features->hashes[at] < hash)
        at++;
    return at;
}

/* What the encoder knows of a run; zero if it knows nothing. */
static wf_probe_run find_run(const wf_encoder *encoder, uint64_t hash)
{
    const wf_features *features = &encoder->features;
    size_t at = find_hash(features, hash);
    if (at >= features->count || features->hashes[at] != hash || !(encoder->idf[at] > 0))
        return (wf_probe_run){0};
    return (wf_probe_run){.weight = weight_of(encoder, at), .idf = encoder->idf[at]};
}

void wf_probe_take_short(wf_probe *probe, const wf_encoder *encoder, wf_points text)
{
    uint32_t padded[WF_PLACES_MAX + 2];
    size_t count = text.count + 2;
    if (text.count > 0)
        memcpy(padded + 1, text.at, text.count * sizeof(*padded));
    padded[0] = padded[count - 1] = ' ';
    for (size_t i = 0; i + WF_GRAM_MIN <= count; i++) {
        uint64_t state = wf_hash_step(WF_HASH_GRAM, padded[i]);
        for (size_t n = WF_GRAM_MIN; n <= WF_GRAM_MAX && i + n <= count; n++) {
            state = wf_hash_step(state, padded[i + n - 1]);
            probe->runs[n - WF_GRAM_MIN][i] =
                find_run(encoder, wf_hash_tagged(wf_hash_end(state + n), /* is_word= */ false));
        }
    }
    probe->norm = wf_probe_norm(encoder);
}

/* Counts the run of length `n` that begins at each of `places`, which is one run. */
static inline size_t meet_run(wf_probe *probe, unsigned n, uint64_t places, wf_probe_run **met,
                              size_t count)
{
    wf_probe_run *run = &probe->runs[n - WF_GRAM_MIN][__builtin_ctzll(places)];
    if (run->idf > 0 && run->count++ == 0)
        met[count++] = run;
    return count;
}

/* Runs are met in the order of wf_probe_cosine, so the sum is the same to the last bit. */
double wf_probe_cosine_short(wf_probe *probe, const wf_places *places, wf_numbered text,
                             double norm)
{
    wf_probe_run *met[(WF_GRAM_MAX - WF_GRAM_MIN + 1) * 64];
    const uint64_t *at = places->padded;
    size_t count = 0;
    for (size_t i = 0; i + WF_GRAM_MIN <= text.count; i++) {
        uint64_t left = at[text.at[i]];
        for (unsigned n = 1; n < WF_GRAM_MAX && i + n < text.count; n++) {
            left &= at[text.at[i + n]] >> n;
            if (left == 0)
                break;
            count = meet_run(probe, n + 1, left, met, count);
        }
    }
    double dot = 0;
    for (size_t i = 0; i < count; i++) {
        dot += (double)met[i]->weight * wf_feature_tf(met[i]->count) * (double)met[i]->idf;
        met[i]->count = 0;
    }
    return cosine_of(dot, probe->norm * norm);
}
