/* SPDX-License-Identifier: MIT */

/*
 * Shape: what a model's config.json says of it, checked: which family of transformers it is of, and
 * its sizes.  All families are encoders with the normalisation behind each half of a layer (as in
 * Devlin and others, "BERT", 2019); they differ in the names of their tensors, in how places are
 * counted and in what is added to the embeddings.
 */
#ifndef WF_MATCH_SHAPE_H
#define WF_MATCH_SHAPE_H

#include "match/model/folder.h"
#include "match/transformer/kernel.h"

#define WF_SHAPE_HIDDEN_MAX 8192u
#define WF_SHAPE_INNER_MAX 65536u
#define WF_SHAPE_LAYERS_MAX 256u
#define WF_SHAPE_POSITIONS_MAX 65536u

/* Tensors of a layer: names behind the layer's own; ".weight" and ".bias" follow. */
typedef struct wf_family {
    const char *type;         /* "model_type" */
    const char *prefix;       /* in files of models with a head */
    const char *layer;        /* "encoder.layer." */
    const char *attention[3]; /* query, key, value */
    const char *joined, *joined_norm, *up, *down, *norm;
    const char *keys[6];    /* of config.json: hidden, layers, heads, inner, activation, epsilon */
    bool has_types;         /* embeddings of which of two texts a token is of */
    bool counts_from_pad;   /* the first place is behind the padding token's number */
    bool has_distances;     /* a bias to attention by distance */
    const char *pooler;     /* of a head: first layer */
    const char *classifier; /* and last */
    enum wf_activation pooled; /* between them */
} wf_family;

typedef struct wf_shape {
    const wf_family *family;
    size_t hidden, layers, heads, inner; /* heads divide hidden */
    size_t words, positions, types;      /* rows of the embeddings; types 0: none */
    size_t pad;                          /* the padding token, where places are counted from it */
    size_t tokens_max;                   /* of a text, by its places */
    float epsilon;
    enum wf_activation activation;
} wf_shape;

/* The family of a config.json, or NULL. */
const wf_family *wf_family_of(const wf_tape *config);

/* 0, or -WEFT_M_EMODEL naming the key and what may stand there. */
int wf_shape_read(wf_shape *shape, const wf_tape *config, wf_reason *reason);

/* An activation by the name that a config.json has for it; false: not known. */
bool wf_activation_of(weft_str name, enum wf_activation *out);

#endif
