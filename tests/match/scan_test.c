/* SPDX-License-Identifier: MIT */

/* Every kernel gives the same bits, and a search what a search in double precision gives. */
#include "match/index/scan.h"

#include "make.h"
#include "match/index/sweep.h"

#include <math.h>

static float number(dice *d)
{
    return (float)((double)roll(d, 2000001) / 1e6 - 1);
}

static void fill(dice *d, float *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = number(d);
}

TEST(scan_of_floats_is_the_same_by_every_kernel)
{
    static const size_t widths[] = {16, 48, 256, 400}, rows[] = {1, 3, 4, 7, 21};
    enum { ROWS = 21, QUERIES = 7, WIDTH = 400 };
    static float a[ROWS * WIDTH], b[QUERIES * WIDTH], wanted[QUERIES * ROWS], out[QUERIES * ROWS];
    dice d = {5};
    fill(&d, a, ROWS * WIDTH);
    fill(&d, b, QUERIES * WIDTH);
    for (const wf_scan_kernel *const *kernel = wf_scan_all(); *kernel != NULL; kernel++) {
        for (size_t i = 0; i < 4 * 5 * QUERIES; i++) {
            size_t width = widths[i % 4], count = rows[i / 4 % 5], queries = 1 + i / 20;
            note("%s: %zu rows, %zu queries, %zu wide", (*kernel)->name, count, queries, width);
            wf_scan_portable.floats(a, count, b, queries, width, wanted);
            (*kernel)->floats(a, count, b, queries, width, out);
            CHECK_BYTES(out, queries * count * sizeof(float), wanted,
                        queries * count * sizeof(float));
        }
    }
}

TEST(scan_of_bytes_is_the_same_by_every_kernel)
{
    enum { ROWS = 11, WIDTH = 192 };
    static int8_t a[ROWS * WIDTH], b[WIDTH];
    int32_t sums[ROWS] = {0}, wanted[ROWS], out[ROWS];
    dice d = {6};
    for (size_t round = 0; round < 20; round++) {
        bool is_edge = round == 0; /* as far from zero as they go */
        memset(sums, 0, sizeof(sums));
        for (size_t i = 0; i < ROWS * WIDTH; i++) {
            a[i] = (int8_t)(is_edge ? -127 : (int)roll(&d, 255) - 127);
            sums[i / WIDTH] += a[i];
        }
        for (size_t i = 0; i < WIDTH; i++)
            b[i] = (int8_t)(is_edge ? 127 : (int)roll(&d, 255) - 127);
        wf_scan_portable.bytes(a, sums, ROWS, b, WIDTH, wanted);
        for (const wf_scan_kernel *const *kernel = wf_scan_all(); *kernel != NULL; kernel++) {
            note("%s", (*kernel)->name);
            (*kernel)->bytes(a, sums, ROWS, b, WIDTH, out);
            CHECK_BYTES(out, sizeof(out), wanted, sizeof(wanted));
        }
    }
}

/* Places of a panel that no query has may hold anything. */
static void check_tiles(const wf_scan_kernel *kernel, const wf_scan_tile *tile,
                        const wf_scan_tile *wanted)
{
    size_t places = wf_scan_places(tile);
    uint64_t present = UINT64_MAX >> (64 - tile->query_count);
    note("%s: %zu rows, %zu queries, %zu wide", kernel->name, tile->row_count, tile->query_count,
         tile->width);
    wf_scan_portable.tile(wanted);
    kernel->tile(tile);
    for (size_t r = 0; r < tile->row_count; r++) {
        for (size_t q = 0; q < tile->query_count; q++)
            CHECK_EQ(tile->products[r * places + q], wanted->products[r * places + q]);
        CHECK_EQ(tile->marks[r] & present, wanted->marks[r]);
        CHECK_EQ(tile->marks[r] & ~present, 0);
    }
}

