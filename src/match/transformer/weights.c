/* SPDX-License-Identifier: MIT */

/* A body read from its files: every tensor has the dimensions that config.json gives it. */
#include "match/transformer/trunk.h"

#include "base/alloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES 128u

/* Where a tensor's name begins: what all have in common, and the layer. */
struct place {
    const wf_trunk *body;
    wf_reason *reason;
    char prefix[NAME_BYTES];
};

/* ---- one tensor ---- */

const wf_tensor *wf_trunk_tensor(const wf_tensors *tensors, const char *name, size_t rows,
                                 size_t width, wf_reason *reason)
{
    const wf_tensor *tensor = wf_tensors_find(tensors, name);
    if (tensor == NULL) {
        wf_reason_set(reason, "it has no tensor '%.90s'", name);
        return NULL;
    }
    bool is_good =
        rows != 0 ? tensor->dim_count == 2 && tensor->dims[0] == rows && tensor->dims[1] == width
                  : tensor->dim_count == 1 && tensor->dims[0] == width;
    bool is_float = tensor->dtype == WF_DTYPE_F32 || tensor->dtype == WF_DTYPE_F16 ||
                    tensor->dtype == WF_DTYPE_BF16 || tensor->dtype == WF_DTYPE_F64;
    if (is_good && is_float)
        return tensor;
    if (!is_float)
        wf_reason_set(reason, "tensor '%.90s' has no dtype F32, F16, BF16 or F64", name);
    else if (rows != 0)
        wf_reason_set(reason, "tensor '%.90s' is not %zu x %zu", name, rows, width);
    else
        wf_reason_set(reason, "tensor '%.90s' is no list of %zu", name, width);
    return NULL;
}

/* Its numbers, which must be finite, into `out`. */
static int take_floats(const wf_tensor *tensor, const char *name, size_t first, size_t count,
                       float *out, wf_reason *reason)
{
    wf_tensor_floats(tensor, first, count, out);
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(out[i]))
            return wf_reason_set(reason, "tensor '%.90s' has a number that is not finite", name);
    }
    return 0;
}

/* Columns [first, first + out_width) of a linear. */
static int put_matrix(wf_linear *linear, size_t first, const wf_tensor *tensor, const char *name,
                      size_t out_width, wf_reason *reason)
{
    const wf_job job = {0};
    size_t in = linear->in;
    float *rows = wf_array(WF_PANEL * in, sizeof(*rows));
    if (rows == NULL)
        return -ENOMEM;
    int rc = 0;
    for (size_t at = 0; at < out_width && rc == 0;) {
        size_t room = WF_PANEL - (first + at) % WF_PANEL, left = out_width - at;
        size_t count = left < room ? left : room;
        rc = take_floats(tensor, name, at * in, count * in, rows, reason);
        wf_linear_set(linear, first + at, count, rows);
        at += count;
        rc = rc == 0 ? wf_job_poll(&job) : rc;
    }
    wf_free(rows);
    return rc;
}

static void join(char out[2 * NAME_BYTES], const char *start, const char *end)
{
    snprintf(out, (size_t)2 * NAME_BYTES, "%s%s", start, end);
}

/* Part of a linear: columns from `first` on. */
static int put_linear(wf_linear *linear, size_t first, const wf_tensors *tensors, const char *name,
                      size_t out_width, bool has_bias, wf_reason *reason)
{
    char path[2 * NAME_BYTES];
    join(path, name, ".weight");
    const wf_tensor *weight = wf_trunk_tensor(tensors, path, out_width, linear->in, reason);
    if (weight == NULL)
        return -WEFT_M_EMODEL;
    int rc = put_matrix(linear, first, weight, path, out_width, reason);
    if (rc < 0 || !has_bias)
        return rc;
    join(path, name, ".bias");
    const wf_tensor *bias = wf_trunk_tensor(tensors, path, 0, out_width, reason);
    return bias != NULL ? take_floats(bias, path, 0, out_width, linear->bias.at + first, reason)
                        : -WEFT_M_EMODEL;
}

int wf_trunk_linear(wf_linear *out, const wf_tensors *tensors, const char *name, size_t in_width,
                    size_t out_width, bool has_bias, wf_reason *reason)
{
    char path[2 * NAME_BYTES];
    join(path, name, ".weight");
    if (wf_trunk_tensor(tensors, path, out_width, in_width, reason) == NULL)
        return -WEFT_M_EMODEL; /* before memory is taken for it */
    int rc = wf_linear_init(out, in_width, out_width);
    return rc < 0 ? rc : put_linear(out, 0, tensors, name, out_width, has_bias, reason);
}

