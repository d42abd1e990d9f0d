/* SPDX-License-Identifier: MIT */

/* Two registers are a panel's width; twelve rows of them are the sums of a tile. */
#include "match/transformer/kernel_x86.h"
#include "match/transformer/rows.h"

#include <immintrin.h>

#define ROWS_MAX 12u

static inline __attribute__((always_inline)) void
step(__m512 sums[ROWS_MAX][2], const float *a, size_t stride, size_t rows, const float *panel)
{
    __m512 low = _mm512_loadu_ps(panel), high = _mm512_loadu_ps(panel + 16);
#pragma GCC unroll 12
    for (size_t r = 0; r < rows; r++) {
        __m512 x = _mm512_set1_ps(a[r * stride]);
        sums[r][0] = _mm512_fmadd_ps(x, low, sums[r][0]);
        sums[r][1] = _mm512_fmadd_ps(x, high, sums[r][1]);
    }
}

/* `rows` is a constant where this is called. */
static inline __attribute__((always_inline)) void tile(const wf_product *it, const float *a,
                                                       float *out, size_t rows)
{
    __m512 sums[ROWS_MAX][2];
    const float *panel = it->panel;
    size_t stride = it->a_stride;
#pragma GCC unroll 12
    for (size_t r = 0; r < rows; r++) {
        sums[r][0] = it->bias != NULL ? _mm512_loadu_ps(it->bias) : _mm512_setzero_ps();
        sums[r][1] = it->bias != NULL ? _mm512_loadu_ps(it->bias + 16) : _mm512_setzero_ps();
    }
    for (size_t k = 0; k < it->depth; k++, panel += WF_PANEL)
        step(sums, a + k, stride, rows, panel);
    __mmask32 mask = (__mmask32)((UINT64_C(1) << it->columns) - 1);
#pragma GCC unroll 12
    for (size_t r = 0; r < rows; r++) {
        _mm512_mask_storeu_ps(out + r * it->out_stride, (__mmask16)mask, sums[r][0]);
        _mm512_mask_storeu_ps(out + r * it->out_stride + 16, (__mmask16)(mask >> 16), sums[r][1]);
    }
}

#define TILE(rows_)                                                                                \
    case rows_:                                                                                    \
        tile(it, a, out, rows_);                                                                   \
        break;

static void rest(const wf_product *it, const float *a, float *out, size_t rows)
{
    switch (rows) {
        TILE(1)
        TILE(2)
        TILE(3)
        TILE(4)
        TILE(5)
        TILE(6)
        TILE(7)
        TILE(8)
        TILE(9)
        TILE(10)
        TILE(11)
    }
}

static void product(const wf_product *it)
{
    size_t r = 0;
    for (; r + ROWS_MAX <= it->rows; r += ROWS_MAX)
        tile(it, it->a + r * it->a_stride, it->out + r * it->out_stride, ROWS_MAX);
    rest(it, it->a + r * it->a_stride, it->out + r * it->out_stride, it->rows - r);
}

const wf_kernel wf_kernel_avx512 = {"avx512",      product,  rows_softmax, rows_norm,
                                    rows_activate, rows_sum, rows_spread,  rows_move};
