/* SPDX-License-Identifier: MIT */

/*
 * Safetensors: named arrays of numbers in one file.  Eight bytes say how long the head is, the head
 * is a JSON object {"name": {"dtype", "shape", "data_offsets": [start, end]}}, the data follow.
 * (The form is described in the README of the project of that name.)
 *
 * The file is mapped and the arrays are used in place.  Nothing of it is believed: every array lies
 * within the data, has exactly the bytes that its shape and kind say, overlaps no other, and no
 * byte is left over.
 */
#ifndef WF_MATCH_SAFETENSORS_H
#define WF_MATCH_SAFETENSORS_H

#include "match/file/image.h"
#include "match/model/tape.h"

#define WF_TENSOR_DIMS_MAX 8u
#define WF_TENSORS_MAX 65536u

enum wf_dtype {
    WF_DTYPE_OTHER, /* known to the format, not used here */
    WF_DTYPE_F64,
    WF_DTYPE_F32,
    WF_DTYPE_F16,
    WF_DTYPE_BF16,
    WF_DTYPE_I64,
    WF_DTYPE_I32,
    WF_DTYPE_I8,
};

typedef struct wf_tensor {
    weft_str name; /* of the tape */
    enum wf_dtype dtype;
    size_t dims[WF_TENSOR_DIMS_MAX], dim_count;
    size_t count;      /* numbers */
    const uint8_t *at; /* at no particular boundary */
    size_t bytes;
} wf_tensor;

typedef struct wf_tensors wf_tensors;
struct wf_tensors {
    wf_tensors *more; /* of another file of the same model, from wf_alloc; NULL: none */
    wf_image *image;  /* a reference */
    wf_tape head;
    wf_tensor *items; /* in the order of their data */
    size_t count;
};

/* Takes a reference to the image.  0, -ENOMEM, -WEFT_M_EMODEL. */
int wf_tensors_open(wf_tensors *out, wf_image *image, wf_reason *reason);
void wf_tensors_fini(wf_tensors *tensors);

/* In the first file that has it; or NULL. */
const wf_tensor *wf_tensors_find(const wf_tensors *tensors, const char *name);

/* Numbers [first, first + count) of a tensor of any kind but OTHER. */
void wf_tensor_floats(const wf_tensor *tensor, size_t first, size_t count, float *out);

/* The same in place, if the file has them so: float32 at a multiple of 4.  Else NULL. */
const float *wf_tensor_in_place(const wf_tensor *tensor);

/* An integer of a tensor of integers. */
int64_t wf_tensor_integer(const wf_tensor *tensor, size_t index);

#endif
