/* SPDX-License-Identifier: MIT */

/* One register holds the 16 sums; a tile is one row times one query, or four times
 * four. */
#include "match/index/scan_x86.h"

#include <immintrin.h>

#define ROWS_MAX 4u
#define QUERIES_MAX 4u

static inline __m128 quarter(__m512 sums)
{
    __m256 high = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(sums), 1));
    __m256 half = _mm256_add_ps(_mm512_castps512_ps256(sums), high);
    return _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
}

static inline float fold(__m512 sums)
{
    __m128 four = quarter(sums);
    __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/* The same of four at once: their numbers change places, and stay in their order. */
static inline __m128 fold_four(__m512 a, __m512 b, __m512 c, __m512 d)
{
    __m128 w = quarter(a), x = quarter(b), y = quarter(c), z = quarter(d);
    __m128 left = _mm_add_ps(_mm_unpacklo_ps(w, x), _mm_unpackhi_ps(w, x));
    __m128 right = _mm_add_ps(_mm_unpacklo_ps(y, z), _mm_unpackhi_ps(y, z));
    return _mm_add_ps(_mm_movelh_ps(left, right), _mm_movehl_ps(right, left));
}

/* The numbers of rows and queries are constants where this is called. */
static inline __attribute__((always_inline)) void tile(const float *rows, size_t row_count,
                                                       const float *queries, size_t query_count,
                                                       size_t width, float *out, size_t out_stride)
{
    __m512 sums[ROWS_MAX][QUERIES_MAX];
    for (size_t r = 0; r < row_count; r++) {
        for (size_t q = 0; q < query_count; q++)
            sums[r][q] = _mm512_setzero_ps();
    }
    for (size_t i = 0; i < width; i += WF_SCAN_FLOATS) {
        __m512 held[QUERIES_MAX];
        for (size_t q = 0; q < query_count; q++)
            held[q] = _mm512_loadu_ps(queries + q * width + i);
        for (size_t r = 0; r < row_count; r++) {
            __m512 row = _mm512_loadu_ps(rows + r * width + i);
            for (size_t q = 0; q < query_count; q++)
                sums[r][q] = _mm512_fmadd_ps(row, held[q], sums[r][q]);
        }
    }
    for (size_t q = 0; q < query_count; q++) {
        if (row_count == 4)
            _mm_storeu_ps(out + q * out_stride,
                          fold_four(sums[0][q], sums[1][q], sums[2][q], sums[3][q]));
        for (size_t r = 0; r < row_count && row_count != 4; r++)
            out[q * out_stride + r] = fold(sums[r][q]);
    }
}

static inline __attribute__((always_inline)) void band(const float *rows, size_t row_count,
                                                       const float *queries, size_t query_count,
                                                       size_t height, size_t width, float *out)
{
    size_t r = 0;
    for (; r + height <= row_count; r += height)
        tile(rows + r * width, height, queries, query_count, width, out + r, row_count);
    for (; r < row_count; r++)
        tile(rows + r * width, 1, queries, query_count, width, out + r, row_count);
}

void wf_scan_avx512_floats(const float *rows, size_t row_count, const float *queries,
                           size_t query_count, size_t width, float *out)
{
    size_t q = 0;
    for (; q + 4 <= query_count; q += 4)
        band(rows, row_count, queries + q * width, 4, 4, width, out + q * row_count);
    for (; q < query_count; q++)
        band(rows, row_count, queries + q * width, 1, 1, width, out + q * row_count);
}
