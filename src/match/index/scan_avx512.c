/* SPDX-License-Identifier: MIT */

/* One register holds the 16 sums; a tile is one row times one query, or six rows times four. */
#include "match/index/scan_x86.h"

#include <immintrin.h>

#define ROWS_MAX ((size_t)6)
#define QUERIES_MAX ((size_t)4)

/* Rows that stay in the first cache while all queries pass: less than all of it, where two threads
 * share one. */
#define HELD_BYTES 24576u

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

/* The same of 24 at once, by the same additions; out[q * out_stride + r] is that of sums[r][q].
 * Where both halves of a register are wanted in exchange for those of another, one half stays and
 * is blended: only one port can move numbers across lanes. */
static inline __m512 halve(__m512 a, __m512 b)
{
    return _mm512_add_ps(_mm512_mask_blend_ps(0xFF00, a, b), _mm512_shuffle_f32x4(a, b, 0x4E));
}

static inline __m512 quarters(const __m512 row[QUERIES_MAX])
{
    __m512 left = halve(row[0], row[1]), right = halve(row[2], row[3]);
    return _mm512_add_ps(_mm512_shuffle_f32x4(left, right, 0x88),
                         _mm512_shuffle_f32x4(left, right, 0xDD));
}

/* Of two rows: a, a, b, b for each query. */
static inline __m512 twos(const __m512 a[QUERIES_MAX], const __m512 b[QUERIES_MAX])
{
    __m512 left = quarters(a), right = quarters(b);
    return _mm512_add_ps(_mm512_mask_blend_ps(0xCCCC, left, right),
                         _mm512_shuffle_ps(left, right, 0x4E));
}

static inline __m512 ones(__m512 a, __m512 b)
{
    return _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x88), _mm512_shuffle_ps(a, b, 0xDD));
}

static inline void fold_all(__m512 sums[ROWS_MAX][QUERIES_MAX], float *out, size_t out_stride)
{
    __m512 last = twos(sums[4], sums[5]);
    __m512 four = ones(twos(sums[0], sums[1]), twos(sums[2], sums[3])), two = ones(last, last);
    _mm_storeu_ps(out, _mm512_castps512_ps128(four));
    _mm_storeu_ps(out + out_stride, _mm512_extractf32x4_ps(four, 1));
    _mm_storeu_ps(out + 2 * out_stride, _mm512_extractf32x4_ps(four, 2));
    _mm_storeu_ps(out + 3 * out_stride, _mm512_extractf32x4_ps(four, 3));
    _mm_storel_pi((__m64 *)(void *)(out + 4), _mm512_castps512_ps128(two));
    _mm_storel_pi((__m64 *)(void *)(out + out_stride + 4), _mm512_extractf32x4_ps(two, 1));
    _mm_storel_pi((__m64 *)(void *)(out + 2 * out_stride + 4), _mm512_extractf32x4_ps(two, 2));
    _mm_storel_pi((__m64 *)(void *)(out + 3 * out_stride + 4), _mm512_extractf32x4_ps(two, 3));
}

/* The numbers of rows and queries are constants where this is called; `fetch` may be NULL. */
static inline __attribute__((always_inline)) void tile(const float *rows, size_t row_count,
                                                       const float *queries, size_t query_count,
                                                       size_t width, float *out, size_t out_stride,
                                                       wf_scan_fetch *fetch)
{
    __m512 sums[ROWS_MAX][QUERIES_MAX];
    for (size_t r = 0; r < row_count; r++) {
        for (size_t q = 0; q < query_count; q++)
            sums[r][q] = _mm512_setzero_ps();
    }
    for (size_t i = 0; i < width; i += WF_SCAN_FLOATS) {
        __m512 held[QUERIES_MAX];
        if (fetch != NULL && i % 64 == 0)
            wf_scan_fetch_some(fetch);
        for (size_t q = 0; q < query_count; q++)
            held[q] = _mm512_loadu_ps(queries + q * width + i);
        for (size_t r = 0; r < row_count; r++) {
            __m512 row = _mm512_loadu_ps(rows + r * width + i);
            for (size_t q = 0; q < query_count; q++)
                sums[r][q] = _mm512_fmadd_ps(row, held[q], sums[r][q]);
        }
    }
    if (row_count == ROWS_MAX && query_count == QUERIES_MAX) {
        fold_all(sums, out, out_stride);
        return;
    }
    for (size_t q = 0; q < query_count; q++) {
        for (size_t r = 0; r < row_count; r++)
            out[q * out_stride + r] = fold(sums[r][q]);
    }
}

/* One row after the other, as memory has them: the processor fetches ahead what is in order. */
static void one_query(const float *rows, size_t row_count, const float *query, size_t width,
                      float *out)
{
    for (size_t r = 0; r < row_count; r++)
        tile(rows + r * width, 1, query, 1, width, out + r, row_count, NULL);
}

/* Four queries, or one, with rows that stay in the first cache; the last tile may have some rows of
 * the one before, again. */
static inline __attribute__((always_inline)) void band(const float *rows, size_t row_count,
                                                       const float *queries, size_t query_count,
                                                       size_t width, float *out, size_t out_stride,
                                                       wf_scan_fetch *fetch)
{
    size_t r = 0;
    for (; r + ROWS_MAX <= row_count; r += ROWS_MAX)
        tile(rows + r * width, ROWS_MAX, queries, query_count, width, out + r, out_stride, fetch);
    if (r != 0 && r < row_count) {
        r = row_count - ROWS_MAX;
        tile(rows + r * width, ROWS_MAX, queries, query_count, width, out + r, out_stride, NULL);
        return;
    }
    for (; r < row_count; r++)
        tile(rows + r * width, 1, queries, query_count, width, out + r, out_stride, NULL);
}

/* Rows that stay in the first cache while all queries pass. */
static size_t held_rows(size_t width)
{
    size_t rows = HELD_BYTES / (width * sizeof(float)) / ROWS_MAX * ROWS_MAX;
    return rows > ROWS_MAX ? rows : ROWS_MAX;
}

void wf_scan_avx512_floats(const float *rows, size_t row_count, const float *queries,
                           size_t query_count, size_t width, float *out)
{
    if (query_count == 1) {
        one_query(rows, row_count, queries, width, out);
        return;
    }
    size_t held = held_rows(width), lines = ROWS_MAX * QUERIES_MAX * 4 / query_count + 1;
    for (size_t r = 0, count; r < row_count; r += count) {
        size_t q = 0, left = row_count - r;
        count = left < held + ROWS_MAX ? left : held;
        const float *from = rows + r * width;
        /* behind them are the next, or nothing */
        wf_scan_fetch fetch = {(uintptr_t)(from + count * width), lines};
        for (; q + QUERIES_MAX <= query_count; q += QUERIES_MAX)
            band(from, count, queries + q * width, QUERIES_MAX, width, out + q * row_count + r,
                 row_count, &fetch);
        for (; q < query_count; q++)
            band(from, count, queries + q * width, 1, width, out + q * row_count + r, row_count,
                 &fetch);
    }
}
