/* SPDX-License-Identifier: MIT */

/* Walk: all that lies above or below an entity, breadth first, each once. */
#ifndef WF_MATCH_HIERARCHY_WALK_H
#define WF_MATCH_HIERARCHY_WALK_H

#include "match/hierarchy/roster.h"
#include "match/hierarchy/tree.h"

/* An entity reached: by the shortest way, and of several of those the one whose weights have the
 * greatest product. */
typedef struct wf_step {
    uint32_t depth;
    uint32_t from; /* the step before, by its number */
    float weight;  /* product of the edges' */
} wf_step;

typedef struct wf_walk {
    wf_roster roster; /* the start is number 0 */
    wf_step *steps;   /* of each in the roster */
    size_t step_capacity;
    bool was_cut; /* there are more than count_max */
} wf_walk;

enum wf_way { WF_UP, WF_DOWN };

/* How far it goes: edges, and entities besides the start. */
typedef struct wf_reach {
    uint32_t depth_max;
    size_t count_max;
} wf_reach;

#define WF_REACH_ALL ((wf_reach){UINT32_MAX, SIZE_MAX})

void wf_walk_fini(wf_walk *walk);

/* 0, -ENOMEM, or what the job was halted with. */
int wf_walk_run(wf_walk *walk, const weft_hierarchy *hierarchy, uint32_t start, enum wf_way way,
                const wf_reach *reach, const wf_job *job);

#endif
