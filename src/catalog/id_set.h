/* SPDX-License-Identifier: MIT */

/* Ids seen so far: which entity has this id?  Holds places in the caller's list, not the ids. */
#ifndef WF_ID_SET_H
#define WF_ID_SET_H

#include "base/hash.h"

#include <weft/match.h>

typedef struct wf_id_set {
    uint32_t *slots; /* place + 1; 0: free.  Invariant: at most half of them are taken. */
    size_t capacity; /* a power of two */
    size_t count;
    wf_hash_key key;
} wf_id_set;

int wf_id_set_init(wf_id_set *set);
void wf_id_set_fini(wf_id_set *set);

/* The place of the entity with this id in entities[0, count), or -1. */
int64_t wf_id_set_find(const wf_id_set *set, const weft_m_entity *entities, weft_str id);

/* Adds entities[place], whose id is not there yet.  0 or -ENOMEM. */
int wf_id_set_add(wf_id_set *set, const weft_m_entity *entities, uint32_t place);

#endif
