/* SPDX-License-Identifier: MIT */

/*
 * Kin: the entities that one question has reached, and how.  The matcher finds some; what lies
 * around those is added; what of that the matcher did not find by itself it is asked for; then all
 * are scored.  Besides, the probabilities of what was found are summed upwards.
 */
#ifndef WF_MATCH_HIERARCHY_KIN_H
#define WF_MATCH_HIERARCHY_KIN_H

#include "match/hierarchy/walk.h"
#include "match/score/scorer.h"

/* What is asked, checked. */
typedef struct wf_kin_plan {
    const weft_hierarchy *hierarchy;
    wf_scorer *scorer;
    const weft_m_options *options; /* the matcher's */
    size_t top_k, relative_max;
    uint32_t depth_max;
    bool goes_up, goes_down;
    bool has_levels; /* scores are probabilities */
    double alpha, beta;
    float threshold;
} wf_kin_plan;

/* How an entity is related to one that was found. */
typedef struct wf_tie {
    uint32_t kin; /* which entity, by its number in the roster */
    uint32_t via; /* entity */
    uint32_t depth;
    float weight;
    enum weft_m_relation relation;
} wf_tie;

/* A thread's memory for it.  A zeroed one is ready. */
typedef struct wf_kin_desk {
    wf_roster roster;
    float *semantic; /* of each in the roster; NaN: not known yet */
    size_t semantic_capacity;
    wf_tie *ties; /* every entity has one, some have several */
    size_t tie_count, tie_capacity;
    bool was_cut;

    wf_walk walk;
    uint64_t *asked; /* entities to ask for, as bits; zero in between */
    size_t asked_words;
    weft_m_hierarchy_hit *hits; /* of each in the roster, the best */
    size_t hit_capacity;

    wf_roster above; /* what has a probability, and all that lies above it */
    double *sums, *owns;
    size_t sum_capacity;
    uint32_t *way; /* down, as numbers of `above` */
    size_t way_capacity;
} wf_kin_desk;

wf_kin_desk *wf_kin_desk_new(void);       /* NULL: no memory */
void wf_kin_desk_free(wf_kin_desk *desk); /* NULL is fine */
size_t wf_kin_desk_bytes(const wf_kin_desk *desk);

/* The question that the scorer is asked in place of `ask`. */
wf_ask wf_kin_ask(const wf_kin_plan *plan, const wf_ask *ask);

/* Makes the answer of what seeker->rank has of wf_kin_ask(); *out, one block, is the caller's.
 * `other` is asked for the rest: the same seeker, unless that is in the middle of something.  0,
 * -ENOMEM, or what the job was halted with. */
int wf_kin_answer(const wf_kin_plan *plan, wf_seeker *seeker, wf_seeker *other, const wf_ask *ask,
                  weft_m_hierarchy_result **out);

/* ---- parts of it ---- */

/* Boost and penalty of a tie and the score they make of a semantic score. */
void wf_kin_score(const wf_kin_plan *plan, const wf_tie *tie, float semantic,
                  weft_m_hierarchy_hit *out);

/* Sums the probabilities of seeker->rank upwards: fills desk->above, sums and owns. */
int wf_kin_sum(const wf_kin_plan *plan, wf_kin_desk *desk, const wf_rank *rank, const wf_ask *ask);

/* The way down from the top: up to `most` entities into `out`, as numbers in desk->above.  0, or
 * what the job was halted with. */
int wf_kin_descend(const wf_kin_plan *plan, const wf_kin_desk *desk, const wf_ask *ask,
                   uint32_t *out, size_t most, size_t *out_count);

#endif
