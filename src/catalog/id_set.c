/* SPDX-License-Identifier: MIT */

#include "catalog/id_set.h"

#include "base/alloc.h"
#include "base/sys.h"

#include <string.h>

#define CAPACITY_MIN 64

int wf_id_set_init(wf_id_set *set)
{
    *set = (wf_id_set){0};
    return wf_sys_random(&set->secret, sizeof(set->secret));
}

void wf_id_set_fini(wf_id_set *set)
{
    wf_free(set->slots);
    set->slots = NULL;
}

__extension__ typedef unsigned __int128 wide;

/* Eight bytes at a time, mixed by multiplying to 128 bits and folding, from a secret start. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash(uint64_t secret, weft_str id)
{
    uint64_t h = secret ^ id.len;
    for (size_t at = 0; at < id.len; at += 8) {
        uint64_t word = 0;
        memcpy(&word, id.ptr + at, id.len - at < 8 ? id.len - at : 8);
        h = mix(h ^ word, secret | UINT64_C(0x9E3779B97F4A7C15));
    }
    return mix(h, UINT64_C(0xD6E8FEB86659FD93));
}

static bool is_equal(weft_str a, weft_str b)
{
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

/* The slot that holds this id, or the free one where it belongs. */
static size_t find_slot(const wf_id_set *set, const weft_m_entity *entities, weft_str id)
{
    size_t slot = hash(set->secret, id) & (set->capacity - 1);
    while (set->slots[slot] != 0 && !is_equal(entities[set->slots[slot] - 1].id, id))
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
