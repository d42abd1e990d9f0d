/* SPDX-License-Identifier: MIT */

/*
 * What does a second core bring to a batch?  A batch on one processor (in turn each of those that
 * this program may use) and on two take turns, so that both meet the same machine:
 *
 *     ..._one, ..._two    a query; `cpu` is that of all threads
 *     ..._gain            the wall time on one as a multiple of that on two; the goal is 1.9
 *     ..._cost            the CPU time on two as a multiple of that on one: what sharing costs
 *     ..._had             CPU time as a multiple of wall time on two: what there was to be had
 *
 * On a busy machine `gain` is no more than what was had; `had` / `cost` is what there would be
 * without serial parts, and `gain` below that is what they take.  By letters and words, and by an
 * encoder that counts pairs of letters (256 numbers), whose rows are swept for 64 queries at once.
 *
 * usage: cores [ENTITIES [QUERIES]]     (20000 4000)
 */
#include "names.h"

#include <sched.h>
#include <weft/encoder.h>

#define DIM 256u

static weft_str *queries;
static size_t query_count;

static void check(int rc, const weft_m_error *error)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "cores: %s\n", error->message);
    exit(1);
}

/* ---- matchers ---- */

static int count_pairs(void *self, const weft_str *texts, size_t count, float *out)
{
    (void)self;
    memset(out, 0, count * DIM * sizeof(*out));
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k + 1 < texts[i].len; k++) {
            unsigned pair =
                (unsigned char)texts[i].ptr[k] * 31u + (unsigned char)texts[i].ptr[k + 1];
            out[i * DIM + pair * 2654435761u % DIM] += 1;
        }
    }
    return 0;
}

static weft_matcher *open_matcher(const weft_m_entity *entities, size_t count, bool is_dense)
{
    static const weft_encoder_class pairs = {
        .size = sizeof(pairs), .kind = "pairs", .encode = count_pairs};
    weft_m_options options;
    weft_m_error error;
    weft_matcher *matcher;
    weft_m_options_init(&options);
    options.cache_count_max = 0;
    if (is_dense) {
        options.score_kind = (weft_str)WEFT_STR("dense");
        if (weft_encoder_new(&options.encoder, &pairs, "pairs", DIM, NULL) < 0)
            exit(1);
    }
    check(weft_m_open(&matcher, entities, count, &options, &error), &error);
    weft_encoder_unref(options.encoder);
    check(weft_m_fit(matcher, NULL, 0, NULL, &error), &error);
    return matcher;
}

static void *made(size_t count, size_t bytes)
{
    void *items = calloc(count, bytes);
    if (items == NULL)
        exit(1);
    return items;
}

static weft_m_entity *make_entities(size_t count)
{
    weft_m_entity *entities = made(count, sizeof(*entities));
    char(*ids)[24] = made(count, sizeof(*ids));
    char(*names)[NAME_BYTES] = made(count, sizeof(*names));
    for (size_t i = 0; i < count; i++) {
        size_t len = put_name(names[i]);
        size_t id_len = (size_t)snprintf(ids[i], sizeof(ids[i]), "%zu", i);
        entities[i] = (weft_m_entity){.id = {ids[i], id_len}, .name = {names[i], len}};
    }
    return entities;
}

/* Names with one letter changed. */
static void make_queries(const weft_m_entity *entities, size_t count)
{
    char(*texts)[NAME_BYTES] = made(query_count, sizeof(*texts));
    queries = made(query_count, sizeof(*queries));
    for (size_t i = 0; i < query_count; i++) {
        weft_str name = entities[roll() % count].name;
        memcpy(texts[i], name.ptr, name.len);
        texts[i][roll() % name.len] = (char)('a' + roll() % 26);
        queries[i] = (weft_str){texts[i], name.len};
    }
}

/* ---- processors ---- */

static cpu_set_t allowed;

/* The `at`th of the processors that may be used. */
static int processor(size_t at)
{
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &allowed) && at-- == 0)
            return cpu;
    }
    return -1;
}

static void use(size_t first, size_t count)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    for (size_t i = first; i < first + count; i++)
        CPU_SET(processor(i), &set);
    if (sched_setaffinity(0, sizeof(set), &set) < 0) {
        fprintf(stderr, "cores: the processors cannot be chosen\n");
        exit(1);
    }
}

/* ---- what is measured ---- */

struct times {
    double wall[BENCH_RUNS], cpu[BENCH_RUNS];
};

static void run(weft_matcher *matcher, struct times *times, int at)
{
    weft_m_error error;
    weft_m_results *results;
    double wall = bench_wall(), cpu = bench_clock(CLOCK_PROCESS_CPUTIME_ID);
    check(weft_m_match(matcher, queries, query_count, NULL, &results, &error), &error);
    times->wall[at] = (bench_wall() - wall) / (double)query_count;
    times->cpu[at] = (bench_clock(CLOCK_PROCESS_CPUTIME_ID) - cpu) / (double)query_count;
    weft_m_results_free(results);
}

static void print_ratio(const char *kind, const char *what, const double *a, const double *b)
{
    char name[48];
    double ratios[BENCH_RUNS];
    snprintf(name, sizeof(name), "batch_%s_%s", kind, what);
    for (int i = 0; i < BENCH_RUNS; i++)
        ratios[i] = a[i] / b[i];
    bench_print(name, "ratio", ratios, NULL, BENCH_RUNS);
}

static void measure(weft_matcher *matcher, const char *kind)
{
    struct times one, two;
    char name[48];
    for (int i = -1; i < BENCH_RUNS; i++) {
        int at = i < 0 ? 0 : i; /* the first one warms up */
        use(/* first= */ 0, /* count= */ 2);
        run(matcher, &two, at);
        use((size_t)at % 2, /* count= */ 1);
        run(matcher, &one, at);
    }
    print_ratio(kind, "gain", one.wall, two.wall);
    print_ratio(kind, "cost", two.cpu, one.cpu);
    print_ratio(kind, "had", two.cpu, two.wall);
    snprintf(name, sizeof(name), "batch_%s_one", kind);
    bench_print(name, "ns", one.wall, one.cpu, BENCH_RUNS);
    snprintf(name, sizeof(name), "batch_%s_two", kind);
    bench_print(name, "ns", two.wall, two.cpu, BENCH_RUNS);
}

int main(int argc, char **argv)
{
    size_t count = bench_count(argc, argv, 20000);
    query_count = argc > 2 ? strtoul(argv[2], NULL, 10) : 4000;
    if (query_count == 0 || sched_getaffinity(0, sizeof(allowed), &allowed) < 0 ||
        CPU_COUNT(&allowed) < 2) {
        fprintf(stderr, "cores: needs queries, and two processors\n");
        return 2;
    }
    weft_m_entity *entities = make_entities(count);
    make_queries(entities, count);
    for (int is_dense = 0; is_dense < 2; is_dense++) {
        weft_matcher *matcher = open_matcher(entities, count, is_dense != 0);
        measure(matcher, is_dense ? "dense" : "letters");
        weft_m_close(matcher);
    }
    return 0;
}
