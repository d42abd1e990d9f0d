/* SPDX-License-Identifier: MIT */

/* An event descriptor: readable from a signal until drained.  How a loop that waits is woken. */
#ifndef WF_EVENTFD_H
#define WF_EVENTFD_H

/* 0 and the descriptor in *out, or -errno. */
int wf_eventfd_open(int *out);

/* Any thread and signal handlers. */
void wf_eventfd_signal(int fd);
void wf_eventfd_drain(int fd);

#endif
