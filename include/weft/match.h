/* SPDX-License-Identifier: MIT */

/*
 * Match: finds the entity of a catalogue that a text means.
 *
 *     weft_m_entity entities[] = {
 *         {.id = WEFT_STR("DE"), .name = WEFT_STR("Germany")},
 *         {.id = WEFT_STR("FR"), .name = WEFT_STR("France")},
 *     };
 *     weft_matcher *matcher;
 *     weft_m_error error;
 *     if (weft_m_open(&matcher, entities, 2, NULL, &error) < 0)
 *         ... error.message says what, error.field where, error.suggestion what to do ...
 *
 *     weft_str query = WEFT_STR("germny");
 *     weft_m_results *results;
 *     if (weft_m_match(matcher, &query, 1, NULL, &results, &error) == 0) {
 *         size_t count;
 *         const weft_m_hit *hits = weft_m_results_hits(results, 0, &count);
 *         for (size_t i = 0; i < count; i++) // none: nothing reaches the threshold
 *             ... hits[i].id, hits[i].score ...
 *         weft_m_results_free(results);
 *     }
 *     weft_m_close(matcher);
 *
 * A catalogue is a list of entities; an entity is found by its name and its aliases (its rows).
 * Entities with a score at or above the threshold are returned, the best first, equal scores in the
 * order of the catalogue.  No model file is needed.
 *
 * Score kinds.  "probability", the default: how likely it is that the entity is meant.  What is
 * left of 1 is the probability that the text means none of them, so the default threshold of 0.5
 * reads "more likely than not".  A text equal to a row (except for case, accents, punctuation and
 * script) scores 1; entities that nothing tells apart share one score, that of all of them
 * together, and list each other as tied.  When a text is one word that several names have, none of
 * these is more likely than not: "bank" among three banks is a third each.  Texts are compared
 * letter by letter and word by word, with regard to abbreviations, initials and numbers, and with
 * Cyrillic and Greek in Latin letters.  The weights are the same for every catalogue.  "cosine":
 * the greatest cosine of the query's lexical vector with that of a row; equal texts score 1,
 * misspelt ones often 0.5.
 *
 * With a model (`model` or `encoder`): "dense": the greatest cosine of the vectors that the model
 * makes; it knows meaning, and little of spelling.  "fused": the greater of the probability and of
 * what the dense cosine is worth in this catalogue, which is how far it lies above the cosines
 * between rows of different entities.
 *
 * States: open gives NEW, fit (or the first match, which fits by itself, once) READY, close CLOSED.
 * A READY matcher answers from an immutable snapshot: fit, add, remove and set_threshold make a new
 * one and exchange it; calls under way keep theirs, and no answer mixes two.
 *
 * Threads: every call on one matcher may come from any thread and any loop; fit, add, remove and
 * set_threshold go one after the other.  Nothing is kept per thread.
 *
 * Waiting: a call marked WEFT_WAITS that is made in a task runs its work on the executor; the loop
 * goes on, and cancelling the task ends the work within a few milliseconds with -ECANCELED. Outside
 * any loop the same call works in the calling thread and returns when it is done.  Deadlines come
 * from the caller's scope.
 *
 * Errors: 0 or a negative code.  `error` belongs to the caller and may be NULL; it is written on
 * failure only.  Its message is weft_error_text() too.  Texts must be UTF-8.
 *
 * Library: weft-match.
 */
#ifndef WEFT_MATCH_H
#define WEFT_MATCH_H

#include <weft/base.h>
#include <weft/text.h>

WEFT_BEGIN_DECLS

typedef struct weft_matcher weft_matcher;
typedef struct weft_m_results weft_m_results;
typedef struct weft_encoder weft_encoder; /* <weft/encoder.h> */

/* ---- errors ---- */

/* What went wrong, for people and for an error body.  Texts end with NUL and are cut between two
 * characters; an empty one is absent. */
typedef struct weft_m_error {
    int rc;               /* what the call returned */
    char message[512];    /* one sentence */
    char field[64];       /* "name", "threshold", "queries[0]" … */
    char entity[208];     /* the entity concerned, as JSON, cut at 200 bytes */
    char suggestion[192]; /* what to do about it */
    int64_t limit, seen;  /* of a limit that was passed (-WEFT_ELIMIT); else -1 */
    int64_t offset;       /* of the bad byte in the text of `field`; else -1 */
    int64_t entity_index; /* of the entity concerned in the list that was given; else -1 */
} weft_m_error;

