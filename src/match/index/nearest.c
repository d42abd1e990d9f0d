/* SPDX-License-Identifier: MIT */

#include "match/index/nearest.h"

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

int wf_nearest_offer(const wf_vectors *vectors, const wf_hnsw *graph, size_t rows_each,
                     const wf_look *looks, size_t count, const uint32_t *row_entity,
                     wf_hnsw_desk *desk, const wf_job *job)
{
    if (graph == NULL)
        return wf_sweep(vectors, looks, count, row_entity, job);
    int rc = 0;
    for (size_t i = 0, end; i < count && rc == 0; i = end) {
        for (end = i; end < count && looks[end].allowed != NULL;)
            end++;
        if (end > i)
            rc = wf_sweep(vectors, looks + i, end - i, row_entity, job);
        else
            rc = walk(vectors, graph, rows_each * looks[i].rank->top_k, &looks[end++], row_entity,
                      desk, job);
    }
    return rc;
}
