/* SPDX-License-Identifier: MIT */

/*
 * Three ways to say how far two spreads are apart.  A mean of n texts is off by a variance of a
 * n-th of theirs, so the square of the distance of two means, and the length of one, are greater by
 * that, on average; it is taken off (the unbiased estimate of A. Gretton and others, "A kernel
 * two-sample test", 2012).
 */
#include "match/drift/profile.h"

#include "base/str.h"
#include <math.h>
#include <string.h>

#define RIDGE 1e-6
#define LENGTH_MIN 1e-6 /* of a mean, squared, for it to point anywhere */

/* By how much chance alone lengthens the mean, squared. */
static double chance(const wf_spread *spread)
{
    double sum = 0;
    for (size_t k = 0; k < WF_SPACE_DIM; k++)
        sum += (double)spread->variance[k];
    return sum / (double)spread->count;
}

static double mmd_linear(const wf_spread *before, const wf_spread *after)
{
    double sum = 0;
    for (size_t k = 0; k < WF_SPACE_DIM; k++) {
        double away = (double)after->mean[k] - (double)before->mean[k];
        sum += away * away;
    }
    return fmax(sum - chance(before) - chance(after), 0);
}

/* Of diagonal covariances (S. Kullback and R. Leibler, "On information and sufficiency", 1951). */
static double kl_gaussian(const wf_spread *before, const wf_spread *after)
{
    double sum = 0;
    for (size_t k = 0; k < WF_SPACE_DIM; k++) {
        double away = (double)after->mean[k] - (double)before->mean[k];
        double old = (double)before->variance[k] + RIDGE, new = (double)after->variance[k] + RIDGE;
        sum += (log(old / new) + (new + away *away) / old - 1) / 2;
    }
    double by_chance = 1 / (double)before->count + 1 / (double)after->count;
    return fmax(sum / WF_SPACE_DIM - by_chance, 0);
}

static double cosine_centroid(const wf_spread *before, const wf_spread *after)
{
    double product = 0, old = -chance(before), new = -chance(after);
    for (size_t k = 0; k < WF_SPACE_DIM; k++) {
        product += (double)before->mean[k] * (double)after->mean[k];
        old += (double)before->mean[k] * (double)before->mean[k];
        new += (double)after->mean[k] * (double)after->mean[k];
    }
    if (old < LENGTH_MIN || new < LENGTH_MIN)
        return 0;
    return fmin(fmax(1 - product / sqrt(old * new), 0), 2);
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
