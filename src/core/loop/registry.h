/* SPDX-License-Identifier: MIT */

/*
 * Registry: which loops live in this process.  Lets any thread and any signal handler ask whether a
 * loop is still there, and keep it from going away for a moment, without touching its memory first.
 *
 * Lock-free except for wf_registry_remove, which waits for those who have the loop pinned.
 */
#ifndef WF_REGISTRY_H
#define WF_REGISTRY_H

#include <weft/sys/loop.h>

#define WF_REGISTRY_SLOT_BITS 10
#define WF_REGISTRY_SLOTS (1u << WF_REGISTRY_SLOT_BITS) /* loops at once */

/* Enters the loop and gives it a number: its slot in the low bits, above them how often the slot
 * was used, so that a number is not given again for 2^22 uses of its slot.  The lowest free slot is
 * taken.  0, or -EMFILE if there are WF_REGISTRY_SLOTS loops. */
int wf_registry_add(weft_loop *loop, uint32_t *out_number);

/* Takes the loop out: from now on it is not found.  Returns when nobody has it pinned. */
void wf_registry_remove(uint32_t number);

/* Pins a loop by its number: it cannot be freed until wf_loop_unref.  NULL if it has ended.  Any
 * thread and signal handlers; keep it short and do not wait in between. */
weft_loop *wf_loop_ref(uint32_t number);
void wf_loop_unref(uint32_t number);

/* wf_loop_ref() by only those low bits of a number that `mask` keeps; the slot's bits are among
 * them.  0; -ESRCH if no such loop lives; -EPERM if it is one of the parent process, before a fork.
 */
int wf_loop_ref_by(uint32_t number, uint32_t mask, weft_loop **out);

/* wf_loop_ref() for a pointer that may be stale: 0 and its number, -ESRCH, or -EPERM.  A new loop
 * may live at an old one's address; only the number tells them apart. */
int wf_registry_pin(const weft_loop *loop, uint32_t *out_number);

/* How many loops the process has; those of its parent, before a fork, are none. */
uint32_t wf_registry_count(void);

/* The loop in a slot; NULL: none.  It is not pinned and may end at any time: for calls that can
 * bear that.
 */
weft_loop *wf_registry_look(uint32_t slot);

#endif
