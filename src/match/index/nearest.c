/* SPDX-License-Identifier: MIT */

#include "match/index/nearest.h"

#include <math.h>
#include <stdlib.h>

static int by_node(const void *a, const void *b)
{
    const wf_nearby *left = a, *right = b;
    return left->node < right->node ? -1 : left->node > right->node;
}

static uint32_t entity_of(const uint32_t *row_entity, uint32_t row)
{
    return row_entity != NULL ? row_entity[row] : row;
}

/* Rows that were found, as entities: each with its best row. */
static void offer_rows(const uint32_t *row_entity, wf_neighbours *found, wf_rank *rank)
{
    qsort(found->items, found->count, sizeof(*found->items), by_node);
    for (size_t i = 0; i < found->count;) {
        uint32_t entity = entity_of(row_entity, found->items[i].node);
        wf_found best = {.entity = entity, .score = -2};
        for (; i < found->count && entity_of(row_entity, found->items[i].node) == entity; i++) {
            if (found->items[i].score > best.score) {
                best.score = found->items[i].score;
                best.row = found->items[i].node;
            }
        }
        if (best.score >= wf_rank_bar(rank))
            wf_rank_offer(rank, best);
    }
}

/* ---- few ---- */

/* Where no more than one entity in so many may be found, theirs alone are computed: a row of floats
 * from anywhere takes as long as so many of bytes in order, which queries asked together share. */
#define SWEPT_ALONE 16u
#define SWEPT_TOGETHER 128u

static size_t entity_count_of(const wf_vectors *vectors, const uint32_t *row_entity)
{
    return vectors->count != 0 ? entity_of(row_entity, (uint32_t)vectors->count - 1) + (size_t)1
                               : 0;
}

static bool are_few(const uint64_t *allowed, size_t entity_count, size_t most)
{
    size_t count = 0;
    for (size_t word = 0; word < (entity_count + 63) / 64 && count <= most; word++)
        count += (size_t)__builtin_popcountll(allowed[word]);
    return count <= most;
}

static bool are_all_few(const wf_look *looks, size_t count, size_t entity_count)
{
    size_t most = entity_count / (count == 1 ? SWEPT_ALONE : SWEPT_TOGETHER), few = 0;
    while (few < count && looks[few].allowed != NULL &&
           are_few(looks[few].allowed, entity_count, most))
        few++;
    return few == count;
}

static size_t first_row_of(const wf_vectors *vectors, const uint32_t *row_entity, uint32_t entity)
{
    size_t low = 0, high = vectors->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (entity_of(row_entity, (uint32_t)middle) < entity)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void offer_entity(const wf_vectors *vectors, const wf_look *look, const uint32_t *row_entity,
                         uint32_t entity)
{
    wf_found best = {.entity = entity, .score = -INFINITY};
    size_t row = first_row_of(vectors, row_entity, entity);
    for (; row < vectors->count && entity_of(row_entity, (uint32_t)row) == entity; row++) {
        float score = wf_vectors_cosine(vectors, look->glance, row);
        if (score > best.score) {
            best.score = score;
            best.row = (uint32_t)row;
        }
    }
    if (best.score >= wf_rank_bar(look->rank))
        wf_rank_offer(look->rank, best);
}

/* The same as a sweep. */
static int pick(const wf_vectors *vectors, const wf_look *look, const uint32_t *row_entity,
                size_t entity_count, const wf_job *job)
{
    int rc = 0;
    for (size_t word = 0; word < (entity_count + 63) / 64 && rc == 0; word++) {
        uint64_t bits = look->allowed[word];
        rc = bits != 0 ? wf_job_poll(job) : 0;
        for (; bits != 0 && rc == 0; bits &= bits - 1)
            offer_entity(vectors, look, row_entity,
                         (uint32_t)(word * 64 + (size_t)__builtin_ctzll(bits)));
    }
    return rc;
}

/* ---- by a graph ---- */

static int walk(const wf_vectors *vectors, const wf_hnsw *graph, size_t rows, const wf_look *look,
                const uint32_t *row_entity, wf_hnsw_desk *desk, const wf_job *job)
{
    wf_neighbours *found = &desk->found;
    rows = rows > graph->options.ef ? rows : graph->options.ef;
    int rc = wf_hnsw_find(graph, vectors, look->glance, rows, desk, job);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < found->count; i++) /* the same as those of a sweep */
        found->items[i].score = wf_vectors_cosine(vectors, look->glance, found->items[i].node);
    offer_rows(row_entity, found, look->rank);
    return 0;
}

/* ---- all of them ---- */

int wf_nearest_offer(const wf_vectors *vectors, const wf_hnsw *graph, size_t rows_each,
                     const wf_look *looks, size_t count, const uint32_t *row_entity,
                     wf_hnsw_desk *desk, const wf_job *job)
{
    size_t entity_count = entity_count_of(vectors, row_entity);
    int rc = 0;
    for (size_t i = 0, end; i < count && rc == 0; i = end) {
        for (end = i; end < count && (graph == NULL || looks[end].allowed != NULL);)
            end++;
        if (end == i)
            rc = walk(vectors, graph, rows_each * looks[i].rank->top_k, &looks[end++], row_entity,
                      desk, job);
        else if (!are_all_few(looks + i, end - i, entity_count))
            rc = wf_sweep(vectors, looks + i, end - i, row_entity, job);
        else
            for (size_t k = i; k < end && rc == 0; k++)
                rc = pick(vectors, &looks[k], row_entity, entity_count, job);
    }
    return rc;
}
