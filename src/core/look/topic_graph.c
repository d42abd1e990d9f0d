/* SPDX-License-Identifier: MIT */

/*
 * "graph" and "dot": who waits for whom.  A task that waits has an edge to each task that can end
 * the wait: the owner of a mutex, the task it awaits, the members of its group.  Where nobody is
 * known (an event, a channel) the edge ends at the object.  On the loop tasks and edges are copied;
 * cycles are looked for afterwards.
 */
#include "core/look/topic.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "core/look/tree.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GRAPH_NAMED 3       /* tasks of a line */
#define GRAPH_CYCLES_MAX 16 /* told */

struct graph_node {
    uint64_t id;
    char name[WEFT_ERROR_NAME_BYTES];
    const char *what; /* it waits for; NULL: it does not */
    const void *object;
    uint32_t edge, edge_count; /* in `edges` */
    uint32_t next;             /* the search: edges that were followed */
    uint8_t mark;              /* enum graph_mark */
    bool is_in_cycle;
};

enum graph_mark { GRAPH_NEW, GRAPH_ON_PATH, GRAPH_LEFT };

struct graph_data {
    struct wf_sched *sched;
    struct graph_node *nodes; /* then in order of slots and ids */
    uint32_t node_count, node_max;
    uint64_t *edges; /* ids of tasks, then places in `nodes` */
    uint32_t edge_count, edge_max;
    bool is_cut; /* no memory for all of it */
};

/* ---- on the loop ---- */

static void *graph_room(struct graph_data *data, void *items, size_t item_bytes, uint32_t count,
                        uint32_t *max)
{
    if (count < *max)
        return items;
    uint32_t more = *max == 0 ? 64 : *max * 2;
    void *grown = wf_grow(items, more, item_bytes);
    if (grown == NULL) {
        data->is_cut = true;
        return NULL;
    }
    *max = more;
    return grown;
}

static void graph_edge(const weft_task *holder, void *arg)
{
    struct graph_data *data = arg;
    uint64_t *edges =
        graph_room(data, data->edges, sizeof *edges, data->edge_count, &data->edge_max);
    if (edges == NULL)
        return;
    data->edges = edges;
    data->edges[data->edge_count++] = holder->id;
    data->nodes[data->node_count - 1].edge_count++;
}

static void graph_wait(struct graph_data *data, const wf_task *task, struct graph_node *node)
{
    const weft_waiter *waiter = wf_task_parked_on(task);
    if (task->state == WF_TASK_FINISHING) {
        node->what = "its children";
        wf_node_tell_tasks(&task->root, graph_edge, data);
    } else if (waiter != NULL && !waiter->is_woken && task != data->sched->current) {
        node->what = waiter->wait_class->what;
        node->object = waiter->object;
        if (waiter->wait_class->holders != NULL)
            waiter->wait_class->holders(waiter, graph_edge, data);
    }
}

static void graph_take(struct graph_data *data, const wf_task *task)
{
    struct graph_node *nodes =
        graph_room(data, data->nodes, sizeof *nodes, data->node_count, &data->node_max);
    if (nodes == NULL)
        return;
    data->nodes = nodes;
    struct graph_node *node = &nodes[data->node_count++];
    *node = (struct graph_node){.id = task->id, .edge = data->edge_count};
    wf_task_name(task, node->name, sizeof node->name);
    graph_wait(data, task, node);
}

static bool graph_collect(struct wf_topic_job *job)
{
    struct graph_data *data = job->data;
    const struct wf_slab *tasks = &job->sched->tasks;
    const wf_task *guest = NULL;
    data->sched = job->sched;
    for (uint32_t slot = 0; slot < tasks->fresh && !data->is_cut; slot++) {
        const wf_task *task = wf_slab_at(tasks, slot, sizeof *task);
        if (task->state == WF_TASK_LIVE || task->state == WF_TASK_FINISHING)
            graph_take(data, task);
    }
    while (!data->is_cut && (guest = wf_tree_next_guest(job->sched, guest)) != NULL)
        graph_take(data, guest);
    return false;
}

/* ---- from ids to places ---- */

static int graph_compare(const void *a, const void *b)
{
    uint64_t first = ((const struct graph_node *)a)->id,
             second = ((const struct graph_node *)b)->id;
    uint32_t slots[] = {wf_handle_slot(first), wf_handle_slot(second)};
    if (slots[0] != slots[1])
        return slots[0] < slots[1] ? -1 : 1;
    return first < second ? -1 : first > second;
}

