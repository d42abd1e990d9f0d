/* SPDX-License-Identifier: MIT */

/*
 * "graph" and "dot": who waits for whom.  A task that waits has an edge to each task that can end
 * the wait: the owner of a mutex, the task it awaits, the members of its group.  Where nobody is
 * known (an event, a channel) the edge ends at the object.  The first loop answers for all: tasks
 * and edges are copied on each (survey.h), cycles are looked for afterwards, and only among waits
 * that were there at one instant.
 */
#include "core/look/topic.h"

#include "base/alloc.h"
#include "base/list.h"
#include "base/sys.h"
#include "core/look/survey.h"
#include "core/look/tree.h"
#include "core/task/sched_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GRAPH_NAMED 3       /* tasks of a line */
#define GRAPH_CYCLES_MAX 16 /* told */
#define GRAPH_NO_LOOP UINT32_MAX
#define GRAPH_PATIENCE (300 * WEFT_MS) /* twice that is less than a talk has */

struct graph_data {
    struct wf_survey *survey; /* NULL: not asked on this loop, or no memory */
    struct wf_graph graph;    /* of all loops */
};

/* ---- on the loop ---- */

static void graph_surveyed(struct wf_survey *survey)
{
    struct wf_topic_job *job = survey->arg;
    job->told(job);
}

static void graph_ask(struct wf_topic_job *job)
{
    struct graph_data *data = job->data;
    if (job->sched->index == 0)
        data->survey = wf_survey_new(job->sched->loops);
    if (data->survey == NULL) {
        job->told(job);
        return;
    }
    data->survey->patience = GRAPH_PATIENCE;
    data->survey->over = graph_surveyed;
    data->survey->arg = job;
    wf_survey_begin(data->survey);
}

/* ---- when all have answered ---- */

static void graph_of_survey(struct wf_graph *graph, const struct wf_survey *survey)
{
    graph->loop_count = survey->count;
    for (uint32_t i = 0; i < survey->count; i++) {
        if (!survey->visits[i].is_late)
            wf_graph_join(graph, &survey->visits[i].graph);
    }
    wf_graph_resolve(graph);
}

/* ---- cycles ---- */

/* `loop`: where it is taken to run unless that is said. */
static void graph_write_task(wf_buf *out, const struct wf_graph_node *node, uint32_t loop)
{
    wf_buf_printf(out, "%s #%" PRIu32 ".%" PRIu32, node->name, wf_handle_slot(node->id),
                  wf_handle_generation(node->id));
    if (node->is_place)
        wf_buf_puts(out, " on another loop");
    else if (node->loop != loop)
        wf_buf_printf(out, " on loop %" PRIu32, node->loop);
}

static void graph_write_wait(wf_buf *out, const struct wf_graph_node *node)
{
    wf_buf_printf(out, " [%s", node->what);
    if (node->object != NULL)
        wf_buf_printf(out, " %p", node->object);
    wf_buf_puts(out, "]");
}

/* path[from .. to) and back to its first. */
static void graph_write_cycle(struct wf_graph *graph, const uint32_t *path, uint32_t from,
                              uint32_t to, wf_buf *out)
{
    uint32_t loop = graph->loop_count > 1 ? GRAPH_NO_LOOP : 0;
    wf_buf_puts(out, "  cycle: ");
    for (uint32_t i = from; i < to; i++) {
        struct wf_graph_node *node = &graph->nodes[path[i]];
        node->is_in_cycle = true;
        graph_write_task(out, node, loop);
        graph_write_wait(out, node);
        wf_buf_puts(out, " -> ");
    }
    graph_write_task(out, &graph->nodes[path[from]], loop);
    wf_buf_putc(out, '\n');
}

/* Goes down from `root`, its path in `path`; an edge back to the path closes a cycle.  A wait that
 * did not last is no part of one: the others may have begun when it was over. */
static uint32_t graph_search(struct wf_graph *graph, uint32_t root, uint32_t *path, wf_buf *out)
{
    uint32_t depth = 0, cycles = 0;
    path[depth++] = root;
    graph->nodes[root].mark = WF_GRAPH_ON_PATH;
    while (depth > 0) {
        struct wf_graph_node *node = &graph->nodes[path[depth - 1]];
        if (node->next == node->edge_count) {
            node->mark = WF_GRAPH_LEFT;
            depth--;
            continue;
        }
        uint32_t to = (uint32_t)graph->edges[node->edge + node->next++];
        struct wf_graph_node *holder = &graph->nodes[to];
        if (!holder->is_lasting)
            continue;
        if (holder->mark == WF_GRAPH_NEW) {
            holder->mark = WF_GRAPH_ON_PATH;
            path[depth++] = to;
        } else if (holder->mark == WF_GRAPH_ON_PATH && cycles < GRAPH_CYCLES_MAX) {
            uint32_t from = depth;
            while (path[--from] != to)
                continue;
            graph_write_cycle(graph, path, from, depth, out);
            cycles++;
        }
    }
    return cycles;
}

static void graph_cycles(struct wf_graph *graph, wf_buf *out)
{
    uint32_t *path = wf_array(graph->node_count, sizeof *path);
    uint32_t cycles = 0;
    for (uint32_t i = 0; path != NULL && i < graph->node_count && cycles < GRAPH_CYCLES_MAX; i++) {
        const struct wf_graph_node *node = &graph->nodes[i];
        if (node->mark == WF_GRAPH_NEW && node->is_lasting && node->edge_count != 0)
            cycles += graph_search(graph, i, path, out);
    }
    wf_free(path);
}

