/* SPDX-License-Identifier: MIT */

/* Examples: the matcher's own copy of what it learns from and how, constant, shared by reference
 * count. */
#ifndef WF_MATCH_EXAMPLES_H
#define WF_MATCH_EXAMPLES_H

#include "match/file/image.h"
#include "match/train/plan.h"

typedef struct wf_examples {
    unsigned refs; /* atomic */
    weft_m_example *items;
    size_t count;
    char *bytes; /* of all texts and labels */
    wf_plan plan;
} wf_examples;

/* 0 or -ENOMEM. */
int wf_examples_new(wf_examples **out, const weft_m_example *items, size_t count,
                    const wf_plan *plan);
wf_examples *wf_examples_ref(wf_examples *examples);
void wf_examples_unref(wf_examples *examples); /* NULL is fine */

void wf_examples_save(const wf_examples *examples, wf_pack *pack);
int wf_examples_load(wf_examples **out, const wf_image *image); /* 0, -ENOMEM, -WEFT_M_EPERSIST */

#endif