/* "validation_error", "mode_error", "not_ready", "too_large" …: the name a return code has in an
 * error body.  Static storage. */
WEFT_API const char *weft_m_error_name(int rc);

/* The lines to show: the message, then "  Problem field: …", "  Entity: …" and "  💡 Suggestion: …",
 * each where there is one.  Into *out, the caller's.  0 or -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_m_error_text(const weft_m_error *error, weft_text *out);

/* ---- entities ---- */

/* All strings are borrowed for the call that takes them; the matcher keeps copies. */
typedef struct weft_m_entity {
    weft_str id;             /* unique in the catalogue; not empty */
    weft_str name;           /* row 0; not blank */
    weft_str text;           /* shown as a hit's text instead of the row; ptr NULL: absent */
    const weft_str *aliases; /* further rows, in order; none blank */
    size_t alias_count;      /* of `aliases` */
    weft_str extra;     /* further keys as one JSON object, kept and returned; ptr NULL: none */
    bool id_is_integer; /* `id` is the decimal form of an integer; JSON shows it as one */
} weft_m_entity;

/* ---- settings ---- */

/* One measurement, handed to the callback at once.  Strings are static or borrowed for the call. */
typedef struct weft_m_metric {
    const char *name;  /* "match_latency", "match_batch_size", "cache_hits", "embeddings_generated",
                          "evidence_latency" (explain, diagnose), "novelty_rate",
                          "novel_samples_count", "ood_detection_latency", "novelty_calibration",
                          "clusters_found", "clustering_duration", "fit_progress" (0 to 1),
                          "fit_duration" */
    double value;      /* in `unit` */
    const char *unit;  /* "seconds", "count", "ratio" */
    const char *stage; /* "match", "batch", "fit" … */
    const char *backend; /* "lexical" */
    const char *mode;    /* "zero-shot" */
    weft_time wall;      /* nanoseconds since 1970-01-01 UTC */
} weft_m_metric;

/* Called in the thread that did the work, by several at once.  It must not call the matcher. */
typedef void weft_m_metric_fn(const weft_m_metric *metric, void *arg);

/* Fill with weft_m_options_init, then change what you want.  A string with ptr NULL is the default.
 */
typedef struct weft_m_options {
    size_t size;              /* sizeof(weft_m_options); set by init */
    weft_str model;           /* "default" (now: lexical), "lexical", or a model's directory */
    weft_str mode;            /* "auto", "zero-shot", "head-only", "full", "hybrid", "bert" */
    weft_str score_kind;      /* "auto" (probability; with a model: fused), "probability", "cosine",
                                 "dense" or "fused" */
    float threshold;          /* least score of a hit, 0..1; 0.5 */
    bool normalize;           /* true; false: texts of hits stay as given, and cosine minds case */
    size_t entity_count_max;  /* 10,000,000 */
    size_t query_count_max;   /* of one call; 10,000 */
    size_t query_bytes_max;   /* of one text, queries and rows; 65,536 */
    size_t top_k_max;         /* 1,000 */
    size_t cache_count_max;   /* cosine: query vectors kept, by normalised text; 10,000 */
    size_t mark_run_max;      /* combining marks in a row that are kept of a text; 30 */
    weft_m_metric_fn *metric; /* may be NULL */
    void *metric_arg;         /* for metric() */
    weft_encoder *encoder;    /* instead of a directory in `model`; the matcher takes a reference */
    size_t ann_rows_min; /* with more rows, vectors are searched by a graph (HNSW), which may miss
                            one in a hundred; 200,000 */
    struct weft_reranker *reranker; /* hybrid (<weft/reranker.h>); the matcher takes a reference */
    weft_str blocking;       /* hybrid: "ngram" (the default), "bm25", "tfidf", "fuzzy", "none"
                                (<weft/blocking.h>) */
    weft_str model_fallback; /* "lexical": if `model` is found nowhere when the matcher is opened,
                                do without, as weft_m_info.missing_model says; "none": that is an
                                error.  By default the environment's WEFT_MODEL_FALLBACK, else none.
                                A model that is there and cannot be read is an error always */
    bool check_hierarchy;    /* entities are refused, when the matcher is opened and when some are
                                added, if what asks for their hierarchy would be (a cycle, say;
                                <weft/hierarchy.h>); a saved matcher is loaded with what it
                                has.  false: what asks for it is refused */
} weft_m_options;
WEFT_API void weft_m_options_init(weft_m_options *options);

