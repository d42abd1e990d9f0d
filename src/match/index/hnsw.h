/* SPDX-License-Identifier: MIT */

/*
 * HNSW: nearest rows by a walk over a graph of neighbours (Y. Malkov, D. Yashunin, "Efficient and
 * robust approximate nearest neighbor search using hierarchical navigable small world graphs",
 * 2018; the numbers of algorithms are theirs).  Not exact: it is for more rows than a scan can read
 * in time.  Nodes are rows of wf_vectors, entered one after the other; the same rows, entered and
 * removed in the same order, and the same seed give the same graph.
 *
 * Equal rows are one node to a walk.  Neighbours that are all the same lead nowhere, so of a row
 * that comes again only the first has any; the others are its twins, and all are in one ring.
 *
 * A node that is removed is not found any more, but walks go over it until the graph is moved:
 * copied without it, where nodes that had it for a neighbour get others in its place.
 */
#ifndef WF_MATCH_HNSW_H
#define WF_MATCH_HNSW_H

#include "match/index/nearby.h"
#include "match/index/vectors.h"

/* Rows from which on a matcher has a graph. */
#define WF_HNSW_ROWS_MIN 200000u

#define WF_HNSW_LEVELS 16u
#define WF_HNSW_TWIN UINT8_MAX /* the level of a twin: it has no neighbours and is nobody's */
#define WF_HNSW_M_MAX 128u
#define WF_HNSW_EF_MAX 65536u

typedef struct wf_hnsw_options {
    uint32_t m;               /* neighbours of a node, twice as many at the bottom; 16 */
    uint32_t ef_construction; /* nodes looked at for a new one's neighbours; 200 */
    uint32_t ef;              /* nodes looked at for a query; 200 */
    uint32_t products;        /* of a walk, by tuning; 0: not known */
    uint64_t seed;            /* of the nodes' levels; 42 */
} wf_hnsw_options;

void wf_hnsw_options_init(wf_hnsw_options *options);

/* A list of neighbours is a count and room for its most.  Invariants: a neighbour at a level has
 * that level; a node that was never in is nobody's neighbour; of a ring all but one are twins. */
typedef struct wf_hnsw {
    wf_hnsw_options options;
    size_t count, capacity; /* places for nodes: rows */
    size_t in_count;        /* nodes that are found */
    uint64_t *in;           /* bit n: node n is one of them */
    uint64_t entered;       /* nodes that ever were, whose levels come of it */
    uint32_t changed;       /* nodes entered and removed since the graph was tuned, or so */
    uint8_t *levels;        /* of a node */
    uint32_t *twins;        /* of a node: the next in its ring, itself if it is alone */
    uint32_t *bottom;       /* of node n: bottom[n * (2 m + 1)] … */
    size_t *upper_start;    /* of node n, level l: upper[upper_start[n] + (l - 1) * (m + 1)] … */
    uint32_t *upper;
    size_t upper_count, upper_capacity;
    uint32_t entry;   /* a node of the top level; no meaning while none was entered */
    bool is_of_image; /* all arrays but `in` are: nothing can be entered */
} wf_hnsw;

/* One thread's memory.  Zeroed is ready. */
typedef struct wf_hnsw_desk {
    uint32_t *seen; /* of a node: the number of the walk that has seen it */
    uint32_t walk;
    size_t seen_capacity;
    size_t products; /* made by walks, since it was set to 0 */
    wf_neighbours ahead, found, chosen, spare;
} wf_hnsw_desk;

void wf_hnsw_desk_fini(wf_hnsw_desk *desk);

void wf_hnsw_init(wf_hnsw *graph, const wf_hnsw_options *options);
void wf_hnsw_fini(wf_hnsw *graph);
size_t wf_hnsw_bytes(const wf_hnsw *graph);

static inline bool wf_hnsw_has(const wf_hnsw *graph, size_t node)
{
    return (graph->in[node / 64] >> node % 64 & 1) != 0;
}

