/* SPDX-License-Identifier: MIT */

/*
 * What a user of the matcher waits for, beside a match (bench/match.c):
 *
 *     novelty_…        a verdict on a text, and what it takes beyond the match: 10,000 entities
 *     learnt_…         a head-only fit of 1,000 examples of 50 labels; a text asked of it
 *     first_…          from nothing to the first answer, 10,000 entities: built, loaded from a
 *                      file, and a process of its own from its start until it has ended
 *     vectors_…        10,000 rows of 256 numbers under ids: one query, 200 together, memory beyond
 *                      that of the numbers; with copies in bytes, and without ("floats")
 *
 * Texts are asked one at a time and have one letter changed; nothing is cached.
 *
 * usage: bars [ENTITIES]     (10000)
 */
#include "names.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weft/novelty.h>
#include <weft/vec.h>

#define TEXTS 1000
#define ROUNDS 5
#define LABELS 50
#define EXAMPLES 1000
#define DIM 256
#define TOGETHER 200

static size_t count;
static weft_m_entity *entities;
static weft_str texts[TEXTS];
static weft_matcher *matcher;
static char path[64];

static void check(int rc, const weft_m_error *error)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "bars: %s\n", error->message);
    exit(1);
}

/* ---- texts ---- */

static weft_str copy_of(const char *text, size_t len)
{
    char *copy = malloc(len + 1);
    if (copy == NULL)
        exit(1);
    memcpy(copy, text, len);
    copy[len] = '\0';
    return (weft_str){copy, len};
}

static weft_str number_of(size_t number)
{
    char text[24];
    return copy_of(text, (size_t)snprintf(text, sizeof(text), "%zu", number));
}

static void make_entities(void)
{
    char name[NAME_BYTES];
    entities = calloc(count, sizeof(*entities));
    for (size_t i = 0; entities != NULL && i < count; i++) {
        size_t len = put_name(name);
        entities[i] = (weft_m_entity){.id = number_of(i), .name = copy_of(name, len)};
    }
    for (size_t i = 0; entities != NULL && i < TEXTS; i++) {
        weft_str other = entities[roll() % count].name;
        memcpy(name, other.ptr, other.len);
        name[roll() % other.len] = (char)('a' + roll() % 26);
        texts[i] = copy_of(name, other.len);
    }
}

/* Five words of the label's eight, among four that all have. */
static weft_str make_sentence(char words[8][NAME_BYTES])
{
    static const char *const common[] = {"please", "my", "is", "the", "for", "a", "can", "want"};
    char text[9 * NAME_BYTES];
    size_t at = 0;
    for (size_t i = 0; i < 9; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", i != 0 ? " " : "",
                               i % 2 == 0 ? words[roll() % 8] : common[roll() % 8]);
    return copy_of(text, at);
}

/* ---- asking ---- */

static void open_matcher(weft_matcher **out, size_t entity_count, const char *mode)
{
    weft_m_options options;
    weft_m_error error;
    weft_m_options_init(&options);
    options.cache_count_max = 0;
    if (mode != NULL)
        options.mode = (weft_str){mode, strlen(mode)};
    check(weft_m_open(out, entities, entity_count, &options, &error), &error);
}

/* Nanoseconds a text. */
static double ask_each(weft_matcher *whom, const weft_str *asked)
{
    weft_m_query query;
    weft_m_error error;
    weft_m_query_init(&query);
    query.threshold = 0;
    query.top_k = 5;
    double start = bench_cpu();
    for (size_t i = 0; i < TEXTS; i++) {
        weft_m_results *results;
        check(weft_m_match(whom, &asked[i], 1, &query, &results, &error), &error);
        weft_m_results_free(results);
    }
    return (bench_cpu() - start) / TEXTS;
}

static double judge_each(void)
{
    weft_m_error error;
    double start = bench_cpu();
    for (size_t i = 0; i < TEXTS; i++) {
        weft_m_results *results;
        check(weft_m_novelty(matcher, &texts[i], 1, NULL, &results, &error), &error);
        weft_m_results_free(results);
    }
    return (bench_cpu() - start) / TEXTS;
}