/* The settings of one call.  Fill with weft_m_query_init; NULL where a pointer is asked for means
 * just that. */
typedef struct weft_m_query {
    size_t size;                /* sizeof(weft_m_query); weft_m_query_init() sets it */
    int64_t top_k;              /* at least 1; 1 */
    float threshold;            /* for this call only; NaN: the matcher's */
    const weft_str *candidates; /* ids; only these entities are looked at.  NULL: all */
    size_t candidate_count;     /* 0 with candidates set: no entity, so no hit */
    size_t blocking_top_k;      /* hybrid: entities that blocking leaves; 0: 1,000 */
    size_t retrieval_top_k;     /* … and retrieval; 0: 50, or top_k if that is more */
    size_t final_top_k;         /* … and the reranker; 0: top_k, and not more than it */
} weft_m_query;
/* Fills in the defaults. */
WEFT_API void weft_m_query_init(weft_m_query *query);

/* ---- life ---- */

/* Makes a matcher in *out: checks and copies the catalogue, but loads and starts nothing.  It works
 * in the calling thread and does not wait, about 1 us an entity: with very many a task calls it by
 * weft_run_cpu() (<weft/exec.h>).  `options` may be NULL. -WEFT_M_EVALID, -WEFT_M_EMODE,
 * -WEFT_M_EMODEL, -WEFT_ELIMIT, -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_m_open(weft_matcher **out, const weft_m_entity *entities,
                                       size_t entity_count, const weft_m_options *options,
                                       weft_m_error *error);

/* Called after each part of the work, with growing `done`, last done == total, in the caller's
 * thread and task: it may wait.  A result other than 0 ends the work, and the call returns it if it
 * is negative, else -ECANCELED. */
typedef int weft_m_progress_fn(size_t done, size_t total, void *arg);

typedef struct weft_m_example {
    weft_str text;  /* as a query would have it */
    weft_str label; /* an entity's id */
    bool is_none;   /* it means none of the entities; `label` is not looked at */
} weft_m_example;

/* How to fit.  Fill with weft_m_fit_options_init, then change what you want. */
typedef struct weft_m_fit_options {
    size_t size;   /* sizeof(weft_m_fit_options); weft_m_fit_options_init() sets it */
    weft_str mode; /* empty: that of open */
    weft_m_progress_fn *progress; /* may be NULL */
    void *progress_arg;           /* for progress() */
    double head_c;                /* how closely a trained head follows its examples; 100 */
    double weight_decay;          /* full, bert: 0.01 */
    uint64_t seed;                /* full, bert: the same seed, the same bits; 42 */
    uint32_t num_epochs;          /* full, bert: rounds of training; 0: 4 and 30 or more */
    uint32_t batch_size;          /* full, bert: pairs or texts a step; 0: 32 and 16 */
    uint32_t num_iterations;      /* full: like and unlike pairs a text in a round, each; 0: 1 */
} weft_m_fit_options;
WEFT_API void weft_m_fit_options_init(weft_m_fit_options *options);

