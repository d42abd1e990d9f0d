/* SPDX-License-Identifier: MIT */

/*
 * Communities (V. Blondel and others, "Fast unfolding of communities in large networks", 2008) of
 * the graph in which each spot is connected with its 15 nearest, by their cosine: spots move, one
 * after the other, to the community of a neighbour where modularity gains most, until none gains;
 * then communities are the spots of a smaller graph, and so on.  In a fixed order, so that the same
 * spots give the same communities.
 */
#include "base/alloc.h"
#include "match/novelty/cluster.h"
#include "match/novelty/crowd.h"
#include "match/novelty/ground.h"

#include <stdlib.h>

#define NEIGHBOURS 15u
#define COSINE_MIN 0.1f /* less has nothing in common */
#define SWEEPS_MAX 32u
#define LEVELS_MAX 16u
#define GAIN_MIN 1e-9

struct link {
    uint32_t a, b;
    double weight;
};

/* Both directions of every link; a loop stands once. */
struct graph {
    size_t count, link_count;
    struct link *links; /* by a, then b */
    size_t *start;      /* of a; one more than count */
    double *degrees;
    double total; /* of all degrees */
};

static void graph_fini(struct graph *graph)
{
    wf_free(graph->links);
    wf_free(graph->start);
    wf_free(graph->degrees);
    *graph = (struct graph){0};
}

static bool is_same_pair(const struct link *a, const struct link *b)
{
    return a->a == b->a && a->b == b->b;
}

/* By weight too, so that sums are made in one order everywhere. */
static int by_ends(const void *left, const void *right)
{
    const struct link *a = left, *b = right;
    if (a->a != b->a)
        return a->a < b->a ? -1 : 1;
    if (a->b != b->b)
        return a->b < b->b ? -1 : 1;
    return (a->weight > b->weight) - (a->weight < b->weight);
}

/* Node by node, as all at once would take long with nobody able to halt it. */
static int sort_links(struct graph *it, const wf_job *job)
{
    struct link *sorted = wf_array(it->link_count, sizeof(*sorted));
    size_t *end = wf_array(it->count + 1, sizeof(*end));
    int rc = sorted != NULL && end != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; i < it->link_count && rc == 0; i++)
        end[it->links[i].a + 1]++;
    for (size_t i = 0; i < it->count && rc == 0; i++)
        end[i + 1] += end[i];
    for (size_t i = 0; i < it->link_count && rc == 0; i++)
        sorted[end[it->links[i].a]++] = it->links[i];
    for (size_t i = 0, from = 0; i < it->count && rc == 0; from = end[i++]) {
        qsort(sorted + from, end[i] - from, sizeof(*sorted), by_ends);
        rc = wf_job_poll(job);
    }
    wf_free(end);
    wf_free(rc == 0 ? it->links : sorted);
    if (rc == 0)
        it->links = sorted;
    return rc;
}

/* Sorts the links, joins those of one pair (by their sum, else the greatest stays), counts. */
static int seal(struct graph *it, bool is_sum, const wf_job *job)
{
    size_t kept = 0;
    it->start = wf_array(it->count + 1, sizeof(*it->start));
    it->degrees = wf_array(it->count, sizeof(*it->degrees));
    if (it->start == NULL || it->degrees == NULL)
        return -ENOMEM;
    int rc = sort_links(it, job);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < it->link_count; i++) {
        struct link *last = kept != 0 ? &it->links[kept - 1] : NULL;
        if (last == NULL || !is_same_pair(last, &it->links[i]))
            it->links[kept++] = it->links[i];
        else
            last->weight = it->links[i].weight + (is_sum ? last->weight : 0);
    }
    it->link_count = kept;
    for (size_t i = 0; i < kept; i++) {
        it->start[it->links[i].a + 1]++;
        it->degrees[it->links[i].a] += it->links[i].weight;
        it->total += it->links[i].weight;
    }
    for (size_t i = 0; i < it->count; i++)
        it->start[i + 1] += it->start[i];
    return 0;
}

/* ---- the first graph ---- */

static size_t find_nearest(const wf_crowd *crowd, const wf_spot *spot, uint32_t self,
                           wf_near near[NEIGHBOURS])
{
    float cosines[WF_CROWD_BLOCK];
    size_t count = 0;
    for (size_t first = 0; first < crowd->count; first += WF_CROWD_BLOCK) {
        size_t left = crowd->count - first, block = left < WF_CROWD_BLOCK ? left : WF_CROWD_BLOCK;
        wf_crowd_cosines(crowd, spot, first, block, cosines);
        for (size_t i = 0; i < block; i++) {
            wf_near item = {(uint32_t)(first + i), cosines[i]};
            if (item.reference != self && item.cosine >= COSINE_MIN)
                count = wf_near_put(near, count, NEIGHBOURS, item);
        }
    }
    return count;
}

static int link_nearest(struct graph *it, const wf_spot *spots, size_t count, const wf_job *job)
{
    wf_near near[NEIGHBOURS];
    wf_crowd crowd;
    int rc = wf_crowd_init(&crowd, spots, count);
    it->count = count;
    it->links = wf_array(count, 2 * (size_t)NEIGHBOURS * sizeof(*it->links));
    if (rc == 0 && it->links == NULL)
        rc = -ENOMEM;
    for (uint32_t i = 0; i < count && rc == 0; i++) {
        rc = wf_job_poll(job);
        size_t found = rc == 0 ? find_nearest(&crowd, &spots[i], i, near) : 0;
        for (size_t k = 0; k < found; k++) {
            double weight = (double)near[k].cosine;
            it->links[it->link_count++] = (struct link){i, near[k].reference, weight};
            it->links[it->link_count++] = (struct link){near[k].reference, i, weight};
        }
    }
    wf_crowd_fini(&crowd);
    return rc == 0 ? seal(it, /* is_sum= */ false, job) : rc;
}

