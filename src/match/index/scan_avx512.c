/* SPDX-License-Identifier: MIT */

/* One register holds the 16 sums; a tile is one row times one query, or four times
 * four. */
#include "match/index/scan_x86.h"

#include <immintrin.h>

#define ROWS_MAX ((size_t)4)
#define QUERIES_MAX ((size_t)4)

/* Rows that stay in the first cache while all queries pass. */
#define HELD_BYTES 16384u

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

/* The same of 16 at once, by the same additions; out[q * out_stride + r] is that of sums[r][q].
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

static inline __m512 twos(__m512 a, __m512 b)
{
    return _mm512_add_ps(_mm512_mask_blend_ps(0xCCCC, a, b), _mm512_shuffle_ps(a, b, 0x4E));
}

static inline void fold_all(__m512 sums[ROWS_MAX][QUERIES_MAX], float *out, size_t out_stride)
{
    __m512 left = twos(quarters(sums[0]), quarters(sums[1]));
    __m512 right = twos(quarters(sums[2]), quarters(sums[3]));
    __m512 all =
        _mm512_add_ps(_mm512_shuffle_ps(left, right, 0x88), _mm512_shuffle_ps(left, right, 0xDD));
    _mm_storeu_ps(out, _mm512_castps512_ps128(all));
    _mm_storeu_ps(out + out_stride, _mm512_extractf32x4_ps(all, 1));
    _mm_storeu_ps(out + 2 * out_stride, _mm512_extractf32x4_ps(all, 2));
    _mm_storeu_ps(out + 3 * out_stride, _mm512_extractf32x4_ps(all, 3));
}

/* Memory fetched some lines at a time between products: many at once would be in the way of those
 * that are needed now.  It stands behind the rows: the next ones, or what nobody asked for, which
 * is no fault. */
struct fetch {
    uintptr_t at;
    size_t lines; /* for each 64 numbers of a tile */
};

static inline void fetch_some(struct fetch *it)
{
    for (size_t i = 0; i < it->lines; i++, it->at += 64)
        _mm_prefetch((const void *)it->at, _MM_HINT_T1);
}

/* The numbers of rows and queries are constants where this is called; `fetch` may be NULL. */
static inline __attribute__((always_inline)) void tile(const float *rows, size_t row_count,
                                                       const float *queries, size_t query_count,
                                                       size_t width, float *out, size_t out_stride,
                                                       struct fetch *fetch)
{
    __m512 sums[ROWS_MAX][QUERIES_MAX];
    for (size_t r = 0; r < row_count; r++) {
        for (size_t q = 0; q < query_count; q++)
            sums[r][q] = _mm512_setzero_ps();
    }
    for (size_t i = 0; i < width; i += WF_SCAN_FLOATS) {
        __m512 held[QUERIES_MAX];
        if (fetch != NULL && i % 64 == 0)
            fetch_some(fetch);
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

/* Four queries, or one, with rows that stay in the first cache. */
static inline __attribute__((always_inline)) void band(const float *rows, size_t row_count,
                                                       const float *queries, size_t query_count,
                                                       size_t width, float *out, size_t out_stride,
                                                       struct fetch *fetch)
{
    size_t r = 0;
    for (; r + ROWS_MAX <= row_count; r += ROWS_MAX)
        tile(rows + r * width, ROWS_MAX, queries, query_count, width, out + r, out_stride, fetch);
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
    for (size_t r = 0; r < row_count; r += held) {
        size_t q = 0, count = row_count - r < held ? row_count - r : held;
        const float *from = rows + r * width;
        struct fetch fetch = {(uintptr_t)(from + count * width), lines};
        for (; q + QUERIES_MAX <= query_count; q += QUERIES_MAX)
            band(from, count, queries + q * width, QUERIES_MAX, width, out + q * row_count + r,
                 row_count, &fetch);
        for (; q < query_count; q++)
            band(from, count, queries + q * width, 1, width, out + q * row_count + r, row_count,
                 &fetch);
    }
}
