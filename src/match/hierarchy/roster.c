/* SPDX-License-Identifier: MIT */

#include "match/hierarchy/roster.h"

#include "base/alloc.h"

#include <string.h>

#define SLOT_BITS_MIN 6u

void wf_roster_fini(wf_roster *roster)
{
    wf_free(roster->entities);
    wf_free(roster->slots);
}

void wf_roster_reset(wf_roster *roster)
{
    roster->count = 0;
    roster->epoch++;
    if (roster->epoch != 0 || roster->slots == NULL)
        return;
    memset(roster->slots, 0, sizeof(*roster->slots) << roster->slot_bits);
    roster->epoch = 1;
}

/* The slot of an entity, or the free one where it would be.  There is one. */
static struct wf_roster_slot *slot_of(const wf_roster *roster, uint32_t entity)
{
    size_t mask = ((size_t)1 << roster->slot_bits) - 1;
    size_t at = (size_t)((entity * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - roster->slot_bits));
    for (;; at = (at + 1) & mask) {
        struct wf_roster_slot *slot = &roster->slots[at];
        if (slot->epoch != roster->epoch || roster->entities[slot->index] == entity)
            return slot;
    }
}

size_t wf_roster_find(const wf_roster *roster, uint32_t entity)
{
    if (roster->count == 0)
        return WF_NOT_THERE;
    const struct wf_roster_slot *slot = slot_of(roster, entity);
    return slot->epoch == roster->epoch ? slot->index : WF_NOT_THERE;
}

/* Room for twice as many. */
static int grow(wf_roster *roster)
{
    unsigned bits = roster->slots != NULL ? roster->slot_bits + 1 : SLOT_BITS_MIN;
    size_t capacity = (size_t)1 << (bits - 1);
    uint32_t *entities = wf_grow(roster->entities, capacity, sizeof(*entities));
    if (entities == NULL)
        return -ENOMEM;
    roster->entities = entities;
    struct wf_roster_slot *slots = wf_array((size_t)1 << bits, sizeof(*slots));
    if (slots == NULL)
        return -ENOMEM;
    wf_free(roster->slots);
    roster->slots = slots;
    roster->slot_bits = bits;
    roster->capacity = capacity;
    roster->epoch = 1;
    for (size_t i = 0; i < roster->count; i++)
        *slot_of(roster, roster->entities[i]) = (struct wf_roster_slot){1, (uint32_t)i};
    return 0;
}

int wf_roster_add(wf_roster *roster, uint32_t entity)
{
    int rc = roster->count == roster->capacity ? grow(roster) : 0;
    if (rc < 0)
        return rc;
    roster->entities[roster->count] = entity;
    *slot_of(roster, entity) = (struct wf_roster_slot){roster->epoch, (uint32_t)roster->count};
    roster->count++;
    return 0;
}
