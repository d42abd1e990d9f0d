/* SPDX-License-Identifier: MIT */

/* The body of a head: its first table, its training, and the labels' weights on points. */
#include "match/train/building.h"

#include "base/alloc.h"
#include "match/embed/sort.h"
#include "match/train/dice.h"
#include "match/train/lanes.h"
#include "match/train/shares.h"
#include "match/transformer/kernel.h"

#include <math.h>
#include <string.h>

/* Numbers of a point, where no model says. */
#define CONTRAST_DIM 128u
#define NETWORK_DIM 64u

/* Inverse of how much the norm of the weights on points costs. */
#define POINTS_C 10.0
#define POINTS_TOLERANCE 1e-3

#define TEXTS_A_POLL 32u
#define ROWS_A_PART 4096u /* of the table, made between two looks at the job */

/* ---- the tokens of a static model ---- */

void wf_tokens_learnt_fini(wf_tokens_learnt *tokens)
{
    wf_free(tokens->ids);
    wf_free(tokens->weights);
    wf_free(tokens->start);
    wf_sparse_fini(&tokens->texts);
}

static int keep_parts(wf_tokens_learnt *tokens, const wf_token_parts *parts)
{
    size_t needed = tokens->count + parts->count;
    if (needed > tokens->capacity) {
        size_t capacity = needed + needed / 2;
        uint32_t *ids = wf_grow(tokens->ids, capacity, sizeof(*ids));
        if (ids == NULL)
            return -ENOMEM;
        tokens->ids = ids;
        float *weights = wf_grow(tokens->weights, capacity, sizeof(*weights));
        if (weights == NULL)
            return -ENOMEM;
        tokens->weights = weights;
        tokens->capacity = capacity;
    }
    if (parts->count != 0) {
        memcpy(tokens->ids + tokens->count, parts->ids, parts->count * sizeof(*parts->ids));
        memcpy(tokens->weights + tokens->count, parts->weights,
               parts->count * sizeof(*parts->weights));
    }
    tokens->count = needed;
    return 0;
}

int wf_head_learn_tokens(wf_head *it, wf_seeker *seeker, weft_str raw)
{
    wf_tokens_learnt *tokens = &it->building->tokens;
    if (it->body.encoder == NULL)
        return 0;
    if (tokens->start == NULL) {
        size_t texts = it->head.catalogue->row_count + it->examples->count;
        tokens->start = wf_array(texts + 1, sizeof(*tokens->start));
        if (tokens->start == NULL)
            return -ENOMEM;
    }
    int rc = wf_seeker_read(seeker, &it->options, raw);
    if (rc == 0)
        rc = wf_static_parts(it->body.encoder, seeker->text, &seeker->pupil.parts);
    if (rc == 0)
        rc = keep_parts(tokens, &seeker->pupil.parts);
    tokens->start[it->texts.row_count + 1] = tokens->count;
    return rc;
}

/* The different tokens of all texts, ascending. */
static int list_tokens(wf_head *it)
{
    wf_body *body = &it->body;
    const wf_tokens_learnt *tokens = &it->building->tokens;
    uint64_t *keys = wf_array(tokens->count, sizeof(*keys));
    uint64_t *spare = wf_array(tokens->count, sizeof(*spare));
    body->tokens = wf_array(tokens->count, sizeof(*body->tokens));
    int rc = keys != NULL && spare != NULL && body->tokens != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; i < tokens->count && rc == 0; i++)
        keys[i] = tokens->ids[i];
    if (rc == 0)
        wf_sort_keys(keys, spare, tokens->count, 0);
    for (size_t i = 0; i < tokens->count && rc == 0; i++) {
        if (i == 0 || keys[i] != keys[i - 1])
            body->tokens[body->row_count++] = (uint32_t)keys[i];
    }
    wf_free(keys);
    wf_free(spare);
    return rc;
}

/* The texts as rows of the table. */
static int index_tokens(wf_head *it)
{
    wf_tokens_learnt *tokens = &it->building->tokens;
    int rc = wf_sparse_init(&tokens->texts, it->texts.row_count, tokens->count);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < tokens->count; i++) {
        tokens->texts.indexes[i] = (uint32_t)wf_body_row(&it->body, tokens->ids[i]);
        tokens->texts.values[i] = tokens->weights[i];
    }
    memcpy(tokens->texts.start, tokens->start, (it->texts.row_count + 1) * sizeof(*tokens->start));
    return 0;
}

/* ---- the first table ---- */

static int new_table(wf_head *it, size_t dim)
{
    wf_body *body = &it->body;
    body->dim = dim;
    body->label_count = it->label_count;
    int rc = wf_head_check_weights(it, body->row_count + 1, dim);
    if (rc < 0)
        return rc;
    body->table = wf_array(body->row_count + 1, dim * sizeof(*body->table));
    return body->table != NULL ? 0 : -ENOMEM;
}

static int poll_at(const wf_head *it, size_t row)
{
    return row % ROWS_A_PART == 0 ? wf_job_poll(it->building->job) : 0;
}

/* Rows of random signs: their sums keep the texts' cosines, nearly (D. Achlioptas,
 * "Database-friendly random projections", 2003). */
