/* SPDX-License-Identifier: MIT */

#include "match/novelty/cluster.h"

#include "base/alloc.h"
#include "match/novelty/crowd.h"
#include "match/novelty/linkage.h"

#include <math.h>
#include <string.h>

#define CORE_NEIGHBOURS 5u
#define JOINED_COSINE 0.75f

void wf_clusters_fini(wf_clusters *clusters)
{
    wf_free(clusters->labels);
    *clusters = (wf_clusters){0};
}

void wf_clusters_join_all(wf_clusters *clusters)
{
    for (size_t i = 0; i < clusters->spot_count; i++)
        clusters->labels[i] = 0;
    clusters->count = clusters->spot_count != 0;
}

void wf_clusters_middle(const wf_clusters *clusters, const wf_spot *spots, int32_t label,
                        wf_spot *out)
{
    float sum[WF_SPACE_DIM] = {0}, vector[WF_SPACE_DIM];
    for (size_t i = 0; i < clusters->spot_count; i++) {
        if (clusters->labels[i] != label)
            continue;
        wf_spot_read(&spots[i], vector);
        for (size_t k = 0; k < WF_SPACE_DIM; k++)
            sum[k] += vector[k];
    }
    wf_spot_of(sum, out);
}

void wf_clusters_keep_large(wf_clusters *clusters, size_t size_min, uint32_t *sizes,
                            uint32_t *names)
{
    memset(sizes, 0, clusters->spot_count * sizeof(*sizes));
    for (size_t i = 0; i < clusters->spot_count; i++) {
        sizes[clusters->labels[i]]++;
        names[i] = UINT32_MAX;
    }
    for (size_t i = 0; i < clusters->spot_count; i++) {
        uint32_t *name = &names[clusters->labels[i]];
        bool is_large = sizes[clusters->labels[i]] >= size_min;
        if (is_large && *name == UINT32_MAX)
            *name = (uint32_t)clusters->count++;
        clusters->labels[i] = is_large ? (int32_t)*name : -1;
    }
}

/* ---- the tree of nearest connections ---- */

/* The distances of a spot's neighbours, nearest first. */
struct core {
    float nearest[CORE_NEIGHBOURS];
};

static void put_neighbour(struct core *core, float distance)
{
    size_t at = CORE_NEIGHBOURS - 1;
    if (distance >= core->nearest[at])
        return;
    for (; at > 0 && core->nearest[at - 1] > distance; at--)
        core->nearest[at] = core->nearest[at - 1];
    core->nearest[at] = distance;
}

/* The distance of the fifth neighbour, or of the last. */
static float core_distance(const struct core *core)
{
    for (size_t i = CORE_NEIGHBOURS; i-- > 0;) {
        if (core->nearest[i] < INFINITY)
            return core->nearest[i];
    }
    return 0;
}

/* Each pair of spots once, those of two blocks together: they stay in the cache. */
static void meet(struct core *cores, const wf_spot *spots, const wf_crowd *crowd, size_t row,
                 size_t column)
{
    float cosines[WF_CROWD_BLOCK];
    size_t left = crowd->count - row, rows = left < WF_CROWD_BLOCK ? left : WF_CROWD_BLOCK;
    left = crowd->count - column;
    size_t columns = left < WF_CROWD_BLOCK ? left : WF_CROWD_BLOCK;
    for (size_t i = row; i < row + rows; i++) {
        wf_crowd_cosines(crowd, &spots[i], column, columns, cosines);
        for (size_t k = column > i ? column : i + 1; k < column + columns; k++) {
            put_neighbour(&cores[i], 1 - cosines[k - column]);
            put_neighbour(&cores[k], 1 - cosines[k - column]);
        }
    }
}

static int find_cores(struct core *cores, const wf_spot *spots, const wf_crowd *crowd,
                      const wf_job *job)
{
    for (size_t i = 0; i < crowd->count; i++) {
        for (size_t k = 0; k < CORE_NEIGHBOURS; k++)
            cores[i].nearest[k] = INFINITY;
    }
    for (size_t row = 0; row < crowd->count; row += WF_CROWD_BLOCK) {
        for (size_t column = row; column < crowd->count; column += WF_CROWD_BLOCK) {
            int rc = wf_job_poll(job);
            if (rc < 0)
                return rc;
            meet(cores, spots, crowd, row, column);
        }
    }
    return 0;
}

/* A spot outside of the tree that grows (R. Prim, 1957); in the order of the crowd. */
struct outside {
    float core;
    float distance; /* from the tree */
    uint32_t from;
};

/* Compares the outside with spot `from`, new in the tree; where the nearest is then.  Of equally
 * near ones it is the first spot. */
static size_t grow(struct outside *all, const wf_spot *spots, const wf_crowd *crowd, uint32_t from,
                   float core)
{
    float cosines[WF_CROWD_BLOCK];
    size_t nearest = 0;
    for (size_t block = 0; block < crowd->count; block += WF_CROWD_BLOCK) {
        size_t left = crowd->count - block, count = left < WF_CROWD_BLOCK ? left : WF_CROWD_BLOCK;
        wf_crowd_cosines(crowd, &spots[from], block, count, cosines);
        for (size_t i = block; i < block + count; i++) {
            float distance = 1 - cosines[i - block], bar = core > all[i].core ? core : all[i].core;
            distance = distance > bar ? distance : bar;
            if (distance < all[i].distance) {
                all[i].distance = distance;
                all[i].from = from;
            }
            bool is_nearer = all[i].distance < all[nearest].distance;
            bool is_equal = all[i].distance == all[nearest].distance;
            if (is_nearer || (is_equal && crowd->names[i] < crowd->names[nearest]))
                nearest = i;
        }
    }
    return nearest;
}

