/* SPDX-License-Identifier: MIT */

/*
 * The loops of a run: how they start, end together, and take turns in simulation.
 *
 * The run goes on while `live` is not 0: the main task counts as one, and so does each loop that
 * has detached tasks.  Whoever takes the last one away closes it, for good, and stops all loops.
 */
#ifndef WF_LOOPS_PRIV_H
#define WF_LOOPS_PRIV_H

#include <weft/loops.h>
#include <weft/run.h>

#include <pthread.h>
#include <stdatomic.h>

struct wf_sched;
struct wf_survey;

/* One loop; it belongs to its thread but for `loop` and the messages. */
struct wf_member {
    struct wf_loops *loops;
    uint32_t index;
    weft_loop *loop;      /* once all have started any loop may read it */
    uint32_t loop_number; /* likewise, and still valid when the loop has ended: see registry.h */
    struct wf_workers *workers;
    weft_thread thread; /* not for the first, and none in simulation */
    bool has_thread;
    weft_msg end, stop;
};

struct wf_loops {
    const weft_config *config;
    const weft_platform *platform;
    uint32_t count;
    bool is_one_thread; /* simulation of more than one */
    _Atomic uint32_t live;
    _Atomic uint64_t rests;              /* see "a deadlock of threads" in loops.c */
    _Atomic uint32_t rests_with_futures; /* of them, those that wait for one */
    weft_msg deadlock;                   /* to the first */
    struct wf_survey *surveys;           /* the first one's: under way, and behind it; survey.h */
    uint32_t survey_count;               /* the first one's: how many there were */
    pthread_mutex_t lock;                /* the start only: protects the next three */
    pthread_cond_t changed;
    uint32_t started_count; /* members whose `loop` is made, or not, with `start_rc` */
    int start_rc;
    bool has_begun;
    struct wf_member members[];
};

/* Makes the set with its first loop on this thread, and starts the others.  -ENOMEM, -EINVAL, and
 * what starting a loop gives; then everything is undone. */
int wf_loops_start(struct wf_loops **out, const weft_config *config);

/* Called when the first loop has stopped: waits until all have, and frees everything.  NULL is
 * fine. */
void wf_loops_finish(struct wf_loops *loops);

/* -EPERM if `loop` is no loop of this one's run.  It may have gone. */
int wf_loops_check(const struct wf_sched *sched, const weft_loop *loop);

/* Count something that can make work (see `live`), and take it off again. */
void wf_loops_enter(struct wf_loops *loops);
void wf_loops_leave(struct wf_loops *loops);

/* wf_loops_enter() for a thread outside the run: false if the run has ended. */
bool wf_loops_try_enter(struct wf_loops *loops);

/* Called when the main task has ended: all loops cancel their detached tasks and wait for them. */
void wf_loops_end(struct wf_loops *loops);

/* One thread for all: turns each once, or moves time. */
void wf_loops_turn(struct wf_loops *loops);

/* With a thread for each loop: the loop is about to sleep.  True if nothing of its own can wake it,
 * so that it rests: all loops resting are a deadlock.  It must then call wf_loops_rise() when it
 * wakes. */
bool wf_loops_rest(struct wf_loops *loops, const weft_loop *loop);
void wf_loops_rise(struct wf_loops *loops, const weft_loop *loop);

/* ---- run.c: the life of one of them, on its thread ---- */
int wf_run_open(struct wf_member *member);
void wf_run_turns(struct wf_sched *sched, const uint32_t *live); /* while *live is not 0 */
void wf_run_see_out(struct wf_sched *sched);                     /* detached tasks (rule K03) */
void wf_run_break_deadlock(struct wf_sched *sched);
void wf_run_close(struct wf_member *member);

#endif
