/* SPDX-License-Identifier: MIT */

/*
 * Proximity: how near a text is to what was learnt: its cosine with the nearest text, and with the
 * sum of the texts of the nearest label.
 *
 * A text learnt has few features that are rare, and nearly all of its length is theirs; the lists
 * of common ones are long.  So only the lists of rare ones are read.  What the others can add to a
 * cosine is at most the product of both lengths in them, and the few texts that could still be the
 * nearest are summed feature by feature: the result is that of summing all, to the last bit.
 */
#ifndef WF_MATCH_PROXIMITY_H
#define WF_MATCH_PROXIMITY_H

#include "match/train/pupil.h"
#include "match/train/sparse.h"

typedef struct wf_proximity {
    const wf_sparse *texts, *features; /* the same numbers; borrowed */
    wf_sparse sums;                    /* features: labels, with what their texts have together */
    float *norms;                      /* of the sum of a label's texts */
    float *common;                     /* the length of a text in common features … */
    float common_max;                  /* … and the greatest */
    size_t label_count;
} wf_proximity;

/* `texts` are at most 1 long; text_label[t] is below `label_count`.  0, -ENOMEM, or why to end. */
int wf_proximity_init(wf_proximity *it, const wf_sparse *texts, const wf_sparse *features,
                      const uint32_t *text_label, size_t label_count, const wf_job *job);
void wf_proximity_fini(wf_proximity *it);

/* The cosine of the query in `work`, which has room for all of this, with the nearest text; 0 if
 * nothing is shared. */
double wf_nearest_text(const wf_proximity *it, wf_pupil *work);

/* … and with the nearest label. */
double wf_nearest_label(const wf_proximity *it, wf_pupil *work);

size_t wf_proximity_bytes(const wf_proximity *it);

#endif
