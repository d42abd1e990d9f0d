/* SPDX-License-Identifier: MIT */

/*
 * Tasks that run on another loop than their owner's (rule X05): see "Many loops" in README.md.
 *
 * The place is the task's record at home, in its owner's tree; the guest is the record under which
 * the body runs.  Both are marked WF_TASK_ABROAD, and only the guest ever has a body while it is.
 */
#ifndef WF_GUEST_H
#define WF_GUEST_H

#include "core/task/sched_priv.h"

/* Makes a fresh record, which is not in the tree yet, the place of a task that will run on `host`,
 * another loop of this run.  -ENOMEM. */
int wf_guest_make(struct wf_sched *sched, wf_task *place, const struct wf_spawn *spawn,
                  weft_loop *host);

/* The place is in the tree: off with it. */
void wf_guest_send(wf_task *place);

/* The place is cancelled. */
void wf_guest_recall(wf_task *place);

/* On the host: the guest is done, and nothing of it is in use any more. */
void wf_guest_leave(wf_task *guest);

#endif
