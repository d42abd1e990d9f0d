/* SPDX-License-Identifier: MIT */

/*
 * The graph of neighbours out of a file, with changes to its sections.  It is refused, or each walk
 * over it and each change of it ends within its bounds.
 */

#include "weftm.h"

#include "match/index/hnsw.h"

#include <assert.h>
#include <stdlib.h>

#define DIM 4u
#define ROWS 64u /* the graph's; one more is entered */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const wf_job job;
static wf_vectors vectors;

static weft_bytes make_good_file(void)
{
    wf_hnsw_options options;
    wf_hnsw graph;
    wf_hnsw_desk desk = {0};
    weft_bytes bytes;
    wf_hnsw_options_init(&options);
    options.m = 3;
    options.ef = options.ef_construction = 8;
    wf_hnsw_init(&graph, &options);
    int rc = wf_vectors_init(&vectors, DIM, ROWS + 1);
    assert(rc == 0);
    rc = wf_hnsw_reserve(&graph, ROWS);
    assert(rc == 0);
    for (uint32_t row = 0; row <= ROWS; row++) {
        const float numbers[DIM] = {1, (float)(row % 8), (float)(row / 8), (float)(row % 5)};
        wf_vectors_set(&vectors, row, numbers);
        rc = row < ROWS ? wf_hnsw_add(&graph, &vectors, row, &desk, &job) : 0;
        assert(rc == 0);
    }
    wf_pack *pack = calloc(1, sizeof(*pack));
    assert(pack != NULL);
    wf_hnsw_save(&graph, pack);
    rc = wf_pack_make(pack, &bytes);
    assert(rc == 0);
    wf_pack_fini(pack);
    free(pack);
    wf_hnsw_desk_fini(&desk);
    wf_hnsw_fini(&graph);
    return bytes;
}

/* A copy, changed. */
static wf_image *make_image(const uint8_t *data, size_t size)
{
    static weft_bytes kept;
    wf_image *image;
    char reason[WF_REASON_BYTES];
    if (kept.ptr == NULL)
        kept = make_good_file();
    uint8_t *file = malloc(kept.len);
    assert(file != NULL);
    memcpy(file, kept.ptr, kept.len);
    weftm_change(file, data, size);
    weftm_seal(file);
    int rc = wf_image_of(&image, file, kept.len);
    free(file);
    assert(rc == 0);
    rc = wf_image_check(image, &job, reason);
    assert(rc == 0);
    return image;
}

static void check_walk(const wf_hnsw *graph, wf_hnsw_desk *desk)
{
    wf_glance glance = {0};
    int rc = wf_glance_reserve(&glance, &vectors);
    assert(rc == 0);
    for (size_t i = 0; i < DIM; i++)
        glance.query[i] = (float)i;
    wf_glance_take(&glance, &vectors);
    rc = wf_hnsw_find(graph, &vectors, &glance, 5, desk, &job);
    assert(rc == 0);
    assert(desk->found.count <= 5);
    for (size_t i = 0; i < desk->found.count; i++)
        assert(desk->found.items[i].node < graph->count);
    wf_glance_fini(&glance);
}

/* Every fourth row removed, and one more at the end. */
static void check_change(const wf_hnsw *loaded, wf_hnsw_desk *desk)
{
    uint32_t number[ROWS];
    wf_hnsw graph;
    wf_hnsw_move move = {.from = loaded, .number = number};
    for (uint32_t row = 0; row < ROWS; row++)
        number[row] = row % 4 == 1 ? WF_HNSW_NOWHERE : row;
    wf_hnsw_init(&graph, &loaded->options);
    int rc = wf_hnsw_reserve(&graph, ROWS + 1);
    while (rc == 0 && !wf_hnsw_move_is_done(&move))
        rc = wf_hnsw_move_some(&move, &graph, &vectors, desk, &job);
    assert(rc == 0);
    rc = wf_hnsw_add(&graph, &vectors, ROWS, desk, &job);
    assert(rc == 0);
    check_walk(&graph, desk);
    wf_hnsw_fini(&graph);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    wf_image *image = make_image(data, size);
    wf_hnsw graph = {0};
    int rc = wf_hnsw_load(&graph, image, ROWS);
    if (rc == 0) {
        wf_hnsw_desk desk = {0};
        check_walk(&graph, &desk);
        check_change(&graph, &desk);
        wf_hnsw_desk_fini(&desk);
    } else {
        assert(rc == -WEFT_M_EPERSIST);
    }
    wf_hnsw_fini(&graph);
    wf_image_unref(image);
    return 0;
}
