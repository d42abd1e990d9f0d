/* SPDX-License-Identifier: MIT */

/*
 * Trial: which way of learning is worth it?  Examples are held out, a part at a time; heads that
 * have learnt from the others, and for auto the untrained scorer, are asked for each.  A head that
 * is fitted to few examples of many labels can be much worse than no head.
 *
 * They are asked for names with slips too (train/questions.h), which together count at most as much
 * as the examples.  A way is taken if it is right more often in the sum than every one before it:
 * not learning, a head, what costs more; and none that learns if it knows the slips worse than not
 * learning does, by more than chance.
 *
 * What cannot be taken any more is not trained further, nor is what is not ahead of not learning
 * after two fifths of the questions; what costs more than a head is tried where a head is better
 * than not learning.
 */
#ifndef WF_MATCH_TRIAL_H
#define WF_MATCH_TRIAL_H

#include "match/matcher_priv.h"

/* What auto does by the number of examples: "bert" for at least 8 of each label and 100 in all,
 * "head-only" for fewer than 3 of each, "full" otherwise. */
const wf_scorer_class *wf_trial_resolve(const wf_catalogue *catalogue, const wf_examples *examples);

/*
 * The best, built with all examples.  auto tries the untrained scorer, a head and what `asked` is;
 * full (`is_auto` false) a head and a full one.  *out_trial says what came of it.  0, or negative.
 */
WEFT_WAITS int wf_trial_run(wf_course *course, wf_catalogue *catalogue, wf_examples *examples,
                            const wf_scorer_class *asked, bool is_auto, wf_scorer **out,
                            weft_m_trial *out_trial);

/* True if of two ways of answering one is right more rarely than chance explains: `lost` questions
 * only the other got right, `won` only this one (a sign test, at 5 %). */
bool wf_trial_is_worse(size_t lost, size_t won);

#endif
