/* SPDX-License-Identifier: MIT */

/*
 * Judge: one thread's memory for giving entities their probability, and its last judgement.
 *
 * Candidates are texts; entrants are the entities that have one of them as a row.  The first
 * candidates, always the same number however many answers are asked for, share the probability; the
 * tail behind them only gets what it would have had.
 */
#ifndef WF_MATCH_JUDGE_H
#define WF_MATCH_JUDGE_H

#include "match/embed/probe.h"
#include "match/score/model.h"
#include "match/score/phrase.h"
#include "match/score/rank.h"
#include "match/text/fold.h"

typedef struct wf_candidate {
    uint32_t text;
    bool is_tail, is_exact;
    double score; /* all signs but the entity's */
    double signs[WF_SIGN_COUNT];
} wf_candidate;

typedef struct wf_entrant {
    uint32_t entity, row, candidate; /* the best row, and its text among the candidates */
    double entity_cosine;
    double score; /* of all its rows */
    double probability;
    bool is_tail, is_exact;
} wf_entrant;

typedef struct wf_judge {
    wf_folded folded;
    wf_buf text; /* the query, folded, as UTF-8 */
    wf_folded padded;
    uint8_t *numbered; /* `padded`, in the numbers of a short query */
    size_t numbered_capacity;
    wf_phrase query, row;
    wf_probe probe;
    wf_rank nearest; /* texts */
    uint64_t *allowed;
    size_t allowed_capacity;
    wf_candidate *candidates;
    size_t candidate_count, candidate_capacity;
    uint64_t *keys, *spare;
    size_t key_count, key_capacity;
    wf_entrant *entrants; /* entities ascend */
    size_t entrant_count, entrant_capacity;
    double none;  /* score of "none of them"; -INFINITY: that is excluded */
    double total; /* ln of the sum of all exponentials */
} wf_judge;

void wf_judge_fini(wf_judge *judge);

#define WF_JUDGE_BEST 5u
#define WF_JUDGE_NO_SCORE (-5.0) /* below what any text scores that has something in common */

/* The scores of the best entities that share the probability, the best first. */
void wf_judge_find_best(const wf_judge *judge, double best[WF_JUDGE_BEST]);

/* Room for `count` items; what is there stays.  0 or -ENOMEM. */
int wf_judge_grow(void **items, size_t *capacity, size_t count, size_t item_bytes);

#endif
