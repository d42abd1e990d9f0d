/* SPDX-License-Identifier: MIT */

/*
 * One class: the boundary that encloses nine tenths of the references, with a Gaussian kernel (B.
 * Scholkopf and others, "Estimating the support of a high-dimensional distribution", 2001), found
 * by moving weight between the two references that violate it most (J. Platt, "Sequential minimal
 * optimization", 1998).  At most PICKED references are looked at: the kernel is a square of them.
 */
#include "match/novelty/strategy.h"

#include "base/alloc.h"

#include <math.h>

#define PICKED 1024u
#define OUTSIDE 0.1 /* part of the references that may be outside */
#define TOLERANCE 1e-4
#define STEPS_EACH 20u
#define STEPS_BETWEEN_POLLS 64u

struct oneclass {
    size_t count;
    double width; /* of the kernel: exp(-width * squared distance) */
    double border;
    double *weights;  /* of the picked */
    double *gradient; /* while it is made */
    float *kernel;
};

static size_t pick(const wf_ground *ground, const struct oneclass *it, size_t i)
{
    return (size_t)((uint64_t)i * ground->count / it->count);
}

/* Points have the length 1: the squared distance is 2 - 2 * cosine. */
static double kernel(const struct oneclass *it, const wf_spot *a, const wf_spot *b)
{
    return exp(-it->width * (2 - 2 * (double)wf_spot_cosine(a, b)));
}

static int fill_kernel(struct oneclass *it, const wf_ground *ground, const wf_job *job)
{
    for (size_t i = 0; i < it->count; i++) {
        int rc = wf_job_poll(job);
        if (rc < 0)
            return rc;
        const wf_spot *spot = &ground->spots[pick(ground, it, i)];
        for (size_t k = 0; k <= i; k++) {
            double value = kernel(it, spot, &ground->spots[pick(ground, it, k)]);
            it->kernel[i * it->count + k] = it->kernel[k * it->count + i] = (float)value;
        }
    }
    return 0;
}

static void begin(struct oneclass *it, double most)
{
    double left = 1;
    for (size_t i = 0; i < it->count; i++) {
        it->weights[i] = fmin(most, left);
        left -= it->weights[i];
    }
    for (size_t i = 0; i < it->count; i++) {
        const float *row = it->kernel + i * it->count;
        it->gradient[i] = 0;
        for (size_t k = 0; k < it->count; k++)
            it->gradient[i] += it->weights[k] * (double)row[k];
    }
}

/* One step; false: there is nothing left to gain. */
static bool step(struct oneclass *it, double most)
{
    size_t up = SIZE_MAX, down = SIZE_MAX;
    for (size_t i = 0; i < it->count; i++) {
        if (it->weights[i] < most && (up == SIZE_MAX || it->gradient[i] < it->gradient[up]))
            up = i;
        if (it->weights[i] > 0 && (down == SIZE_MAX || it->gradient[i] > it->gradient[down]))
            down = i;
    }
    if (up == SIZE_MAX || down == SIZE_MAX || it->gradient[down] - it->gradient[up] < TOLERANCE)
        return false;
    const float *up_row = it->kernel + up * it->count, *down_row = it->kernel + down * it->count;
    double bend = (double)up_row[up] + (double)down_row[down] - 2 * (double)up_row[down];
    double move = (it->gradient[down] - it->gradient[up]) / fmax(bend, 1e-12);
    move = fmin(move, fmin(most - it->weights[up], it->weights[down]));
    it->weights[up] += move;
    it->weights[down] -= move;
    for (size_t i = 0; i < it->count; i++)
        it->gradient[i] += move * ((double)up_row[i] - (double)down_row[i]);
    return true;
}

/* On the border are those whose weight is between the ends; without any, between the two sides. */
static void find_border(struct oneclass *it, double most)
{
    double sum = 0, low = -INFINITY, high = INFINITY;
    size_t free_count = 0;
    for (size_t i = 0; i < it->count; i++) {
        if (it->weights[i] <= 0) {
            high = fmin(high, it->gradient[i]);
        } else if (it->weights[i] >= most) {
            low = fmax(low, it->gradient[i]);
        } else {
            sum += it->gradient[i];
            free_count++;
        }
    }
    if (free_count != 0)
        it->border = sum / (double)free_count;
    else
        it->border = isfinite(low) && isfinite(high) ? (low + high) / 2
                     : isfinite(low)                 ? low
                                                     : high;
}

static int solve(struct oneclass *it, const wf_ground *ground, const wf_job *job)
{
    double most = 1 / fmax(OUTSIDE * (double)it->count, 1);
    int rc = fill_kernel(it, ground, job);
    if (rc < 0)
        return rc;
    begin(it, most);
    for (size_t i = 0; i < STEPS_EACH * it->count && step(it, most); i++) {
        rc = i % STEPS_BETWEEN_POLLS == 0 ? wf_job_poll(job) : 0;
        if (rc < 0)
            return rc;
    }
    find_border(it, most);
    return 0;
}

/* 1 / (dimensions * variance of a number) for points of length 1 around their mean. */
static double find_width(const struct oneclass *it, const wf_ground *ground)
{
    float vector[WF_SPACE_DIM];
    double mean[WF_SPACE_DIM] = {0}, square = 0;
    for (size_t i = 0; i < it->count; i++) {
        wf_spot_read(&ground->spots[pick(ground, it, i)], vector);
        for (size_t k = 0; k < WF_SPACE_DIM; k++)
            mean[k] += (double)vector[k] / (double)it->count;
    }
    for (size_t k = 0; k < WF_SPACE_DIM; k++)
        square += mean[k] * mean[k];
    return 1 / fmax(1 - square, 1e-3);
}

static void oneclass_destroy(void *state)
{
    struct oneclass *it = state;
    if (it == NULL)
        return;
    wf_free(it->weights);
    wf_free(it->gradient);
    wf_free(it->kernel);
    wf_free(it);
}

static int oneclass_make(void **out, const wf_ground *ground, wf_seeker *seeker, const wf_job *job)
{
    struct oneclass *it = wf_alloc(sizeof(*it));
    (void)seeker;
    if (it == NULL)
        return -ENOMEM;
    *out = it;
    it->count = ground->count < PICKED ? ground->count : PICKED;
    it->width = find_width(it, ground);
    it->weights = wf_array(it->count, sizeof(*it->weights));
    it->gradient = wf_array(it->count, sizeof(*it->gradient));
    it->kernel = wf_array(it->count * it->count, sizeof(*it->kernel));
    bool has_all = it->weights != NULL && it->gradient != NULL && it->kernel != NULL;
    int rc = has_all ? solve(it, ground, job) : -ENOMEM;
    wf_free(it->kernel);
    wf_free(it->gradient);
    it->kernel = NULL;
    it->gradient = NULL;
    return rc;
}

static int oneclass_score(const void *state, const wf_novel_query *query, double *out)
{
    const struct oneclass *it = state;
    const wf_ground *ground = query->ground;
    double sum = 0;
    for (size_t i = 0; i < it->count; i++) {
        size_t reference = pick(ground, it, i);
        if (it->weights[i] > 0 && !wf_ground_lacks(ground, query->absent, reference))
            sum += it->weights[i] * kernel(it, &query->spot, &ground->spots[reference]);
    }
    *out = it->border - sum;
    return wf_job_poll(query->job);
}

const wf_novel_class wf_novel_oneclass = {.id = "oneclass",
                                          .weight = 0.1,
                                          .needs_space = true,
                                          .make = oneclass_make,
                                          .score = oneclass_score,
                                          .destroy = oneclass_destroy};