/* ---- in words ---- */

static void graph_write_holders(const struct wf_graph *graph, const struct wf_graph_node *node,
                                wf_buf *out)
{
    if (node->edge_count > 1)
        wf_buf_printf(out, "%" PRIu32 " tasks: ", node->edge_count);
    for (uint32_t i = 0; i < node->edge_count && i < GRAPH_NAMED; i++) {
        wf_buf_puts(out, i != 0 ? ", " : "");
        graph_write_task(out, &graph->nodes[graph->edges[node->edge + i]], node->loop);
    }
    wf_buf_puts(out, node->edge_count > GRAPH_NAMED ? ", ...\n" : "\n");
}

static void graph_write_waits(const struct wf_graph *graph, uint32_t loop, wf_buf *out)
{
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const struct wf_graph_node *node = &graph->nodes[i];
        if (node->loop != loop || node->edge_count == 0)
            continue;
        wf_buf_puts(out, "  ");
        graph_write_task(out, node, loop);
        graph_write_wait(out, node);
        wf_buf_puts(out, " waits for ");
        graph_write_holders(graph, node, out);
    }
}

static void graph_write_loop(const struct wf_graph *graph, const struct wf_visit *visit,
                             uint32_t loop, wf_buf *out)
{
    uint32_t waiting = 0, count = 0;
    wf_buf_puts(out, "loop");
    if (graph->loop_count > 1)
        wf_buf_printf(out, " %" PRIu32 " of %" PRIu32, loop, graph->loop_count);
    if (visit->is_late) {
        wf_buf_puts(out, " does not answer\n");
        return;
    }
    for (uint32_t i = 0; i < graph->node_count; i++) {
        count += graph->nodes[i].loop == loop;
        waiting += graph->nodes[i].loop == loop && graph->nodes[i].edge_count != 0;
    }
    wf_buf_printf(out, " on %s: %" PRIu32 " of %" PRIu32 " tasks wait for others%s\n",
                  visit->backend, waiting, count, graph->is_cut ? " (no memory for the rest)" : "");
    graph_write_waits(graph, loop, out);
}

static void graph_put(struct wf_graph *graph, const struct wf_survey *survey, wf_buf *out)
{
    graph_of_survey(graph, survey);
    for (uint32_t i = 0; i < survey->count; i++)
        graph_write_loop(graph, &survey->visits[i], i, out);
    graph_cycles(graph, out);
}

static void graph_write(struct wf_topic_job *job, wf_buf *out)
{
    struct graph_data *data = job->data;
    if (data->survey != NULL)
        graph_put(&data->graph, data->survey, out);
}

void wf_graph_report(struct wf_survey *survey, int fd)
{
    struct wf_graph graph = {0};
    wf_buf out = {0};
    graph_put(&graph, survey, &out);
    wf_dump_write(fd, wf_buf_ptr(&out), wf_buf_bytes(&out));
    wf_buf_fini(&out);
    wf_graph_fini(&graph);
}

/* ---- in the language of Graphviz ---- */

static void dot_write_task(const struct wf_graph_node *node, uint32_t loop_count, wf_buf *out)
{
    char name[sizeof node->name];
    snprintf(name, sizeof name, "%s", node->name);
    for (char *at = name; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\')
            *at = '_';
    }
    char loop[24] = "";
    if (loop_count > 1)
        snprintf(loop, sizeof loop, " on loop %" PRIu32, node->loop);
    wf_buf_printf(out, "  t%" PRIx64 " [label=\"%s #%" PRIu32 ".%" PRIu32 "%s\"%s];\n", node->id,
                  name, wf_handle_slot(node->id), wf_handle_generation(node->id), loop,
                  node->is_in_cycle ? " color=red" : "");
}

static void dot_write_edges(const struct wf_graph *graph, const struct wf_graph_node *node,
                            wf_buf *out)
{
    for (uint32_t i = 0; i < node->edge_count; i++) {
        const struct wf_graph_node *holder = &graph->nodes[graph->edges[node->edge + i]];
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
    struct wf_graph *graph = &data->graph;
    wf_buf cycles = {0};
    if (data->survey == NULL)
        return;
    graph_of_survey(graph, data->survey);
    graph_cycles(graph, &cycles); /* for the marks */
    wf_buf_fini(&cycles);
    wf_buf_puts(out, "digraph weft {\n  rankdir=LR;\n  node [shape=box];\n");
    for (uint32_t i = 0; i < graph->node_count; i++)
        dot_write_task(&graph->nodes[i], graph->loop_count, out);
    for (uint32_t i = 0; i < graph->node_count; i++) {
        if (graph->nodes[i].what != NULL)
            dot_write_edges(graph, &graph->nodes[i], out);
    }
    wf_buf_puts(out, "}\n");
}

static void graph_fini(struct wf_topic_job *job)
{
    struct graph_data *data = job->data;
    wf_survey_free(data->survey);
    wf_graph_fini(&data->graph);
}

const struct wf_topic wf_topic_graph = {
    .word = "graph",
    .data_bytes = sizeof(struct graph_data),
    .ask = graph_ask,
    .write = graph_write,
    .fini = graph_fini,
};

const struct wf_topic wf_topic_dot = {
    .word = "dot",
    .data_bytes = sizeof(struct graph_data),
    .ask = graph_ask,
    .write = dot_write,
    .fini = graph_fini,
    .aside = "// ",
};
