/* SPDX-License-Identifier: MIT */

/*
 * Drift: do texts still look as they did?  A profile is what many texts look like to a matcher:
 * where they lie, how far they spread, and which entities they mean.  Save one of the texts of a
 * good week, and compare those of each later week with it.
 *
 *     weft_m_profile *now, *then;
 *     weft_m_drift_report *report;
 *     if (weft_m_profile_load(&then, "march.profile", &error) == 0 &&
 *         weft_m_profile_take(&now, matcher, texts, count, &error) == 0 &&
 *         weft_m_drift(&report, then, now, NULL, &error) == 0)
 *         puts(report->recommendation);
 *
 * Texts are points of 256 numbers, hashed runs of their characters and words, which depend on no
 * catalogue: profiles of different versions of one can be compared.  Methods:
 *
 *     mmd_linear       the square of the distance of the means
 *     kl_gaussian      the divergence of normal distributions with these means and covariances, its
 *                      mean over the 256 numbers: sees what moves the means little, too, and takes
 *                      some milliseconds for each entity
 *     cosine_centroid  one minus the cosine of the means
 *
 * From each is subtracted what chance alone adds to it with so many texts, so that having few texts
 * is no drift.  With fewer than a hundred texts on either side kl_gaussian says next to nothing, as
 * most of their covariance is replaced (match/drift/gaussian.h in the sources).  Above `threshold`
 * (0.05) drift is detected: "add_entities", and above three times that "retrain"; else "monitor".
 *
 * Library: weft-match.
 */
#ifndef WEFT_DRIFT_H
#define WEFT_DRIFT_H

#include <weft/match.h>

WEFT_BEGIN_DECLS

/* ---- profiles ---- */

/* Constant; any thread may read it. */
typedef struct weft_m_profile weft_m_profile;

/* The profile of at least two texts; query_count_max does not bound them.  Entities that are the
 * best answer to five or more of them, whatever the score, have their own part in it, the 256 most
 * frequent at most; each part has 132 KB.  Else as weft_m_match; *out is the caller's. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_m_profile_take(weft_m_profile **out,
                                                          weft_matcher *matcher,
                                                          const weft_str *texts, size_t text_count,
                                                          weft_m_error *error);
WEFT_API void weft_m_profile_free(weft_m_profile *profile); /* NULL is fine */

WEFT_API size_t weft_m_profile_text_count(const weft_m_profile *profile);
WEFT_API int64_t weft_m_profile_time(const weft_m_profile *profile); /* taken, Unix seconds */

/* A JSON file with a SHA-256 of all its numbers, 180 KB a part, replaced in one step; the same
 * numbers when it is read again.  Load: *out is the caller's; -WEFT_M_EPERSIST for what is no
 * profile, was changed, or is of another version; -errno. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_m_profile_save(const weft_m_profile *profile,
                                                          const char *path, weft_m_error *error);
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_m_profile_load(weft_m_profile **out, const char *path,
                                                          weft_m_error *error);

/* ---- drift ---- */

/* Fill with weft_m_drift_options_init, then change what you want. */
typedef struct weft_m_drift_options {
    size_t size;
    weft_str method;  /* ptr NULL: "mmd_linear" */
    double threshold; /* above 0; 0.05 */
} weft_m_drift_options;
WEFT_API void weft_m_drift_options_init(weft_m_drift_options *options);

/* Texts of one entity, which both profiles have. */
typedef struct weft_m_class_drift {
    weft_str id;
    bool id_is_integer; /* JSON shows it as one */
    size_t count_before, count_after;
    double score;
    bool is_detected;
} weft_m_class_drift;

typedef struct weft_m_drift_report {
    double score, threshold; /* of all texts */
    bool is_detected;
    const char *method, *recommendation; /* static */
    size_t count_before, count_after;
    const weft_m_class_drift *classes; /* the greatest score first */
    size_t class_count;
} weft_m_drift_report;

/* Compares two profiles; in a task this runs on the executor, else in the calling thread.  *out is
 * the caller's.  0, -ENOMEM, -ECANCELED; -WEFT_M_EVALID for options that make no sense, or a
 * profile that cannot come from texts, as a covariance is not positive definite. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int
weft_m_drift(weft_m_drift_report **out, const weft_m_profile *before, const weft_m_profile *after,
             const weft_m_drift_options *options, weft_m_error *error);
WEFT_API void weft_m_drift_report_free(weft_m_drift_report *report); /* NULL is fine */

/* {"global_drift_score","per_class_drift":[{"id","count_before","count_after","score",
 * "drift_detected"}],"drift_detected","method","threshold","recommendation","count_before",
 * "count_after"} */
WEFT_API WEFT_MUST_USE int weft_m_drift_report_json(const weft_m_drift_report *report,
                                                    weft_text *out);

WEFT_END_DECLS

#endif
