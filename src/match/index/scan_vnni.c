/* SPDX-License-Identifier: MIT */

/* The instruction wants one side without sign: the query is raised by 128, and 128 times the sum of
 * the row taken off again. */
#include "match/index/scan_x86.h"

#include <immintrin.h>

static inline __m512i load(const int8_t *at)
{
    return _mm512_loadu_si512((const void *)at);
}

static inline __m128i quarter(__m512i sums)
{
    __m256i half =
        _mm256_add_epi32(_mm512_castsi512_si256(sums), _mm512_extracti64x4_epi64(sums, 1));
    return _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

/* One row after the other, as memory has them: the processor fetches ahead what is in order. */
static inline __m128i one_row(const int8_t *row, const int8_t *query, size_t width)
{
    const __m512i sign = _mm512_set1_epi8((char)0x80);
    __m512i sums = _mm512_setzero_si512();
    for (size_t i = 0; i < width; i += WF_SCAN_BYTES)
        sums = _mm512_dpbusd_epi32(sums, _mm512_xor_si512(load(query + i), sign), load(row + i));
    return quarter(sums);
}

/* Four rows are added up together. */
static void bytes(const int8_t *rows, const int32_t *sums, size_t row_count, const int8_t *query,
                  size_t width, int32_t *out)
{
    size_t r = 0;
    for (; r + 4 <= row_count; r += 4) {
        const int8_t *row = rows + r * width;
        __m128i a = one_row(row, query, width), b = one_row(row + width, query, width);
        __m128i c = one_row(row + 2 * width, query, width);
        __m128i d = one_row(row + 3 * width, query, width);
        __m128i four = _mm_hadd_epi32(_mm_hadd_epi32(a, b), _mm_hadd_epi32(c, d));
        __m128i raised = _mm_loadu_si128((const __m128i *)(const void *)(sums + r));
        four = _mm_sub_epi32(four, _mm_slli_epi32(raised, 7));
        _mm_storeu_si128((__m128i *)(void *)(out + r), four);
    }
    if (r < row_count)
        wf_scan_avx2_bytes(rows + r * width, sums + r, row_count - r, query, width, out + r);
}

const wf_scan_kernel wf_scan_vnni = {"avx512-vnni", wf_scan_avx512_floats, bytes};
