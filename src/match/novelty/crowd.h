/* SPDX-License-Identifier: MIT */

/*
 * Crowd: spots side by side, so that one is compared with many at once, by the widest instructions
 * there are (index/scan.h).
 */
#ifndef WF_MATCH_CROWD_H
#define WF_MATCH_CROWD_H

#include "match/novelty/space.h"

/* Compared in one go. */
#define WF_CROWD_BLOCK 64u

typedef struct wf_crowd {
    int8_t *bytes;   /* WF_SPACE_DIM each */
    int32_t *sums;   /* of them */
    float *inverses; /* of lengths */
    uint32_t *names; /* which spot it was */
    size_t count;
} wf_crowd;

int wf_crowd_init(wf_crowd *crowd, const wf_spot *spots, size_t count); /* 0, -ENOMEM */
void wf_crowd_fini(wf_crowd *crowd);

/* Cosines of `spot` with `count` of the crowd, at most WF_CROWD_BLOCK, from `first` on: those of
 * wf_spot_cosine. */
void wf_crowd_cosines(const wf_crowd *crowd, const wf_spot *spot, size_t first, size_t count,
                      float out[WF_CROWD_BLOCK]);

/* Another spot takes the place of one, under its name. */
void wf_crowd_put(wf_crowd *crowd, size_t at, const wf_spot *spot);

/* One leaves; the last takes its place. */
void wf_crowd_drop(wf_crowd *crowd, size_t at);

#endif
