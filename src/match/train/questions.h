/* SPDX-License-Identifier: MIT */

/*
 * Questions: what a trial asks.  Every example, in the part in which it is held out, and rows of
 * the catalogue with a slip of the pen: what is learnt from examples alone forgets how names are
 * spelt.  The same examples and the same seed, the same questions.
 */
#ifndef WF_MATCH_QUESTIONS_H
#define WF_MATCH_QUESTIONS_H

#include "base/buf.h"
#include "match/catalogue.h"
#include "match/examples.h"
#include "match/seeker.h"
#include "match/work.h"

typedef struct wf_question {
    weft_str text;
    uint32_t entity; /* which is right; UINT32_MAX: none of them */
    uint32_t part;   /* in which it is asked */
} wf_question;

typedef struct wf_questions {
    wf_question *items; /* one an example, in their order; then the slips */
    size_t example_count, count;
    uint32_t part_count;
    wf_buf bytes; /* of the slips */
} wf_questions;

/* The examples, and as many slips but at least WF_SLIPS_MIN; at most WF_SLIPS_EACH of a row, and
 * none of codes, in which a slip makes another code.  0, -ENOMEM, or what the job was halted with;
 * fini in any case.  The catalogue and the examples live longer. */
#define WF_SLIPS_MIN 100u
#define WF_SLIPS_EACH 2u
int wf_questions_init(wf_questions *questions, const wf_catalogue *catalogue,
                      const wf_examples *examples, wf_seeker *seeker, const wf_job *job);
void wf_questions_fini(wf_questions *questions);

#endif
