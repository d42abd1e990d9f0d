/* SPDX-License-Identifier: MIT */

#include "match/index/hnsw.h"

#include "base/alloc.h"
#include "match/index/scan.h"
#include "match/train/dice.h"

#include <assert.h>
#include <math.h>
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
        wf_free(graph->bottom);
        wf_free(graph->upper_start);
        wf_free(graph->upper);
    }
    wf_free(graph->gone);
    *graph = (wf_hnsw){0};
}

size_t wf_hnsw_bytes(const wf_hnsw *graph)
{
    return graph->capacity * ((2 * (size_t)graph->options.m + 1) * 4 + 1 + sizeof(size_t)) +
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

/* ---- heaps ---- */

static bool is_better(wf_nearby a, wf_nearby b)
{
    return a.score > b.score || (a.score == b.score && a.node < b.node);
}

/* Belongs above: the best on top of `ahead`, the worst on top of `found`. */
static bool is_above(wf_nearby a, wf_nearby b, bool best_on_top)
{
    return best_on_top ? is_better(a, b) : is_better(b, a);
}

static int reserve(wf_neighbours *nears, size_t count)
{
    if (count <= nears->capacity)
        return 0;
    size_t capacity = count + count / 2 + 16;
    wf_nearby *items = wf_grow(nears->items, capacity, sizeof(*items));
    if (items == NULL)
        return -ENOMEM;
    nears->items = items;
    nears->capacity = capacity;
    return 0;
}

static int push(wf_neighbours *heap, wf_nearby item, bool best_on_top)
{
    int rc = reserve(heap, heap->count + 1);
    if (rc < 0)
        return rc;
    size_t at = heap->count++;
    for (; at > 0 && is_above(item, heap->items[(at - 1) / 2], best_on_top); at = (at - 1) / 2)
        heap->items[at] = heap->items[(at - 1) / 2];
    heap->items[at] = item;
    return 0;
}

static wf_nearby pop(wf_neighbours *heap, bool best_on_top)
{
    assert(heap->count > 0);
    wf_nearby top = heap->items[0], item = heap->items[--heap->count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= heap->count)
            break;
        if (child + 1 < heap->count &&
            is_above(heap->items[child + 1], heap->items[child], best_on_top))
            child++;
        if (!is_above(heap->items[child], item, best_on_top))
            break;
        heap->items[at] = heap->items[child];
        at = child;
    }
    heap->items[at] = item;
    return top;
}

/* A heap with the worst on top becomes a list, the best first. */
static void sort_found(wf_neighbours *heap)
{
    size_t count = heap->count;
    while (heap->count > 0) {
        wf_nearby worst = pop(heap, /* best_on_top= */ false);
        heap->items[heap->count] = worst;
    }
    heap->count = count;
}

/* ---- walking ---- */

/* What a walk goes by. */
struct walk {
    const wf_hnsw *graph;
    const wf_vectors *vectors;
    const float *query;
    wf_hnsw_desk *desk;
    const wf_job *job;
    bool finds_gone; /* neighbours of a new node may be gone ones */
};

static float score_of(const struct walk *walk, uint32_t node)
{
    float score;
    const wf_vectors *vectors = walk->vectors;
    wf_scan()->floats(vectors->rows + node * vectors->float_width, 1, walk->query, 1,
                      vectors->float_width, &score);
    return score;
}

static uint32_t *links_of(const wf_hnsw *graph, uint32_t node, unsigned level)
{
    size_t m = graph->options.m;
    return level == 0 ? graph->bottom + node * (2 * m + 1)
                      : graph->upper + graph->upper_start[node] + (level - 1) * (m + 1);
}

/* Forgets what earlier walks have seen. */
static int begin_walk(wf_hnsw_desk *desk, size_t count)
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

static int meet(struct walk *walk, uint32_t node, size_t ef)
{
    wf_hnsw_desk *desk = walk->desk;
    if (desk->seen[node] == desk->walk)
        return 0;
    desk->seen[node] = desk->walk;
    wf_nearby near = {score_of(walk, node), node};
    bool is_full = desk->found.count >= ef;
    if (is_full && !is_better(near, desk->found.items[0]))
        return 0;
    int rc = push(&desk->ahead, near, /* best_on_top= */ true);
    if (rc < 0 || (!walk->finds_gone && wf_hnsw_is_gone(walk->graph, node)))
        return rc;
    rc = push(&desk->found, near, /* best_on_top= */ false);
    if (rc == 0 && is_full)
        pop(&desk->found, /* best_on_top= */ false);
    return rc;
}

/* Algorithm 2: leaves the `ef` nearest of a level in desk->found, a heap. */
static int walk_level(struct walk *walk, uint32_t entry, size_t ef, unsigned level)
{
    wf_hnsw_desk *desk = walk->desk;
    int rc = begin_walk(desk, walk->graph->count + 1);
    if (rc == 0)
        rc = meet(walk, entry, ef);
    for (size_t looked = 0; desk->ahead.count > 0 && rc == 0; looked++) {
        wf_nearby near = pop(&desk->ahead, /* best_on_top= */ true);
        if (desk->found.count >= ef && is_better(desk->found.items[0], near))
            break;
        const uint32_t *links = links_of(walk->graph, near.node, level);
        rc = looked % NODES_A_POLL == 0 ? wf_job_poll(walk->job) : 0;
        for (uint32_t i = 1; i <= links[0] && rc == 0; i++)
            rc = meet(walk, links[i], ef);
    }
    return rc;
}

