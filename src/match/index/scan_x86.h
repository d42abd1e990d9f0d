/* SPDX-License-Identifier: MIT */

/* The kernels of x86-64; each file is compiled for the instructions it is named after. */
#ifndef WF_MATCH_SCAN_X86_H
#define WF_MATCH_SCAN_X86_H

#include "match/index/scan.h"

extern const wf_scan_kernel wf_scan_avx2;
extern const wf_scan_kernel wf_scan_avx512;
extern const wf_scan_kernel wf_scan_vnni;

/* Memory fetched some lines at a time between products: many at once would be in the way of those
 * that are needed now.  There may be nothing there that can be read, which is no fault. */
typedef struct wf_scan_fetch {
    uintptr_t at;
    size_t lines; /* at a time */
} wf_scan_fetch;

static inline void wf_scan_fetch_some(wf_scan_fetch *it)
{
    for (size_t i = 0; i < it->lines; i++, it->at += 64)
        __builtin_prefetch((const void *)it->at, 0, 2);
}

void wf_scan_avx512_floats(const float *rows, size_t row_count, const float *queries,
                           size_t query_count, size_t width, float *out);
void wf_scan_avx2_bytes(const int8_t *rows, const int32_t *sums, size_t row_count,
                        const int8_t *query, size_t width, int32_t *out);
void wf_scan_avx2_pack(const int8_t *query, size_t width, size_t place, void *panel);
void wf_scan_avx2_tile(const wf_scan_tile *tile);

#endif
