/* SPDX-License-Identifier: MIT */

/*
 * Linkage: clusters from a tree of nearest connections, the second half of HDBSCAN.  Cutting the
 * tree's longest edge, then the next, splits the spots; a cluster lives from the cut that made it
 * to the one that splits it or leaves too few; its stability is the sum, over its spots, of how
 * long (in 1 / distance) they were in it.  Clusters are chosen, none within another, so that the
 * sum of their stabilities is greatest; all spots together are not a choice.
 *
 * Where no cut leaves two large sides, all spots together are the only cluster, and nothing is
 * chosen.  Of these the equal ones, which no cut divides, may be a cluster if they are enough: what
 * the algorithm with allow_single_cluster chooses then, for their lambda is infinite.  In all else
 * that is not as here, for with it any spots whatever make a cluster.
 */
#ifndef WF_MATCH_LINKAGE_H
#define WF_MATCH_LINKAGE_H

#include <weft/base.h>

typedef struct wf_edge {
    uint32_t a, b;
    float distance;
} wf_edge;

/* Sorts the count - 1 `edges` of `count` >= 2 spots and labels the spots: -1, or a cluster,
 * numbered in the order of the first spot.  Returns how many there are, or -ENOMEM. */
int wf_linkage_cut(wf_edge *edges, size_t count, size_t size_min, bool takes_equal,
                   int32_t *labels);

#endif