TEST(scan_of_tiles_is_the_same_by_every_kernel)
{
    enum { ROWS = 19, WIDTH = 320, QUERIES = WF_SCAN_PANELS_MAX * WF_SCAN_PANEL };
    enum { PANELS = WF_SCAN_PANELS_MAX * WF_SCAN_PANEL_BYTES(WIDTH) };
    static const size_t rows[] = {1, 7, 12, ROWS}, queries[] = {1, 16, 17, 37, QUERIES};
    static int8_t a[ROWS * WIDTH], b[QUERIES * WIDTH];
    static _Alignas(64) int8_t panels[PANELS], plain[PANELS];
    static int32_t sums[ROWS], products[2][ROWS * QUERIES];
    static uint64_t marks[2][ROWS];
    static float scales[ROWS], levels[QUERIES];
    dice d = {7};
    for (size_t i = 0; i < (sizeof(rows) / 8) * (sizeof(queries) / 8) * (WIDTH / 64); i++) {
        size_t width = 64 * (1 + i / 20), count = rows[i % 4], asked = queries[i / 4 % 5];
        bool is_edge = i % 3 == 0; /* as far from zero as they go */
        for (size_t k = 0; k < ROWS * WIDTH; k++)
            a[k] = (int8_t)(is_edge ? -127 : (int)roll(&d, 255) - 127);
        for (size_t k = 0; k < QUERIES * WIDTH; k++)
            b[k] = (int8_t)(is_edge ? 127 : (int)roll(&d, 255) - 127);
        for (size_t r = 0; r < count; r++) {
            sums[r] = 0;
            scales[r] = number(&d) / 64;
            for (size_t k = 0; k < width; k++)
                sums[r] += a[r * width + k];
        }
        for (size_t q = 0; q < QUERIES; q++)
            levels[q] = q >= asked ? INFINITY : q % 5 == 0 ? -INFINITY : number(&d) * 300;
        wf_scan_tile tile = {a,     sums,   scales,      count,    width, panels,
                             asked, levels, products[0], marks[0], a,     width};
        wf_scan_tile wanted = tile;
        wanted.panels = plain;
        wanted.products = products[1];
        wanted.marks = marks[1];
        for (const wf_scan_kernel *const *kernel = wf_scan_all(); *kernel != NULL; kernel++) {
            memset(panels, 0, sizeof(panels));
            for (size_t q = 0; q < asked; q++) {
                size_t at = q / WF_SCAN_PANEL * WF_SCAN_PANEL_BYTES(width);
                size_t place = q % WF_SCAN_PANEL;
                (*kernel)->pack(b + q * width, width, place, panels + at);
                wf_scan_portable.pack(b + q * width, width, place, plain + at);
            }
            check_tiles(*kernel, &tile, &wanted);
        }
    }
}

/* ---- search ---- */

#define DIM 37u
#define COUNT 1500u

static double cosine(const float *a, const float *b)
{
    double product = 0, left = 0, right = 0;
    for (size_t i = 0; i < DIM; i++) {
        product += (double)a[i] * (double)b[i];
        left += (double)a[i] * (double)a[i];
        right += (double)b[i] * (double)b[i];
    }
    return left > 0 && right > 0 ? product / sqrt(left * right) : 0;
}

/* Rows in twos and threes are an entity; some rows are equal, some are zero. */
static void make_rows(dice *d, float *rows, uint32_t *row_entity)
{
    uint32_t entity = 0;
    for (size_t i = 0; i < COUNT; i++) {
        fill(d, rows + i * DIM, DIM);
        if (i > 10 && roll(d, 10) == 0)
            memcpy(rows + i * DIM, rows + (i - 7) * DIM, DIM * sizeof(float));
        if (roll(d, 50) == 0)
            memset(rows + i * DIM, 0, DIM * sizeof(float));
        entity += i > 0 && roll(d, 2) == 0;
        row_entity[i] = entity;
    }
}

/* The k-th best of the entities' best cosines. */
static double kth_best(const float *rows, const uint32_t *row_entity, const uint64_t *allowed,
                       const float *query, size_t k)
{
    static double best[COUNT];
    size_t count = row_entity[COUNT - 1] + 1u;
    for (size_t i = 0; i < count; i++)
        best[i] = -2;
    for (size_t i = 0; i < COUNT; i++) {
        uint32_t entity = row_entity[i];
        bool is_allowed = allowed == NULL || (allowed[entity / 64] >> entity % 64 & 1) != 0;
        double it = is_allowed ? cosine(rows + i * DIM, query) : -2;
        best[entity] = it > best[entity] ? it : best[entity];
    }
    for (size_t i = 0; i <= k; i++) {
        for (size_t j = i + 1; j < count; j++) {
            double kept = best[i];
            best[i] = best[j] > kept ? best[j] : kept;
            best[j] = best[j] > kept ? kept : best[j];
        }
    }
    return best[k];
}

