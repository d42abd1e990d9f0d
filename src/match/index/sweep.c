/* SPDX-License-Identifier: MIT */

#include "match/index/sweep.h"

#include "base/alloc.h"
#include "match/index/hunt.h"
#include "match/index/scan.h"

#include <math.h>
#include <string.h>

/* Rows of a block: their products with a group of queries are in the first cache when they are
 * looked at; kernels take them by four or six. */
#define BLOCK_ROWS ((size_t)96)

/* Queries whose products are made together, and from how many on that is worth it. */
#define GROUP (WF_SCAN_PANELS_MAX * WF_SCAN_PANEL)
#define GROUP_MIN 4u

/* Multiplications between two looks at the job: 20 ms without any wide instructions. */
#define POLL_PRODUCTS ((size_t)1 << 24)

struct sweep {
    wf_hunts near;
    const wf_vectors *vectors;
    size_t count; /* of queries */

    void *memory;
    int8_t *panels;
    float levels[GROUP];
    int32_t products[BLOCK_ROWS * GROUP];
    uint64_t marks[BLOCK_ROWS];

    float *queries; /* instead of panels, where rows have no bytes: one behind the other */
    wf_four cosines[BLOCK_ROWS * GROUP / 4];
};

/* ---- rows ---- */

static float greater(float a, float b)
{
    return a > b ? a : b;
}

static void consider(struct sweep *it, wf_hunt *hunt, size_t row, int32_t product)
{
    const wf_glance *glance = hunt->look.glance;
    float about = (float)product * (it->vectors->scales[row] * glance->scale);
    float residual = it->vectors->residuals[row];
    float spread = residual + (1 + residual) * glance->residual + WF_HUNT_SLACK;
    if (about + spread < hunt->bar)
        return;
    wf_hunt_keep(&it->near, hunt, (wf_near){(uint32_t)row, about - spread, about + spread});
}

/* What product * scale of a row must reach, if its residual is at most that. */
static float level_of(const wf_hunt *hunt, float residual)
{
    const wf_glance *glance = hunt->look.glance;
    float wanted = hunt->bar - residual - (1 + residual) * glance->residual - 2 * WF_HUNT_SLACK;
    if (hunt->inverse > 0)
        return wanted * hunt->inverse;
    return wanted > 0 ? INFINITY : -INFINITY;
}

/* Four at a time, for each waits for the one before. */
static float greatest_of(const float *numbers, size_t count)
{
    float a = 0, b = 0, c = 0, d = 0;
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        a = greater(a, numbers[i]);
        b = greater(b, numbers[i + 1]);
        c = greater(c, numbers[i + 2]);
        d = greater(d, numbers[i + 3]);
    }
    for (; i < count; i++)
        a = greater(a, numbers[i]);
    return greater(greater(a, b), greater(c, d));
}

static size_t panel_start(const struct sweep *it, size_t query)
{
    return query / WF_SCAN_PANEL * WF_SCAN_PANEL_BYTES(it->vectors->byte_width);
}

/* A block of rows and a group of queries. */
static void pass(struct sweep *it, size_t row, size_t row_count, size_t first, float residual)
{
    const wf_vectors *vectors = it->vectors;
    size_t left = it->count - first, count = left < GROUP ? left : GROUP;
    size_t after = vectors->count - row - row_count;
    size_t block_bytes = (after < BLOCK_ROWS ? after : BLOCK_ROWS) * vectors->byte_width;
    const int8_t *next = vectors->bytes + (row + row_count) * vectors->byte_width;
    const wf_scan_tile tile = {.rows = vectors->bytes + row * vectors->byte_width,
                               .sums = vectors->sums + row,
                               .scales = vectors->scales + row,
                               .row_count = row_count,
                               .width = vectors->byte_width,
                               .panels = it->panels + panel_start(it, first),
                               .query_count = count,
                               .levels = it->levels,
                               .products = it->products,
                               .marks = it->marks,
                               .ahead = next + block_bytes * first / it->count,
                               .ahead_bytes = block_bytes * count / it->count};
    size_t places = wf_scan_places(&tile);
    for (size_t q = 0; q < places; q++)
        it->levels[q] = q < count ? level_of(&it->near.hunts[first + q], residual) : INFINITY;
    wf_scan()->tile(&tile);
    for (size_t r = 0; r < row_count; r++) {
        for (uint64_t marks = it->marks[r]; marks != 0; marks &= marks - 1) {
            size_t q = (size_t)__builtin_ctzll(marks);
            consider(it, &it->near.hunts[first + q], row + r, it->products[r * places + q]);
        }
    }
}

static void pass_alone(struct sweep *it, size_t row, size_t row_count, wf_hunt *hunt)
{
    const wf_vectors *vectors = it->vectors;
    wf_scan()->bytes(vectors->bytes + row * vectors->byte_width, vectors->sums + row, row_count,
                     hunt->look.glance->bytes, vectors->byte_width, it->products);
    for (size_t r = 0; r < row_count; r++)
        consider(it, hunt, row + r, it->products[r]);
}

