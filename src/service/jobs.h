/* SPDX-License-Identifier: MIT */

/*
 * Jobs: work that goes on when the client that asked for it has gone.  A job fits a matcher, or
 * discovers what is missing in it.
 *
 * Any loop may add, look at and cancel jobs; workers, tasks of one loop, do them, one at a time for
 * each matcher.  Who watches a job waits at its bell, and sees what it is, not each step it took: a
 * slow watcher misses steps and holds nobody up.
 */
#ifndef WF_SERVICE_JOBS_H
#define WF_SERVICE_JOBS_H

#include "base/arena.h"
#include "service/bell.h"
#include "service/match_metrics.h"
#include "service/registry.h"

#include <weft/discover.h>
#include <weft/task.h>

#define JOBS_QUEUE_MAX 32              /* that wait; one more is refused */
#define JOBS_WORKERS 2                 /* that run */
#define JOBS_KEPT_MAX 100              /* that are over and can still be looked at */
#define JOBS_AGE_MAX (3600 * WEFT_SEC) /* how long they can */
#define JOBS_ID_BYTES 17

enum job_state { JOB_QUEUED, JOB_RUNNING, JOB_DONE, JOB_FAILED, JOB_CANCELLED };

struct job_order;

/* A job in the hands of a worker. */
struct job_work {
    const struct job_order *order;
    const struct named *named;
    int (*progress)(size_t done, size_t total, void *arg); /* as weft_m_fit_options.progress */
    void *progress_arg;
    weft_text *result;   /* JSON, for kinds that have one; empty */
    weft_m_error *error; /* of a failure; its rc 0: the code says all */
};

struct job_kind {
    const char *name;
    bool has_result;
    WEFT_WAITS int (*run)(const struct job_work *work); /* 0 or negative */
};

/* What is to be done; all texts are in the arena.  Each kind has members of its own. */
struct job_order {
    const struct job_kind *kind;
    wf_arena arena;
    union {
        struct {
            weft_m_example *examples;
            size_t example_count;
            weft_m_fit_options options;
        } fit;
        struct {
            weft_str *texts;
            size_t text_count;
            weft_m_discover_options options;
            weft_m_novelty_options novelty;
            struct store *reviews; /* where records of it are added; NULL: nowhere */
        } discover;
    };
};

/* How a job stands. */
struct job_view {
    char id[JOBS_ID_BYTES];
    char matcher[REGISTRY_NAME_MAX + 1];
    const struct job_kind *kind;
    enum job_state state;
    size_t completed, total;                 /* never fall; 0 and 0 before it knows */
    uint64_t sequence;                       /* grows with every change */
    weft_time queued_at, began_at, ended_at; /* since 1970; 0: not yet */
    weft_m_error error;                      /* FAILED, CANCELLED */
};

struct job {
    wf_list link, ended_link;

    /* Of whoever ended it, once it is over. */
    struct job_order order;
    struct named *named; /* held */

    weft_text result; /* DONE: it stays as it is */

    /* Under the lock of the jobs. */
    struct job_view view;
    weft_time ended; /* on the clock of ages */
    const char *why; /* it shall end; NULL: no */
    weft_task task;  /* that fits; zeroed: none */
    unsigned holders;
    struct bell changed;
};

/* Invariants, under `lock`: in the order in which they came; `queued` are JOB_QUEUED. */
struct jobs {
    pthread_mutex_t lock;
    struct bell work; /* a job can begin, or the end has come */
    wf_list items;
    size_t queued, over;
    bool is_stopping;
    struct registry *registry;
    struct measures *measures;
};

void jobs_init(struct jobs *jobs, struct registry *registry, struct measures *measures);
WEFT_WAITS void jobs_fini(struct jobs *jobs); /* no worker is left */

/* Queues one; takes the order and the reference, also on failure.  Its id is in *out.  -EAGAIN: the
 * queue is full; -ECONNREFUSED: no more are taken; -ENOMEM, -EIO. */
WEFT_WAITS int jobs_add(struct jobs *jobs, struct named *named, struct job_order *order,
                        char out[JOBS_ID_BYTES]);

/* With a reference; NULL: none of this id. */
struct job *jobs_get(struct jobs *jobs, weft_str id);
void jobs_release(struct jobs *jobs, struct job *job);

void jobs_look(struct jobs *jobs, const struct job *job, struct job_view *out);

/* Looks when it is past `sequence`, or over.  0 or -ECANCELED. */
WEFT_WAITS int jobs_watch(struct jobs *jobs, struct job *job, uint64_t sequence,
                          struct job_view *out);

static inline bool job_is_over(enum job_state state)
{
    return state >= JOB_DONE;
}

/* Asks it to end; `why` is a literal.  One that waits is over at once, one that runs soon. */
WEFT_WAITS void jobs_cancel(struct jobs *jobs, struct job *job, const char *why);

/* Cancels those whose matcher is not in the registry any more. */
WEFT_WAITS void jobs_cancel_stale(struct jobs *jobs);

/* The last that came first, at most `count`; how many there were. */
size_t jobs_list(struct jobs *jobs, struct job_view *out, size_t count);

/* No more are taken, and those there are end; how many. */
WEFT_WAITS size_t jobs_stop(struct jobs *jobs);

/* A task: does jobs until they are stopped or it is cancelled; then none runs, and no more are
 * taken.  If it cannot be spawned, stop them. */
WEFT_WAITS int jobs_run(void *jobs);

#endif
