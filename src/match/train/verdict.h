/* SPDX-License-Identifier: MIT */

/* Verdict: what a trial tells, and its place in a file. */
#ifndef WF_MATCH_VERDICT_H
#define WF_MATCH_VERDICT_H

#include "match/file/image.h"
#include "match/score/scorer.h"

enum wf_trial_why {
    WF_TRIAL_BETTER,     /* than what costs less */
    WF_TRIAL_NOT_BETTER, /* is what costs more */
    WF_TRIAL_FORGETS,    /* what would be better knows names with slips worse */
    WF_TRIAL_TOO_LARGE,  /* is what costs more */
    WF_TRIAL_WHYS,
};

/* Where it stands how one did; `cls` NULL: the untrained one. */
weft_m_tried *wf_trial_tried(weft_m_trial *trial, const wf_scorer_class *cls);

/* Fills winner and why. */
void wf_trial_end(weft_m_trial *trial, const wf_scorer_class *winner, enum wf_trial_why why);

void wf_trial_save(const weft_m_trial *trial, wf_pack *pack);

/* Takes what a file has; nothing of one of before there were slips. */
void wf_trial_load(weft_m_trial *trial, const wf_image *image);

#endif
