/* SPDX-License-Identifier: MIT */

/*
 * Network: table and labels' weights are fitted together; a text's point is the sum of its rows,
 * and the labels' shares are the softmax of what their weights make of it (A. Joulin et al., "Bag
 * of tricks for efficient text classification", 2017).
 */
#include "match/train/training_priv.h"

#include "base/alloc.h"
#include "match/train/dice.h"
#include "match/train/lanes.h"
#include "match/train/shares.h"

#include <errno.h>
#include <string.h>

#define EPOCHS 30u
#define BATCH 16u
#define RATE 0.002

/* Few texts are gone over more often. */
#define BATCHES_MIN 400u

int wf_network_begin(wf_training *it)
{
    const wf_plan *plan = &it->lesson.plan;
    wf_body *body = it->body;
    size_t texts = it->lesson.texts->row_count, labels = it->lesson.label_count;
    it->batch = plan->batch != 0 ? plan->batch : BATCH;
    size_t each = texts / it->batch + (texts % it->batch != 0);
    it->epochs = plan->epochs;
    if (it->epochs == 0)
        it->epochs = each * EPOCHS >= BATCHES_MIN ? EPOCHS : (uint32_t)(BATCHES_MIN / each + 1);
    it->rate = RATE;
    it->batch_count = it->epochs * each;
    it->order = wf_array(texts, sizeof(*it->order));
    it->shares = wf_array(labels, sizeof(*it->shares));
    it->slope = wf_array(body->dim, sizeof(*it->slope));
    body->weights = wf_array(body->dim + 1, labels * sizeof(*body->weights));
    if (it->order == NULL || it->shares == NULL || it->slope == NULL || body->weights == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < texts; i++)
        it->order[i] = (uint32_t)i;
    return wf_adam_init(&it->weights, body->weights, body->dim + 1, labels, plan->weight_decay);
}

static void shuffle(wf_training *it)
{
    for (uint32_t left = (uint32_t)it->lesson.texts->row_count; left > 1; left--) {
        uint32_t other = wf_dice_below(&it->dice, left), kept = it->order[left - 1];
        it->order[left - 1] = it->order[other];
        it->order[other] = kept;
    }
}

static void learn_text(wf_training *it, uint32_t text)
{
    const wf_sparse *texts = it->lesson.texts;
    const wf_body *body = it->body;
    size_t labels = body->label_count, from = texts->start[text], end = texts->start[text + 1];
    wf_body_place(body, texts->indexes + from, texts->values + from, end - from, it->left);
    memset(it->shares, 0, labels * sizeof(*it->shares));
    wf_body_add_scores(body, it->left, it->shares);
    wf_share_out(it->shares, labels);
    it->shares[it->lesson.text_label[text]] -= 1;
    for (size_t i = 0; i < labels; i++)
        it->shares[i] /= (float)it->batch;
    for (uint32_t d = 0; d < body->dim; d++) {
        it->slope[d] = (float)wf_dot(body->weights + d * labels, it->shares, labels);
        wf_add_scaled(wf_adam_touch(&it->weights, d), it->left[d], it->shares, labels);
    }
    wf_add_scaled(wf_adam_touch(&it->weights, (uint32_t)body->dim), 1, it->shares, labels);
    for (size_t i = from; i < end; i++)
        wf_add_scaled(wf_adam_touch(&it->table, texts->indexes[i]), texts->values[i], it->slope,
                      body->dim);
}

int wf_network_batch(wf_training *it, const wf_job *job)
{
    size_t texts = it->lesson.texts->row_count, each = it->batch_count / it->epochs;
    size_t first = it->batches_done % each * it->batch;
    if (first == 0)
        shuffle(it);
    for (size_t i = first; i < first + it->batch && i < texts; i++) {
        int rc = wf_job_poll(job);
        if (rc < 0)
            return rc;
        learn_text(it, it->order[i]);
    }
    return 0;
}
