/* SPDX-License-Identifier: MIT */

#include "match/transformer/trunk.h"

#include <string.h>

/* What an activation of one number takes, as multiply-adds. */
#define ACTIVATION_PRODUCTS ((size_t)16)

void wf_sheet_fini(wf_sheet *sheet)
{
    wf_floats_fini(&sheet->rows);
    wf_floats_fini(&sheet->wide);
    wf_floats_fini(&sheet->mixed);
    wf_floats_fini(&sheet->keys);
    wf_floats_fini(&sheet->values);
    wf_floats_fini(&sheet->scores);
    *sheet = (wf_sheet){0};
}

static int reserve_rows(const wf_trunk *body, size_t tokens, wf_sheet *sheet)
{
    const wf_shape *shape = &body->shape;
    size_t wide = 3 * shape->hidden > shape->inner ? 3 * shape->hidden : shape->inner;
    if (tokens <= sheet->token_capacity)
        return 0;
    wf_floats_fini(&sheet->rows);
    wf_floats_fini(&sheet->wide);
    wf_floats_fini(&sheet->mixed);
    sheet->token_capacity = 0;
    sheet->row_stride = wf_stride(shape->hidden);
    sheet->wide_stride = wf_stride(wide);
    int rc = wf_floats_new(&sheet->rows, tokens * sheet->row_stride);
    if (rc == 0)
        rc = wf_floats_new(&sheet->mixed, tokens * sheet->row_stride);
    if (rc == 0)
        rc = wf_floats_new(&sheet->wide, tokens * sheet->wide_stride);
    if (rc == 0)
        sheet->token_capacity = tokens;
    return rc;
}

static int reserve(const wf_trunk *body, const wf_pile *pile, wf_sheet *sheet)
{
    size_t longest = 0;
    for (size_t t = 0; t < pile->text_count; t++) {
        size_t length = pile->starts[t + 1] - pile->starts[t];
        longest = length > longest ? length : longest;
    }
    int rc = reserve_rows(body, pile->token_count, sheet);
    return rc < 0 ? rc : wf_attend_reserve(body, longest, sheet);
}

/* ---- embeddings ---- */

static void add_row(const wf_tensor *table, size_t row, size_t width, float *spare, float *out)
{
    const float *in_place = wf_tensor_in_place(table);
    const float *numbers = in_place != NULL ? in_place + row * width : spare;
    if (in_place == NULL)
        wf_tensor_floats(table, row * width, width, spare);
    for (size_t i = 0; i < width; i++)
        out[i] += numbers[i];
}

static void embed(const wf_trunk *body, const wf_pile *pile, size_t text, wf_sheet *sheet)
{
    const wf_shape *shape = &body->shape;
    size_t counted = 0;
    for (size_t i = pile->starts[text]; i < pile->starts[text + 1]; i++) {
        float *row = sheet->rows.at + i * sheet->row_stride, *spare = sheet->wide.at;
        size_t id = pile->ids[i], position = counted++;
        if (shape->family->counts_from_pad) {
            /* The padding token keeps the place of padding, and is not counted. */
            bool is_pad = id == shape->pad;
            position = is_pad ? shape->pad : shape->pad + 1 + position;
            counted -= is_pad;
        }
        memset(row, 0, shape->hidden * sizeof(*row));
        add_row(body->words, id, shape->hidden, spare, row);
        if (body->types != NULL)
            add_row(body->types, pile->types[i] < shape->types ? pile->types[i] : 0, shape->hidden,
                    spare, row);
        add_row(body->positions, position, shape->hidden, spare, row);
        body->kernel->norm(row, NULL, body->embedded_norm.weight, body->embedded_norm.bias,
                           shape->hidden, shape->epsilon);
    }
}

/* ---- layers ---- */

/* rows = norm(rows + added). */
static void add_and_norm(const wf_trunk *body, const wf_norm_weights *norm, const float *added,
                         size_t added_stride, size_t count, wf_sheet *sheet)
{
    for (size_t i = 0; i < count; i++)
        body->kernel->norm(sheet->rows.at + i * sheet->row_stride, added + i * added_stride,
                           norm->weight, norm->bias, body->shape.hidden, body->shape.epsilon);
}

static int attention(const wf_trunk *body, const wf_layer *layer, const wf_pile *pile,
                     wf_sheet *sheet, const wf_job *job)
{
    size_t count = pile->token_count;
    int rc = wf_linear_run(&layer->qkv, body->kernel, sheet->rows.at, sheet->row_stride, count,
                           sheet->wide.at, sheet->wide_stride, job);
    wf_toil toil = {job, 0};
    for (size_t t = 0; t < pile->text_count && rc == 0; t++) {
        size_t first = pile->starts[t], length = pile->starts[t + 1] - first;
        rc = wf_attend(body, sheet->wide.at + first * sheet->wide_stride, length,
                       sheet->mixed.at + first * sheet->row_stride, sheet, &toil);
    }
    if (rc == 0)
        rc = wf_linear_run(&layer->joined, body->kernel, sheet->mixed.at, sheet->row_stride, count,
                           sheet->wide.at, sheet->wide_stride, job);
    if (rc == 0)
        add_and_norm(body, &layer->joined_norm, sheet->wide.at, sheet->wide_stride, count, sheet);
    return rc;
}

static int feed_forward(const wf_trunk *body, const wf_layer *layer, size_t count, wf_sheet *sheet,
                        const wf_job *job)
{
    int rc = wf_linear_run(&layer->up, body->kernel, sheet->rows.at, sheet->row_stride, count,
                           sheet->wide.at, sheet->wide_stride, job);
    wf_toil toil = {job, 0};
    for (size_t i = 0; i < count && rc == 0; i++) {
        body->kernel->activate(sheet->wide.at + i * sheet->wide_stride, body->shape.inner,
                               body->shape.activation);
        rc = wf_toil_add(&toil, ACTIVATION_PRODUCTS * body->shape.inner);
    }
    if (rc == 0)
        rc = wf_linear_run(&layer->down, body->kernel, sheet->wide.at, sheet->wide_stride, count,
                           sheet->mixed.at, sheet->row_stride, job);
    if (rc == 0)
        add_and_norm(body, &layer->norm, sheet->mixed.at, sheet->row_stride, count, sheet);
    return rc;
}

int wf_trunk_run(const wf_trunk *body, const wf_pile *pile, wf_sheet *sheet, const wf_job *job)
{
    int rc = reserve(body, pile, sheet);
    for (size_t t = 0; t < pile->text_count && rc == 0; t++)
        embed(body, pile, t, sheet);
    for (size_t i = 0; i < body->shape.layers && rc == 0; i++) {
        rc = attention(body, &body->layers[i], pile, sheet, job);
        if (rc == 0)
            rc = feed_forward(body, &body->layers[i], pile->token_count, sheet, job);
    }
    return rc;
}
