/* SPDX-License-Identifier: MIT */

/* Pupil: one thread's memory for asking a trained head. */
#ifndef WF_MATCH_PUPIL_H
#define WF_MATCH_PUPIL_H

#include "match/model/static.h"

#include <stddef.h>
#include <stdint.h>

typedef struct wf_pupil {
    uint32_t *indexes; /* the query: features it has … */
    float *values;     /* … and their weights */
    size_t count, capacity;
    float *at; /* … and those of all features; zero between queries */
    size_t feature_capacity;
    float *texts;  /* a text learnt each; zero between queries */
    uint32_t *met; /* texts */
    size_t text_capacity;
    float *shares, *labels; /* a label each */
    size_t label_capacity;
    float *point, *row; /* of a body: the query's, and of one token */
    size_t point_capacity;
    wf_token_parts parts;
} wf_pupil;

void wf_pupil_fini(wf_pupil *pupil);

/* Room for a query of `count` features among `features`.  0 or -ENOMEM. */
int wf_pupil_reserve(wf_pupil *pupil, size_t count, size_t features, size_t texts, size_t labels);

/* Room for point and row.  0 or -ENOMEM. */
int wf_pupil_reserve_point(wf_pupil *pupil, size_t dim);

#endif
