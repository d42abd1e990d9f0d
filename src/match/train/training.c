/* SPDX-License-Identifier: MIT */

/* The course of a training: batches, a pace that rises and falls, and when to end. */
#include "match/train/training_priv.h"

#include "base/alloc.h"

#include <errno.h>
#include <string.h>

/* A tenth of the batches warm up. */
#define WARM_PART 10u

void wf_training_free(wf_training *training)
{
    if (training == NULL)
        return;
    wf_adam_fini(&training->table);
    wf_adam_fini(&training->weights);
    wf_free(training->left);
    wf_free(training->right);
    wf_free(training->by_label);
    wf_free(training->label_start);
    wf_free(training->paired);
    wf_free(training->held_out);
    wf_free(training->best);
    wf_free(training->order);
    wf_free(training->shares);
    wf_free(training->slope);
    wf_free(training);
}

int wf_training_new(wf_training **out, wf_body *body, const wf_lesson *lesson, bool is_contrast)
{
    wf_training *it = wf_alloc(sizeof(*it));
    if (it == NULL)
        return -ENOMEM;
    it->body = body;
    it->kernel = wf_kernel_best();
    it->lesson = *lesson;
    it->is_contrast = is_contrast;
    it->dice = lesson->plan.seed;
    it->left = wf_array(body->dim, sizeof(*it->left));
    it->right = wf_array(body->dim, sizeof(*it->right));
    int rc = it->left != NULL && it->right != NULL ? 0 : -ENOMEM;
    if (rc == 0)
        rc = wf_adam_init(&it->table, body->table, body->row_count, body->dim,
                          lesson->plan.weight_decay);
    if (rc == 0)
        rc = is_contrast ? wf_contrast_begin(it) : wf_network_begin(it);
    if (rc < 0)
        wf_training_free(it);
    else
        *out = it;
    return rc;
}

static double pace(const wf_training *it)
{
    size_t warm = it->batch_count / WARM_PART + 1, at = it->batches_done;
    double part = at < warm ? (double)(at + 1) / (double)warm
                            : (double)(it->batch_count - at) / (double)(it->batch_count - warm);
    return it->rate * part;
}

static int batch(wf_training *it, const wf_job *job)
{
    int rc = it->is_contrast ? wf_contrast_batch(it, job) : wf_network_batch(it, job);
    if (rc < 0)
        return rc;
    double rate = pace(it);
    wf_adam_step(&it->table, rate);
    if (!it->is_contrast)
        wf_adam_step(&it->weights, rate);
    it->batches_done++;
    return 0;
}

/* 1: on; 0: held-out pairs are told apart no better than an epoch ago. */
static int end_epoch(wf_training *it, const wf_job *job)
{
    bool is_best = true;
    size_t each = it->batch_count / it->epochs;
    if (!it->is_contrast || it->batches_done % each != 0)
        return 1;
    int rc = wf_contrast_epoch_end(it, &is_best, job);
    return rc < 0 ? rc : is_best;
}

int wf_training_step(wf_training *it, const wf_job *job)
{
    size_t end = it->batch_count * ++it->step / WF_BODY_STEPS;
    int rc = 1;
    while (it->batches_done < end && rc > 0) {
        rc = wf_job_poll(job);
        if (rc == 0)
            rc = batch(it, job);
        if (rc == 0)
            rc = end_epoch(it, job);
    }
    bool is_done = rc == 0 || it->step == WF_BODY_STEPS;
    if (rc >= 0 && is_done && it->best != NULL)
        memcpy(it->body->table, it->best, it->body->row_count * it->body->dim * sizeof(*it->best));
    return rc < 0 ? rc : !is_done;
}
