/* SPDX-License-Identifier: MIT */

#include "match/embed/shares.h"

static float value_at(const wf_vector *vector, uint32_t dim)
{
    size_t low = 0, high = vector->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (vector->weights[middle].dim < dim)
            low = middle + 1;
        else
            high = middle;
    }
    return low < vector->count && vector->weights[low].dim == dim ? vector->weights[low].value : 0;
}

static bool goes_before(const wf_share *a, const wf_share *b)
{
    return a->weight > b->weight || (a->weight == b->weight && a->start < b->start);
}

/* Inserts where it belongs; what falls off the end is forgotten. */
static size_t keep(wf_share *shares, size_t count, size_t share_max, wf_share share)
{
    size_t at = count;
    while (at > 0 && goes_before(&share, &shares[at - 1]))
        at--;
    if (at == share_max)
        return count;
    size_t last = count < share_max ? count : share_max - 1;
    for (size_t i = last; i > at; i--)
        shares[i] = shares[i - 1];
    shares[at] = share;
    return last + 1;
}

static void place(wf_share *share, const wf_span *spans, size_t span_count)
{
    for (size_t i = 0; i < span_count; i++) {
        if (spans[i].hash != share->hash)
            continue;
        share->start = spans[i].start;
        share->bytes = spans[i].bytes;
        share->is_word = spans[i].is_word;
        share->at_word_start = spans[i].at_word_start;
        share->at_word_end = spans[i].at_word_end;
        return;
    }
}

size_t wf_share_weights(const wf_encoder *query, double query_norm, const wf_vector *row,
                        wf_share *shares, size_t share_max)
{
    const wf_features *features = &query->features;
    double norms = query_norm * row->norm;
    size_t count = 0;
    for (size_t i = 0; i < features->count && norms > 0; i++) {
        uint64_t hash = features->hashes[i];
        double mine = (double)wf_feature_weight(hash, features->counts[i], query->idf[i]);
        double theirs = (double)value_at(row, wf_feature_dim(hash));
        if (mine * theirs > 0)
            count = keep(shares, count, share_max,
                         (wf_share){.hash = hash, .weight = (float)(mine * theirs / norms)});
    }
    for (size_t i = 0; i < count; i++)
        place(&shares[i], features->spans, features->span_count);
    for (size_t i = 1; i < count; i++) /* now that they have places */
        keep(shares, i, share_max, shares[i]);
    return count;
}
