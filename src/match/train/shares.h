/* SPDX-License-Identifier: MIT */

/* Shares: what the scores of labels make of them: they add up to 1. */
#ifndef WF_MATCH_TRAIN_SHARES_H
#define WF_MATCH_TRAIN_SHARES_H

#include <stddef.h>
#include <stdint.h>

/* Scores become shares, their softmax. */
void wf_share_out(float *scores, size_t count);

/* The same for a text of this label: returns minus the logarithm of its share, which then is less
 * by 1: that is the slope of the loss. */
double wf_share_out_off(float *scores, size_t count, uint32_t label);

#endif