static int fill_with_signs(const wf_head *it)
{
    const wf_body *body = &it->body;
    float size = (float)(1 / sqrt((double)body->dim));
    int rc = 0;
    for (size_t row = 0; row < body->row_count && rc == 0; row++) {
        rc = poll_at(it, row);
        uint64_t bits = 0, state = it->keys[row] ^ it->examples->plan.seed;
        for (size_t d = 0; d < body->dim; d++) {
            bits = d % 64 == 0 ? wf_dice_next(&state) : bits >> 1;
            body->table[row * body->dim + d] = (bits & 1) != 0 ? size : -size;
        }
    }
    return rc;
}

/* Rows of the model's for the tokens of the texts. */
static int fill_with_tokens(const wf_head *it)
{
    const wf_body *body = &it->body;
    int rc = 0;
    for (size_t row = 0; row < body->row_count && rc == 0; row++) {
        rc = poll_at(it, row);
        wf_static_row(body->encoder, body->tokens[row], body->table + row * body->dim);
    }
    return rc;
}

static int make_table(wf_head *it, size_t dim)
{
    wf_body *body = &it->body;
    int rc = 0;
    body->row_count = body->encoder == NULL ? it->feature_count : 0;
    if (body->encoder != NULL)
        rc = list_tokens(it);
    if (rc == 0)
        rc = new_table(it, dim);
    if (rc == 0 && body->encoder == NULL)
        return fill_with_signs(it);
    if (rc == 0)
        rc = index_tokens(it);
    return rc == 0 ? fill_with_tokens(it) : rc;
}

/* ---- training ---- */

static const wf_sparse *texts_of(const wf_head *it)
{
    return it->body.encoder != NULL ? &it->building->tokens.texts : &it->texts;
}

static int begin_training(wf_head *it, size_t dim, bool is_contrast)
{
    int rc = make_table(it, dim);
    if (rc < 0)
        return rc;
    const wf_lesson lesson = {.texts = texts_of(it),
                              .text_label = it->text_label,
                              .label_count = it->label_count,
                              .plan = it->examples->plan};
    return wf_training_new(&it->building->training, &it->body, &lesson, is_contrast);
}

int wf_head_begin_contrast(wf_head *it)
{
    size_t dim = it->body.encoder != NULL ? weft_encoder_dimension(it->body.encoder) : CONTRAST_DIM;
    it->body.is_unit = true;
    return begin_training(it, dim, /* is_contrast= */ true);
}

int wf_head_begin_network(wf_head *it)
{
    return begin_training(it, NETWORK_DIM, /* is_contrast= */ false);
}

int wf_head_train(wf_head *it)
{
    return wf_training_step(it->building->training, it->building->job);
}

int wf_head_end_training(wf_head *it)
{
    wf_training_free(it->building->training);
    it->building->training = NULL;
    return 0;
}

/* ---- the labels' weights on points ---- */

static int slope_of_points(const float *weights, float *gradient, double *out_value, void *arg)
{
    const wf_head *it = arg;
    wf_body body = it->body;
    size_t labels = it->label_count, count = body.dim * labels;
    float *shares = it->building->shares;
    const wf_kernel *kernel = wf_kernel_best();
    double loss = wf_dot(weights, weights, count) / (2 * POINTS_C);
    body.weights = (float *)weights; /* read only */
    for (size_t i = 0; i < count; i++)
        gradient[i] = weights[i] / (float)POINTS_C;
    memset(gradient + count, 0, labels * sizeof(*gradient));
    for (size_t row = 0; row < it->texts.row_count; row++) {
        const float *point = it->building->points + row * body.dim;
        int rc = row % TEXTS_A_POLL == 0 ? wf_job_poll(it->building->job) : 0;
        if (rc < 0)
            return rc;
        memset(shares, 0, labels * sizeof(*shares));
        wf_body_add_scores(&body, point, shares);
        loss += wf_share_out_off(shares, labels, it->text_label[row]);
        const wf_picked all = {
            .factors = point, .count = body.dim, .stride = labels, .width = labels};
        kernel->spread(gradient, shares, &all);
        wf_add_scaled(gradient + count, 1, shares, labels);
    }
    *out_value = loss;
    return 0;
}

int wf_head_minimise(wf_head *it)
{
    return wf_minimise_step(&it->building->minimum, POINTS_TOLERANCE, it->building->job);
}

int wf_head_begin_points(wf_head *it)
{
    const wf_body *body = &it->body;
    const wf_sparse *texts = texts_of(it);
    float *points = wf_array(it->texts.row_count, body->dim * sizeof(*points));
    if (points == NULL)
        return -ENOMEM;
    it->building->points = points;
    for (size_t row = 0; row < it->texts.row_count; row++) {
        size_t from = texts->start[row], count = texts->start[row + 1] - from;
        wf_body_place(body, texts->indexes + from, texts->values + from, count,
                      points + row * body->dim);
    }
    return wf_minimise_begin(&it->building->minimum, (body->dim + 1) * it->label_count,
                             /* has_image= */ false, slope_of_points, it);
}

int wf_head_end_points(wf_head *it)
{
    it->body.weights = it->building->minimum.at;
    it->building->minimum.at = NULL;
    wf_minimise_fini(&it->building->minimum);
    return 0;
}
