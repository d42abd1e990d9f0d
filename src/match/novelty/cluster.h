/* SPDX-License-Identifier: MIT */

/*
 * Cluster: groups of spots that lie closer together than the rest.  HDBSCAN (R. Campello, D.
 * Moulavi and J. Sander, "Density-based clustering based on hierarchical density estimates", 2013)
 * with distances of one minus the cosine: a spot's core distance is that of its fifth neighbour;
 * the tree of nearest connections is cut where clusters last longest.  If that finds nothing,
 * connected groups of cosine 0.75 or more.  Compares all with all, with memory for none of it.
 */
#ifndef WF_MATCH_CLUSTER_H
#define WF_MATCH_CLUSTER_H

#include "match/novelty/space.h"
#include "match/work.h"

#define WF_CLUSTER_SIZE_MIN 5u

typedef struct wf_clusters {
    int32_t *labels; /* of each spot: its cluster, from 0; -1: none */
    size_t spot_count, count;
} wf_clusters;

/* Clusters of at least `size_min` (>= 2) spots, numbered in the order of their first spot.  0,
 * -ENOMEM, or what the job was halted with; fini in any case. */
int wf_cluster(wf_clusters *clusters, const wf_spot *spots, size_t count, size_t size_min,
               const wf_job *job);
/* The same by one of its two ways alone, and by communities (novelty/louvain.c). */
int wf_cluster_hdbscan(wf_clusters *clusters, const wf_spot *spots, size_t count, size_t size_min,
                       const wf_job *job);
int wf_cluster_louvain(wf_clusters *clusters, const wf_spot *spots, size_t count, size_t size_min,
                       const wf_job *job);
int wf_cluster_components(wf_clusters *clusters, const wf_spot *spots, size_t count,
                          size_t size_min, const wf_job *job);

/* And by average linkage (novelty/average.c), in parts, as it is the usual one and takes seconds.
 * 0 or -ENOMEM; a part: 1: more is left, 0: none is, or what the job was halted with; how much is
 * done, 0 to 1, as it takes time; at the end the clusters, as of wf_cluster(). */
typedef struct wf_average wf_average;
int wf_average_new(wf_average **out, const wf_spot *spots, size_t count);
int wf_average_part(wf_average *it, const wf_job *job);
double wf_average_done(const wf_average *it);
int wf_average_end(wf_average *it, wf_clusters *clusters, size_t size_min);
void wf_average_free(wf_average *it); /* NULL is fine */

void wf_clusters_fini(wf_clusters *clusters);

/* All in one. */
void wf_clusters_join_all(wf_clusters *clusters);

/* Labels are groups, any numbers below the spots': those of fewer than `size_min` become nobody's,
 * the others are numbered anew, in the order of their first spot.  Both arrays are scratch, of as
 * many items as there are spots. */
void wf_clusters_keep_large(wf_clusters *clusters, size_t size_min, uint32_t *sizes,
                            uint32_t *names);

/* The middle of one. */
void wf_clusters_middle(const wf_clusters *clusters, const wf_spot *spots, int32_t label,
                        wf_spot *out);

#endif
