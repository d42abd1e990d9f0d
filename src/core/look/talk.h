/* SPDX-License-Identifier: MIT */

/*
 * A talk with another process that asks (ask_priv.h).  Belongs to the thread that watches the loop,
 * which never waits for either: who does not read, or says nothing, is cut off after a while and
 * meanwhile keeps nobody but himself.
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
    WF_TALK_ENDING,  /* nobody listens any more, but the loop is still to come */
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
    weft_time end, loop_end; /* when we are tired of who asks, and of the loop */
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

/* Connects to who asks.  0; negative, and no talk, if that is not there, or not our user or root.
 */
int wf_talk_begin(struct wf_talk *talk, const struct wf_peek_asker *asker, weft_time now);

/* The same for a loop that ends. */
void wf_talk_decline(const struct wf_peek_asker *asker);

/* What to poll for, and when to work at the latest. */
short wf_talk_events(const struct wf_talk *talk);
weft_time wf_talk_next(const struct wf_talk *talk);

/* Goes on as far as it can without waiting; `events` came. */
void wf_talk_work(struct wf_talk *talk, int events, weft_time now);

/* By the loop's thread, when nobody watches any more. */
void wf_talk_fini(struct wf_talk *talk);

#endif
