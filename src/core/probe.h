/* SPDX-License-Identifier: MIT */

/*
 * The probe: looks at a loop's thread from another one (is it in a system call, how long did it
 * run, where is it?), and hears when another process asks for the task tree.  Both come by SIGURG,
 * which is ignored by default, so that one that comes late does no harm.
 */
#ifndef WF_PROBE_H
#define WF_PROBE_H

#include <weft/base.h>

struct wf_sched;

#define WF_PROBE_FRAMES 24

/* Of one thread.  Made by it, used by one other. */
struct wf_probe;

/* `wake_fd`: an event descriptor to be signalled when somebody has asked.  0, -ENOMEM. */
int wf_probe_new(struct wf_probe **out, struct wf_sched *sched, int wake_fd);

/* By the thread that made it. */
void wf_probe_free(struct wf_probe *probe);

/* The process that asked for the tree since the last call, or 0. */
int wf_probe_asked(struct wf_probe *probe);
bool wf_probe_is_asked(const struct wf_probe *probe);

/* Processor time the thread has used. */
weft_time wf_probe_cpu(const struct wf_probe *probe);

enum wf_probe_where {
    WF_PROBE_RUNS,
    WF_PROBE_IN_CALL,        /* a system call that goes on after a signal */
    WF_PROBE_IN_TENDER_CALL, /* one that a signal may end early */
};

struct wf_probe_place {
    enum wf_probe_where where;
    char text[48]; /* "running", "in system call read" */
};

void wf_probe_find(const struct wf_probe *probe, struct wf_probe_place *out);

/* What is known of the thread. */
struct wf_probe_answer {
    char name[24];                 /* of the running task; "(none)" */
    const char *site;              /* where it was spawned; "(a callback)" */
    void *frames[WF_PROBE_FRAMES]; /* innermost first */
    int frame_count;
};

/* Asks the thread by a signal.  In a tender call it is left alone, and if it does not answer for
 * 100 ms (it has the signal blocked, or the kernel does not let go of it) there is no backtrace. */
void wf_probe_ask(struct wf_probe *probe, enum wf_probe_where where, struct wf_probe_answer *out);

/* "function+0x12 in program", or "program+0x1234" for a function without an exported name. */
void wf_probe_frame_text(void *frame, char *out, size_t out_bytes);

#endif
