/* SPDX-License-Identifier: MIT */

#include "match/transformer/linear.h"

#include "base/alloc.h"

#include <stdint.h>
#include <string.h>

#define ALIGNMENT 64u

/* Multiply-adds between two looks at whether to go on: some milliseconds. */
#define POLL_PRODUCTS ((size_t)128 << 20)

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

int wf_linear_run(const wf_linear *linear, const wf_kernel *kernel, const float *in,
                  size_t in_stride, size_t rows, float *out, size_t out_stride, const wf_job *job)
{
    size_t work = 0;
    for (size_t first = 0; first < linear->out; first += WF_PANEL) {
        size_t left = linear->out - first;
        const wf_product product = {.a = in,
                                    .a_stride = in_stride,
                                    .rows = rows,
                                    .depth = linear->in,
                                    .panel = linear->panels.at + first * linear->in,
                                    .bias = linear->bias.at + first,
                                    .out = out + first,
                                    .out_stride = out_stride,
                                    .columns = left < WF_PANEL ? left : WF_PANEL};
        kernel->product(&product);
        work += rows * linear->in * WF_PANEL;
        if (work < POLL_PRODUCTS)
            continue;
        int rc = wf_job_poll(job);
        if (rc < 0)
            return rc;
        work = 0;
    }
    return wf_job_poll(job);
}
