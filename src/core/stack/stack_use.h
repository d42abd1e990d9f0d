/* SPDX-License-Identifier: MIT */

/*
 * How deep the tasks of each spawn site go into their stacks (rule N06).  Only in a run that asked
 * to measure: every stack is then read when its task ends, and wiped for the next.
 */
#ifndef WF_STACK_USE_H
#define WF_STACK_USE_H

#include <weft/run.h>

#include "core/stack/stack.h"

#define WF_STACK_USES_MAX 256 /* sites; what comes after is not told */

struct wf_stack_uses {
    size_t count;
    weft_stack_use sites[WF_STACK_USES_MAX];
};

/* Empty; wf_free() frees it.  -ENOMEM. */
int wf_stack_uses_new(struct wf_stack_uses **out);

/* The task, or generator, made at `site` has used this; `has_ended`: and will use no more. */
void wf_stack_use_add(struct wf_stack_uses *uses, const char *site, const wf_stack *stack,
                      bool has_ended);

/* weft_stack_uses() of a loop. */
struct wf_sched;
size_t wf_stack_uses_get(const struct wf_sched *sched, weft_stack_use out[], size_t count);

#endif