static void check_search(const wf_vectors *vectors, const float *rows, const uint32_t *row_entity,
                         const uint64_t *allowed, const float *query, size_t top_k)
{
    const wf_job job = {0};
    wf_glance glance = {0};
    wf_rank rank = {0};
    CHECK_OK(wf_glance_reserve(&glance, vectors));
    memcpy(glance.query, query, DIM * sizeof(float));
    wf_glance_take(&glance, vectors);
    CHECK_OK(wf_rank_begin(&rank, top_k, row_entity[COUNT - 1] + 1u, -1));
    CHECK_OK(wf_sweep(vectors, &(wf_look){&glance, allowed, &rank}, 1, row_entity, &job));
    wf_rank_end(&rank);
    CHECK_EQ(rank.count, top_k);
    for (size_t i = 0; i < top_k; i++) {
        const wf_found *found = &rank.found[i];
        note("place %zu: entity %u, row %u", i, found->entity, found->row);
        CHECK_EQ(row_entity[found->row], found->entity);
        CHECK_NEAR(found->score, cosine(rows + found->row * DIM, query), 1e-6);
        CHECK_NEAR(found->score, kth_best(rows, row_entity, allowed, query, i), 1e-6);
        CHECK(i == 0 || found[-1].score > found->score ||
              (found[-1].score == found->score && found[-1].entity < found->entity));
    }
    wf_rank_fini(&rank);
    wf_glance_fini(&glance);
}

TEST(dense_search_finds_what_a_search_in_double_precision_finds)
{
    static float rows[COUNT * DIM], query[DIM];
    static uint32_t row_entity[COUNT];
    uint64_t allowed[COUNT / 64 + 1];
    wf_vectors vectors;
    dice d = {11};
    make_rows(&d, rows, row_entity);
    CHECK_OK(wf_vectors_init(&vectors, DIM, COUNT));
    for (size_t i = 0; i < COUNT; i++)
        wf_vectors_set(&vectors, i, rows + i * DIM);
    for (size_t round = 0; round < 20; round++) {
        fill(&d, query, DIM);
        if (round % 4 == 0) /* one that is there, perhaps twice */
            memcpy(query, rows + roll(&d, COUNT) * DIM, sizeof(query));
        for (size_t i = 0; i < sizeof(allowed) / 8; i++)
            allowed[i] = roll(&d, UINT64_C(1) << 40) * 0x9E3779B97F4A7C15u;
        check_search(&vectors, rows, row_entity, round % 3 == 0 ? allowed : NULL, query, 5);
    }
    wf_vectors_fini(&vectors);
}

TEST(rows_begin_where_lines_of_the_cache_do)
{
    float numbers[DIM];
    wf_vectors vectors;
    dice d = {17};
    CHECK_OK(wf_vectors_init(&vectors, DIM, 0));
    for (size_t i = 0; i < 300; i++) {
        CHECK_OK(wf_vectors_grow(&vectors, i + 1));
        CHECK_EQ((uintptr_t)vectors.rows % 64, 0);
        fill(&d, numbers, DIM);
        wf_vectors_set(&vectors, i, numbers);
    }
    d = (dice){17};
    for (size_t i = 0; i < 300; i++) {
        fill(&d, numbers, DIM);
        CHECK_NEAR(cosine(numbers, vectors.rows + i * vectors.float_width), 1, 1e-6);
    }
    wf_vectors_fini(&vectors);
}

/* ---- searches together ---- */

enum { CROWD = 65, CROWD_DIM = 70, CROWD_ROWS = 900, CROWD_ENTITIES = 250 };

struct crowd {
    wf_vectors vectors;
    uint32_t row_entity[CROWD_ROWS];
    size_t entity_count;
    uint64_t allowed[CROWD_ROWS / 64 + 1];
    wf_glance glances[CROWD];
    wf_rank ranks[CROWD], alone;
    wf_look looks[CROWD];
};

/* `with_bytes`: rows have copies.  Half of the rows are twins; one entity has a third of all, which
 * are the same.  One query is a row, one is nothing, one is what that entity has. */
