/* SPDX-License-Identifier: MIT */

#include "match/train/adam.h"

#include "base/alloc.h"
#include "match/transformer/kernel.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define LEAST 1e-8f

int wf_adam_init(wf_adam *adam, float *at, size_t row_count, size_t dim, double decay)
{
    size_t row_bytes = dim * sizeof(float);
    *adam = (wf_adam){.at = at,
                      .row_count = row_count,
                      .dim = dim,
                      .decay = decay,
                      .mean_left = 1,
                      .square_left = 1};
    adam->slope = wf_array(row_count, row_bytes);
    adam->means = wf_array(row_count, row_bytes);
    adam->squares = wf_array(row_count, row_bytes);
    adam->touched = wf_array(row_count, sizeof(*adam->touched));
    adam->is_touched = wf_array(row_count, sizeof(*adam->is_touched));
    return adam->slope != NULL && adam->means != NULL && adam->squares != NULL &&
                   adam->touched != NULL && adam->is_touched != NULL
               ? 0
               : -ENOMEM;
}

void wf_adam_fini(wf_adam *adam)
{
    wf_free(adam->slope);
    wf_free(adam->means);
    wf_free(adam->squares);
    wf_free(adam->touched);
    wf_free(adam->is_touched);
    *adam = (wf_adam){0};
}

float *wf_adam_touch(wf_adam *adam, uint32_t row)
{
    if (adam->is_touched[row] == 0) {
        adam->is_touched[row] = 1;
        adam->touched[adam->touched_count++] = row;
    }
    return adam->slope + row * adam->dim;
}

void wf_adam_step(wf_adam *adam, double rate)
{
    const wf_kernel *kernel = wf_kernel_best();
    adam->mean_left *= (double)WF_ADAM_MEAN;
    adam->square_left *= (double)WF_ADAM_SQUARE;
    double root = sqrt(1 - adam->square_left);
    const wf_pace pace = {.rate = (float)(rate * root / (1 - adam->mean_left)),
                          .least = (float)((double)LEAST * root),
                          .keep = (float)(1 - rate * adam->decay)};
    for (size_t i = 0; i < adam->touched_count; i++) {
        size_t row = adam->touched[i], at = row * adam->dim;
        kernel->move(adam->at + at, adam->slope + at, adam->means + at, adam->squares + at,
                     adam->dim, &pace);
        adam->is_touched[row] = 0;
    }
    adam->touched_count = 0;
}
