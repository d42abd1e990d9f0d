/* SPDX-License-Identifier: MIT */

#include "match/train/minimise.h"

#include "base/alloc.h"
#include "match/train/lanes.h"

#include <math.h>

/* Of the descent that the slope promises, a step must give this part. */
#define ENOUGH 1e-4
#define HALVINGS_MAX 30

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

static bool allocate(wf_minimum *minimum)
{
    size_t count = minimum->count;
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

int wf_minimise_begin(wf_minimum *minimum, size_t count, wf_slope_fn *slope, void *arg)
{
    *minimum = (wf_minimum){.count = count, .slope = slope, .arg = arg};
    if (!allocate(minimum))
        return -ENOMEM;
    int rc = slope(minimum->at, minimum->gradient, &minimum->value, arg);
    minimum->first_norm = sqrt(wf_dot(minimum->gradient, minimum->gradient, count));
    return rc;
}

/* ---- one step ---- */

/* The way down by what the last steps have shown of the curvature. */
static int find_way(wf_minimum *m, const wf_job *job)
{
    double parts[WF_MINIMISE_MEMORY] = {0};
    size_t kept = m->remembered < WF_MINIMISE_MEMORY ? m->remembered : WF_MINIMISE_MEMORY;
    for (size_t i = 0; i < m->count; i++)
        m->way[i] = -m->gradient[i];
    for (size_t back = 1; back <= kept; back++) {
        size_t k = (m->remembered - back) % WF_MINIMISE_MEMORY;
        parts[k] = wf_dot(m->moves[k], m->way, m->count) * m->scales[k];
        wf_add_scaled(m->way, (float)(-parts[k]), m->changes[k], m->count);
        int rc = wf_job_poll(job);
        if (rc < 0)
            return rc;
    }
    if (kept > 0) {
        size_t k = (m->remembered - 1) % WF_MINIMISE_MEMORY;
        double scale = 1 / (m->scales[k] * wf_dot(m->changes[k], m->changes[k], m->count));
        for (size_t i = 0; i < m->count; i++)
            m->way[i] *= (float)scale;
    }
    for (size_t back = kept; back > 0; back--) {
        size_t k = (m->remembered - back) % WF_MINIMISE_MEMORY;
        double part = wf_dot(m->changes[k], m->way, m->count) * m->scales[k];
        wf_add_scaled(m->way, (float)(parts[k] - part), m->moves[k], m->count);
        int rc = wf_job_poll(job);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Remembers the step from the present point to the one tried, and goes there. */
static void go_to(wf_minimum *m, double value)
{
    size_t k = m->remembered % WF_MINIMISE_MEMORY;
    for (size_t i = 0; i < m->count; i++) {
        m->moves[k][i] = m->tried[i] - m->at[i];
        m->changes[k][i] = m->tried_gradient[i] - m->gradient[i];
    }
    double product = wf_dot(m->moves[k], m->changes[k], m->count);
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
    int rc = find_way(m, job);
    if (rc < 0)
        return rc;
    double promise = wf_dot(m->gradient, m->way, m->count);
    double whole = m->remembered == 0 && m->first_norm > 1 ? 1 / m->first_norm : 1;
    for (int halved = 0; halved < HALVINGS_MAX && promise < 0; halved++) {
        double value, step = ldexp(whole, -halved);
        memcpy(m->tried, m->at, m->count * sizeof(*m->at));
        wf_add_scaled(m->tried, (float)(step), m->way, m->count);
        rc = m->slope(m->tried, m->tried_gradient, &value, m->arg);
        if (rc < 0)
            return rc;
        if (!(value <= m->value + ENOUGH * step * promise))
            continue;
        go_to(m, value);
        double norm = sqrt(wf_dot(m->gradient, m->gradient, m->count));
        return norm > tolerance * m->first_norm;
    }
    return 0;
}
