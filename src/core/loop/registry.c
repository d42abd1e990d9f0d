/* SPDX-License-Identifier: MIT */

#include "core/loop/registry.h"

#include "base/sys.h"
#include "core/loop/loop_priv.h"
#include "core/process/fork.h"

#include <assert.h>
#include <stdatomic.h>

#define SLOT_OPEN 0x80000000u    /* a loop lives here */
#define SLOT_FOREIGN 0x40000000u /* it lives in the parent process */
#define SLOT_PINS 0x3fffffffu    /* how many have it pinned, or are finding out that they cannot */

/*
 * `pins` decides everything: whoever adds one and sees SLOT_OPEN in the same atomic step may read
 * the other fields and use the loop until it takes its one away.  The acquire of that step pairs
 * with the release in wf_registry_add; the release of taking it away pairs with the acquire in
 * wf_registry_remove.  `loop` is read before pinning only as a hint, to pass over other slots.
 */
struct registry_slot {
    _Alignas(64) _Atomic uint32_t pins;
    _Atomic bool is_claimed; /* by a loop, from add to the end of remove */
    _Atomic uint32_t number;
    _Atomic(weft_loop *) loop;
};

static struct registry_slot registry_slots[WF_REGISTRY_SLOTS];
static _Atomic uint32_t registry_used; /* slots from here on were never claimed */

/* In the child of a fork no thread but ours exists: the loops of the parent never turn here, and
 * the pins of the parent's other threads would never be taken away. */
void wf_registry_after_fork(void)
{
    for (uint32_t i = 0; i < registry_used; i++) {
        struct registry_slot *slot = &registry_slots[i];
        weft_loop *loop = atomic_load(&slot->loop);
        atomic_store(&slot->pins, slot->is_claimed ? SLOT_FOREIGN : 0);
        if (loop != NULL)
            loop->is_parents = true;
    }
}

static struct registry_slot *registry_claim(uint32_t *out_index)
{
    for (uint32_t i = 0; i < WF_REGISTRY_SLOTS; i++) {
        if (atomic_load_explicit(&registry_slots[i].is_claimed, memory_order_relaxed))
            continue;
        if (atomic_exchange_explicit(&registry_slots[i].is_claimed, true, memory_order_acquire))
            continue;
        *out_index = i;
        return &registry_slots[i];
    }
    return NULL;
}

static void registry_note_used(uint32_t count)
{
    uint32_t used = atomic_load_explicit(&registry_used, memory_order_relaxed);
    while (used < count && !atomic_compare_exchange_weak(&registry_used, &used, count))
        ;
}

int wf_registry_add(weft_loop *loop, uint32_t *out_number)
{
    wf_fork_watch();

    uint32_t index;
    struct registry_slot *slot = registry_claim(&index);
    if (slot == NULL)
        return -EMFILE;

    uint32_t before = atomic_load_explicit(&slot->number, memory_order_relaxed);
    uint32_t number = ((before >> WF_REGISTRY_SLOT_BITS) + 1) << WF_REGISTRY_SLOT_BITS | index;
    atomic_store_explicit(&slot->number, number, memory_order_relaxed);
    atomic_store_explicit(&slot->loop, loop, memory_order_relaxed);
    *out_number = number; /* before the loop is found: it may be a field of it */
    atomic_fetch_or_explicit(&slot->pins, SLOT_OPEN, memory_order_release);
    registry_note_used(index + 1);
    return 0;
}

static struct registry_slot *registry_slot_of(uint32_t number)
{
    return &registry_slots[number % WF_REGISTRY_SLOTS];
}

void wf_registry_remove(uint32_t number)
{
    struct registry_slot *slot = registry_slot_of(number);
    assert(slot->number == number);

    atomic_fetch_and_explicit(&slot->pins, SLOT_PINS, memory_order_acq_rel);
    while ((atomic_load_explicit(&slot->pins, memory_order_acquire) & SLOT_PINS) != 0)
        wf_sys_thread_yield(); /* pins are held for nanoseconds, or by a thread that lost its CPU */
    /* Not earlier: who has it pinned still reads `loop`. */
    atomic_store_explicit(&slot->loop, NULL, memory_order_relaxed);
    atomic_store_explicit(&slot->is_claimed, false, memory_order_release);
}

static void slot_unpin(struct registry_slot *slot)
{
    atomic_fetch_sub_explicit(&slot->pins, 1, memory_order_release);
}

/* 0: pinned. */
static int slot_pin(struct registry_slot *slot)
{
    uint32_t before = atomic_fetch_add_explicit(&slot->pins, 1, memory_order_acquire);
    if ((before & SLOT_OPEN) != 0)
        return 0;
    slot_unpin(slot);
    return (before & SLOT_FOREIGN) != 0 ? -EPERM : -ESRCH;
}

int wf_loop_ref_by(uint32_t number, uint32_t mask, weft_loop **out)
{
    struct registry_slot *slot = registry_slot_of(number);
    int rc = slot_pin(slot);
    bool is_it = (atomic_load_explicit(&slot->number, memory_order_relaxed) & mask) == number;
    if (rc < 0)
        return is_it ? rc : -ESRCH;
    *out = atomic_load_explicit(&slot->loop, memory_order_relaxed);
    if (!is_it)
        slot_unpin(slot);
    return is_it ? 0 : -ESRCH;
}

weft_loop *wf_loop_ref(uint32_t number)
{
    weft_loop *loop;
    return wf_loop_ref_by(number, UINT32_MAX, &loop) == 0 ? loop : NULL;
}

void wf_loop_unref(uint32_t number)
{
    slot_unpin(registry_slot_of(number));
}

int wf_registry_pin(const weft_loop *loop, uint32_t *out_number)
{
    uint32_t used = atomic_load_explicit(&registry_used, memory_order_acquire);
    for (uint32_t i = 0; i < used; i++) {
        struct registry_slot *slot = &registry_slots[i];
        if (atomic_load_explicit(&slot->loop, memory_order_relaxed) != loop)
            continue;
        int rc = slot_pin(slot);
        if (rc == -EPERM)
            return rc;
        if (rc < 0)
            continue;
        if (atomic_load_explicit(&slot->loop, memory_order_relaxed) == loop) {
            *out_number = atomic_load_explicit(&slot->number, memory_order_relaxed);
            return 0;
        }
        slot_unpin(slot);
    }
    return -ESRCH;
}

uint32_t wf_registry_count(void)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < WF_REGISTRY_SLOTS; i++)
        count +=
            (atomic_load_explicit(&registry_slots[i].pins, memory_order_relaxed) & SLOT_OPEN) != 0;
    return count;
}

weft_loop *wf_registry_look(uint32_t slot)
{
    return atomic_load_explicit(&registry_slots[slot].loop, memory_order_relaxed);
}
