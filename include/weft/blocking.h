/* SPDX-License-Identifier: MIT */

/*
 * Blocking, as entity resolution has the word: finds, fast, the few entities of a catalogue that
 * are worth a closer look for a text.  Mode hybrid of the matcher begins with it
 * (weft_m_options.blocking); here it is by itself.  (For functions that block a thread see
 * <weft/exec.h>.)
 *
 *     weft_blocker *blocker;
 *     if (weft_blocker_new(&blocker, "bm25", entities, count, NULL, &error) < 0)
 *         ... error.message ...
 *     weft_blocked found[100];
 *     size_t n;
 *     rc = weft_blocker_block(blocker, query, 100, found, &n);
 *     weft_blocker_free(blocker);
 *
 * Every row of an entity is looked at, its name (or `text`, if it has one) and its aliases, in
 * lower case and decomposed (NFKD), so that a letter and its accent are two characters; an entity
 * has the score of its best row.  Entities with score 0 are not found.
 *
 *     ngram  cosine of TF-IDF vectors of the runs of 2 and 3 characters of each word with a space
 *            at both ends: what shares two characters in a row with the text can be found
 *     bm25   words between white space; Okapi: the sum over the text's words of
 *            idf * tf * (k1 + 1) / (tf + k1 * (1 - b + b * length / mean length)), with
 *            idf = ln(N - n + 0.5) - ln(n + 0.5), and where that is not positive a quarter of the
 *            mean idf of all words, at least 0.01 (N rows, n with the word)
 *     tfidf  cosine of vectors of words of at least two letters, digits or '_': times in the text
 *            * (ln((1 + N) / (1 + n)) + 1)
 *     fuzzy  0 to 100: words sorted, then 200 * longest common subsequence / both lengths; at least
 *            score_cutoff
 *     none   the first entities, score 0
 *
 * Threads: constant once made; any number may ask.
 *
 * Library: weft-match.
 */
#ifndef WEFT_BLOCKING_H
#define WEFT_BLOCKING_H

#include <weft/match.h>

WEFT_BEGIN_DECLS

typedef struct weft_blocker weft_blocker;

/* Fill with weft_blocker_options_init, then change what you want. */
typedef struct weft_blocker_options {
    size_t size;
    double k1, b;        /* bm25: 1.5 and 0.75 */
    double score_cutoff; /* fuzzy: 70 */
} weft_blocker_options;
WEFT_API void weft_blocker_options_init(weft_blocker_options *options);

typedef struct weft_blocked {
    uint32_t entity;
    float score;
} weft_blocked;

/* Makes one of a copy of what it needs.  `options` may be NULL.  Works in the calling thread.
 * -WEFT_M_EVALID for entities that weft_m_open would refuse, an unknown kind, or a setting out of
 * bounds; -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_blocker_new(weft_blocker **out, const char *kind,
                                            const weft_m_entity *entities, size_t entity_count,
                                            const weft_blocker_options *options,
                                            weft_m_error *error);
WEFT_API void weft_blocker_free(weft_blocker *blocker); /* NULL is fine */

/* The best `top_k` (at least 1) entities, best first, equal scores in the order of the catalogue,
 * into `found`, which has room for them.  0, -WEFT_M_EVALID if the text is not UTF-8 or top_k 0,
 * -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_blocker_block(const weft_blocker *blocker, weft_str text,
                                              size_t top_k, weft_blocked *found, size_t *out_count);

WEFT_END_DECLS

#endif
