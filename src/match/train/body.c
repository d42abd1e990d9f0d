/* SPDX-License-Identifier: MIT */

#include "match/train/body.h"

#include "base/alloc.h"
#include "match/train/lanes.h"
#include "match/transformer/kernel.h"

#include <assert.h>
#include <math.h>

void wf_body_fini(wf_body *body)
{
    if (!body->is_of_image) {
        wf_free(body->table);
        wf_free(body->weights);
        wf_free(body->tokens);
    }
    weft_encoder_unref(body->encoder);
    *body = (wf_body){0};
}

size_t wf_body_bytes(const wf_body *body)
{
    size_t numbers = body->row_count * body->dim + (body->dim + 1) * body->label_count;
    return body->dim == 0 ? 0
                          : numbers * sizeof(float) +
                                (body->tokens != NULL ? body->row_count * sizeof(uint32_t) : 0);
}

size_t wf_body_row(const wf_body *body, uint32_t token)
{
    size_t low = 0, high = body->row_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (body->tokens[middle] < token)
            low = middle + 1;
        else
            high = middle;
    }
    return low < body->row_count && body->tokens[low] == token ? low : SIZE_MAX;
}

void wf_body_add_scores(const wf_body *body, const float *point, float *scores)
{
    size_t labels = body->label_count;
    const wf_picked all = {.factors = point, .count = body->dim, .stride = labels, .width = labels};
    wf_kernel_best()->sum(scores, body->weights, &all);
    wf_add_scaled(scores, 1, body->weights + body->dim * labels, labels);
}

static void make_unit(const wf_body *body, float *point)
{
    double square = body->is_unit ? wf_dot(point, point, body->dim) : 0;
    float inverse = square > 0 ? (float)(1 / sqrt(square)) : 1;
    for (size_t d = 0; d < body->dim && body->is_unit; d++)
        point[d] *= inverse;
}

void wf_body_place(const wf_body *body, const uint32_t *rows, const float *weights, size_t count,
                   float *out_point)
{
    memset(out_point, 0, body->dim * sizeof(*out_point));
    const wf_picked picked = {.factors = weights,
                              .indexes = rows,
                              .count = count,
                              .stride = body->dim,
                              .width = body->dim};
    wf_kernel_best()->sum(out_point, body->table, &picked);
    make_unit(body, out_point);
}

static void place_tokens(const wf_body *body, wf_pupil *work)
{
    memset(work->point, 0, body->dim * sizeof(*work->point));
    for (size_t i = 0; i < work->parts.count; i++) {
        size_t row = wf_body_row(body, work->parts.ids[i]);
        const float *numbers = work->row;
        if (row == SIZE_MAX)
            wf_static_row(body->encoder, work->parts.ids[i], work->row);
        else
            numbers = body->table + row * body->dim;
        wf_add_scaled(work->point, work->parts.weights[i], numbers, body->dim);
    }
    make_unit(body, work->point);
}

int wf_body_read(const wf_body *body, wf_pupil *work, weft_str text)
{
    int rc = wf_pupil_reserve_point(work, body->dim);
    if (rc < 0)
        return rc;
    if (body->encoder == NULL) {
        wf_body_place(body, work->indexes, work->values, work->count, work->point);
        return 0;
    }
    rc = wf_static_parts(body->encoder, text, &work->parts);
    if (rc == 0)
        place_tokens(body, work);
    return rc;
}

/* ---- files ---- */

#define TAG_BODY WF_TAG('B', 'O', 'D', 'Y')
#define TAG_TABLE WF_TAG('B', 'O', 'T', 'A')
#define TAG_TOKENS WF_TAG('B', 'O', 'T', 'O')
#define TAG_WEIGHTS WF_TAG('B', 'O', 'W', 'E')

#define NUMBER_MAX 1e6f

struct head {
    uint64_t row_count;
    uint32_t dim;
    uint8_t is_unit, has_tokens, zero[2];
};

void wf_body_save(const wf_body *body, wf_pack *pack)
{
    const struct head head = {.row_count = body->row_count,
                              .dim = (uint32_t)body->dim,
                              .is_unit = body->is_unit,
                              .has_tokens = body->tokens != NULL};
    wf_pack_copy(pack, TAG_BODY, &head, sizeof(head));
    wf_pack_add(pack, TAG_TABLE, body->table, body->row_count * body->dim, sizeof(float));
    wf_pack_add(pack, TAG_WEIGHTS, body->weights, (body->dim + 1) * body->label_count,
                sizeof(float));
    if (body->tokens != NULL)
        wf_pack_add(pack, TAG_TOKENS, body->tokens, body->row_count, sizeof(*body->tokens));
}

bool wf_body_needs_model(const wf_image *image)
{
    struct head head;
    return wf_image_get_one(image, TAG_BODY, &head, sizeof(head)) == 0 && head.has_tokens != 0;
}

/* Numbers that are no number, or so large that sums overflow, are refused. */
static bool are_sound(const float *numbers, size_t count)
{
    bool is_sound = true;
    for (size_t i = 0; i < count; i++)
        is_sound &= fabsf(numbers[i]) <= NUMBER_MAX;
    return is_sound;
}

static int load_tokens(wf_body *body, const wf_image *image)
{
    int rc =
        wf_image_get_exactly(image, TAG_TOKENS, sizeof(uint32_t), body->row_count, &body->tokens);
    for (size_t i = 1; i < body->row_count && rc == 0; i++)
        rc = body->tokens[i - 1] < body->tokens[i] ? 0 : -WEFT_M_EPERSIST;
    return rc;
}

int wf_body_load(wf_body *body, const wf_image *image, size_t feature_count, uint32_t label_count)
{
    struct head head;
    size_t numbers, weights;
    body->is_of_image = true;
    int rc = wf_image_get_one(image, TAG_BODY, &head, sizeof(head));
    if (rc < 0)
        return rc;
    bool is_static = head.has_tokens != 0;
    if (head.dim == 0 || head.dim > WF_BODY_DIM_MAX || is_static != (body->encoder != NULL) ||
        (is_static ? head.dim != weft_encoder_dimension(body->encoder)
                   : head.row_count != feature_count) ||
        !wf_mul_ok(head.row_count, head.dim, &numbers) ||
        !wf_mul_ok(head.dim + 1, label_count, &weights))
        return -WEFT_M_EPERSIST;
    body->dim = head.dim;
    body->row_count = head.row_count;
    body->label_count = label_count;
    body->is_unit = head.is_unit != 0;
    rc = wf_image_get_exactly(image, TAG_TABLE, sizeof(float), numbers, &body->table);
    if (rc == 0)
        rc = wf_image_get_exactly(image, TAG_WEIGHTS, sizeof(float), weights, &body->weights);
    if (rc == 0 && is_static)
        rc = load_tokens(body, image);
    if (rc < 0)
        return rc;
    return are_sound(body->table, numbers) && are_sound(body->weights, weights) ? 0
                                                                                : -WEFT_M_EPERSIST;
}
