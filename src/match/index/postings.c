/* SPDX-License-Identifier: MIT */

#include "match/index/postings.h"

#include "base/alloc.h"
#include "match/embed/sort.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* A segment also ends here, so that the memory of building is bounded for rows of any length. */
#define SEGMENT_KEYS_MAX ((size_t)4 << 20)

/* Dimensions looked at in each segment between two looks at whether to go on. */
#define DIMS_A_PART 1024u

/* A dimension is heavy if more than this part of the rows have it. */
#define HEAVY_PART 128u

#define ROW_BITS 16
#define VALUE_BITS 32

void wf_postings_fini(wf_postings *postings)
{
    for (size_t i = 0; i < postings->segment_count && !postings->is_of_image; i++) {
        wf_free(postings->segments[i].first);
        wf_free(postings->segments[i].runs);
        wf_free(postings->segments[i].rows);
    }
    wf_free(postings->segments);
    if (!postings->is_of_image) {
        wf_free(postings->inverse_norms);
        wf_free(postings->heavy_shares);
    }
    wf_free(postings->keys);
    wf_free(postings->spare);
    *postings = (wf_postings){0};
}

static uint64_t key_make(wf_weight weight, uint32_t row)
{
    uint32_t bits;
    memcpy(&bits, &weight.value, sizeof(bits));
    return (uint64_t)weight.dim << (ROW_BITS + VALUE_BITS) | (uint64_t)bits << ROW_BITS | row;
}

static uint32_t key_dim(uint64_t key)
{
    return (uint32_t)(key >> (ROW_BITS + VALUE_BITS));
}

