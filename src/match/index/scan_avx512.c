/* SPDX-License-Identifier: MIT */

/* One register holds the 16 sums; a tile is four rows times one, two or four queries. */
#include "match/index/scan_x86.h"

#include <immintrin.h>

static inline float fold(__m512 sums)
{
    __m256 high = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(sums), 1));
    __m256 half = _mm256_add_ps(_mm512_castps512_ps256(sums), high);
    __m128 quarter = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
    __m128 two = _mm_add_ps(quarter, _mm_movehl_ps(quarter, quarter));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/* The numbers of rows and queries are constants where this is called. */
static inline __attribute__((always_inline)) void tile(const float *rows, size_t row_count,
                                                       const float *queries, size_t query_count,
                                                       size_t width, float *out, size_t out_stride)
{
    __m512 sums[4][WF_SCAN_QUERIES];
    for (size_t r = 0; r < row_count; r++) {
        for (size_t q = 0; q < query_count; q++)
            sums[r][q] = _mm512_setzero_ps();
    }
    for (size_t i = 0; i < width; i += WF_SCAN_FLOATS) {
        __m512 held[WF_SCAN_QUERIES];
        for (size_t q = 0; q < query_count; q++)
            held[q] = _mm512_loadu_ps(queries + q * width + i);
        for (size_t r = 0; r < row_count; r++) {
            __m512 row = _mm512_loadu_ps(rows + r * width + i);
            for (size_t q = 0; q < query_count; q++)
                sums[r][q] = _mm512_fmadd_ps(row, held[q], sums[r][q]);
        }
    }
    for (size_t r = 0; r < row_count; r++) {
        for (size_t q = 0; q < query_count; q++)
            out[q * out_stride + r] = fold(sums[r][q]);
    }
}

static inline __attribute__((always_inline)) void band(const float *rows, size_t row_count,
                                                       const float *queries, size_t query_count,
                                                       size_t width, float *out)
{
    size_t r = 0;
    for (; r + 4 <= row_count; r += 4)
        tile(rows + r * width, 4, queries, query_count, width, out + r, row_count);
    for (; r < row_count; r++)
        tile(rows + r * width, 1, queries, query_count, width, out + r, row_count);
}

void wf_scan_avx512_floats(const float *rows, size_t row_count, const float *queries,
                           size_t query_count, size_t width, float *out)
{
    size_t q = 0;
    for (; q + 4 <= query_count; q += 4)
        band(rows, row_count, queries + q * width, 4, width, out + q * row_count);
    for (; q < query_count; q++)
        band(rows, row_count, queries + q * width, 1, width, out + q * row_count);
}