/*
 * Builds the index, or learns.  Zero-shot and hybrid ignore examples; so does auto without any.
 *
 * What learns, learns from examples what texts mean an entity: questions of customers for intents,
 * or names that nobody would guess.  The catalogue's own rows count as examples too, so no entity
 * is lost.  A hit's score is how likely it is that it is right.
 *
 *     head-only  a logistic regression on the texts' words and runs of characters
 *     full       besides, texts become points that pairs of examples have moved together and
 *                apart, with a logistic regression of their own; with a static model
 *                (<weft/encoder.h>) the points are its vectors, whose table is trained in a copy.
 *                It is tried on examples that are held out first, and if it is not better there
 *                than head-only, head-only is what the matcher becomes
 *     bert       a small network over the same words and runs: hashed embeddings, their weighted
 *                sum, a softmax.  It stands for a fine-tuned transformer
 *     hybrid     learns nothing: for large catalogues with a costly score_kind or a reranker.
 *                Blocking finds up to blocking_top_k entities, the score kind scores those and
 *                leaves retrieval_top_k, a reranker puts these in order.  Where blocking finds
 *                fewer than retrieval_top_k all entities are scored; where the score kind is
 *                probability or fused, always those too that a row equal to the text, or initials,
 *                may mean.  Hits are at or above the threshold by their score
 *     auto       by the number of examples: bert if every label has 8 and there are 100, head-only
 *                if none has 3, else full; tried on held-out examples beside head-only and
 *                zero-shot.  It learns only if that is not worse than zero-shot, and is more than
 *                head-only only if that is better
 *
 * Held out are each of up to 20 examples by itself, else a fifth at a time.  weft_m_info says what
 * the mode became and how many each was right about.
 *
 * add and remove learn again, in the same mode, from the examples whose entity is still there.
 * -WEFT_ELIMIT for more than 8 million weights (runs of characters that occur, times entities).
 * `options` may be NULL.  Cancelled or failed, the matcher stays as it was. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int
weft_m_fit(weft_matcher *matcher, const weft_m_example *examples, size_t example_count,
           const weft_m_fit_options *options, weft_m_error *error);

/* Ends every call under way on this matcher (they return -WEFT_M_ECLOSED), waits for them, also in
 * a cancelled task, and frees the index.  Later calls return -WEFT_M_ECLOSED; a second stop does
 * nothing.
 */
WEFT_API WEFT_WAITS void weft_m_stop(weft_matcher *matcher);

/* weft_m_stop(), and then frees the matcher itself: no other call may begin after this one.  NULL
 * is fine. */
WEFT_API WEFT_WAITS void weft_m_close(weft_matcher *matcher);

/* ---- match ---- */

/* One entity found.  Strings live as long as the results. */
typedef struct weft_m_hit {
    uint32_t entity;   /* its place in the catalogue the answer was made from */
    float score;       /* the higher, the more alike */
    weft_str id, name; /* the entity's */
    weft_str matched;  /* the row that scored best, as given */
    weft_str text; /* the entity's `text`, else the row after normalising; its name in modes that
                      have learnt */
    const uint32_t
        *tied; /* other entities with exactly this score: the first 1,000 / top_k, at least 64 */
    uint32_t tied_count; /* of `tied` */
    uint32_t row;        /* which row `matched` is: 0 the name, i the alias i - 1 */
    bool id_is_integer;  /* JSON shows `id` as a number */
    float rerank;        /* hybrid with a reranker: its score; else NaN */
} weft_m_hit;

/* Matches each query; `query` may be NULL.  *out_results is the caller's.  No query is no error; a
 * blank one has no hit.  Bad arguments are refused before any work: -WEFT_M_EVALID, -WEFT_ELIMIT.
 * -ECANCELED, -ENOMEM, -WEFT_M_ECLOSED.  The first match on a NEW matcher fits it. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_m_match(weft_matcher *matcher, const weft_str *queries,
                                                   size_t query_count, const weft_m_query *query,
                                                   weft_m_results **out_results,
                                                   weft_m_error *error);

/* Like weft_m_match(), with the same answers, made in slices of `batch_size` (at least 1) queries
 * on all cores.  `progress` (may be NULL) is called for each slice, one after the other; slices
 * that take less than a millisecond are made several at a time.  On any failure there are no
 * results. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int
weft_m_batch(weft_matcher *matcher, const weft_str *queries, size_t query_count,
             const weft_m_query *query, int64_t batch_size, weft_m_results **out_results,
             weft_m_error *error, weft_m_progress_fn *progress, void *progress_arg);

WEFT_API size_t weft_m_results_count(const weft_m_results *results); /* = query_count */

/* The hits of query `index`, best first; NULL and 0 if there is none.  Borrowed. */
WEFT_API const weft_m_hit *weft_m_results_hits(const weft_m_results *results, size_t index,
                                               size_t *out_count);

