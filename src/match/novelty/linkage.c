/* SPDX-License-Identifier: MIT */

#include "match/novelty/linkage.h"

#include "base/alloc.h"

#include <stdlib.h>

#define DISTANCE_MIN 1e-6 /* equal spots would live for ever */
#define NONE UINT32_MAX

/* Two nodes joined.  Nodes below `count` are spots, node count + i is joint i. */
struct joint {
    uint32_t left, right, size;
    double lambda; /* 1 / distance */
};

struct group {
    uint32_t parent;
    double birth, stability, best; /* lambda; of itself; of itself or those within */
    double within;                 /* sum of the best of its children */
    bool is_chosen;
};

struct linkage {
    size_t count, size_min;
    struct joint *joints;
    uint32_t *roots; /* union and find over spots; NONE is never there */
    uint32_t *nodes; /* node of each root */
    struct group *groups;
    size_t group_count;
    uint32_t *group_of; /* of each spot: the last group it was in */
    bool *is_equal;     /* of each spot: to that which it leaves last */
    struct visit {
        uint32_t node, group;
    } * stack;
    uint32_t *spots_stack;
};

static int by_distance(const void *left, const void *right)
{
    const wf_edge *a = left, *b = right;
    if (a->distance != b->distance)
        return a->distance < b->distance ? -1 : 1;
    if (a->a != b->a)
        return a->a < b->a ? -1 : 1;
    return (a->b > b->b) - (a->b < b->b);
}

static uint32_t find_root(uint32_t *roots, uint32_t at)
{
    while (roots[at] != at) {
        roots[at] = roots[roots[at]];
        at = roots[at];
    }
    return at;
}

static uint32_t size_of(const struct linkage *it, uint32_t node)
{
    return node < it->count ? 1 : it->joints[node - it->count].size;
}

static void join_all(struct linkage *it, const wf_edge *edges)
{
    for (uint32_t i = 0; i < it->count; i++)
        it->roots[i] = it->nodes[i] = i;
    for (uint32_t i = 0; i + 1 < it->count; i++) {
        uint32_t a = find_root(it->roots, edges[i].a), b = find_root(it->roots, edges[i].b);
        double distance = (double)edges[i].distance;
        it->joints[i] =
            (struct joint){.left = it->nodes[a],
                           .right = it->nodes[b],
                           .size = size_of(it, it->nodes[a]) + size_of(it, it->nodes[b]),
                           .lambda = 1 / (distance > DISTANCE_MIN ? distance : DISTANCE_MIN)};
        it->roots[b] = a;
        it->nodes[a] = (uint32_t)it->count + i;
    }
}

/* All spots below a node leave its group here. */
static void leave(struct linkage *it, uint32_t node, uint32_t group, double lambda)
{
    size_t depth = 0;
    it->spots_stack[depth++] = node;
    while (depth > 0) {
        uint32_t at = it->spots_stack[--depth];
        if (at < it->count) {
            it->group_of[at] = group;
            it->is_equal[at] = lambda >= 1 / DISTANCE_MIN;
            it->groups[group].stability += lambda - it->groups[group].birth;
            continue;
        }
        it->spots_stack[depth++] = it->joints[at - it->count].left;
        it->spots_stack[depth++] = it->joints[at - it->count].right;
    }
}

static uint32_t new_group(struct linkage *it, uint32_t parent, double birth)
{
    it->groups[it->group_count] = (struct group){.parent = parent, .birth = birth};
    return (uint32_t)it->group_count++;
}

/* A side large enough goes on: in a group of its own if the other side is large too. */
static size_t split(struct linkage *it, struct visit at, size_t depth)
{
    const struct joint *joint = &it->joints[at.node - it->count];
    const uint32_t sides[2] = {joint->left, joint->right};
    bool both = size_of(it, sides[0]) >= it->size_min && size_of(it, sides[1]) >= it->size_min;
    struct group *parent = &it->groups[at.group];
    if (both)
        parent->stability += (joint->lambda - parent->birth) * joint->size;
    for (size_t i = 0; i < 2; i++) {
        if (size_of(it, sides[i]) < it->size_min)
            leave(it, sides[i], at.group, joint->lambda);
        else
            it->stack[depth++] =
                (struct visit){sides[i], both ? new_group(it, at.group, joint->lambda) : at.group};
    }
    return depth;
}

