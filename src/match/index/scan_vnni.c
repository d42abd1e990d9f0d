/* SPDX-License-Identifier: MIT */

/* The instruction wants one side without sign: the query is raised by 128, and 128 times the sum of
 * the row taken off again. */
#include "match/index/scan_x86.h"

#include <immintrin.h>

static inline __m512i load(const int8_t *at)
{
    return _mm512_loadu_si512((const void *)at);
}

/* Four rows at a time: each load of the query serves four. */
static void bytes(const int8_t *rows, const int32_t *sums, size_t row_count, const int8_t *query,
                  size_t width, int32_t *out)
{
    const __m512i sign = _mm512_set1_epi8((char)0x80);
    size_t r = 0;
    for (; r + 4 <= row_count; r += 4) {
        const int8_t *row = rows + r * width;
        __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
        for (size_t i = 0; i < width; i += WF_SCAN_BYTES) {
            __m512i raised = _mm512_xor_si512(load(query + i), sign);
            a = _mm512_dpbusd_epi32(a, raised, load(row + i));
            b = _mm512_dpbusd_epi32(b, raised, load(row + width + i));
            c = _mm512_dpbusd_epi32(c, raised, load(row + 2 * width + i));
            d = _mm512_dpbusd_epi32(d, raised, load(row + 3 * width + i));
        }
        out[r] = _mm512_reduce_add_epi32(a) - 128 * sums[r];
        out[r + 1] = _mm512_reduce_add_epi32(b) - 128 * sums[r + 1];
        out[r + 2] = _mm512_reduce_add_epi32(c) - 128 * sums[r + 2];
        out[r + 3] = _mm512_reduce_add_epi32(d) - 128 * sums[r + 3];
    }
    if (r < row_count)
        wf_scan_avx2_bytes(rows + r * width, sums + r, row_count - r, query, width, out + r);
}

const wf_scan_kernel wf_scan_vnni = {"avx512-vnni", wf_scan_avx512_floats, bytes};