/* Places for `count` nodes in all; none of the new ones is in.  0 or -ENOMEM. */
int wf_hnsw_reserve(wf_hnsw *graph, size_t count);

/* Enters row `node` of `vectors`, which was never in.  0, -ENOMEM, or what the job says; then it is
 * not in. */
int wf_hnsw_add(wf_hnsw *graph, const wf_vectors *vectors, uint32_t node, wf_hnsw_desk *desk,
                const wf_job *job);

void wf_hnsw_remove(wf_hnsw *graph, uint32_t node);

/* ---- moving ---- */

#define WF_HNSW_NOWHERE UINT32_MAX

/* A graph without some nodes of another, and with the others under new numbers.  The work is that
 * of copying, and of choosing new neighbours for those that lose some. */
typedef struct wf_hnsw_move {
    const wf_hnsw *from;
    const uint32_t *number; /* of from's nodes: that in the new graph; WF_HNSW_NOWHERE: removed */
    size_t next;            /* of from's nodes: those before it have been looked at */
} wf_hnsw_move;

static inline bool wf_hnsw_move_is_done(const wf_hnsw_move *move)
{
    return move->next == move->from->count;
}

/* Moves the next nodes into `graph`, which was empty before the first and has their places;
 * `vectors` are the new graph's rows.  Nothing may be asked of it before all are moved.  0,
 * -ENOMEM, or what the job says. */
int wf_hnsw_move_some(wf_hnsw_move *move, wf_hnsw *graph, const wf_vectors *vectors,
                      wf_hnsw_desk *desk, const wf_job *job);

/* ---- asking ---- */

/* Raises options.ef until 99 of 100 of the ten nearest are found, by queries made of the rows and a
 * scan for each: rows without any clusters need far more than 200.  Where that is not enough, to
 * WF_HNSW_EF_MAX: walks lose their way among these rows.  Counts the products of such a walk. */
int wf_hnsw_tune(wf_hnsw *graph, const wf_vectors *vectors, wf_hnsw_desk *desk, const wf_job *job);

/* Rows that a scan of one query reads in the time of one product of a walk, which goes to memory
 * for its row: more than twenty of 64 numbers, fewer of more. */
#define WF_HNSW_ROWS_A_PRODUCT 10u

/* A scan takes no longer than a walk.  By counts, so that the same rows give the same choice; who
 * has a graph for fewer rows asked for it, and they may be in the caches. */
static inline bool wf_hnsw_is_costly(const wf_hnsw *graph)
{
    return graph->in_count >= WF_HNSW_ROWS_MIN &&
           graph->options.products >= graph->in_count / WF_HNSW_ROWS_A_PRODUCT;
}

/* Is a walk better than a scan?  Not where it looks at half of all rows. */
static inline bool wf_hnsw_is_worth(const wf_hnsw *graph)
{
    return graph->options.ef < WF_HNSW_EF_MAX && graph->in_count / 2 > graph->options.ef &&
           !wf_hnsw_is_costly(graph);
}

/* So much has changed since then that it should be done again. */
static inline bool wf_hnsw_wants_tuning(const wf_hnsw *graph)
{
    return graph->changed > graph->in_count / 8;
}

/* The nodes nearest to the query, which wf_glance_take has made ready: up to `count`, into
 * desk->found, the best first, equal ones by number. */
int wf_hnsw_find(const wf_hnsw *graph, const wf_vectors *vectors, const wf_glance *glance,
                 size_t count, wf_hnsw_desk *desk, const wf_job *job);

/* ---- files ---- */

/* Of a graph whose nodes are all in. */
void wf_hnsw_save(const wf_hnsw *graph, wf_pack *pack);

/* True of a file that has a graph. */
bool wf_hnsw_is_in(const wf_image *image);

/* Takes the graph of `count` rows out of an image.  0, -ENOMEM, -WEFT_M_EPERSIST: fini is allowed
 * all the same. */
int wf_hnsw_load(wf_hnsw *graph, const wf_image *image, size_t count);

#endif
