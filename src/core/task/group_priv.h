/* SPDX-License-Identifier: MIT */

/* A group: a node of its owner under which its members hang, and a count of those not done. */
#ifndef WF_GROUP_PRIV_H
#define WF_GROUP_PRIV_H

#include <weft/group.h>

#include "core/task/sched_priv.h"

struct wf_group {
    struct wf_node node;
    struct wf_sched *sched;
    uint32_t slot, generation;
    uint32_t live; /* members that are not done */
    uint32_t error_count;
    int first_error;
    int wait_rc;
    bool is_over;   /* the owner waited and the last member has ended: nobody comes in any more */
    bool has_ended; /* and the wait has its result */
    bool is_abandoned, errors_read;
    weft_waiter *joiner;       /* the owner, waiting */
    wf_task *ended;            /* members' records kept for their handles */
    struct weft_error *errors; /* 64 of them, made at the first failure */
    struct weft_error first;   /* kept even without memory */
    struct wf_note *note;      /* the text of the first failure */
};

#define WF_GROUP_ERRORS_MAX 64

struct wf_group *wf_group_of_node(struct wf_node *node);
void wf_group_abandon(struct wf_group *group); /* its owner left it open */

/* Where the member's record is to be kept, if it is; the group may be gone after this. */
wf_task **wf_group_member_done(struct wf_group *group, wf_task *task);

void wf_group_start_ended(wf_task *task); /* it ended before it called weft_started() */

#endif
