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

/* Queries in bytes stand together in panels, in an order that is the kernel's own. */
#define WF_SCAN_PANEL ((size_t)16)
#define WF_SCAN_PANELS_MAX 4u
#define WF_SCAN_PANEL_BYTES(width) (2 * WF_SCAN_PANEL * (width))

/* Rows in bytes times queries, and which of the products are worth a look.  Numbers are in
 * [-127, 127]. */
typedef struct wf_scan_tile {
    const int8_t *rows;
    const int32_t *sums; /* of the rows' own numbers */
    const float *scales; /* of the rows */
    size_t row_count, width;
    const void *panels;  /* one behind the other, at a multiple of 64 */
    size_t query_count;  /* at most WF_SCAN_PANELS_MAX * WF_SCAN_PANEL */
    const float *levels; /* one a place of the panels; INFINITY where there is no query */
    int32_t *products;   /* row r, query q: [r * wf_scan_places(tile) + q] */
    uint64_t *marks;     /* of row r, bit q: product * scale >= level */
    const void *ahead;   /* memory to be fetched meanwhile, for a later tile */
    size_t ahead_bytes;
} wf_scan_tile;

static inline size_t wf_scan_panels(const wf_scan_tile *tile)
{
    return (tile->query_count + WF_SCAN_PANEL - 1) / WF_SCAN_PANEL;
}

static inline size_t wf_scan_places(const wf_scan_tile *tile)
{
    return wf_scan_panels(tile) * WF_SCAN_PANEL;
}

typedef struct wf_scan_kernel {
    const char *name;

    /* out[q * row_count + r] = rows[r] · queries[q]; both have `width` numbers a row. */
    void (*floats)(const float *rows, size_t row_count, const float *queries, size_t query_count,
                   size_t width, float *out);

    /* out[r] = rows[r] · query; `sums` are those of the rows' own numbers.  Numbers are in
     * [-127, 127]. */
    void (*bytes)(const int8_t *rows, const int32_t *sums, size_t row_count, const int8_t *query,
                  size_t width, int32_t *out);

    /* Writes a query into a place of a panel, which was zeros. */
    void (*pack)(const int8_t *query, size_t width, size_t place, void *panel);

    void (*tile)(const wf_scan_tile *tile);
} wf_scan_kernel;

/* The best one for this processor. */
const wf_scan_kernel *wf_scan(void);

/* All that this processor can run, the best one first; NULL behind the last. */
const wf_scan_kernel *const *wf_scan_all(void);

extern const wf_scan_kernel wf_scan_portable;

/* One a processor family: the kernels it can run, the best one first, into `out`; returns how
 * many, at most 3. */
size_t wf_scan_native(const wf_scan_kernel **out);

/* ---- for kernels without an order of their own: a panel is the queries, one behind the other ----
 */

void wf_scan_pack_rows(const int8_t *query, size_t width, size_t place, void *panel);

/* The marks of a row whose products are there. */
static inline uint64_t wf_scan_mark(const wf_scan_tile *tile, size_t row)
{
    const int32_t *products = tile->products + row * wf_scan_places(tile);
    uint64_t marks = 0;
    for (size_t q = 0; q < tile->query_count; q++)
        marks |= (uint64_t)((float)products[q] * tile->scales[row] >= tile->levels[q]) << q;
    return marks;
}

#endif
