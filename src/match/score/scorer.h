/* SPDX-License-Identifier: MIT */

/*
 * Scorer: one way to say how well an entity fits a query.  It is built once from a catalogue, in
 * parts, and then asked by any number of threads, each with a seeker of its own.  The matcher knows
 * scorers only through this table.
 */
#ifndef WF_MATCH_SCORER_H
#define WF_MATCH_SCORER_H

#include "match/catalogue.h"
#include "match/embed/shares.h"
#include "match/seeker.h"
#include "match/work.h"

typedef struct wf_scorer wf_scorer;

/* One question.  The query was read into the seeker; `raw` is the text as given. */
typedef struct wf_ask {
    weft_str raw;
    const uint64_t *allowed; /* bit e: entity e may be found; NULL: all */
    const uint32_t *without; /* a row to be seen as absent; NULL: none.  Only of a class that
                                leaves_out_rows, and the query is that row */
    size_t top_k;
    float threshold;
    size_t blocking_top_k, retrieval_top_k, final_top_k; /* hybrid; 0: the default */
    const wf_job *job;
} wf_ask;

typedef struct wf_scorer_stats {
    const char *encoder; /* kind */
    const char *backend; /* what has learnt; NULL: nothing, the encoder answers */
    size_t dimension, bytes;
    uint64_t cache_hits, cache_misses, cache_count, cache_bytes;
} wf_scorer_stats;

/* Takes the answer to question `index`, which is in seeker->rank; the seeker's text may be lost. 0,
 * or negative: no more. */
typedef int wf_answer_fn(void *arg, size_t index, wf_seeker *seeker);

#define WF_PARTS_MAX 20u

typedef struct wf_scorer_class {
    const char *kind;
    const char *mode; /* "zero-shot" or that of a trained one */
    bool shows_names; /* the text of a hit is the entity's name, not the row */
    bool folds;       /* a text that is a row but for case, accents, signs and script scores 1 */
    bool leaves_out_rows;

    /* NULL for those that learn: they are made in their own way. */
    int (*create)(wf_scorer **out, wf_catalogue *catalogue, const weft_m_options *options);

    /* Does a part of the building; 1: more is left, 0: done, or negative.  scorer->done grows up to
     * scorer->total. */
    int (*build)(wf_scorer *scorer, wf_seeker *seeker, const wf_job *job);

    /* Before building: what can be taken from a built scorer of this class, whose catalogue was
     * another, need not be made again.  NULL: nothing. */
    void (*inherit)(wf_scorer *scorer, wf_scorer *old);

    /* Adds to a set those entities of ask->allowed that `raw` may mean with no run or word in
     * common: it is equal to a row but for script or signs, or one is short for the other.  For
     * those who ask about few entities only; it reads the text itself.  NULL: nobody. */
    int (*add_alike)(wf_scorer *scorer, wf_seeker *seeker, const wf_ask *ask, uint64_t *entities);

    /* Leaves the answer in seeker->rank. */
    int (*find)(wf_scorer *scorer, wf_seeker *seeker, const wf_ask *ask);

    /* How many questions are worth asking together, at most WF_VOLLEY_MAX.  NULL: one. */
    size_t (*together)(const wf_scorer *scorer);

    /* Answers some, as find would each, in their order.  It reads their texts itself, none of which
     * is blank, and leaves out no row.  There if `together` is. */
    int (*find_each)(wf_scorer *scorer, wf_seeker *seeker, const wf_ask *asks, size_t count,
                     wf_answer_fn *then, void *arg);

    /* How much the last find spoke for "none of them": it grows with novelty, on any scale.  NULL:
     * what the best score says. */
    double (*doubt)(const wf_seeker *seeker);

    /* Prepares the query (read into the seeker) for explain and parts; seeker->text becomes the
     * text that shares are places of. */
    int (*explain_query)(wf_scorer *scorer, wf_seeker *seeker, const wf_ask *ask);

    /* The heaviest weights that the prepared query shares with a row, for which there is a second
     * seeker; returns how many of `share_max` were filled, or negative. */
    int (*explain)(wf_scorer *scorer, const wf_seeker *seeker, wf_seeker *spare, uint32_t row,
                   wf_share *shares, size_t share_max);

    /* What the logarithm of an entity's score is made of; returns how many of WF_PARTS_MAX were
     * filled.  NULL: the score has no such parts. */
    size_t (*parts)(wf_scorer *scorer, const wf_seeker *seeker, uint32_t entity,
                    weft_m_part *parts);

    void (*stats)(wf_scorer *scorer, wf_scorer_stats *out);

    /* Adds what a built one holds to a file to be, borrowed until that is made. */
    int (*save)(wf_scorer *scorer, wf_pack *pack);

    /* Instead of building: takes what an image holds, in place.  0, -ENOMEM, -WEFT_M_EPERSIST. */
    int (*load)(wf_scorer *scorer, wf_image *image);

    void (*destroy)(wf_scorer *scorer); /* a half-built one too */
} wf_scorer_class;

/* The head of every scorer; `catalogue` is a reference it holds. */
struct wf_scorer {
    const wf_scorer_class *cls;
    wf_catalogue *catalogue;
    unsigned refs; /* atomic */
    size_t done, total;
    size_t weights_over; /* building has ended with -WEFT_ELIMIT: so many it would take; else 0 */
    wf_image *image;     /* a reference; NULL: it was built here */
};

extern const wf_scorer_class wf_scorer_cosine;
extern const wf_scorer_class wf_scorer_dense;
extern const wf_scorer_class wf_scorer_fused;
extern const wf_scorer_class wf_scorer_hybrid; /* made by wf_hybrid_create */
extern const wf_scorer_class wf_scorer_probability;

/* The class of a kind that wf_check_score_kind has let pass; ptr NULL and "auto": the default,
 * which `has_model` decides. */
const wf_scorer_class *wf_scorer_class_of(weft_str kind, bool has_model);

/* True of a class that cannot do without an encoder. */
static inline bool wf_scorer_class_is_dense(const wf_scorer_class *cls)
{
    return cls == &wf_scorer_dense || cls == &wf_scorer_fused;
}

/* How many questions are worth asking together. */
size_t wf_scorer_together(const wf_scorer *scorer);

wf_scorer *wf_scorer_ref(wf_scorer *scorer);
void wf_scorer_unref(wf_scorer *scorer); /* NULL is fine */

#endif
