/* SPDX-License-Identifier: MIT */

#include "match/index/vectors.h"

#include "base/alloc.h"
#include "match/index/scan.h"

#include <math.h>
#include <string.h>

#define TAG_ROWS WF_TAG('D', 'R', 'O', 'W')
#define TAG_BYTES WF_TAG('D', 'B', 'Y', 'T')
#define TAG_SUMS WF_TAG('D', 'S', 'U', 'M')
#define TAG_SCALES WF_TAG('D', 'S', 'C', 'A')
#define TAG_RESIDUALS WF_TAG('D', 'R', 'E', 'S')

/* Vectors as near as this are equal but for rounding. */
#define EQUAL 5e-7f

static size_t width_of(size_t dim, size_t unit)
{
    return (dim + unit - 1) / unit * unit;
}

static void set_shape(wf_vectors *vectors, size_t dim, size_t count)
{
    *vectors = (wf_vectors){.dim = dim,
                            .count = count,
                            .float_width = width_of(dim, WF_SCAN_FLOATS),
                            .byte_width = width_of(dim, WF_SCAN_BYTES)};
}

/* One of the arrays. */
static bool grow(void *array, size_t count, size_t item_bytes)
{
    void *old, *items;
    memcpy(&old, array, sizeof(old));
    items = wf_grow(old, count, item_bytes);
    if (items == NULL)
        return false;
    memcpy(array, &items, sizeof(items));
    return true;
}

/* Where lines of the cache begin: a row of floats is then read without touching one more. */
static float *aligned(void *memory)
{
    return (float *)(((uintptr_t)memory + 63) & ~(uintptr_t)63);
}

/* Rows are seldom moved here: where the system moves whole pages they stay as far from their
 * beginning. */
static bool grow_rows(wf_vectors *vectors, size_t old_count, size_t count)
{
    size_t row_bytes = vectors->float_width * sizeof(float);
    size_t start = (uintptr_t)vectors->rows - (uintptr_t)vectors->memory;
    char *memory = wf_grow(vectors->memory, count + 1, row_bytes);
    if (memory == NULL)
        return false;
    vectors->memory = memory;
    vectors->rows = aligned(memory);
    if ((uintptr_t)vectors->rows - (uintptr_t)memory != start)
        memmove(vectors->rows, memory + start, old_count * row_bytes);
    return true;
}

static bool grow_bytes(wf_vectors *vectors, size_t count)
{
    return grow(&vectors->bytes, count, vectors->byte_width) &&
           grow(&vectors->sums, count, sizeof(int32_t)) &&
           grow(&vectors->scales, count, sizeof(float)) &&
           grow(&vectors->residuals, count, sizeof(float));
}

int wf_vectors_grow(wf_vectors *vectors, size_t count)
{
    size_t capacity = count + count / 2 + 16;
    if (count > vectors->capacity) {
        if (!grow_rows(vectors, vectors->count, capacity) ||
            (vectors->has_bytes && !grow_bytes(vectors, capacity)))
            return -ENOMEM;
        vectors->capacity = capacity;
    }
    vectors->count = count;
    return 0;
}

int wf_vectors_init_floats(wf_vectors *vectors, size_t dim, size_t count)
{
    set_shape(vectors, dim, count);
    vectors->capacity = count + 1;
    vectors->memory = wf_array(count + 2, vectors->float_width * sizeof(float));
    vectors->rows = aligned(vectors->memory);
    return vectors->memory != NULL ? 0 : -ENOMEM;
}

int wf_vectors_init(wf_vectors *vectors, size_t dim, size_t count)
{
    int rc = wf_vectors_init_floats(vectors, dim, count);
    vectors->has_bytes = true;
    vectors->bytes = wf_array(count + 1, vectors->byte_width);
    vectors->sums = wf_array(count + 1, sizeof(int32_t));
    vectors->scales = wf_array(count + 1, sizeof(float));
    vectors->residuals = wf_array(count + 1, sizeof(float));
    bool has_all = vectors->bytes != NULL && vectors->sums != NULL && vectors->scales != NULL &&
                   vectors->residuals != NULL;
    return has_all ? rc : -ENOMEM;
}

