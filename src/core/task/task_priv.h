/* SPDX-License-Identifier: MIT */

/* What primitives of the core need of a task beyond <weft/sys/park.h>. */
#ifndef WF_TASK_PRIV_H
#define WF_TASK_PRIV_H

#include <weft/sys/loop.h>
#include <weft/sys/park.h>
#include <weft/task.h>

#include "core/loop/current.h"

/* The running task, or NULL. */
wf_task *wf_task_self(void);

/* How far its last compound call got, see weft_progress(). */
size_t wf_task_progress(const wf_task *task);
void wf_task_set_progress(wf_task *task, size_t bytes);

/* "name", cut to fit. */
void wf_task_name(const wf_task *task, char *out, size_t out_bytes);

/* Until when what it is at may last, by its namer; WEFT_FOREVER: that says nothing. */
weft_time wf_task_deadline(const wf_task *task);

/* Puts the waiter on the queue of those that wait for the end of a task: 0.  1: there is nothing to
 * wait for, weft_done() has the result.  -ESRCH: stale.  -EPERM: of another loop. */
int wf_task_watch(weft_task task, weft_waiter *waiter);

/* True if it is done, or there is nothing to wait for.  Unlike weft_done() it receives nothing: an
 * error that was only looked at is still news to its owner (rule T08). */
bool wf_task_has_ended(weft_task task);

/* Of a wait class whose waiter is on that queue: the task. */
void wf_task_holders(const weft_waiter *waiter, void (*tell)(const weft_task *holder, void *arg),
                     void *arg);

/* Cancels the task and waits for its end, also in a cancelled task; its result.  -EDEADLK for
 * oneself, -ESRCH. */
int wf_task_see_out(weft_task task, const char *why);

#endif
