/* SPDX-License-Identifier: MIT */

/*
 * Features of a text: 64-bit hashes (embed/gram.h) of its words and of its runs of 2, 3 and 4
 * characters.  The top bits of a hash are the dimension it falls into, the next one its sign.
 *
 * Word by word: each word twice, and the runs of each word with a space put at both ends.  As a
 * whole (is_whole): the runs of the whole text with a space at both ends, spaces included, and each
 * word three times; the lowest bit of a hash tells words from runs.
 */
#ifndef WF_MATCH_FEATURES_H
#define WF_MATCH_FEATURES_H

#include <weft/base.h>

#define WF_DIM_BITS 15
#define WF_DIM_COUNT (1u << WF_DIM_BITS)

/* Where a feature stands in its text, for people who ask why. */
typedef struct wf_span {
    uint64_t hash;
    uint32_t start, bytes; /* without the padding */
    bool is_word, at_word_start, at_word_end;
} wf_span;

/* Reusable memory, and what the last text gave.  Invariant after extract: hashes ascend strictly;
 * counts[i] is how often hashes[i] occurred. */
typedef struct wf_features {
    uint64_t *hashes, *spare;
    uint32_t *counts;
    size_t count, capacity;
    uint32_t *points;  /* of the word in hand, with its padding */
    uint32_t *offsets; /* where each stands in the text; the padding's: not set, end of word */
    size_t point_capacity;
    wf_span *spans; /* one a feature as it was met, twice for a word; only if keeps_spans */
    size_t span_count, span_capacity;
    bool keeps_spans;
    bool is_whole; /* texts have words with one space between them */
} wf_features;

void wf_features_fini(wf_features *features);

/* Takes the features of `text` (checked UTF-8).  0 or -ENOMEM. */
int wf_features_extract(wf_features *features, weft_str text);

/* The same of several texts together: begin, append each, end. */
void wf_features_begin(wf_features *features);
int wf_features_append(wf_features *features, weft_str text);
void wf_features_end(wf_features *features);

static inline uint32_t wf_feature_dim(uint64_t hash)
{
    return (uint32_t)(hash >> (64 - WF_DIM_BITS));
}

static inline bool wf_feature_is_negative(uint64_t hash)
{
    return (hash >> (63 - WF_DIM_BITS) & 1) != 0;
}

#endif
