/* SPDX-License-Identifier: MIT */

/*
 * Survey: what the tasks of all loops of a run wait for, as if all had been looked at at one
 * instant.  Begun and ended on the first loop:
 *
 *     first loop                 each loop
 *     wf_survey_begin  ------->  marks the waits that it has
 *          all are home  <-----
 *                      ------->  copies them, with whether each had the mark
 *          over()        <-----
 *
 * A wait that is copied with its mark has lasted from before the first answers were home until
 * after the second questions were sent, and so have all others that have it: at that instant they
 * were there together.  A loop that does not answer in time is left out.
 * A wait has room for one mark, so a run has one survey at a time, and the next one waits.
 */
#ifndef WF_SURVEY_H
#define WF_SURVEY_H

#include "core/look/graph.h"
#include "core/loops/errand.h"

#include <stdatomic.h>

struct wf_loops;
struct wf_survey;

/* What one loop says: its own while it is asked, and from over() on for who holds the survey. */
struct wf_visit {
    struct wf_survey *survey;
    struct wf_errand errand;
    struct wf_graph graph;
    const char *backend;
    uint64_t switches; /* the first time */
    bool copies;       /* it is the second time */
    bool is_out;       /* the first loop's: it is being asked */
    bool is_late;      /* it has not answered, and is not in `graph` */
    bool has_moved;    /* tasks have run there meanwhile; not of one that is late */
};

struct wf_survey {
    struct wf_loops *loops;
    void (*meet)(struct wf_sched *sched);   /* on each loop, the first time; NULL: nothing */
    void (*over)(struct wf_survey *survey); /* on the first loop, once */
    void *arg;
    weft_time patience; /* with the loops, each time */
    weft_timer limit;
    _Atomic uint32_t refs;  /* who asked for it, and each loop that is asked */
    struct wf_survey *next; /* begins when this one is over */
    uint32_t count, out_count;
    uint8_t mark;
    bool is_second, is_entered;
    struct wf_visit visits[];
};

/* The caller sets `patience` and `over`, and `meet` and `arg` if it wants them.  NULL: no memory.
 */
struct wf_survey *wf_survey_new(struct wf_loops *loops);

/* On the first loop.  `over` comes later, or before this returns. */
void wf_survey_begin(struct wf_survey *survey);

/* From over() on, any thread.  NULL is fine. */
void wf_survey_free(struct wf_survey *survey);

/* topic_graph.c: from over() on; who waits for whom, in words. */
void wf_graph_report(struct wf_survey *survey, int fd);

#endif
