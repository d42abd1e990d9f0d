/* SPDX-License-Identifier: MIT */

/* A store of vectors against the plainest one there can be, through every kind of change. */
#include "make.h"

#include "match/vec/vec_priv.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>
#include <weft.h>

#define DIM 12u
#define IDS 400u

/* What should be in the store: of each id its numbers, its colour, and when it was put. */
struct model {
    float numbers[IDS][DIM];
    int colour[IDS];
    size_t put[IDS]; /* 0: it is not there */
    size_t puts, count;
};

static const char *const colours[] = {"red", "green", "blue"};

static void make_numbers(dice *d, float out[DIM])
{
    for (size_t i = 0; i < DIM; i++)
        out[i] = (float)((double)roll(d, 2000001) / 1e6 - 1);
}

static weft_str id_of(size_t id, char out[16])
{
    return (weft_str){out, (size_t)snprintf(out, 16, "id %zu", id)};
}

/* Of "id 12", which has no NUL behind it. */
static size_t number_of(weft_str id)
{
    size_t number = 0;
    for (size_t i = 3; i < id.len; i++)
        number = number * 10 + (size_t)(id.ptr[i] - '0');
    return number;
}

static void put(weft_vec *store, struct model *model, dice *d, size_t id)
{
    char text[16];
    model->colour[id] = (int)roll(d, 3);
    make_numbers(d, model->numbers[id]);
    const weft_vec_tag tags[] = {{STR("colour"), str_of(colours[model->colour[id]])},
                                 {STR("kind"), STR("thing")}};
    const weft_vec_item item = {
        .id = id_of(id, text), .numbers = model->numbers[id], .tags = tags, .tag_count = 2};
    CHECK_OK(weft_vec_put(store, &item, 1, NULL));
    model->count += model->put[id] == 0;
    model->put[id] = ++model->puts;
}

static void take_out(weft_vec *store, struct model *model, size_t id)
{
    char text[16];
    size_t removed;
    const weft_str name = id_of(id, text);
    CHECK_OK(weft_vec_remove(store, &name, 1, &removed, NULL));
    CHECK_EQ(removed, model->put[id] != 0);
    model->count -= model->put[id] != 0;
    model->put[id] = 0;
}

/* Three in four calls put, so that the store fills up and ids are put again. */
static void change(weft_vec *store, struct model *model, dice *d, size_t calls)
{
    for (size_t i = 0; i < calls; i++) {
        size_t id = roll(d, test_amount(IDS, IDS / 2));
        if (roll(d, 4) != 0)
            put(store, model, d, id);
        else
            take_out(store, model, id);
    }
}

static double cosine(const float *a, const float *b)
{
    double product = 0, left = 0, right = 0;
    for (size_t i = 0; i < DIM; i++) {
        product += (double)a[i] * (double)b[i];
        left += (double)a[i] * (double)a[i];
        right += (double)b[i] * (double)b[i];
    }
    return product / sqrt(left * right);
}

/* The scores of the model's best, into `out`; `colour` -1: any. */
static size_t best_scores(const struct model *model, const float *query, int colour, double *out,
                          size_t most)
{
    size_t count = 0;
    for (size_t id = 0; id < IDS; id++) {
        if (model->put[id] == 0 || (colour >= 0 && model->colour[id] != colour))
            continue;
        double score = cosine(model->numbers[id], query);
        size_t at = count < most ? count : most;
        for (; at > 0 && out[at - 1] < score; at--) {
            if (at < most)
                out[at] = out[at - 1];
        }
        if (at < most)
            out[at] = score;
        count += count < most;
    }
    return count;
}