/* An entity of the catalogue the answer was made from (for `tied`).  Borrowed. */
WEFT_API const weft_m_entity *weft_m_results_entity(const weft_m_results *results, uint32_t entity);

/* The threshold that was used, the mode of the snapshot that answered ("zero-shot"; static), the
 * top_k asked for, and whether query `index` lost combining marks to mark_run_max. */
WEFT_API float weft_m_results_threshold(const weft_m_results *results);
WEFT_API const char *weft_m_results_mode(const weft_m_results *results);
WEFT_API size_t weft_m_results_top_k(const weft_m_results *results);
WEFT_API bool weft_m_results_was_cut(const weft_m_results *results, size_t index);

WEFT_API void weft_m_results_free(weft_m_results *results); /* NULL is fine */

/* ---- explain and diagnose ---- */

/* A word or a run of characters (with '_' for the edge of a word) that query and row share, and its
 * part of the cosine of their vectors. */
typedef struct weft_m_shared {
    weft_str text;
    float weight; /* its part of the cosine */
    bool is_word; /* else a run of characters */
} weft_m_shared;

/* A part of a probability: a sign of likeness, from 0 (mostly) to 1 or a little more, times its
 * weight.  The parts of a hit add up to the natural logarithm of its score. */
typedef struct weft_m_part {
    const char *name;    /* "runs", "words of the query" …; static */
    float value, weight; /* of the sign */
    double part;         /* value * weight */
} weft_m_part;

/* Why a hit has its score. */
typedef struct weft_m_evidence {
    const weft_m_part *parts;    /* NULL and 0 with score_kind "cosine" */
    size_t part_count;           /* of `parts` */
    const weft_m_shared *shared; /* heaviest first; at most 20 */
    size_t shared_count;         /* of `shared` */
    float margin;                /* score over that of the next hit; NaN of the last one */
} weft_m_evidence;

/* The answer of explain and diagnose; one block of memory. */
typedef struct weft_m_explanation {
    weft_str query;                  /* as given */
    weft_str query_normalized;       /* ptr NULL: the matcher does not normalise */
    const weft_m_hit *hits;          /* at threshold 0 */
    const weft_m_evidence *evidence; /* one a hit */
    size_t hit_count;                /* of `hits` */
    const weft_m_results *results;   /* that the hits are part of; NULL if not ready */
    const char *mode;                /* "zero-shot" */
    const char *active_matcher;      /* diagnose: "EmbeddingMatcher"; NULL if not ready */
    weft_str issue, suggestion;      /* diagnose: ptr NULL: none */
    float threshold;                 /* the matcher's */
    bool is_matched;                 /* best score >= threshold */
    bool is_ready;     /* false (diagnose of a NEW matcher): only query and issue are set */
    bool is_diagnosis; /* of diagnose, else of explain */
} weft_m_explanation;

/* Explains a match: the best `top_k` (>= 1) entities at threshold 0, and why each has its score.
 * *out is the caller's.  -WEFT_M_ENOTREADY on a NEW matcher; else as weft_m_match(). */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_m_explain(weft_matcher *matcher, weft_str query,
                                                     int64_t top_k, weft_m_explanation **out,
                                                     weft_m_error *error);

/* Like weft_m_explain(), and says what is wrong if `query` is not found, and what to try; `top_k`
 * is usually 3.  On a NEW matcher it says so in the answer, and succeeds. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_m_diagnose(weft_matcher *matcher, weft_str query,
                                                      int64_t top_k, weft_m_explanation **out,
                                                      weft_m_error *error);

WEFT_API void weft_m_explanation_free(weft_m_explanation *explanation); /* NULL is fine */

/* ---- change ---- */

/* Sets the matcher's threshold, for calls from now on.  0, or -WEFT_M_EVALID if it is not in 0..1.
 * Does not wait. */
WEFT_API WEFT_MUST_USE int weft_m_set_threshold(weft_matcher *matcher, float threshold,
                                                weft_m_error *error);

