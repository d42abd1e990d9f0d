/* SPDX-License-Identifier: MIT */

/* The definition, and what runs where nothing better is known: compilers make vectors of it. */
#include "match/transformer/rows.h"

static void one_row(const wf_product *it, const float *a, float *out)
{
    float sums[WF_PANEL] = {0};
    if (it->bias != NULL)
        memcpy(sums, it->bias, sizeof(sums));
    for (size_t k = 0; k < it->depth; k++) {
        const float *panel = it->panel + k * WF_PANEL;
        for (size_t c = 0; c < WF_PANEL; c++)
            sums[c] = fmaf(a[k], panel[c], sums[c]);
    }
    memcpy(out, sums, it->columns * sizeof(*out));
}

static void product(const wf_product *it)
{
    for (size_t r = 0; r < it->rows; r++)
        one_row(it, it->a + r * it->a_stride, it->out + r * it->out_stride);
}

const wf_kernel wf_kernel_portable = {"portable",    product,  rows_softmax, rows_norm,
                                      rows_activate, rows_sum, rows_spread,  rows_move};
