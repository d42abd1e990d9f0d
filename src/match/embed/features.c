/* SPDX-License-Identifier: MIT */

#include "match/embed/features.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "match/embed/gram.h"
#include "match/embed/sort.h"
#include "match/text/chars.h"

/* In whole mode a word counts as if it stood there so often. */
#define WORD_TIMES 3u

void wf_features_fini(wf_features *features)
{
    wf_free(features->hashes);
    wf_free(features->spare);
    wf_free(features->counts);
    wf_free(features->points);
    wf_free(features->offsets);
    wf_free(features->spans);
    *features = (wf_features){.keeps_spans = features->keeps_spans, .is_whole = features->is_whole};
}

/* The hashes, the sort's spare and the counts grow together; hashes so far stay. */
static int features_reserve(wf_features *features, size_t needed)
{
    if (needed <= features->capacity)
        return 0;
    size_t capacity = needed < 256 ? 256 : needed + needed / 2;
    uint64_t *hashes = wf_grow(features->hashes, capacity, sizeof(*hashes));
    if (hashes == NULL)
        return -ENOMEM;
    features->hashes = hashes;
    uint64_t *spare = wf_array(capacity, sizeof(*spare));
    uint32_t *counts = wf_array(capacity, sizeof(*counts));
    if (spare == NULL || counts == NULL) {
        wf_free(spare);
        wf_free(counts);
        return -ENOMEM;
    }
    wf_free(features->spare);
    wf_free(features->counts);
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
 * of it; as a whole, 3(n + 1) runs and WORD_TIMES a word: never more than 5n + 8. */
static int reserve_for(wf_features *features, weft_str text)
{
    size_t most;
    if (!wf_mul_ok(text.len, 5, &most) || !wf_add_ok(most, features->count + 8, &most))
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
    for (size_t i = 0; i + WF_GRAM_MIN <= count; i++) {
        uint64_t state = wf_hash_step(wf_hash_step(WF_HASH_GRAM, points[i]), points[i + 1]);
        *out++ = wf_hash_end(state + WF_GRAM_MIN);
        for (size_t n = WF_GRAM_MIN + 1; n <= WF_GRAM_MAX && i + n <= count; n++) {
            state = wf_hash_step(state, points[i + n - 1]);
            *out++ = wf_hash_end(state + n);
        }
    }
    features->count = (size_t)(out - features->hashes);
}

/* A word points[first, end), `times` times. */
static uint64_t add_word(wf_features *features, size_t first, size_t end, unsigned times)
{
    uint64_t hash = wf_hash_word((wf_points){features->points + first, end - first});
    hash = features->is_whole ? wf_hash_tagged(hash, /* is_word= */ true) : hash;
    for (unsigned i = 0; i < times; i++)
        features->hashes[features->count++] = hash;
    return hash;
}

static void keep_word_span(wf_features *features, uint64_t hash, size_t start, size_t end)
{
    features->spans[features->span_count++] = (wf_span){.hash = hash,
                                                        .start = (uint32_t)start,
                                                        .bytes = (uint32_t)(end - start),
                                                        .is_word = true,
                                                        .at_word_start = true,
                                                        .at_word_end = true};
}

/* Notes the places of the runs that add_grams has just put from `hash` on, in their order. */
static void keep_gram_spans(wf_features *features, size_t count, const uint64_t *hash)
{
    const uint32_t *offsets = features->offsets;
    wf_span *out = features->spans + features->span_count;
    for (size_t i = 0; i + WF_GRAM_MIN <= count; i++) {
        for (size_t n = WF_GRAM_MIN; n <= WF_GRAM_MAX && i + n <= count; n++) {
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

/* ---- word by word ---- */

/* The word whose characters are in points[1, end) and which stops at byte `stop`. */
static void add_all(wf_features *features, size_t end, size_t stop)
{
    features->points[end] = ' ';
    features->offsets[end] = (uint32_t)stop;
    uint64_t word = add_word(features, 1, end, 2);
    size_t first = features->count;
    add_grams(features, end + 1);
    if (!features->keeps_spans)
        return;
    keep_word_span(features, word, features->offsets[1], stop);
    keep_gram_spans(features, end + 1, features->hashes + first);
}

static void take_words(wf_features *features, weft_str text)
{
    size_t at = 0, end = 1;
    features->points[0] = ' ';
    while (at < text.len) {
        size_t begin = at;
        uint32_t c = wf_utf8_next(text.ptr, &at);
        if (!wf_utf8_is_space(c)) {
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

/* ---- as a whole ---- */

/* The words of points[1, end). */
static void add_words(wf_features *features, size_t end)
{
    for (size_t first = 1, at = 1; at <= end; at++) {
        if (at < end && features->points[at] != ' ')
            continue;
        if (at > first) {
            uint64_t hash = add_word(features, first, at, WORD_TIMES);
            if (features->keeps_spans)
                keep_word_span(features, hash, features->offsets[first], features->offsets[at]);
        }
        first = at + 1;
    }
}

static void take_whole(wf_features *features, weft_str text)
{
    size_t end = 1;
    features->points[0] = ' ';
    for (size_t at = 0; at < text.len;) {
        features->offsets[end] = (uint32_t)at;
        features->points[end++] = wf_utf8_next(text.ptr, &at);
    }
    features->points[end] = ' ';
    features->offsets[end] = (uint32_t)text.len;
    size_t first = features->count;
    add_grams(features, end + 1);
    for (size_t i = first; i < features->count; i++)
        features->hashes[i] = wf_hash_tagged(features->hashes[i], /* is_word= */ false);
    if (features->keeps_spans)
        keep_gram_spans(features, end + 1, features->hashes + first);
    add_words(features, end);
}

void wf_features_begin(wf_features *features)
{
    features->count = 0;
    features->span_count = 0;
}

int wf_features_append(wf_features *features, weft_str text)
{
    int rc = reserve_for(features, text);
    if (rc < 0)
        return rc;
    if (features->is_whole)
        take_whole(features, text);
    else
        take_words(features, text);
    return 0;
}

void wf_features_end(wf_features *features)
{
    wf_sort_keys(features->hashes, features->spare, features->count, 0);
    fold(features);
}

int wf_features_extract(wf_features *features, weft_str text)
{
    wf_features_begin(features);
    int rc = wf_features_append(features, text);
    if (rc == 0)
        wf_features_end(features);
    return rc;
}