/* How many of the ten best are found; each hit is there and has its own score and colour. */
static size_t ask(weft_vec *store, const struct model *model, const float *query, int colour)
{
    double wanted[10];
    size_t found, right = 0, count = best_scores(model, query, colour, wanted, 10);
    const weft_vec_tag filter = {STR("colour"), str_of(colours[colour < 0 ? 0 : colour])};
    weft_vec_query options;
    weft_vec_results *results;
    weft_vec_query_init(&options);
    options.filter = &filter;
    options.filter_count = colour >= 0;
    CHECK_OK(weft_vec_find(store, query, 1, &options, &results, NULL));
    const weft_vec_hit *hits = weft_vec_results_hits(results, 0, &found);
    CHECK_EQ(found, count);
    for (size_t i = 0; i < found; i++) {
        size_t id = number_of(hits[i].id);
        CHECK(model->put[id] != 0);
        CHECK_NEAR(hits[i].score, cosine(model->numbers[id], query), 1e-6);
        CHECK(i == 0 || hits[i - 1].score >= hits[i].score);
        CHECK_EQ(hits[i].tag_count, 2);
        CHECK_BYTES(hits[i].tags[0].value.ptr, hits[i].tags[0].value.len,
                    colours[model->colour[id]], strlen(colours[model->colour[id]]));
        right += (double)hits[i].score >= wanted[count - 1] - 1e-6;
    }
    weft_vec_results_free(results);
    return right;
}

static weft_vec *make_quantized(const char *kind, size_t ann_rows_min, const char *quantization)
{
    weft_vec_options options;
    weft_vec *store;
    weft_vec_options_init(&options);
    CHECK_EQ(options.ann_rows_min, 200000);
    CHECK(options.quantization == NULL);
    options.kind = kind;
    options.ef = 8; /* with 200, walks would not be worth it among so few */
    options.ann_rows_min = ann_rows_min;
    options.quantization = quantization;
    CHECK_OK(weft_vec_new(&store, DIM, &options, NULL));
    return store;
}

static weft_vec *make_store(const char *kind, size_t ann_rows_min)
{
    return make_quantized(kind, ann_rows_min, NULL);
}

static void check_info(weft_vec *store, size_t count, const char *kind)
{
    weft_vec_info info = {.size = sizeof(info)};
    CHECK_OK(weft_vec_info_get(store, &info));
    CHECK_EQ(info.count, count);
    CHECK_EQ(info.dimension, DIM);
    CHECK_STR(info.kind, kind);
    CHECK_GT(info.bytes, count * DIM * 4);
}

static double check_answers(weft_vec *store, const struct model *model, dice *d)
{
    size_t right = 0;
    float query[DIM];
    for (size_t i = 0; i < 20; i++) {
        make_numbers(d, query);
        right += ask(store, model, query, -1);
        CHECK_EQ(ask(store, model, query, (int)(i % 3)), 10); /* a filter is always exact */
    }
    return (double)right / 200;
}

TEST(vectors_put_and_removed_are_found_as_by_counting)
{
    static const struct {
        const char *kind;
        size_t ann_rows_min;
        const char *shown;
        double recall;
    } cases[] = {
        {"exact", 0, "exact", 1},
        {"hnsw", 0, "hnsw", 0.99},
        {"auto", 100, "hnsw", 0.99},
        {"auto", IDS, "exact", 1},
    };
    for (size_t i = 0; i < 4; i++) {
        struct model *model = calloc(1, sizeof(*model));
        weft_vec *store = make_store(cases[i].kind, cases[i].ann_rows_min);
        dice d = {77};
        for (size_t round = 0; round < 3; round++) {
            change(store, model, &d, test_amount(400, 200));
            double recall = check_answers(store, model, &d);
            note("%s %zu, round %zu: %g", cases[i].kind, cases[i].ann_rows_min, round, recall);
            CHECK_GE(recall, cases[i].recall);
        }
        check_info(store, model->count, cases[i].shown);
        for (size_t id = 0; id < IDS; id++)
            take_out(store, model, id);
        check_info(store, 0, "exact");
        put(store, model, &d, 5);
        CHECK_EQ(ask(store, model, model->numbers[5], -1), 1);
        weft_vec_free(store);
        free(model);
    }
}

