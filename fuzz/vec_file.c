/* SPDX-License-Identifier: MIT */

/*
 * A store of vectors out of any bytes.  With an empty first byte the bytes are the file; else they
 * are changes to a good one, whose rows have no copies in bytes if that byte is even, and whose
 * check sums are then made right.  It is refused with a reason, or
 * answers within its bounds; of those that are taken one in 32 is also changed, which links and
 * tunes its graph anew and so takes ten times as long as all the rest.
 */

#include "cut.h"
#include "weftm.h"

#include "match/vec/vec_priv.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define DIM 3u
#define ROWS 24u
#define CHANGED_PART 32u /* one in so many inputs */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put(weft_vec *store, size_t row)
{
    char id[8];
    const float numbers[DIM] = {1, (float)(row % 5), (float)(row / 5)};
    const weft_vec_tag tag = {{"k", 1}, {row % 2 != 0 ? "odd" : "", row % 2 != 0 ? 3 : 0}};
    const weft_vec_item item = {.id = {id, (size_t)snprintf(id, sizeof(id), "%zu", row)},
                                .numbers = numbers,
                                .tags = &tag,
                                .tag_count = 1};
    int rc = weft_vec_put(store, &item, 1, NULL);
    assert(rc == 0);
}

static weft_bytes make_good_file(const char *quantization)
{
    weft_vec *store;
    weft_vec_options options;
    const wf_job job = {0};
    weft_bytes bytes = {0};
    weft_vec_options_init(&options);
    options.kind = "hnsw";
    options.quantization = quantization;
    options.m = 3;
    options.ef = options.ef_construction = 8;
    int rc = weft_vec_new(&store, DIM, &options, NULL);
    assert(rc == 0);
    for (size_t row = 0; row < ROWS; row++)
        put(store, row);
    rc = wf_vec_bytes(store, &job, &bytes);
    assert(rc == 0);
    weft_vec_free(store);
    return bytes;
}

/* A copy; they are made once. */
static uint8_t *good_file(bool with_bytes, size_t *out_bytes)
{
    static weft_bytes kept[2];
    weft_bytes *file = &kept[with_bytes];
    if (file->ptr == NULL)
        *file = make_good_file(with_bytes ? "int8" : "none");
    uint8_t *copy = malloc(file->len);
    assert(copy != NULL);
    memcpy(copy, file->ptr, file->len);
    *out_bytes = file->len;
    return copy;
}

static void check_answers(weft_vec *store)
{
    weft_vec_info info = {.size = sizeof(info)};
    weft_vec_results *results;
    size_t count;
    int rc = weft_vec_info_get(store, &info);
    assert(rc == 0);
    float *query = calloc(info.dimension, sizeof(*query));
    assert(query != NULL);
    query[0] = 1;
    rc = weft_vec_find(store, query, 1, NULL, &results, NULL);
    assert(rc == 0);
    const weft_vec_hit *hits = weft_vec_results_hits(results, 0, &count);
    assert(count <= 10);
    for (size_t i = 0; i < count; i++)
        assert(hits[i].id.len != 0);
    weft_vec_results_free(results);
    free(query);
}

static void check_change(weft_vec *store)
{
    const weft_str gone[] = {{"1", 1}, {"7", 1}};
    int rc = weft_vec_remove(store, gone, 2, NULL, NULL);
    assert(rc == 0);
    put(store, ROWS);
    check_answers(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weft_vec *store;
    weft_m_error error;
    size_t bytes = size > 0 ? size - 1 : 0;
    uint8_t *file = NULL;
    if (size > 0 && data[0] != 0) {
        file = good_file(data[0] % 2 != 0, &bytes);
        weftm_change(file, data + 1, size - 1);
        weftm_seal(file);
    }
    const void *from = file != NULL ? file : size > 0 ? data + 1 : data;
    int rc = wf_vec_of_bytes(&store, from, bytes, &error);
    free(file);
    if (rc < 0) {
        assert(rc == -WEFT_M_EPERSIST || rc == -WEFT_ELIMIT);
        assert(error.message[0] != '\0');
        return 0;
    }
    check_answers(store);
    if (store->dim == DIM && input_hash(data, size) % CHANGED_PART == 0)
        check_change(store);
    weft_vec_free(store);
    return 0;
}
