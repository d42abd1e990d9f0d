/* SPDX-License-Identifier: MIT */

#include "match/hierarchy/walk.h"

#include "base/alloc.h"

#define EDGES_A_POLL 1024u
#define WEIGHT_MAX 1e6f /* of a way, so that it stays a number however long that is */

void wf_walk_fini(wf_walk *walk)
{
    wf_roster_fini(&walk->roster);
    wf_free(walk->steps);
}

static int add(wf_walk *walk, uint32_t entity, wf_step step)
{
    int rc = wf_roster_add(&walk->roster, entity);
    if (rc == 0 && walk->roster.capacity > walk->step_capacity) {
        wf_step *steps = wf_grow(walk->steps, walk->roster.capacity, sizeof(*steps));
        if (steps == NULL)
            return -ENOMEM;
        walk->steps = steps;
        walk->step_capacity = walk->roster.capacity;
    }
    if (rc == 0)
        walk->steps[walk->roster.count - 1] = step;
    return rc;
}

/* Takes one edge from the step `at`. */
static int take_edge(wf_walk *walk, uint32_t at, uint32_t entity, float weight,
                     const wf_reach *reach)
{
    const wf_step *here = &walk->steps[at];
    wf_step step = {.depth = here->depth + 1, .from = at, .weight = here->weight * weight};
    step.weight = step.weight < WEIGHT_MAX ? step.weight : WEIGHT_MAX;
    size_t found = wf_roster_find(&walk->roster, entity);
    if (found == WF_NOT_THERE) {
        walk->was_cut |= walk->roster.count > reach->count_max;
        return walk->was_cut ? 0 : add(walk, entity, step);
    }
    wf_step *there = &walk->steps[found];
    if (there->depth == step.depth && there->weight < step.weight)
        *there = step;
    return 0;
}

int wf_walk_run(wf_walk *walk, const weft_hierarchy *hierarchy, uint32_t start, enum wf_way way,
                const wf_reach *reach, const wf_job *job)
{
    const wf_side *side = way == WF_UP ? &hierarchy->up : &hierarchy->down;
    size_t edges = 0;
    wf_roster_reset(&walk->roster);
    walk->was_cut = false;
    int rc = add(walk, start, (wf_step){.weight = 1});
    for (uint32_t at = 0; rc == 0 && at < walk->roster.count && !walk->was_cut; at++) {
        uint32_t entity = walk->roster.entities[at];
        if (walk->steps[at].depth == reach->depth_max)
            break; /* and so have all behind it */
        for (uint32_t k = side->start[entity]; k < side->start[entity + 1] && rc == 0; k++) {
            rc = edges++ % EDGES_A_POLL == 0 ? wf_job_poll(job) : 0;
            if (rc == 0)
                rc = take_edge(walk, at, side->to[k], side->weight[k], reach);
        }
    }
    return rc;
}
