/* SPDX-License-Identifier: MIT */

/* Work: a seeker's memory for saying how new a text is. */
#ifndef WF_MATCH_NOVEL_WORK_H
#define WF_MATCH_NOVEL_WORK_H

#include "match/novelty/strategy.h"

struct wf_novel_work {
    wf_novel_query query;
    wf_buf text;       /* a text of a sample */
    uint64_t *allowed; /* entities */
    size_t allowed_capacity;
};

/* The seeker's, made if there is none.  NULL: no memory. */
struct wf_novel_work *wf_novel_work_of(wf_seeker *seeker);

void wf_novel_work_free(struct wf_novel_work *work); /* NULL is fine */

/* Lets all `count` entities be found but one.  0 or -ENOMEM. */
int wf_novel_work_allow(struct wf_novel_work *work, size_t count, uint32_t but);

#endif
