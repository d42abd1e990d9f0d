/* SPDX-License-Identifier: MIT */

#include "match/index/hnsw_priv.h"

#include "base/alloc.h"
#include "match/index/scan.h"

#include <assert.h>
#include <string.h>

/* Nodes whose neighbours are looked at between two looks at the job. */
#define NODES_A_POLL 64u

void wf_hnsw_options_init(wf_hnsw_options *options)
{
    *options = (wf_hnsw_options){.m = 16, .ef_construction = 200, .ef = 200, .seed = 42};
}

void wf_hnsw_init(wf_hnsw *graph, const wf_hnsw_options *options)
{
    *graph = (wf_hnsw){.options = *options};
}

void wf_hnsw_fini(wf_hnsw *graph)
{
    if (!graph->is_of_image) {
        wf_free(graph->levels);
        wf_free(graph->twins);
        wf_free(graph->bottom);
        wf_free(graph->upper_start);
        wf_free(graph->upper);
    }
    wf_free(graph->in);
    *graph = (wf_hnsw){0};
}

size_t wf_hnsw_bytes(const wf_hnsw *graph)
{
    return graph->capacity * ((2 * (size_t)graph->options.m + 1) * 4 + 1 + 4 + sizeof(size_t)) +
           graph->upper_capacity * 4 + graph->capacity / 8;
}

void wf_hnsw_desk_fini(wf_hnsw_desk *desk)
{
    wf_free(desk->seen);
    wf_free(desk->ahead.items);
    wf_free(desk->found.items);
    wf_free(desk->chosen.items);
    wf_free(desk->spare.items);
    *desk = (wf_hnsw_desk){0};
}

/* ---- places ---- */

int wf_hnsw_reserve(wf_hnsw *graph, size_t count)
{
    assert(!graph->is_of_image);
    size_t each = 2 * (size_t)graph->options.m + 1, used = (graph->capacity + 63) / 64;
    size_t capacity = graph->capacity == 0 ? count : count + count / 2;
    if (count > graph->capacity) {
        uint8_t *levels = wf_grow(graph->levels, capacity, sizeof(*levels));
        graph->levels = levels != NULL ? levels : graph->levels;
        uint32_t *twins = wf_grow(graph->twins, capacity, sizeof(*twins));
        graph->twins = twins != NULL ? twins : graph->twins;
        uint32_t *bottom = wf_grow(graph->bottom, capacity, each * sizeof(*bottom));
        graph->bottom = bottom != NULL ? bottom : graph->bottom;
        size_t *start = wf_grow(graph->upper_start, capacity, sizeof(*start));
        graph->upper_start = start != NULL ? start : graph->upper_start;
        uint64_t *in = wf_grow(graph->in, (capacity + 63) / 64, sizeof(*in));
        graph->in = in != NULL ? in : graph->in;
        if (levels == NULL || twins == NULL || bottom == NULL || start == NULL || in == NULL)
            return -ENOMEM;
        memset(in + used, 0, ((capacity + 63) / 64 - used) * sizeof(*in));
        for (size_t node = graph->capacity; node < capacity; node++)
            twins[node] = (uint32_t)node;
        graph->capacity = capacity;
    }
    graph->count = count > graph->count ? count : graph->count;
    return 0;
}

int wf_hnsw_make_room(wf_hnsw *graph, uint32_t node, unsigned level)
{
    size_t each = (size_t)graph->options.m + 1, needed = graph->upper_count + level * each;
    assert(node < graph->count);
    assert(!wf_hnsw_has(graph, node));
    if (needed > graph->upper_capacity) {
        size_t capacity = needed + needed / 2 + 1024;
        uint32_t *upper = wf_grow(graph->upper, capacity, sizeof(*upper));
        if (upper == NULL)
            return -ENOMEM;
        graph->upper = upper;
        graph->upper_capacity = capacity;
    }
    graph->levels[node] = (uint8_t)level;
    graph->upper_start[node] = graph->upper_count;
    for (unsigned l = 0; l <= level; l++)
        memset(wf_hnsw_links(graph, node, l), 0,
               (wf_hnsw_links_max(graph, l) + 1) * sizeof(uint32_t));
    return 0;
}

void wf_hnsw_take_in(wf_hnsw *graph, uint32_t node)
{
    graph->upper_count += graph->levels[node] * ((size_t)graph->options.m + 1);
    graph->in[node / 64] |= UINT64_C(1) << node % 64;
    graph->in_count++;
}

void wf_hnsw_take_in_twin(wf_hnsw *graph, uint32_t other, uint32_t node)
{
    graph->levels[node] = WF_HNSW_TWIN;
    graph->twins[node] = graph->twins[other];
    graph->twins[other] = node;
    graph->in[node / 64] |= UINT64_C(1) << node % 64;
    graph->in_count++;
}

void wf_hnsw_remove(wf_hnsw *graph, uint32_t node)
{
    assert(wf_hnsw_has(graph, node));
    graph->in[node / 64] &= ~(UINT64_C(1) << node % 64);
    graph->in_count--;
    graph->changed++;
}

/* ---- walking ---- */

/* It is in, or a twin of it may be. */
static bool is_found(const wf_hnsw *graph, uint32_t node)
{
    return wf_hnsw_has(graph, node) || graph->twins[node] != node;
}