/* Down from the top to `level`, each time to the nearest. */
static int descend(struct walk *walk, unsigned level, uint32_t *out_entry)
{
    const wf_hnsw *graph = walk->graph;
    uint32_t at = graph->entry;
    float score = score_of(walk, at);
    for (unsigned l = graph->levels[at]; l > level; l--) {
        for (bool has_moved = true; has_moved;) {
            const uint32_t *links = links_of(graph, at, l);
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

int wf_hnsw_find(const wf_hnsw *graph, const wf_vectors *vectors, const wf_glance *glance,
                 size_t count, wf_hnsw_desk *desk, const wf_job *job)
{
    struct walk walk = {graph, vectors, glance->query, desk, job, /* finds_gone= */ false};
    size_t ef = graph->options.ef > count ? graph->options.ef : count;
    uint32_t entry;
    desk->found.count = 0;
    if (graph->count == 0)
        return 0;
    int rc = descend(&walk, 0, &entry);
    if (rc == 0)
        rc = walk_level(&walk, entry, ef, 0);
    if (rc < 0)
        return rc;
    sort_found(&desk->found);
    desk->found.count = desk->found.count < count ? desk->found.count : count;
    return 0;
}

/* ---- building ---- */

static float score_between(const wf_vectors *vectors, uint32_t a, uint32_t b)
{
    float score;
    size_t width = vectors->float_width;
    wf_scan()->floats(vectors->rows + a * width, 1, vectors->rows + b * width, 1, width, &score);
    return score;
}

/* Algorithm 4: of `from`, the best first, those that are nearer to the node than to any taken
 * before, so that neighbours lie on all sides; then the best of the others.  Into desk->chosen. */
static int choose(const wf_vectors *vectors, wf_hnsw_desk *desk, const wf_neighbours *from,
                  size_t most)
{
    wf_neighbours *chosen = &desk->chosen;
    int rc = reserve(chosen, from->count + most);
    chosen->count = 0;
    if (rc < 0)
        return rc;
    wf_nearby *left = chosen->items + most; /* behind the chosen */
    size_t left_count = 0;
    for (size_t i = 0; i < from->count && chosen->count < most; i++) {
        bool is_apart = true;
        for (size_t k = 0; k < chosen->count && is_apart; k++)
            is_apart = score_between(vectors, from->items[i].node, chosen->items[k].node) <=
                       from->items[i].score;
        if (is_apart)
            chosen->items[chosen->count++] = from->items[i];
        else
            left[left_count++] = from->items[i];
    }
    for (size_t i = 0; i < left_count && chosen->count < most; i++)
        chosen->items[chosen->count++] = left[i];
    return 0;
}

static size_t links_max(const wf_hnsw *graph, unsigned level)
{
    return level == 0 ? 2 * (size_t)graph->options.m : graph->options.m;
}

/* Makes `node` a neighbour of `other`, whose neighbours are chosen anew if they are too many. */
static int link_back(wf_hnsw *graph, const wf_vectors *vectors, wf_hnsw_desk *desk, uint32_t other,
                     uint32_t node, unsigned level)
{
    uint32_t *links = links_of(graph, other, level);
    size_t most = links_max(graph, level);
    if (links[0] < most) {
        links[++links[0]] = node;
        return 0;
    }
    wf_neighbours *all = &desk->ahead; /* no walk is under way */
    int rc = 0;
    all->count = 0;
    for (uint32_t i = 1; i <= links[0] && rc == 0; i++)
        rc = push(all, (wf_nearby){score_between(vectors, other, links[i]), links[i]}, false);
    if (rc == 0)
        rc = push(all, (wf_nearby){score_between(vectors, other, node), node}, false);
    if (rc < 0)
        return rc;
    sort_found(all);
    wf_neighbours kept = desk->chosen; /* the new node's are still being linked */
    desk->chosen = desk->spare;
    rc = choose(vectors, desk, all, most);
    desk->spare = desk->chosen;
    desk->chosen = kept;
    if (rc < 0)
        return rc;
    links[0] = (uint32_t)desk->spare.count;
    for (size_t i = 0; i < desk->spare.count; i++)
        links[i + 1] = desk->spare.items[i].node;
    return 0;
}

/* The lists are the new node's alone until the last level is linked; a failure in between leaves
 * neighbours that lead to a node which is not in, so they are taken out again. */
static void take_out(wf_hnsw *graph, uint32_t node, unsigned top)
{
    for (unsigned level = 0; level <= top; level++) {
        const uint32_t *links = links_of(graph, node, level);
        for (uint32_t i = 1; i <= links[0]; i++) {
            uint32_t *theirs = links_of(graph, links[i], level), kept = 0;
            for (uint32_t k = 1; k <= theirs[0]; k++) {
                if (theirs[k] != node)
                    theirs[++kept] = theirs[k];
            }
            theirs[0] = kept;
        }
    }
}

static int link_level(wf_hnsw *graph, struct walk *walk, uint32_t node, unsigned level,
                      uint32_t *entry)
{
    wf_hnsw_desk *desk = walk->desk;
    int rc = walk_level(walk, *entry, graph->options.ef_construction, level);
    if (rc < 0)
        return rc;
    sort_found(&desk->found);
    rc = choose(walk->vectors, desk, &desk->found, graph->options.m);
    if (rc < 0)
        return rc;
    uint32_t *links = links_of(graph, node, level);
    *entry = desk->found.items[0].node;
    for (size_t i = 0; i < desk->chosen.count; i++)
        links[i + 1] = desk->chosen.items[i].node;
    links[0] = (uint32_t)desk->chosen.count;
    for (size_t i = 0; i < desk->chosen.count && rc == 0; i++)
        rc = link_back(graph, walk->vectors, desk, desk->chosen.items[i].node, node, level);
    return rc;
}

static int grow(wf_hnsw *graph)
{
    size_t each = 2 * (size_t)graph->options.m + 1, capacity = 2 * graph->capacity + 1024;
    if (graph->count < graph->capacity)
        return 0;
    uint8_t *levels = wf_grow(graph->levels, capacity, sizeof(*levels));
    graph->levels = levels != NULL ? levels : graph->levels;
    uint32_t *bottom = wf_grow(graph->bottom, capacity, each * sizeof(*bottom));
    graph->bottom = bottom != NULL ? bottom : graph->bottom;
    size_t *start = wf_grow(graph->upper_start, capacity, sizeof(*start));
    graph->upper_start = start != NULL ? start : graph->upper_start;
    uint64_t *gone = wf_grow(graph->gone, capacity / 64 + 1, sizeof(*gone));
    graph->gone = gone != NULL ? gone : graph->gone;
    if (levels == NULL || bottom == NULL || start == NULL || gone == NULL)
        return -ENOMEM;
    size_t used = graph->capacity / 64 + (graph->capacity != 0);
    memset(gone + used, 0, (capacity / 64 + 1 - used) * sizeof(*gone));
    graph->capacity = capacity;
    return 0;
}

static unsigned level_of(const wf_hnsw *graph, size_t node)
{
    uint64_t state = graph->options.seed ^ wf_dice_mix(node);
    double part = 1 - wf_dice_part(&state); /* in (0, 1] */
    double level = -log(part) / log((double)graph->options.m);
    return level < WF_HNSW_LEVELS - 1 ? (unsigned)level : WF_HNSW_LEVELS - 1;
}

/* Empty lists for the next node. */
static int make_room(wf_hnsw *graph, unsigned level)
{
    size_t each = (size_t)graph->options.m + 1, needed = graph->upper_count + level * each;
    int rc = grow(graph);
    if (rc == 0 && needed > graph->upper_capacity) {
        size_t capacity = needed + needed / 2 + 1024;
        uint32_t *upper = wf_grow(graph->upper, capacity, sizeof(*upper));
        if (upper == NULL)
            return -ENOMEM;
        graph->upper = upper;
        graph->upper_capacity = capacity;
    }
    if (rc < 0)
        return rc;
    graph->levels[graph->count] = (uint8_t)level;
    graph->upper_start[graph->count] = graph->upper_count;
    for (unsigned l = 0; l <= level; l++)
        links_of(graph, (uint32_t)graph->count, l)[0] = 0;
    return 0;
}

int wf_hnsw_add(wf_hnsw *graph, const wf_vectors *vectors, wf_hnsw_desk *desk, const wf_job *job)
{
    uint32_t node = (uint32_t)graph->count, entry = 0;
    unsigned level = level_of(graph, node), top = 0;
    int rc = make_room(graph, level);
    if (rc == 0 && node != 0) {
        struct walk walk = {graph, vectors, vectors->rows + node * vectors->float_width,
                            desk,  job,     /* finds_gone= */ true};
        top = graph->levels[graph->entry];
        unsigned from = level < top ? level : top;
        rc = descend(&walk, from, &entry);
        for (unsigned l = from + 1; l-- > 0 && rc == 0;)
            rc = link_level(graph, &walk, node, l, &entry);
        if (rc < 0)
            take_out(graph, node, from);
    }
    if (rc < 0)
        return rc;
    graph->upper_count += level * ((size_t)graph->options.m + 1);
    graph->count++;
    if (node == 0 || level > top)
        graph->entry = node;
    return 0;
}

void wf_hnsw_remove(wf_hnsw *graph, uint32_t node)
{
    assert(node < graph->count);
    graph->gone_count += !wf_hnsw_is_gone(graph, node);
    graph->gone[node / 64] |= UINT64_C(1) << node % 64;
}
