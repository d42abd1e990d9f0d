/* SPDX-License-Identifier: MIT */

/*
 * Space: texts as points of a few dimensions, for the strategies that think in distances.
 *
 * The features of the folded text (embed/features.h), weighted as in the encoder, are added with
 * their signs into 256 numbers (K. Weinberger and others, "Feature hashing for large scale
 * multitask learning", 2009), which are made 1 long.  Rarities are counted by the 32,768 dimensions
 * of a feature, so that a space is small and needs no dictionary.  A point is kept as a spot: whole
 * numbers up to 127 and the inverse of their length, 260 bytes; equal texts have the cosine 1.
 */
#ifndef WF_MATCH_SPACE_H
#define WF_MATCH_SPACE_H

#include "match/seeker.h"

#define WF_SPACE_DIM 256u

typedef struct wf_spot {
    int8_t at[WF_SPACE_DIM];
    float inverse; /* of the length; 0: no direction, cosine 0 with all */
} wf_spot;

typedef struct wf_space {
    uint32_t *counts; /* texts by dimension; until it is weighed */
    float *idf;
    size_t count;
} wf_space;

int wf_space_init(wf_space *space); /* 0, -ENOMEM */
void wf_space_fini(wf_space *space);

/* Counts one text; all are counted before the first is placed.  0 or -ENOMEM. */
int wf_space_count(wf_space *space, wf_seeker *seeker, weft_str raw);
void wf_space_weigh(wf_space *space);

/* Places a text: 1 long, or zero.  The seeker's folded text and features are lost; its rank stays.
 * 0 or -ENOMEM. */
int wf_space_place(const wf_space *space, wf_seeker *seeker, weft_str raw, float out[WF_SPACE_DIM]);

void wf_spot_of(const float vector[WF_SPACE_DIM], wf_spot *out);
void wf_spot_read(const wf_spot *spot, float out[WF_SPACE_DIM]); /* 1 long, or zero */

/* The cosine, at most 1. */
float wf_spot_cosine(const wf_spot *a, const wf_spot *b);

#endif
