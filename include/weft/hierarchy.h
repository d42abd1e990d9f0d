/* SPDX-License-Identifier: MIT */

/*
 * Hierarchy: entities that lie above and below one another, and answers that know it.
 *
 *     {"id": "DE-BY", "name": "Bavaria", "hierarchy": {"parents": ["DE"], "weights": {"DE": 1.0}}}
 *
 * The key "hierarchy" of an entity's extra says what it is part of: `parents` and `children` are
 * lists of ids, `weights` has a number for a parent (1), `level` is kept and not looked at.  In CSV
 * the column `parents` says the same (<weft/catalog.h>).  An entity may have several parents.  An
 * edge is there once either of its ends names the other and both are in the catalogue; an id that
 * is not is passed over, and counted.  A cycle is refused with its ids.
 *
 *     weft_str query = WEFT_STR("bayern munich area");
 *     weft_m_results *results;
 *     if (weft_m_hierarchy_match(matcher, &query, 1, NULL, &results, &error) == 0) {
 *         const weft_m_hierarchy_result *it = weft_m_results_hierarchy(results, 0);
 *         if (it->certain != NULL)
 *             ... it->certain->name: as exact as the matcher is sure ...
 *         for (size_t i = 0; i < it->hit_count; i++)
 *             ... it->hits[i].id, .score, .relation to the entity it was found by ...
 *         weft_m_results_free(results);
 *     }
 *
 * There are two answers.  The hits are the entities that the matcher finds and what lies around
 * them, each with
 *
 *     score = (semantic_score * alpha + boost * beta) * penalty, at most 1
 *
 *     relation              boost, times the weights of the edges   depth      penalty
 *     self                  0.5                                     0          1
 *     parent, child         0.4                                     1          0.9
 *     ancestor, descendant  0.3                                     2, 3, 4    0.75, 0.6, 0.5
 *                                                                   deeper     0.4
 *
 * where the semantic score is what the matcher gives the entity, and of several ways to an entity
 * the one with the greatest score counts.
 *
 * The levels are a way down: at each entity the probability that it or anything below it is meant,
 * first the top that is most likely, then its most likely child, and so on, until the entity itself
 * is more likely than any of its children.  The last of them that reaches the threshold is
 * `certain`: a text that fits three products of one group is certain of the group, also when none
 * of them is found.  Entities that nothing tells apart share their probability.  There are no
 * levels with the score kinds "cosine" and "dense", which are no probabilities.
 *
 * The hierarchy of a matcher is read from its catalogue by the first question, and again after a
 * change; a saved matcher has it with its entities.
 *
 * Threads and waiting: as in <weft/match.h>.
 *
 * Library: weft-match.
 */
#ifndef WEFT_HIERARCHY_H
#define WEFT_HIERARCHY_H

#include <weft/match.h>

WEFT_BEGIN_DECLS

/* ---- the hierarchy by itself ---- */

/* Constant; any thread may read it. */
typedef struct weft_hierarchy weft_hierarchy;

/* Fill with weft_hierarchy_options_init, then change what you want. */
typedef struct weft_hierarchy_options {
    size_t size;
    size_t depth_max;      /* entities from a top down to the deepest below it; 256 */
    size_t edge_count_max; /* as listed, also those that are listed twice; 20,000,000 */
    bool refuses_missing;  /* an id that no entity has is -WEFT_M_EVALID; false: passed over */
} weft_hierarchy_options;
WEFT_API void weft_hierarchy_options_init(weft_hierarchy_options *options);

/* Reads the hierarchy of copied entities.  `options` may be NULL.  Works in the calling thread.
 * -WEFT_M_EVALID for entities that weft_m_open would refuse, for a "hierarchy" of another form, and
 * for a cycle; the error's field is "hierarchy.parents[2]" or the like.  -WEFT_ELIMIT, -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_hierarchy_new(weft_hierarchy **out, const weft_m_entity *entities,
                                              size_t entity_count,
                                              const weft_hierarchy_options *options,
                                              weft_m_error *error);

/* Gives a reference to the hierarchy of a matcher's current snapshot, which does not change with
 * the matcher.  Errors of weft_m_match() and weft_hierarchy_new(). */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_m_hierarchy(weft_matcher *matcher, weft_hierarchy **out,
                                                       weft_m_error *error);

WEFT_API weft_hierarchy *weft_hierarchy_ref(weft_hierarchy *hierarchy);
WEFT_API void weft_hierarchy_unref(weft_hierarchy *hierarchy); /* NULL is fine */

typedef struct weft_hierarchy_info {
    size_t entity_count;
    size_t edge_count;
    size_t top_count;     /* entities without a parent */
    size_t height;        /* entities on the longest way down */
    size_t missing_count; /* ids that were listed and are nobody's */
} weft_hierarchy_info;

/* Fills *out. */
WEFT_API void weft_hierarchy_info_get(const weft_hierarchy *hierarchy, weft_hierarchy_info *out);

/* Entities on a way or around another, in an order.  One block; strings are the hierarchy's. */
typedef struct weft_relative {
    weft_str id, name;
    bool id_is_integer;
    uint32_t entity; /* its place in the catalogue */
    uint32_t depth;  /* edges from the entity asked for; of a path: from its beginning */
} weft_relative;

typedef struct weft_relatives {
    size_t count;
    const weft_relative *items;
} weft_relatives;

WEFT_API void weft_relatives_free(weft_relatives *relatives); /* NULL is fine */

