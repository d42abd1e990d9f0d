/* SPDX-License-Identifier: MIT */

/*
 * Encoder: texts to vectors, whose cosines say how alike the texts are in meaning.
 *
 *     weft_encoder *encoder;
 *     if (weft_encoder_open(&encoder, "models/potion-base-8M", NULL, &error) < 0)
 *         ... error.message ...
 *     weft_m_options options;
 *     weft_m_options_init(&options);
 *     options.encoder = encoder;      // the matcher takes a reference of its own
 *     weft_m_open(&matcher, entities, count, &options, &error);
 *     weft_encoder_unref(encoder);
 *
 * The matcher needs none: without it texts are compared as texts.  Directories with static token
 * embeddings are read (model2vec, StaticEmbedding: model.safetensors and tokenizer.json), and those
 * of sentence-transformers with a body of the families bert, distilbert, mpnet, roberta and
 * xlm-roberta; any other way to make vectors can be given as a weft_encoder_class.  Nothing of a
 * model is executed, and nothing is fetched.
 *
 * Threads: every call from any thread.  An encoder is shared by reference count.
 *
 * Library: weft-match.
 */
#ifndef WEFT_ENCODER_H
#define WEFT_ENCODER_H

#include <weft/match.h>

WEFT_BEGIN_DECLS

/* An encoder of your own.  `self` is that of weft_encoder_new(). */
typedef struct weft_encoder_class {
    size_t size; /* sizeof(weft_encoder_class) */
    const char *
        kind; /* "static", "transformer", … as weft_m_info shows it; lives as long as the encoder */

    /* Makes `count` vectors, one behind the other, of numbers that are finite; they need no
     * particular length.  Called by several threads at once, and may take long, but must not wait
     * for a task.  0 or a negative code, which ends the call that asked, as a number that is not
     * finite does (-WEFT_M_EMODEL). */
    int (*encode)(void *self, const weft_str *texts, size_t count, float *out);

    void (*close)(void *self); /* the last reference is gone; NULL: nothing to do */
} weft_encoder_class;

/* Makes an encoder with vectors of `dimension` (at most 16,384) numbers.  `cls` is borrowed for its
 * life; `self` is its own, also on failure.  `name` is kept and written to files of matchers, which
 * are loaded only with an encoder of the same name and dimension.  0, -EINVAL, -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_encoder_new(weft_encoder **out, const weft_encoder_class *cls,
                                            const char *name, size_t dimension, void *self);

/* Fill with weft_encoder_options_init, then change what you want. */
typedef struct weft_encoder_options {
    size_t size;
    size_t dimension; /* keep so many of a vector's numbers, for models made for that; 0: all */
} weft_encoder_options;
WEFT_API void weft_encoder_options_init(weft_encoder_options *options);

/* Makes an encoder in *out from a model; static embeddings are mapped, not read.  `model` is its
 * directory, or its name with or without its maker's ("sentence-transformers/all-MiniLM-L6-v2"), or
 * one of the short names potion-8m, potion-32m, mrl-multi, minilm, mpnet, bge-base and bge-m3:
 * names are looked for in the directories of the environment variable WEFT_MODEL_PATH.  `options`
 * and `error` may be NULL.  In a task it runs on the executor, and cancelling ends the wait.
 * -WEFT_M_EMODEL, with what is missing or not known; -errno of a file; -ECANCELED, -ENOMEM. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_encoder_open(weft_encoder **out, const char *model,
                                                        const weft_encoder_options *options,
                                                        weft_m_error *error);

/* Makes the vectors of `count` texts (UTF-8) in `out`, which must have room for count * dimension
 * numbers.  Works in the calling thread; a model that was read ends with -ECANCELED soon after the
 * executor's task is cancelled.  0, -WEFT_M_EVALID, -WEFT_M_EMODEL for a number that is not finite,
 * -ENOMEM, or what the class returns. */
WEFT_API WEFT_MUST_USE int weft_encoder_encode(weft_encoder *encoder, const weft_str *texts,
                                               size_t count, float *out);

WEFT_API size_t weft_encoder_dimension(const weft_encoder *encoder);
WEFT_API const char *weft_encoder_kind(const weft_encoder *encoder);
WEFT_API const char *weft_encoder_name(const weft_encoder *encoder); /* of a directory: its path */

WEFT_API weft_encoder *weft_encoder_ref(weft_encoder *encoder);
WEFT_API void weft_encoder_unref(weft_encoder *encoder); /* NULL is fine */

WEFT_END_DECLS

#endif
