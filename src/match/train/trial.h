/* SPDX-License-Identifier: MIT */

/*
 * Trial: is it worth learning?  Examples are held out, a part at a time; a head that has learnt
 * from the others and the untrained scorer are asked for each; the head is taken if it is right at
 * least as often.  A head that is fitted to few examples of many labels can be much worse than no
 * head.
 */
#ifndef WF_MATCH_TRIAL_H
#define WF_MATCH_TRIAL_H

#include "match/matcher_priv.h"

/* The better of the two, built with all examples.  0, or negative. */
WEFT_WAITS int wf_trial_run(wf_course *course, wf_catalogue *catalogue, wf_examples *examples,
                            wf_scorer **out);

#endif
