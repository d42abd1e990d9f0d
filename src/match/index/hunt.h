/* SPDX-License-Identifier: MIT */

/*
 * Hunt: what is near one query, while rows pass in ascending order.  It keeps between which two
 * numbers a cosine lies, and computes in floats as few rows as it can; see sweep.h.
 */
#ifndef WF_MATCH_HUNT_H
#define WF_MATCH_HUNT_H

#include "match/index/sweep.h"

/* A bound is computed in floats, whose own errors it must cover. */
#define WF_HUNT_SLACK 2e-6f

typedef float wf_four __attribute__((vector_size(16)));

/* A row that could be among the best, and between what its cosine lies; in full, both are it. */
typedef struct wf_near {
    uint32_t row;
    float least, most;
} wf_near;

/* One query under way. */
typedef struct wf_hunt {
    wf_look look;
    float bar;     /* what can still matter reaches it */
    float inverse; /* of the query's scale; 0: the query is zero */
    wf_near *near; /* ascending by row */
    size_t count;
} wf_hunt;

/* What the hunts of a sweep share. */
typedef struct wf_hunts {
    const wf_vectors *vectors;
    const uint32_t *row_entity;
    wf_hunt *hunts;
    size_t count;
    size_t room; /* of a hunt */
    wf_near *near;
    wf_four *least; /* `room` numbers: of the entities of one hunt */
} wf_hunts;

/* Begins one hunt a look; zeroed before.  0 or -ENOMEM: fini is allowed all the same. */
int wf_hunts_init(wf_hunts *it, const wf_look *looks, size_t count);
void wf_hunts_fini(wf_hunts *it);

/* Keeps a row behind those before, if its entity may be found. */
void wf_hunt_keep(wf_hunts *it, wf_hunt *hunt, wf_near near);

/* All rows have passed: offers the entities to each look's rank. */
void wf_hunts_end(wf_hunts *it);

/* How many of the numbers, some fours, reach `bar`. */
static inline size_t wf_count_from(const wf_four *numbers, size_t fours, float bar)
{
    typedef int32_t four_ints __attribute__((vector_size(16)));
    four_ints counts = {0};
    for (size_t i = 0; i < fours; i++)
        counts -= numbers[i] >= bar;
    int32_t count = counts[0] + counts[1] + counts[2] + counts[3];
    return (size_t)count;
}

#endif
