/* SPDX-License-Identifier: MIT */

/*
 * Measure: how good answers are, when the right ones are known.  A text is known if it means an
 * entity of the catalogue, else novel.  Memory: 12 bytes a text.
 */
#ifndef WF_CMD_MEASURE_H
#define WF_CMD_MEASURE_H

#include <weft/base.h>

#define MEASURE_RANK_MAX 10u /* no right answer among so many is none */

struct measured {
    float score;               /* of the best answer; 0: there is none */
    uint8_t rank;              /* of the best right answer, from 0; MEASURE_RANK_MAX: none */
    bool is_known, is_flagged; /* flagged: taken for novel by the detector */
    float novelty;             /* what the detector says, 0..1 */
};

/* Zeroed is empty. */
struct measure {
    struct measured *items;
    size_t count, capacity;
};

/* A figure is NaN where it has no meaning: of novel texts when there is none. */
struct figures {
    size_t count, known_count;
    double accuracy;       /* known texts whose best answer is right */
    double recall_at_5;    /* known texts with a right answer among the first five */
    double mrr;            /* mean of 1 / place of the right answer, 0 if not among ten */
    double auroc;          /* a novel text has a lower score than a known one, ties half */
    double detection;      /* novel texts below the score that 1 % of the known ones are below */
    double open;           /* all texts answered right, or as novel, at the best threshold … */
    double open_threshold; /* … which is this */
    double at_threshold;   /* the same at the given threshold */
    double novelty_auroc, novelty_detection; /* the same two by what the detector says */
    double false_alarms, found;              /* known and novel texts that it takes for novel */
    double calibration; /* |mean score - share of right answers|, mean over ten bins */
};

/* Answers from a threshold on: how many of all texts have one, and how many of those are right;
 * NaN of none. */
struct coverage {
    double answered, right;
};

void measure_fini(struct measure *measure);
int measure_add(struct measure *measure, struct measured item); /* 0, -ENOMEM */

/* Sorts the items, by score at the end. */
struct figures measure_end(struct measure *measure, double threshold);

/* In any order of the items. */
struct coverage measure_coverage(const struct measure *measure, double threshold);

#endif
