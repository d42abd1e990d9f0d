/* SPDX-License-Identifier: MIT */

#include "core/look/graph.h"

#include "base/alloc.h"
#include "core/look/tree.h"

#include <stdlib.h>

/* ---- on the loop ---- */

static void *graph_room(struct wf_graph *graph, void *items, size_t item_bytes, uint32_t count,
                        uint32_t *max)
{
    if (count < *max)
        return items;
    uint32_t more = *max == 0 ? 64 : *max * 2;
    void *grown = wf_grow(items, more, item_bytes);
    if (grown == NULL) {
        graph->is_cut = true;
        return NULL;
    }
    *max = more;
    return grown;
}

static void graph_edge(const weft_task *holder, void *arg)
{
    struct wf_graph *graph = arg;
    uint64_t *edges =
        graph_room(graph, graph->edges, sizeof *edges, graph->edge_count, &graph->edge_max);
    if (edges == NULL)
        return;
    graph->edges = edges;
    graph->edges[graph->edge_count++] = holder->id;
    graph->nodes[graph->node_count - 1].edge_count++;
}

static void graph_wait(struct wf_graph *graph, const struct wf_sched *sched, const wf_task *task,
                       struct wf_graph_node *node)
{
    const weft_waiter *waiter = wf_task_parked_on(task);
    if (task->state == WF_TASK_FINISHING) {
        node->what = "its children";
        wf_node_tell_tasks(&task->root, graph_edge, graph);
    } else if (waiter != NULL && !waiter->is_woken && task != sched->current) {
        node->what = waiter->wait_class->what;
        node->object = waiter->object;
        if (waiter->wait_class->holders != NULL)
            waiter->wait_class->holders(waiter, graph_edge, graph);
    }
}

static void graph_take(struct wf_graph *graph, const struct wf_sched *sched, const wf_task *task)
{
    struct wf_graph_node *nodes =
        graph_room(graph, graph->nodes, sizeof *nodes, graph->node_count, &graph->node_max);
    if (nodes == NULL)
        return;
    graph->nodes = nodes;
    struct wf_graph_node *node = &nodes[graph->node_count++];
    *node = (struct wf_graph_node){.id = task->id, .edge = graph->edge_count};
    wf_task_name(task, node->name, sizeof node->name);
    graph_wait(graph, sched, task, node);
}

void wf_graph_take(struct wf_graph *graph, const struct wf_sched *sched)
{
    const struct wf_slab *tasks = &sched->tasks;
    const wf_task *guest = NULL;
    for (uint32_t slot = 0; slot < tasks->fresh && !graph->is_cut; slot++) {
        const wf_task *task = wf_slab_at(tasks, slot, sizeof *task);
        if (task->state == WF_TASK_LIVE || task->state == WF_TASK_FINISHING)
            graph_take(graph, sched, task);
    }
    while (!graph->is_cut && (guest = wf_tree_next_guest(sched, guest)) != NULL)
        graph_take(graph, sched, guest);
}

/* ---- from ids to places ---- */

static int graph_compare(const void *a, const void *b)
{
    uint64_t first = ((const struct wf_graph_node *)a)->id,
             second = ((const struct wf_graph_node *)b)->id;
    uint32_t slots[] = {wf_handle_slot(first), wf_handle_slot(second)};
    if (slots[0] != slots[1])
        return slots[0] < slots[1] ? -1 : 1;
    return first < second ? -1 : first > second;
}

/* Edges to tasks that are not here, or were cut, are left out. */
static void graph_resolve_node(struct wf_graph *graph, struct wf_graph_node *node)
{
    uint64_t *edges = &graph->edges[node->edge];
    uint32_t count = 0;
    for (uint32_t i = 0; i < node->edge_count; i++) {
        struct wf_graph_node wanted = {.id = edges[i]};
        const struct wf_graph_node *holder =
            bsearch(&wanted, graph->nodes, graph->node_count, sizeof wanted, graph_compare);
        if (holder != NULL)
            edges[count++] = (uint64_t)(holder - graph->nodes);
    }
    node->edge_count = count;
}

void wf_graph_resolve(struct wf_graph *graph)
{
    if (graph->node_count != 0)
        qsort(graph->nodes, graph->node_count, sizeof graph->nodes[0], graph_compare);
    for (uint32_t i = 0; i < graph->node_count; i++)
        if (graph->nodes[i].edge_count != 0)
            graph_resolve_node(graph, &graph->nodes[i]);
}

void wf_graph_fini(struct wf_graph *graph)
{
    wf_free(graph->nodes);
    wf_free(graph->edges);
}
