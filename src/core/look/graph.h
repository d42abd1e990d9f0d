/* SPDX-License-Identifier: MIT */

/*
 * Graph of waits: the tasks of a loop, and an edge from each that waits to each that can end the
 * wait.  It is copied on the loop and read elsewhere.
 */
#ifndef WF_GRAPH_H
#define WF_GRAPH_H

#include <weft/error.h>

struct wf_sched;

struct wf_graph_node {
    uint64_t id;
    char name[WEFT_ERROR_NAME_BYTES];
    const char *what; /* it waits for; NULL: it does not */
    const void *object;
    uint32_t edge, edge_count; /* in `edges` */
    uint32_t next;             /* the search: edges that were followed */
    uint8_t mark;              /* enum wf_graph_mark */
    bool is_in_cycle;
};

enum wf_graph_mark { WF_GRAPH_NEW, WF_GRAPH_ON_PATH, WF_GRAPH_LEFT };

struct wf_graph {
    struct wf_graph_node *nodes; /* once resolved in order of slots and ids */
    uint32_t node_count, node_max;
    uint64_t *edges; /* ids of tasks; once resolved places in `nodes` */
    uint32_t edge_count, edge_max;
    bool is_cut; /* no memory for all of it */
};

/* Copies into an empty graph, on the loop's thread. */
void wf_graph_take(struct wf_graph *graph, const struct wf_sched *sched);

/* From ids to places.  Edges to tasks that are not here, or were cut, are left out. */
void wf_graph_resolve(struct wf_graph *graph);

void wf_graph_fini(struct wf_graph *graph);

#endif
