/* SPDX-License-Identifier: MIT */

/*
 * Detector: some strategies, what they know of one snapshot's catalogue, and what their scores are
 * worth.  It is made in three steps: the strategies' states; the samples; the calibrations, which
 * follow from the samples alone.  A saved matcher keeps the samples, so that its detector is ready
 * with the states.  Constant once made, shared by reference count.
 *
 * Known sample: rows, perturbed (novelty/perturb.h) until they are equal to none; but every other
 * one whose entity has more rows is asked as it is, seen as absent itself, for that is what an
 * alias looks like that nobody has told; the former are slips to the calibration.  Novel sample:
 * rows asked with their own entity seen as absent; a row that another entity has too is no part of
 * it.  Of a trained head both are what a rehearsal (novelty/rehearsal.h) says.
 */
#ifndef WF_MATCH_DETECTOR_H
#define WF_MATCH_DETECTOR_H

#include "match/novelty/calibration.h"
#include "match/novelty/combine.h"
#include "match/novelty/perturb.h"
#include "match/novelty/rehearsal.h"
#include "match/score/scorer.h"
#include "match/score/texts.h"

/* Texts of each sample. */
#define WF_SAMPLE_MAX 1000u

/* Entities that a strategy looks at. */
#define WF_NOVEL_FOUND 5u

typedef struct wf_detector_plan {
    const wf_novel_class *classes[WF_STRATEGIES_MAX];
    size_t count;
    enum wf_combining combining;
    wf_novel_params params;
} wf_detector_plan;

bool wf_detector_plan_equals(const wf_detector_plan *a, const wf_detector_plan *b);

/* Scores of the samples: of text i and strategy s at [i * strategies + s]. */
typedef struct wf_samples {
    double *known, *novel;
    wf_kin *kin; /* of the known */
    size_t known_count, novel_count;
} wf_samples;

void wf_samples_fini(wf_samples *samples);

typedef struct wf_detector {
    unsigned refs;     /* atomic */
    wf_scorer *scorer; /* a reference */
    weft_m_options options;
    wf_detector_plan plan;
    bool needs_text, needs_space, needs_near; /* any of its strategies */
    wf_ground ground;
    wf_texts texts; /* of the rows, folded; empty where the scorer folds itself */
    void *states[WF_STRATEGIES_MAX];
    double points_a_slip; /* WF_POINTS_A_SLIP; tools/fit-novelty tries others */
    wf_samples samples;
    wf_calibration calibrations[WF_STRATEGIES_MAX];
    wf_combiner combiner;
    wf_calibration combined;
} wf_detector;

/* What is said of one text. */
typedef struct wf_verdict {
    wf_opinion opinions[WF_STRATEGIES_MAX];
    double p, value; /* of all together */
    bool is_exact;   /* equal to a row: never novel */
    bool is_blank;
} wf_verdict;

int wf_detector_new(wf_detector **out, wf_scorer *scorer, const wf_detector_plan *plan,
                    const weft_m_options *options);
wf_detector *wf_detector_ref(wf_detector *detector);
void wf_detector_unref(wf_detector *detector); /* NULL is fine */

/* The states.  `examples` are those the scorer learnt from, or NULL.  0, -ENOMEM, or what the job
 * was halted with. */
int wf_detector_make(wf_detector *detector, const wf_examples *examples, wf_seeker *seeker,
                     const wf_job *job);

/* Room for the samples; then each text of them, 0 to wf_detector_sample_count() - 1, in any order
 * and by any thread; then the calibrations.  With a rehearsal (else NULL) all texts in each of its
 * rounds: those of other rounds are passed over. */
int wf_detector_begin_samples(wf_detector *detector, const wf_rehearsal *rehearsal);
size_t wf_detector_sample_count(const wf_detector *detector);
int wf_detector_take_sample(wf_detector *detector, size_t index, const wf_rehearsal *rehearsal,
                            wf_seeker *seeker, const wf_job *job);
int wf_detector_calibrate(wf_detector *detector);

/* The verdict on the text that the scorer was asked for last with this seeker, whose rank has the
 * answer.  The judgement in the seeker is lost, the rank stays. */
int wf_detector_judge(const wf_detector *detector, wf_seeker *seeker, const wf_ask *ask,
                      enum wf_peers peers, wf_verdict *out);

/* ---- files ---- */

/* What is left of a detector in a file. */
typedef struct wf_detector_kept {
    wf_detector_plan plan;
    wf_samples samples;
} wf_detector_kept;

void wf_detector_kept_free(wf_detector_kept *kept); /* NULL is fine */

void wf_detector_save(const wf_detector *detector, wf_pack *pack);

/* *out is NULL if it is not there, or of another version.  0, -ENOMEM, -WEFT_M_EPERSIST. */
int wf_detector_load(wf_detector_kept **out, const wf_image *image);

#endif
