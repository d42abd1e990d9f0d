/* SPDX-License-Identifier: MIT */

/* The two ways to move a table, and what they share. */
#ifndef WF_MATCH_TRAINING_PRIV_H
#define WF_MATCH_TRAINING_PRIV_H

#include "match/train/adam.h"
#include "match/train/body.h"
#include "match/transformer/kernel.h"
#include "match/work.h"

/* Two texts; `is_same`: of one label. */
typedef struct wf_pair {
    uint32_t left, right;
    bool is_same;
} wf_pair;

struct wf_training {
    wf_body *body; /* borrowed, as all of the lesson */
    const wf_kernel *kernel;
    wf_lesson lesson;
    bool is_contrast;
    uint32_t step; /* of WF_BODY_STEPS */
    uint32_t epochs, batch;
    size_t batch_count, batches_done; /* of all epochs */
    double rate;                      /* the greatest */
    uint64_t dice;
    wf_adam table;
    float *left, *right; /* points, and by contrast their slopes */

    /* Contrast: texts by label, of label l by_label[label_start[l]] …; labels of more than one. */
    uint32_t *by_label, *label_start, *paired;
    uint32_t paired_count; /* texts that have another of their label */
    wf_pair *held_out;
    size_t held_out_count;
    float *best; /* the table when held-out pairs were told apart best */
    double best_loss;

    /* Network. */
    wf_adam weights;
    uint32_t *order;
    float *shares, *slope;
};

/* One batch.  0, or what the job says. */
int wf_contrast_begin(wf_training *training);
int wf_contrast_batch(wf_training *training, const wf_job *job);
int wf_contrast_epoch_end(wf_training *training, bool *out_is_best, const wf_job *job);

int wf_network_begin(wf_training *training);
int wf_network_batch(wf_training *training, const wf_job *job);

#endif
