/* SPDX-License-Identifier: MIT */

/*
 * What does a match cost?  For 1,000, 10,000 and 100,000 entities (or for as many as the first word
 * says) of one row each, with names made from a list of syllables: the fit a row, memory of the
 * index a row, one query with encoding (one thread, nothing cached: names with one letter changed,
 * none twice) at the default threshold and at 0 with five results, a batch on all cores, and the
 * matcher saved and loaded.
 *
 * Calls are made outside any loop, so the hop to the executor is left out; bench/exec has it.
 */

#include "names.h"

#include <unistd.h>
#include <weft/match.h>

#define QUERIES 2000
#define ID_BYTES 24

static char (*ids)[ID_BYTES];
static char (*names)[NAME_BYTES];
static char (*asked)[NAME_BYTES];
static weft_m_entity *entities;
static weft_str queries[QUERIES];
static weft_matcher *matcher;
static weft_m_query settings;

static void check(int rc, const weft_m_error *error)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "match: %s\n", error->message);
    exit(1);
}

static void make_catalogue(size_t count)
{
    ids = calloc(count, sizeof(*ids));
    names = calloc(count, sizeof(*names));
    entities = calloc(count, sizeof(*entities));
    if (ids == NULL || names == NULL || entities == NULL) {
        fprintf(stderr, "match: no memory for %zu entities\n", count);
        exit(1);
    }
    for (size_t i = 0; i < count; i++) {
        size_t len = put_name(names[i]);
        size_t id_len = (size_t)snprintf(ids[i], sizeof(ids[i]), "%zu", i);
        entities[i] = (weft_m_entity){.id = {ids[i], id_len}, .name = {names[i], len}};
    }
}

static void make_queries(size_t count)
{
    asked = calloc(QUERIES, sizeof(*asked));
    for (size_t i = 0; i < QUERIES; i++) {
        weft_str name = entities[roll() % count].name;
        memcpy(asked[i], name.ptr, name.len);
        asked[i][roll() % name.len] = (char)('a' + roll() % 26);
        queries[i] = (weft_str){asked[i], name.len};
    }
}

static void open_and_fit(size_t count)
{
    weft_m_options options;
    weft_m_error error;
    weft_m_options_init(&options);
    options.cache_count_max = 0;
    check(weft_m_open(&matcher, entities, count, &options, &error), &error);
    check(weft_m_fit(matcher, NULL, 0, NULL, &error), &error);
}

static void run_single(void *arg)
{
    (void)arg;
    weft_m_error error;
    for (size_t i = 0; i < QUERIES; i++) {
        weft_m_results *results;
        check(weft_m_match(matcher, &queries[i], 1, &settings, &results, &error), &error);
        weft_m_results_free(results);
    }
}

static void run_batch(void *arg)
{
    (void)arg;
    weft_m_error error;
    weft_m_results *results;
    check(weft_m_batch(matcher, queries, QUERIES, &settings, QUERIES, &results, &error, NULL, NULL),
          &error);
    weft_m_results_free(results);
}

static void measure_fit(size_t count)
{
    char name[48];
    double values[5];
    for (int i = 0; i < 5; i++) {
        double start = bench_wall();
        open_and_fit(count);
        values[i] = (bench_wall() - start) / 1e6;
        if (i < 4)
            weft_m_close(matcher);
    }
    snprintf(name, sizeof(name), "match_fit_%zu", count);
    bench_print(name, "ms", values, NULL, 5);
    weft_m_info info = {.size = sizeof(info)};
    if (weft_m_info_get(matcher, &info) == 0) {
        snprintf(name, sizeof(name), "match_bytes_a_row_%zu", count);
        bench_print_one(name, "bytes", (double)info.bytes / (double)count);
    }
}

static void measure_file(size_t count)
{
    char name[48], path[64];
    double saved[5], loaded[5];
    weft_m_error error;
    snprintf(path, sizeof(path), "/tmp/weft-bench-%d.weftm", (int)getpid());
    for (int i = 0; i < 5; i++) {
        weft_matcher *again;
        double start = bench_wall();
        check(weft_m_save(matcher, path, &error), &error);
        saved[i] = (bench_wall() - start) / 1e6;
        start = bench_wall();
        check(weft_m_load(&again, path, NULL, &error), &error);
        loaded[i] = (bench_wall() - start) / 1e6;
        weft_m_close(again);
    }
    unlink(path);
    snprintf(name, sizeof(name), "match_save_%zu", count);
    bench_print(name, "ms", saved, NULL, 5);
    snprintf(name, sizeof(name), "match_load_%zu", count);
    bench_print(name, "ms", loaded, NULL, 5);
}

static void measure(size_t count)
{
    char name[48];
    make_catalogue(count);
    make_queries(count);
    measure_fit(count);
    measure_file(count);

    weft_m_query_init(&settings);
    snprintf(name, sizeof(name), "match_query_%zu", count);
    bench_run(name, QUERIES, run_single, NULL);
    snprintf(name, sizeof(name), "match_batch_%zu", count);
    bench_run(name, QUERIES, run_batch, NULL);
    settings.threshold = 0;
    settings.top_k = 5;
    snprintf(name, sizeof(name), "match_query_top5_%zu", count);
    bench_run(name, QUERIES, run_single, NULL);

    weft_m_close(matcher);
    free(ids);
    free(names);
    free(asked);
    free(entities);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        measure(bench_count(argc, argv, 1000));
    else
        for (size_t count = 1000; count <= 100000; count *= 10)
            measure(count);
    return 0;
}
