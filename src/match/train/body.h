/* SPDX-License-Identifier: MIT */

/*
 * Body: texts as points that examples have moved.  A text's point is the sum of the rows that its
 * parts have in a table, each times its weight; labels are told apart by a logistic regression on
 * points.  The parts are the features of the head, or the tokens of a static model: then the table
 * has a row for each token that was trained, this matcher's own, and the others are the model's.
 */
#ifndef WF_MATCH_BODY_H
#define WF_MATCH_BODY_H

#include "match/file/image.h"
#include "match/model/static.h"
#include "match/train/plan.h"
#include "match/train/pupil.h"
#include "match/train/sparse.h"

#include <weft/encoder.h>

typedef struct wf_body {
    size_t dim; /* 0: there is none */
    size_t row_count;
    uint32_t label_count;
    float *table;
    float *weights;        /* of number d and label l: weights[d * label_count + l], behind the last
                              number the labels' own */
    bool is_unit;          /* points have length 1 */
    weft_encoder *encoder; /* a reference: the static model; NULL: parts are features */
    uint32_t *tokens;      /* of each row, ascending; NULL: rows are features */
    bool is_of_image;
} wf_body;

#define WF_BODY_DIM_MAX 16384u

void wf_body_fini(wf_body *body);
size_t wf_body_bytes(const wf_body *body);

/* The row of a token, or SIZE_MAX. */
size_t wf_body_row(const wf_body *body, uint32_t token);

/* Adds a point's scores of the labels, before they are made shares. */
void wf_body_add_scores(const wf_body *body, const float *point, float *scores);

/* The point of a sum of rows. */
void wf_body_place(const wf_body *body, const uint32_t *rows, const float *weights, size_t count,
                   float *out_point);

/* The point of the text whose features are in `work`, into work->point; `text` is that text for a
 * static model.  0 or -ENOMEM. */
int wf_body_read(const wf_body *body, wf_pupil *work, weft_str text);

void wf_body_save(const wf_body *body, wf_pack *pack);

/* True of a file whose body is of tokens. */
bool wf_body_needs_model(const wf_image *image);

/* Takes the arrays of an image; body->encoder is that of the matcher, or NULL.  0 or
 * -WEFT_M_EPERSIST: fini is allowed all the same. */
int wf_body_load(wf_body *body, const wf_image *image, size_t feature_count, uint32_t label_count);

/* ---- training ---- */

#define WF_BODY_STEPS 100u

/* What is learnt from; borrowed. */
typedef struct wf_lesson {
    const wf_sparse *texts; /* rows of the table */
    const uint32_t *text_label;
    uint32_t label_count;
    wf_plan plan;
} wf_lesson;

typedef struct wf_training wf_training;

/* Moves the table, which has its first values: contrast makes texts of one label alike and of two
 * unlike; network fits the table and the labels' weights together.  0, -ENOMEM. */
int wf_training_new(wf_training **out, wf_body *body, const wf_lesson *lesson, bool is_contrast);
void wf_training_free(wf_training *training); /* NULL is fine */

/* The next of WF_BODY_STEPS parts.  1: there are more, 0: done; or what the job says. */
int wf_training_step(wf_training *training, const wf_job *job);

#endif