void wf_vectors_fini(wf_vectors *vectors)
{
    if (!vectors->is_of_image) {
        wf_free(vectors->memory);
        wf_free(vectors->bytes);
        wf_free(vectors->sums);
        wf_free(vectors->scales);
        wf_free(vectors->residuals);
    }
    *vectors = (wf_vectors){0};
}

size_t wf_vectors_bytes(const wf_vectors *vectors)
{
    size_t floats = vectors->float_width * sizeof(float);
    size_t bytes = vectors->byte_width + sizeof(int32_t) + 2 * sizeof(float);
    return vectors->count * (floats + (vectors->has_bytes ? bytes : 0));
}

/* ---- rows ---- */

/* Divides by the length; what has none, or is not finite, becomes zero. */
static void make_unit(float *numbers, size_t dim)
{
    double squares = 0;
    for (size_t i = 0; i < dim; i++)
        squares += (double)numbers[i] * (double)numbers[i];
    double inverse = squares > 0 && isfinite(squares) ? 1 / sqrt(squares) : 0;
    for (size_t i = 0; i < dim; i++)
        numbers[i] = inverse > 0 ? (float)((double)numbers[i] * inverse) : 0;
}

/* The copy in bytes: the largest number becomes 127. */
static void make_bytes(const float *numbers, size_t dim, int8_t *out, float *out_scale,
                       float *out_residual)
{
    float largest = 0;
    for (size_t i = 0; i < dim; i++)
        largest = fmaxf(largest, fabsf(numbers[i]));
    float scale = largest / 127, inverse = largest > 0 ? 127 / largest : 0;
    double squares = 0;
    for (size_t i = 0; i < dim; i++) {
        float rounded = rintf(numbers[i] * inverse);
        rounded = fminf(fmaxf(rounded, -127), 127);
        out[i] = (int8_t)rounded;
        double left = (double)numbers[i] - (double)scale * (double)rounded;
        squares += left * left;
    }
    *out_scale = scale;
    *out_residual = (float)sqrt(squares) * 1.000001f;
}

/* The copy of a row whose floats are there. */
static void set_bytes(wf_vectors *vectors, size_t row)
{
    int8_t *bytes = vectors->bytes + row * vectors->byte_width;
    memset(bytes + vectors->dim, 0, vectors->byte_width - vectors->dim);
    make_bytes(vectors->rows + row * vectors->float_width, vectors->dim, bytes,
               &vectors->scales[row], &vectors->residuals[row]);
    vectors->sums[row] = 0;
    for (size_t i = 0; i < vectors->dim; i++)
        vectors->sums[row] += bytes[i];
}

static void copy_bytes(wf_vectors *vectors, size_t row, const wf_vectors *from, size_t from_row)
{
    memcpy(vectors->bytes + row * vectors->byte_width, from->bytes + from_row * from->byte_width,
           vectors->byte_width);
    vectors->sums[row] = from->sums[from_row];
    vectors->scales[row] = from->scales[from_row];
    vectors->residuals[row] = from->residuals[from_row];
}

void wf_vectors_set(wf_vectors *vectors, size_t row, const float *numbers)
{
    float *floats = vectors->rows + row * vectors->float_width;
    memcpy(floats, numbers, vectors->dim * sizeof(*floats));
    memset(floats + vectors->dim, 0, (vectors->float_width - vectors->dim) * sizeof(*floats));
    make_unit(floats, vectors->dim);
    if (vectors->has_bytes)
        set_bytes(vectors, row);
}

void wf_vectors_copy(wf_vectors *vectors, size_t row, const wf_vectors *from, size_t from_row)
{
    memcpy(vectors->rows + row * vectors->float_width, from->rows + from_row * from->float_width,
           vectors->float_width * sizeof(float));
    if (vectors->has_bytes && from->has_bytes)
        copy_bytes(vectors, row, from, from_row);
    else if (vectors->has_bytes)
        set_bytes(vectors, row);
}

/* ---- queries ---- */

void wf_glance_fini(wf_glance *glance)
{
    wf_free(glance->query);
    wf_free(glance->bytes);
    *glance = (wf_glance){0};
}