/* Edges to tasks that are not here, or were cut, are left out. */
static void graph_resolve_node(struct graph_data *data, struct graph_node *node)
{
    uint64_t *edges = &data->edges[node->edge];
    uint32_t count = 0;
    for (uint32_t i = 0; i < node->edge_count; i++) {
        struct graph_node wanted = {.id = edges[i]};
        const struct graph_node *holder =
            bsearch(&wanted, data->nodes, data->node_count, sizeof wanted, graph_compare);
        if (holder != NULL)
            edges[count++] = (uint64_t)(holder - data->nodes);
    }
    node->edge_count = count;
}

static void graph_resolve(struct graph_data *data)
{
    if (data->node_count != 0)
        qsort(data->nodes, data->node_count, sizeof data->nodes[0], graph_compare);
    for (uint32_t i = 0; i < data->node_count; i++)
        if (data->nodes[i].edge_count != 0)
            graph_resolve_node(data, &data->nodes[i]);
}

/* ---- cycles ---- */

static void graph_write_task(wf_buf *out, const struct graph_node *node)
{
    wf_buf_printf(out, "%s #%" PRIu32 ".%" PRIu32, node->name, wf_handle_slot(node->id),
                  wf_handle_generation(node->id));
}

static void graph_write_wait(wf_buf *out, const struct graph_node *node)
{
    wf_buf_printf(out, " [%s", node->what);
    if (node->object != NULL)
        wf_buf_printf(out, " %p", node->object);
    wf_buf_puts(out, "]");
}

/* path[from .. to) and back to its first. */
static void graph_write_cycle(struct graph_data *data, const uint32_t *path, uint32_t from,
                              uint32_t to, wf_buf *out)
{
    wf_buf_puts(out, "  cycle: ");
    for (uint32_t i = from; i < to; i++) {
        struct graph_node *node = &data->nodes[path[i]];
        node->is_in_cycle = true;
        graph_write_task(out, node);
        graph_write_wait(out, node);
        wf_buf_puts(out, " -> ");
    }
    graph_write_task(out, &data->nodes[path[from]]);
    wf_buf_putc(out, '\n');
}

/* Goes down from `root`, its path in `path`; an edge back to the path closes a cycle. */
static uint32_t graph_search(struct graph_data *data, uint32_t root, uint32_t *path, wf_buf *out)
{
    uint32_t depth = 0, cycles = 0;
    path[depth++] = root;
    data->nodes[root].mark = GRAPH_ON_PATH;
    while (depth > 0) {
        struct graph_node *node = &data->nodes[path[depth - 1]];
        if (node->next == node->edge_count) {
            node->mark = GRAPH_LEFT;
            depth--;
            continue;
        }
        uint32_t to = (uint32_t)data->edges[node->edge + node->next++];
        struct graph_node *holder = &data->nodes[to];
        if (holder->mark == GRAPH_NEW) {
            holder->mark = GRAPH_ON_PATH;
            path[depth++] = to;
        } else if (holder->mark == GRAPH_ON_PATH && cycles < GRAPH_CYCLES_MAX) {
            uint32_t from = depth;
            while (path[--from] != to)
                continue;
            graph_write_cycle(data, path, from, depth, out);
            cycles++;
        }
    }
    return cycles;
}

static void graph_cycles(struct graph_data *data, wf_buf *out)
{
    uint32_t *path = wf_array(data->node_count, sizeof *path);
    uint32_t cycles = 0;
    for (uint32_t i = 0; path != NULL && i < data->node_count && cycles < GRAPH_CYCLES_MAX; i++) {
        if (data->nodes[i].mark == GRAPH_NEW && data->nodes[i].edge_count != 0)
            cycles += graph_search(data, i, path, out);
    }
    wf_free(path);
}

/* ---- in words ---- */

static void graph_write_holders(const struct graph_data *data, const struct graph_node *node,
                                wf_buf *out)
{
    if (node->edge_count > 1)
        wf_buf_printf(out, "%" PRIu32 " tasks: ", node->edge_count);
    for (uint32_t i = 0; i < node->edge_count && i < GRAPH_NAMED; i++) {
        wf_buf_puts(out, i != 0 ? ", " : "");
        graph_write_task(out, &data->nodes[data->edges[node->edge + i]]);
    }
    wf_buf_puts(out, node->edge_count > GRAPH_NAMED ? ", ...\n" : "\n");
}

