/* SPDX-License-Identifier: MIT */

/*
 * Gaussian: two normal distributions of the points of texts, compared.
 *
 * Of fewer texts than a point has numbers a covariance is singular, and of not many more its small
 * variances are far too small.  So both are shrunk: a share of each is replaced by the mean
 * variance in all directions, the same share and the same variance for both, or the shrinking
 * itself would look like a difference.  The share is what the one of fewer texts needs (Y. Chen, A.
 * Wiesel, Y. Eldar and A. Hero, "Shrinkage algorithms for MMSE covariance estimation", 2010,
 * equation 23), and WF_SHRINK_MIN at least.
 */
#ifndef WF_MATCH_GAUSSIAN_H
#define WF_MATCH_GAUSSIAN_H

#include "match/drift/profile.h"

/* Below this share a direction that no text before had would count without bounds. */
#define WF_SHRINK_MIN 0.1
#define WF_GAUSSIAN_RIDGE 1e-6 /* added to each variance */

/* The share of a covariance of `count` texts that is to be replaced, 0..1. */
double wf_shrinkage(const float *covariance, uint64_t count);

/* The divergence of `after` from `before` (S. Kullback and R. Leibler, "On information and
 * sufficiency", 1951), its mean over the numbers of a point, less what chance adds to it, which may
 * leave less than 0.  0; -EDOM: a covariance is not positive definite; -ENOMEM. */
int wf_gaussian_divergence(const wf_spread *before, const wf_spread *after, double *out);

#endif
