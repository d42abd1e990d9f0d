/* SPDX-License-Identifier: MIT */

/*
 * Attention of one text: for each head softmax(Q K' / sqrt(d) + bias) V.  Keys and values are put
 * into panels once; then some queries at a time have their scores, the softmax and the sum of the
 * values while these are in the cache (the order of FlashAttention of Dao and others, 2022, with
 * whole rows of scores, for texts have hundreds of tokens and not thousands).
 */
#include "match/transformer/trunk.h"

#include <math.h>
#include <string.h>

/* Queries at a time: a multiple of the rows of every kernel's tile. */
#define QUERIES 48u

/* One head of one text. */
struct head {
    const wf_trunk *body;
    const float *query; /* rows of qkv, `stride` apart */
    size_t stride, width, length;
    const float *distances; /* or NULL */
    float *out;
    size_t out_stride;
    wf_sheet *sheet;
};

static size_t padded(size_t count)
{
    return (count + WF_PANEL - 1) / WF_PANEL * WF_PANEL;
}

/* keys: [length / WF_PANEL][width][WF_PANEL]; values: [width / WF_PANEL][length][WF_PANEL]. */
static void pack_head(const struct head *it)
{
    size_t hidden = it->body->shape.hidden;
    const float *keys = it->query + hidden, *values = keys + hidden;
    for (size_t row = 0; row < it->length; row++) {
        float *panel = it->sheet->keys.at + row / WF_PANEL * WF_PANEL * it->width + row % WF_PANEL;
        for (size_t i = 0; i < it->width; i++)
            panel[i * WF_PANEL] = keys[row * it->stride + i];
    }
    for (size_t first = 0; first < it->width; first += WF_PANEL) {
        size_t left = it->width - first, count = left < WF_PANEL ? left : WF_PANEL;
        float *panel = it->sheet->values.at + first * it->length;
        for (size_t row = 0; row < it->length; row++)
            memcpy(panel + row * WF_PANEL, values + row * it->stride + first,
                   count * sizeof(*panel));
    }
}

/* Rows [first, first + count) of the scores, as shares. */
static void score(const struct head *it, size_t first, size_t count, size_t score_stride)
{
    const wf_kernel *kernel = it->body->kernel;
    float *scores = it->sheet->scores.at;
    for (size_t key = 0; key < it->length; key += WF_PANEL) {
        size_t left = it->length - key;
        kernel->product(&(wf_product){.a = it->query + first * it->stride,
                                      .a_stride = it->stride,
                                      .rows = count,
                                      .depth = it->width,
                                      .panel = it->sheet->keys.at + key * it->width,
                                      .out = scores + key,
                                      .out_stride = score_stride,
                                      .columns = left < WF_PANEL ? left : WF_PANEL});
    }
    float scale = 1.0f / sqrtf((float)it->width);
    size_t middle = it->body->shape.tokens_max - 1;
    for (size_t row = 0; row < count; row++)
        kernel->softmax(scores + row * score_stride, it->length, scale,
                        it->distances != NULL ? it->distances + middle - first - row : NULL);
}

static void sum_values(const struct head *it, size_t first, size_t count, size_t score_stride)
{
    for (size_t column = 0; column < it->width; column += WF_PANEL) {
        size_t left = it->width - column;
        it->body->kernel->product(&(wf_product){.a = it->sheet->scores.at,
                                                .a_stride = score_stride,
                                                .rows = count,
                                                .depth = it->length,
                                                .panel = it->sheet->values.at + column * it->length,
                                                .out = it->out + first * it->out_stride + column,
                                                .out_stride = it->out_stride,
                                                .columns = left < WF_PANEL ? left : WF_PANEL});
    }
}

static int attend_head(const struct head *it, wf_toil *toil)
{
    size_t score_stride = padded(it->length) + WF_LANES;
    int rc = 0;
    pack_head(it);
    for (size_t first = 0; first < it->length && rc == 0; first += QUERIES) {
        size_t left = it->length - first, count = left < QUERIES ? left : QUERIES;
        score(it, first, count, score_stride);
        sum_values(it, first, count, score_stride);
        rc = wf_toil_add(toil, 2 * count * it->length * it->width);
    }
    return rc;
}

int wf_attend_reserve(const wf_trunk *body, size_t length, wf_sheet *sheet)
{
    if (length <= sheet->length_capacity)
        return 0;
    size_t width = body->shape.hidden / body->shape.heads, room = padded(length);
    wf_floats_fini(&sheet->keys);
    wf_floats_fini(&sheet->values);
    wf_floats_fini(&sheet->scores);
    sheet->length_capacity = 0;
    int rc = wf_floats_new(&sheet->keys, room * width);
    if (rc == 0)
        rc = wf_floats_new(&sheet->values, room * padded(width));
    if (rc == 0)
        rc = wf_floats_new(&sheet->scores, QUERIES * (room + WF_LANES));
    if (rc == 0)
        sheet->length_capacity = room;
    return rc;
}

int wf_attend(const wf_trunk *body, const float *qkv, size_t length, float *out, wf_sheet *sheet,
              wf_toil *toil)
{
    size_t width = body->shape.hidden / body->shape.heads, span = 2 * body->shape.tokens_max - 1;
    int rc = 0;
    for (size_t i = 0; i < body->shape.heads && rc == 0; i++) {
        const struct head head = {.body = body,
                                  .query = qkv + i * width,
                                  .stride = sheet->wide_stride,
                                  .width = width,
                                  .length = length,
                                  .distances =
                                      body->distances != NULL ? body->distances + i * span : NULL,
                                  .out = out + i * width,
                                  .out_stride = sheet->row_stride,
                                  .sheet = sheet};
        rc = attend_head(&head, toil);
    }
    return rc;
}