/* ---- parts of a body ---- */

static void name_of(const struct place *place, const char *end, char out[2 * NAME_BYTES])
{
    join(out, place->prefix, end);
}

static int read_linear(const struct place *place, wf_linear *out, const char *name, size_t in,
                       size_t width)
{
    char path[2 * NAME_BYTES];
    name_of(place, name, path);
    return wf_trunk_linear(out, &place->body->tensors, path, in, width, /* has_bias= */ true,
                           place->reason);
}

/* Query, key and value side by side in one matrix. */
static int read_qkv(const struct place *place, wf_linear *out)
{
    const wf_shape *shape = &place->body->shape;
    char path[2 * NAME_BYTES];
    int rc = wf_linear_init(out, shape->hidden, 3 * shape->hidden);
    for (size_t i = 0; i < 3 && rc == 0; i++) {
        name_of(place, shape->family->attention[i], path);
        rc = put_linear(out, i * shape->hidden, &place->body->tensors, path, shape->hidden,
                        /* has_bias= */ true, place->reason);
    }
    return rc;
}

/* One of a norm's two lists; older files call it otherwise. */
static int read_norm_list(const struct place *place, const char *name, const char *end,
                          const char *old_end, float **out)
{
    const wf_trunk *body = place->body;
    char start[2 * NAME_BYTES], path[2 * NAME_BYTES + 16];
    name_of(place, name, start);
    snprintf(path, sizeof(path), "%s%s", start, old_end);
    if (wf_tensors_find(&body->tensors, path) == NULL)
        snprintf(path, sizeof(path), "%s%s", start, end);
    size_t width = body->shape.hidden;
    const wf_tensor *tensor = wf_trunk_tensor(&body->tensors, path, 0, width, place->reason);
    if (tensor == NULL)
        return -WEFT_M_EMODEL;
    *out = wf_array(width, sizeof(**out));
    return *out != NULL ? take_floats(tensor, path, 0, width, *out, place->reason) : -ENOMEM;
}

static int read_norm(const struct place *place, wf_norm_weights *out, const char *name)
{
    int rc = read_norm_list(place, name, ".weight", ".gamma", &out->weight);
    return rc < 0 ? rc : read_norm_list(place, name, ".bias", ".beta", &out->bias);
}

static int read_layer(const struct place *place, wf_layer *out)
{
    const wf_shape *shape = &place->body->shape;
    const wf_family *family = shape->family;
    int rc = read_qkv(place, &out->qkv);
    if (rc == 0)
        rc = read_linear(place, &out->joined, family->joined, shape->hidden, shape->hidden);
    if (rc == 0)
        rc = read_norm(place, &out->joined_norm, family->joined_norm);
    if (rc == 0)
        rc = read_linear(place, &out->up, family->up, shape->hidden, shape->inner);
    if (rc == 0)
        rc = read_linear(place, &out->down, family->down, shape->inner, shape->hidden);
    return rc < 0 ? rc : read_norm(place, &out->norm, family->norm);
}

static int read_layers(wf_trunk *body, struct place *place)
{
    const wf_shape *shape = &body->shape;
    body->layers = wf_array(shape->layers, sizeof(*body->layers));
    int rc = body->layers != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; i < shape->layers && rc == 0; i++) {
        snprintf(place->prefix, sizeof(place->prefix), "%s%s%zu.", body->prefix,
                 shape->family->layer, i);
        rc = read_layer(place, &body->layers[i]);
    }
    return rc;
}

static int read_table(const struct place *place, const wf_tensor **out, const char *name,
                      size_t rows)
{
    char path[2 * NAME_BYTES];
    name_of(place, name, path);
    *out = wf_trunk_tensor(&place->body->tensors, path, rows, place->body->shape.hidden,
                           place->reason);
    return *out != NULL ? 0 : -WEFT_M_EMODEL;
}

static int read_embeddings(wf_trunk *body, const struct place *place)
{
    const wf_shape *shape = &body->shape;
    int rc = read_table(place, &body->words, "embeddings.word_embeddings.weight", shape->words);
    if (rc == 0)
        rc = read_table(place, &body->positions, "embeddings.position_embeddings.weight",
                        shape->positions);
    if (rc == 0 && shape->types != 0)
        rc = read_table(place, &body->types, "embeddings.token_type_embeddings.weight",
                        shape->types);
    return rc < 0 ? rc : read_norm(place, &body->embedded_norm, "embeddings.LayerNorm");
}

