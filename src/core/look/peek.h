/* SPDX-License-Identifier: MIT */

/*
 * Peek: looks at a loop's thread from another one (is it in a system call, how long did it
 * run, where is it?), and hears when another process asks for the task tree.  Both come by SIGURG,
 * which is ignored by default, so that one that comes late does no harm.
 */
#ifndef WF_PEEK_H
#define WF_PEEK_H

#include <weft/base.h>

struct wf_sched;

#define WF_PEEK_FRAMES 24

/* Of one thread.  Made by it, used by one other. */
struct wf_peek;

/* `wake_fd`: an event descriptor to be signalled when somebody has asked.  0, -ENOMEM. */
int wf_peek_new(struct wf_peek **out, struct wf_sched *sched, int wake_fd);

/* From now on nobody asks; who has asked is still to be taken.  By the thread that made it. */
void wf_peek_retire(struct wf_peek *peek);
void wf_peek_free(struct wf_peek *peek);

/* See ask_priv.h. */
struct wf_peek_asker {
    int pid;
    int loop_count; /* so many of this process are asked */
    uint16_t number;
    bool has_question;
};

/* One of those that asked since.  False: none. */
bool wf_peek_take_asker(struct wf_peek *peek, struct wf_peek_asker *out);
bool wf_peek_is_asked(const struct wf_peek *peek);

/* Processor time the thread has used. */
weft_time wf_peek_cpu(const struct wf_peek *peek);

enum wf_peek_where {
    WF_PEEK_RUNS,
    WF_PEEK_IN_CALL,        /* a system call that goes on after a signal */
    WF_PEEK_IN_TENDER_CALL, /* one that a signal may end early */
};

struct wf_peek_place {
    enum wf_peek_where where;
    char text[48]; /* "running", "in system call read" */
};

void wf_peek_find(const struct wf_peek *peek, struct wf_peek_place *out);

/* What is known of the thread. */
struct wf_peek_answer {
    char name[24];                /* of the running task; "(none)" */
    const char *site;             /* where it was spawned; "(a callback)" */
    void *frames[WF_PEEK_FRAMES]; /* innermost first */
    int frame_count;
};

/* Asks the thread by a signal.  In a tender call it is left alone, and if it does not answer for
 * 100 ms (it has the signal blocked, or the kernel does not let go of it) there is no backtrace. */
void wf_peek_ask(struct wf_peek *peek, enum wf_peek_where where, struct wf_peek_answer *out);

/* Who runs at this moment, without disturbing it.  The site of a task with a name of its own is not
 * known from here: then NULL. */
enum wf_peek_who { WF_PEEK_NOBODY, WF_PEEK_LOOP, WF_PEEK_TASK };
struct wf_peek_run {
    uint64_t id;
    const char *site;
};
enum wf_peek_who wf_peek_run(const struct wf_sched *sched, struct wf_peek_run *out);

#endif