int wf_glance_reserve(wf_glance *glance, const wf_vectors *vectors)
{
    if (glance->dim == vectors->dim)
        return 0;
    wf_glance_fini(glance);
    glance->query = wf_array(vectors->float_width, sizeof(float));
    glance->bytes = wf_array(vectors->byte_width, 1);
    if (glance->query == NULL || glance->bytes == NULL)
        return -ENOMEM;
    glance->dim = vectors->dim;
    return 0;
}

void wf_glance_take(wf_glance *glance, const wf_vectors *vectors)
{
    make_unit(glance->query, vectors->dim);
    make_bytes(glance->query, vectors->dim, glance->bytes, &glance->scale, &glance->residual);
}

float wf_vectors_between(const wf_vectors *vectors, size_t a, size_t b)
{
    float product;
    size_t width = vectors->float_width;
    wf_scan()->floats(vectors->rows + a * width, 1, vectors->rows + b * width, 1, width, &product);
    return product;
}

float wf_cosine_of(float product)
{
    return product > 1 - EQUAL ? 1 : fmaxf(product, -1);
}

float wf_vectors_cosine(const wf_vectors *vectors, const wf_glance *glance, size_t row)
{
    float product;
    wf_scan()->floats(vectors->rows + row * vectors->float_width, 1, glance->query, 1,
                      vectors->float_width, &product);
    return wf_cosine_of(product);
}

/* ---- files ---- */

void wf_vectors_save(const wf_vectors *vectors, wf_pack *pack)
{
    wf_pack_add(pack, TAG_ROWS, vectors->rows, vectors->count,
                vectors->float_width * sizeof(float));
    if (!vectors->has_bytes)
        return;
    wf_pack_add(pack, TAG_BYTES, vectors->bytes, vectors->count, vectors->byte_width);
    wf_pack_add(pack, TAG_SUMS, vectors->sums, vectors->count, sizeof(int32_t));
    wf_pack_add(pack, TAG_SCALES, vectors->scales, vectors->count, sizeof(float));
    wf_pack_add(pack, TAG_RESIDUALS, vectors->residuals, vectors->count, sizeof(float));
}

/* Numbers checked between two looks at whether to go on. */
#define CHECKED_NUMBERS ((size_t)1 << 20)

/* A made-up number gives wrong answers and nothing worse, but for those that are not finite. */
static int check_numbers(const float *numbers, size_t count)
{
    const wf_job job = {0};
    int rc = 0;
    for (size_t at = 0; at < count && rc == 0;) {
        size_t end = count - at < CHECKED_NUMBERS ? count : at + CHECKED_NUMBERS;
        bool is_good = true;
        for (; at < end; at++)
            is_good &= fabsf(numbers[at]) <= 2;
        rc = is_good ? wf_job_poll(&job) : -WEFT_M_EPERSIST;
    }
    return rc;
}

bool wf_vectors_are_quantized(const wf_image *image)
{
    const void *at;
    size_t count;
    return wf_image_get(image, TAG_BYTES, 1, &at, &count) == 0;
}

static int load_bytes(wf_vectors *vectors, const wf_image *image)
{
    size_t count = vectors->count;
    int rc = wf_image_get_exactly(image, TAG_BYTES, vectors->byte_width, count, &vectors->bytes);
    vectors->has_bytes = true;
    if (rc == 0)
        rc = wf_image_get_exactly(image, TAG_SUMS, sizeof(int32_t), count, &vectors->sums);
    if (rc == 0)
        rc = wf_image_get_exactly(image, TAG_SCALES, sizeof(float), count, &vectors->scales);
    if (rc == 0)
        rc = wf_image_get_exactly(image, TAG_RESIDUALS, sizeof(float), count, &vectors->residuals);
    if (rc == 0)
        rc = check_numbers(vectors->scales, count);
    return rc == 0 ? check_numbers(vectors->residuals, count) : rc;
}

int wf_vectors_load(wf_vectors *vectors, const wf_image *image, size_t dim, size_t count)
{
    set_shape(vectors, dim, count);
    vectors->is_of_image = true;
    int rc = wf_image_get_exactly(image, TAG_ROWS, vectors->float_width * sizeof(float), count,
                                  &vectors->rows);
    if (rc == 0)
        rc = check_numbers(vectors->rows, count * vectors->float_width);
    return rc == 0 && wf_vectors_are_quantized(image) ? load_bytes(vectors, image) : rc;
}
