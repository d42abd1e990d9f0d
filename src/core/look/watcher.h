/* SPDX-License-Identifier: MIT */

/*
 * The watcher: a thread beside each loop in real time, for what a loop cannot do itself.  It looks
 * for hogs (hog.h), and tells the task tree to whoever asks from outside (inspect.h), also when the
 * loop is kept.  While the loop is idle it sleeps.
 */
#ifndef WF_WATCHER_H
#define WF_WATCHER_H

#include <weft/base.h>

struct wf_sched;
struct wf_watcher;

/* Begins to watch the calling thread's loop.  In virtual time, and if it cannot be started, nobody
 * watches. */
void wf_watcher_begin(struct wf_sched *sched);
void wf_watcher_end(struct wf_sched *sched);

/* The loop has waited and goes on. */
void wf_watcher_awake(struct wf_watcher *watcher);
bool wf_watcher_is_parked(const struct wf_watcher *watcher);

/* Hogs found so far. */
uint64_t wf_watcher_hogs(const struct wf_watcher *watcher);

#endif
