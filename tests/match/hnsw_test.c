/* SPDX-License-Identifier: MIT */

/* The graph of neighbours: what it finds against a scan, and what it survives. */
#include "make.h"

#include "match/index/hnsw.h"
#include "match/matcher_priv.h"

#include <math.h>
#include <weft/encoder.h>

#define DIM 24u
#define ROWS 1500u
#define CHANGED_ROWS 800u
#define QUERIES 60u
#define NEAREST 10u

static double normal(dice *d)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += (double)roll(d, 1 << 20) / (1 << 20);
    return sum;
}

/* Around `clusters` centres, or anywhere for 0. */
static void make_vector(dice *d, const float *centres, size_t clusters, float *out)
{
    size_t centre = clusters != 0 ? roll(d, clusters) : 0;
    for (size_t i = 0; i < DIM; i++)
        out[i] = (float)normal(d) * (clusters != 0 ? 0.15f : 1) +
                 (clusters != 0 ? centres[centre * DIM + i] : 0);
}

struct world {
    wf_vectors vectors;
    wf_hnsw graph;
    wf_hnsw_desk desk;
    wf_glance glance;
    wf_rank rank;
    float centres[40 * DIM];
    dice d;
};

/* Of `different` rows, each about as often as any other. */
static struct world *make_repeating(size_t rows, size_t different, size_t clusters, uint64_t seed)
{
    struct world *world = calloc(1, sizeof(*world));
    wf_hnsw_options options;
    const wf_job job = {0};
    float numbers[DIM];
    wf_hnsw_options_init(&options);
    options.seed = seed;
    wf_hnsw_init(&world->graph, &options);
    world->d = (dice){4711};
    for (size_t i = 0; i < 40 * DIM; i++)
        world->centres[i] = (float)normal(&world->d);
    CHECK_OK(wf_vectors_init(&world->vectors, DIM, rows));
    for (size_t i = 0; i < different; i++) {
        make_vector(&world->d, world->centres, clusters, numbers);
        wf_vectors_set(&world->vectors, i, numbers);
    }
    for (size_t i = different; i < rows; i++)
        wf_vectors_copy(&world->vectors, i, &world->vectors, roll(&world->d, different));
    CHECK_OK(wf_hnsw_reserve(&world->graph, rows));
    for (uint32_t i = 0; i < rows; i++)
        CHECK_OK(wf_hnsw_add(&world->graph, &world->vectors, i, &world->desk, &job));
    CHECK_OK(wf_glance_reserve(&world->glance, &world->vectors));
    return world;
}

static struct world *make_world(size_t rows, size_t clusters, uint64_t seed)
{
    return make_repeating(rows, rows, clusters, seed);
}

static void world_free(struct world *world)
{
    wf_hnsw_fini(&world->graph);
    wf_hnsw_desk_fini(&world->desk);
    wf_glance_fini(&world->glance);
    wf_rank_fini(&world->rank);
    wf_vectors_fini(&world->vectors);
    free(world);
}

/* How many of the exact ten nearest the graph finds; `allowed` as for a scan. */
static size_t count_right(struct world *world, const uint64_t *allowed)
{
    const wf_job job = {0};
    size_t right = 0;
    CHECK_OK(wf_rank_begin(&world->rank, NEAREST, world->vectors.count, -2));
    const wf_look look = {&world->glance, allowed, &world->rank};
    CHECK_OK(wf_sweep(&world->vectors, &look, 1, NULL, &job));
    wf_rank_end(&world->rank);
    CHECK_OK(
        wf_hnsw_find(&world->graph, &world->vectors, &world->glance, NEAREST, &world->desk, &job));
    CHECK_EQ(world->desk.found.count, NEAREST);
    for (size_t i = 0; i < NEAREST; i++) {
        CHECK(i == 0 || world->desk.found.items[i - 1].score >= world->desk.found.items[i].score);
        for (size_t k = 0; k < NEAREST; k++)
            right += world->desk.found.items[i].node == world->rank.found[k].row;
    }
    return right;
}

static double recall(struct world *world, size_t clusters, const uint64_t *allowed)
{
    size_t right = 0;
    for (size_t i = 0; i < QUERIES; i++) {
        make_vector(&world->d, world->centres, clusters, world->glance.query);
        wf_glance_take(&world->glance, &world->vectors);
        right += count_right(world, allowed);
    }
    return (double)right / (QUERIES * NEAREST);
}

