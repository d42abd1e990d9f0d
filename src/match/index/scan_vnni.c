/* SPDX-License-Identifier: MIT */

/* The instruction wants one side without sign: the query is raised by 128, and 128 times the sum of
 * the row taken off again. */
#include "match/index/scan_x86.h"

#include <immintrin.h>
#include <string.h>

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

/* ---- tiles: a lane is a query, so nothing is added up across lanes ---- */

/* Rows of a block: 24 sums of four panels, and few loads for a product. */
#define BLOCK_ROWS 6u

/* Fours of a query's numbers, raised, 16 queries a register. */
static void pack(const int8_t *query, size_t width, size_t place, void *panel)
{
    uint8_t *out = (uint8_t *)panel + place * 4;
    for (size_t i = 0; i < width; i++)
        out[i / 4 * 64 + i % 4] = (uint8_t)query[i] ^ 0x80;
}

static inline __m512i four_of(const int8_t *at)
{
    int32_t four;
    memcpy(&four, at, sizeof(four));
    return _mm512_set1_epi32(four);
}

/* _mm512_dpbusd_epi32, which gcc 12 surrounds by two copies of the sums, at half the speed. */
static inline void add_products(__m512i *sums, __m512i raised, __m512i with_sign)
{
    __asm__("vpdpbusd %2, %1, %0" : "+v"(*sums) : "v"(raised), "v"(with_sign));
}

static inline wf_scan_fetch fetch_of(const wf_scan_tile *it)
{
    size_t times = it->row_count / BLOCK_ROWS * (it->width / 16), lines = it->ahead_bytes / 64;
    return (wf_scan_fetch){(uintptr_t)it->ahead, times > 0 ? (lines + times - 1) / times : 0};
}

/* From the products in memory: in registers gcc has no room for what is made of them. */
static inline __attribute__((always_inline)) void mark_rows(const wf_scan_tile *it, size_t first,
                                                            size_t row_count, size_t panel_count)
{
    const int32_t *products = it->products + first * panel_count * WF_SCAN_PANEL;
    const float *scales = it->scales + first, *levels = it->levels;
    uint64_t *out = it->marks + first;
    for (size_t r = 0; r < row_count; r++, products += panel_count * WF_SCAN_PANEL) {
        __m512 scale = _mm512_set1_ps(scales[r]);
        __mmask16 marks[WF_SCAN_PANELS_MAX] = {0};
        for (size_t p = 0; p < panel_count; p++) {
            __m512i sums = _mm512_loadu_si512((const void *)(products + p * WF_SCAN_PANEL));
            __m512 product = _mm512_mul_ps(_mm512_cvtepi32_ps(sums), scale);
            __m512 level = _mm512_loadu_ps(levels + p * WF_SCAN_PANEL);
            marks[p] = _mm512_cmp_ps_mask(product, level, _CMP_GE_OQ);
        }
        out[r] = _mm512_kunpackd(_mm512_kunpackw(marks[3], marks[2]),
                                 _mm512_kunpackw(marks[1], marks[0]));
    }
}

/* The number of rows and of panels are constants where this is called. */
static inline __attribute__((always_inline)) void block(const wf_scan_tile *it, size_t first,
                                                        size_t row_count, size_t panel_count,
                                                        wf_scan_fetch *fetch)
{
    size_t width = it->width;
    const int8_t *rows = it->rows + first * width, *panels = it->panels;
    __m512i sums[BLOCK_ROWS][WF_SCAN_PANELS_MAX];
#pragma GCC unroll 6
    for (size_t r = 0; r < row_count; r++) {
        for (size_t p = 0; p < panel_count; p++)
            sums[r][p] = _mm512_set1_epi32((int32_t)(0u - ((uint32_t)it->sums[first + r] << 7)));
    }
    for (size_t i = 0; i < width; i += 16) {
        wf_scan_fetch_some(fetch);
#pragma GCC unroll 4
        for (size_t k = 0; k < 16; k += 4) {
            __m512i held[WF_SCAN_PANELS_MAX];
            for (size_t p = 0; p < panel_count; p++)
                held[p] = load(panels + p * WF_SCAN_PANEL_BYTES(width) + (i + k) * WF_SCAN_PANEL);
#pragma GCC unroll 6
            for (size_t r = 0; r < row_count; r++) {
                __m512i four = four_of(rows + r * width + i + k);
                for (size_t p = 0; p < panel_count; p++)
                    add_products(&sums[r][p], held[p], four);
            }
        }
    }
#pragma GCC unroll 6
    for (size_t r = 0; r < row_count; r++) {
        int32_t *out = it->products + (first + r) * panel_count * WF_SCAN_PANEL;
        for (size_t p = 0; p < panel_count; p++)
            _mm512_storeu_si512((void *)(out + p * WF_SCAN_PANEL), sums[r][p]);
    }
    mark_rows(it, first, row_count, panel_count);
}

static inline __attribute__((always_inline)) void blocks(const wf_scan_tile *it, size_t panel_count)
{
    wf_scan_fetch fetch = fetch_of(it);
    size_t r = 0;
    for (; r + BLOCK_ROWS <= it->row_count; r += BLOCK_ROWS)
        block(it, r, BLOCK_ROWS, panel_count, &fetch);
    for (; r < it->row_count; r++)
        block(it, r, 1, panel_count, &fetch);
}

static void tile(const wf_scan_tile *it)
{
    switch (wf_scan_panels(it)) {
    case 1:
        blocks(it, 1);
        break;
    case 2:
        blocks(it, 2);
        break;
    case 3:
        blocks(it, 3);
        break;
    default:
        blocks(it, 4);
    }
}

const wf_scan_kernel wf_scan_vnni = {"avx512-vnni", wf_scan_avx512_floats, bytes, pack, tile};
