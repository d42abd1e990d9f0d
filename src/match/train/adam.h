/* SPDX-License-Identifier: MIT */

/*
 * Adam: descent with a pace of its own for each number (D. Kingma, J. Ba, "Adam", 2015), with the
 * decay of weights apart from the slope (I. Loshchilov, F. Hutter, "Decoupled weight decay
 * regularization", 2019), over the rows of a table of which each step touches few: rows that are
 * not touched stay as they are, their means too.
 */
#ifndef WF_MATCH_ADAM_H
#define WF_MATCH_ADAM_H

#include <stddef.h>
#include <stdint.h>

typedef struct wf_adam {
    float *at; /* borrowed: row r is at[r * dim] … */
    size_t row_count, dim;
    float *slope, *means, *squares; /* slope is zero but for touched rows */
    uint32_t *touched;
    uint8_t *is_touched;
    size_t touched_count;
    double decay;
    double mean_left, square_left; /* 0.9 and 0.999 to the power of the steps made */
} wf_adam;

/* 0 or -ENOMEM; fini in any case. */
int wf_adam_init(wf_adam *adam, float *at, size_t row_count, size_t dim, double decay);
void wf_adam_fini(wf_adam *adam);

/* The slope of a row, to be added to. */
float *wf_adam_touch(wf_adam *adam, uint32_t row);

/* Moves the touched rows and forgets their slopes. */
void wf_adam_step(wf_adam *adam, double rate);

#endif
