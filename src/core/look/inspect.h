/* SPDX-License-Identifier: MIT */

/*
 * Inspect: answers other processes that ask what this loop is doing (rule O02), a few at a time.
 * Belongs to the watching thread.
 */
#ifndef WF_INSPECT_H
#define WF_INSPECT_H

#include "core/look/peek.h"
#include "core/look/talk.h"

#include <poll.h>

#define WF_INSPECT_TALKS 4 /* at once; who comes later waits */
#define WF_INSPECT_HEARD 16

struct wf_inspect {
    struct wf_peek *peek;
    struct wf_talk talks[WF_INSPECT_TALKS];
    struct wf_peek_asker heard[WF_INSPECT_HEARD]; /* the last that were answered, in a ring */
    uint32_t heard_count;
};

void wf_inspect_init(struct wf_inspect *inspect, struct wf_sched *sched, struct wf_peek *peek,
                     int wake_fd);

/* By the loop's thread, when nobody watches any more. */
void wf_inspect_fini(struct wf_inspect *inspect);

/* What to poll for; when to work at the latest: at once if somebody has come. */
void wf_inspect_poll(const struct wf_inspect *inspect, struct pollfd out[WF_INSPECT_TALKS]);
weft_time wf_inspect_next(const struct wf_inspect *inspect);

/* Goes on with all of them, as far as it can without waiting. */
void wf_inspect_work(struct wf_inspect *inspect, const struct pollfd polled[WF_INSPECT_TALKS]);

#endif
