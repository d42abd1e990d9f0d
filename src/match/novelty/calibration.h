/* SPDX-License-Identifier: MIT */

/*
 * Calibration: what a strategy's score is worth, from two samples made of the catalogue itself:
 * scores of texts that mean an entity, and of texts whose entity was left out.
 *
 * The p-value of a score is the part of the known sample that is at least as novel, counted with
 * the text itself among it: (1 + those) / (1 + all).  Whatever the scores are, a text drawn as the
 * known sample was is taken for novel at level alpha with at most that probability (V. Vovk, A.
 * Gammerman and G. Shafer, "Algorithmic learning in a random world", 2005).
 *
 * But what is asked is not drawn so: a catalogue of names and codes is asked for names, one of
 * short labels for long sentences.  So texts of the sample count by how much they are of the
 * text's extent, in letters and in words (localized conformal prediction: L. Guan, Biometrika 110,
 * 2023; R. Tibshirani and others, "Conformal prediction under covariate shift", 2019).  Where the
 * sample has nothing of that extent, only the text itself is left, and its p-value is near 1: the
 * catalogue cannot tell what known texts look like there.  In the Mondrian form the count is
 * among texts of as many words, where there are enough.
 *
 * Nor is it known in what parts people ask with slips and by names that were not told.  Among
 * people who are "First Last" and "Last, First" the second is no news where the first is known:
 * half a sample of such would let twice alpha of all slips be alarms.  So what is new among all
 * must be new among the texts with slips, too: the p-value is the greater of both.
 *
 * The probability of novelty rises with the score: isotonic regression of the two samples, each
 * with half the weight, by pooling adjacent violators (M. Ayer and others, 1955); between the
 * middles of the pools it is a straight line, and beyond the first and last it approaches 0 and 1,
 * so that two scores never have one probability.
 */
#ifndef WF_MATCH_CALIBRATION_H
#define WF_MATCH_CALIBRATION_H

#include <weft/base.h>

/* Which texts of the known sample a text is compared with. */
enum wf_peers { WF_PEERS_NEAR, WF_PEERS_ALL, WF_PEERS_WORDS };

/* How long a text is. */
typedef struct wf_extent {
    uint16_t letters; /* characters but spaces */
    uint16_t words;
} wf_extent;

wf_extent wf_extent_of(weft_str text);

/* Steps of the kernel: beyond the last its weight is nothing. */
#define WF_NEAR_STEPS 16u

typedef struct wf_knot {
    double score, value;
} wf_knot;

/* A text of the known sample. */
typedef struct wf_peer {
    double score;
    bool is_slip;
    uint8_t letters, words; /* steps on a logarithmic scale */
} wf_peer;

typedef struct wf_calibration {
    wf_peer *known;
    size_t known_count;
    double near[WF_NEAR_STEPS]; /* weight by steps apart */
    wf_knot *knots;             /* scores and values ascend strictly */
    size_t knot_count;
    double spread; /* of the scores, for what is beyond the knots */
} wf_calibration;

/* What a text of the known sample is, beside its score. */
typedef struct wf_kin {
    wf_extent extent;
    uint32_t is_slip; /* 1: a row with slips; 0: something else that means its entity */
} wf_kin;

/* 0 or -ENOMEM; fini in any case.  Scores are finite; both samples may be empty. */
int wf_calibration_make(wf_calibration *calibration, const double *known, const wf_kin *kin,
                        size_t known_count, const double *novel, size_t novel_count);
void wf_calibration_fini(wf_calibration *calibration);

/* `extent` is that of the text with this score. */
double wf_calibration_p(const wf_calibration *calibration, double score, enum wf_peers peers,
                        wf_extent extent);

/* The part of all known texts that are at least as novel, counted with the text itself.  is_one: it
 * is one of them, and is not counted twice: of what is made of such parts, the sample's and those
 * of a text drawn as it was are then alike. */
double wf_calibration_rank(const wf_calibration *calibration, double score, bool is_one);
double wf_calibration_value(const wf_calibration *calibration, double score);

#endif
