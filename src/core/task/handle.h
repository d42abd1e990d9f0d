/* SPDX-License-Identifier: MIT */

/*
 * Handles of tasks and groups (rule T09).  From the low bits: 22 of the slot, 24 of the generation,
 * 17 of the loop's number; or bit 63 and the error that kept the task from being made.
 */
#ifndef WF_HANDLE_H
#define WF_HANDLE_H

#include <weft/task.h>

#define WF_HANDLE_SLOT_BITS 22
#define WF_HANDLE_GENERATION_BITS 24
#define WF_HANDLE_LOOP_BITS 17
#define WF_HANDLE_GENERATION_MASK ((1u << WF_HANDLE_GENERATION_BITS) - 1)
#define WF_HANDLE_LOOP_MASK ((1u << WF_HANDLE_LOOP_BITS) - 1)
#define WF_HANDLE_ERROR ((uint64_t)1 << 63)

static inline uint64_t wf_handle_make(uint32_t loop_number, uint32_t slot, uint32_t generation)
{
    return (uint64_t)loop_number << (WF_HANDLE_SLOT_BITS + WF_HANDLE_GENERATION_BITS) |
           (uint64_t)generation << WF_HANDLE_SLOT_BITS | slot;
}

static inline uint32_t wf_handle_slot(uint64_t id)
{
    return (uint32_t)id & ((1u << WF_HANDLE_SLOT_BITS) - 1);
}

static inline uint32_t wf_handle_generation(uint64_t id)
{
    return (uint32_t)(id >> WF_HANDLE_SLOT_BITS) & WF_HANDLE_GENERATION_MASK;
}

/* Above every loop's number if it carries an error. */
static inline uint32_t wf_handle_loop(uint64_t id)
{
    return (uint32_t)(id >> (WF_HANDLE_SLOT_BITS + WF_HANDLE_GENERATION_BITS));
}

/* Of the record's next use; `base` begins the row.  Never 0, so that no live handle is 0. */
static inline uint32_t wf_generation_next(uint32_t generation, uint32_t base)
{
    if (__builtin_expect(generation == 0, 0))
        generation = base & WF_HANDLE_GENERATION_MASK;
    generation = (generation + 1) & WF_HANDLE_GENERATION_MASK;
    return generation + (generation == 0);
}

/* Of the record's next use, when this one is over. */
static inline uint64_t wf_handle_next(uint64_t id)
{
    const uint64_t one = (uint64_t)1 << WF_HANDLE_SLOT_BITS, all = WF_HANDLE_GENERATION_MASK * one;
    uint64_t next = id + one;
    if (__builtin_expect((next & all) == 0, 0))
        next = (id & ~all) | one;
    return next;
}

static inline weft_task wf_handle_error(int rc)
{
    return (weft_task){WF_HANDLE_ERROR | (uint32_t)-rc};
}

/* The error a handle carries, or 0. */
static inline int wf_handle_rc(weft_task task)
{
    return (task.id & WF_HANDLE_ERROR) != 0 ? -(int)(uint32_t)task.id : 0;
}

#endif