static struct crowd *crowd_new(bool with_bytes)
{
    float numbers[CROWD_DIM];
    struct crowd *it = calloc(1, sizeof(*it));
    dice d = {13};
    it->entity_count = CROWD_ENTITIES;
    CHECK_OK(with_bytes ? wf_vectors_init(&it->vectors, CROWD_DIM, CROWD_ROWS)
                        : wf_vectors_init_floats(&it->vectors, CROWD_DIM, CROWD_ROWS));
    for (uint32_t i = 0; i < CROWD_ROWS; i++) {
        if (i % 2 == 0 && (i <= 300 || i >= 600))
            fill(&d, numbers, CROWD_DIM);
        wf_vectors_set(&it->vectors, i, numbers);
        it->row_entity[i] = i < 300 ? i / 3 : i < 600 ? 100 : 100 + (i - 600) / 2;
        it->allowed[i / 64] |= (uint64_t)(roll(&d, 3) != 0) << i % 64;
    }
    for (size_t i = 0; i < CROWD; i++) {
        fill(&d, numbers, CROWD_DIM);
        if (i == 0 || i == 2)
            memcpy(numbers, it->vectors.rows + (i == 0 ? 8 : 400) * it->vectors.float_width,
                   sizeof(numbers));
        if (i == 1)
            memset(numbers, 0, sizeof(numbers));
        CHECK_OK(wf_glance_reserve(&it->glances[i], &it->vectors));
        memcpy(it->glances[i].query, numbers, sizeof(numbers));
        wf_glance_take(&it->glances[i], &it->vectors);
        it->looks[i] = (wf_look){&it->glances[i], i % 3 == 0 ? it->allowed : NULL, &it->ranks[i]};
    }
    return it;
}

static void crowd_free(struct crowd *it)
{
    for (size_t i = 0; i < CROWD; i++) {
        wf_glance_fini(&it->glances[i]);
        wf_rank_fini(&it->ranks[i]);
    }
    wf_rank_fini(&it->alone);
    wf_vectors_fini(&it->vectors);
    free(it);
}

static void begin(const struct crowd *it, wf_rank *rank, size_t query)
{
    CHECK_OK(wf_rank_begin(rank, 1 + query % 12, it->entity_count, query % 2 == 0 ? -1 : 0.1f));
}

/* By computing every row in full. */
static void ask_alone(struct crowd *it, size_t query)
{
    const uint64_t *allowed = it->looks[query].allowed;
    begin(it, &it->alone, query);
    for (uint32_t i = 0, end; i < CROWD_ROWS; i = end) {
        wf_found best = {.entity = it->row_entity[i], .score = -2};
        for (end = i; end < CROWD_ROWS && it->row_entity[end] == best.entity; end++) {
            float score = wf_vectors_cosine(&it->vectors, &it->glances[query], end);
            if (score > best.score) {
                best.score = score;
                best.row = end;
            }
        }
        if (allowed == NULL || (allowed[best.entity / 64] >> best.entity % 64 & 1) != 0)
            wf_rank_offer(&it->alone, best);
    }
    wf_rank_end(&it->alone);
}

static void check_together(struct crowd *it, size_t count)
{
    const wf_job job = {0};
    for (size_t i = 0; i < count; i++)
        begin(it, &it->ranks[i], i);
    CHECK_OK(wf_sweep(&it->vectors, it->looks, count, it->row_entity, &job));
    for (size_t i = 0; i < count; i++) {
        wf_rank *rank = &it->ranks[i];
        note("query %zu of %zu", i, count);
        ask_alone(it, i);
        wf_rank_end(rank);
        CHECK_BYTES(rank->found, rank->count * sizeof(wf_found), it->alone.found,
                    it->alone.count * sizeof(wf_found));
        CHECK_BYTES(rank->tied, rank->tied_count * sizeof(*rank->tied), it->alone.tied,
                    it->alone.tied_count * sizeof(*rank->tied));
    }
}

static void check_crowd(bool with_bytes)
{
    static const size_t counts[] = {1, 2, 4, 15, 16, 17, 33, CROWD};
    struct crowd *it = crowd_new(with_bytes);
    for (size_t n = 0; n < sizeof(counts) / sizeof(counts[0]); n++)
        check_together(it, counts[n]);
    for (uint32_t i = 0; i < CROWD_ROWS; i++) /* so that a third of all are equally near */
        it->row_entity[i] = i;
    it->entity_count = CROWD_ROWS;
    check_together(it, 5);
    crowd_free(it);
}

TEST(queries_asked_together_find_to_the_bit_what_each_finds_alone)
{
    check_crowd(/* with_bytes= */ true);
}

/* Makes it the best one of this process. */
static void choose(const wf_scan_kernel *kernel)
{
    const wf_scan_kernel *const *place = wf_scan_all();
    memcpy((void *)(uintptr_t)place, &kernel, sizeof(kernel));
    CHECK(wf_scan() == kernel);
}

