/* SPDX-License-Identifier: MIT */

/*
 * Reranker: how well each of some texts answers a query, by a model that reads both together (a
 * cross-encoder).  Slower than vectors by far, as nothing can be prepared, and better: it is asked
 * about the few texts that something faster has found.
 *
 *     weft_reranker *reranker;
 *     if (weft_reranker_open(&reranker, "models/ms-marco-MiniLM-L-6-v2", &error) < 0)
 *         ... error.message ...
 *     float scores[2];
 *     rc = weft_reranker_score(reranker, query, texts, 2, scores);
 *     weft_reranker_unref(reranker);
 *
 * Read are directories with a sequence classifier of one label on a body of the families bert,
 * distilbert, mpnet, roberta and xlm-roberta (config.json, model.safetensors, tokenizer.json).
 * Anything else that scores pairs can be given as a weft_reranker_class.
 *
 * Threads: every call from any thread.  A reranker is shared by reference count.
 *
 * Library: weft-match.
 */
#ifndef WEFT_RERANKER_H
#define WEFT_RERANKER_H

#include <weft/match.h>

WEFT_BEGIN_DECLS

typedef struct weft_reranker weft_reranker;

/* A reranker of your own.  `self` is that of weft_reranker_new(). */
typedef struct weft_reranker_class {
    size_t size;      /* sizeof(weft_reranker_class) */
    const char *kind; /* for people; lives as long as the reranker */

    /* Gives each text its score for the query, greater is better, finite.  Called by several
     * threads at once, and may take long, but must not wait for a task.  0 or a negative code,
     * which ends the call that asked, as a score that is not finite does (-WEFT_M_EMODEL). */
    int (*score)(void *self, weft_str query, const weft_str *texts, size_t count, float *out);

    void (*close)(void *self); /* the last reference is gone; NULL: nothing to do */
} weft_reranker_class;

/* Makes a reranker in *out.  `cls` is borrowed for its life; it owns `self`, also on failure;
 * `name` is copied.  0, -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_reranker_new(weft_reranker **out, const weft_reranker_class *cls,
                                             const char *name, void *self);

/* Makes a reranker in *out from a model: its directory, or a name as weft_encoder_open() takes it
 * (the short ones here are bge-m3, bge-large and ms-marco).  `error` may be NULL.  In a task it
 * runs on the executor, and cancelling ends the wait.  -WEFT_M_EMODEL, with what is missing or not
 * known; -errno of a file; -ECANCELED, -ENOMEM. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_reranker_open(weft_reranker **out, const char *model,
                                                         weft_m_error *error);

/* Scores of `count` texts (UTF-8) for a query; of a directory the model's answer through its
 * activation, the sigmoid (so between 0 and 1) unless its files name another.  A pair's score
 * does not depend on the other texts.  Works in the calling thread; run by an executor it ends
 * with -ECANCELED soon after its task is cancelled.  0, -WEFT_M_EVALID, -WEFT_M_EMODEL for a score
 * that is not finite, -ENOMEM, -ECANCELED, or what the class returns. */
WEFT_API WEFT_MUST_USE int weft_reranker_score(weft_reranker *reranker, weft_str query,
                                               const weft_str *texts, size_t count, float *out);

WEFT_API const char *weft_reranker_kind(const weft_reranker *reranker);
WEFT_API const char *
weft_reranker_name(const weft_reranker *reranker); /* of a directory: its path */

WEFT_API weft_reranker *weft_reranker_ref(weft_reranker *reranker);
WEFT_API void weft_reranker_unref(weft_reranker *reranker); /* NULL is fine */

WEFT_END_DECLS

#endif