TEST(the_graph_finds_99_of_100_of_the_ten_nearest)
{
    static const size_t clusters[] = {0, 3, 40};
    for (size_t i = 0; i < 3; i++) {
        struct world *world = make_world(test_amount(ROWS, 400), clusters[i], 42);
        double found = recall(world, clusters[i], NULL);
        note("%zu clusters: %g", clusters[i], found);
        CHECK_GE(found, 0.99);
        world_free(world);
    }
}

/* A walk that looks at too little is made to look at more. */
TEST(tuning_looks_as_far_as_it_must_and_no_further)
{
    const wf_job job = {0};
    struct world *world = make_world(ROWS, 0, 42);
    world->graph.options.ef = 10;
    CHECK_GT(0.9, recall(world, 0, NULL));
    CHECK_OK(wf_hnsw_tune(&world->graph, &world->vectors, &world->desk, &job));
    note("ef %u", (unsigned)world->graph.options.ef);
    CHECK_GT(world->graph.options.ef, 10);
    CHECK_GT(1000, world->graph.options.ef);
    CHECK_GE(recall(world, 0, NULL), 0.98);
    world_free(world);
}

/* As many products as a scan would read rows in their time are too many, until there are more rows;
 * nobody who wants a graph for few is refused. */
TEST(where_walks_cost_more_than_scans_there_are_none)
{
    const wf_job job = {0};
    struct world *world = make_world(400, 0, 42);
    wf_hnsw *graph = &world->graph;
    graph->options.ef = 20;
    CHECK_EQ(graph->options.products, 0);
    CHECK_OK(wf_hnsw_tune(graph, &world->vectors, &world->desk, &job));
    uint32_t ef = graph->options.ef;
    CHECK_GT(graph->options.products, ef); /* at each node its neighbours */
    CHECK_GE(400, graph->options.products);
    CHECK(wf_hnsw_is_worth(graph));
    wf_hnsw large = {.options = graph->options, .in_count = WF_HNSW_ROWS_MIN};
    large.options.products = WF_HNSW_ROWS_MIN / WF_HNSW_ROWS_A_PRODUCT - 1;
    CHECK(wf_hnsw_is_worth(&large));
    large.options.products++;
    CHECK(!wf_hnsw_is_worth(&large));
    large.in_count += WF_HNSW_ROWS_A_PRODUCT;
    CHECK(wf_hnsw_is_worth(&large));
    CHECK_EQ(large.options.ef, ef);
    world_free(world);
}

TEST(rows_that_are_gone_are_not_found_and_the_others_are)
{
    const uint32_t rows = (uint32_t)test_amount(ROWS, 400);
    struct world *world = make_world(rows, 40, 42);
    uint64_t *allowed = calloc(rows / 64 + 1, sizeof(*allowed));
    for (uint32_t row = 0; row < rows; row++) {
        if (row % 3 == 0)
            wf_hnsw_remove(&world->graph, row);
        else
            allowed[row / 64] |= UINT64_C(1) << row % 64;
    }
    CHECK_EQ(world->graph.in_count, rows - (rows + 2) / 3);
    CHECK_GE(recall(world, 40, allowed), 0.99); /* of those allowed, so none is gone */
    free(allowed);
    world_free(world);
}

static void check_same(const wf_hnsw *a, const wf_hnsw *b)
{
    size_t each = 2 * (size_t)a->options.m + 1;
    CHECK_EQ(a->count, b->count);
    CHECK_EQ(a->entry, b->entry);
    CHECK_EQ(memcmp(a->levels, b->levels, a->count), 0);
    CHECK_EQ(memcmp(a->twins, b->twins, a->count * sizeof(*a->twins)), 0);
    for (size_t node = 0; node < a->count; node++) {
        const uint32_t *left = a->bottom + node * each, *right = b->bottom + node * each;
        CHECK_EQ(left[0], right[0]);
        CHECK_EQ(memcmp(left, right, (left[0] + 1) * sizeof(*left)), 0);
    }
}

TEST(the_same_rows_and_seed_give_the_same_graph)
{
    struct world *a = make_world(500, 3, 1), *b = make_world(500, 3, 1), *c = make_world(500, 3, 2);
    CHECK(memcmp(a->graph.levels, c->graph.levels, 500) != 0);
    check_same(&a->graph, &b->graph);
    world_free(a);
    world_free(b);
    world_free(c);
}