TEST(rows_without_bytes_give_the_same_to_the_bit_by_every_kernel)
{
    const wf_scan_kernel *all[5];
    size_t count = 0;
    for (const wf_scan_kernel *const *kernel = wf_scan_all(); *kernel != NULL; kernel++)
        all[count++] = *kernel;
    for (size_t i = 0; i < count; i++) {
        note("%s", all[i]->name);
        choose(all[i]);
        check_crowd(/* with_bytes= */ false);
        check_crowd(/* with_bytes= */ true);
    }
}

/* ---- files ---- */

/* What loading says of rows whose image lacks one section; -1: of all. */
static int load_without(const wf_vectors *vectors, int lacking, bool *out_has_bytes)
{
    wf_pack pack = {0};
    wf_image *image;
    weft_bytes bytes;
    wf_vectors loaded;
    char reason[WF_REASON_BYTES];
    wf_vectors_save(vectors, &pack);
    if (lacking >= 0)
        pack.sections[lacking] = pack.sections[--pack.count];
    CHECK_OK(wf_pack_make(&pack, &bytes));
    CHECK_OK(wf_image_of(&image, bytes.ptr, bytes.len));
    CHECK_OK(wf_image_check(image, &(wf_job){0}, reason));
    int rc = wf_vectors_load(&loaded, image, CROWD_DIM, CROWD_ROWS);
    *out_has_bytes = loaded.has_bytes;
    if (rc == 0)
        CHECK_BYTES(loaded.rows, CROWD_ROWS * loaded.float_width * sizeof(float), vectors->rows,
                    CROWD_ROWS * loaded.float_width * sizeof(float));
    wf_image_unref(image);
    wf_pack_fini(&pack);
    weft_bytes_free(&bytes);
    return rc;
}

TEST(rows_of_a_file_have_bytes_whole_or_not_at_all)
{
    enum { ROWS, BYTES, SUMS, SCALES, RESIDUALS, SECTIONS };
    struct crowd *with = crowd_new(/* with_bytes= */ true);
    struct crowd *without = crowd_new(/* with_bytes= */ false);
    bool has_bytes;
    CHECK_OK(load_without(&with->vectors, -1, &has_bytes));
    CHECK(has_bytes);
    CHECK_OK(load_without(&without->vectors, -1, &has_bytes));
    CHECK(!has_bytes);
    for (int i = ROWS; i < SECTIONS; i++)
        CHECK_EQ(load_without(&with->vectors, i, &has_bytes), i == BYTES ? 0 : -WEFT_M_EPERSIST);
    CHECK_EQ(load_without(&without->vectors, ROWS, &has_bytes), -WEFT_M_EPERSIST);
    crowd_free(with);
    crowd_free(without);
}

TEST(a_sweep_ends_when_it_is_told_to)
{
    int stop = -WEFT_M_ECLOSED;
    const wf_job job = {.stop = &stop};
    struct crowd *it = crowd_new(/* with_bytes= */ true);
    for (size_t i = 0; i < 20; i++)
        begin(it, &it->ranks[i], i);
    CHECK_EQ(wf_sweep(&it->vectors, it->looks, 20, it->row_entity, &job), -WEFT_M_ECLOSED);
    stop = 0;
    CHECK_OK(wf_sweep(&it->vectors, it->looks, 20, it->row_entity, &job));
    crowd_free(it);
}

TEST(dense_rows_that_are_no_numbers_score_zero)
{
    const float bad[3] = {NAN, 1, 2}, huge[3] = {INFINITY, 0, 0}, good[3] = {0, 0, 2};
    const wf_job job = {0};
    wf_vectors vectors;
    wf_glance glance = {0};
    wf_rank rank = {0};
    CHECK_OK(wf_vectors_init(&vectors, 3, 3));
    wf_vectors_set(&vectors, 0, bad);
    wf_vectors_set(&vectors, 1, huge);
    wf_vectors_set(&vectors, 2, good);
    CHECK_OK(wf_glance_reserve(&glance, &vectors));
    memcpy(glance.query, good, sizeof(good));
    wf_glance_take(&glance, &vectors);
    CHECK_OK(wf_rank_begin(&rank, 3, 3, 0));
    CHECK_OK(wf_sweep(&vectors, &(wf_look){&glance, NULL, &rank}, 1, NULL, &job));
    wf_rank_end(&rank);
    CHECK_EQ(rank.count, 3);
    CHECK_NEAR(rank.found[0].score, 1, 0);
    CHECK_EQ(rank.found[0].entity, 2);
    CHECK_NEAR(rank.found[1].score, 0, 0);
    wf_rank_fini(&rank);
    wf_glance_fini(&glance);
    wf_vectors_fini(&vectors);
}
