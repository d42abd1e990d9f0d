/* SPDX-License-Identifier: MIT */

/*
 * Fork (rule L07).  The child has one thread and none of the parent's loops: it acts as if no run
 * had ever begun.  What it would otherwise share with the parent (its ring, its descriptors, its
 * signals) is not touched.
 */
#ifndef WF_FORK_H
#define WF_FORK_H

/* Installs the handler for it, at the first call. */
void wf_fork_watch(void);

/* What each forgets in the child, on the thread that forked. */
void wf_opened_after_fork(void);
void wf_overflow_after_fork(void);
void wf_peek_after_fork(void);
void wf_registry_after_fork(void);
void wf_signals_after_fork(void);
void wf_terminals_after_fork(void);

#endif
