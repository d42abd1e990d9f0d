/* SPDX-License-Identifier: MIT */

#include "match/model/safetensors.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define PREFIX_BYTES 8u
#define HEAD_BYTES_MAX ((uint64_t)100000000)

static const struct kind {
    const char *name;
    enum wf_dtype dtype;
    size_t bytes;
} kinds[] = {
    {"F64", WF_DTYPE_F64, 8},    {"F32", WF_DTYPE_F32, 4},       {"F16", WF_DTYPE_F16, 2},
    {"BF16", WF_DTYPE_BF16, 2},  {"I64", WF_DTYPE_I64, 8},       {"I32", WF_DTYPE_I32, 4},
    {"I8", WF_DTYPE_I8, 1},      {"I16", WF_DTYPE_OTHER, 2},     {"U8", WF_DTYPE_OTHER, 1},
    {"U16", WF_DTYPE_OTHER, 2},  {"U32", WF_DTYPE_OTHER, 4},     {"U64", WF_DTYPE_OTHER, 8},
    {"BOOL", WF_DTYPE_OTHER, 1}, {"F8_E4M3", WF_DTYPE_OTHER, 1}, {"F8_E5M2", WF_DTYPE_OTHER, 1},
};

static const struct kind *kind_of(const wf_tape *tape, uint32_t at)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (wf_tape_is(tape, at, kinds[i].name))
            return &kinds[i];
    }
    return NULL;
}

static int fail(wf_reason *reason, const wf_tensor *tensor, const char *what)
{
    return wf_reason_set(reason, "tensor '%.*s' %s", wf_reason_shown(tensor->name),
                         tensor->name.ptr, what);
}

/* ---- one tensor ---- */

static int read_shape(const wf_tape *tape, uint32_t shape, wf_tensor *out, wf_reason *reason)
{
    if (wf_tape_kind(tape, shape) != WF_VALUE_ARRAY)
        return fail(reason, out, "has no shape");
    out->count = 1;
    for (uint32_t at = wf_tape_first(tape, shape); at != WF_NO_VALUE;
         at = wf_tape_next(tape, shape, at)) {
        size_t *dim = &out->dims[out->dim_count];
        if (out->dim_count == WF_TENSOR_DIMS_MAX || !wf_tape_size(tape, at, dim) ||
            !wf_mul_ok(out->count, *dim, &out->count))
            return fail(reason, out, "has a bad shape");
        out->dim_count++;
    }
    return 0;
}

/* `data` has `bytes` bytes. */
static int read_place(const wf_tape *tape, uint32_t offsets, const uint8_t *data, size_t bytes,
                      wf_tensor *out, wf_reason *reason)
{
    size_t start, end;
    uint32_t first = wf_tape_first(tape, offsets);
    if (wf_tape_kind(tape, offsets) != WF_VALUE_ARRAY || wf_tape_count(tape, offsets) != 2 ||
        !wf_tape_size(tape, first, &start) ||
        !wf_tape_size(tape, wf_tape_next(tape, offsets, first), &end))
        return fail(reason, out, "has no data_offsets");
    if (start > end || end > bytes)
        return fail(reason, out, "lies outside the file");
    out->at = data + start;
    out->bytes = end - start;
    return 0;
}

static int read_tensor(const wf_tensors *tensors, uint32_t key, uint32_t value, size_t data_start,
                       wf_tensor *out, wf_reason *reason)
{
    const wf_tape *tape = &tensors->head;
    *out = (wf_tensor){.name = wf_tape_string(tape, key)};
    const struct kind *kind = kind_of(tape, wf_tape_get(tape, value, "dtype"));
    if (kind == NULL)
        return fail(reason, out, "has an unknown dtype");
    out->dtype = kind->dtype;
    int rc = read_shape(tape, wf_tape_get(tape, value, "shape"), out, reason);
    if (rc == 0)
        rc = read_place(tape, wf_tape_get(tape, value, "data_offsets"),
                        tensors->image->bytes + data_start, tensors->image->count - data_start, out,
                        reason);
    size_t bytes;
    if (rc == 0 && (!wf_mul_ok(out->count, kind->bytes, &bytes) || bytes != out->bytes))
        return fail(reason, out, "has more or fewer bytes than its shape says");
    return rc;
}

/* ---- all of them ---- */

static int by_place(const void *a, const void *b)
{
    const wf_tensor *left = a, *right = b;
    if (left->at != right->at)
        return left->at < right->at ? -1 : 1;
    return left->bytes < right->bytes ? -1 : left->bytes > right->bytes;
}

/* One after the other, from the first byte of the data to the last. */
static int check_places(const wf_tensors *tensors, const uint8_t *data, wf_reason *reason)
{
    const uint8_t *at = data;
    for (size_t i = 0; i < tensors->count; i++) {
        if (tensors->items[i].at != at)
            return fail(reason, &tensors->items[i], "overlaps another, or leaves a gap");
        at += tensors->items[i].bytes;
    }
    if (at != tensors->image->bytes + tensors->image->count)
        return wf_reason_set(reason, "bytes stand behind the last tensor");
    return 0;
}

