/* SPDX-License-Identifier: MIT */

#include "match/index/hnsw_priv.h"

#include "base/alloc.h"
#include "match/train/dice.h"

#include <assert.h>
#include <math.h>
#include <string.h>

int wf_hnsw_choose(const wf_vectors *vectors, wf_hnsw_desk *desk, const wf_neighbours *from,
                   size_t most)
{
    wf_neighbours *chosen = &desk->chosen;
    int rc = wf_neighbours_reserve(chosen, from->count + most);
    chosen->count = 0;
    if (rc < 0)
        return rc;
    wf_nearby *left = chosen->items + most; /* behind the chosen */
    size_t left_count = 0;
    for (size_t i = 0; i < from->count && chosen->count < most; i++) {
        bool is_apart = true;
        for (size_t k = 0; k < chosen->count && is_apart; k++)
            is_apart = wf_vectors_between(vectors, from->items[i].node, chosen->items[k].node) <=
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

/* Makes `node` a neighbour of `other`, whose neighbours are chosen anew if they are too many. */
static int link_back(wf_hnsw *graph, const wf_vectors *vectors, wf_hnsw_desk *desk, uint32_t other,
                     uint32_t node, unsigned level)
{
    uint32_t *links = wf_hnsw_links(graph, other, level);
    size_t most = wf_hnsw_links_max(graph, level);
    if (links[0] < most) {
        links[++links[0]] = node;
        return 0;
    }
    wf_neighbours *all = &desk->ahead; /* no walk is under way */
    int rc = 0;
    all->count = 0;
    for (uint32_t i = 1; i <= links[0] && rc == 0; i++)
        rc = wf_neighbours_push(
            all, (wf_nearby){wf_vectors_between(vectors, other, links[i]), links[i]}, false);
    if (rc == 0)
        rc = wf_neighbours_push(all, (wf_nearby){wf_vectors_between(vectors, other, node), node},
                                false);
    if (rc < 0)
        return rc;
    wf_neighbours_sort(all);
    wf_neighbours kept = desk->chosen; /* the new node's are still being linked */
    desk->chosen = desk->spare;
    rc = wf_hnsw_choose(vectors, desk, all, most);
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
        const uint32_t *links = wf_hnsw_links(graph, node, level);
        for (uint32_t i = 1; i <= links[0]; i++) {
            uint32_t *theirs = wf_hnsw_links(graph, links[i], level), kept = 0;
            for (uint32_t k = 1; k <= theirs[0]; k++) {
                if (theirs[k] != node)
                    theirs[++kept] = theirs[k];
            }
            theirs[0] = kept;
        }
    }
}

/* Rows whose scores are this close may be equal: a row's with itself is rounded. */
#define EQUAL_ERROR 1e-5f

/* The first of the rows equal to `node` among the nearest, which the walk has left in order;
 * WF_HNSW_NOWHERE: none. */
static uint32_t first_twin(const struct wf_hnsw_walk *walk, uint32_t node)
{
    const wf_vectors *vectors = walk->vectors;
    const wf_neighbours *found = &walk->desk->found;
    size_t width = vectors->float_width;
    for (size_t i = 0; i < found->count; i++) {
        uint32_t other = found->items[i].node;
        if (found->items[i].score < found->items[0].score - EQUAL_ERROR)
            break;
        if (memcmp(vectors->rows + node * width, vectors->rows + other * width,
                   width * sizeof(*vectors->rows)) == 0)
            return other;
    }
    return WF_HNSW_NOWHERE;
}

/* Notes in *out_twin whose twin the node is and links nothing then. */
static int link_level(wf_hnsw *graph, struct wf_hnsw_walk *walk, uint32_t node, unsigned level,
                      uint32_t *entry, uint32_t *out_twin)
{
    wf_hnsw_desk *desk = walk->desk;
    int rc = wf_hnsw_walk_level(walk, *entry, graph->options.ef_construction, level);
    if (rc < 0)
        return rc;
    wf_neighbours_sort(&desk->found);
    *out_twin = first_twin(walk, node);
    if (*out_twin != WF_HNSW_NOWHERE)
        return 0;
    rc = wf_hnsw_choose(walk->vectors, desk, &desk->found, graph->options.m);
    if (rc < 0 || desk->found.count == 0) /* all on this level are removed ones */
        return rc;
    uint32_t *links = wf_hnsw_links(graph, node, level);
    *entry = desk->found.items[0].node;
    for (size_t i = 0; i < desk->chosen.count; i++)
        links[i + 1] = desk->chosen.items[i].node;
    links[0] = (uint32_t)desk->chosen.count;
    for (size_t i = 0; i < desk->chosen.count && rc == 0; i++)
        rc = link_back(graph, walk->vectors, desk, desk->chosen.items[i].node, node, level);
    return rc;
}

/* Of the next node to be entered, whatever its place: places are taken again and again. */
static unsigned level_of(const wf_hnsw *graph)
{
    uint64_t state = graph->options.seed ^ wf_dice_mix(graph->entered);
    double part = 1 - wf_dice_part(&state); /* in (0, 1] */
    double level = -log(part) / log((double)graph->options.m);
    return level < WF_HNSW_LEVELS - 1 ? (unsigned)level : WF_HNSW_LEVELS - 1;
}

int wf_hnsw_add(wf_hnsw *graph, const wf_vectors *vectors, uint32_t node, wf_hnsw_desk *desk,
                const wf_job *job)
{
    struct wf_hnsw_walk walk = {graph, vectors, vectors->rows + node * vectors->float_width, desk,
                                job};
    unsigned level = level_of(graph), top = 0;
    uint32_t entry = 0, twin = WF_HNSW_NOWHERE;
    int rc = wf_hnsw_make_room(graph, node, level);
    if (rc == 0 && graph->in_count != 0) {
        top = graph->levels[graph->entry];
        unsigned from = level < top ? level : top;
        rc = wf_hnsw_descend(&walk, from, &entry);
        for (unsigned l = from + 1; l-- > 0 && rc == 0 && twin == WF_HNSW_NOWHERE;)
            rc = link_level(graph, &walk, node, l, &entry, &twin);
        if (rc < 0 || twin != WF_HNSW_NOWHERE)
            take_out(graph, node, from);
    }
    if (rc < 0)
        return rc;
    if (twin != WF_HNSW_NOWHERE)
        wf_hnsw_take_in_twin(graph, twin, node);
    else {
        if (graph->in_count == 0 || level > top)
            graph->entry = node;
        wf_hnsw_take_in(graph, node);
    }
    graph->entered++;
    graph->changed++;
    return 0;
}
