/* SPDX-License-Identifier: MIT */

#include "match/index/scan.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

/* ---- the definition ---- */

static float fold(const float sums[WF_SCAN_FLOATS])
{
    float half[8], quarter[4];
    for (size_t i = 0; i < 8; i++)
        half[i] = sums[i] + sums[i + 8];
    for (size_t i = 0; i < 4; i++)
        quarter[i] = half[i] + half[i + 4];
    return (quarter[0] + quarter[2]) + (quarter[1] + quarter[3]);
}

static float dot(const float *a, const float *b, size_t width)
{
    float sums[WF_SCAN_FLOATS] = {0};
    for (size_t i = 0; i < width; i += WF_SCAN_FLOATS) {
        for (size_t lane = 0; lane < WF_SCAN_FLOATS; lane++)
            sums[lane] = fmaf(a[i + lane], b[i + lane], sums[lane]);
    }
    return fold(sums);
}

static void portable_floats(const float *rows, size_t row_count, const float *queries,
                            size_t query_count, size_t width, float *out)
{
    for (size_t q = 0; q < query_count; q++) {
        for (size_t r = 0; r < row_count; r++)
            out[q * row_count + r] = dot(rows + r * width, queries + q * width, width);
    }
}

static void portable_bytes(const int8_t *rows, const int32_t *sums, size_t row_count,
                           const int8_t *query, size_t width, int32_t *out)
{
    (void)sums;
    for (size_t r = 0; r < row_count; r++) {
        int32_t sum = 0;
        for (size_t i = 0; i < width; i++)
            sum += rows[r * width + i] * query[i];
        out[r] = sum;
    }
}

void wf_scan_pack_rows(const int8_t *query, size_t width, size_t place, void *panel)
{
    memcpy((int8_t *)panel + place * width, query, width);
}

static void portable_tile(const wf_scan_tile *tile)
{
    size_t width = tile->width, places = wf_scan_places(tile);
    for (size_t r = 0; r < tile->row_count; r++) {
        const int8_t *row = tile->rows + r * width;
        for (size_t q = 0; q < tile->query_count; q++) {
            size_t panel = q / WF_SCAN_PANEL, place = q % WF_SCAN_PANEL;
            const int8_t *query =
                (const int8_t *)tile->panels + panel * WF_SCAN_PANEL_BYTES(width) + place * width;
            portable_bytes(row, NULL, 1, query, width, &tile->products[r * places + q]);
        }
        tile->marks[r] = wf_scan_mark(tile, r);
    }
}

const wf_scan_kernel wf_scan_portable = {"portable", portable_floats, portable_bytes,
                                         wf_scan_pack_rows, portable_tile};

/* ---- the choice ---- */

static const wf_scan_kernel *kernels[5];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void choose(void)
{
    size_t count = wf_scan_native(kernels);
    kernels[count] = &wf_scan_portable;
}

const wf_scan_kernel *const *wf_scan_all(void)
{
    pthread_once(&once, choose);
    return kernels;
}

const wf_scan_kernel *wf_scan(void)
{
    return wf_scan_all()[0];
}
