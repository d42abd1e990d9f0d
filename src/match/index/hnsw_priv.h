/* SPDX-License-Identifier: MIT */

/* What the files of HNSW share: a walk, and the choice of neighbours. */
#ifndef WF_MATCH_HNSW_PRIV_H
#define WF_MATCH_HNSW_PRIV_H

#include "match/index/hnsw.h"

/* What a walk goes by. */
struct wf_hnsw_walk {
    const wf_hnsw *graph;
    const wf_vectors *vectors;
    const float *query;
    wf_hnsw_desk *desk;
    const wf_job *job;
};

/* A node's list at a level that it has. */
static inline uint32_t *wf_hnsw_links(const wf_hnsw *graph, uint32_t node, unsigned level)
{
    size_t m = graph->options.m;
    return level == 0 ? graph->bottom + node * (2 * m + 1)
                      : graph->upper + graph->upper_start[node] + (level - 1) * (m + 1);
}

static inline size_t wf_hnsw_links_max(const wf_hnsw *graph, unsigned level)
{
    return level == 0 ? 2 * (size_t)graph->options.m : graph->options.m;
}

/* Forgets what earlier walks have seen, for a walk over `count` nodes.  0 or -ENOMEM. */
int wf_hnsw_walk_begin(wf_hnsw_desk *desk, size_t count);

/* Down from the top to `level`, each time to the nearest. */
int wf_hnsw_descend(struct wf_hnsw_walk *walk, unsigned level, uint32_t *out_entry);

/* Algorithm 2: leaves the `ef` nearest of a level in desk->found, a heap. */
int wf_hnsw_walk_level(struct wf_hnsw_walk *walk, uint32_t entry, size_t ef, unsigned level);

/* Algorithm 4: of `from`, the best first, those that are nearer to the node than to any taken
 * before, so that neighbours lie on all sides; then the best of the others.  Into desk->chosen. */
int wf_hnsw_choose(const wf_vectors *vectors, wf_hnsw_desk *desk, const wf_neighbours *from,
                   size_t most);

/* Empty lists for a place whose level is new. */
int wf_hnsw_make_room(wf_hnsw *graph, uint32_t node, unsigned level);

/* The place is a node's from now on. */
void wf_hnsw_take_in(wf_hnsw *graph, uint32_t node);

/* The place is that of a twin, behind `other` in its ring. */
void wf_hnsw_take_in_twin(wf_hnsw *graph, uint32_t other, uint32_t node);

#endif