static void graph_write(struct wf_topic_job *job, wf_buf *out)
{
    struct graph_data *data = job->data;
    uint32_t waiting = 0;
    graph_resolve(data);
    for (uint32_t i = 0; i < data->node_count; i++)
        waiting += data->nodes[i].edge_count != 0;
    wf_topic_put_loop(job->sched, out);
    wf_buf_printf(out, ": %" PRIu32 " of %" PRIu32 " tasks wait for others%s\n", waiting,
                  data->node_count, data->is_cut ? " (no memory for the rest)" : "");
    for (uint32_t i = 0; i < data->node_count; i++) {
        const struct graph_node *node = &data->nodes[i];
        if (node->edge_count == 0)
            continue;
        wf_buf_puts(out, "  ");
        graph_write_task(out, node);
        graph_write_wait(out, node);
        wf_buf_puts(out, " waits for ");
        graph_write_holders(data, node, out);
    }
    graph_cycles(data, out);
}

/* ---- in the language of Graphviz ---- */

static void dot_write_task(const struct graph_node *node, wf_buf *out)
{
    char name[sizeof node->name];
    snprintf(name, sizeof name, "%s", node->name);
    for (char *at = name; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\')
            *at = '_';
    }
    wf_buf_printf(out, "  t%" PRIx64 " [label=\"%s #%" PRIu32 ".%" PRIu32 "\"%s];\n", node->id,
                  name, wf_handle_slot(node->id), wf_handle_generation(node->id),
                  node->is_in_cycle ? " color=red" : "");
}

static void dot_write_edges(const struct graph_data *data, const struct graph_node *node,
                            wf_buf *out)
{
    for (uint32_t i = 0; i < node->edge_count; i++) {
        const struct graph_node *holder = &data->nodes[data->edges[node->edge + i]];
        bool is_in_cycle = node->is_in_cycle && holder->is_in_cycle;
        wf_buf_printf(out, "  t%" PRIx64 " -> t%" PRIx64 " [label=\"%s\"%s];\n", node->id,
                      holder->id, node->what, is_in_cycle ? " color=red" : "");
    }
    if (node->edge_count == 0 && node->object != NULL)
        wf_buf_printf(out, "  \"%p\" [label=\"%s\" shape=ellipse];\n  t%" PRIx64 " -> \"%p\";\n",
                      node->object, node->what, node->id, node->object);
}

static void dot_write(struct wf_topic_job *job, wf_buf *out)
{
    struct graph_data *data = job->data;
    wf_buf cycles = {0};
    graph_resolve(data);
    graph_cycles(data, &cycles); /* for the marks */
    wf_buf_fini(&cycles);
    wf_buf_puts(out, "digraph weft {\n  rankdir=LR;\n  node [shape=box];\n");
    for (uint32_t i = 0; i < data->node_count; i++)
        dot_write_task(&data->nodes[i], out);
    for (uint32_t i = 0; i < data->node_count; i++) {
        if (data->nodes[i].what != NULL)
            dot_write_edges(data, &data->nodes[i], out);
    }
    wf_buf_puts(out, "}\n");
}

static void graph_fini(struct wf_topic_job *job)
{
    struct graph_data *data = job->data;
    wf_free(data->nodes);
    wf_free(data->edges);
}

const struct wf_topic wf_topic_graph = {
    .word = "graph",
    .data_bytes = sizeof(struct graph_data),
    .collect = graph_collect,
    .write = graph_write,
    .fini = graph_fini,
};

const struct wf_topic wf_topic_dot = {
    .word = "dot",
    .data_bytes = sizeof(struct graph_data),
    .collect = graph_collect,
    .write = dot_write,
    .fini = graph_fini,
};

void wf_graph_dump(struct wf_sched *sched, int fd)
{
    wf_buf out = {0};
    wf_topic_tell(&wf_topic_graph, sched, "", &out);
    (void)wf_sys_write(fd, wf_buf_ptr(&out), wf_buf_bytes(&out));
    wf_buf_fini(&out);
}