static float key_value(uint64_t key)
{
    uint32_t bits = (uint32_t)(key >> ROW_BITS);
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static int keys_reserve(wf_postings *postings, size_t more)
{
    size_t needed = postings->key_count + more;
    if (needed <= postings->key_capacity)
        return 0;
    size_t capacity = postings->key_capacity * 2 > needed ? postings->key_capacity * 2 : needed;
    capacity = capacity < 4096 ? 4096 : capacity;
    uint64_t *keys = wf_grow(postings->keys, capacity, sizeof(*keys));
    if (keys == NULL)
        return -ENOMEM;
    postings->keys = keys;
    postings->key_capacity = capacity;
    return 0;
}

static int rows_reserve(wf_postings *postings)
{
    if (postings->row_count < postings->row_capacity)
        return 0;
    size_t capacity = postings->row_capacity == 0 ? 64 : postings->row_capacity * 2;
    float *norms = wf_grow(postings->inverse_norms, capacity, sizeof(*norms));
    if (norms == NULL)
        return -ENOMEM;
    postings->inverse_norms = norms;
    postings->row_capacity = capacity;
    return 0;
}

static size_t count_runs(const uint64_t *keys, size_t count)
{
    size_t runs = 0;
    for (size_t i = 0; i < count; i++)
        runs += i == 0 || keys[i] >> ROW_BITS != keys[i - 1] >> ROW_BITS;
    return runs;
}

/* From sorted keys.  first[d] counts up to the runs of lower dimensions. */
static void segment_fill(wf_segment *segment, const uint64_t *keys)
{
    uint32_t run = 0, dim = 0;
    for (uint32_t i = 0; i < segment->posting_count; i++) {
        segment->rows[i] = (uint16_t)keys[i];
        if (i != 0 && keys[i] >> ROW_BITS == keys[i - 1] >> ROW_BITS)
            continue;
        for (; dim <= key_dim(keys[i]); dim++)
            segment->first[dim] = run;
        segment->runs[run++] = (wf_run){.value = key_value(keys[i]), .start = i};
    }
    for (; dim <= WF_DIM_COUNT; dim++)
        segment->first[dim] = run;
    assert(run == segment->run_count);
    segment->runs[run] = (wf_run){.start = segment->posting_count};
}

static int segment_make(wf_segment *segment, const uint64_t *keys, size_t key_count)
{
    segment->posting_count = (uint32_t)key_count;
    segment->run_count = (uint32_t)count_runs(keys, key_count);
    segment->first = wf_array(WF_DIM_COUNT + 1, sizeof(*segment->first));
    segment->runs = wf_array((size_t)segment->run_count + 1, sizeof(*segment->runs));
    segment->rows = wf_array(key_count, sizeof(*segment->rows));
    if (segment->first == NULL || segment->runs == NULL || segment->rows == NULL)
        return -ENOMEM;
    segment_fill(segment, keys);
    return 0;
}

static wf_segment *segment_now(wf_postings *postings)
{
    return &postings->segments[postings->segment_count - 1];
}

static int segment_end(wf_postings *postings, const wf_job *job)
{
    if (postings->segment_count == 0 || segment_now(postings)->first != NULL)
        return 0;
    uint64_t *spare = wf_grow(postings->spare, postings->key_capacity, sizeof(*spare));
    if (spare == NULL)
        return -ENOMEM;
    postings->spare = spare;
    int rc = wf_sort_keys_job(postings->keys, spare, postings->key_count, ROW_BITS, job);
    if (rc == 0)
        rc = segment_make(segment_now(postings), postings->keys, postings->key_count);
    postings->key_count = 0;
    return rc;
}

static int segment_begin(wf_postings *postings)
{
    if (postings->segment_count == postings->segment_capacity) {
        size_t capacity = postings->segment_capacity == 0 ? 4 : postings->segment_capacity * 2;
        wf_segment *segments = wf_grow(postings->segments, capacity, sizeof(*segments));
        if (segments == NULL)
            return -ENOMEM;
        postings->segments = segments;
        postings->segment_capacity = capacity;
    }
    postings->segments[postings->segment_count++] =
        (wf_segment){.row_start = (uint32_t)postings->row_count};
    return 0;
}

/* Goes on to the next segment where the row would not fit into this one. */
static int segment_for(wf_postings *postings, size_t weight_count, const wf_job *job)
{
    if (postings->segment_count == 0)
        return segment_begin(postings);
    bool has_rows = segment_now(postings)->row_count < WF_SEGMENT_ROWS;
    if (has_rows && postings->key_count + weight_count <= SEGMENT_KEYS_MAX)
        return 0;
    int rc = segment_end(postings, job);
    return rc < 0 ? rc : segment_begin(postings);
}

int wf_postings_add(wf_postings *postings, const wf_vector *row, const wf_job *job)
{
    int rc = rows_reserve(postings);
    if (rc == 0)
        rc = segment_for(postings, row->count, job);
    if (rc == 0)
        rc = keys_reserve(postings, row->count);
    if (rc < 0)
        return rc;
    wf_segment *segment = segment_now(postings);
    for (size_t i = 0; i < row->count; i++)
        postings->keys[postings->key_count++] = key_make(row->weights[i], segment->row_count);
    segment->row_count++;
    postings->inverse_norms[postings->row_count++] = row->norm > 0 ? (float)(1 / row->norm) : 0;
    if (row->norm > postings->norm_max)
        postings->norm_max = row->norm;
    return 0;
}

/* ---- heavy dimensions ---- */

/* Postings of a dimension in one segment: [*start, result). */
static uint32_t dim_range(const wf_segment *segment, uint32_t dim, uint32_t *start)
{
    *start = segment->runs[segment->first[dim]].start;
    return segment->runs[segment->first[dim + 1]].start;
}

static int mark_heavy(wf_postings *postings, const wf_job *job)
{
    for (uint32_t dim = 0; dim < WF_DIM_COUNT; dim++) {
        size_t rows = 0;
        int rc = dim % DIMS_A_PART == 0 ? wf_job_poll(job) : 0;
        if (rc < 0)
            return rc;
        for (size_t i = 0; i < postings->segment_count; i++) {
            uint32_t start, end = dim_range(&postings->segments[i], dim, &start);
            rows += end - start;
        }
        if (rows > postings->row_count / HEAVY_PART)
            postings->heavy[dim / 64] |= UINT64_C(1) << dim % 64;
    }
    return 0;
}

/* Squares of the values in heavy dimensions, a row of the segment. */
static void add_squares(const wf_postings *postings, const wf_segment *segment, double *squares)
{
    for (uint32_t dim = 0; dim < WF_DIM_COUNT; dim++) {
        if (!wf_postings_is_heavy(postings, dim))
            continue;
        for (uint32_t run = segment->first[dim]; run < segment->first[dim + 1]; run++) {
            double value = (double)segment->runs[run].value;
            for (uint32_t i = segment->runs[run].start; i < segment->runs[run + 1].start; i++)
                squares[segment->rows[i]] += value * value;
        }
    }
}

static int share_heavy(wf_postings *postings, const wf_segment *segment, double *squares,
                       const wf_job *job)
{
    int rc = wf_job_poll(job);
    if (rc < 0)
        return rc;
    memset(squares, 0, WF_SEGMENT_ROWS * sizeof(*squares));
    add_squares(postings, segment, squares);
    for (uint32_t i = 0; i < segment->row_count; i++) {
        size_t row = segment->row_start + i;
        double share = sqrt(squares[i]) * (double)postings->inverse_norms[row];
        postings->heavy_shares[row] = (uint8_t)fmin(255, ceil(share * 255 * (1 + 1e-6)));
    }
    return 0;
}

static int weigh_heavy(wf_postings *postings, const wf_job *job)
{
    double *squares = wf_array(WF_SEGMENT_ROWS, sizeof(*squares));
    postings->heavy_shares = wf_array(postings->row_count, sizeof(*postings->heavy_shares));
    if (squares == NULL || postings->heavy_shares == NULL) {
        wf_free(squares);
        return -ENOMEM;
    }
    int rc = mark_heavy(postings, job);
    for (size_t i = 0; i < postings->segment_count && rc == 0; i++)
        rc = share_heavy(postings, &postings->segments[i], squares, job);
    wf_free(squares);
    return rc;
}

int wf_postings_seal(wf_postings *postings, const wf_job *job)
{
    int rc = segment_end(postings, job);
    if (rc == 0)
        rc = weigh_heavy(postings, job);
    wf_free(postings->keys);
    wf_free(postings->spare);
    postings->keys = NULL;
    postings->spare = NULL;
    postings->key_capacity = 0;
    return rc;
}

size_t wf_postings_bytes(const wf_postings *postings)
{
    size_t bytes = postings->row_capacity * sizeof(*postings->inverse_norms) +
                   postings->row_count * sizeof(*postings->heavy_shares) + sizeof(*postings) +
                   postings->segment_capacity * sizeof(*postings->segments);
    for (size_t i = 0; i < postings->segment_count; i++) {
        const wf_segment *segment = &postings->segments[i];
        bytes += (WF_DIM_COUNT + 1) * sizeof(*segment->first) +
                 ((size_t)segment->run_count + 1) * sizeof(*segment->runs) +
                 segment->posting_count * sizeof(*segment->rows);
    }
    return bytes;
}
