/* SPDX-License-Identifier: MIT */

/*
 * Minimise: L-BFGS (D. Liu, J. Nocedal, "On the limited memory BFGS method for large scale
 * optimization", 1989), one step at a time, for smooth convex functions of many numbers.  The same
 * steps to the last bit on every run.
 */
#ifndef WF_MATCH_MINIMISE_H
#define WF_MATCH_MINIMISE_H

#include "match/work.h"

#define WF_MINIMISE_MEMORY 5u

/* The value at `at`, and its gradient.  With images, all that is told of a point or a slope has
 * `count` numbers more behind its own: what they are in the space in which products are taken.
 * 0, or a reason to end. */
typedef int wf_slope_fn(const float *at, float *gradient, double *out_value, void *arg);

typedef struct wf_minimum {
    size_t count, image;  /* where images begin: 0, they are the numbers themselves, or at count */
    float *at, *gradient; /* the present point */
    double value;
    float *tried, *tried_gradient, *way;
    float *moves[WF_MINIMISE_MEMORY], *changes[WF_MINIMISE_MEMORY];
    double scales[WF_MINIMISE_MEMORY];
    size_t remembered; /* pairs since the beginning */
    double first_norm; /* of the gradient */
    wf_slope_fn *slope;
    void *arg;
} wf_minimum;

/* Begins at zero.  0, -ENOMEM, or what `slope` says; fini in any case. */
int wf_minimise_begin(wf_minimum *minimum, size_t count, bool has_image, wf_slope_fn *slope,
                      void *arg);
void wf_minimise_fini(wf_minimum *minimum);

/* One step.  1: there is more to gain, 0: the gradient is `tolerance` of the first one, the step
 * has gained next to nothing or nothing lower is found; or what `slope` or the job says. */
int wf_minimise_step(wf_minimum *minimum, double tolerance, const wf_job *job);

#endif
