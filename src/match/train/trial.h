/* SPDX-License-Identifier: MIT */

/*
 * Trial: which way of learning is worth it?  Examples are held out, a part at a time; heads that
 * have learnt from the others, and for auto the untrained scorer, are asked for each.  A head that
 * is fitted to few examples of many labels can be much worse than no head.
 */
#ifndef WF_MATCH_TRIAL_H
#define WF_MATCH_TRIAL_H

#include "match/matcher_priv.h"

/* What auto does by the number of examples: "bert" for at least 8 of each label and 100 in all,
 * "head-only" for fewer than 3 of each, "full" otherwise. */
const wf_scorer_class *wf_trial_resolve(const wf_catalogue *catalogue, const wf_examples *examples);

/*
 * The best, built with all examples.  auto tries the untrained scorer, a head and what `asked` is;
 * full (`is_auto` false) a head and a full one.  Learning must not be worse than not learning, and
 * what costs more than a head must be better than it.  *out_trial says what came of it.  0, or
 * negative.
 */
WEFT_WAITS int wf_trial_run(wf_course *course, wf_catalogue *catalogue, wf_examples *examples,
                            const wf_scorer_class *asked, bool is_auto, wf_scorer **out,
                            weft_m_trial *out_trial);

#endif