static void find_groups(struct linkage *it)
{
    size_t depth = 0;
    uint32_t root = (uint32_t)(2 * it->count - 2);
    it->stack[depth++] = (struct visit){root, new_group(it, NONE, 0)};
    while (depth > 0) {
        struct visit at = it->stack[--depth];
        depth = split(it, at, depth);
    }
}

/* Parents come before their children, so that one walk up and one down are enough. */
static void choose(struct linkage *it)
{
    for (size_t i = it->group_count; i-- > 1;) {
        struct group *group = &it->groups[i];
        group->is_chosen = group->stability >= group->within;
        group->best = group->is_chosen ? group->stability : group->within;
        it->groups[group->parent].within += group->best;
    }
}

/* The outermost chosen group around a spot. */
static uint32_t chosen_around(const struct linkage *it, uint32_t group)
{
    uint32_t found = NONE;
    for (; group != NONE; group = it->groups[group].parent)
        found = it->groups[group].is_chosen ? group : found;
    return found;
}

/* All spots are in one group, which is no choice: the equal ones of them. */
static int label_equal(const struct linkage *it, int32_t *labels)
{
    size_t found = 0;
    for (size_t i = 0; i < it->count; i++)
        found += it->is_equal[i];
    for (size_t i = 0; i < it->count; i++)
        labels[i] = found >= it->size_min && it->is_equal[i] ? 0 : -1;
    return found >= it->size_min;
}

/* `nodes` is free again: the number of a group among those chosen. */
static int label_all(struct linkage *it, int32_t *labels)
{
    int32_t found = 0;
    for (size_t i = 0; i < it->group_count; i++)
        it->nodes[i] = NONE;
    for (size_t i = 0; i < it->count; i++) {
        uint32_t group = chosen_around(it, it->group_of[i]);
        if (group != NONE && it->nodes[group] == NONE)
            it->nodes[group] = (uint32_t)found++;
        labels[i] = group != NONE ? (int32_t)it->nodes[group] : -1;
    }
    return found;
}

int wf_linkage_cut(wf_edge *edges, size_t count, size_t size_min, bool takes_equal, int32_t *labels)
{
    /* Splits make two groups each, of at least two spots: fewer than 2 * count in all. */
    struct linkage it = {.count = count,
                         .size_min = size_min,
                         .joints = wf_array(count, sizeof(*it.joints)),
                         .roots = wf_array(count, sizeof(*it.roots)),
                         .nodes = wf_array(2 * count, sizeof(*it.nodes)),
                         .groups = wf_array(2 * count, sizeof(*it.groups)),
                         .group_of = wf_array(count, sizeof(*it.group_of)),
                         .is_equal = wf_array(count, sizeof(*it.is_equal)),
                         .stack = wf_array(count + 2, sizeof(*it.stack)),
                         .spots_stack = wf_array(count + 2, sizeof(*it.spots_stack))};
    bool has_all = it.joints != NULL && it.roots != NULL && it.nodes != NULL && it.groups != NULL &&
                   it.group_of != NULL && it.is_equal != NULL && it.stack != NULL &&
                   it.spots_stack != NULL;
    int rc = -ENOMEM;
    if (has_all) {
        qsort(edges, count - 1, sizeof(*edges), by_distance);
        join_all(&it, edges);
        find_groups(&it);
        choose(&it);
        rc = takes_equal && it.group_count == 1 ? label_equal(&it, labels) : label_all(&it, labels);
    }
    wf_free(it.joints);
    wf_free(it.roots);
    wf_free(it.nodes);
    wf_free(it.groups);
    wf_free(it.group_of);
    wf_free(it.is_equal);
    wf_free(it.stack);
    wf_free(it.spots_stack);
    return rc;
}