/* ---- rows without bytes ---- */

/* The products of a query with some rows; fours of them where they are. */
static void consider_floats(struct sweep *it, wf_hunt *hunt, size_t row, const float *products,
                            size_t row_count)
{
    float level = hunt->bar - WF_HUNT_SLACK;
    if (row_count % 4 == 0 && wf_count_from((const wf_four *)products, row_count / 4, level) == 0)
        return;
    for (size_t r = 0; r < row_count; r++) {
        float cosine = products[r] >= level ? wf_cosine_of(products[r]) : -INFINITY;
        if (cosine >= hunt->bar)
            wf_hunt_keep(&it->near, hunt, (wf_near){(uint32_t)(row + r), cosine, cosine});
    }
}

/* A block of rows and a group of queries. */
static void pass_floats(struct sweep *it, size_t row, size_t row_count, size_t first)
{
    const wf_vectors *vectors = it->vectors;
    size_t left = it->count - first, count = left < GROUP ? left : GROUP;
    size_t width = vectors->float_width;
    float *products = (float *)it->cosines;
    wf_scan()->floats(vectors->rows + row * width, row_count, it->queries + first * width, count,
                      width, products);
    for (size_t q = 0; q < count; q++)
        consider_floats(it, &it->near.hunts[first + q], row, products + q * row_count, row_count);
}

/* ---- all rows ---- */

static void pass_block(struct sweep *it, size_t row, size_t row_count)
{
    if (!it->vectors->has_bytes) {
        for (size_t q = 0; q < it->count; q += GROUP)
            pass_floats(it, row, row_count, q);
        return;
    }
    if (it->count < GROUP_MIN) {
        for (size_t q = 0; q < it->count; q++)
            pass_alone(it, row, row_count, &it->near.hunts[q]);
        return;
    }
    float residual = greatest_of(it->vectors->residuals + row, row_count);
    for (size_t q = 0; q < it->count; q += GROUP)
        pass(it, row, row_count, q, residual);
}

static int pass_all(struct sweep *it, const wf_job *job)
{
    size_t total = it->vectors->count, products = POLL_PRODUCTS;
    bool is_alone = it->count < GROUP_MIN && it->vectors->has_bytes;
    size_t block = is_alone ? BLOCK_ROWS * GROUP : BLOCK_ROWS;
    for (size_t row = 0; row < total; row += block) {
        size_t count = total - row < block ? total - row : block;
        int rc = products >= POLL_PRODUCTS ? wf_job_poll(job) : 0;
        if (rc < 0)
            return rc;
        products = products >= POLL_PRODUCTS ? 0 : products;
        products += count * it->count * it->vectors->byte_width;
        pass_block(it, row, count);
    }
    return 0;
}

/* ---- a sweep ---- */

/* Registers are filled from where lines of the cache begin. */
#define LINE ((uintptr_t)64)

static int copy_queries(struct sweep *it)
{
    size_t width = it->vectors->float_width;
    it->memory = it->queries = wf_array(it->count, width * sizeof(*it->queries));
    if (it->queries == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < it->count; i++)
        memcpy(it->queries + i * width, it->near.hunts[i].look.glance->query,
               width * sizeof(*it->queries));
    return 0;
}

static int pack_queries(struct sweep *it)
{
    size_t width = it->vectors->byte_width;
    size_t panels = (it->count + WF_SCAN_PANEL - 1) / WF_SCAN_PANEL;
    if (it->count < GROUP_MIN)
        return 0;
    it->memory = wf_array(panels + 1, WF_SCAN_PANEL_BYTES(width));
    if (it->memory == NULL)
        return -ENOMEM;
    it->panels = (int8_t *)(((uintptr_t)it->memory + LINE - 1) & ~(LINE - 1));
    for (size_t i = 0; i < it->count; i++)
        wf_scan()->pack(it->near.hunts[i].look.glance->bytes, width, i % WF_SCAN_PANEL,
                        it->panels + panel_start(it, i));
    return 0;
}

int wf_sweep(const wf_vectors *vectors, const wf_look *looks, size_t count,
             const uint32_t *row_entity, const wf_job *job)
{
    if (vectors->count == 0 || count == 0)
        return 0;
    struct sweep *it = wf_alloc(sizeof(*it));
    if (it == NULL)
        return -ENOMEM;
    it->vectors = it->near.vectors = vectors;
    it->near.row_entity = row_entity;
    it->count = count;
    int rc = wf_hunts_init(&it->near, looks, count);
    if (rc == 0)
        rc = vectors->has_bytes ? pack_queries(it) : copy_queries(it);
    if (rc == 0)
        rc = pass_all(it, job);
    if (rc == 0)
        wf_hunts_end(&it->near);
    wf_hunts_fini(&it->near);
    wf_free(it->memory);
    wf_free(it);
    return rc;
}
