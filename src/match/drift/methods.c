/* SPDX-License-Identifier: MIT */

/*
 * Three ways to say how far two spreads are apart.  A mean of n texts is off by a variance of a
 * n-th of theirs, so the square of the distance of two means, and the length of one, are greater by
 * that, on average; it is taken off (the unbiased estimate of A. Gretton and others, "A kernel
 * two-sample test", 2012).
 */
#include "match/drift/gaussian.h"

#include "base/str.h"
#include <math.h>
#include <string.h>

#define LENGTH_MIN 1e-6 /* of a mean, squared, for it to point anywhere */

/* By how much chance alone lengthens the mean, squared. */
static double chance(const wf_spread *spread)
{
    return wf_spread_trace(spread) / (double)spread->count;
}

static int mmd_linear(const wf_spread *before, const wf_spread *after, double *out)
{
    double sum = 0;
    for (size_t k = 0; k < WF_SPACE_DIM; k++) {
        double away = (double)after->mean[k] - (double)before->mean[k];
        sum += away * away;
    }
    *out = fmax(sum - chance(before) - chance(after), 0);
    return 0;
}

static int kl_gaussian(const wf_spread *before, const wf_spread *after, double *out)
{
    int rc = wf_gaussian_divergence(before, after, out);
    if (rc == 0)
        *out = fmax(*out, 0);
    return rc;
}

static int cosine_centroid(const wf_spread *before, const wf_spread *after, double *out)
{
    double product = 0, old = -chance(before), new = -chance(after);
    for (size_t k = 0; k < WF_SPACE_DIM; k++) {
        product += (double)before->mean[k] * (double)after->mean[k];
        old += (double)before->mean[k] * (double)before->mean[k];
        new += (double)after->mean[k] * (double)after->mean[k];
    }
    bool has_directions = old >= LENGTH_MIN && new >= LENGTH_MIN;
    *out = has_directions ? fmin(fmax(1 - product / sqrt(old * new), 0), 2) : 0;
    return 0;
}

static const wf_drift_method methods[] = {
    {"mmd_linear", mmd_linear},
    {"kl_gaussian", kl_gaussian},
    {"cosine_centroid", cosine_centroid},
};

const wf_drift_method *wf_drift_method_of(weft_str name)
{
    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
        if (name.ptr == NULL || wf_str_is(name, methods[i].name))
            return &methods[i];
    }
    return NULL;
}
