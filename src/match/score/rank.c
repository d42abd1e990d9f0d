/* SPDX-License-Identifier: MIT */

#include "match/score/rank.h"

#include "base/alloc.h"

void wf_rank_fini(wf_rank *rank)
{
    wf_free(rank->found);
    wf_free(rank->tied);
    *rank = (wf_rank){0};
}

int wf_rank_begin(wf_rank *rank, size_t top_k, size_t entity_count, float threshold)
{
    size_t most = top_k < entity_count ? top_k : entity_count;
    if (rank->tied == NULL) {
        rank->tied = wf_array(WF_TIED_MAX, sizeof(*rank->tied));
        if (rank->tied == NULL)
            return -ENOMEM;
    }
    if (most > rank->capacity) {
        wf_found *found = wf_grow(rank->found, most, sizeof(*found));
        if (found == NULL)
            return -ENOMEM;
        rank->found = found;
        rank->capacity = most;
    }
    rank->top_k = most;
    rank->count = 0;
    rank->tied_count = 0;
    rank->is_reranked = false;
    rank->threshold = threshold;
    return 0;
}

static bool is_worse(wf_found a, wf_found b)
{
    return a.score < b.score || (a.score == b.score && a.entity > b.entity);
}

static void sift_up(wf_found *heap, size_t at)
{
    wf_found item = heap[at];
    for (; at > 0 && is_worse(item, heap[(at - 1) / 2]); at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = item;
}

static void sift_down(wf_found *heap, size_t count, wf_found item)
{
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= count)
            break;
        if (child + 1 < count && is_worse(heap[child + 1], heap[child]))
            child++;
        if (!is_worse(heap[child], item))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = item;
}

static void add_tied(wf_rank *rank, uint32_t entity)
{
    if (rank->tied_count < WF_TIED_MAX)
        rank->tied[rank->tied_count++] = entity;
}

void wf_rank_offer(wf_rank *rank, wf_found found)
{
    if (!(found.score >= rank->threshold) || rank->top_k == 0)
        return;
    if (rank->count < rank->top_k) {
        rank->found[rank->count] = found;
        sift_up(rank->found, rank->count++);
        return;
    }
    wf_found worst = rank->found[0];
    if (found.score == worst.score)
        add_tied(rank, found.entity); /* it comes later in the catalogue */
    if (found.score <= worst.score)
        return;
    sift_down(rank->found, rank->count, found);
    if (rank->found[0].score == worst.score)
        add_tied(rank, worst.entity);
    else
        rank->tied_count = 0;
}

static void sort_tied(uint32_t *tied, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        uint32_t entity = tied[i];
        size_t at = i;
        for (; at > 0 && tied[at - 1] > entity; at--)
            tied[at] = tied[at - 1];
        tied[at] = entity;
    }
}

void wf_rank_end(wf_rank *rank)
{
    for (size_t left = rank->count; left > 1; left--) {
        wf_found worst = rank->found[0];
        sift_down(rank->found, left - 1, rank->found[left - 1]);
        rank->found[left - 1] = worst;
    }
    sort_tied(rank->tied, rank->tied_count);
}

void wf_rank_cut(wf_rank *rank, size_t top_k)
{
    if (rank->top_k <= top_k)
        return;
    rank->top_k = top_k;
    if (rank->count <= top_k)
        return;
    float last = rank->found[top_k - 1].score;
    if (rank->found[rank->count - 1].score != last)
        rank->tied_count = 0;
    for (size_t i = top_k; i < rank->count && rank->found[i].score == last; i++)
        add_tied(rank, rank->found[i].entity);
    sort_tied(rank->tied, rank->tied_count);
    rank->count = top_k;
}