TEST(vectors_above_a_number_have_a_graph_and_below_none)
{
    struct model *model = calloc(1, sizeof(*model));
    weft_vec *store = make_store("auto", 100);
    dice d = {5};
    for (size_t id = 0; id < 101; id++) {
        check_info(store, id, "exact");
        put(store, model, &d, id);
    }
    check_info(store, 101, "hnsw");
    take_out(store, model, 50);
    check_info(store, 100, "exact");
    put(store, model, &d, 50);
    check_info(store, 101, "hnsw");
    weft_vec_free(store);
    free(model);
}

static weft_vec_info info_of(weft_vec *store)
{
    weft_vec_info info = {.size = sizeof(info)};
    CHECK_OK(weft_vec_info_get(store, &info));
    return info;
}

/* With 200 nodes to look at among 300, a scan is no slower. */
TEST(a_store_says_that_it_scans_where_its_graph_is_not_worth_a_walk)
{
    struct model *model = calloc(1, sizeof(*model));
    weft_vec_options options;
    weft_vec *store;
    dice d = {5};
    weft_vec_options_init(&options);
    options.kind = "hnsw";
    CHECK_OK(weft_vec_new(&store, DIM, &options, NULL));
    CHECK(!info_of(store).has_graph);
    for (size_t id = 0; id < 300; id++)
        put(store, model, &d, id);
    check_info(store, 300, "exact");
    CHECK_EQ(info_of(store).ef, 0);
    CHECK(info_of(store).has_graph);
    weft_vec_free(store);
    free(model);
}

TEST(vectors_of_one_call_are_put_in_order)
{
    static const float a[DIM] = {1}, b[DIM] = {0, 2}, zero[DIM] = {0};
    const weft_vec_item items[] = {{.id = STR("x"), .numbers = a},
                                   {.id = STR("y"), .numbers = a},
                                   {.id = STR("x"), .numbers = b},
                                   {.id = STR("zero"), .numbers = zero}};
    weft_vec *store = make_store("exact", 0);
    weft_vec_results *results;
    float numbers[DIM];
    size_t count;
    CHECK_OK(weft_vec_put(store, items, 4, NULL));
    check_info(store, 3, "exact");
    CHECK_OK(weft_vec_get(store, STR("x"), numbers));
    CHECK_NEAR(numbers[1], 1, 0); /* the last one, of length 1 */
    CHECK_EQ(weft_vec_get(store, STR("z"), numbers), -ENOENT);
    float queries[2][DIM] = {{1, 1}, {-1}};
    CHECK_OK(weft_vec_find(store, queries[0], 2, NULL, &results, NULL));
    const weft_vec_hit *hits = weft_vec_results_hits(results, 0, &count);
    CHECK_EQ(count, 3);
    CHECK_BYTES(hits[0].id.ptr, hits[0].id.len, "y", 1); /* put before the last x */
    CHECK_BYTES(hits[1].id.ptr, hits[1].id.len, "x", 1);
    CHECK_NEAR(hits[2].score, 0, 0);
    hits = weft_vec_results_hits(results, 1, &count);
    CHECK_EQ(count, 3);
    CHECK_NEAR(hits[2].score, -1, 0);
    const weft_str gone[] = {STR("x"), STR("x"), STR("nobody")};
    CHECK_OK(weft_vec_remove(store, gone, 3, &count, NULL));
    CHECK_EQ(count, 1);
    CHECK_BYTES(hits[2].id.ptr, hits[2].id.len, "y", 1); /* answers outlive changes */
    weft_vec_results_free(results);
    weft_vec_free(store);
}