/* Copies, and rows that are nothing at all. */
TEST(equal_and_empty_rows_do_no_harm)
{
    struct world *world = make_world(10, 0, 42);
    const wf_job job = {0};
    float numbers[DIM] = {0};
    wf_hnsw_fini(&world->graph);
    wf_vectors_fini(&world->vectors);
    CHECK_OK(wf_vectors_init(&world->vectors, DIM, 400));
    for (size_t i = 0; i < 400; i++) {
        numbers[0] = i % 2 == 0 ? 1 : 0;
        wf_vectors_set(&world->vectors, i, numbers);
    }
    wf_hnsw_options options;
    wf_hnsw_options_init(&options);
    wf_hnsw_init(&world->graph, &options);
    CHECK_OK(wf_hnsw_reserve(&world->graph, 400));
    for (uint32_t i = 0; i < 400; i++)
        CHECK_OK(wf_hnsw_add(&world->graph, &world->vectors, i, &world->desk, &job));
    memset(world->glance.query, 0, DIM * sizeof(float));
    world->glance.query[0] = 1;
    wf_glance_take(&world->glance, &world->vectors);
    CHECK_OK(wf_hnsw_find(&world->graph, &world->vectors, &world->glance, 20, &world->desk, &job));
    CHECK_EQ(world->desk.found.count, 20);
    for (size_t i = 0; i < 20; i++)
        CHECK_EQ(world->desk.found.items[i].node % 2, 0);
    world_free(world);
}

/* Copies lead nowhere, so no walk is long enough to find what is behind 20 of them. */
TEST(rows_that_come_twenty_times_are_found_as_by_a_scan)
{
    const size_t rows = test_amount(ROWS, 400);
    struct world *world = make_repeating(rows, rows / 20, 0, 42);
    world->graph.options.ef = 40;
    CHECK_GE(recall(world, 0, NULL), 0.99);
    for (uint32_t row = 0; row < rows / 20; row += 2) /* from which the others hang */
        wf_hnsw_remove(&world->graph, row);
    CHECK_GE(recall(world, 0, world->graph.in), 0.99);
    world_free(world);
}

/* ---- change ---- */

/* Takes each row that `is_left` names out of the world, the others closing up, and enters new ones
 * until there are `total`. */
static void change_world(struct world *world, size_t clusters, bool (*is_left)(size_t row),
                         size_t total)
{
    size_t count = world->vectors.count, at = 0;
    uint32_t *number = calloc(count, sizeof(*number));
    const wf_job job = {0};
    wf_vectors vectors;
    wf_hnsw graph;
    float numbers[DIM];
    CHECK_OK(wf_vectors_init(&vectors, DIM, total));
    for (size_t row = 0; row < count; row++) {
        number[row] = is_left(row) ? WF_HNSW_NOWHERE : (uint32_t)at;
        if (!is_left(row))
            wf_vectors_copy(&vectors, at++, &world->vectors, row);
    }
    wf_hnsw_move move = {.from = &world->graph, .number = number};
    wf_hnsw_init(&graph, &world->graph.options);
    CHECK_OK(wf_hnsw_reserve(&graph, total));
    while (!wf_hnsw_move_is_done(&move))
        CHECK_OK(wf_hnsw_move_some(&move, &graph, &vectors, &world->desk, &job));
    CHECK_EQ(graph.in_count, at);
    for (; at < total; at++) {
        make_vector(&world->d, world->centres, clusters, numbers);
        wf_vectors_set(&vectors, at, numbers);
        CHECK_OK(wf_hnsw_add(&graph, &vectors, (uint32_t)at, &world->desk, &job));
    }
    wf_hnsw_fini(&world->graph);
    wf_vectors_fini(&world->vectors);
    world->graph = graph;
    world->vectors = vectors;
    free(number);
}

static bool is_seventh(size_t row)
{
    return row % 7 == 3;
}

static bool is_odd(size_t row)
{
    return row % 2 != 0;
}

