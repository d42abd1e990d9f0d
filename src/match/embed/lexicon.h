/* SPDX-License-Identifier: MIT */

/*
 * Lexicon: how rare each feature of the catalogue is.  First rows are counted; then every count
 * becomes a weight, idf = ln((1 + rows) / (1 + rows with the feature)) + 1, and the lexicon is
 * constant and may be read by any thread.
 */
#ifndef WF_MATCH_LEXICON_H
#define WF_MATCH_LEXICON_H

#include "match/embed/features.h"
#include "match/file/image.h"

/* Open addressing, linear probing, at most 3/4 full.  The place of a hash is taken from its product
 * with an odd key, random or, of a file, a digest of all hashes, so that nobody can choose texts
 * that meet in one place. */
typedef struct wf_lexicon {
    uint64_t *hashes; /* 0: empty */
    union {
        uint32_t row_count;
        float idf;
    } * entries;
    unsigned bits; /* 2^bits places */
    size_t count, row_count;
    uint64_t key;
    float idf_unseen;
    bool is_of_image; /* the arrays are those of an image, which lives longer */
} wf_lexicon;

int wf_lexicon_init(wf_lexicon *lexicon); /* 0, -ENOMEM, -EIO */
void wf_lexicon_fini(wf_lexicon *lexicon);

/* Counts one row.  0, -ENOMEM, or what the job was halted with: then it is not counted. */
int wf_lexicon_count(wf_lexicon *lexicon, const wf_features *row, const wf_job *job);

/* Ends the counting.  0, or what the job was halted with, after which only fini is allowed. */
int wf_lexicon_weigh(wf_lexicon *lexicon, const wf_job *job);

/* out_idf[i] = weight of features->hashes[i]; a feature no row has: idf_unseen. */
void wf_lexicon_read(const wf_lexicon *lexicon, const wf_features *features, float *out_idf);

/* The weight of one feature. */
float wf_lexicon_idf(const wf_lexicon *lexicon, uint64_t hash);

/* Where a feature that was counted stands, or another would: below wf_lexicon_places(). */
size_t wf_lexicon_place(const wf_lexicon *lexicon, uint64_t hash);
static inline size_t wf_lexicon_places(const wf_lexicon *lexicon)
{
    return (size_t)1 << lexicon->bits;
}

/* The bytes are those of what was counted, whatever the key is.  0, -ENOMEM, -ECANCELED. */
int wf_lexicon_save(const wf_lexicon *lexicon, wf_pack *pack);

/* Takes the arrays of an image.  0, or -WEFT_M_EPERSIST: fini is allowed all the same. */
int wf_lexicon_load(wf_lexicon *lexicon, const wf_image *image);

size_t wf_lexicon_bytes(const wf_lexicon *lexicon);

#endif
