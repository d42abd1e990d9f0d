/* SPDX-License-Identifier: MIT */

/*
 * Hogs: tasks that keep their loop from turning for too long (rule O01).  A loop that neither waits
 * nor begins another turn for weft_config.hog serves nobody.  Belongs to the watching thread.
 */
#ifndef WF_HOG_H
#define WF_HOG_H

#include <weft/base.h>

struct wf_sched;
struct wf_peek;

#define WF_HOG_LIMIT_DEFAULT (100 * WEFT_MS)

struct wf_hog_state {
    uint64_t turn;        /* as last seen */
    weft_time since, cpu; /* when it was first seen */
    bool is_hog;          /* and was found to be */
    bool waited;          /* when last seen: what it does then begins later */
};

/* What is remembered from look to look. */
struct wf_hog {
    struct wf_sched *sched; /* only what does not change: its configuration and its loop */
    struct wf_peek *peek;
    weft_time limit;
    struct wf_hog_state state;
    _Atomic bool is_over;   /* by the loop: no turn is to come */
    _Atomic uint64_t count; /* found so far; any thread reads it */
    weft_time minute_end;
    uint32_t told, untold; /* in this minute */
    bool is_told;          /* the one that goes on */
};

void wf_hog_init(struct wf_hog *hog, weft_time limit, struct wf_sched *sched, struct wf_peek *peek);

/* Call it when nobody has looked for a while: the loop's time counts from now. */
void wf_hog_restart(struct wf_hog *hog);

/* Looks at the loop once and says what there is to say. */
void wf_hog_watch(struct wf_hog *hog);

/* ---- the decision, apart from everything that makes it hard to test ---- */

/* One look at the loop. */
struct wf_hog_look {
    weft_time now, cpu; /* the clock; what the loop's thread has used of the processor */
    uint64_t turn;
    bool waits;   /* for something to happen, as a loop may */
    bool in_call; /* its thread is in a system call */
};

enum wf_hog_verdict { WF_HOG_NOTHING, WF_HOG_FOUND, WF_HOG_OVER };

/* A thread that is in no system call and has not used its processor is no hog: it gets no
 * processor. */
enum wf_hog_verdict wf_hog_judge(struct wf_hog_state *state, const struct wf_hog_look *look,
                                 weft_time limit);

#endif
