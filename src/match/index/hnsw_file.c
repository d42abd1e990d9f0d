/* SPDX-License-Identifier: MIT */

#include "match/index/hnsw.h"

#include "base/alloc.h"

#include <assert.h>
#include <string.h>

#define TAG_HEAD WF_TAG('H', 'N', 'S', 'W')
#define TAG_LEVELS WF_TAG('H', 'N', 'L', 'E')
#define TAG_TWINS WF_TAG('H', 'N', 'T', 'W')
#define TAG_BOTTOM WF_TAG('H', 'N', 'B', 'O')
#define TAG_START WF_TAG('H', 'N', 'S', 'T')
#define TAG_UPPER WF_TAG('H', 'N', 'U', 'P')

struct head {
    wf_hnsw_options options;
    uint64_t count, upper_count, entered;
    uint32_t entry, changed;
};

/* Nodes checked between two looks at whether to go on. */
#define NODES_A_POLL 4096u

void wf_hnsw_save(const wf_hnsw *graph, wf_pack *pack)
{
    const struct head head = {.options = graph->options,
                              .count = graph->count,
                              .upper_count = graph->upper_count,
                              .entered = graph->entered,
                              .entry = graph->entry,
                              .changed = graph->changed};
    assert(graph->in_count == graph->count);
    wf_pack_copy(pack, TAG_HEAD, &head, sizeof(head));
    wf_pack_add(pack, TAG_LEVELS, graph->levels, graph->count, sizeof(*graph->levels));
    wf_pack_add(pack, TAG_TWINS, graph->twins, graph->count, sizeof(*graph->twins));
    wf_pack_add(pack, TAG_BOTTOM, graph->bottom, graph->count,
                (2 * (size_t)graph->options.m + 1) * sizeof(*graph->bottom));
    wf_pack_add(pack, TAG_START, graph->upper_start, graph->count, sizeof(*graph->upper_start));
    wf_pack_add(pack, TAG_UPPER, graph->upper, graph->upper_count, sizeof(*graph->upper));
}

bool wf_hnsw_is_in(const wf_image *image)
{
    struct head head;
    return wf_image_get_one(image, TAG_HEAD, &head, sizeof(head)) == 0;
}

/* A walk goes wherever a list leads: each number must be a node that has the level. */
static bool is_list(const wf_hnsw *graph, const uint32_t *links, size_t most, unsigned level)
{
    bool is_sound = links[0] <= most;
    for (uint32_t i = 1; is_sound && i <= links[0]; i++)
        is_sound = links[i] < graph->count && graph->levels[links[i]] != WF_HNSW_TWIN &&
                   graph->levels[links[i]] >= level;
    return is_sound;
}

static bool is_node(const wf_hnsw *graph, size_t node)
{
    if (graph->levels[node] == WF_HNSW_TWIN)
        return true;
    size_t m = graph->options.m, level = graph->levels[node], start = graph->upper_start[node];
    bool is_sound = level < WF_HNSW_LEVELS && start <= graph->upper_count &&
                    level * (m + 1) <= graph->upper_count - start &&
                    is_list(graph, graph->bottom + node * (2 * m + 1), 2 * m, 0);
    for (unsigned l = 1; is_sound && l <= level; l++)
        is_sound = is_list(graph, graph->upper + start + (l - 1) * (m + 1), m, l);
    return is_sound;
}

/* Each node is in one ring, and of each ring one is no twin. */
static bool are_rings(const wf_hnsw *graph)
{
    size_t seen = 0;
    for (size_t first = 0; first < graph->count; first++) {
        if (graph->levels[first] == WF_HNSW_TWIN)
            continue;
        size_t node = first;
        do {
            node = graph->twins[node];
            if (node >= graph->count || ++seen > graph->count)
                return false;
        } while (graph->levels[node] == WF_HNSW_TWIN);
        if (node != first)
            return false;
    }
    return seen == graph->count;
}

static int check_nodes(const wf_hnsw *graph)
{
    const wf_job job = {0};
    for (size_t node = 0; node < graph->count; node++) {
        int rc = node % NODES_A_POLL == 0 ? wf_job_poll(&job) : 0;
        if (rc == 0 && !is_node(graph, node))
            rc = -WEFT_M_EPERSIST;
        if (rc < 0)
            return rc;
    }
    bool is_sound = are_rings(graph) && graph->levels[graph->entry] != WF_HNSW_TWIN;
    return is_sound ? 0 : -WEFT_M_EPERSIST;
}

static int load_arrays(wf_hnsw *graph, const wf_image *image)
{
    size_t count = graph->count, m = graph->options.m;
    int rc = wf_image_get_exactly(image, TAG_LEVELS, sizeof(uint8_t), count, &graph->levels);
    if (rc == 0)
        rc = wf_image_get_exactly(image, TAG_TWINS, sizeof(uint32_t), count, &graph->twins);
    if (rc == 0)
        rc = wf_image_get_exactly(image, TAG_BOTTOM, (2 * m + 1) * sizeof(uint32_t), count,
                                  &graph->bottom);
    if (rc == 0)
        rc = wf_image_get_exactly(image, TAG_START, sizeof(size_t), count, &graph->upper_start);
    if (rc == 0)
        rc = wf_image_get_exactly(image, TAG_UPPER, sizeof(uint32_t), graph->upper_count,
                                  &graph->upper);
    if (rc < 0)
        return rc;
    graph->in = wf_array((count + 63) / 64, sizeof(*graph->in));
    if (graph->in == NULL)
        return -ENOMEM;
    for (size_t node = 0; node < count; node++)
        graph->in[node / 64] |= UINT64_C(1) << node % 64;
    return check_nodes(graph);
}

int wf_hnsw_load(wf_hnsw *graph, const wf_image *image, size_t count)
{
    struct head head;
    int rc = wf_image_get_one(image, TAG_HEAD, &head, sizeof(head));
    if (rc < 0)
        return rc;
    const wf_hnsw_options *options = &head.options;
    if (head.count != count || count == 0 || head.entry >= count || options->m < 2 ||
        options->m > WF_HNSW_M_MAX || options->ef == 0 || options->ef > WF_HNSW_EF_MAX ||
        options->ef_construction == 0 || options->ef_construction > WF_HNSW_EF_MAX)
        return -WEFT_M_EPERSIST;
    *graph = (wf_hnsw){.options = *options,
                       .count = count,
                       .capacity = count,
                       .upper_count = head.upper_count,
                       .upper_capacity = head.upper_count,
                       .in_count = count,
                       .entered = head.entered,
                       .changed = head.changed,
                       .entry = head.entry,
                       .is_of_image = true};
    return load_arrays(graph, image);
}
