/* SPDX-License-Identifier: MIT */

/*
 * Postings: for each dimension, which rows have which value there.
 *
 * Rows come in segments of at most WF_SEGMENT_ROWS, so that a row is 16 bits and the sums of one
 * segment stay in the cache while a query runs through it.  Within a segment and a dimension, rows
 * with the same value form a run: the value stands once, before the run, and a posting is a row
 * number and nothing else (two bytes).  That works because a value is made from the rarity of the
 * feature and the times it occurs, not from the row's length; the length is applied to the sum.
 *
 * Dimensions that many rows have (two letters, mostly) hold most postings and little weight.  They
 * are marked heavy, and of each row it is known which part of its length lies in them: so a search
 * can bound what they would add, and look at them only for rows that matter.
 */
#ifndef WF_MATCH_POSTINGS_H
#define WF_MATCH_POSTINGS_H

#include "match/embed/lexical.h"
#include "match/file/image.h"

#define WF_SEGMENT_ROWS 16384u

/* Rows rows[start, next run's start) have `value`. */
typedef struct wf_run {
    float value;
    uint32_t start;
} wf_run;

typedef struct wf_segment {
    uint32_t row_start, row_count;
    uint32_t run_count, posting_count;
    uint32_t *first; /* runs of dimension d: runs[first[d], first[d + 1]) */
    wf_run *runs;    /* and one more, whose start is posting_count */
    uint16_t *rows;  /* within the segment */
} wf_segment;

typedef struct wf_postings {
    wf_segment *segments;
    size_t segment_count, segment_capacity;
    float *inverse_norms;  /* a row; 0 for a row without direction */
    uint8_t *heavy_shares; /* a row: length in heavy dimensions / length * 255, rounded up */
    uint64_t heavy[WF_DIM_COUNT / 64];
    size_t row_count, row_capacity;
    double norm_max;

    /* Of the segment under way: dimension, value and row of each posting in one key. */
    uint64_t *keys, *spare;
    size_t key_count, key_capacity;

    bool is_of_image; /* the arrays are those of an image, which lives longer */
} wf_postings;

void wf_postings_fini(wf_postings *postings);

/* Adds the next row.  0, -ENOMEM, or what the job was halted with; then only fini is allowed. */
int wf_postings_add(wf_postings *postings, const wf_vector *row, const wf_job *job);

/* Ends the building; as wf_postings_add. */
int wf_postings_seal(wf_postings *postings, const wf_job *job);

static inline bool wf_postings_is_heavy(const wf_postings *postings, uint32_t dim)
{
    return (postings->heavy[dim / 64] >> dim % 64 & 1) != 0;
}

void wf_postings_save(const wf_postings *postings, wf_pack *pack);

/* Takes the arrays of an image.  0, -ENOMEM, -WEFT_M_EPERSIST: fini is allowed all the same. */
int wf_postings_load(wf_postings *postings, const wf_image *image, size_t row_count);

size_t wf_postings_bytes(const wf_postings *postings);

#endif
