/* SPDX-License-Identifier: MIT */

/*
 * Handles of other loops (rule X02): what any thread may do with one.
 *
 * A cancel, a release and the news that somebody has the result are requests: bits in a word that
 * lies beside the task's record, and a message there that carries them, so that none needs memory
 * and none can fail.  The word names the generation it is meant for; the loop compares.
 */
#ifndef WF_FAR_H
#define WF_FAR_H

#include "core/loops/errand.h"
#include "core/task/sched_priv.h"

enum wf_far_bit { WF_FAR_CANCEL = 1, WF_FAR_RELEASE = 2, WF_FAR_RECEIVED = 4 };

/* Beside each record of a task.  It lies apart, so that it costs no memory until it is used. */
struct wf_far_request {
    weft_msg msg;    /* on its way while `word` has bits */
    uint64_t word;   /* atomic: generation << 8 | enum wf_far_bit */
    const char *why; /* atomic: of a cancel */
    uint32_t slot;   /* atomic: the record's */
};

/* True if the handle is of a loop that is not the calling thread's. */
static inline bool wf_is_far(weft_task task)
{
    const struct wf_sched *sched = wf_sched_self();
    return task.id != 0 && (task.id & WF_HANDLE_ERROR) == 0 &&
           (sched == NULL || wf_handle_loop(task.id) != sched->records.loop_number);
}

/* As weft_done(), but for the text of an error. */
int wf_far_done(weft_task task, int *out_result);

/* True if it has ended, or its record is gone.  Its result stays unread. */
bool wf_far_has_ended(weft_task task);

/* As weft_cancel(), weft_release(): soon. */
int wf_far_cancel(weft_task task, const char *why);
void wf_far_release(weft_task task);

/* Waits for its end, also while the calling task is cancelled if `is_shielded`.  Its result, -ESRCH
 * or -EPERM; *out_withdrawn: our scope was cancelled first, and we are not waiting any more. */
int wf_far_await(weft_task task, bool is_shielded, bool *out_withdrawn);

/* Who waits for a task of another loop together with something else has one of these, which stays
 * where it is until `over` has been called: once, here, when everything that was sent is home. */
struct wf_far_watch {
    struct wf_errand errand;
    weft_waiter there; /* among those that wait for the task's end, on its loop */
    weft_task task;
    void (*over)(struct wf_far_watch *watch);
    int rc;               /* then: its result, or -ECANCELED if it was taken back in time */
    struct wf_note *note; /* and its text, the caller's to drop */
};

/* `task` and `over` are filled in, the rest is zero.  0, or -ESRCH or -EPERM, and
 * `over` is not called. */
int wf_far_watch(struct wf_far_watch *watch);

/* Takes it back: `over` comes soon. */
static inline void wf_far_unwatch(struct wf_far_watch *watch)
{
    wf_errand_recall(&watch->errand);
}

static inline bool wf_far_is_withdrawn(const struct wf_far_watch *watch)
{
    return watch->errand.is_recalled && watch->errand.was_heard;
}

#endif
