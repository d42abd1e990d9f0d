/* SPDX-License-Identifier: MIT */

/*
 * Topics: what a loop can be asked about.  Its own thread collects the facts, a piece at a time
 * that takes well below a millisecond, and whoever asked puts them into words meanwhile.
 */
#ifndef WF_TOPIC_H
#define WF_TOPIC_H

#include <weft/base.h>

#include "base/buf.h"
#include "core/look/peek.h"

struct wf_sched;

/* The task that keeps a loop from answering, and where it is. */
struct wf_kept {
    struct wf_peek_answer answer;
    struct wf_peek_place place;
};

struct wf_topic_job {
    struct wf_sched *sched;
    const struct wf_topic *topic;
    const char *about;                      /* what followed the word; "" */
    void *data;                             /* of topic->data_bytes, zeroed at first */
    bool has_more;                          /* to be collected */
    void (*told)(struct wf_topic_job *job); /* called on the loop when `ask` is done */
    weft_time samples;                      /* how long `sample` is called first */
};

struct wf_topic {
    const char *word;
    size_t data_bytes;
    weft_time (*begin)(struct wf_topic_job *job); /* how long to sample first; NULL: not */
    void (*sample)(struct wf_topic_job *job);     /* by the watching thread, each ms */
    bool (*collect)(struct wf_topic_job *job);    /* on the loop; true: there is more */
    void (*ask)(
        struct wf_topic_job *job); /* instead of `collect`; calls `told` when all is there */
    void (*write)(struct wf_topic_job *job, wf_buf *out); /* after each piece */
    void (*fini)(struct wf_topic_job *job);               /* what hangs on `data`; NULL: nothing */
    /* Called instead if a task keeps the loop; NULL: the usual lines of text, each with `aside` in
     * front. */
    void (*write_kept)(const struct wf_sched *sched, const struct wf_kept *kept, wf_buf *out);
    const char *aside; /* NULL: nothing */
};

extern const struct wf_topic wf_topic_ps, wf_topic_ps_json, wf_topic_stack, wf_topic_graph,
    wf_topic_dot, wf_topic_stats, wf_topic_top;

/* NULL: there is none of that name. */
const struct wf_topic *wf_topic_named(weft_str word);

/* Begins a job in zeroed memory.  `about` is borrowed to its end.  0, -ENOMEM. */
int wf_topic_begin(struct wf_topic_job *job, const struct wf_topic *topic, struct wf_sched *sched,
                   const char *about);
void wf_topic_end(struct wf_topic_job *job); /* one that never began is fine */

/* "loop on epoll", or where there are more "loop 0 of 2 on epoll". */
void wf_topic_put_loop(const struct wf_sched *sched, wf_buf *out);

/* Collects and writes everything, in a task of that loop. */
WEFT_WAITS void wf_topic_tell(const struct wf_topic *topic, struct wf_sched *sched,
                              const char *about, wf_buf *out);

#endif
