/* SPDX-License-Identifier: MIT */

/*
 * Trunk: the layers of a transformer and their weights; tokens go in, a row of numbers a token
 * comes out.  Constant once read.
 *
 *     ids ─ embed ─► rows
 *     rows ─┬─ qkv ─ attention ─ joined ─┬─ norm ─┬─ up ─ activate ─ down ─┬─ norm ─► rows
 *           └────────────────────────────┘        └────────────────────────┘   (each layer)
 *
 * Texts stand one behind the other in the rows, without padding: all but attention does not care
 * where one ends, and attention is made for each text by itself.
 */
#ifndef WF_MATCH_TRUNK_H
#define WF_MATCH_TRUNK_H

#include "match/transformer/linear.h"
#include "match/transformer/pile.h"
#include "match/transformer/shape.h"

typedef struct wf_norm_weights {
    float *weight, *bias;
} wf_norm_weights;

typedef struct wf_layer {
    wf_linear qkv, joined, up, down;
    wf_norm_weights joined_norm, norm;
} wf_layer;

typedef struct wf_trunk {
    wf_shape shape;
    const wf_kernel *kernel;
    wf_tensors tensors; /* embeddings are used in place */
    const wf_tensor *words, *positions, *types;
    wf_norm_weights embedded_norm;
    wf_layer *layers;
    float *distances; /* [head][2 * tokens_max - 1]: what attention adds for key - query, or NULL */
    const char *prefix; /* of the tensors' names */
} wf_trunk;

/* Of <inner>config.json and <inner>model.safetensors.  0, -ENOMEM, -ECANCELED, -errno,
 * -WEFT_M_EMODEL.  To be freed also on failure. */
int wf_trunk_open(wf_trunk *body, wf_folder *folder, const char *inner);
void wf_trunk_fini(wf_trunk *body);

/* A tensor of numbers with these dimensions, `rows` 0: a list of `width`; NULL with a reason. */
const wf_tensor *wf_trunk_tensor(const wf_tensors *tensors, const char *name, size_t rows,
                                 size_t width, wf_reason *reason);

/* A matrix <name>.weight [out][in] and, if `has_bias`, <name>.bias. */
int wf_trunk_linear(wf_linear *out, const wf_tensors *tensors, const char *name, size_t in_width,
                    size_t out_width, bool has_bias, wf_reason *reason);

/* ---- running ---- */

/* Memory of one thread.  Zeroed is ready. */
typedef struct wf_sheet {
    wf_floats rows, wide, mixed;
    size_t row_stride, wide_stride, token_capacity;
    wf_floats keys, values, scores; /* of one text and head */
    size_t length_capacity;
} wf_sheet;

void wf_sheet_fini(wf_sheet *sheet);

/* sheet->rows: what the last layer makes of each token.  0, -ENOMEM, or what the job is halted
 * with. */
int wf_trunk_run(const wf_trunk *body, const wf_pile *pile, wf_sheet *sheet, const wf_job *job);

/* Room for texts of `length` tokens.  0 or -ENOMEM. */
int wf_attend_reserve(const wf_trunk *body, size_t length, wf_sheet *sheet);

/* Attention of one text: from qkv rows (`wide`) to `out`, both [length][stride].  0, or what the
 * job is halted with. */
int wf_attend(const wf_trunk *body, const float *qkv, size_t length, float *out, wf_sheet *sheet,
              wf_toil *toil);

#endif
