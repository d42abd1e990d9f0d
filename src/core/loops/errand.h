/* SPDX-License-Identifier: MIT */

/*
 * Errand: what one loop asks of another, with an answer.  Two messages in memory of who asks.
 *
 *     home                               host
 *     wf_errand_send     -- out ------>  arrive()
 *     wf_errand_recall   -- recall --->  recall(), if it is not answered yet
 *     back()             <-- out ------  wf_errand_answer
 *
 * `back` is called once, when all that was sent is home again: from then on the memory is the
 * caller's.  Nothing here needs memory or waits.
 */
#ifndef WF_ERRAND_H
#define WF_ERRAND_H

#include <weft/sys/loop.h>

struct wf_errand;

struct wf_errand_class {
    void (*arrive)(struct wf_errand *errand); /* on the host */
    void (*recall)(struct wf_errand *errand); /* on the host: the answer may come early now */
    void (*back)(struct wf_errand *errand);   /* at home */
};

struct wf_errand {
    const struct wf_errand_class *errand_class;
    weft_msg out, recall;
    weft_loop *home;      /* lives until the errand is over: somebody waits there */
    uint32_t host_number; /* see registry.h */
    bool is_recalled;     /* home's: `recall` was sent */
    bool is_home;         /* home's: `out` is back */
    bool is_answered;     /* the host's */
    bool was_heard;       /* the host's, until `out` is on its way back: `recall` came in time */
    bool is_outside;      /* home's: the host is of another run */
};

/* From the calling thread's loop to `host`, which lives. */
void wf_errand_send(struct wf_errand *errand, const struct wf_errand_class *errand_class,
                    weft_loop *host);

/* At home.  A second time, or when the answer is there, it does nothing. */
void wf_errand_recall(struct wf_errand *errand);

/* On the host, once: the errand is not the host's any more. */
void wf_errand_answer(struct wf_errand *errand);

#endif