static int read_all(wf_tensors *tensors, size_t data_start, wf_reason *reason)
{
    const wf_tape *tape = &tensors->head;
    size_t count = wf_tape_count(tape, 0) / 2;
    if (wf_tape_kind(tape, 0) != WF_VALUE_OBJECT || count > WF_TENSORS_MAX)
        return wf_reason_set(reason, "its head is no object of tensors");
    tensors->items = wf_array(count + 1, sizeof(*tensors->items));
    if (tensors->items == NULL)
        return -ENOMEM;
    for (uint32_t key = wf_tape_first(tape, 0); key != WF_NO_VALUE;) {
        uint32_t value = wf_tape_next(tape, 0, key);
        int rc = wf_tape_is(tape, key, "__metadata__")
                     ? 0
                     : read_tensor(tensors, key, value, data_start,
                                   &tensors->items[tensors->count++], reason);
        if (rc < 0)
            return rc;
        key = wf_tape_next(tape, 0, value);
    }
    qsort(tensors->items, tensors->count, sizeof(*tensors->items), by_place);
    return check_places(tensors, tensors->image->bytes + data_start, reason);
}

int wf_tensors_open(wf_tensors *out, wf_image *image, wf_reason *reason)
{
    uint64_t head_bytes = 0;
    *out = (wf_tensors){.image = wf_image_ref(image)};
    if (image->count < PREFIX_BYTES)
        return wf_reason_set(reason, "it is too short for a safetensors file");
    for (size_t i = PREFIX_BYTES; i-- > 0;)
        head_bytes = head_bytes << 8 | image->bytes[i];
    if (head_bytes > HEAD_BYTES_MAX || head_bytes > image->count - PREFIX_BYTES)
        return wf_reason_set(reason, "it is no safetensors file, or cut off");
    int rc = wf_tape_read(&out->head, (const char *)image->bytes + PREFIX_BYTES, (size_t)head_bytes,
                          reason);
    return rc < 0 ? rc : read_all(out, PREFIX_BYTES + (size_t)head_bytes, reason);
}

static void free_parts(wf_tensors *tensors)
{
    wf_free(tensors->items);
    wf_tape_fini(&tensors->head);
    wf_image_unref(tensors->image);
}

void wf_tensors_fini(wf_tensors *tensors)
{
    while (tensors->more != NULL) {
        wf_tensors *next = tensors->more;
        tensors->more = next->more;
        free_parts(next);
        wf_free(next);
    }
    free_parts(tensors);
    *tensors = (wf_tensors){0};
}

const wf_tensor *wf_tensors_find(const wf_tensors *tensors, const char *name)
{
    for (; tensors != NULL; tensors = tensors->more) {
        for (size_t i = 0; i < tensors->count; i++) {
            weft_str it = tensors->items[i].name;
            if (it.len == strlen(name) && memcmp(it.ptr, name, it.len) == 0)
                return &tensors->items[i];
        }
    }
    return NULL;
}

/* ---- numbers ---- */

static float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* IEEE 754 binary16. */
static float float_of_half(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, mantissa = half & 0x3FF;
    uint32_t exponent = half >> 10 & 31;
    if (exponent == 31)
        return float_of_bits(sign | 0x7F800000 | mantissa << 13);
    if (exponent != 0)
        return float_of_bits(sign | (exponent + 112) << 23 | mantissa << 13);
    float small = (float)mantissa * 0x1p-24f;
    return sign != 0 ? -small : small;
}

/* Numbers stand at no boundary, so each is copied out. */
#define READER(name_, type_)                                                                       \
    static type_ name_(const wf_tensor *tensor, size_t index)                                      \
    {                                                                                              \
        type_ value;                                                                               \
        memcpy(&value, tensor->at + index * sizeof(value), sizeof(value));                         \
        return value;                                                                              \
    }

READER(read_f64, double)
READER(read_f32, float)
READER(read_16, uint16_t)
READER(read_i64, int64_t)
READER(read_i32, int32_t)
READER(read_i8, int8_t)

static float read_float(const wf_tensor *tensor, size_t index)
{
    switch (tensor->dtype) {
    case WF_DTYPE_F64:
        return (float)read_f64(tensor, index);
    case WF_DTYPE_F32:
        return read_f32(tensor, index);
    case WF_DTYPE_F16:
        return float_of_half(read_16(tensor, index));
    case WF_DTYPE_BF16:
        return float_of_bits((uint32_t)read_16(tensor, index) << 16);
    default:
        return (float)wf_tensor_integer(tensor, index);
    }
}

void wf_tensor_floats(const wf_tensor *tensor, size_t first, size_t count, float *out)
{
    if (tensor->dtype == WF_DTYPE_F32) {
        memcpy(out, tensor->at + first * sizeof(*out), count * sizeof(*out));
        return;
    }
    for (size_t i = 0; i < count; i++)
        out[i] = read_float(tensor, first + i);
}

const float *wf_tensor_in_place(const wf_tensor *tensor)
{
    bool is_there = tensor->dtype == WF_DTYPE_F32 && (uintptr_t)tensor->at % sizeof(float) == 0;
    return is_there ? (const float *)(const void *)tensor->at : NULL;
}

int64_t wf_tensor_integer(const wf_tensor *tensor, size_t index)
{
    switch (tensor->dtype) {
    case WF_DTYPE_I64:
        return read_i64(tensor, index);
    case WF_DTYPE_I32:
        return read_i32(tensor, index);
    case WF_DTYPE_I8:
        return read_i8(tensor, index);
    default:
        return 0;
    }
}
