/* SPDX-License-Identifier: MIT */

/*
 * The register of open objects in debug mode: the core's side of <weft/sys/opened.h>.
 */
#ifndef WF_OPENED_H
#define WF_OPENED_H

#include <weft/sys/opened.h>

struct wf_sched;

#define WF_OPENED_MAX 1024 /* at once, of all runs; more are not remembered */

/* The loop's run is over: names what its tasks and callbacks left open, once a place, and forgets
 * it. */
void wf_opened_end(struct wf_sched *sched);

/* Descriptors are objects too.  The first returns what it is given, which may be an error. */
int wf_opened_fd(int fd);
void wf_closed_fd(int fd);

#endif