/* By walks as short as they can be, so that lists which have lost neighbours show. */
TEST(half_of_the_rows_exchanged_leaves_99_of_100_found)
{
    static const size_t clusters[] = {0, 40};
    for (size_t i = 0; i < 2; i++) {
        const size_t rows = test_amount(CHANGED_ROWS, 250);
        struct world *world = make_world(rows, clusters[i], 42);
        world->graph.options.ef = clusters[i] == 0 ? 150 : 30;
        for (size_t round = 0; round < 4; round++)
            change_world(world, clusters[i], is_seventh, rows);
        double found = recall(world, clusters[i], NULL);
        note("%zu clusters: %g", clusters[i], found);
        CHECK_GE(found, 0.99);
        world_free(world);
    }
}

/* Nobody comes who would connect what is left. */
TEST(rows_removed_leave_99_of_100_of_the_others_found)
{
    struct world *world = make_world(CHANGED_ROWS, 40, 42);
    world->graph.options.ef = 20;
    for (size_t left = CHANGED_ROWS; left > 100;) {
        left = (left + 1) / 2;
        change_world(world, 40, is_odd, left);
        double found = recall(world, 40, NULL);
        note("%zu rows: %g", left, found);
        CHECK_GE(found, 0.99);
    }
    world_free(world);
}

static bool is_early(size_t row)
{
    return row < 30;
}

/* Of rows that come again others are left, and get the neighbours. */
TEST(rows_left_of_many_equal_ones_are_found)
{
    const size_t rows = test_amount(CHANGED_ROWS, 250);
    struct world *world = make_repeating(rows, rows / 10, 0, 42);
    world->graph.options.ef = 40;
    change_world(world, 0, is_early, rows - 30);
    CHECK_GE(recall(world, 0, NULL), 0.99);
    for (size_t round = 0; round < 4; round++) {
        change_world(world, 0, is_seventh, rows);
        CHECK_GE(recall(world, 0, NULL), 0.99);
    }
    change_world(world, 0, is_odd, rows / 2);
    CHECK_GE(recall(world, 0, NULL), 0.99);
    world_free(world);
}

static bool is_none(size_t row)
{
    (void)row;
    return false;
}

static bool is_every(size_t row)
{
    (void)row;
    return true;
}

TEST(the_same_changes_give_the_same_graph)
{
    struct world *a = make_repeating(500, 300, 3, 1), *b = make_repeating(500, 300, 3, 1);
    change_world(a, 3, is_none, 500);
    check_same(&a->graph, &b->graph); /* a copy */
    for (size_t round = 0; round < 2; round++) {
        change_world(a, 3, is_seventh, 500);
        change_world(b, 3, is_seventh, 500);
    }
    check_same(&a->graph, &b->graph);
    change_world(a, 3, is_every, 500);
    CHECK_EQ(a->graph.in_count, 500);
    CHECK_GE(recall(a, 3, NULL), 0.99);
    world_free(a);
    world_free(b);
}

/* New nodes get levels by the count of those before, or one that is exchanged again and again at
 * the end would always have the same. */
TEST(levels_do_not_depend_on_places)
{
    struct world *world = make_world(30, 0, 42);
    unsigned most = 0, least = WF_HNSW_LEVELS;
    for (size_t round = 0; round < 100; round++) {
        change_world(world, 0, is_seventh, 30);
        unsigned level = world->graph.levels[29];
        most = level > most ? level : most;
        least = level < least ? level : least;
    }
    CHECK_EQ(least, 0);
    CHECK_GE(most, 1);
    world_free(world);
}

/* Marked and not moved yet: new rows find neighbours, also where all the old ones are gone. */
TEST(rows_are_entered_among_removed_ones)
{
    const wf_job job = {0};
    float numbers[DIM];
    struct world *world = make_world(400, 40, 42);
    wf_vectors more;
    CHECK_OK(wf_vectors_init(&more, DIM, 800));
    for (uint32_t row = 0; row < 400; row++) {
        wf_vectors_copy(&more, row, &world->vectors, row);
        if (row >= 5)
            wf_hnsw_remove(&world->graph, row);
    }
    wf_vectors_fini(&world->vectors);
    world->vectors = more;
    CHECK_OK(wf_hnsw_reserve(&world->graph, 800));
    for (uint32_t row = 400; row < 800; row++) {
        make_vector(&world->d, world->centres, 40, numbers);
        wf_vectors_set(&world->vectors, row, numbers);
        CHECK_OK(wf_hnsw_add(&world->graph, &world->vectors, row, &world->desk, &job));
        if (row == 403) {
            for (uint32_t old = 0; old < 5; old++)
                wf_hnsw_remove(&world->graph, old);
        }
    }
    CHECK_GE(recall(world, 40, world->graph.in), 0.99);
    world_free(world);
}

