/* SPDX-License-Identifier: MIT */

/* The modules at work: a text's rows become a vector, and that another one. */
#include "match/transformer/modules.h"

#include <math.h>
#include <string.h>

/* Rows of one text. */
struct text {
    const float *rows;
    size_t stride, length, width;
    size_t start; /* of what counts, but for CLS and LAST: the length, or below */
};

void wf_modules_memory_fini(wf_modules_memory *memory)
{
    wf_floats_fini(&memory->vectors);
    wf_floats_fini(&memory->spare);
    wf_floats_fini(&memory->residual);
    *memory = (wf_modules_memory){0};
}

static int reserve(const wf_modules *modules, size_t texts, wf_modules_memory *memory)
{
    size_t stride = wf_stride(modules->width_max);
    if (texts <= memory->text_capacity)
        return 0;
    wf_modules_memory_fini(memory);
    int rc = wf_floats_new(&memory->vectors, texts * stride);
    if (rc == 0)
        rc = wf_floats_new(&memory->spare, texts * stride);
    if (rc == 0)
        rc = wf_floats_new(&memory->residual, texts * stride);
    if (rc == 0)
        memory->text_capacity = texts;
    return rc;
}

/* ---- pooling ---- */

static void take_row(const struct text *text, size_t row, float *out)
{
    memcpy(out, text->rows + row * text->stride, text->width * sizeof(*out));
}

static void take_greatest(const struct text *text, float *out)
{
    if (text->start == text->length)
        return;
    take_row(text, text->start, out);
    for (size_t row = text->start + 1; row < text->length; row++) {
        const float *numbers = text->rows + row * text->stride;
        for (size_t i = 0; i < text->width; i++)
            out[i] = numbers[i] > out[i] ? numbers[i] : out[i];
    }
}

/* The sum of the rows, the i-th 1 + i * growth times, divided by `by`. */
static void take_sum(const struct text *text, float growth, float by, float *out)
{
    memset(out, 0, text->width * sizeof(*out));
    for (size_t row = text->start; row < text->length; row++) {
        const float *numbers = text->rows + row * text->stride;
        float weight = 1 + (float)row * growth;
        for (size_t i = 0; i < text->width; i++)
            out[i] += numbers[i] * weight;
    }
    for (size_t i = 0; i < text->width; i++)
        out[i] /= by > 1e-9f ? by : 1e-9f;
}

static void pool_one(enum wf_pool pool, const struct text *text, float *out)
{
    float length = (float)text->length, start = (float)text->start;
    switch (pool) {
    case WF_POOL_CLS:
        take_row(text, 0, out);
        break;
    case WF_POOL_MAX:
        take_greatest(text, out);
        break;
    case WF_POOL_MEAN:
        take_sum(text, 0, length - start, out);
        break;
    case WF_POOL_MEAN_SQRT:
        take_sum(text, 0, sqrtf(length - start), out);
        break;
    case WF_POOL_WEIGHTED:
        take_sum(text, 1, (length * (length + 1) - start * (start + 1)) / 2, out);
        break;
    case WF_POOL_LAST:
        take_row(text, text->length - 1, out);
        break;
    }
}

/* A text without a token has a vector of zeros. */
static void pool(const wf_modules *modules, const struct text *text, float *out)
{
    memset(out, 0, modules->width_max * sizeof(*out));
    for (size_t i = 0; i < modules->pool_count && text->length > 0; i++)
        pool_one(modules->pools[i], text, out + i * text->width);
}

/* ---- what follows ---- */

static void swap(wf_floats *a, wf_floats *b)
{
    wf_floats kept = *a;
    *a = *b;
    *b = kept;
}

/* activation(vectors * matrix + bias), plus what came in. */
static int run_dense(const wf_module *module, const wf_kernel *kernel, size_t texts, size_t stride,
                     wf_modules_memory *memory, const wf_job *job)
{
    const wf_linear *dense = &module->dense, *residual = &module->residual;
    int rc = wf_linear_run(dense, kernel, memory->vectors.at, stride, texts, memory->spare.at,
                           stride, job);
    if (rc == 0 && residual->out != 0)
        rc = wf_linear_run(residual, kernel, memory->vectors.at, stride, texts, memory->residual.at,
                           stride, job);
    const float *added = residual->out != 0 ? memory->residual.at : memory->vectors.at;
    for (size_t t = 0; t < texts; t++) {
        float *out = memory->spare.at + t * stride;
        kernel->activate(out, dense->out, module->activation);
        for (size_t i = 0; module->has_residual && i < dense->out; i++)
            out[i] += added[t * stride + i];
    }
    swap(&memory->vectors, &memory->spare);
    return rc;
}

static void normalise(float *vector, size_t width)
{
    float squares = 0;
    for (size_t i = 0; i < width; i++)
        squares += vector[i] * vector[i];
    float length = sqrtf(squares);
    for (size_t i = 0; i < width; i++)
        vector[i] /= length > 1e-12f ? length : 1e-12f;
}

int wf_modules_run(const wf_modules *modules, const wf_kernel *kernel, const wf_pile *pile,
                   const wf_sheet *sheet, wf_modules_memory *memory, size_t dim, float *out,
                   const wf_job *job)
{
    size_t stride = wf_stride(modules->width_max), texts = pile->text_count;
    int rc = reserve(modules, texts, memory);
    if (rc < 0)
        return rc;
    for (size_t t = 0; t < texts; t++) {
        size_t length = pile->starts[t + 1] - pile->starts[t], left_out = modules->prompt_tokens;
        const struct text text = {.rows = sheet->rows.at + pile->starts[t] * sheet->row_stride,
                                  .stride = sheet->row_stride,
                                  .length = length,
                                  .width = modules->hidden,
                                  .start = left_out < length ? left_out : length};
        pool(modules, &text, memory->vectors.at + t * stride);
    }
    size_t width = modules->hidden * modules->pool_count;
    for (size_t i = 0; i < modules->count && rc == 0; i++) {
        const wf_module *module = &modules->items[i];
        if (module->kind == WF_MODULE_DENSE) {
            rc = run_dense(module, kernel, texts, stride, memory, job);
            width = module->dense.out;
            continue;
        }
        for (size_t t = 0; t < texts; t++)
            normalise(memory->vectors.at + t * stride, width);
    }
    for (size_t t = 0; t < texts && rc == 0; t++)
        memcpy(out + t * dim, memory->vectors.at + t * stride, dim * sizeof(*out));
    return rc;
}
