/* SPDX-License-Identifier: MIT */

/*
 * Strategy: one way to say how new a text is to a catalogue.  Its score may have any scale as long
 * as it grows with novelty: what it is worth, and where the line is, comes from the catalogue
 * (novelty/calibration.h).  A strategy is one file with one table; novelty/strategies.c lists them.
 */
#ifndef WF_MATCH_STRATEGY_H
#define WF_MATCH_STRATEGY_H

#include "match/novelty/ground.h"
#include "match/score/rank.h"

#define WF_STRATEGIES_MAX 16u

/* What strategies may be told.  All have a default. */
typedef struct wf_novel_params {
    uint32_t neighbours; /* of knn_distance; at most WF_NEAR_MAX */
} wf_novel_params;

/* One text, as much of it as the strategies asked for need. */
typedef struct wf_novel_query {
    const wf_ground *ground;
    const wf_novel_params *params;
    const wf_job *job;
    weft_str raw;
    wf_points folded;      /* of it, if a strategy needs the text */
    const wf_found *found; /* the entities the scorer found, best first, at threshold 0 */
    size_t found_count;
    double doubt; /* of the scorer, that any of them is meant */
    wf_absent absent;
    bool is_row; /* the text is a row that is absent */
    float vector[WF_SPACE_DIM];
    wf_spot spot;
    wf_near near[WF_NEAR_MAX]; /* nearest references, nearest first */
    size_t near_count;
} wf_novel_query;

typedef struct wf_novel_class {
    const char *id;
    double weight;    /* its part in a weighted combination */
    bool needs_text;  /* folded */
    bool needs_space; /* vector, spot, the ground's references and centres */
    bool needs_near;  /* and the nearest references */

    /* What it knows of the ground, once.  NULL: it keeps nothing. */
    int (*make)(void **out, const wf_ground *ground, wf_seeker *seeker, const wf_job *job);

    /* 0, or what the job was halted with. */
    int (*score)(const void *state, const wf_novel_query *query, double *out);

    void (*destroy)(void *state); /* NULL state is fine; NULL if there is no make */
} wf_novel_class;

extern const wf_novel_class wf_novel_calibrated;
extern const wf_novel_class wf_novel_centroid;
extern const wf_novel_class wf_novel_clustering;
extern const wf_novel_class wf_novel_confidence;
extern const wf_novel_class wf_novel_energy;
extern const wf_novel_class wf_novel_knn;
extern const wf_novel_class wf_novel_lof;
extern const wf_novel_class wf_novel_mahalanobis;
extern const wf_novel_class wf_novel_oneclass;
extern const wf_novel_class wf_novel_pattern;
extern const wf_novel_class wf_novel_uncertainty;

/* The strategy with this id or one of its other names; NULL: there is none. */
const wf_novel_class *wf_novel_class_of(weft_str id);

/* A name that other systems have and this one leaves out on purpose. */
bool wf_novel_is_left_out(weft_str id);

/* All ids, for a message. */
void wf_novel_ids(char *out, size_t bytes);

#endif
