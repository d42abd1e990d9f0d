/* SPDX-License-Identifier: MIT */

/*
 * A graph without some nodes of another.  A node that had a removed one for a neighbour chooses
 * anew among those it keeps and those that the removed one leads to, and so on over removed ones:
 * what was connected by way of them stays connected (A. Singh and others, "FreshDiskANN: a fast and
 * accurate graph-based ANN index for streaming similarity search", 2021, algorithm 4, which goes
 * one step only).
 */
#include "match/index/hnsw_priv.h"

#include <assert.h>
#include <string.h>

/* Of `from`, looked at in one part. */
#define MOVED_NODES 1024u

/* Lists chosen anew between two looks at the job. */
#define LISTS_A_POLL 16u

/* Removed nodes that are looked behind for one list. */
#define REMOVED_MAX 256u

struct moving {
    const wf_hnsw_move *move;
    wf_hnsw *graph;
    const wf_vectors *vectors; /* of the new graph */
    wf_hnsw_desk *desk;
    uint32_t node; /* whose list is made, in the new graph */
};

/* The new number of a row, else that of the next in its ring; WF_HNSW_NOWHERE: all are removed. */
static uint32_t number_of(const wf_hnsw_move *move, uint32_t node)
{
    uint32_t at = node;
    while (move->number[at] == WF_HNSW_NOWHERE && move->from->twins[at] != node)
        at = move->from->twins[at];
    return move->number[at];
}

/* True if every neighbour of a list is moved too. */
static bool is_whole(const wf_hnsw_move *move, const uint32_t *links)
{
    for (uint32_t i = 1; i <= links[0]; i++) {
        if (number_of(move, links[i]) == WF_HNSW_NOWHERE)
            return false;
    }
    return true;
}

static void copy_list(const wf_hnsw_move *move, const uint32_t *links, uint32_t *out)
{
    out[0] = links[0];
    for (uint32_t i = 1; i <= links[0]; i++)
        out[i] = number_of(move, links[i]);
}

/* Those a list leads to: into desk->found if they are moved, else into desk->ahead. */
static int look_behind(struct moving *it, const uint32_t *links)
{
    wf_hnsw_desk *desk = it->desk;
    int rc = 0;
    for (uint32_t i = 1; i <= links[0] && rc == 0; i++) {
        uint32_t number = number_of(it->move, links[i]);
        if (desk->seen[links[i]] == desk->walk)
            continue;
        desk->seen[links[i]] = desk->walk;
        if (number == WF_HNSW_NOWHERE) {
            rc = wf_neighbours_reserve(&desk->ahead, desk->ahead.count + 1);
            if (rc == 0)
                desk->ahead.items[desk->ahead.count++] = (wf_nearby){0, links[i]};
        } else {
            const wf_nearby near = {wf_vectors_between(it->vectors, it->node, number), number};
            rc = wf_neighbours_push(&desk->found, near, /* best_on_top= */ false);
        }
    }
    return rc;
}

static int choose_list(struct moving *it, uint32_t old_node, unsigned level)
{
    wf_hnsw_desk *desk = it->desk;
    const wf_hnsw *from = it->move->from;
    size_t candidates_max = from->options.ef_construction;
    int rc = wf_hnsw_walk_begin(desk, from->count);
    if (rc < 0)
        return rc;
    desk->seen[old_node] = desk->walk;
    rc = look_behind(it, wf_hnsw_links(from, old_node, level));
    for (size_t i = 0;
         i < desk->ahead.count && i < REMOVED_MAX && desk->found.count < candidates_max && rc == 0;
         i++)
        rc = look_behind(it, wf_hnsw_links(from, desk->ahead.items[i].node, level));
    if (rc < 0)
        return rc;
    wf_neighbours_sort(&desk->found);
    rc = wf_hnsw_choose(it->vectors, desk, &desk->found, wf_hnsw_links_max(from, level));
    if (rc < 0)
        return rc;
    uint32_t *links = wf_hnsw_links(it->graph, it->node, level);
    links[0] = (uint32_t)desk->chosen.count;
    for (size_t i = 0; i < desk->chosen.count; i++)
        links[i + 1] = desk->chosen.items[i].node;
    return 0;
}

static int move_node(struct moving *it, uint32_t old_node, size_t *chosen_lists, const wf_job *job)
{
    const wf_hnsw *from = it->move->from;
    wf_hnsw *graph = it->graph;
    unsigned level = from->levels[old_node];
    int rc = wf_hnsw_make_room(graph, it->node, level);
    for (unsigned l = 0; l <= level && rc == 0; l++) {
        const uint32_t *links = wf_hnsw_links(from, old_node, l);
        if (is_whole(it->move, links)) {
            copy_list(it->move, links, wf_hnsw_links(graph, it->node, l));
            continue;
        }
        rc = (*chosen_lists)++ % LISTS_A_POLL == 0 ? wf_job_poll(job) : 0;
        if (rc == 0)
            rc = choose_list(it, old_node, l);
    }
    if (rc < 0)
        return rc;
    if (graph->in_count == 0 || level > graph->levels[graph->entry])
        graph->entry = it->node;
    wf_hnsw_take_in(graph, it->node);
    return 0;
}

/* A node and its twins, or those of them that are left, of whom one gets the neighbours. */
static int move_ring(struct moving *it, uint32_t first, size_t *chosen_lists, const wf_job *job)
{
    const wf_hnsw *from = it->move->from;
    uint32_t last = it->node = number_of(it->move, first);
    int rc = it->node != WF_HNSW_NOWHERE ? move_node(it, first, chosen_lists, job) : 1;
    for (uint32_t at = from->twins[first]; at != first && rc == 0; at = from->twins[at]) {
        uint32_t number = it->move->number[at];
        if (number == WF_HNSW_NOWHERE || number == it->node)
            continue;
        rc = wf_hnsw_make_room(it->graph, number, 0);
        if (rc == 0)
            wf_hnsw_take_in_twin(it->graph, last, number);
        last = number;
    }
    return rc < 0 ? rc : 0;
}

/* The place was a node's, and that of a ring which is not a twin. */
static bool is_first(const wf_hnsw *graph, size_t node)
{
    bool was_ever_in = wf_hnsw_has(graph, node) || graph->twins[node] != node;
    return was_ever_in && graph->levels[node] != WF_HNSW_TWIN;
}

int wf_hnsw_move_some(wf_hnsw_move *move, wf_hnsw *graph, const wf_vectors *vectors,
                      wf_hnsw_desk *desk, const wf_job *job)
{
    struct moving it = {.move = move, .graph = graph, .vectors = vectors, .desk = desk};
    const wf_hnsw *from = move->from;
    size_t left = from->count - move->next, chosen_lists = 0;
    size_t end = move->next + (left < MOVED_NODES ? left : MOVED_NODES);
    int rc = wf_job_poll(job);
    if (move->next == 0) {
        graph->options = from->options;
        graph->entered = from->entered;
        graph->changed = from->changed;
    }
    for (; move->next < end && rc == 0; move->next++) {
        if (is_first(from, move->next))
            rc = move_ring(&it, (uint32_t)move->next, &chosen_lists, job);
        if (rc < 0)
            return rc;
        graph->changed +=
            move->number[move->next] == WF_HNSW_NOWHERE && wf_hnsw_has(from, move->next);
    }
    return rc;
}
