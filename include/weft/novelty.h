/* SPDX-License-Identifier: MIT */

/*
 * Novelty: is a text new to a catalogue, or another way to say something that is in it?
 *
 *     weft_str query = WEFT_STR("Mordor");
 *     weft_m_results *results;
 *     if (weft_m_novelty(matcher, &query, 1, NULL, &results, &error) == 0) {
 *         const weft_m_novelty_result *it = weft_m_results_novelty(results, 0);
 *         if (it->is_match)
 *             ... it->best->id ...
 *         else if (it->is_novel)
 *             ... it->novel_score: how likely it is new;
 *                 it->p_value: how unusual it would be for a known text ...
 *         weft_m_results_free(results);
 *     }
 *
 * No labels are needed: what is normal is learnt from the catalogue itself, once for each snapshot,
 * by the first call or by weft_m_novelty_prepare, and saved with the matcher.  Two samples of up to
 * 1,000 texts are matched.  Known: names with slips (letters, words missing, shortened, moved or
 * too many), and, where entities have aliases, names and aliases as if they had not been told.
 * New: names whose entity is seen as absent.  A matcher that has learnt learns five times again,
 * each time without a fifth of the entities and some examples of the others: these are its known
 * texts, all of those entities' its new ones.
 * A text's p-value is the part of the first sample that looks at least as novel as the text; it is
 * novel if that is below `alpha`, so of texts like that sample about a part of alpha is taken for
 * novel.  Texts count by how near they are to it in letters and words, so that names are compared
 * with names and codes with codes; a text of a length that nothing in the catalogue has is not
 * called novel, for nobody knows what a known one of that length looks like.  Its novel_score is
 * the probability of novelty, from both samples with equal weight.  A text equal to a name or an
 * alias (but for case, accents, signs and script) is never novel.
 *
 * Strategies, one or more:
 *
 *     calibrated       the scorer's doubt, the default: it costs next to nothing beyond the match
 *     confidence       one minus the best score
 *     uncertainty      how evenly the score is spread over the best five
 *     knn_distance     distance to the nearest names
 *     setfit_centroid  distance to the nearest entity's centre
 *     energy_ood       how near all entities' centres are together
 *     mahalanobis      distance to the nearest centre in units of how names vary
 *     lof              how sparse it is around the text against around its neighbours
 *     oneclass         the outside of a boundary around nine tenths of the names
 *     clustering       distance to the nearest cluster of names
 *     pattern          letters, length and capitals no name has
 *
 * All from knn_distance on but pattern need the names as points, 260 bytes a name and as much an
 * entity, made when first asked for.  Several are combined, and the combination is calibrated
 * again, so its false alarms stay at alpha: "weighted" by the mean of the probabilities, "union" as
 * novel as the most alarmed says, "intersection" as the least, "voting" as more than half,
 * "meta_learner" by a logistic regression on the two samples.
 *
 * Library: weft-match.
 */
#ifndef WEFT_NOVELTY_H
#define WEFT_NOVELTY_H

#include <weft/match.h>

WEFT_BEGIN_DECLS

/* Fill with weft_m_novelty_options_init, then change what you want. */
typedef struct weft_m_novelty_options {
    size_t size;
    const weft_str *strategies; /* NULL: calibrated */
    size_t strategy_count;      /* at most 16 */
    weft_str combine;           /* ptr NULL: "weighted" */
    double alpha;               /* false alarms among known texts, above 0 and below 1; 0.05 */
    weft_str calibration;       /* which known texts p-values are among: ptr NULL or "local", of
                                   like length; "split", all; "mondrian", of as many words */
    int64_t neighbours;         /* of knn_distance, 1 to 64; 1 */
    int64_t top_k;              /* alternatives; 5 */
    float threshold;            /* least score of a match; NaN: the matcher's */
    const weft_str *existing;   /* ids; a match with any other is novel.  NULL: all are fine */
    size_t existing_count;
    weft_m_progress_fn *progress; /* of the texts; may be NULL */
    void *progress_arg;
} weft_m_novelty_options;
WEFT_API void weft_m_novelty_options_init(weft_m_novelty_options *options);

/* What one strategy says. */
typedef struct weft_m_signal {
    const char *strategy; /* its id; static */
    double score;         /* on its own scale; grows with novelty */
    double p_value, novel_score;
    bool is_novel; /* p_value < alpha */
} weft_m_signal;

/* What is said of one text.  Decided in this order: novel by the strategies; novel for being no
 * entity of `existing`; a match if the best score reaches the threshold. */
typedef struct weft_m_novelty_result {
    const weft_m_hit *best; /* whatever its score; NULL: no entity has anything of the text */
    bool is_match, is_novel;
    double novel_score;           /* 0..1 */
    double p_value;               /* 0..1; NaN: the text is blank */
    const char *method;           /* "accepted_known", "novelty_detector", "no_match",
                                     "outside_existing_classes", "below_acceptance_threshold" */
    const weft_m_signal *signals; /* one a strategy, in the order they were asked for */
    size_t signal_count;          /* 0: the text is blank */
} weft_m_novelty_result;

/* Matches texts and says what is novel.  The results are those of a match at threshold 0 with
 * `top_k` hits, and have a verdict each.  `options` may be NULL.  As weft_m_batch;
 * -WEFT_M_EVALID for options that make no sense. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_m_novelty(weft_matcher *matcher, const weft_str *queries,
                                                     size_t query_count,
                                                     const weft_m_novelty_options *options,
                                                     weft_m_results **out_results,
                                                     weft_m_error *error);

/* The verdict on query `index`; NULL: the results are not those of weft_m_novelty.  Borrowed. */
WEFT_API const weft_m_novelty_result *weft_m_results_novelty(const weft_m_results *results,
                                                             size_t index);

/* Learns now what is normal, so that the first text need not wait for it, and weft_m_save() keeps
 * it.  Of the options the strategies, `combine` and `neighbours` are used. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_m_novelty_prepare(weft_matcher *matcher,
                                                             const weft_m_novelty_options *options,
                                                             weft_m_error *error);

/* One verdict as JSON: {"id","score","is_match","is_novel","novel_score","match_method",
 * "alternatives","signals","predicted_id","metadata"}; id is null unless it is a match; signals
 * says of each strategy true or false; metadata has p_value, alpha, threshold and, by strategy,
 * score, p_value and novel_score.  Into *out, the caller's. */
WEFT_API WEFT_MUST_USE int weft_m_novelty_result_json(const weft_m_results *results, size_t index,
                                                      weft_text *out);

/* Judges texts and writes them as weft_m_novelty_result_json() does, as a list. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int
weft_m_novelty_json(weft_matcher *matcher, const weft_str *queries, size_t query_count,
                    const weft_m_novelty_options *options, weft_text *out, weft_m_error *error);

WEFT_END_DECLS

#endif
