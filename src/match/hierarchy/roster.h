/* SPDX-License-Identifier: MIT */

/* Roster: entities, each once, numbered in the order they came; emptied in no time. */
#ifndef WF_MATCH_HIERARCHY_ROSTER_H
#define WF_MATCH_HIERARCHY_ROSTER_H

#include <weft/base.h>

#define WF_NOT_THERE SIZE_MAX

/* A slot is full if it has the present epoch.  A zeroed roster is empty. */
typedef struct wf_roster {
    uint32_t *entities;
    size_t count, capacity;
    struct wf_roster_slot {
        uint32_t epoch, index;
    } * slots; /* open addressing, never more than half full */
    unsigned slot_bits;
    uint32_t epoch;
} wf_roster;

void wf_roster_fini(wf_roster *roster);
void wf_roster_reset(wf_roster *roster);

/* Its number, or WF_NOT_THERE. */
size_t wf_roster_find(const wf_roster *roster, uint32_t entity);

/* Adds one that is not there; its number is the count before.  0 or -ENOMEM. */
int wf_roster_add(wf_roster *roster, uint32_t entity);

#endif