/* ---- moving ---- */

struct moving {
    uint32_t *community; /* of a node */
    double *degrees;     /* of a community */
    double *links;       /* of the node under way with a community; zero between */
};

/* The community that the node gains most in, its own if none is better. */
static uint32_t best_for(const struct graph *it, const struct moving *moving, uint32_t node)
{
    uint32_t own = moving->community[node], best = own;
    double degree = it->degrees[node];
    double most = moving->links[own] - (moving->degrees[own] - degree) * degree / it->total;
    for (size_t i = it->start[node]; i < it->start[node + 1]; i++) {
        uint32_t other = moving->community[it->links[i].b];
        double gain = moving->links[other] - moving->degrees[other] * degree / it->total;
        if (other != own && gain > most + GAIN_MIN) {
            most = gain;
            best = other;
        }
    }
    return best;
}

static bool move_node(const struct graph *it, struct moving *moving, uint32_t node)
{
    uint32_t own = moving->community[node];
    for (size_t i = it->start[node]; i < it->start[node + 1]; i++) {
        if (it->links[i].b != node)
            moving->links[moving->community[it->links[i].b]] += it->links[i].weight;
    }
    uint32_t best = best_for(it, moving, node);
    for (size_t i = it->start[node]; i < it->start[node + 1]; i++)
        moving->links[moving->community[it->links[i].b]] = 0;
    moving->degrees[own] -= it->degrees[node];
    moving->degrees[best] += it->degrees[node];
    moving->community[node] = best;
    return best != own;
}

static int move_all(const struct graph *it, struct moving *moving, bool *out_moved,
                    const wf_job *job)
{
    *out_moved = false;
    for (uint32_t i = 0; i < it->count; i++) {
        moving->community[i] = i;
        moving->degrees[i] = it->degrees[i];
    }
    bool has_moved = it->total > 0;
    for (unsigned sweep = 0; sweep < SWEEPS_MAX && has_moved; sweep++) {
        has_moved = false;
        for (uint32_t i = 0; i < it->count; i++) {
            int rc = wf_job_poll(job);
            if (rc < 0)
                return rc;
            has_moved |= move_node(it, moving, i);
        }
        *out_moved |= has_moved;
    }
    return 0;
}

/* Numbers the communities from 0, in the order of their first node; returns how many. */
static size_t number(struct moving *moving, uint32_t *names, size_t count)
{
    size_t named = 0;
    for (size_t i = 0; i < count; i++)
        names[i] = UINT32_MAX;
    for (size_t i = 0; i < count; i++) {
        uint32_t *name = &names[moving->community[i]];
        if (*name == UINT32_MAX)
            *name = (uint32_t)named++;
        moving->community[i] = *name;
    }
    return named;
}

/* The communities as nodes. */
static int shrink(struct graph *it, const struct moving *moving, size_t count, const wf_job *job)
{
    struct graph small = {.count = count, .link_count = it->link_count};
    for (size_t i = 0; i < it->link_count; i++) {
        struct link *link = &it->links[i];
        *link = (struct link){moving->community[link->a], moving->community[link->b], link->weight};
    }
    small.links = it->links;
    it->links = NULL;
    graph_fini(it);
    *it = small;
    return seal(it, /* is_sum= */ true, job);
}

static int unfold(struct graph *it, struct moving *moving, uint32_t *names, int32_t *labels,
                  const wf_job *job)
{
    size_t spots = it->count;
    for (size_t i = 0; i < spots; i++)
        labels[i] = (int32_t)i;
    for (unsigned level = 0; level < LEVELS_MAX; level++) {
        bool has_moved;
        int rc = move_all(it, moving, &has_moved, job);
        if (rc < 0 || !has_moved)
            return rc;
        size_t count = number(moving, names, it->count);
        for (size_t i = 0; i < spots; i++)
            labels[i] = (int32_t)moving->community[labels[i]];
        rc = shrink(it, moving, count, job);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- all together ---- */

int wf_cluster_louvain(wf_clusters *clusters, const wf_spot *spots, size_t count, size_t size_min,
                       const wf_job *job)
{
    *clusters = (wf_clusters){.labels = wf_array(count, sizeof(int32_t)), .spot_count = count};
    struct moving moving = {.community = wf_array(count, sizeof(uint32_t)),
                            .degrees = wf_array(count, sizeof(double)),
                            .links = wf_array(count, sizeof(double))};
    uint32_t *names = wf_array(count, sizeof(*names));
    struct graph graph = {0};
    bool has_all = clusters->labels != NULL && moving.community != NULL && moving.degrees != NULL &&
                   moving.links != NULL && names != NULL;
    int rc = has_all ? link_nearest(&graph, spots, count, job) : -ENOMEM;
    if (rc == 0)
        rc = unfold(&graph, &moving, names, clusters->labels, job);
    if (rc == 0)
        wf_clusters_keep_large(clusters, size_min, moving.community, names);
    graph_fini(&graph);
    wf_free(moving.community);
    wf_free(moving.degrees);
    wf_free(moving.links);
    wf_free(names);
    return rc;
}
