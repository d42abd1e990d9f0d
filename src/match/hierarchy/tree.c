/* SPDX-License-Identifier: MIT */

#include "match/hierarchy/tree.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "match/error.h"
#include "match/hierarchy/listing.h"

#include <string.h>

#define NO_EDGE UINT32_MAX

void weft_hierarchy_options_init(weft_hierarchy_options *options)
{
    *options = (weft_hierarchy_options){
        .size = sizeof(*options), .depth_max = 256, .edge_count_max = 20000000};
}

weft_hierarchy *weft_hierarchy_ref(weft_hierarchy *hierarchy)
{
    __atomic_add_fetch(&hierarchy->refs, 1, __ATOMIC_RELAXED);
    return hierarchy;
}

static void side_fini(wf_side *side)
{
    wf_free(side->start);
    wf_free(side->to);
    wf_free(side->weight);
}

void weft_hierarchy_unref(weft_hierarchy *hierarchy)
{
    if (hierarchy == NULL || __atomic_sub_fetch(&hierarchy->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    side_fini(&hierarchy->up);
    side_fini(&hierarchy->down);
    wf_catalogue_unref(hierarchy->catalogue);
    wf_free(hierarchy);
}

void weft_hierarchy_info_get(const weft_hierarchy *hierarchy, weft_hierarchy_info *out)
{
    *out = hierarchy->info;
}

static int side_init(wf_side *side, size_t entity_count, size_t edge_count)
{
    side->start = wf_array(entity_count + 1, sizeof(*side->start));
    side->to = wf_array(edge_count, sizeof(*side->to));
    side->weight = wf_array(edge_count, sizeof(*side->weight));
    return side->start != NULL && side->to != NULL && side->weight != NULL ? 0 : -ENOMEM;
}

/* Numbers of an entity each, for one step of the making after the other. */
struct making {
    weft_hierarchy *it;
    const wf_job *job;
    size_t entity_count;
    uint32_t *numbers, *queue, *levels;
};

/* ---- in order ---- */

/* Edges by their child, in the order of the listing. */
static void sort_up(const struct making *making, const wf_listing *listing)
{
    wf_side *up = &making->it->up;
    uint32_t *next = making->numbers;
    for (size_t i = 0; i < listing->edge_count; i++)
        up->start[listing->edges[i].child + 1]++;
    for (size_t e = 0; e < making->entity_count; e++)
        up->start[e + 1] += up->start[e];
    memcpy(next, up->start, making->entity_count * sizeof(*next));
    for (size_t i = 0; i < listing->edge_count; i++)
        up->to[next[listing->edges[i].child]++] = listing->edges[i].parent;
}

/* Leaves the first of equal edges, and gives them their usual weight. */
static void drop_doubles(const struct making *making)
{
    wf_side *up = &making->it->up;
    uint32_t *seen_by = making->numbers, kept = 0, from = 0;
    memset(seen_by, 0xFF, making->entity_count * sizeof(*seen_by));
    for (uint32_t e = 0; e < making->entity_count; e++) {
        uint32_t end = up->start[e + 1];
        for (; from < end; from++) {
            uint32_t parent = up->to[from];
            if (seen_by[parent] == e)
                continue;
            seen_by[parent] = e;
            up->weight[kept] = 1;
            up->to[kept++] = parent;
        }
        up->start[e + 1] = kept;
    }
    making->it->info.edge_count = kept;
}

/* A weight of what is no parent says nothing. */
static void set_weights(const struct making *making, const wf_listing *listing)
{
    wf_side *up = &making->it->up;
    uint32_t *place = making->numbers; /* of a parent among the edges of the child at hand */
    uint32_t child = UINT32_MAX;
    memset(place, 0xFF, making->entity_count * sizeof(*place));
    for (size_t i = 0; i < listing->weight_count; i++) {
        const wf_edge_weight *given = &listing->weights[i];
        uint32_t start = up->start[given->child], end = up->start[given->child + 1];
        for (uint32_t k = start; k < end && given->child != child; k++)
            place[up->to[k]] = k;
        child = given->child;
        uint32_t at = place[given->parent];
        if (at != NO_EDGE && at >= start && at < end)
            up->weight[at] = given->weight;
    }
}

static void make_down(const struct making *making)
{
    const wf_side *up = &making->it->up;
    wf_side *down = &making->it->down;
    uint32_t *next = making->numbers;
    for (size_t i = 0; i < making->it->info.edge_count; i++)
        down->start[up->to[i] + 1]++;
    for (size_t e = 0; e < making->entity_count; e++)
        down->start[e + 1] += down->start[e];
    memcpy(next, down->start, making->entity_count * sizeof(*next));
    for (uint32_t e = 0; e < making->entity_count; e++) {
        for (uint32_t k = up->start[e]; k < up->start[e + 1]; k++) {
            uint32_t at = next[up->to[k]]++;
            down->to[at] = e;
            down->weight[at] = up->weight[k];
        }
    }
}

/* ---- no cycle, not too deep ---- */

/* Takes away entities without a parent, again and again (Kahn 1962); those that are left are on
 * cycles or below them.  numbers[e]: its parents that are left.  Returns how many were taken. */
static size_t peel(const struct making *making)
{
    const weft_hierarchy *it = making->it;
    size_t end = 0;
    for (uint32_t e = 0; e < making->entity_count; e++) {
        making->numbers[e] = it->up.start[e + 1] - it->up.start[e];
        if (making->numbers[e] == 0)
            making->queue[end++] = e;
    }
    making->it->info.top_count = end;
    for (size_t at = 0; at < end; at++) {
        uint32_t parent = making->queue[at];
        for (uint32_t k = it->down.start[parent]; k < it->down.start[parent + 1]; k++) {
            uint32_t child = it->down.to[k];
            if (making->levels[child] < making->levels[parent] + 1)
                making->levels[child] = making->levels[parent] + 1;
            if (--making->numbers[child] == 0)
                making->queue[end++] = child;
        }
    }
    return end;
}

/* A parent that is left: one that is left has one. */
static uint32_t left_parent(const struct making *making, uint32_t entity)
{
    const wf_side *up = &making->it->up;
    uint32_t k = up->start[entity];
    while (making->numbers[up->to[k]] == 0)
        k++;
    return up->to[k];
}

#define CYCLE_SHOWN_MAX 12u

/* Going up among those that are left ends in a cycle; it is told from parent to child. */
static int fail_cycle(const struct making *making, weft_m_error *error)
{
    const weft_m_entity *entities = making->it->catalogue->entities;
    uint32_t *next = making->levels; /* the child by which an entity was reached */
    uint32_t at = 0;
    wf_buf list = {0};
    while (making->numbers[at] == 0)
        at++;
    memset(next, 0xFF, making->entity_count * sizeof(*next));
    uint32_t up = left_parent(making, at);
    for (; next[up] == UINT32_MAX; up = left_parent(making, at)) {
        next[up] = at;
        at = up;
    }
    next[up] = at; /* not the way by which it was reached first, which may come from outside */
    uint32_t first = at;
    wf_buf_append(&list, entities[first].id.ptr, entities[first].id.len);
    for (unsigned count = 1;; count++) {
        at = next[at];
        if (count == CYCLE_SHOWN_MAX && at != first) {
            wf_buf_puts(&list, " -> ...");
            break;
        }
        wf_buf_puts(&list, " -> ");
        wf_buf_append(&list, entities[at].id.ptr, entities[at].id.len);
        if (at == first)
            break;
    }
    wf_buf_putc(&list, '\0');
    wf_m_fail(error, -WEFT_M_EVALID, "The hierarchy has a cycle: %s",
              list.rc == 0 ? wf_buf_ptr(&list) : "(no memory to name it)");
    wf_buf_fini(&list);
    wf_m_error_field(error, "hierarchy");
    wf_m_error_entity(error, &entities[first], first);
    wf_m_error_suggest(error, "No entity can lie below itself: take one of these edges away");
    return -WEFT_M_EVALID;
}

static int check(const struct making *making, const weft_hierarchy_options *options,
                 weft_m_error *error)
{
    weft_hierarchy *it = making->it;
    uint32_t deepest = 0;
    if (peel(making) < making->entity_count)
        return fail_cycle(making, error);
    for (uint32_t e = 0; e < making->entity_count; e++) {
        if (making->levels[e] > making->levels[deepest])
            deepest = e;
    }
    it->info.height = (size_t)making->levels[deepest] + 1;
    if (it->info.height <= options->depth_max)
        return 0;
    wf_m_fail_limit(error, "hierarchy", "depth_max", options->depth_max, it->info.height);
    wf_m_error_field(error, "hierarchy");
    wf_m_error_entity(error, &it->catalogue->entities[deepest], deepest);
    return -WEFT_ELIMIT;
}

/* ---- all together ---- */

static int make(struct making *making, const wf_listing *listing,
                const weft_hierarchy_options *options, weft_m_error *error)
{
    weft_hierarchy *it = making->it;
    size_t count = making->entity_count = it->catalogue->entity_count;
    making->numbers = wf_array(count, sizeof(uint32_t));
    making->queue = wf_array(count, sizeof(uint32_t));
    making->levels = wf_array(count, sizeof(uint32_t));
    bool has_all = making->numbers != NULL && making->queue != NULL && making->levels != NULL;
    int rc = has_all ? side_init(&it->up, count, listing->edge_count) : -ENOMEM;
    if (rc == 0) {
        sort_up(making, listing);
        rc = wf_job_poll(making->job); /* each step is some ten milliseconds for a million edges */
    }
    if (rc == 0) {
        drop_doubles(making);
        set_weights(making, listing);
        rc = side_init(&it->down, count, it->info.edge_count);
    }
    if (rc == 0) {
        make_down(making);
        rc = wf_job_poll(making->job);
    }
    if (rc < 0)
        return wf_m_fail_plain(error, rc);
    it->info.entity_count = count;
    it->info.missing_count = listing->missing_count;
    return check(making, options, error);
}

int wf_tree_new(weft_hierarchy **out, wf_catalogue *catalogue,
                const weft_hierarchy_options *options, const wf_job *job, weft_m_error *error)
{
    weft_hierarchy *it = wf_alloc(sizeof(*it));
    wf_listing listing = {0};
    struct making making = {.it = it, .job = job};
    if (it == NULL)
        return wf_m_fail_plain(error, -ENOMEM);
    it->refs = 1;
    it->catalogue = wf_catalogue_ref(catalogue);
    int rc = wf_listing_read(&listing, catalogue, options, job, error);
    if (rc == 0)
        rc = make(&making, &listing, options, error);
    wf_listing_fini(&listing);
    wf_free(making.numbers);
    wf_free(making.queue);
    wf_free(making.levels);
    if (rc < 0)
        weft_hierarchy_unref(it);
    else
        *out = it;
    return rc;
}

int weft_hierarchy_new(weft_hierarchy **out, const weft_m_entity *entities, size_t entity_count,
                       const weft_hierarchy_options *options, weft_m_error *error)
{
    const wf_job job = {0};
    wf_catalogue *catalogue;
    weft_hierarchy_options full;
    weft_m_options usual;
    weft_hierarchy_options_init(&full);
    weft_m_options_init(&usual);
    if (options != NULL)
        memcpy(&full, options, options->size < sizeof(full) ? options->size : sizeof(full));
    const wf_limits limits = {.entity_count_max = usual.entity_count_max,
                              .text_bytes_max = usual.query_bytes_max};
    int rc = wf_catalogue_new(&catalogue, entities, entity_count, &limits, error);
    if (rc < 0)
        return rc;
    rc = wf_tree_new(out, catalogue, &full, &job, error);
    wf_catalogue_unref(catalogue);
    return rc;
}