/* Adds entities behind the others; all or none.  A READY matcher answers with them when the call
 * returns. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_m_add(weft_matcher *matcher,
                                                 const weft_m_entity *entities, size_t entity_count,
                                                 weft_m_error *error);

/* Like weft_m_add(), but an entity whose id is in the catalogue already replaces that one, in its
 * place.  It counts as an add. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_m_update(weft_matcher *matcher,
                                                    const weft_m_entity *entities,
                                                    size_t entity_count, weft_m_error *error);

/* Removes the entities with these ids; all or none.  At least one must remain.  An id that is not
 * there is -WEFT_M_EVALID. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_m_remove(weft_matcher *matcher, const weft_str *ids,
                                                    size_t id_count, weft_m_error *error);

/* ---- files ---- */

/*
 * A matcher in a file, *.weftm: catalogue, settings and index in one, checksummed.  Loading maps it
 * and uses it in place, in a few milliseconds and shared by all processes that do, and the answers
 * are those of the matcher that was saved, to the last bit.  A mapped file must not be written
 * into: replace it, as save does.  Nothing in a file is trusted: one that is cut off, damaged or
 * forged is refused with -WEFT_M_EPERSIST, and error.message says why.  So is one of another
 * version of the format or of Unicode.
 */

/* Saves the current snapshot; a NEW matcher is fitted first.  The file is replaced atomically:
 * whoever looks at `path`, also after a crash or a power failure, finds all of the old file or all
 * of the new one.  0; -errno of the file, -ENOMEM, -ECANCELED, -WEFT_M_ECLOSED. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_m_save(weft_matcher *matcher, const char *path,
                                                  weft_m_error *error);

/* Makes a READY matcher in *out from a file.  Of `options`, which may be NULL, only the limits, the
 * cache and the metric are used: mode, score_kind, threshold, normalize and mark_run_max are those
 * of the file. 0; -WEFT_M_EPERSIST, -errno of the file, -WEFT_ELIMIT, -ENOMEM, -ECANCELED. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_m_load(weft_matcher **out, const char *path,
                                                  const weft_m_options *options,
                                                  weft_m_error *error);

/* ---- look ---- */

enum weft_m_op {
    WEFT_M_OP_FIT,
    WEFT_M_OP_MATCH,
    WEFT_M_OP_BATCH,
    WEFT_M_OP_EXPLAIN,
    WEFT_M_OP_DIAGNOSE,
    WEFT_M_OP_ADD,
    WEFT_M_OP_REMOVE,
    WEFT_M_OP_SAVE,
    WEFT_M_OP_NOVELTY,
    WEFT_M_OP_HIERARCHY,
    WEFT_M_OP_COUNT,
};

/* Calls that succeeded and how long they took, in seconds, within 7 %. */
typedef struct weft_m_latency {
    uint64_t count;       /* calls */
    double p50, p95, p99; /* half, 95 % and 99 % of them took no longer */
} weft_m_latency;

/* How one way of matching did in a trial. */
typedef struct weft_m_tried {
    uint64_t asked, right; /* held-out examples; fewer asked than held out: it could not win any
                              more, or was too large; 0: it was not tried, or had no chance */
    uint64_t slips_asked, slips_right; /* names with slips of the pen */
} weft_m_tried;

/* What was tried before it was learnt.  A way that learns wins if it is right more often than those
 * that cost less, and not worse at names with slips than not learning, by more than chance. */
typedef struct weft_m_trial {
    uint64_t held_out; /* examples; 0: there was no trial */
    uint64_t slips;    /* names with slips; together they count at most as much as the examples */
    weft_m_tried zero_shot, head_only, full, bert;
    const char *winner; /* "zero-shot", "head-only" …; NULL: there was no trial */
    const char *why;    /* the same */
} weft_m_trial;

