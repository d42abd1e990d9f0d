/* SPDX-License-Identifier: MIT */

/*
 * Debug mode: says what is legal, or is repaired, and most likely not meant.  A run has it if its
 * configuration or WEFT_DEBUG=1 asks for it, and in a debug build (-Ddebug_checks=true).
 *
 * Each line names the task, where it was spawned, and what to do; it is said once a place.  Nothing
 * here is on a path that release would notice: what is checked where things are hot is checked in
 * debug builds only.
 */
#ifndef WF_DEBUG_H
#define WF_DEBUG_H

#include "core/task/sched_priv.h"

#define WF_DEBUG_PLACES_MAX 256 /* past it debug mode is silent */
#define WF_DEBUG_QUEUES_MAX 512 /* past it queues are not looked at */
#define WF_DEBUG_BODIES_MAX 64  /* nor those on further stacks that are not of the pool */

/* Something was said of this place: `what` is the text's address. */
struct wf_debug_place {
    const char *what;
    const void *where;
};

/* On some task's stack, and tasks wait there. */
struct wf_debug_queue {
    const weft_waitq *queue;
    uint32_t waiters;
};

struct wf_debug {
    weft_time begun_at; /* on the loop's clock */
    size_t place_count, queue_count, body_count;
    struct wf_debug_place places[WF_DEBUG_PLACES_MAX];
#if WF_DEBUG_CHECKS
    struct wf_debug_queue queues[WF_DEBUG_QUEUES_MAX];
    const struct wf_body *bodies[WF_DEBUG_BODIES_MAX]; /* on mapped or lent stacks */
#endif
};

/* In *out; NULL if the run is not in debug mode.  -ENOMEM; -EINVAL if WEFT_DEBUG is neither 0
 * nor 1. */
int wf_debug_new(struct wf_debug **out, const weft_config *config);
void wf_debug_free(struct wf_debug *debug);

/* A shield without a deadline was opened by the running task, from `caller` (rule S10). */
void wf_debug_endless_shield(const wf_task *task, void *caller);

/* The running task gave a deadline that has passed; one from before the run is a duration that was
 * taken for a point in time. */
void wf_debug_past_deadline(weft_time deadline);

/* A wait of the task said -ECANCELED, the `ignored`th in its scope; 0: one that must be. */
void wf_debug_wait_refused(wf_task *task, uint32_t ignored);

/* A wait had told the task that it is cancelled, and it ends with a success. */
void wf_debug_cancel_swallowed(const wf_task *task, int rc);

/* Records of tasks that are done, as their owner ends: whose result did nobody ask for?  Failures
 * are told in every mode (rule T08). */
void wf_debug_never_awaited(const wf_task *ended);

/* A call that needs a task was made where there is none (rule L04). */
void wf_debug_no_task(void);

/* Debug builds only.  The body of a task has returned and its children still run: which of them was
 * given a pointer into the frame that is gone (rule T06)? */
void wf_debug_frame_ended(const wf_task *task);

/* The same of a generator; what its body spawned are children of the task that asked it. */
void wf_debug_gen_ended(const struct weft_gen *gen);

#endif
