/* SPDX-License-Identifier: MIT */

/*
 * Graph of waits: the tasks of a loop, and an edge from each that waits to each that can end the
 * wait.  It is copied on the loop and read elsewhere; those of several loops are one when they are
 * joined, in which an edge may lead to a task of another loop.
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
    uint32_t loop;             /* that it runs on: its index */
    uint32_t edge, edge_count; /* in `edges` */
    uint32_t next;             /* the search: edges that were followed */
    uint8_t mark;              /* enum wf_graph_mark */
    bool is_place;             /* its body is on another loop, see guest.h */
    bool is_lasting;           /* the wait had the mark */
    bool is_in_cycle;
};

enum wf_graph_mark { WF_GRAPH_NEW, WF_GRAPH_ON_PATH, WF_GRAPH_LEFT };

struct wf_graph {
    struct wf_graph_node *nodes; /* once resolved in order of slots and ids */
    uint32_t node_count, node_max;
    uint64_t *edges; /* ids of tasks; once resolved places in `nodes` */
    uint32_t edge_count, edge_max;
    uint32_t loop_count; /* of the run */
    bool is_cut;         /* no memory for all of it */
};

/* On the loop's thread: puts `mark`, which is neither 0 nor 1, on each wait, where it stays until
 * the wait ends. */
void wf_graph_mark(const struct wf_sched *sched, uint8_t mark);

/* On the loop's thread: copies into an empty graph. */
void wf_graph_take(struct wf_graph *graph, const struct wf_sched *sched, uint8_t mark);

/* Appends a graph to another; neither is resolved yet. */
void wf_graph_join(struct wf_graph *graph, const struct wf_graph *part);

/* Turns ids into places in `nodes`.  Of the two records of a task that runs on another loop the
 * guest's is kept.  Edges to tasks that are not in the graph are dropped. */
void wf_graph_resolve(struct wf_graph *graph);

void wf_graph_fini(struct wf_graph *graph);

#endif