typedef struct weft_m_info {
    size_t size; /* sizeof(weft_m_info); set by the caller */

    /* Settings. */
    const char *mode;           /* requested: "auto", "zero-shot" … */
    const char *active_mode;    /* "zero-shot"; NULL before fit */
    const char *active_matcher; /* "EmbeddingMatcher"; NULL before fit */
    const char *model;          /* "lexical", or where the model is; as long as the matcher */
    const char *encoder;        /* kind of encoder: "lexical" */
    const char *score_kind;     /* "probability" or "cosine" */
    const char *unicode;        /* version of the normaliser's tables */
    float threshold;            /* from which score on a hit is a match */
    bool normalize;             /* texts are */
    bool is_ready;              /* it can match */
    bool is_fitting;            /* a fit is under way */

    /* Size. */
    uint64_t entity_count, row_count; /* a row is a name or an alias */
    uint64_t dimension;
    uint64_t index_bytes; /* encoder and index */
    uint64_t bytes;       /* all memory held, cache and entities included */
    uint64_t snapshot;    /* grows with every change */

    /* Since open. */
    uint64_t query_count;
    uint64_t cache_hits, cache_misses, cache_count, cache_bytes;
    uint64_t metric_count;
    weft_m_latency ops[WEFT_M_OP_COUNT];

    /* Learning. */
    const char *backend;    /* what answers: "lexical", "logistic-regression", "contrastive",
                               "supervised-bag" …; NULL before fit */
    uint64_t example_count; /* learnt from */
    weft_m_trial trial;

    const char *missing_model; /* that was asked for and not found (model_fallback); NULL: none.  As
                                  long as the matcher */
} weft_m_info;

/* True if there is an entity with this id.  Does not wait. */
WEFT_API bool weft_m_has(weft_matcher *matcher, weft_str id);

/* Fills *out.  Does not wait.  0, or -WEFT_M_ECLOSED. */
WEFT_API WEFT_MUST_USE int weft_m_info_get(weft_matcher *matcher, weft_m_info *out);

/* "fit", "match" … */
WEFT_API const char *weft_m_op_name(enum weft_m_op op);

/* ---- the same as JSON ---- */

/*
 * Each gives one value without white space into *out, the caller's (weft_text_free).  0, -ENOMEM,
 * or what the call it stands for returns.
 */

/* The answer to query `index`: with top_k 1 {"id","score","text","name","matched","tied"?} or null,
 * else a list of them. */
WEFT_API WEFT_MUST_USE int weft_m_result_json(const weft_m_results *results, size_t index,
                                              weft_text *out);

/* Match one query, or many, and write the answer as weft_m_result_json() does, of many as a list.
 */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_m_match_json(weft_matcher *matcher, weft_str text,
                                                        const weft_m_query *query, weft_text *out,
                                                        weft_m_error *error);
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_m_batch_json(weft_matcher *matcher,
                                                        const weft_str *queries, size_t query_count,
                                                        const weft_m_query *query,
                                                        int64_t batch_size, weft_text *out,
                                                        weft_m_error *error);

/* A match with all that is known about it: {"predictions","confidences","embeddings","scores",
 * "metadata","candidate_results","records"}.  A prediction is the best id or "unknown", a
 * confidence its score or 0; without a threshold in `query` the candidates are those at 0, and
 * metadata.evaluation_threshold is the matcher's.  Embeddings are null: the lexical encoder has no
 * dense ones.  `is_single`: the caller has one text, not a list of one. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int
weft_m_metadata_json(weft_matcher *matcher, const weft_str *queries, size_t query_count,
                     const weft_m_query *query, bool is_single, weft_text *out,
                     weft_m_error *error);

/* Explanation or diagnosis: query, query_normalized, matched, best_match, top_k, threshold, mode,
 * evidence (for each hit id, matched, margin, null of the last, parts and shared); a diagnosis has
 * matcher_ready, active_matcher, and issue and suggestion if any. */
WEFT_API WEFT_MUST_USE int weft_m_explanation_json(const weft_m_explanation *explanation,
                                                   weft_text *out);
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_m_explain_json(weft_matcher *matcher, weft_str query,
                                                          int64_t top_k, weft_text *out,
                                                          weft_m_error *error);
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_m_diagnose_json(weft_matcher *matcher, weft_str query,
                                                           int64_t top_k, weft_text *out,
                                                           weft_m_error *error);

/* Settings and training state; statistics. */
WEFT_API WEFT_MUST_USE int weft_m_info_json(weft_matcher *matcher, weft_text *out);
WEFT_API WEFT_MUST_USE int weft_m_stats_json(weft_matcher *matcher, weft_text *out);

/* {"error":{"code","message","field"?,"suggestion"?,"details","request_id"?}}; `request_id` with
 * ptr NULL is left out. */
WEFT_API WEFT_MUST_USE int weft_m_error_json(const weft_m_error *error, weft_str request_id,
                                             weft_text *out);

WEFT_END_DECLS

#endif