TEST(vectors_that_are_wrong_are_refused_by_their_place)
{
    static const float good[DIM] = {1}, bad[DIM] = {0, NAN};
    char long_text[1025];
    memset(long_text, 'x', sizeof(long_text));
    const weft_str too_long = {long_text, sizeof(long_text)};
    const weft_vec_tag tag = {too_long, STR("v")};
    const struct {
        weft_vec_item item;
        int rc;
        const char *field;
    } cases[] = {
        {{.id = STR(""), .numbers = good}, -WEFT_M_EVALID, "items[1].id"},
        {{.id = STR("b"), .numbers = bad}, -WEFT_M_EVALID, "items[1].numbers"},
        {{.id = too_long, .numbers = good}, -WEFT_ELIMIT, "items[1].id"},
        {{.id = STR("b"), .numbers = good, .tags = &tag, .tag_count = 1},
         -WEFT_ELIMIT,
         "items[1].key"},
    };
    weft_vec *store = make_store("exact", 0);
    weft_m_error error;
    for (size_t i = 0; i < 4; i++) {
        const weft_vec_item items[] = {{.id = STR("a"), .numbers = good}, cases[i].item};
        CHECK_EQ(weft_vec_put(store, items, 2, &error), cases[i].rc);
        CHECK_STR(error.field, cases[i].field);
        check_info(store, 0, "exact"); /* none of them */
    }
    weft_vec_results *results;
    CHECK_EQ(weft_vec_find(store, bad, 1, NULL, &results, &error), -WEFT_M_EVALID);
    CHECK_STR(error.field, "numbers");
    weft_vec_query query;
    weft_vec_query_init(&query);
    query.top_k = 0;
    CHECK_EQ(weft_vec_find(store, good, 1, &query, &results, &error), -WEFT_M_EVALID);
    CHECK_STR(error.field, "top_k");
    weft_vec_free(store);
}

