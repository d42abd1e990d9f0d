/* SPDX-License-Identifier: MIT */

/*
 * Inspect: the task tree for another process (rule O02).
 *
 * Who asks listens on the abstract Unix socket "weft-ask/PID" of its own pid and queues SIGURG with
 * that pid to us; we connect there and write.  So a process that nobody asks has no open door, and
 * the kernel decides who may ask: those who may send us a signal.  We answer our own user and root.
 */
#ifndef WF_INSPECT_H
#define WF_INSPECT_H

#include <weft/sys/loop.h>

#include "base/buf.h"

struct wf_sched;
struct wf_probe;

#define WF_INSPECT_NAME "weft-ask/%d"

struct wf_inspect {
    struct wf_sched *sched;
    struct wf_probe *probe;
    int wake_fd;
    weft_msg msg; /* asks the loop to write its tree */
    _Atomic int state;
    wf_buf tree; /* the loop's while it is asked */
};

void wf_inspect_init(struct wf_inspect *inspect, struct wf_sched *sched, struct wf_probe *probe,
                     int wake_fd);

/* By the loop's thread, when nobody watches any more. */
void wf_inspect_fini(struct wf_inspect *inspect);

/* By the watching thread: answers if somebody has asked.  A loop that does not turn for a second is
 * described from outside. */
void wf_inspect_answer(struct wf_inspect *inspect);

#endif
