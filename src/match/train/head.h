/* SPDX-License-Identifier: MIT */

/*
 * Head: a scorer that has learnt from examples.  Multinomial logistic regression over the bag of a
 * text (train/bag.h), with the L2 norm of the weights held down; every row of an entity is one more
 * text of its label, so that an entity without examples can still be found.
 *
 * A text's weights: (1 + ln times) * (1 + ln((1 + texts) / (1 + texts with it))) for each key that
 * the training texts have, each block made 1 long, times its part, and all made 1 long.
 *
 * The share that an entity has among the labels says which is most likely, not whether it is right:
 * that is a second, small model of how sure the first is and how near the text is to what was
 * learnt.  Its weights were fitted to the few-shot development sets and are the same for every
 * catalogue.
 *
 * Examples say little of how names are spelt, and a head forgets it.  So a head has the untrained
 * scorer too, and an entity's score is the greater of both.
 */
#ifndef WF_MATCH_HEAD_H
#define WF_MATCH_HEAD_H

#include "match/examples.h"
#include "match/score/scorer.h"
#include "match/train/bag.h"
#include "match/train/body.h"
#include "match/train/minimise.h"
#include "match/train/proximity.h"

/* Steps of the training, at most; progress counts them. */
#define WF_HEAD_STEPS 300u

/* Of weights: features times labels, or times the numbers of a point.  Training takes about 64
 * bytes of each. */
#define WF_HEAD_WEIGHTS_MAX ((size_t)8 << 20)

typedef struct wf_head {
    wf_scorer head;
    weft_m_options options;
    wf_examples *examples;   /* a reference */
    const uint8_t *left_out; /* a byte an example: not to be learnt from; NULL: none; borrowed */
    const uint64_t *present; /* bit e: entity e is to be learnt; NULL: all; borrowed */
    uint32_t present_count;
    const struct wf_head *twin; /* learnt from the same; until its weights are taken; NULL: none */

    wf_scorer *names;    /* the untrained scorer "probability", a reference */
    uint64_t *keys;      /* features; ascending */
    uint32_t *key_start; /* by their top key_bits: from where on; 2^key_bits + 1 */
    unsigned key_bits;
    float *idf;
    size_t feature_count;
    uint32_t label_count;  /* entities, and one more for "none" if there are such examples */
    uint32_t learnt_count; /* examples */
    uint32_t *text_label;
    wf_sparse texts;    /* training texts: features */
    wf_sparse features; /* features: training texts */
    float *weights;     /* of feature f and label l: weights[f * label_count + l], behind the last
                           feature the labels' own; NULL: the labels' scores are the body's alone */
    wf_body body;       /* dim 0: they are the weights' alone; with both: their mean */
    wf_proximity proximity;

    struct wf_head_building *building; /* until it is built */
} wf_head;

static inline wf_head *wf_head_of(wf_scorer *scorer)
{
    return (wf_head *)scorer;
}

/* "head-only", weights; "full", weights and a body that was contrasted; "bert", a body that is a
 * network. */
extern const wf_scorer_class wf_scorer_head, wf_scorer_full, wf_scorer_bag;

/* The class of a mode that learns; NULL: it does not. */
const wf_scorer_class *wf_head_class(const char *mode);

/* A head to be built, or, with `examples` NULL, to be loaded.  `left_out` may be NULL.  `names`, a
 * built scorer "probability" of the catalogue, saves making one; NULL: there is none.  0, -ENOMEM,
 * -EIO. */
int wf_head_create(wf_scorer **out, const wf_scorer_class *cls, wf_catalogue *catalogue,
                   wf_examples *examples, const uint8_t *left_out, wf_scorer *names,
                   const weft_m_options *options);

/* The progress of building one. */
size_t wf_head_total(const wf_scorer_class *cls, const wf_catalogue *catalogue,
                     const wf_examples *examples);

/* A head to be built as `like` was, but without some examples and only of the entities present. */
int wf_head_create_without(wf_scorer **out, const wf_head *like, const uint8_t *left_out,
                           const uint64_t *present);

/* Before it is built: its weights are those of a built head that has learnt from the same, which
 * lives until then. */
void wf_head_take_weights(wf_scorer *scorer, const wf_scorer *twin);

int wf_head_build(wf_scorer *scorer, wf_seeker *seeker, const wf_job *job);
void wf_head_building_free(struct wf_head_building *building);

/* Once there are keys.  0 or -ENOMEM. */
int wf_head_index_keys(wf_head *it);

int wf_head_save(wf_scorer *scorer, wf_pack *pack);
int wf_head_load(wf_scorer *scorer, wf_image *image);

/* A text as features, into `indexes` and `values`, which have room for bag->count; returns how
 * many. The bag has taken the text.  `out_known`: the part of its stems, by rarity, that was
 * learnt. */
size_t wf_head_read(const wf_head *it, const wf_bag *bag, uint32_t *indexes, float *values,
                    double *out_known);

#endif
