/* SPDX-License-Identifier: MIT */

/*
 * Probe: the runs of characters of one text, ready to be compared with many other texts.  The
 * cosine is exact, by the weights of embed/lexical.h without dimensions or signs, and needs nothing
 * of the other text but its characters and its length as a vector.
 */
#ifndef WF_MATCH_PROBE_H
#define WF_MATCH_PROBE_H

#include "match/embed/gram.h"
#include "match/embed/lexical.h"

struct probe_place;

typedef struct wf_probe {
    struct probe_place *places; /* open addressing */
    uint32_t *met;              /* places seen in the text under way */
    unsigned bits;
    size_t met_count;
    double norm; /* 0: nothing in it is known */
} wf_probe;

void wf_probe_fini(wf_probe *probe);

/* The length of the vector of the runs that `encoder` has just read (as a whole); without words. */
double wf_probe_norm(const wf_encoder *encoder);

/* Takes the text that `encoder` has just read.  0 or -ENOMEM. */
int wf_probe_take(wf_probe *probe, const wf_encoder *encoder);

/* The cosine with a text, 0..1: its characters with a space at both ends, and its length. */
double wf_probe_cosine(wf_probe *probe, wf_points padded, double norm);

#endif
