/* SPDX-License-Identifier: MIT */

/* What a head holds while it is built, and the phases of its body. */
#ifndef WF_MATCH_BUILDING_H
#define WF_MATCH_BUILDING_H

#include "match/train/head.h"
#include "match/train/regression.h"

/* The tokens of all training texts, by a static model. */
typedef struct wf_tokens_learnt {
    uint32_t *ids;
    float *weights;
    size_t count, capacity;
    size_t *start; /* of a text; one more than texts */
    wf_sparse texts;
} wf_tokens_learnt;

void wf_tokens_learnt_fini(wf_tokens_learnt *tokens);

struct wf_head_building {
    size_t names_total; /* steps of building `names`; 0: that was built */
    uint64_t *keys;     /* of all texts, one after the other */
    uint32_t *counts;
    size_t *start;
    size_t key_count, key_capacity;
    wf_tokens_learnt tokens;
    wf_regression regression;
    float *shares; /* of the labels, for one text */
    const wf_job *job;

    unsigned phase;
    bool has_begun; /* the phase has */
    size_t phase_end;
    wf_minimum minimum;
    wf_training *training;
    float *points; /* of the training texts */
};

/* Whether so many weights may be learnt.  0, or -WEFT_ELIMIT, which the scorer's weights_over goes
 * with. */
int wf_head_check_weights(wf_head *it, size_t rows, size_t columns);

/* Takes the next text, for a body of a static model.  0 or -ENOMEM. */
int wf_head_learn_tokens(wf_head *it, wf_seeker *seeker, weft_str raw);

int wf_head_begin_contrast(wf_head *it);
int wf_head_begin_network(wf_head *it);
int wf_head_train(wf_head *it);
int wf_head_end_training(wf_head *it);

int wf_head_begin_points(wf_head *it);
int wf_head_minimise(wf_head *it);
int wf_head_end_points(wf_head *it);

#endif
