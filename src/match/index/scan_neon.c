/* SPDX-License-Identifier: MIT */

/* AArch64: four registers hold the 16 sums; a tile is one row times one or two queries. */
#include "match/index/scan.h"

#if defined(__aarch64__) /* else somebody reads all sources, whatever they are for */

#include <arm_neon.h>

static inline float fold(const float32x4_t sums[4])
{
    float32x4_t low = vaddq_f32(sums[0], sums[2]), high = vaddq_f32(sums[1], sums[3]);
    float32x4_t quarter = vaddq_f32(low, high);
    float32x2_t two = vadd_f32(vget_low_f32(quarter), vget_high_f32(quarter));
    return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}

static inline __attribute__((always_inline)) void tile(const float *row, const float *queries,
                                                       size_t query_count, size_t width, float *out,
                                                       size_t out_stride)
{
    float32x4_t sums[2][4];
    for (size_t q = 0; q < query_count; q++) {
        for (size_t k = 0; k < 4; k++)
            sums[q][k] = vdupq_n_f32(0);
    }
    for (size_t i = 0; i < width; i += WF_SCAN_FLOATS) {
        for (size_t k = 0; k < 4; k++) {
            float32x4_t part = vld1q_f32(row + i + k * 4);
            for (size_t q = 0; q < query_count; q++)
                sums[q][k] =
                    vfmaq_f32(sums[q][k], part, vld1q_f32(queries + q * width + i + k * 4));
        }
    }
    for (size_t q = 0; q < query_count; q++)
        out[q * out_stride] = fold(sums[q]);
}

static void floats(const float *rows, size_t row_count, const float *queries, size_t query_count,
                   size_t width, float *out)
{
    size_t q = 0;
    for (; q + 2 <= query_count; q += 2) {
        for (size_t r = 0; r < row_count; r++)
            tile(rows + r * width, queries + q * width, 2, width, out + q * row_count + r,
                 row_count);
    }
    for (size_t r = 0; q < query_count && r < row_count; r++)
        tile(rows + r * width, queries + q * width, 1, width, out + q * row_count + r, row_count);
}

/* Two products of bytes fit 16 bits: 2 * 127 * 128. */
static inline int32x4_t step(int32x4_t sums, int8x16_t a, int8x16_t b)
{
    int16x8_t products = vmull_s8(vget_low_s8(a), vget_low_s8(b));
    return vpadalq_s16(sums, vmlal_high_s8(products, a, b));
}

static void bytes(const int8_t *rows, const int32_t *sums, size_t row_count, const int8_t *query,
                  size_t width, int32_t *out)
{
    (void)sums;
    for (size_t r = 0; r < row_count; r++) {
        const int8_t *row = rows + r * width;
        int32x4_t sum = vdupq_n_s32(0);
        for (size_t i = 0; i < width; i += 16) {
            int8x16_t a = vld1q_s8(row + i), b = vld1q_s8(query + i);
            sum = step(sum, a, b);
        }
        out[r] = vaddvq_s32(sum);
    }
}

/* The products of a row with the four queries from `q` on. */
static void four(const wf_scan_tile *it, size_t row, size_t q)
{
    size_t width = it->width, panel = q / WF_SCAN_PANEL, place = q % WF_SCAN_PANEL;
    const int8_t *numbers = it->rows + row * width;
    const int8_t *queries =
        (const int8_t *)it->panels + panel * WF_SCAN_PANEL_BYTES(width) + place * width;
    int32x4_t sums[4] = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
    for (size_t i = 0; i < width; i += 16) {
        int8x16_t part = vld1q_s8(numbers + i);
        for (size_t k = 0; k < 4; k++)
            sums[k] = step(sums[k], part, vld1q_s8(queries + k * width + i));
    }
    int32x4_t left = vpaddq_s32(sums[0], sums[1]), right = vpaddq_s32(sums[2], sums[3]);
    vst1q_s32(it->products + row * wf_scan_places(it) + q, vpaddq_s32(left, right));
}

static void bytes_tile(const wf_scan_tile *it)
{
    for (size_t r = 0; r < it->row_count; r++) {
        for (size_t q = 0; q < it->query_count; q += 4)
            four(it, r, q);
        it->marks[r] = wf_scan_mark(it, r);
    }
}

static const wf_scan_kernel neon = {"neon", floats, bytes, wf_scan_pack_rows, bytes_tile};

size_t wf_scan_native(const wf_scan_kernel **out)
{
    out[0] = &neon;
    return 1;
}

#endif
