/* SPDX-License-Identifier: MIT */

#include "catalog/id_set.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/sys.h"

#include <string.h>

#define CAPACITY_MIN 64

int wf_id_set_init(wf_id_set *set)
{
    *set = (wf_id_set){0};
    return wf_sys_random(&set->key, sizeof(set->key));
}

void wf_id_set_fini(wf_id_set *set)
{
    wf_free(set->slots);
    set->slots = NULL;
}

/* The slot that holds this id, or the free one where it belongs. */
static size_t find_slot(const wf_id_set *set, const weft_m_entity *entities, weft_str id)
{
    size_t slot = wf_hash(&set->key, id.ptr, id.len) & (set->capacity - 1);
    while (set->slots[slot] != 0 && !wf_str_equals(entities[set->slots[slot] - 1].id, id))
        slot = (slot + 1) & (set->capacity - 1);
    return slot;
}

int64_t wf_id_set_find(const wf_id_set *set, const weft_m_entity *entities, weft_str id)
{
    if (set->capacity == 0)
        return -1;
    return (int64_t)set->slots[find_slot(set, entities, id)] - 1;
}

static int set_grow(wf_id_set *set, const weft_m_entity *entities)
{
    wf_id_set grown = *set;
    grown.capacity = set->capacity == 0 ? CAPACITY_MIN : set->capacity * 2;
    grown.slots = wf_array(grown.capacity, sizeof(*grown.slots));
    if (grown.slots == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < set->capacity; i++) {
        if (set->slots[i] != 0)
            grown.slots[find_slot(&grown, entities, entities[set->slots[i] - 1].id)] =
                set->slots[i];
    }
    wf_free(set->slots);
    *set = grown;
    return 0;
}

int wf_id_set_add(wf_id_set *set, const weft_m_entity *entities, uint32_t place)
{
    if (set->count >= set->capacity / 2) {
        int rc = set_grow(set, entities);
        if (rc < 0)
            return rc;
    }
    set->slots[find_slot(set, entities, entities[place].id)] = place + 1;
    set->count++;
    return 0;
}