TEST(a_halted_graph_is_as_it_was_and_goes_on)
{
    int stop = -ECANCELED;
    const wf_job halted = {.stop = &stop}, job = {0};
    struct world *world = make_world(300, 3, 42);
    wf_vectors *vectors = &world->vectors;
    uint32_t number[300], ef = world->graph.options.ef;
    wf_hnsw graph;
    wf_hnsw_move move = {.from = &world->graph, .number = number};
    for (uint32_t row = 0; row < 300; row++)
        number[row] = row != 7 ? row : WF_HNSW_NOWHERE;
    wf_hnsw_init(&graph, &world->graph.options);
    CHECK_OK(wf_hnsw_reserve(&graph, 300));
    CHECK_EQ(wf_hnsw_move_some(&move, &graph, vectors, &world->desk, &halted), -ECANCELED);
    CHECK_OK(wf_hnsw_move_some(&move, &graph, vectors, &world->desk, &job));
    CHECK_EQ(wf_hnsw_add(&graph, vectors, 7, &world->desk, &halted), -ECANCELED);
    CHECK(!wf_hnsw_has(&graph, 7));
    CHECK_EQ(graph.in_count, 299);
    for (uint32_t row = 0; row < 300; row++) {
        const uint32_t *links = graph.bottom + row * (2 * (size_t)graph.options.m + 1);
        for (uint32_t i = 1; row != 7 && i <= links[0]; i++)
            CHECK(links[i] != 7);
    }
    CHECK_OK(wf_hnsw_add(&graph, vectors, 7, &world->desk, &job));
    CHECK_EQ(wf_hnsw_tune(&graph, vectors, &world->desk, &halted), -ECANCELED);
    CHECK_EQ(graph.options.ef, ef);
    wf_hnsw_fini(&world->graph);
    world->graph = graph;
    CHECK_GE(recall(world, 3, NULL), 0.99);
    world_free(world);
}

static wf_image *image_of(const wf_hnsw *graph)
{
    const wf_job job = {0};
    weft_bytes bytes;
    wf_image *image;
    char reason[WF_REASON_BYTES];
    wf_pack *pack = calloc(1, sizeof(*pack));
    wf_hnsw_save(graph, pack);
    CHECK_OK(wf_pack_make(pack, &bytes));
    CHECK_OK(wf_image_of(&image, bytes.ptr, bytes.len));
    CHECK_OK(wf_image_check(image, &job, reason));
    weft_bytes_free(&bytes);
    wf_pack_fini(pack);
    free(pack);
    return image;
}

TEST(a_graph_out_of_a_file_finds_the_same)
{
    struct world *world = make_repeating(1000, 700, 3, 42);
    wf_hnsw loaded;
    wf_image *image = image_of(&world->graph);
    CHECK(wf_hnsw_is_in(image));
    CHECK_OK(wf_hnsw_load(&loaded, image, 1000));
    CHECK_EQ(loaded.in_count, 1000);
    const wf_job job = {0};
    for (size_t i = 0; i < QUERIES; i++) {
        wf_nearby nearest[NEAREST];
        make_vector(&world->d, world->centres, 3, world->glance.query);
        wf_glance_take(&world->glance, &world->vectors);
        CHECK_OK(wf_hnsw_find(&world->graph, &world->vectors, &world->glance, NEAREST, &world->desk,
                              &job));
        memcpy(nearest, world->desk.found.items, sizeof(nearest));
        CHECK_OK(
            wf_hnsw_find(&loaded, &world->vectors, &world->glance, NEAREST, &world->desk, &job));
        CHECK_EQ(memcmp(nearest, world->desk.found.items, sizeof(nearest)), 0);
    }
    wf_hnsw_fini(&loaded);
    wf_image_unref(image);
    world_free(world);
}

TEST(every_flipped_bit_of_a_saved_graph_is_seen)
{
    struct world *world = make_world(40, 3, 42);
    wf_image *image = image_of(&world->graph);
    const wf_job job = {0};
    char reason[WF_REASON_BYTES];
    uint8_t *bytes = (uint8_t *)(uintptr_t)image->bytes;
    for (size_t at = 0; at < image->count; at++) {
        bytes[at] ^= (uint8_t)(1 << at % 8);
        int rc = wf_image_check(image, &job, reason);
        note("byte %zu", at);
        CHECK_EQ(rc, -WEFT_M_EPERSIST);
        bytes[at] ^= (uint8_t)(1 << at % 8);
    }
    CHECK_OK(wf_image_check(image, &job, reason));
    wf_image_unref(image);
    world_free(world);
}

