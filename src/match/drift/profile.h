/* SPDX-License-Identifier: MIT */

/*
 * Profile: mean and covariance of the points of many texts, of all and of those of one entity.  The
 * points are those of novelty/space.h with all features of equal rarity, so that they depend on no
 * catalogue.  A covariance is what the texts have, unbiased and singular where they are few; who
 * needs its inverse shrinks it (drift/gaussian.h).
 */
#ifndef WF_MATCH_PROFILE_H
#define WF_MATCH_PROFILE_H

#include "base/arena.h"
#include "match/model/reason.h"
#include "match/novelty/space.h"

#include <weft/drift.h>

#define WF_PROFILE_TEXTS_MIN 2u
#define WF_PROFILE_CLASS_MIN 5u     /* texts of an entity */
#define WF_PROFILE_CLASSES_MAX 256u /* 132 KB each */
#define WF_SPREAD_NUMBERS ((size_t)WF_SPACE_DIM * (WF_SPACE_DIM + 1) / 2)

typedef struct wf_spread {
    weft_str id; /* of the entity; empty for all */
    bool id_is_integer;
    uint64_t count;
    float mean[WF_SPACE_DIM];
    float *covariance; /* WF_SPREAD_NUMBERS: the rows of the lower triangle; the arena's */
} wf_spread;

/* The sum of the variances. */
double wf_spread_trace(const wf_spread *spread);

struct weft_m_profile {
    wf_arena arena;
    int64_t time;
    wf_spread all;
    wf_spread *classes; /* by count, the greatest first */
    size_t class_count;
};

/* How far two spreads are apart, less what chance adds; at least 0.  0, -ENOMEM, or -EDOM: a
 * covariance is none. */
typedef int wf_drift_fn(const wf_spread *before, const wf_spread *after, double *out);

typedef struct wf_drift_method {
    const char *name;
    wf_drift_fn *measure;
} wf_drift_method;

/* The method of a name, ptr NULL: the first; NULL: there is none. */
const wf_drift_method *wf_drift_method_of(weft_str name);

/* A profile as JSON, and back.  Read: 0, -ENOMEM, or -WEFT_M_EPERSIST with why it is none in
 * `reason`. */
void wf_profile_write(const weft_m_profile *profile, wf_buf *out);
int wf_profile_read(weft_m_profile **out, const char *text, size_t bytes, wf_reason *reason);

#endif