static void measure_novelty(void)
{
    double verdict[BENCH_RUNS], beyond[BENCH_RUNS];
    weft_m_error error;
    check(weft_m_novelty_prepare(matcher, NULL, &error), &error);
    for (int run = -1; run < BENCH_RUNS; run++) {
        int at = run < 0 ? 0 : run;
        double match = ask_each(matcher, texts);
        verdict[at] = judge_each() / 1e3;
        beyond[at] = verdict[at] - match / 1e3;
    }
    bench_print("novelty_verdict", "us", verdict, NULL, BENCH_RUNS);
    bench_print("novelty_beyond_match", "us", beyond, NULL, BENCH_RUNS);
}

static void measure_learnt(void)
{
    static weft_m_example examples[EXAMPLES];
    static weft_str asked[TEXTS];
    static char words[LABELS][8][NAME_BYTES];
    double fit[ROUNDS], match[BENCH_RUNS];
    weft_m_error error;
    weft_matcher *learnt;
    for (size_t i = 0; i < (size_t)LABELS * 8; i++)
        words[i / 8][i % 8][put_word(words[i / 8][i % 8])] = '\0';
    for (size_t i = 0; i < EXAMPLES; i++)
        examples[i] = (weft_m_example){.text = make_sentence(words[i % LABELS]),
                                       .label = entities[i % LABELS].id};
    for (size_t i = 0; i < TEXTS; i++)
        asked[i] = make_sentence(words[i % LABELS]);
    open_matcher(&learnt, LABELS, "head-only");
    for (int i = 0; i < ROUNDS; i++) {
        double start = bench_wall();
        check(weft_m_fit(learnt, examples, EXAMPLES, NULL, &error), &error);
        fit[i] = (bench_wall() - start) / 1e6;
    }
    for (int run = -1; run < BENCH_RUNS; run++)
        match[run < 0 ? 0 : run] = 1e9 / ask_each(learnt, asked);
    bench_print("learnt_fit", "ms", fit, NULL, ROUNDS);
    bench_print("learnt_texts", "texts/s", match, NULL, BENCH_RUNS);
    weft_m_close(learnt);
}

/* ---- from nothing to the first answer ---- */

static void ask_one(weft_matcher *whom)
{
    weft_m_results *results;
    weft_m_error error;
    check(weft_m_match(whom, &texts[0], 1, NULL, &results, &error), &error);
    weft_m_results_free(results);
}

static double run_built(void)
{
    weft_matcher *built;
    double start = bench_wall();
    open_matcher(&built, count, NULL);
    ask_one(built);
    double took = bench_wall() - start;
    weft_m_close(built);
    return took / 1e6;
}

static double run_loaded(void)
{
    weft_matcher *loaded;
    weft_m_error error;
    double start = bench_wall();
    check(weft_m_load(&loaded, path, NULL, &error), &error);
    ask_one(loaded);
    double took = bench_wall() - start;
    weft_m_close(loaded);
    return took / 1e6;
}

/* This program again, which only loads and asks. */
static double run_process(void)
{
    char *const argv[] = {"bars", "--from", path, NULL};
    int status = 1;
    pid_t pid;
    double start = bench_wall();
    if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ) != 0 ||
        waitpid(pid, &status, 0) != pid || status != 0)
        exit(1);
    return (bench_wall() - start) / 1e6;
}

static void measure_first(void)
{
    double built[BENCH_RUNS], loaded[BENCH_RUNS], process[BENCH_RUNS];
    weft_m_error error;
    snprintf(path, sizeof(path), "/tmp/weft-bars-%d.weftm", (int)getpid());
    check(weft_m_save(matcher, path, &error), &error);
    for (int i = 0; i < BENCH_RUNS; i++) {
        built[i] = run_built();
        loaded[i] = run_loaded();
        process[i] = run_process();
    }
    unlink(path);
    bench_print("first_built", "ms", built, NULL, BENCH_RUNS);
    bench_print("first_loaded", "ms", loaded, NULL, BENCH_RUNS);
    bench_print("first_process", "ms", process, NULL, BENCH_RUNS);
}

