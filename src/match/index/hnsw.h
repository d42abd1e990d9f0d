/* SPDX-License-Identifier: MIT */

/*
 * HNSW: nearest rows by a walk over a graph of neighbours (Y. Malkov, D. Yashunin, "Efficient and
 * robust approximate nearest neighbor search using hierarchical navigable small world graphs",
 * 2018; the numbers of algorithms are theirs).  Not exact: it is for more rows than a scan can read
 * in time.  Nodes are rows of wf_vectors, entered one after the other; the same rows and seed give
 * the same graph.
 *
 * A row that is gone stays a node to walk over and is not found any more.
 */
#ifndef WF_MATCH_HNSW_H
#define WF_MATCH_HNSW_H

#include "match/index/vectors.h"

/* Rows from which on a matcher has a graph. */
#define WF_HNSW_ROWS_MIN 200000u

#define WF_HNSW_LEVELS 16u
#define WF_HNSW_M_MAX 128u

typedef struct wf_hnsw_options {
    uint32_t m;               /* neighbours of a node, twice as many at the bottom; 16 */
    uint32_t ef_construction; /* nodes looked at for a new one's neighbours; 200 */
    uint32_t ef;              /* nodes looked at for a query; 200 */
    uint32_t zero;
    uint64_t seed; /* of the nodes' levels; 42 */
} wf_hnsw_options;

void wf_hnsw_options_init(wf_hnsw_options *options);

/* A list of neighbours is a count and room for its most.  Invariant: a neighbour at a level has
 * that level. */
typedef struct wf_hnsw {
    wf_hnsw_options options;
    size_t count, capacity; /* nodes */
    uint8_t *levels;        /* of a node */
    uint32_t *bottom;       /* of node n: bottom[n * (2 m + 1)] … */
    size_t *upper_start;    /* of node n, level l: upper[upper_start[n] + (l - 1) * (m + 1)] … */
    uint32_t *upper;
    size_t upper_count, upper_capacity;
    uint32_t entry; /* a node of the top level; no meaning while count is 0 */
    uint64_t *gone; /* bit n: node n is not found any more */
    size_t gone_count;
    bool is_of_image; /* all arrays but `gone` are */
} wf_hnsw;

typedef struct wf_nearby {
    float score;
    uint32_t node;
} wf_nearby;

typedef struct wf_neighbours {
    wf_nearby *items; /* a heap while a walk goes on */
    size_t count, capacity;
} wf_neighbours;

/* One thread's memory.  Zeroed is ready. */
typedef struct wf_hnsw_desk {
    uint32_t *seen; /* of a node: the number of the walk that has seen it */
    uint32_t walk;
    size_t seen_capacity;
    wf_neighbours ahead, found, chosen, spare;
} wf_hnsw_desk;

void wf_hnsw_desk_fini(wf_hnsw_desk *desk);

void wf_hnsw_init(wf_hnsw *graph, const wf_hnsw_options *options);
void wf_hnsw_fini(wf_hnsw *graph);
size_t wf_hnsw_bytes(const wf_hnsw *graph);

/* Enters row graph->count of `vectors`.  0, -ENOMEM, or what the job says; then it is not in. */
int wf_hnsw_add(wf_hnsw *graph, const wf_vectors *vectors, wf_hnsw_desk *desk, const wf_job *job);

/* Raises options.ef until 99 of 100 of the ten nearest are found, by queries made of the rows and a
 * scan for each: rows without any clusters need far more than 200.  Of a graph of all rows. */
int wf_hnsw_tune(wf_hnsw *graph, const wf_vectors *vectors, wf_hnsw_desk *desk, const wf_job *job);

void wf_hnsw_remove(wf_hnsw *graph, uint32_t node);

static inline bool wf_hnsw_is_gone(const wf_hnsw *graph, uint32_t node)
{
    return (graph->gone[node / 64] >> node % 64 & 1) != 0;
}

/* The nodes nearest to the query, which wf_glance_take has made ready: up to `count`, into
 * desk->found, the best first, equal ones by number. */
int wf_hnsw_find(const wf_hnsw *graph, const wf_vectors *vectors, const wf_glance *glance,
                 size_t count, wf_hnsw_desk *desk, const wf_job *job);

void wf_hnsw_save(const wf_hnsw *graph, wf_pack *pack);

/* True of a file that has a graph. */
bool wf_hnsw_is_in(const wf_image *image);

/* Takes the graph of `count` rows out of an image.  0, -ENOMEM, -WEFT_M_EPERSIST: fini is allowed
 * all the same. */
int wf_hnsw_load(wf_hnsw *graph, const wf_image *image, size_t count);

#endif
