/* SPDX-License-Identifier: MIT */

#include "match/train/regression.h"

#include "base/alloc.h"
#include "match/train/lanes.h"
#include "match/train/shares.h"

#include <errno.h>
#include <string.h>

#define TEXTS_A_POLL 32u
#define FEATURES_A_POLL 1024u
#define TOLERANCE 1e-5

/* Labels whose sums over all columns stay in the cache. */
#define SOME_LABELS 32u

void wf_regression_fini(wf_regression *it)
{
    wf_columns_fini(&it->columns);
    wf_minimise_fini(&it->minimum);
    wf_free(it->shares);
    wf_free(it->sums);
    *it = (wf_regression){0};
}

/* The columns of a text, each with numbers of some labels. */
static wf_picked pick(const wf_regression *it, size_t row, size_t stride, size_t labels)
{
    const wf_sparse *texts = &it->columns.texts;
    size_t from = texts->start[row];
    return (wf_picked){.factors = texts->values + from,
                       .indexes = texts->indexes + from,
                       .count = texts->start[row + 1] - from,
                       .stride = stride,
                       .width = labels};
}

/* ---- weights of columns ---- */

/* The loss of one text, whose gradient is added. */
static double slope_of_text(wf_regression *it, const float *weights, size_t row, float *gradient)
{
    size_t labels = it->label_count, own = it->columns.count * labels;
    const wf_picked columns = pick(it, row, labels, labels);
    float *shares = it->shares;
    memcpy(shares, weights + own, labels * sizeof(*shares));
    it->kernel->sum(shares, weights, &columns);
    double loss = wf_share_out_off(shares, labels, it->text_label[row]);
    it->kernel->spread(gradient, shares, &columns);
    wf_add_scaled(gradient + own, 1, shares, labels);
    return loss;
}

static int slope_of_columns(const float *weights, float *gradient, double *out_value, void *arg)
{
    wf_regression *it = arg;
    size_t count = it->columns.count * it->label_count;
    double loss = it->cost * wf_dot(weights, weights, count) / 2;
    for (size_t i = 0; i < count; i++)
        gradient[i] = (float)it->cost * weights[i];
    memset(gradient + count, 0, it->label_count * sizeof(*gradient));
    for (size_t row = 0; row < it->texts->row_count; row++) {
        int rc = row % TEXTS_A_POLL == 0 ? wf_job_poll(it->job) : 0;
        if (rc < 0)
            return rc;
        loss += slope_of_text(it, weights, row, gradient);
    }
    *out_value = loss;
    return 0;
}

/* ---- parts of texts ---- */

/* What the weights that are made of such parts of the texts say of each text. */
static int look_through(wf_regression *it, const float *parts, float *scores)
{
    size_t labels = it->label_count, rows = it->texts->row_count;
    int rc = 0;
    for (size_t first = 0; first < labels && rc == 0; first += SOME_LABELS) {
        size_t some = labels - first < SOME_LABELS ? labels - first : SOME_LABELS;
        memset(it->sums, 0, it->columns.count * SOME_LABELS * sizeof(*it->sums));
        for (size_t row = 0; row < rows && rc == 0; row++) {
            const wf_picked columns = pick(it, row, SOME_LABELS, some);
            it->kernel->spread(it->sums, parts + row * labels + first, &columns);
            rc = row % TEXTS_A_POLL == 0 ? wf_job_poll(it->job) : 0;
        }
        for (size_t row = 0; row < rows && rc == 0; row++) {
            const wf_picked columns = pick(it, row, SOME_LABELS, some);
            float *to = scores + row * labels + first;
            memset(to, 0, some * sizeof(*to));
            it->kernel->sum(to, it->sums, &columns);
            rc = row % TEXTS_A_POLL == 0 ? wf_job_poll(it->job) : 0;
        }
    }
    return rc;
}

/* Numbers are the parts of the texts, then the labels' own; behind them, as what products are taken
 * with, the scores of the texts, and the labels' own again. */
static int slope_of_texts(const float *at, float *gradient, double *out_value, void *arg)
{
    wf_regression *it = arg;
    size_t labels = it->label_count, count = it->texts->row_count * labels;
    const float *own = at + count, *scores = own + labels;
    float *own_gradient = gradient + count;
    double loss = it->cost * wf_dot(at, scores, count) / 2;
    memset(own_gradient, 0, labels * sizeof(*own_gradient));
    for (size_t row = 0; row < it->texts->row_count; row++) {
        float *slope = gradient + row * labels;
        memcpy(slope, scores + row * labels, labels * sizeof(*slope));
        wf_add_scaled(slope, 1, own, labels);
        loss += wf_share_out_off(slope, labels, it->text_label[row]);
        wf_add_scaled(own_gradient, 1, slope, labels);
        wf_add_scaled(slope, (float)it->cost, at + row * labels, labels);
        int rc = row % TEXTS_A_POLL == 0 ? wf_job_poll(it->job) : 0;
        if (rc < 0)
            return rc;
    }
    *out_value = loss;
    memcpy(own_gradient + labels + count, own_gradient, labels * sizeof(*own_gradient));
    return look_through(it, gradient, own_gradient + labels);
}

/* ---- the course ---- */

int wf_regression_begin(wf_regression *it, const wf_job *job)
{
    int rc = wf_columns_init(&it->columns, it->texts, it->features, job);
    it->job = job;
    it->kernel = wf_kernel_best();
    it->is_of_texts = 2 * it->texts->row_count <= it->columns.count;
    it->shares = wf_array(it->label_count, sizeof(*it->shares));
    it->sums = wf_array(it->is_of_texts ? it->columns.count : 0, SOME_LABELS * sizeof(*it->sums));
    if (rc == 0 && (it->shares == NULL || it->sums == NULL))
        rc = -ENOMEM;
    if (rc < 0)
        return rc;
    size_t rows = it->is_of_texts ? it->texts->row_count : it->columns.count;
    return wf_minimise_begin(&it->minimum, (rows + 1) * it->label_count, it->is_of_texts,
                             it->is_of_texts ? slope_of_texts : slope_of_columns, it);
}

int wf_regression_step(wf_regression *it, const wf_job *job)
{
    it->job = job;
    return wf_minimise_step(&it->minimum, TOLERANCE, job);
}

int wf_regression_end(const wf_regression *it, float *weights, const wf_job *job)
{
    const wf_columns *columns = &it->columns;
    const wf_sparse *features = it->features;
    const float *from = it->minimum.at;
    size_t labels = it->label_count;
    for (size_t f = 0; f < features->row_count; f++, weights += labels) {
        int rc = f % FEATURES_A_POLL == 0 ? wf_job_poll(job) : 0;
        if (rc < 0)
            return rc;
        if (!it->is_of_texts)
            wf_add_scaled(weights, columns->parts[f], from + columns->of[f] * labels, labels);
        for (size_t i = features->start[f]; i < features->start[f + 1] && it->is_of_texts; i++)
            wf_add_scaled(weights, features->values[i], from + features->indexes[i] * labels,
                          labels);
    }
    size_t rows = it->is_of_texts ? it->texts->row_count : columns->count;
    memcpy(weights, from + rows * labels, labels * sizeof(*weights));
    return 0;
}