/* ---- vectors ---- */

static double find(weft_vec *store, const float *numbers, size_t query_count)
{
    weft_vec_results *results;
    weft_m_error error;
    double start = bench_cpu();
    check(weft_vec_find(store, numbers, query_count, NULL, &results, &error), &error);
    weft_vec_results_free(results);
    return (bench_cpu() - start) / 1e6 / (double)query_count;
}

static weft_vec *make_store(const char *quantization, float *numbers)
{
    weft_vec *store;
    weft_m_error error;
    weft_vec_options options;
    weft_vec_options_init(&options);
    options.quantization = quantization;
    check(weft_vec_new(&store, DIM, &options, &error), &error);
    for (size_t row = 0; row < count; row++) {
        const weft_vec_item item = {.id = entities[row].id, .numbers = numbers};
        for (size_t i = 0; i < DIM; i++)
            numbers[i] = (float)(int32_t)roll() * 0x1p-31f;
        check(weft_vec_put(store, &item, 1, &error), &error);
    }
    for (size_t i = 0; i < (size_t)TOGETHER * DIM; i++)
        numbers[i] = (float)(int32_t)roll() * 0x1p-31f;
    return store;
}

static double memory_of(weft_vec *store)
{
    weft_vec_info info = {.size = sizeof(info)};
    if (weft_vec_info_get(store, &info) < 0)
        exit(1);
    return (double)info.bytes / ((double)count * DIM * sizeof(float));
}

/* Both take turns, so that they meet the same machine. */
static void measure_vectors(void)
{
    double one[2][BENCH_RUNS], many[2][BENCH_RUNS];
    float *numbers = calloc((size_t)TOGETHER * DIM, sizeof(*numbers));
    if (numbers == NULL)
        exit(1);
    weft_vec *stores[2] = {make_store("int8", numbers), make_store("none", numbers)};
    for (int run = -1; run < BENCH_RUNS; run++) {
        for (int k = 0; k < 2; k++) {
            one[k][run < 0 ? 0 : run] = find(stores[k], numbers, 1);
            many[k][run < 0 ? 0 : run] = find(stores[k], numbers, TOGETHER);
        }
    }
    bench_print("vectors_query", "ms", one[0], NULL, BENCH_RUNS);
    bench_print("vectors_query_of_200", "ms", many[0], NULL, BENCH_RUNS);
    bench_print_one("vectors_memory", "of the numbers", memory_of(stores[0]));
    bench_print("vectors_floats_query", "ms", one[1], NULL, BENCH_RUNS);
    bench_print("vectors_floats_query_of_200", "ms", many[1], NULL, BENCH_RUNS);
    bench_print_one("vectors_floats_memory", "of the numbers", memory_of(stores[1]));
    weft_vec_free(stores[0]);
    weft_vec_free(stores[1]);
    free(numbers);
}

int main(int argc, char **argv)
{
    weft_m_error error;
    if (argc == 3 && strcmp(argv[1], "--from") == 0) {
        texts[0] = (weft_str){"Brana stel", 10};
        check(weft_m_load(&matcher, argv[2], NULL, &error), &error);
        ask_one(matcher);
        weft_m_close(matcher);
        return 0;
    }
    count = bench_count(argc, argv, 10000);
    make_entities();
    if (entities == NULL || count < LABELS)
        return 1;
    open_matcher(&matcher, count, NULL);
    check(weft_m_fit(matcher, NULL, 0, NULL, &error), &error);
    measure_first();
    measure_novelty();
    weft_m_close(matcher);
    measure_learnt();
    measure_vectors();
    return 0;
}
