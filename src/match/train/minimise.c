/* SPDX-License-Identifier: MIT */

#include "match/train/minimise.h"

#include "base/alloc.h"
#include "match/train/lanes.h"

#include <math.h>

/* Of the descent that the slope promises, a step must give this part. */
#define ENOUGH 1e-4
#define HALVINGS_MAX 30

/* Of the value, a step must gain this part: less is what sums of floats have of noise. */
#define GAIN_LEAST 1e-8

void wf_minimise_fini(wf_minimum *minimum)
{
    wf_free(minimum->at);
    wf_free(minimum->gradient);
    wf_free(minimum->tried);
    wf_free(minimum->tried_gradient);
    wf_free(minimum->way);
    for (size_t i = 0; i < WF_MINIMISE_MEMORY; i++) {
        wf_free(minimum->moves[i]);
        wf_free(minimum->changes[i]);
    }
    *minimum = (wf_minimum){0};
}

/* With the image. */
static size_t numbers_of(const wf_minimum *m)
{
    return m->count + m->image;
}

static double product_of(const wf_minimum *m, const float *a, const float *b)
{
    return wf_dot_long(a, b + m->image, m->count);
}

/* to += factor * from; returns the product of the sum with `with`. */
static double add_and_multiply(const wf_minimum *m, float *to, float factor, const float *from,
                               const float *with)
{
    wf_add_scaled(to, factor, from, m->image);
    return wf_add_scaled_dot(to + m->image, factor, from + m->image, with, m->count);
}

static bool allocate(wf_minimum *minimum)
{
    size_t count = numbers_of(minimum);
    float **const vectors[] = {&minimum->at, &minimum->gradient, &minimum->tried,
                               &minimum->tried_gradient, &minimum->way};
    bool has_all = true;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
        *vectors[i] = wf_array(count, sizeof(float));
        has_all &= *vectors[i] != NULL;
    }
    for (size_t i = 0; i < WF_MINIMISE_MEMORY; i++) {
        minimum->moves[i] = wf_array(count, sizeof(float));
        minimum->changes[i] = wf_array(count, sizeof(float));
        has_all &= minimum->moves[i] != NULL && minimum->changes[i] != NULL;
    }
    return has_all;
}

int wf_minimise_begin(wf_minimum *minimum, size_t count, bool has_image, wf_slope_fn *slope,
                      void *arg)
{
    *minimum =
        (wf_minimum){.count = count, .image = has_image ? count : 0, .slope = slope, .arg = arg};
    if (!allocate(minimum))
        return -ENOMEM;
    int rc = slope(minimum->at, minimum->gradient, &minimum->value, arg);
    minimum->first_norm = sqrt(product_of(minimum, minimum->gradient, minimum->gradient));
    return rc;
}

/* ---- one step ---- */

/* The place of the pair remembered `back` steps ago, from 1 on. */
static size_t place_of(const wf_minimum *m, size_t back)
{
    return (m->remembered - back) % WF_MINIMISE_MEMORY;
}

/* From the last pair back to the first: takes what each has shown of the slope from the way.
 * Each pass finds the product for the next. */
static int go_back(wf_minimum *m, size_t kept, double *parts, const wf_job *job)
{
    double product = -product_of(m, m->moves[place_of(m, 1)], m->gradient);
    wf_scale(m->way, -1, m->gradient, numbers_of(m));
    for (size_t back = 1; back <= kept; back++) {
        size_t k = place_of(m, back), next = place_of(m, back < kept ? back + 1 : back);
        parts[k] = product * m->scales[k];
        product = add_and_multiply(m, m->way, (float)(-parts[k]), m->changes[k], m->moves[next]);
        int rc = wf_job_poll(job);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* And forth, by the curvature of the last; *out_promise: the slope along the way. */
static int go_forth(wf_minimum *m, size_t kept, const double *parts, const wf_job *job,
                    double *out_promise)
{
    size_t last = place_of(m, 1);
    double scale = 1 / (m->scales[last] * product_of(m, m->changes[last], m->changes[last]));
    wf_scale(m->way, (float)scale, m->way, numbers_of(m));
    double product = product_of(m, m->changes[place_of(m, kept)], m->way);
    for (size_t back = kept; back > 0; back--) {
        size_t k = place_of(m, back);
        const float *next = back > 1 ? m->changes[place_of(m, back - 1)] : m->gradient;
        float part = (float)(parts[k] - product * m->scales[k]);
        product = add_and_multiply(m, m->way, part, m->moves[k], next);
        int rc = wf_job_poll(job);
        if (rc < 0)
            return rc;
    }
    *out_promise = product;
    return 0;
}

/* The way down by what the last steps have shown of the curvature. */
static int find_way(wf_minimum *m, const wf_job *job, double *out_promise)
{
    double parts[WF_MINIMISE_MEMORY];
    size_t kept = m->remembered < WF_MINIMISE_MEMORY ? m->remembered : WF_MINIMISE_MEMORY;
    if (kept > 0) {
        int rc = go_back(m, kept, parts, job);
        return rc < 0 ? rc : go_forth(m, kept, parts, job, out_promise);
    }
    wf_scale(m->way, -1, m->gradient, numbers_of(m));
    *out_promise = product_of(m, m->gradient, m->way);
    return 0;
}

/* Remembers the step from the present point to the one tried, and goes there. */
static void go_to(wf_minimum *m, double value)
{
    size_t k = m->remembered % WF_MINIMISE_MEMORY;
    wf_add_to(m->moves[k], m->tried, -1, m->at, numbers_of(m));
    wf_add_to(m->changes[k], m->tried_gradient, -1, m->gradient, numbers_of(m));
    double product = product_of(m, m->moves[k], m->changes[k]);
    if (product > 0) {
        m->scales[k] = 1 / product;
        m->remembered++;
    }
    float *at = m->at, *gradient = m->gradient;
    m->at = m->tried;
    m->gradient = m->tried_gradient;
    m->tried = at;
    m->tried_gradient = gradient;
    m->value = value;
}

int wf_minimise_step(wf_minimum *m, double tolerance, const wf_job *job)
{
    double promise;
    int rc = find_way(m, job, &promise);
    if (rc < 0)
        return rc;
    double whole = m->remembered == 0 && m->first_norm > 1 ? 1 / m->first_norm : 1;
    for (int halved = 0; halved < HALVINGS_MAX && promise < 0; halved++) {
        double value, step = ldexp(whole, -halved);
        wf_add_to(m->tried, m->at, (float)step, m->way, numbers_of(m));
        rc = m->slope(m->tried, m->tried_gradient, &value, m->arg);
        if (rc < 0)
            return rc;
        if (!(value <= m->value + ENOUGH * step * promise))
            continue;
        double gain = m->value - value;
        go_to(m, value);
        double norm = sqrt(product_of(m, m->gradient, m->gradient));
        return norm > tolerance * m->first_norm && gain > GAIN_LEAST * fabs(value);
    }
    return 0;
}
