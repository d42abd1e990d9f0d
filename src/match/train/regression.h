/* SPDX-License-Identifier: MIT */

/*
 * Regression: the weights by which labels are told from the features of texts, multinomial and with
 * their L2 norm held down.
 *
 * From zero on, the weights are sums of the texts, and so are the steps.  With few texts for their
 * columns (train/columns.h) each text's part in each label is looked for instead, with the scores
 * it brings about behind it: products of weights are those of parts and scores.  The steps are the
 * same in both.
 *
 * Values of features are above 0: columns keep no signs.
 */
#ifndef WF_MATCH_REGRESSION_H
#define WF_MATCH_REGRESSION_H

#include "match/train/columns.h"
#include "match/train/minimise.h"
#include "match/transformer/kernel.h"

typedef struct wf_regression {
    const wf_sparse *texts,
        *features; /* the same by text and by feature; borrowed, as is the next */
    const uint32_t *text_label;
    size_t label_count;
    double cost; /* of the squared norm, twice */
    wf_columns columns;
    wf_minimum minimum; /* of weights of columns, or of the parts of texts; then the labels' own */
    bool is_of_texts;
    float *shares; /* of the labels, for one text */
    float *sums;   /* of the columns, for some labels */
    const wf_kernel *kernel;
    const wf_job *job;
} wf_regression;

/* Texts, features, their labels and the cost are set, all else is zero.  0, -ENOMEM, or what the
 * job says; fini in any case. */
int wf_regression_begin(wf_regression *regression, const wf_job *job);
void wf_regression_fini(wf_regression *regression);

/* One step.  1: there is more to gain. */
int wf_regression_step(wf_regression *regression, const wf_job *job);

/* Of feature f and label l: weights[f * label_count + l], behind the last feature the labels' own;
 * `weights` is zeroed.  0, or what the job says. */
int wf_regression_end(const wf_regression *regression, float *weights, const wf_job *job);

#endif