/* Behind head and table, which the image checks by itself. */
#define SECTIONS_AT 192u

/* Any number of a graph changed: it is refused, or a walk over it ends within its bounds. */
TEST(a_spoilt_graph_is_refused_or_walked_within_bounds)
{
    struct world *world = make_repeating(300, 200, 3, 42);
    wf_image *image = image_of(&world->graph);
    const wf_job job = {0};
    size_t refused = 0;
    dice d = {9};
    make_vector(&world->d, world->centres, 3, world->glance.query);
    wf_glance_take(&world->glance, &world->vectors);
    for (size_t i = 0; i < 3000; i++) {
        uint32_t *word = (uint32_t *)(void *)(uintptr_t)image->bytes + SECTIONS_AT / 4 +
                         roll(&d, (image->count - SECTIONS_AT) / 4);
        uint32_t kept = *word;
        *word = roll(&d, 2) == 0 ? (uint32_t)roll(&d, 600) : (uint32_t)roll(&d, UINT32_MAX);
        wf_hnsw loaded = {0};
        int rc = wf_hnsw_load(&loaded, image, 300);
        if (rc == 0)
            CHECK_OK(
                wf_hnsw_find(&loaded, &world->vectors, &world->glance, 300, &world->desk, &job));
        refused += rc < 0;
        wf_hnsw_fini(&loaded);
        *word = kept;
    }
    CHECK_GT(refused, 100);
    wf_image_unref(image);
    world_free(world);
}

/* ---- in a matcher ---- */

/* Letters counted: texts of the same letters are alike. */
static int count_letters(void *self, const weft_str *texts, size_t count, float *out)
{
    (void)self;
    memset(out, 0, count * 26 * sizeof(*out));
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < texts[i].len; k++) {
            char c = texts[i].ptr[k];
            if (c >= 'a' && c <= 'z')
                out[i * 26 + (size_t)(c - 'a')] += 1;
        }
    }
    return 0;
}

static const weft_encoder_class letters = {
    .size = sizeof(weft_encoder_class), .kind = "letters", .encode = count_letters};

static weft_matcher *open_letters(const made *m, size_t rows_min, const char *score_kind,
                                  const char *mode)
{
    weft_encoder *encoder;
    weft_m_options options;
    weft_matcher *matcher;
    CHECK_OK(weft_encoder_new(&encoder, &letters, "letters", 26, NULL));
    weft_m_options_init(&options);
    CHECK_EQ(options.ann_rows_min, WF_HNSW_ROWS_MIN);
    options.encoder = encoder;
    options.score_kind = str_of(score_kind);
    options.mode = str_of(mode);
    options.threshold = 0;
    options.ann_rows_min = rows_min;
    CHECK_OK(weft_m_open(&matcher, m->entities, m->count, &options, NULL));
    weft_encoder_unref(encoder);
    return matcher;
}

struct watch {
    size_t last;
    bool is_wrong;
};

static int watch_progress(size_t done, size_t total, void *arg)
{
    struct watch *watch = arg;
    watch->is_wrong |= done <= watch->last || done > total;
    watch->last = done;
    return 0;
}

TEST(a_matcher_with_many_rows_answers_by_a_graph_as_by_a_scan)
{
    dice d = {31};
    made m = make_random(&d, test_amount(900, 300), 20, 8, 2);
    weft_matcher *scan = open_letters(&m, SIZE_MAX, "dense", "zero-shot");
    weft_matcher *graph = open_letters(&m, 100, "dense", "zero-shot");
    const weft_m_entity more = {.id = STR("new"), .name = STR("zzzyyyxxx")};
    weft_m_fit_options options;
    struct watch watch = {0};
    weft_m_fit_options_init(&options);
    options.progress = watch_progress;
    options.progress_arg = &watch;
    CHECK_OK(weft_m_fit(graph, NULL, 0, &options, NULL));
    CHECK(!watch.is_wrong);
    for (size_t i = 0; i < m.count; i += 13) {
        weft_text left, right;
        CHECK_OK(weft_m_match_json(scan, m.entities[i].name, NULL, &left, NULL));
        CHECK_OK(weft_m_match_json(graph, m.entities[i].name, NULL, &right, NULL));
        CHECK_STR(left.ptr, right.ptr);
        weft_text_free(&left);
        weft_text_free(&right);
    }
    CHECK_OK(weft_m_add(graph, &more, 1, NULL));
    weft_text found;
    CHECK_OK(weft_m_match_json(graph, STR("xyzxyzxyz"), NULL, &found, NULL));
    CHECK(strstr(found.ptr, "\"new\"") != NULL);
    weft_text_free(&found);
    weft_m_close(scan);
    weft_m_close(graph);
    make_free(&m);
}