TEST(stores_with_wrong_settings_are_refused)
{
    weft_vec *store;
    weft_m_error error;
    weft_vec_options options;
    weft_vec_options_init(&options);
    CHECK_EQ(weft_vec_new(&store, 0, &options, &error), -WEFT_M_EVALID);
    CHECK_STR(error.field, "dimension");
    CHECK_EQ(weft_vec_new(&store, 16385, &options, &error), -WEFT_M_EVALID);
    options.kind = "faiss";
    CHECK_EQ(weft_vec_new(&store, 4, &options, &error), -WEFT_M_EVALID);
    CHECK_STR(error.field, "kind");
    options.kind = "auto";
    options.quantization = "pq";
    CHECK_EQ(weft_vec_new(&store, 4, &options, &error), -WEFT_M_EVALID);
    CHECK_STR(error.field, "quantization");
    options.quantization = NULL;
    options.m = 1;
    CHECK_EQ(weft_vec_new(&store, 4, &options, &error), -WEFT_M_EVALID);
    CHECK_STR(error.field, "m");
    options.m = 16;
    options.count_max = 1;
    const float numbers[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    const weft_vec_item items[] = {{.id = STR("a"), .numbers = numbers},
                                   {.id = STR("b"), .numbers = numbers + 4}};
    CHECK_OK(weft_vec_new(&store, 4, &options, &error));
    CHECK_OK(weft_vec_put(store, items, 1, &error));
    CHECK_OK(weft_vec_put(store, items, 1, &error)); /* again: no more than one */
    CHECK_EQ(weft_vec_put(store, items, 2, &error), -WEFT_ELIMIT);
    CHECK_EQ(error.limit, 1);
    weft_vec_free(store);
}

/* ---- files ---- */

static void check_same_query(weft_vec *a, weft_vec *b, const float *numbers, size_t query_count,
                             const weft_vec_query *query)
{
    weft_vec_results *left, *right;
    size_t count, other;
    CHECK_OK(weft_vec_find(a, numbers, query_count, query, &left, NULL));
    CHECK_OK(weft_vec_find(b, numbers, query_count, query, &right, NULL));
    for (size_t i = 0; i < query_count; i++) {
        const weft_vec_hit *x = weft_vec_results_hits(left, i, &count);
        const weft_vec_hit *y = weft_vec_results_hits(right, i, &other);
        CHECK_EQ(count, other);
        for (size_t k = 0; k < count; k++) {
            CHECK_BYTES(x[k].id.ptr, x[k].id.len, y[k].id.ptr, y[k].id.len);
            CHECK_EQ(memcmp(&x[k].score, &y[k].score, sizeof(float)), 0);
        }
    }
    weft_vec_results_free(left);
    weft_vec_results_free(right);
}

static void check_same(weft_vec *a, weft_vec *b, dice *d)
{
    float query[DIM];
    for (size_t i = 0; i < 20; i++) {
        make_numbers(d, query);
        check_same_query(a, b, query, 1, NULL);
    }
}

/* One by one, together, with a filter, with a threshold. */
static void check_same_all_ways(weft_vec *a, weft_vec *b, dice *d)
{
    enum { TOGETHER = 70 };
    static float numbers[TOGETHER][DIM];
    const weft_vec_tag red = {STR("colour"), STR("red")};
    weft_vec_query query;
    weft_vec_query_init(&query);
    check_same(a, b, d);
    for (size_t i = 0; i < TOGETHER; i++)
        make_numbers(d, numbers[i]);
    check_same_query(a, b, numbers[0], TOGETHER, &query);
    query.threshold = 0.3f;
    check_same_query(a, b, numbers[0], TOGETHER, &query);
    query.filter = &red;
    query.filter_count = 1;
    check_same_query(a, b, numbers[0], TOGETHER, &query);
    check_same_query(a, b, numbers[0], 1, &query);
}

static void check_same_files(weft_vec *a, weft_vec *b)
{
    weft_bytes left, right;
    CHECK_OK(wf_vec_bytes(a, &(wf_job){0}, &left));
    CHECK_OK(wf_vec_bytes(b, &(wf_job){0}, &right));
    CHECK_BYTES(left.ptr, left.len, right.ptr, right.len);
    weft_bytes_free(&left);
    weft_bytes_free(&right);
}

/* Loads `from`; what comes of it has what was asked for and is the same as `like`. */
static void check_loaded(weft_vec *from, const char *quantization, weft_vec *like, dice *d)
{
    char path[64];
    weft_vec *loaded;
    weft_vec_options options;
    snprintf(path, sizeof(path), "/tmp/weft-vec-%d", (int)getpid());
    weft_vec_options_init(&options);
    options.quantization = quantization;
    CHECK_OK(weft_vec_save(from, path, NULL));
    CHECK_OK(weft_vec_load(&loaded, path, &options, NULL));
    unlink(path);
    CHECK_STR(info_of(loaded).quantization, info_of(like).quantization);
    check_same_all_ways(loaded, like, d);
    check_same_files(loaded, like);
    weft_vec_free(loaded);
}

TEST(vectors_without_quantization_answer_the_same_to_the_bit_in_less_memory)
{
    static const char *const kinds[] = {"exact", "hnsw"};
    for (size_t i = 0; i < 2; i++) {
        struct model *model = calloc(2, sizeof(*model));
        weft_vec *bytes = make_quantized(kinds[i], 0, "int8");
        weft_vec *floats = make_quantized(kinds[i], 0, "none");
        dice d = {21}, other = {21};
        for (size_t round = 0; round < 3; round++) {
            change(bytes, &model[0], &d, test_amount(300, 200));
            change(floats, &model[1], &other, test_amount(300, 200));
            check_info(floats, model[1].count, kinds[i]);
            check_same_all_ways(bytes, floats, &(dice){round});
        }
        CHECK_STR(info_of(bytes).quantization, "int8");
        CHECK_STR(info_of(floats).quantization, "none");
        CHECK_GE(info_of(bytes).bytes, info_of(floats).bytes + model[0].count * (64 + 12));
        check_loaded(bytes, NULL, bytes, &d);
        check_loaded(floats, NULL, floats, &d);
        check_loaded(bytes, "none", floats, &d);
        check_loaded(floats, "int8", bytes, &d);
        weft_vec_free(bytes);
        weft_vec_free(floats);
        free(model);
    }
}

TEST(a_damaged_file_without_quantization_is_refused)
{
    weft_vec *store = make_quantized("exact", 0, "none"), *loaded;
    struct model *model = calloc(1, sizeof(*model));
    weft_m_error error;
    weft_bytes bytes;
    dice d = {4};
    for (size_t id = 0; id < 3; id++)
        put(store, model, &d, id);
    CHECK_OK(wf_vec_bytes(store, &(wf_job){0}, &bytes));
    char *file = malloc(bytes.len);
    for (size_t at = 0; at < bytes.len; at += test_amount(1, 7)) {
        memcpy(file, bytes.ptr, bytes.len);
        file[at] = (char)(file[at] ^ 0x10);
        note("byte %zu", at);
        CHECK_EQ(wf_vec_of_bytes(&loaded, file, bytes.len, &error), -WEFT_M_EPERSIST);
        CHECK_EQ(wf_vec_of_bytes(&loaded, bytes.ptr, at, &error), -WEFT_M_EPERSIST);
    }
    free(file);
    weft_bytes_free(&bytes);
    weft_vec_free(store);
    free(model);
}

TEST(vectors_out_of_a_file_answer_the_same_and_can_change)
{
    static const char *const kinds[] = {"exact", "hnsw"};
    char path[64];
    snprintf(path, sizeof(path), "/tmp/weft-vec-%d", (int)getpid());
    for (size_t i = 0; i < 2; i++) {
        struct model *model = calloc(1, sizeof(*model));
        weft_vec *store = make_store(kinds[i], 0), *loaded;
        weft_m_error error;
        dice d = {9}, other;
        change(store, model, &d, 300);
        CHECK_OK(weft_vec_save(store, path, &error));
        CHECK_OK(weft_vec_load(&loaded, path, NULL, &error));
        check_info(loaded, model->count, kinds[i]);
        check_same(store, loaded, &d);
        other = d;
        change(loaded, model, &other, 300);
        check_answers(loaded, model, &other);
        weft_vec_free(loaded);
        weft_vec_free(store);
        free(model);
    }
    weft_vec *store;
    weft_m_error error;
    weft_vec_options options;
    weft_vec_options_init(&options);
    options.quantization = "pq";
    CHECK_EQ(weft_vec_load(&store, path, &options, &error), -WEFT_M_EVALID);
    CHECK_STR(error.field, "quantization");
    options.quantization = NULL;
    options.count_max = 3;
    CHECK_EQ(weft_vec_load(&store, path, &options, &error), -WEFT_ELIMIT);
    unlink(path);
    CHECK_EQ(weft_vec_load(&store, "/nowhere/at/all", NULL, &error), -ENOENT);
    CHECK(strstr(error.message, "/nowhere/at/all") != NULL);
}

TEST(vectors_of_one_id_in_a_file_are_refused)
{
    static const char *const kinds[] = {"exact", "hnsw"};
    for (size_t i = 0; i < 2; i++) {
        struct model *model = calloc(1, sizeof(*model));
        weft_vec *store = make_store(kinds[i], 0), *loaded;
        weft_bytes bytes;
        dice d = {4};
        for (size_t id = 0; id < 3; id++)
            put(store, model, &d, id);
        const weft_str first = store->it.rows[0]->id, second = store->it.rows[1]->id;
        store->it.rows[1]->id = first;
        CHECK_OK(wf_vec_bytes(store, &(wf_job){0}, &bytes));
        CHECK_EQ(wf_vec_of_bytes(&loaded, bytes.ptr, bytes.len, NULL), -WEFT_M_EPERSIST);
        weft_bytes_free(&bytes);
        store->it.rows[1]->id = second;
        weft_vec_free(store);
        free(model);
    }
}

/* ---- tasks ---- */

static int ask_often(void *arg)
{
    weft_vec *store = arg;
    float query[DIM] = {1, 2, 3};
    for (size_t i = 0; i < 3; i++) {
        weft_vec_results *results;
        WEFT_TRY(weft_vec_find(store, query, 1, NULL, &results, NULL));
        weft_vec_results_free(results);
    }
    return 0;
}

static int put_some(void *arg)
{
    weft_vec *store = arg;
    dice d = {3};
    char names[16][16];
    float numbers[16][DIM];
    weft_vec_item items[16] = {0};
    for (size_t i = 0; i < 16; i++) {
        make_numbers(&d, numbers[i]);
        items[i] = (weft_vec_item){.id = id_of(i % 12, names[i]), .numbers = numbers[i]};
    }
    WEFT_TRY(weft_vec_put(store, items, 16, NULL));
    return weft_vec_remove(store, &items[3].id, 1, NULL, NULL);
}

SCENARIO(vectors_are_put_and_asked_for_side_by_side)
{
    weft_vec_options options;
    weft_vec *store;
    weft_vec_options_init(&options);
    options.kind = "hnsw";
    int rc = weft_vec_new(&store, DIM, &options, NULL);
    if (rc < 0)
        return rc;
    rc = weft_gather(weft_spawn(put_some, store), weft_spawn(ask_often, store),
                     weft_spawn(ask_often, store));
    weft_vec_info info = {.size = sizeof(info)};
    if (rc == 0)
        rc = weft_vec_info_get(store, &info);
    if (rc == 0)
        CHECK_EQ(info.count, 11);
    weft_vec_free(store);
    return rc;
}

/* A store that could not take a vector is what it was before, for files too. */
static void check_file(weft_vec *store, size_t count)
{
    weft_vec *loaded;
    weft_bytes bytes;
    weft_vec_info info = {.size = sizeof(info)};
    if (wf_vec_bytes(store, &(wf_job){0}, &bytes) < 0)
        return; /* this is what failed */
    int rc = wf_vec_of_bytes(&loaded, bytes.ptr, bytes.len, NULL);
    weft_bytes_free(&bytes);
    CHECK(rc != -WEFT_M_EPERSIST);
    if (rc < 0)
        return; /* or this */
    if (weft_vec_info_get(loaded, &info) == 0)
        CHECK_EQ(info.count, count);
    weft_vec_free(loaded);
}

/* So many that the graph, which the first two have, needs memory again. */
static int put_many(weft_vec *store)
{
    dice d = {3};
    char names[70][16];
    float numbers[70][DIM];
    weft_vec_item items[70] = {0};
    for (size_t i = 0; i < 70; i++) {
        make_numbers(&d, numbers[i]);
        items[i] = (weft_vec_item){.id = id_of(i, names[i]), .numbers = numbers[i]};
    }
    WEFT_TRY(weft_vec_put(store, items, 2, NULL));
    return weft_vec_put(store, items + 2, 68, NULL);
}

WORK_SCENARIO(vectors_that_were_not_taken_are_not_saved)
{
    weft_vec_options options;
    weft_vec *store;
    weft_vec_info info = {.size = sizeof(info)};
    weft_vec_options_init(&options);
    options.kind = "hnsw";
    options.m = 2;
    options.ef_construction = 4;
    int rc = weft_vec_new(&store, DIM, &options, NULL);
    if (rc < 0)
        return rc;
    rc = put_many(store);
    if (weft_vec_info_get(store, &info) == 0)
        check_file(store, info.count);
    weft_vec_free(store);
    return rc;
}

static int put_and_ask(weft_vec *store)
{
    weft_vec *loaded;
    weft_bytes bytes;
    WEFT_TRY(put_some(store));
    WEFT_TRY(ask_often(store));
    WEFT_TRY(wf_vec_bytes(store, &(wf_job){0}, &bytes));
    int rc = wf_vec_of_bytes(&loaded, bytes.ptr, bytes.len, NULL);
    weft_bytes_free(&bytes);
    if (rc < 0)
        return rc;
    rc = ask_often(loaded);
    if (rc == 0)
        CHECK(!loaded->has_bytes);
    weft_vec_free(loaded);
    return rc;
}

WORK_SCENARIO(vectors_without_quantization_are_put_asked_for_and_loaded)
{
    weft_vec_options options;
    weft_vec *store;
    weft_vec_options_init(&options);
    options.quantization = "none";
    int rc = weft_vec_new(&store, DIM, &options, NULL);
    if (rc < 0)
        return rc;
    rc = put_and_ask(store);
    weft_vec_free(store);
    return rc;
}

/* ---- rows that lead nowhere ---- */

/* The score of the last of ten nearest, by counting. */
static float last_of_ten(float (*rows)[DIM], size_t first, size_t end, const float *query)
{
    float best[10];
    size_t count = 0;
    for (size_t row = first; row < end; row++) {
        float sum = 0, own = 0, other = 0;
        for (size_t i = 0; i < DIM; i++) {
            sum += rows[row][i] * query[i];
            own += rows[row][i] * rows[row][i];
            other += query[i] * query[i];
        }
        float score = sum / sqrtf(own * other);
        size_t at = count < 10 ? count++ : 10;
        if (at == 10 && score <= best[9])
            continue;
        for (at = at == 10 ? 9 : at; at > 0 && best[at - 1] < score; at--)
            best[at] = best[at - 1];
        best[at] = score;
    }
    return best[count - 1];
}

/* Of rows that are equal all are neighbours of one another and of nothing else: a graph alone found
 * half of what is near them, and one of the last twelve. */
TEST(equal_vectors_are_found_among_others_and_when_the_others_are_gone)
{
    enum { EQUAL = 500, ALL = 1500, LAST = 12 };
    static float rows[ALL][DIM];
    dice d = {9};
    char texts[ALL][16];
    weft_str ids[ALL];
    weft_vec_item items[ALL];
    weft_vec_options options;
    weft_vec_results *found;
    weft_vec *store;
    size_t right = 0, count;
    for (size_t row = 0; row < ALL; row++) {
        make_numbers(&d, rows[row < EQUAL ? 0 : row]);
        memcpy(rows[row], rows[row < EQUAL ? 0 : row], sizeof(rows[0]));
        items[row] = (weft_vec_item){.id = id_of(row, texts[row]), .numbers = rows[row]};
        ids[row] = items[row].id;
    }
    for (size_t row = 0; row < EQUAL; row++)
        memcpy(rows[row], rows[0], sizeof(rows[0]));
    weft_vec_options_init(&options);
    options.kind = "hnsw";
    options.ef_construction = 60;
    options.ef = 40;
    CHECK_OK(weft_vec_new(&store, DIM, &options, NULL));
    CHECK_OK(weft_vec_put(store, items, ALL, NULL));
    for (size_t row = 0; row < ALL; row += 30) {
        float last = last_of_ten(rows, 0, ALL, rows[row]);
        CHECK_OK(weft_vec_find(store, rows[row], 1, NULL, &found, NULL));
        const weft_vec_hit *hits = weft_vec_results_hits(found, 0, &count);
        for (size_t i = 0; i < count; i++)
            right += hits[i].score >= last - 1e-5f;
        weft_vec_results_free(found);
    }
    note("%zu of 500", right);
    CHECK_GE(right, 490);
    CHECK_OK(weft_vec_remove(store, ids + LAST, ALL - LAST, NULL, NULL));
    CHECK_OK(weft_vec_find(store, rows[0], 1, NULL, &found, NULL));
    CHECK(weft_vec_results_hits(found, 0, &count) != NULL);
    CHECK_EQ(count, 10);
    weft_vec_results_free(found);
    weft_vec_free(store);
}
