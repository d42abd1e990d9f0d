/* SPDX-License-Identifier: MIT */

/*
 * Rehearsal: what the samples of a trained head are made of.  A head knows its own examples too
 * well to be asked for them, so there are five rounds, each with a head that has learnt without a
 * fifth of the entities and without a part of the others' examples: those examples are known texts
 * it has not seen (cross-fitting), all texts of those entities are new ones.  An entity without
 * examples has its rows instead: perturbed and asked of the whole head they are known texts.
 * Examples of "none" that were held out are new.
 */
#ifndef WF_MATCH_REHEARSAL_H
#define WF_MATCH_REHEARSAL_H

#include "match/novelty/ground.h"
#include "match/train/head.h"

#define WF_ROUNDS 5u

/* The round of texts that the whole head is asked for. */
#define WF_ROUND_WHOLE WF_ROUNDS

/* A text of a sample. */
typedef struct wf_line {
    uint32_t round;
    uint32_t place; /* a row or, with is_example, an example */
    bool is_example;
    wf_absent absent; /* for strategies that think in references */
} wf_line;

typedef struct wf_rehearsal {
    wf_scorer *whole;
    const wf_examples *examples;
    uint8_t *round_of; /* of an entity: the round it is not in; WF_ROUND_WHOLE: it is in all */
    uint8_t *held_out; /* of an example: the round it is not learnt in */
    wf_line *known, *novel;
    size_t known_count, novel_count;

    /* Of the round under way. */
    uint32_t round;
    wf_scorer *scorer; /* a reference */
    uint8_t *left_out;
    uint64_t *present;
} wf_rehearsal;

/* Lists the lines; at most `most` of each kind, evenly.  0 or -ENOMEM; fini in any case.  The
 * scorer is one that was trained and lives longer. */
int wf_rehearsal_init(wf_rehearsal *rehearsal, wf_scorer *whole, size_t most);
void wf_rehearsal_fini(wf_rehearsal *rehearsal);

/* Begins round 0 to WF_ROUND_WHOLE.  1: its scorer is to be built before it is asked; 0: it is
 * ready; or -ENOMEM. */
int wf_rehearsal_begin(wf_rehearsal *rehearsal, uint32_t round);

weft_str wf_rehearsal_text(const wf_rehearsal *rehearsal, const wf_line *line);

#endif
