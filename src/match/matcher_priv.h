/* SPDX-License-Identifier: MIT */

/*
 * The matcher's record, and what its calls share.
 *
 * A call goes in by wf_call_begin and out by wf_call_end.  In between it is counted by the `calls`
 * gate, through which stop comes last, so that nothing a call uses goes away under it.  Calls that
 * change the catalogue hold `changes`, one at a time.  `lock` is held for a few loads and stores
 * only, never over work or a wait.
 */
#ifndef WF_MATCH_MATCHER_PRIV_H
#define WF_MATCH_MATCHER_PRIV_H

#include "match/examples.h"
#include "match/gate.h"
#include "match/novelty/detector.h"
#include "match/results.h"
#include "match/snapshot.h"
#include "match/stats.h"

struct weft_matcher {
    weft_m_options options; /* `mode` and the other texts are checked and not kept */
    const char *mode;       /* requested; static text */
    const wf_scorer_class *scoring;
    enum wf_blocking blocking;
    char *model;         /* directory to read the encoder from; NULL: none, or it is given */
    char *missing_model; /* that was not found, and is done without; NULL: none */

    wf_gate calls;   /* shared: a call; exclusive: stop */
    wf_gate changes; /* exclusive: fit, add, remove */
    int stop;        /* atomic: 0, or -WEFT_M_ECLOSED */

    pthread_mutex_t lock;
    wf_catalogue *catalogue; /* under lock, a reference; NULL: closed */
    wf_snapshot *snapshot;   /* under lock, a reference; NULL: NEW or closed */
    uint64_t snapshot_number;
    float threshold;
    bool is_fitting;
    size_t example_count; /* under lock, like the next: of what the snapshot has learnt */
    weft_m_trial trial;

    /* Under `changes`. */
    bool is_hybrid;
    const wf_scorer_class *learnt; /* NULL: nothing was */
    wf_examples *examples;         /* a reference; what it was learnt from; NULL with that */

    wf_gate detecting;        /* exclusive: a detector is being made */
    wf_detector *detector;    /* under lock, a reference; the last one made, NULL: none */
    wf_detector_kept *loaded; /* under lock: of the file, until a change; NULL: nothing */

    wf_gate arranging;         /* exclusive: a hierarchy is being read */
    weft_hierarchy *hierarchy; /* under lock, a reference; the last one read, NULL: none */

    /* Under lock: the catalogue if its hierarchy was refused, a reference, and why: a cycle is
     * looked for once. */
    wf_catalogue *unarranged;
    weft_m_error unarranged_why;

    const char *active_mode; /* atomic; static text */

    wf_seekers seekers;
    wf_stats stats;
};

typedef struct wf_call {
    weft_matcher *matcher;
    enum weft_m_op op;
    weft_time started;
    weft_m_error *error;
} wf_call;

/* The caller's options over the defaults. */
void wf_m_options_take(weft_m_options *options, const weft_m_options *given);

/* A matcher without a catalogue: give it one, or weft_m_close it. */
int wf_matcher_new(weft_matcher **out, const weft_m_options *options, weft_m_error *error);
void wf_matcher_opened(weft_matcher *matcher); /* it is its user's to close, from now on */

/* The sections of the file that save would write; `detector` may be NULL. */
int wf_matcher_pack(weft_matcher *matcher, const wf_snapshot *snapshot, const wf_detector *detector,
                    wf_pack *pack);

/* weft_m_load from memory, for tests and fuzzing. */
WEFT_WAITS int wf_matcher_of_bytes(weft_matcher **out, const void *bytes, size_t count,
                                   weft_m_error *error);

/* 0; -WEFT_M_ECLOSED or -ECANCELED with the error filled, and then there is no end. */
WEFT_WAITS int wf_call_begin(wf_call *call, weft_matcher *matcher, enum weft_m_op op,
                             weft_m_error *error);

/* Counts a success (rc >= 0) and returns rc. */
int wf_call_end(wf_call *call, int rc);

/* What the computing of a call minds. */
static inline wf_job wf_call_job(const wf_call *call)
{
    return (wf_job){.stop = &call->matcher->stop};
}

