/* SPDX-License-Identifier: MIT */

/*
 * Contrast: pairs of texts of one label are drawn together, pairs of two labels apart: the mean of
 * (cos(u, v) - y)^2, y 1 or 0 (L. Tunstall et al., "Efficient few-shot learning without prompts",
 * 2022).  One pair in sixteen is never trained; when those are told apart no better than an epoch
 * before, it ends, with the table as it was at its best.
 */
#include "match/train/training_priv.h"

#include "base/alloc.h"
#include "match/train/dice.h"
#include "match/train/lanes.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define EPOCHS 4u
#define BATCH 32u
#define ITERATIONS 1u
#define RATE 0.01
#define HELD_OUT_IN 16u
#define HELD_OUT_MAX 512u
#define TRIES 32u

/* ---- pairs ---- */

static bool is_held_out(uint32_t left, uint32_t right)
{
    uint64_t low = left < right ? left : right, high = left < right ? right : left;
    return wf_dice_mix(low << 32 | high) % HELD_OUT_IN == 0;
}

/* Texts by label, and those that are not alone. */
static int sort_texts(wf_training *it)
{
    const wf_lesson *lesson = &it->lesson;
    size_t count = lesson->texts->row_count, labels = lesson->label_count;
    it->by_label = wf_array(count, sizeof(*it->by_label));
    it->paired = wf_array(count, sizeof(*it->paired));
    it->label_start = wf_array(labels + 2, sizeof(*it->label_start));
    if (it->by_label == NULL || it->paired == NULL || it->label_start == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        it->label_start[lesson->text_label[i] + 2]++;
    for (size_t l = 0; l < labels; l++)
        it->label_start[l + 2] += it->label_start[l + 1];
    for (size_t i = 0; i < count; i++)
        it->by_label[it->label_start[lesson->text_label[i] + 1]++] = (uint32_t)i;
    for (size_t i = 0; i < count; i++) {
        const uint32_t *start = it->label_start + lesson->text_label[i];
        if (start[1] - start[0] > 1)
            it->paired[it->paired_count++] = (uint32_t)i;
    }
    return 0;
}

/* A pair that is held out or not, as asked; false: none was found. */
static bool draw(wf_training *it, bool is_same, bool held_out, wf_pair *out)
{
    const uint32_t *label = it->lesson.text_label;
    uint32_t count = (uint32_t)it->lesson.texts->row_count;
    for (unsigned tried = 0; tried < TRIES; tried++) {
        uint32_t left = it->paired[wf_dice_below(&it->dice, it->paired_count)], right;
        const uint32_t *start = it->label_start + label[left];
        if (is_same)
            right = it->by_label[start[0] + wf_dice_below(&it->dice, start[1] - start[0])];
        else
            right = wf_dice_below(&it->dice, count);
        bool fits = left != right && (label[left] == label[right]) == is_same;
        if (fits && is_held_out(left, right) == held_out) {
            *out = (wf_pair){left, right, is_same};
            return true;
        }
    }
    return false;
}

int wf_contrast_begin(wf_training *it)
{
    const wf_plan *plan = &it->lesson.plan;
    int rc = sort_texts(it);
    if (rc < 0)
        return rc;
    it->epochs = plan->epochs != 0 ? plan->epochs : EPOCHS;
    it->batch = plan->batch != 0 ? plan->batch : BATCH;
    it->rate = RATE;
    it->best_loss = INFINITY;
    size_t iterations = plan->iterations != 0 ? plan->iterations : ITERATIONS;
    size_t pairs = it->paired_count != 0 ? 2 * iterations * it->lesson.texts->row_count : 0;
    it->batch_count = it->epochs * (pairs / it->batch + (pairs % it->batch != 0));
    it->held_out = wf_array(HELD_OUT_MAX, sizeof(*it->held_out));
    it->best = wf_array(it->body->row_count, it->body->dim * sizeof(*it->best));
    if (it->held_out == NULL || it->best == NULL)
        return -ENOMEM;
    memcpy(it->best, it->body->table, it->body->row_count * it->body->dim * sizeof(*it->best));
    for (size_t i = 0; i < HELD_OUT_MAX && pairs != 0; i++)
        it->held_out_count +=
            draw(it, i % 2 == 0, /* held_out= */ true, &it->held_out[it->held_out_count]);
    return 0;
}

/* ---- slopes ---- */

/* A text's rows of the table. */
static wf_picked pick(const wf_training *it, uint32_t text)
{
    const wf_sparse *texts = it->lesson.texts;
    size_t from = texts->start[text];
    return (wf_picked){.factors = texts->values + from,
                       .indexes = texts->indexes + from,
                       .count = texts->start[text + 1] - from,
                       .stride = it->body->dim,
                       .width = it->body->dim};
}

/* The sum of a text's rows, made 1 long; returns how long it was. */
static double place(const wf_training *it, uint32_t text, float *out)
{
    size_t dim = it->body->dim;
    memset(out, 0, dim * sizeof(*out));
    const wf_picked picked = pick(it, text);
    it->kernel->sum(out, it->body->table, &picked);
    double length = sqrt(wf_dot(out, out, dim));
    for (size_t d = 0; d < dim && length > 0; d++)
        out[d] *= (float)(1 / length);
    return length;
}

static void spread(wf_training *it, uint32_t text, const float *slope)
{
    const wf_sparse *texts = it->lesson.texts;
    for (size_t i = texts->start[text]; i < texts->start[text + 1]; i++)
        wf_adam_touch(&it->table, texts->indexes[i]);
    const wf_picked picked = pick(it, text);
    it->kernel->spread(it->table.slope, slope, &picked);
}

/* The slope of the cosine at u is (v' - cos u') / |u|, with u' and v' of length 1. */
static void learn_pair(wf_training *it, const wf_pair *pair)
{
    size_t dim = it->body->dim;
    double left = place(it, pair->left, it->left), right = place(it, pair->right, it->right);
    if (!(left > 0) || !(right > 0))
        return;
    double cosine = wf_dot(it->left, it->right, dim);
    double off = 2 * (cosine - (pair->is_same ? 1 : 0)) / it->batch;
    float to_left = (float)(off / left), to_right = (float)(off / right), c = (float)cosine;
    for (size_t d = 0; d < dim; d++) {
        float u = it->left[d], v = it->right[d];
        it->left[d] = to_left * (v - c * u);
        it->right[d] = to_right * (u - c * v);
    }
    spread(it, pair->left, it->left);
    spread(it, pair->right, it->right);
}

int wf_contrast_batch(wf_training *it, const wf_job *job)
{
    for (uint32_t i = 0; i < it->batch; i++) {
        wf_pair pair;
        int rc = wf_job_poll(job);
        if (rc < 0)
            return rc;
        if (draw(it, i % 2 == 0, /* held_out= */ false, &pair))
            learn_pair(it, &pair);
    }
    return 0;
}

int wf_contrast_epoch_end(wf_training *it, bool *out_is_best, const wf_job *job)
{
    double loss = 0;
    for (size_t i = 0; i < it->held_out_count; i++) {
        const wf_pair *pair = &it->held_out[i];
        int rc = wf_job_poll(job);
        if (rc < 0)
            return rc;
        place(it, pair->left, it->left);
        place(it, pair->right, it->right);
        double off = wf_dot(it->left, it->right, it->body->dim) - (pair->is_same ? 1 : 0);
        loss += off * off;
    }
    *out_is_best = loss < it->best_loss || it->held_out_count == 0;
    if (*out_is_best) {
        it->best_loss = loss;
        memcpy(it->best, it->body->table, it->body->row_count * it->body->dim * sizeof(*it->best));
    }
    return 0;
}
