/* SPDX-License-Identifier: MIT */

/*
 * Profile: mean and variance of the points of many texts, of all and of those of one entity.  The
 * points are those of novelty/space.h with all features of equal rarity, so that they depend on no
 * catalogue.  Variances stand for the covariance: 256 texts would be too few for one of 256
 * numbers.
 */
#ifndef WF_MATCH_PROFILE_H
#define WF_MATCH_PROFILE_H

#include "base/arena.h"
#include "match/novelty/space.h"

#include <weft/drift.h>

#define WF_PROFILE_TEXTS_MIN 2u
#define WF_PROFILE_CLASS_MIN 5u /* texts of an entity */
#define WF_PROFILE_CLASSES_MAX 256u

typedef struct wf_spread {
    weft_str id; /* of the entity; empty for all */
    uint64_t count;
    float mean[WF_SPACE_DIM], variance[WF_SPACE_DIM];
} wf_spread;

struct weft_m_profile {
    wf_arena arena;
    int64_t time;
    wf_spread all;
    wf_spread *classes; /* by count, the greatest first */
    size_t class_count;
};

/* How far two spreads are apart, less what chance adds; at least 0. */
typedef double wf_drift_fn(const wf_spread *before, const wf_spread *after);

typedef struct wf_drift_method {
    const char *name;
    wf_drift_fn *measure;
} wf_drift_method;

/* The method of a name, ptr NULL: the first; NULL: there is none. */
const wf_drift_method *wf_drift_method_of(weft_str name);

/* A profile as JSON, and back.  Read: 0, -ENOMEM, or -WEFT_M_EPERSIST for what is no profile. */
void wf_profile_write(const weft_m_profile *profile, wf_buf *out);
int wf_profile_read(weft_m_profile **out, const char *text, size_t bytes);

#endif
