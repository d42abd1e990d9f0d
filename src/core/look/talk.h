/* SPDX-License-Identifier: MIT */

/*
 * A talk: one question of another process and our answer (ask_priv.h).  Belongs to the watching
 * thread, which never waits for the other process or for the loop: a process that sends no
 * question, or does not read the answer, is cut off after a while.
 */
#ifndef WF_TALK_H
#define WF_TALK_H

#include <weft/sys/loop.h>

#include "base/buf.h"
#include "core/look/ask_priv.h"
#include "core/look/topic.h"

struct wf_peek;
struct wf_peek_asker;

enum wf_talk_state {
    WF_TALK_NONE,
    WF_TALK_READS,   /* the question is coming */
    WF_TALK_SAMPLES, /* looks at the loop for a while */
    WF_TALK_WAITS,   /* for the loop */
    WF_TALK_SENDS,   /* what is left of the answer */
    WF_TALK_ENDING,  /* nobody listens any more, but the loop has not answered yet */
};

struct wf_talk {
    struct wf_sched *sched;
    struct wf_peek *peek;
    int wake_fd; /* the watching thread's */
    int state;   /* enum wf_talk_state */
    int fd;
    int loop_count;          /* that are asked, this one among them */
    uint16_t number;         /* of the question */
    bool is_plain;           /* there is no question: the tree, and nothing around it */
    weft_time end, loop_end; /* when to give up the other process, and the loop */
    weft_time sample_next, sample_end;
    char question[WF_ASK_QUESTION_BYTES];
    size_t question_bytes;
    wf_buf out;

    /* IDLE -> ASKED by the watching thread, which sends the message; -> TOLD by the loop.  The job
     * is the loop's while it is asked. */
    weft_msg msg;
    _Atomic int asked;
    struct wf_topic_job job;
};

/* Connects to the process that asks.  0; negative, and no talk, if it is gone, or is not of our
 * user or root.
 */
int wf_talk_begin(struct wf_talk *talk, const struct wf_peek_asker *asker, weft_time now);

/* Answers for a loop that is ending: that it has nothing to say. */
void wf_talk_decline(const struct wf_peek_asker *asker);

/* What to poll for, and when to work at the latest. */
short wf_talk_events(const struct wf_talk *talk);
weft_time wf_talk_next(const struct wf_talk *talk);

/* Goes on as far as it can without waiting; `events` came. */
void wf_talk_work(struct wf_talk *talk, int events, weft_time now);

/* On the loop's thread, when the watching thread has ended. */
void wf_talk_fini(struct wf_talk *talk);

#endif
