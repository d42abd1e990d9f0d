/* SPDX-License-Identifier: MIT */

/* Two registers are half a panel's width; six rows of them are the sums of a tile. */
#include "match/transformer/kernel_x86.h"
#include "match/transformer/rows.h"

#include <immintrin.h>

#define ROWS_MAX 6u
#define COLUMNS 16u /* of a tile */

/* What one half of a panel is. */
struct half {
    const wf_product *of;
    const float *panel, *bias;
    size_t first, columns; /* of the panel */
};

static inline __attribute__((always_inline)) void
step(__m256 sums[ROWS_MAX][2], const float *a, size_t stride, size_t rows, const float *panel)
{
    __m256 low = _mm256_loadu_ps(panel), high = _mm256_loadu_ps(panel + 8);
#pragma GCC unroll 12
    for (size_t r = 0; r < rows; r++) {
        __m256 x = _mm256_broadcast_ss(a + r * stride);
        sums[r][0] = _mm256_fmadd_ps(x, low, sums[r][0]);
        sums[r][1] = _mm256_fmadd_ps(x, high, sums[r][1]);
    }
}

static inline void store(__m256 low, __m256 high, float *out, size_t columns)
{
    float numbers[COLUMNS];
    if (columns == COLUMNS) {
        _mm256_storeu_ps(out, low);
        _mm256_storeu_ps(out + 8, high);
        return;
    }
    _mm256_storeu_ps(numbers, low);
    _mm256_storeu_ps(numbers + 8, high);
    memcpy(out, numbers, columns * sizeof(*out));
}

/* `rows` is a constant where this is called. */
static inline __attribute__((always_inline)) void tile(const struct half *half, size_t row,
                                                       size_t rows)
{
    __m256 sums[ROWS_MAX][2];
    const wf_product *it = half->of;
    const float *panel = half->panel, *a = it->a + row * it->a_stride;
    size_t stride = it->a_stride;
#pragma GCC unroll 12
    for (size_t r = 0; r < rows; r++) {
        sums[r][0] = half->bias != NULL ? _mm256_loadu_ps(half->bias) : _mm256_setzero_ps();
        sums[r][1] = half->bias != NULL ? _mm256_loadu_ps(half->bias + 8) : _mm256_setzero_ps();
    }
    for (size_t k = 0; k < it->depth; k++, panel += WF_PANEL)
        step(sums, a + k, stride, rows, panel);
#pragma GCC unroll 12
    for (size_t r = 0; r < rows; r++)
        store(sums[r][0], sums[r][1], it->out + (row + r) * it->out_stride + half->first,
              half->columns);
}

#define TILE(rows_)                                                                                \
    case rows_:                                                                                    \
        tile(half, row, rows_);                                                                    \
        break;

static void all_rows(const struct half *half)
{
    size_t row = 0, rows = half->of->rows;
    for (; row + ROWS_MAX <= rows; row += ROWS_MAX)
        tile(half, row, ROWS_MAX);
    switch (rows - row) {
        TILE(1)
        TILE(2)
        TILE(3)
        TILE(4)
        TILE(5)
    }
}

static void product(const wf_product *it)
{
    for (size_t first = 0; first < it->columns; first += COLUMNS) {
        size_t left = it->columns - first;
        struct half half = {.of = it,
                            .panel = it->panel + first,
                            .bias = it->bias != NULL ? it->bias + first : NULL,
                            .first = first,
                            .columns = left < COLUMNS ? left : COLUMNS};
        all_rows(&half);
    }
}

const wf_kernel wf_kernel_avx2 = {"avx2",        product,  rows_softmax, rows_norm,
                                  rows_activate, rows_sum, rows_spread,  rows_move};
