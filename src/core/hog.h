/* SPDX-License-Identifier: MIT */

/*
 * The hog detector: a thread that watches a loop, and says which task keeps it, while it does (rule
 * O01).  What it watches is the turn: a loop that neither waits nor begins another turn for so long
 * serves nobody.  That costs a task's switch nothing, and a turn one store.
 */
#ifndef WF_HOG_H
#define WF_HOG_H

#include <weft/base.h>

struct wf_sched;
struct wf_hog;

#define WF_HOG_LIMIT_DEFAULT (100 * WEFT_MS)

/* Begins to watch the calling thread's loop.  In virtual time, and if no thread can be started,
 * nobody watches. */
void wf_hog_begin(struct wf_sched *sched);
void wf_hog_end(struct wf_sched *sched);

/* The loop has waited and goes on.  While it waited for long, the watching thread stopped looking:
 * an idle process uses no processor. */
void wf_hog_awake(struct wf_hog *hog);
bool wf_hog_is_parked(const struct wf_hog *hog);

/* How many were found so far. */
uint64_t wf_hog_count(const struct wf_hog *hog);

/* ---- the decision, apart from everything that makes it hard to test ---- */

/* One look at the loop. */
struct wf_hog_look {
    weft_time now, cpu; /* the clock; what the loop's thread has used of the processor */
    uint64_t turn;
    bool waits;   /* for something to happen, as a loop may */
    bool in_call; /* its thread is in a system call */
};

struct wf_hog_state {
    uint64_t turn;        /* as last seen */
    weft_time since, cpu; /* when it was first seen */
    bool is_hog;          /* and was said to be */
};

enum wf_hog_verdict { WF_HOG_NOTHING, WF_HOG_FOUND, WF_HOG_OVER };

/* A thread that is in no call and has not run either is not a hog: others keep it from running. */
enum wf_hog_verdict wf_hog_judge(struct wf_hog_state *state, const struct wf_hog_look *look,
                                 weft_time limit);

#endif