static float score_of(const struct wf_hnsw_walk *walk, uint32_t node)
{
    float score;
    const wf_vectors *vectors = walk->vectors;
    walk->desk->products++;
    wf_scan()->floats(vectors->rows + node * vectors->float_width, 1, walk->query, 1,
                      vectors->float_width, &score);
    return score;
}

int wf_hnsw_walk_begin(wf_hnsw_desk *desk, size_t count)
{
    if (count > desk->seen_capacity) {
        size_t capacity = count + count / 2 + 64;
        wf_free(desk->seen);
        desk->seen_capacity = 0;
        desk->seen = wf_array(capacity, sizeof(*desk->seen));
        if (desk->seen == NULL)
            return -ENOMEM;
        desk->seen_capacity = capacity;
        desk->walk = 0;
    }
    if (++desk->walk == 0) {
        memset(desk->seen, 0, desk->seen_capacity * sizeof(*desk->seen));
        desk->walk = 1;
    }
    desk->ahead.count = desk->found.count = 0;
    return 0;
}

static int meet(struct wf_hnsw_walk *walk, uint32_t node, size_t ef)
{
    wf_hnsw_desk *desk = walk->desk;
    if (desk->seen[node] == desk->walk)
        return 0;
    desk->seen[node] = desk->walk;
    wf_nearby near = {score_of(walk, node), node};
    bool is_full = desk->found.count >= ef;
    if (is_full && !wf_is_nearer(near, desk->found.items[0]))
        return 0;
    int rc = wf_neighbours_push(&desk->ahead, near, /* best_on_top= */ true);
    if (rc < 0 || !is_found(walk->graph, node))
        return rc;
    rc = wf_neighbours_push(&desk->found, near, /* best_on_top= */ false);
    if (rc == 0 && is_full)
        wf_neighbours_pop(&desk->found, /* best_on_top= */ false);
    return rc;
}

int wf_hnsw_walk_level(struct wf_hnsw_walk *walk, uint32_t entry, size_t ef, unsigned level)
{
    wf_hnsw_desk *desk = walk->desk;
    int rc = wf_hnsw_walk_begin(desk, walk->graph->count);
    if (rc == 0)
        rc = meet(walk, entry, ef);
    for (size_t looked = 0; desk->ahead.count > 0 && rc == 0; looked++) {
        wf_nearby near = wf_neighbours_pop(&desk->ahead, /* best_on_top= */ true);
        if (desk->found.count >= ef && wf_is_nearer(desk->found.items[0], near))
            break;
        const uint32_t *links = wf_hnsw_links(walk->graph, near.node, level);
        rc = looked % NODES_A_POLL == 0 ? wf_job_poll(walk->job) : 0;
        for (uint32_t i = 1; i <= links[0] && rc == 0; i++)
            rc = meet(walk, links[i], ef);
    }
    return rc;
}

int wf_hnsw_descend(struct wf_hnsw_walk *walk, unsigned level, uint32_t *out_entry)
{
    const wf_hnsw *graph = walk->graph;
    uint32_t at = graph->entry;
    float score = score_of(walk, at);
    for (unsigned l = graph->levels[at]; l > level; l--) {
        for (bool has_moved = true; has_moved;) {
            const uint32_t *links = wf_hnsw_links(graph, at, l);
            int rc = wf_job_poll(walk->job);
            if (rc < 0)
                return rc;
            has_moved = false;
            for (uint32_t i = 1; i <= links[0]; i++) {
                float other = score_of(walk, links[i]);
                if (other > score) {
                    score = other;
                    at = links[i];
                    has_moved = true;
                }
            }
        }
    }
    *out_entry = at;
    return 0;
}

/* Into desk->chosen, the best `count` of the nodes found and their twins, a heap. */
static int take_twins(const wf_hnsw *graph, size_t count, wf_hnsw_desk *desk)
{
    const wf_neighbours *found = &desk->found;
    wf_neighbours *all = &desk->chosen;
    int rc = 0;
    all->count = 0;
    for (size_t i = 0; i < found->count && rc == 0; i++) {
        wf_nearby near = found->items[i];
        if (all->count == count && near.score < all->items[0].score)
            break;
        do {
            if (wf_hnsw_has(graph, near.node))
                rc = wf_neighbours_push(all, near, /* best_on_top= */ false);
            if (all->count > count)
                wf_neighbours_pop(all, /* best_on_top= */ false);
            near.node = graph->twins[near.node];
        } while (near.node != found->items[i].node && rc == 0);
    }
    return rc;
}

int wf_hnsw_find(const wf_hnsw *graph, const wf_vectors *vectors, const wf_glance *glance,
                 size_t count, wf_hnsw_desk *desk, const wf_job *job)
{
    struct wf_hnsw_walk walk = {graph, vectors, glance->query, desk, job};
    size_t ef = graph->options.ef > count ? graph->options.ef : count;
    uint32_t entry;
    desk->found.count = 0;
    if (graph->in_count == 0)
        return 0;
    int rc = wf_hnsw_descend(&walk, 0, &entry);
    if (rc == 0)
        rc = wf_hnsw_walk_level(&walk, entry, ef, 0);
    if (rc < 0)
        return rc;
    wf_neighbours_sort(&desk->found);
    rc = take_twins(graph, count, desk);
    if (rc < 0)
        return rc;
    wf_neighbours_sort(&desk->chosen);
    wf_neighbours found = desk->chosen;
    desk->chosen = desk->found;
    desk->found = found;
    return 0;
}
