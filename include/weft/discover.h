/* SPDX-License-Identifier: MIT */

/*
 * Discover: what new texts have in common.  Those of many texts that are new to the catalogue
 * (<weft/novelty.h>) are put into clusters, and each cluster gets a name and keywords from its own
 * words, as a proposal for an entity that is missing.  Nothing is asked of anybody outside.
 *
 *     weft_m_discovery *found;
 *     if (weft_m_discover(matcher, texts, count, NULL, &found, &error) == 0) {
 *         for (size_t i = 0; i < found->cluster_count; i++)
 *             ... found->clusters[i].name, how many: .member_count ...
 *         weft_m_discovery_free(found);
 *     }
 *
 * Library: weft-match.
 */
#ifndef WEFT_DISCOVER_H
#define WEFT_DISCOVER_H

#include <weft/novelty.h>

WEFT_BEGIN_DECLS

/* Fill with weft_m_discover_options_init, then change what you want. */
typedef struct weft_m_discover_options {
    size_t size;
    const weft_m_novelty_options *novelty; /* what is new; NULL: the default.  Its calibration, if
                                              it does not say, is "split" */
    bool all_are_novel;                    /* do not ask: every text counts as new */
    int64_t cluster_size_min;              /* of texts, at least 2; 0: the natural logarithm of how
                                              many are new, and 3 at least: 3 of 20, 5 of 150, 7 of
                                              1,000, 9 of 10,000 */
    int64_t keyword_max;                   /* of a cluster, 1 to 32; 8 */
    weft_str clustering;                   /* "average" or ptr NULL: average linkage, down to a
                                              mean cosine of 0.2 between the texts of what is
                                              joined; "hdbscan", and of what is one group
                                              in all the texts that are equal; "components",
                                              connected at a cosine of 0.75; "louvain", communities
                                              of a graph of 15 neighbours each.  Where nothing is
                                              found all new texts are noise */
    weft_m_progress_fn *progress;          /* of the work for all texts, 10 each; may be NULL */
    void *progress_arg;
} weft_m_discover_options;
WEFT_API void weft_m_discover_options_init(weft_m_discover_options *options);

/* Strings and lists belong to the discovery. */
typedef struct weft_m_cluster {
    weft_str name;            /* the words that most of its texts have; folded */
    const weft_str *keywords; /* what sets it apart from the others, the best first */
    size_t keyword_count;
    const uint32_t *members; /* places in `texts`, the most typical first, behind them those
                              * whose text is there already */
    size_t member_count;
    double cohesion; /* mean cosine of its texts with their middle */
} weft_m_cluster;

/* What took how long. */
typedef struct weft_m_stage {
    const char *name; /* "novelty", "cluster", "evidence"; static */
    double ms;
} weft_m_stage;

typedef struct weft_m_discovery {
    char id[9];             /* eight hexadecimal digits, of the texts and the time */
    int64_t time;           /* Unix seconds */
    const char *clustering; /* "average" if none was asked for */
    weft_m_stage stages[3];
    size_t text_count, novel_count;
    const weft_m_cluster *clusters; /* the largest first; of one size that with the first text */
    size_t cluster_count;
    const uint32_t *noise; /* places of the novel texts in no cluster */
    size_t noise_count;
    size_t cluster_size_min; /* that was asked for, or chosen */
} weft_m_discovery;

/* Clusters are of texts as hashed runs of characters and words, the rare ones counting more.  Work
 * grows with the square of the novel texts: 10,000 take seconds, and more than the matcher's
 * query_count_max are -WEFT_ELIMIT, however many texts there are: so many at a time are judged, by
 * the entities that are there then.  `options` may be NULL.  Else as weft_m_novelty; *out is the
 * caller's. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_m_discover(weft_matcher *matcher, const weft_str *texts,
                                                      size_t text_count,
                                                      const weft_m_discover_options *options,
                                                      weft_m_discovery **out, weft_m_error *error);
WEFT_API void weft_m_discovery_free(weft_m_discovery *discovery); /* NULL is fine */

/* {"texts","novel","clusters":[{"name","keywords","count","cohesion","members","examples"}],"noise"},
 * examples being the texts of the first four members.  `texts` are those it was made of. */
WEFT_API WEFT_MUST_USE int weft_m_discovery_json(const weft_m_discovery *discovery,
                                                 const weft_str *texts, weft_text *out);

/* Writes discovery_YYYYmmdd-HHMMSS_ID.json (with "discovery_id", "timestamp", "clustering" and
 * "stages" before these keys) and …_summary.md into a directory that is there. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_m_discovery_save(const weft_m_discovery *discovery,
                                                            const weft_str *texts,
                                                            const char *directory,
                                                            weft_m_error *error);

WEFT_END_DECLS

#endif