/* All entities above, or below, one, each once, the nearest first.  `depth_max` below 0: at any
 * depth.  An unknown id has none.  *out is the caller's.  0 or -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_hierarchy_ancestors(const weft_hierarchy *hierarchy, weft_str id,
                                                    int64_t depth_max, weft_relatives **out);
WEFT_API WEFT_MUST_USE int weft_hierarchy_descendants(const weft_hierarchy *hierarchy, weft_str id,
                                                      int64_t depth_max, weft_relatives **out);

/* The shortest way down or up from one entity to another, both included; empty if there is none.
 * `to` with ptr NULL: up to a top, always by the first parent.  0 or -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_hierarchy_path(const weft_hierarchy *hierarchy, weft_str from,
                                               weft_str to, weft_relatives **out);

/* How many edges the path of weft_hierarchy_path() has: 0 from an entity to itself, -1 if there is
 * none.  Returns 0 or -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_hierarchy_distance(const weft_hierarchy *hierarchy, weft_str a,
                                                   weft_str b, int64_t *out_distance);

/* Whether `above` is an ancestor of `below`, in *out_is_ancestor.  0 or -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_hierarchy_is_ancestor(const weft_hierarchy *hierarchy,
                                                      weft_str above, weft_str below,
                                                      bool *out_is_ancestor);

/* ---- match ---- */

enum weft_m_relation {
    WEFT_M_SELF,
    WEFT_M_PARENT,
    WEFT_M_CHILD,
    WEFT_M_ANCESTOR,
    WEFT_M_DESCENDANT,
    WEFT_M_RELATION_COUNT,
};

/* "self", "parent" … */
WEFT_API const char *weft_m_relation_name(enum weft_m_relation relation);

/* Fill with weft_m_hierarchy_options_init, then change what you want. */
typedef struct weft_m_hierarchy_options {
    size_t size;
    int64_t top_k; /* hits, at least 1: of the best 2 * top_k entities that the matcher finds and
                      of what lies around the best top_k of them; 5 */
    weft_str match_level; /* what of that may be a hit beside those found: "all", "self", which is
                             nothing, "ancestors", "descendants"; ptr NULL: "all" */
    int64_t max_depth;    /* edges to an entity around one that was found, at least 0; 3 */
    double alpha, beta;   /* 0 to 1; 0.7 and 0.3 */
    float threshold; /* least score of an entity that is found, and least probability of `certain`;
                        NaN: the matcher's */
    weft_str within; /* an id: only it and what lies below it is looked at; ptr NULL: all */
    size_t relative_max;          /* entities around those found that are looked at; 1,000 */
    size_t batch_size;            /* queries told of at a time; 256 */
    weft_m_progress_fn *progress; /* may be NULL */
    void *progress_arg;
} weft_m_hierarchy_options;
WEFT_API void weft_m_hierarchy_options_init(weft_m_hierarchy_options *options);

/* Strings live as long as the results. */
typedef struct weft_m_hierarchy_hit {
    weft_str id, name;
    bool id_is_integer;
    uint32_t entity;
    enum weft_m_relation relation;
    uint32_t depth; /* edges to `via` */
    uint32_t via;   /* the entity that was found; itself with WEFT_M_SELF */
    float score;
    float semantic_score; /* what the matcher gives it */
    float boost;          /* the one used, times the edges' weights */
    float penalty;
} weft_m_hierarchy_hit;

typedef struct weft_m_level {
    weft_str id, name;
    bool id_is_integer;
    uint32_t entity;
    float probability; /* that it or anything below it is meant */
    float own;         /* that it is meant itself */
} weft_m_level;

typedef struct weft_m_hierarchy_result {
    const weft_m_hierarchy_hit *hits; /* best first, equal scores in the order of the catalogue */
    size_t hit_count;
    const weft_m_level *levels; /* from the top down */
    size_t level_count;
    const weft_m_level *certain; /* one of them, or NULL */
    bool was_cut;                /* there were more relatives than relative_max */
} weft_m_hierarchy_result;

/* Matches each query.  `options` may be NULL.  As weft_m_batch; also what weft_hierarchy_new fails
 * with; -WEFT_M_EVALID for an unknown match_level or `within`.  weft_m_results_hits has no hits of
 * these results. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int
weft_m_hierarchy_match(weft_matcher *matcher, const weft_str *queries, size_t query_count,
                       const weft_m_hierarchy_options *options, weft_m_results **out_results,
                       weft_m_error *error);

/* What was found for query `index`; borrowed from results of weft_m_hierarchy_match. */
WEFT_API const weft_m_hierarchy_result *weft_m_results_hierarchy(const weft_m_results *results,
                                                                 size_t index);

/* ---- the same as JSON ---- */

/* {"matches":[{"id","score","relationship","depth","semantic_score","hierarchical_boost",
 * "depth_penalty","via","name"}],"certain":{"id","name","probability"} or null,
 * "levels":[{"id","name","probability","own"}],"relatives_cut"} */
WEFT_API WEFT_MUST_USE int weft_m_hierarchy_result_json(const weft_m_results *results, size_t index,
                                                        weft_text *out);

/* Matches many queries and writes them as weft_m_hierarchy_result_json() does, as a list. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int
weft_m_hierarchy_json(weft_matcher *matcher, const weft_str *queries, size_t query_count,
                      const weft_m_hierarchy_options *options, weft_text *out, weft_m_error *error);

/* Where an entity stands: {"id","name","path":[{"id","name","depth"}],"ancestors":[…],
 * "descendants":[…]}, the path that to a top, with as many ancestors and descendants as `depth_max`
 * leaves.  -ENOENT for an id that is not there; -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_hierarchy_entity_json(const weft_hierarchy *hierarchy, weft_str id,
                                                      int64_t depth_max, weft_text *out);

WEFT_END_DECLS

#endif