static int grow_tree(struct outside *all, const wf_spot *spots, wf_crowd *crowd, wf_edge *edges,
                     const wf_job *job)
{
    size_t at = 0, count = crowd->count;
    for (size_t i = 0; i + 1 < count; i++) {
        int rc = wf_job_poll(job);
        if (rc < 0)
            return rc;
        uint32_t name = crowd->names[at];
        float core = all[at].core;
        wf_crowd_drop(crowd, at);
        all[at] = all[crowd->count];
        at = grow(all, spots, crowd, name, core);
        edges[i] = (wf_edge){all[at].from, crowd->names[at], all[at].distance};
    }
    return 0;
}

static int make_tree(const wf_spot *spots, size_t count, wf_edge *edges, const wf_job *job)
{
    struct outside *all = wf_array(count, sizeof(*all));
    struct core *cores = wf_array(count, sizeof(*cores));
    wf_crowd crowd = {0};
    int rc = all != NULL && cores != NULL ? wf_crowd_init(&crowd, spots, count) : -ENOMEM;
    if (rc == 0)
        rc = find_cores(cores, spots, &crowd, job);
    for (size_t i = 0; i < count && rc == 0; i++)
        all[i] = (struct outside){.core = core_distance(&cores[i]), .distance = INFINITY};
    wf_free(cores);
    if (rc == 0)
        rc = grow_tree(all, spots, &crowd, edges, job);
    wf_crowd_fini(&crowd);
    wf_free(all);
    return rc;
}

/* ---- connected groups ---- */

/* Takes all that is connected with `first`; `queue` has room for all spots.  0, or what the job was
 * halted with. */
static int flood(wf_clusters *clusters, const wf_spot *spots, size_t first, int32_t label,
                 uint32_t *queue, size_t *out_size, const wf_job *job)
{
    size_t end = 1;
    queue[0] = (uint32_t)first;
    clusters->labels[first] = label;
    for (size_t at = 0; at < end; at++) {
        int rc = wf_job_poll(job);
        if (rc < 0)
            return rc;
        for (size_t i = 0; i < clusters->spot_count; i++) {
            if (clusters->labels[i] != -1 ||
                wf_spot_cosine(&spots[queue[at]], &spots[i]) < JOINED_COSINE)
                continue;
            clusters->labels[i] = label;
            queue[end++] = (uint32_t)i;
        }
    }
    *out_size = end;
    return 0;
}

static int connect_near(wf_clusters *clusters, const wf_spot *spots, size_t size_min,
                        const wf_job *job)
{
    uint32_t *queue = wf_array(clusters->spot_count, sizeof(*queue));
    int rc = queue != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; i < clusters->spot_count && rc == 0; i++) {
        size_t size;
        if (clusters->labels[i] != -1)
            continue;
        rc = flood(clusters, spots, i, (int32_t)clusters->count, queue, &size, job);
        if (rc < 0)
            break;
        clusters->count += size >= size_min;
        for (size_t k = 0; k < size && size < size_min; k++)
            clusters->labels[queue[k]] = -2; /* too small: seen, and nobody's */
    }
    for (size_t i = 0; i < clusters->spot_count; i++)
        clusters->labels[i] = clusters->labels[i] < 0 ? -1 : clusters->labels[i];
    wf_free(queue);
    return rc;
}

/* ---- all together ---- */

static int begin(wf_clusters *clusters, size_t count)
{
    *clusters = (wf_clusters){.labels = wf_array(count, sizeof(int32_t)), .spot_count = count};
    if (clusters->labels == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        clusters->labels[i] = -1;
    return 0;
}

int wf_cluster_components(wf_clusters *clusters, const wf_spot *spots, size_t count,
                          size_t size_min, const wf_job *job)
{
    int rc = begin(clusters, count);
    return rc < 0 || count < size_min ? rc : connect_near(clusters, spots, size_min, job);
}

static int cluster_apart(wf_clusters *clusters, const wf_spot *spots, size_t count, size_t size_min,
                         bool takes_equal, const wf_job *job)
{
    int rc = begin(clusters, count);
    if (rc < 0 || count < size_min)
        return rc;
    wf_edge *edges = wf_array(count, sizeof(*edges));
    rc = edges != NULL ? make_tree(spots, count, edges, job) : -ENOMEM;
    int found = rc;
    if (rc == 0)
        found = wf_linkage_cut(edges, count, size_min, takes_equal, clusters->labels);
    wf_free(edges);
    clusters->count = found > 0 ? (size_t)found : 0;
    return found < 0 ? found : 0;
}

int wf_cluster_hdbscan(wf_clusters *clusters, const wf_spot *spots, size_t count, size_t size_min,
                       const wf_job *job)
{
    return cluster_apart(clusters, spots, count, size_min, /* takes_equal= */ true, job);
}

int wf_cluster(wf_clusters *clusters, const wf_spot *spots, size_t count, size_t size_min,
               const wf_job *job)
{
    int rc = cluster_apart(clusters, spots, count, size_min, /* takes_equal= */ false, job);
    if (rc < 0 || clusters->count > 0 || count < size_min)
        return rc;
    return connect_near(clusters, spots, size_min, job);
}
