/* SPDX-License-Identifier: MIT */

#include "match/novelty/cluster.h"

#include "base/alloc.h"
#include "match/novelty/linkage.h"

#include <math.h>

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

/* ---- the tree of nearest connections ---- */

/* The distance of the fifth neighbour. */
static float core_distance(const wf_spot *spots, size_t count, size_t self)
{
    float nearest[CORE_NEIGHBOURS];
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == self)
            continue;
        float distance = 1 - wf_spot_cosine(&spots[self], &spots[i]);
        if (kept == CORE_NEIGHBOURS && distance >= nearest[kept - 1])
            continue;
        size_t at = kept < CORE_NEIGHBOURS ? kept++ : kept - 1;
        for (; at > 0 && nearest[at - 1] > distance; at--)
            nearest[at] = nearest[at - 1];
        nearest[at] = distance;
    }
    return kept != 0 ? nearest[kept - 1] : 0;
}

/* One spot of the tree that grows (R. Prim, 1957). */
struct outside {
    float core;
    float distance; /* from the tree */
    uint32_t from;
    bool is_inside;
};

/* Moves spot `at` into the tree; the outside one that is then nearest. */
static size_t grow(struct outside *all, const wf_spot *spots, size_t count, size_t at)
{
    size_t nearest = SIZE_MAX;
    all[at].is_inside = true;
    for (size_t i = 0; i < count; i++) {
        if (all[i].is_inside)
            continue;
        float distance = 1 - wf_spot_cosine(&spots[at], &spots[i]);
        distance = fmaxf(distance, fmaxf(all[at].core, all[i].core));
        if (distance < all[i].distance) {
            all[i].distance = distance;
            all[i].from = (uint32_t)at;
        }
        if (nearest == SIZE_MAX || all[i].distance < all[nearest].distance)
            nearest = i;
    }
    return nearest;
}

static int make_tree(const wf_spot *spots, size_t count, wf_edge *edges, const wf_job *job)
{
    struct outside *all = wf_array(count, sizeof(*all));
    int rc = all != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = wf_job_poll(job);
        if (rc == 0)
            all[i] = (struct outside){.core = core_distance(spots, count, i), .distance = INFINITY};
    }
    size_t at = 0;
    for (size_t i = 0; i + 1 < count && rc == 0; i++) {
        rc = wf_job_poll(job);
        if (rc < 0)
            break;
        at = grow(all, spots, count, at);
        edges[i] = (wf_edge){all[at].from, (uint32_t)at, all[at].distance};
    }
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

int wf_cluster(wf_clusters *clusters, const wf_spot *spots, size_t count, size_t size_min,
               const wf_job *job)
{
    *clusters = (wf_clusters){.labels = wf_array(count, sizeof(int32_t)), .spot_count = count};
    if (clusters->labels == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        clusters->labels[i] = -1;
    if (count < size_min)
        return 0;
    wf_edge *edges = wf_array(count, sizeof(*edges));
    int rc = edges != NULL ? make_tree(spots, count, edges, job) : -ENOMEM;
    int found = rc == 0 ? wf_linkage_cut(edges, count, size_min, clusters->labels) : rc;
    wf_free(edges);
    if (found < 0)
        return found;
    clusters->count = (size_t)found;
    return found > 0 ? 0 : connect_near(clusters, spots, size_min, job);
}