/* ---- attention by distance ---- */

#define BUCKETS 32u
#define BUCKETS_NEAR 8u  /* of each side: one a distance */
#define BUCKETS_SIDE 16u /* the others are wider with the logarithm, up to */
#define DISTANCE_FAR 128.0f

/* As in Raffel and others, "Exploring the Limits of Transfer Learning", 2020, both sides; in
 * floats, as the public implementation computes it. */
static size_t bucket_of(long distance)
{
    size_t side = distance > 0 ? BUCKETS_SIDE : 0;
    size_t apart = (size_t)labs(distance);
    if (apart < BUCKETS_NEAR)
        return side + apart;
    float part = logf((float)apart / (float)BUCKETS_NEAR) / logf(DISTANCE_FAR / BUCKETS_NEAR);
    size_t bucket = BUCKETS_NEAR + (size_t)(part * (float)(BUCKETS_SIDE - BUCKETS_NEAR));
    return side + (bucket < BUCKETS_SIDE ? bucket : BUCKETS_SIDE - 1);
}

static int read_distances(wf_trunk *body, const struct place *place)
{
    const wf_shape *shape = &body->shape;
    char path[2 * NAME_BYTES];
    float table[WF_PANEL];
    if (!shape->family->has_distances)
        return 0;
    name_of(place, "encoder.relative_attention_bias.weight", path);
    const wf_tensor *tensor =
        wf_trunk_tensor(&body->tensors, path, BUCKETS, shape->heads, place->reason);
    if (tensor == NULL)
        return -WEFT_M_EMODEL;
    size_t span = 2 * shape->tokens_max - 1;
    body->distances = wf_array(shape->heads * span, sizeof(float));
    int rc = body->distances != NULL ? 0 : -ENOMEM;
    for (size_t head = 0; head < shape->heads && rc == 0; head++) {
        for (size_t bucket = 0; bucket < BUCKETS && rc == 0; bucket++)
            rc = take_floats(tensor, path, bucket * shape->heads + head, 1, &table[bucket],
                             place->reason);
        for (size_t i = 0; i < span && rc == 0; i++)
            body->distances[head * span + i] =
                table[bucket_of((long)i - (long)shape->tokens_max + 1)];
    }
    return rc;
}

/* ---- all of it ---- */

static int read_parts(wf_trunk *body, wf_folder *folder)
{
    char path[NAME_BYTES];
    const char *prefix = body->shape.family->prefix;
    snprintf(path, sizeof(path), "%sembeddings.word_embeddings.weight", prefix);
    body->prefix = wf_tensors_find(&body->tensors, path) != NULL ? prefix : "";
    struct place place = {.body = body, .reason = folder->reason};
    snprintf(place.prefix, sizeof(place.prefix), "%s", body->prefix);
    int rc = read_embeddings(body, &place);
    if (rc == 0)
        rc = read_distances(body, &place);
    return rc < 0 ? rc : read_layers(body, &place);
}

int wf_trunk_open(wf_trunk *body, wf_folder *folder, const char *inner)
{
    wf_tape config;
    wf_image *image;
    *body = (wf_trunk){.kernel = wf_kernel_best()};
    int rc = wf_folder_json(folder, inner, "config.json", &config, &image);
    if (rc == 0)
        rc = wf_shape_read(&body->shape, &config, folder->reason);
    rc = wf_folder_blame(folder, inner, "config.json", rc);
    wf_tape_fini(&config);
    wf_image_unref(image);
    if (rc == 0)
        rc = wf_folder_tensors(folder, inner, &body->tensors);
    return rc < 0 ? rc
                  : wf_folder_blame(folder, inner, "model.safetensors", read_parts(body, folder));
}

static void norm_fini(wf_norm_weights *norm)
{
    wf_free(norm->weight);
    wf_free(norm->bias);
}

void wf_trunk_fini(wf_trunk *body)
{
    for (size_t i = 0; body->layers != NULL && i < body->shape.layers; i++) {
        wf_layer *layer = &body->layers[i];
        wf_linear_fini(&layer->qkv);
        wf_linear_fini(&layer->joined);
        wf_linear_fini(&layer->up);
        wf_linear_fini(&layer->down);
        norm_fini(&layer->joined_norm);
        norm_fini(&layer->norm);
    }
    wf_free(body->layers);
    norm_fini(&body->embedded_norm);
    wf_free(body->distances);
    wf_tensors_fini(&body->tensors);
    *body = (wf_trunk){0};
}
