/* SPDX-License-Identifier: MIT */

/* Listing: the edges of a catalogue as its entities name them, before they are in order. */
#ifndef WF_MATCH_HIERARCHY_LISTING_H
#define WF_MATCH_HIERARCHY_LISTING_H

#include "match/catalogue.h"
#include "match/work.h"

#include <weft/hierarchy.h>

typedef struct wf_edge {
    uint32_t parent, child;
} wf_edge;

/* What a child says its edge to a parent weighs, whoever names the edge. */
typedef struct wf_edge_weight {
    uint32_t child, parent;
    float weight;
} wf_edge_weight;

typedef struct wf_listing {
    wf_edge *edges; /* in the order of the catalogue; an edge may be there twice */
    size_t edge_count, edge_capacity;
    wf_edge_weight *weights; /* those of a child stand together */
    size_t weight_count, weight_capacity;
    size_t missing_count;
} wf_listing;

void wf_listing_fini(wf_listing *listing);

/* 0; -WEFT_M_EVALID or -WEFT_ELIMIT with the error filled; -ENOMEM, what the job was halted with.
 * A zeroed listing; fini in each case. */
int wf_listing_read(wf_listing *listing, const wf_catalogue *catalogue,
                    const weft_hierarchy_options *options, const wf_job *job, weft_m_error *error);

#endif