/* ---- a matcher that changes ---- */

/* The graph in a matcher's file. */
static void read_graph(weft_matcher *matcher, wf_hnsw *out, wf_image **out_image)
{
    weft_bytes bytes;
    wf_pack *pack = calloc(1, sizeof(*pack));
    wf_snapshot *snapshot = wf_matcher_snapshot(matcher);
    CHECK_OK(wf_matcher_pack(matcher, snapshot, NULL, pack));
    CHECK_OK(wf_pack_make(pack, &bytes));
    CHECK_OK(wf_image_of(out_image, bytes.ptr, bytes.len));
    CHECK_OK(wf_hnsw_load(out, *out_image, wf_snapshot_catalogue(snapshot)->row_count));
    weft_bytes_free(&bytes);
    wf_pack_fini(pack);
    free(pack);
    wf_snapshot_unref(snapshot);
}

static void check_entered(weft_matcher *matcher, uint64_t rows, uint64_t entered)
{
    wf_hnsw graph;
    wf_image *image;
    read_graph(matcher, &graph, &image);
    CHECK_EQ(graph.count, rows);
    CHECK_EQ(graph.entered, entered);
    wf_hnsw_fini(&graph);
    wf_image_unref(image);
}

static void check_same_answers(weft_matcher *a, weft_matcher *b, const made *m)
{
    for (size_t i = 0; i < m->count; i += 17) {
        weft_text left, right;
        CHECK_OK(weft_m_match_json(a, m->entities[i].name, NULL, &left, NULL));
        CHECK_OK(weft_m_match_json(b, m->entities[i].name, NULL, &right, NULL));
        CHECK_STR(left.ptr, right.ptr);
        weft_text_free(&left);
        weft_text_free(&right);
    }
}

static void check_changes(const char *score_kind, const char *mode)
{
    dice d = {31};
    const size_t count = test_amount(500, 310); /* one of them is 300 */
    made m = make_random(&d, count, 20, 8, 0);
    const weft_str alias = STR("qqqwwweee"), gone[] = {STR("7"), STR("300")};
    const weft_m_entity more = {.id = STR("new"), .name = STR("zzzyyyxxx")};
    const weft_m_entity other = {
        .id = STR("9"), .name = STR("vvvuuuttt"), .aliases = &alias, .alias_count = 1};
    weft_matcher *both[] = {open_letters(&m, SIZE_MAX, score_kind, mode),
                            open_letters(&m, 100, score_kind, mode)};
    for (size_t i = 0; i < 2; i++) {
        CHECK_OK(weft_m_fit(both[i], NULL, 0, NULL, NULL));
        CHECK_OK(weft_m_remove(both[i], gone, 2, NULL));
        CHECK_OK(weft_m_add(both[i], &more, 1, NULL));
        CHECK_OK(weft_m_update(both[i], &other, 1, NULL)); /* a row more, in the middle */
    }
    check_entered(both[1], count, count + 1 + 2);
    check_same_answers(both[0], both[1], &m);
    weft_text found;
    CHECK_OK(weft_m_match_json(both[1], STR("qwqwqweee"), NULL, &found, NULL));
    CHECK(strstr(found.ptr, "\"id\":\"9\"") != NULL);
    weft_text_free(&found);
    weft_m_close(both[0]);
    weft_m_close(both[1]);
    make_free(&m);
}

TEST(a_changed_matcher_keeps_its_graph_and_answers_as_a_scan_does)
{
    check_changes("dense", "zero-shot");
    check_changes("fused", "zero-shot");
    check_changes("dense", "hybrid");
}
