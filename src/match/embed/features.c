/* SPDX-License-Identifier: MIT */

#include "match/embed/features.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "match/embed/sort.h"
#include "match/text/chars.h"

#define GRAM_MIN 2
#define GRAM_MAX 4

static const uint64_t hash_word = UINT64_C(0x9AE16A3B2F90404F);
static const uint64_t hash_gram = UINT64_C(0xC949D7C7509E6557); /* plus the length */

void wf_features_fini(wf_features *features)
{
    wf_free(features->hashes);
    wf_free(features->spare);
    wf_free(features->counts);
    wf_free(features->points);
    wf_free(features->offsets);
    wf_free(features->spans);
    *features = (wf_features){.keeps_spans = features->keeps_spans};
}

static inline uint64_t hash_step(uint64_t state, uint32_t c)
{
    uint64_t mixed = (state ^ c) * UINT64_C(0xFF51AFD7ED558CCD);
    return mixed << 29 | mixed >> 35;
}

static inline uint64_t hash_end(uint64_t state)
{
    state ^= state >> 33;
    state *= UINT64_C(0xFF51AFD7ED558CCD);
    state ^= state >> 33;
    state *= UINT64_C(0xC4CEB9FE1A85EC53);
    state ^= state >> 33;
    return state != 0 ? state : 1; /* 0 marks an empty place in tables */
}

/* The hashes, the sort's spare and the counts grow together, and old contents need not stay. */
static int features_reserve(wf_features *features, size_t needed)
{
    if (needed <= features->capacity)
        return 0;
    size_t capacity = needed < 256 ? 256 : needed + needed / 2;
    uint64_t *hashes = wf_array(capacity, sizeof(*hashes));
    uint64_t *spare = wf_array(capacity, sizeof(*spare));
    uint32_t *counts = wf_array(capacity, sizeof(*counts));
    if (hashes == NULL || spare == NULL || counts == NULL) {
        wf_free(hashes);
        wf_free(spare);
        wf_free(counts);
        return -ENOMEM;
    }
    wf_free(features->hashes);
    wf_free(features->spare);
    wf_free(features->counts);
    features->hashes = hashes;
    features->spare = spare;
    features->counts = counts;
    features->capacity = capacity;
    return 0;
}

static int points_reserve(wf_features *features, size_t needed)
{
    if (needed <= features->point_capacity)
        return 0;
    size_t capacity = needed < 64 ? 64 : needed + needed / 2;
    uint32_t *points = wf_array(capacity, sizeof(*points));
    uint32_t *offsets = wf_array(capacity, sizeof(*offsets));
    if (points == NULL || offsets == NULL) {
        wf_free(points);
        wf_free(offsets);
        return -ENOMEM;
    }
    wf_free(features->points);
    wf_free(features->offsets);
    features->points = points;
    features->offsets = offsets;
    features->point_capacity = capacity;
    return 0;
}

/* A text of n bytes has at most (n + 1) / 2 words and, with L characters in a word, 2 + 3L features
 * of it: never more than 5 a byte. */
static int reserve_for(wf_features *features, weft_str text)
{
    size_t most;
    if (!wf_mul_ok(text.len, 5, &most))
        return -ENOMEM;
    int rc = features_reserve(features, most);
    if (rc == 0)
        rc = points_reserve(features, text.len + 3);
    if (rc < 0 || !features->keeps_spans || most <= features->span_capacity)
        return rc;
    wf_span *spans = wf_grow(features->spans, most, sizeof(*spans));
    if (spans == NULL)
        return -ENOMEM;
    features->spans = spans;
    features->span_capacity = most;
    return 0;
}

/* Hashes of the padded word points[0, count): runs of 2, 3 and 4 from each place. */
static void add_grams(wf_features *features, size_t count)
{
    const uint32_t *points = features->points;
    uint64_t *out = features->hashes + features->count;
    for (size_t i = 0; i + GRAM_MIN <= count; i++) {
        uint64_t state = hash_step(hash_step(hash_gram, points[i]), points[i + 1]);
        *out++ = hash_end(state + GRAM_MIN);
        for (size_t n = GRAM_MIN + 1; n <= GRAM_MAX && i + n <= count; n++) {
            state = hash_step(state, points[i + n - 1]);
            *out++ = hash_end(state + n);
        }
    }
    features->count = (size_t)(out - features->hashes);
}

static void add_word(wf_features *features, size_t count)
{
    uint64_t state = hash_word;
    for (size_t i = 1; i + 1 < count; i++)
        state = hash_step(state, features->points[i]);
    uint64_t hash = hash_end(state);
    features->hashes[features->count++] = hash;
    features->hashes[features->count++] = hash;
}

/* Notes the places of the features that add_word and add_grams have just put at `first`, in the
 * order they put them. */
static void keep_spans(wf_features *features, size_t count, size_t first)
{
    const uint64_t *hash = features->hashes + first;
    const uint32_t *offsets = features->offsets;
    wf_span *out = features->spans + features->span_count;
    *out++ = (wf_span){.hash = *hash,
                       .start = offsets[1],
                       .bytes = offsets[count - 1] - offsets[1],
                       .is_word = true,
                       .at_word_start = true,
                       .at_word_end = true};
    hash += 2;
    for (size_t i = 0; i + GRAM_MIN <= count; i++) {
        for (size_t n = GRAM_MIN; n <= GRAM_MAX && i + n <= count; n++) {
            size_t from = i == 0 ? 1 : i, to = i + n == count ? count - 1 : i + n;
            *out++ = (wf_span){.hash = *hash,
                               .start = offsets[from],
                               .bytes = offsets[to] - offsets[from],
                               .at_word_start = i == 0,
                               .at_word_end = i + n == count};
            hash++;
        }
    }
    features->span_count = (size_t)(out - features->spans);
}

/* The word whose characters are in points[1, end) and which stops at byte `stop`. */
static void add_all(wf_features *features, size_t end, size_t stop)
{
    size_t first = features->count;
    features->points[end] = ' ';
    features->offsets[end] = (uint32_t)stop;
    add_word(features, end + 1);
    add_grams(features, end + 1);
    if (features->keeps_spans)
        keep_spans(features, end + 1, first);
}

static void take_words(wf_features *features, weft_str text)
{
    size_t at = 0, end = 1;
    features->points[0] = ' ';
    while (at < text.len) {
        size_t begin = at;
        uint32_t c = wf_utf8_next(text.ptr, &at);
        if (!wf_char_is_space(c)) {
            features->points[end] = c;
            features->offsets[end++] = (uint32_t)begin;
            continue;
        }
        if (end > 1)
            add_all(features, end, begin);
        end = 1;
    }
    if (end > 1)
        add_all(features, end, text.len);
}

/* Equal hashes become one with a count. */
static void fold(wf_features *features)
{
    size_t kept = 0;
    for (size_t i = 0; i < features->count;) {
        size_t same = i + 1;
        while (same < features->count && features->hashes[same] == features->hashes[i])
            same++;
        features->hashes[kept] = features->hashes[i];
        features->counts[kept++] = (uint32_t)(same - i);
        i = same;
    }
    features->count = kept;
}

int wf_features_extract(wf_features *features, weft_str text)
{
    features->count = 0;
    features->span_count = 0;
    int rc = reserve_for(features, text);
    if (rc < 0)
        return rc;
    take_words(features, text);
    wf_sort_keys(features->hashes, features->spare, features->count, 0);
    fold(features);
    return 0;
}
