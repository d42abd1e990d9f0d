/* SPDX-License-Identifier: MIT */

/* What stacks ask of the system: address space, guards, and pages given back.  Each call is a fault
 * point; the pool in stack.c makes no system call itself. */
#ifndef WF_STACK_HOST_H
#define WF_STACK_HOST_H

#include "core/stack/stack.h"

#include <sys/uio.h>

#define WF_STACK_BATCH 64 /* ranges a call takes at most */

size_t wf_stack_page_bytes(void);

/* Address space for stacks: not committed, no huge pages.  -ENOMEM. */
int wf_stack_space_map(char **out, size_t bytes);
void wf_stack_space_unmap(char *space, size_t bytes);

/* Makes each of guards[0, count) a guard, of the best kind to be had and no better than `best`;
 * out_kinds[i] says which.  Never fails: WF_GUARD_CANARY needs nothing.  Returns the best kind
 * worth trying next time.  They are of one length. */
enum wf_guard wf_stack_guard(const struct iovec *guards, size_t count, enum wf_guard best,
                             uint8_t *out_kinds);

/* A guard is about to be unmapped. */
void wf_stack_guard_forget(enum wf_guard kind);

/* Has pages put under ranges[0, count), of one length, in one call, for who is about to touch them:
 * cheaper than the fault of each.  False if that is not worth trying again. */
bool wf_stack_pages_touch(const struct iovec *ranges, size_t count);

/* Gives the pages of ranges[0, count), of one length, back; they read as zero after. */
void wf_stack_pages_drop(const struct iovec *ranges, size_t count);

/* The canary of the stack at `base`: 64 bytes that nobody else uses, below its guard, which in a
 * pool is the end of the slot before, so that no page is touched for it alone. */
void wf_stack_canary_write(char *base);
void wf_stack_canary_clear(char *base); /* nobody uses the stack any more */

/* Checkers: Valgrind learns of stacks, ASan and Valgrind of stacks that nobody uses. */
bool wf_stack_on_valgrind(void);
uint32_t wf_stack_valgrind_register(const wf_stack *stack);
void wf_stack_valgrind_deregister(uint32_t id);
void wf_stack_poison(const wf_stack *stack);
void wf_stack_unpoison(const wf_stack *stack);

#endif