/* The present snapshot with a reference; NULL: NEW. */
wf_snapshot *wf_matcher_snapshot(weft_matcher *matcher);

/* The present catalogue with a reference. */
wf_catalogue *wf_matcher_catalogue(weft_matcher *matcher);

/* The detector made last, with a reference, if it is of this snapshot's scorer; else NULL. */
wf_detector *wf_matcher_detector(weft_matcher *matcher, const wf_snapshot *snapshot);

/* The snapshot, fitting first if the matcher is NEW.  A reference in *out. */
WEFT_WAITS int wf_matcher_ready(wf_call *call, wf_snapshot **out);

/* Reads the model, if the matcher has one that was not read yet.  `changes` is held, or nobody else
 * knows the matcher. */
WEFT_WAITS int wf_matcher_read_model(weft_matcher *matcher, weft_m_error *error);

/* Builds a scorer of `catalogue`, learning again from what was learnt from, and makes both the
 * matcher's.  `changes` is held. */
WEFT_WAITS int wf_matcher_build(wf_call *call, wf_catalogue *catalogue);

/* The building of one scorer or more, told as one. */
typedef struct wf_course {
    wf_call *call;
    weft_m_progress_fn *progress; /* may be NULL */
    void *progress_arg;
    size_t before, total; /* of those that are built; of all */
    size_t weights_over;  /* of the last one that was too large to learn; 0: there is none */
} wf_course;

/* Builds a scorer in parts, with progress.  0, or negative. */
WEFT_WAITS int wf_course_build(wf_course *course, wf_scorer *scorer);

/* Tells that all is done, if the last one did not. */
WEFT_WAITS int wf_course_end(wf_course *course);

/* Makes a built scorer and its catalogue the matcher's, in one step.  0 or -ENOMEM. */
int wf_matcher_publish(weft_matcher *matcher, wf_scorer *scorer);

/* With the option check_hierarchy: 0, or why the hierarchy of this catalogue is refused. */
int wf_hierarchy_check(const weft_matcher *matcher, wf_catalogue *catalogue, weft_m_error *error);

/* Drops what was read of a hierarchy whose catalogue is not the present one any more. */
void wf_hierarchy_forget(weft_matcher *matcher);

/* Hands a measurement to the callback, if there is one. */
void wf_metric(weft_matcher *matcher, const char *name, double value, const char *unit,
               const char *stage);

/* How long the call has taken so far. */
void wf_metric_took(const wf_call *call, const char *name, const char *stage);

/* What one call asks, checked and ready to be shared by threads. */
typedef struct wf_request {
    wf_call *call;
    weft_m_results *results;
    const weft_str *queries;
    uint64_t *allowed; /* owned; NULL: all */
    size_t blocking_top_k, retrieval_top_k, final_top_k;
    uint64_t cached, encoded; /* atomic: vectors found in the cache, and made */

    /* Of weft_m_novelty; NULL otherwise.  Borrowed. */
    const wf_detector *detector;
    wf_verdict *verdicts; /* one a query */
    enum wf_peers peers;
} wf_request;

/* Checks queries and settings. */
int wf_m_request_check(const weft_matcher *matcher, const weft_str *queries, size_t query_count,
                       const weft_m_query *query, weft_m_error *error);

/* Takes the snapshot and makes room for the answers; close in any case. */
WEFT_WAITS int wf_request_open(wf_request *request, wf_call *call, const weft_str *queries,
                               size_t query_count, const weft_m_query *query);

/* The slices of a batch, and how many of them go to the threads together. */
typedef struct wf_slices {
    size_t size, together;
    weft_m_progress_fn *progress; /* may be NULL */
    void *progress_arg;
} wf_slices;

/* Answers all queries.  Without progress nobody sees slices: all go together. */
WEFT_WAITS int wf_request_run(wf_request *request, wf_slices *slices);

/* Hands the results over if `rc` is 0, frees them otherwise. */
int wf_request_close(wf_request *request, int rc, weft_m_results **out_results);

/* Answers queries [first, first + count), on all cores if they are many. */
WEFT_WAITS int wf_request_match(wf_request *request, size_t first, size_t count);

#endif
