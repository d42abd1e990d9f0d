/* SPDX-License-Identifier: MIT */

/* Looking at a thread from another one: is it in a system call, how long did it run, where is it?
 */
#ifndef WF_HOG_PROBE_H
#define WF_HOG_PROBE_H

#include <weft/base.h>

struct wf_sched;

#define WF_HOG_FRAMES 24

/* Of one thread.  Made by it, used by one other. */
struct wf_hog_probe;

/* 0, -ENOMEM. */
int wf_hog_probe_new(struct wf_hog_probe **out, struct wf_sched *sched);

/* By the thread that made it. */
void wf_hog_probe_free(struct wf_hog_probe *probe);

/* Processor time the thread has used. */
weft_time wf_hog_probe_cpu(const struct wf_hog_probe *probe);

enum wf_hog_place {
    WF_HOG_RUNS,
    WF_HOG_IN_CALL,        /* a system call that goes on after a signal */
    WF_HOG_IN_TENDER_CALL, /* one that a signal may end early */
};

/* Where the thread is; in a system call, that one's name or number. */
enum wf_hog_place wf_hog_probe_place(const struct wf_hog_probe *probe, char *out, size_t out_bytes);

/* What is known of the thread. */
struct wf_hog_answer {
    char name[24];    /* of the running task */
    const char *site; /* where it was spawned; NULL: no task runs */
    void *frames[WF_HOG_FRAMES];
    int frame_count;
};

/* Asks the thread by a signal.  In a tender call it is left alone, and if it does not answer for
 * 100 ms (it has the signal blocked, or the kernel does not let go of it) there is no backtrace. */
void wf_hog_probe_ask(struct wf_hog_probe *probe, enum wf_hog_place place,
                      struct wf_hog_answer *out);

/* "function+0x12 in program", or "program+0x1234" for a function without an exported name. */
void wf_hog_frame_text(void *frame, char *out, size_t out_bytes);

#endif
