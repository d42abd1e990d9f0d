/* SPDX-License-Identifier: MIT */

#include "match/transformer/linear.h"

#include "base/alloc.h"

#include <stdint.h>
#include <string.h>

#define ALIGNMENT 64u

/* Rows of a tile of any kernel divide it. */
#define ROWS_LEAST 12u

int wf_floats_new(wf_floats *floats, size_t count)
{
    size_t bytes;
    if (!wf_mul_ok(count, sizeof(float), &bytes) || !wf_add_ok(bytes, ALIGNMENT, &bytes))
        return -ENOMEM;
    floats->block = wf_alloc(bytes);
    if (floats->block == NULL)
        return -ENOMEM;
    uintptr_t at = ((uintptr_t)floats->block + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    floats->at = (float *)at;
    memset(floats->at, 0, count * sizeof(float));
    return 0;
}

void wf_floats_fini(wf_floats *floats)
{
    wf_free(floats->block);
    *floats = (wf_floats){0};
}

int wf_linear_init(wf_linear *linear, size_t in, size_t out)
{
    size_t columns = (out + WF_PANEL - 1) / WF_PANEL * WF_PANEL;
    *linear = (wf_linear){.in = in, .out = out};
    int rc = wf_floats_new(&linear->panels, columns * in);
    return rc < 0 ? rc : wf_floats_new(&linear->bias, columns);
}

void wf_linear_fini(wf_linear *linear)
{
    wf_floats_fini(&linear->panels);
    wf_floats_fini(&linear->bias);
    *linear = (wf_linear){0};
}

void wf_linear_set(wf_linear *linear, size_t first, size_t count, const float *weights)
{
    float *panel = linear->panels.at + first / WF_PANEL * WF_PANEL * linear->in + first % WF_PANEL;
    for (size_t k = 0; k < linear->in; k++) {
        for (size_t c = 0; c < count; c++)
            panel[k * WF_PANEL + c] = weights[c * linear->in + k];
    }
}

/* Rows that the matrix is read for at once: as many of them, and as few multiply-adds a panel, as
 * can be had together; and all times alike, lest the last be for a few rows. */
static size_t rows_at_once(const wf_linear *linear, size_t rows)
{
    size_t most = WF_PRODUCTS_A_POLL / (linear->in * WF_PANEL);
    most = most > ROWS_LEAST ? most : ROWS_LEAST;
    size_t times = (rows + most - 1) / most;
    size_t each = (rows + times - 1) / times;
    return (each + ROWS_LEAST - 1) / ROWS_LEAST * ROWS_LEAST;
}

/* Some rows, times all panels. */
static int run_rows(const wf_linear *linear, const wf_kernel *kernel, wf_product product,
                    float *out, const wf_job *job)
{
    wf_toil toil = {job, 0};
    int rc = 0;
    for (size_t first = 0; first < linear->out && rc == 0; first += WF_PANEL) {
        size_t left = linear->out - first;
        product.panel = linear->panels.at + first * linear->in;
        product.bias = linear->bias.at + first;
        product.out = out + first;
        product.columns = left < WF_PANEL ? left : WF_PANEL;
        kernel->product(&product);
        rc = wf_toil_add(&toil, product.rows * linear->in * WF_PANEL);
    }
    return rc;
}

int wf_linear_run(const wf_linear *linear, const wf_kernel *kernel, const float *in,
                  size_t in_stride, size_t rows, float *out, size_t out_stride, const wf_job *job)
{
    size_t each = rows != 0 ? rows_at_once(linear, rows) : 1;
    int rc = wf_job_poll(job);
    for (size_t row = 0; row < rows && rc == 0; row += each) {
        const wf_product product = {.a = in + row * in_stride,
                                    .a_stride = in_stride,
                                    .rows = rows - row < each ? rows - row : each,
                                    .depth = linear->in,
                                    .out_stride = out_stride};
        rc = run_rows(linear, kernel, product, out + row * out_stride, job);
    }
    return rc;
}
