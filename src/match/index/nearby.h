/* SPDX-License-Identifier: MIT */

/* Nearby: nodes with their scores, as a heap and as a list. */
#ifndef WF_MATCH_NEARBY_H
#define WF_MATCH_NEARBY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct wf_nearby {
    float score;
    uint32_t node;
} wf_nearby;

/* Zeroed is empty; wf_free the items. */
typedef struct wf_neighbours {
    wf_nearby *items;
    size_t count, capacity;
} wf_neighbours;

/* By score, equal ones by number: no two nodes are alike, so every order is the same everywhere. */
bool wf_is_nearer(wf_nearby a, wf_nearby b);

/* 0 or -ENOMEM. */
int wf_neighbours_reserve(wf_neighbours *nears, size_t count);

/* As a heap, with the best or the worst on top.  0 or -ENOMEM. */
int wf_neighbours_push(wf_neighbours *heap, wf_nearby item, bool best_on_top);
wf_nearby wf_neighbours_pop(wf_neighbours *heap, bool best_on_top);

/* A heap with the worst on top becomes a list, the best first. */
void wf_neighbours_sort(wf_neighbours *heap);

#endif
