/* SPDX-License-Identifier: MIT */

/*
 * Clustering: the distance, one minus the cosine, to the nearest middle of a cluster of the
 * references (novelty/cluster.h).  A catalogue whose names have nothing in common is one cluster.
 */
#include "match/novelty/strategy.h"

#include "base/alloc.h"
#include "match/novelty/cluster.h"

struct clustering {
    size_t count;
    wf_spot middles[];
};

static int take_spots(const wf_ground *ground, wf_spot *spots, size_t count)
{
    for (size_t i = 0; i < count; i++)
        spots[i] = ground->spots[wf_ground_pick(ground, i)];
    return 0;
}

static int clustering_make(void **out, const wf_ground *ground, wf_seeker *seeker,
                           const wf_job *job)
{
    size_t count = wf_ground_picked(ground);
    wf_clusters clusters = {0};
    wf_spot *spots = wf_array(count, sizeof(*spots));
    (void)seeker;
    int rc = spots != NULL ? take_spots(ground, spots, count) : -ENOMEM;
    if (rc == 0)
        rc = wf_cluster(&clusters, spots, count, WF_CLUSTER_SIZE_MIN, job);
    if (rc == 0 && clusters.count == 0)
        wf_clusters_join_all(&clusters);
    struct clustering *it =
        rc == 0 ? wf_alloc(sizeof(*it) + clusters.count * sizeof(*it->middles)) : NULL;
    if (rc == 0 && it == NULL)
        rc = -ENOMEM;
    if (it != NULL) {
        it->count = clusters.count;
        for (size_t i = 0; i < clusters.count; i++)
            wf_clusters_middle(&clusters, spots, (int32_t)i, &it->middles[i]);
    }
    wf_clusters_fini(&clusters);
    wf_free(spots);
    *out = it;
    return rc;
}

static int clustering_score(const void *state, const wf_novel_query *query, double *out)
{
    const struct clustering *it = state;
    float best = -1;
    for (size_t i = 0; i < it->count; i++) {
        float cosine = wf_spot_cosine(&query->spot, &it->middles[i]);
        best = cosine > best ? cosine : best;
    }
    *out = 1 - (double)best;
    return wf_job_poll(query->job);
}

const wf_novel_class wf_novel_clustering = {.id = "clustering",
                                            .weight = 0.2,
                                            .needs_space = true,
                                            .make = clustering_make,
                                            .score = clustering_score,
                                            .destroy = wf_free};
