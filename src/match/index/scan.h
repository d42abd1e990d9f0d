/* SPDX-License-Identifier: MIT */

/*
 * Scan: products of vectors with many rows, by the widest instructions that the processor has.
 *
 * Every kernel gives the same bits.  A product of floats is 16 sums, one for each place modulo 16,
 * made with fused multiply-add and added in one fixed order: what one register of AVX-512 does, two
 * of AVX2 and four of NEON do too.  Products of bytes are integers.
 */
#ifndef WF_MATCH_SCAN_H
#define WF_MATCH_SCAN_H

#include <stddef.h>
#include <stdint.h>

/* A row's numbers are a multiple of these, the rest zeros. */
#define WF_SCAN_FLOATS 16u
#define WF_SCAN_BYTES 64u

typedef struct wf_scan_kernel {
    const char *name;

    /* out[q * row_count + r] = rows[r] · queries[q]; both have `width` numbers a row. */
    void (*floats)(const float *rows, size_t row_count, const float *queries, size_t query_count,
                   size_t width, float *out);

    /* out[r] = rows[r] · query; `sums` are those of the rows' own numbers.  Numbers are in
     * [-127, 127]. */
    void (*bytes)(const int8_t *rows, const int32_t *sums, size_t row_count, const int8_t *query,
                  size_t width, int32_t *out);
} wf_scan_kernel;

/* The best one for this processor. */
const wf_scan_kernel *wf_scan(void);

/* All that this processor can run, the best one first; NULL behind the last. */
const wf_scan_kernel *const *wf_scan_all(void);

extern const wf_scan_kernel wf_scan_portable;

/* One a processor family: the kernels it can run, the best one first, into `out`; returns how
 * many, at most 3. */
size_t wf_scan_native(const wf_scan_kernel **out);

#endif
