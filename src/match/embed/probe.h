/* SPDX-License-Identifier: MIT */

/*
 * Probe: the runs of characters of one text, ready to be compared with many other texts.  The
 * cosine is exact, by the weights of embed/lexical.h without dimensions or signs, and needs nothing
 * of the other text but its characters and its length as a vector.
 */
#ifndef WF_MATCH_PROBE_H
#define WF_MATCH_PROBE_H

#include "match/embed/lexical.h"
#include "match/embed/places.h"

struct probe_place;

/* A run of a short text, at its first place. */
typedef struct wf_probe_run {
    float weight, idf; /* idf 0: not known */
    uint32_t count;    /* in the text under way; 0 between texts */
} wf_probe_run;

typedef struct wf_probe {
    struct probe_place *places; /* open addressing */
    uint32_t *met;              /* places seen in the text under way */
    unsigned bits;
    size_t met_count;
    double norm;                                          /* 0: nothing in it is known */
    wf_probe_run runs[WF_GRAM_MAX - WF_GRAM_MIN + 1][64]; /* by length and place, padded */
} wf_probe;

void wf_probe_fini(wf_probe *probe);

/* The length of the vector of the runs that `encoder` has just read (as a whole); without words. */
double wf_probe_norm(const wf_encoder *encoder);

/* Takes the text that `encoder` has just read.  0 or -ENOMEM. */
int wf_probe_take(wf_probe *probe, const wf_encoder *encoder);

/* The cosine with a text, 0..1: its characters with a space at both ends, and its length. */
double wf_probe_cosine(wf_probe *probe, wf_points padded, double norm);

/* The same for a text that has places, instead of wf_probe_take and wf_probe_cosine. */
void wf_probe_take_short(wf_probe *probe, const wf_encoder *encoder, wf_points text);
double wf_probe_cosine_short(wf_probe *probe, const wf_places *places, wf_numbered padded,
                             double norm);

#endif
