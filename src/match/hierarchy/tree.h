/* SPDX-License-Identifier: MIT */

/*
 * Tree: a catalogue's entities with those above and below each; constant once made, shared by
 * reference count.  An entity may have several parents, so it is a directed graph without cycles,
 * and what is called depth is that of the shortest way.
 */
#ifndef WF_MATCH_HIERARCHY_TREE_H
#define WF_MATCH_HIERARCHY_TREE_H

#include "match/catalogue.h"
#include "match/work.h"

#include <weft/hierarchy.h>

/* Of entity e: to[start[e]] … to[start[e + 1] - 1], with the weights of the edges. */
typedef struct wf_side {
    uint32_t *start, *to;
    float *weight;
} wf_side;

struct weft_hierarchy {
    unsigned refs;           /* atomic */
    wf_catalogue *catalogue; /* a reference */
    wf_side up, down; /* parents in the order they are listed in, children in the catalogue's */
    weft_hierarchy_info info;
};

/* Reads the "hierarchy" of each entity.  What weft_hierarchy_new returns, and what the job was
 * halted with. */
int wf_tree_new(weft_hierarchy **out, wf_catalogue *catalogue,
                const weft_hierarchy_options *options, const wf_job *job, weft_m_error *error);

#endif
