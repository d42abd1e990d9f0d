/* SPDX-License-Identifier: MIT */

/*
 * Model: how the signs of likeness between a query and a row make a probability.
 *
 * Each row gets a score, the sum of weight times sign; the scores of an entity's rows are joined by
 * log-sum-exp; "none of them" has a score of its own, which grows with the query's length and the
 * catalogue's size.  The probability of an entity is its exponential over the sum of all.
 *
 * The weights were fitted by tools/fit-score on the development sets, each set with the same
 * weight.  They are the same for every catalogue.
 */
#ifndef WF_MATCH_MODEL_H
#define WF_MATCH_MODEL_H

#include <stddef.h>

enum wf_sign {
    WF_SIGN_RUNS,         /* cosine of runs of characters */
    WF_SIGN_SOLID,        /* letters alike, without spaces */
    WF_SIGN_LETTERS,      /* letters alike */
    WF_SIGN_LETTERS_NEAR, /* … how near to 1 */
    WF_SIGN_QUERY_WORDS,  /* words of the query found in the row */
    WF_SIGN_ROW_WORDS,    /* words of the row found in the query */
    WF_SIGN_QUERY_NEAR,
    WF_SIGN_ENTITY,         /* cosine with all rows of the entity together */
    WF_SIGN_INITIALS,       /* the query is written as initials, and they are the row's */
    WF_SIGN_INITIALS_MAYBE, /* it could be initials, or the row could */
    WF_SIGN_NUMBERS,        /* part of the numbers that differ */
    WF_SIGN_BEST,           /* how near to 1 the best of runs, solid letters and words is */
    WF_SIGN_SOUND,          /* the same of the mean of solid letters and of sounds, if names */
    WF_SIGN_COUNT,
};

/* What people read: "runs", "letters" … */
const char *wf_sign_name(enum wf_sign sign);

double wf_sign_weight(enum wf_sign sign);

/* -ln(1.02 - value): how near to 1. */
double wf_nearness(double value);

/* The sum of weight times sign. */
double wf_model_score(const double signs[WF_SIGN_COUNT]);

/* How much speaks for "none of them", from -infinity to infinity: of the probability of the best
 * entity, of how far its score is from that of "none", and of the score of the fifth, -5 without
 * one, which says what a text scores by accident.  Fitted as the weights are. */
double wf_model_doubt(double probability, double lead, double fifth);

/* The score of "none of them", whatever the catalogue is but for its size. */
double wf_model_none(size_t letters, size_t words, size_t entities);

/* The score of a query that is equal to the only name of an entity; `names`: how much of it is
 * names. */
double wf_model_equal(double names);

/* What to add to the score of "none of them": less where the catalogue's own names are little ahead
 * of it (`usual_lead`), for they are of common words, and slips cost them as much as others; and
 * more where a text is like many (`fifth`, the score of the fifth entity, -5 without one), for it
 * may be so by accident.  Fitted behind the weights.  Of a few entities the fifth says little: from
 * 199 down to 8 it becomes nothing. */
double wf_model_none_here(double usual_lead, double fifth, size_t entities);

#endif
