/* SPDX-License-Identifier: MIT */

#include "core/look/graph.h"

#include "base/alloc.h"
#include "core/look/tree.h"

#include <stdlib.h>

/* ---- on the loop ---- */

/* A wait for children has no waiter. */
static uint8_t *graph_mark_of(const struct wf_sched *sched, const wf_task *task)
{
    weft_waiter *waiter = wf_task_parked_on(task);
    if (task->state == WF_TASK_FINISHING)
        return &task->body->parked;
    bool waits = waiter != NULL && !waiter->is_woken && task != sched->current;
    return waits ? &waiter->priv_parked : NULL;
}

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

static void graph_wait(struct wf_graph *graph, const wf_task *task, struct wf_graph_node *node)
{
    if (task->state == WF_TASK_FINISHING) {
        node->what = "its children";
        wf_node_tell_tasks(&task->root, graph_edge, graph);
        return;
    }
    const weft_waiter *waiter = wf_task_parked_on(task);
    node->what = waiter->wait_class->what;
    node->object = waiter->object;
    if (waiter->wait_class->holders != NULL)
        waiter->wait_class->holders(waiter, graph_edge, graph);
}

static void graph_add(struct wf_graph *graph, const struct wf_sched *sched, const wf_task *task,
                      uint8_t mark)
{
    struct wf_graph_node *nodes =
        graph_room(graph, graph->nodes, sizeof *nodes, graph->node_count, &graph->node_max);
    if (nodes == NULL)
        return;
    graph->nodes = nodes;
    struct wf_graph_node *node = &nodes[graph->node_count++];
    const uint8_t *marked = graph_mark_of(sched, task);
    *node = (struct wf_graph_node){
        .id = task->id,
        .edge = graph->edge_count,
        .loop = sched->index,
        .is_place = (task->flags & (WF_TASK_ABROAD | WF_TASK_HAS_BODY)) == WF_TASK_ABROAD,
        .is_lasting = marked != NULL && *marked == mark,
    };
    wf_task_name(task, node->name, sizeof node->name);
    if (marked != NULL)
        graph_wait(graph, task, node);
}

/* The next task behind `before` (NULL: the first) among those of this loop, then among those of
 * others that run here; or NULL.  *slot is 0 at first. */
static const wf_task *graph_next(const struct wf_sched *sched, const wf_task *before,
                                 uint32_t *slot)
{
    const struct wf_slab *tasks = &sched->records.tasks;
    while (*slot < tasks->fresh) {
        const wf_task *task = wf_slab_at(tasks, (*slot)++, sizeof *task);
        if (task->state == WF_TASK_LIVE || task->state == WF_TASK_FINISHING)
            return task;
    }
    bool is_guest = before != NULL && wf_handle_loop(before->id) != sched->records.loop_number;
    return wf_tree_next_guest(sched, is_guest ? before : NULL);
}

void wf_graph_mark(const struct wf_sched *sched, uint8_t mark)
{
    uint32_t slot = 0;
    for (const wf_task *task = NULL; (task = graph_next(sched, task, &slot)) != NULL;) {
        uint8_t *marked = graph_mark_of(sched, task);
        if (marked != NULL)
            *marked = mark;
    }
}

void wf_graph_take(struct wf_graph *graph, const struct wf_sched *sched, uint8_t mark)
{
    uint32_t slot = 0;
    for (const wf_task *task = NULL; (task = graph_next(sched, task, &slot)) != NULL;) {
        if (!graph->is_cut)
            graph_add(graph, sched, task, mark);
    }
}

/* ---- several loops ---- */

/* False: no memory, and they are as before. */
static bool graph_grow(void **items, size_t item_bytes, uint32_t count)
{
    void *grown = count != 0 ? wf_grow(*items, count, item_bytes) : NULL;
    if (grown != NULL)
        *items = grown;
    return grown != NULL || count == 0;
}

void wf_graph_join(struct wf_graph *graph, const struct wf_graph *part)
{
    void *nodes = graph->nodes, *edges = graph->edges;
    bool has_room =
        graph_grow(&nodes, sizeof *graph->nodes, graph->node_count + part->node_count) &&
        graph_grow(&edges, sizeof *graph->edges, graph->edge_count + part->edge_count);
    graph->nodes = nodes;
    graph->edges = edges;
    graph->is_cut |= part->is_cut || !has_room;
    if (!has_room)
        return;
    for (uint32_t i = 0; i < part->node_count; i++) {
        graph->nodes[graph->node_count] = part->nodes[i];
        graph->nodes[graph->node_count++].edge += graph->edge_count;
    }
    for (uint32_t i = 0; i < part->edge_count; i++)
        graph->edges[graph->edge_count++] = part->edges[i];
}

/* ---- from ids to places ---- */

static int graph_compare(const void *a, const void *b)
{
    const struct wf_graph_node *first = a, *second = b;
    uint32_t slots[] = {wf_handle_slot(first->id), wf_handle_slot(second->id)};
    if (slots[0] != slots[1])
        return slots[0] < slots[1] ? -1 : 1;
    return first->id < second->id ? -1 : first->id > second->id;
}

/* Of the two records of a task that runs on another loop the guest's is left. */
static void graph_drop_places(struct wf_graph *graph)
{
    struct wf_graph_node *nodes = graph->nodes;
    uint32_t count = 0;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        if (count == 0 || nodes[count - 1].id != nodes[i].id)
            nodes[count++] = nodes[i];
        else if (nodes[count - 1].is_place)
            nodes[count - 1] = nodes[i];
    }
    graph->node_count = count;
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
    graph_drop_places(graph);
    for (uint32_t i = 0; i < graph->node_count; i++)
        if (graph->nodes[i].edge_count != 0)
            graph_resolve_node(graph, &graph->nodes[i]);
}

void wf_graph_fini(struct wf_graph *graph)
{
    wf_free(graph->nodes);
    wf_free(graph->edges);
}
