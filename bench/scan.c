/* SPDX-License-Identifier: MIT */

/*
 * How near is the dense scan to what the machine can do?  Limits and scans take turns, so that both
 * meet the same machine; times are this thread's CPU time:
 *
 *     read        plain sums over the same bytes: what memory gives
 *     fma         multiply-adds of floats in registers: what the processor computes
 *     dot         the same of bytes
 *     floats      one query over all rows, as a part of "read"
 *     bytes       the same over the rows' copies in bytes
 *     tile        64 queries over blocks of rows, as a part of "fma"
 *     byte_tile   the same over the rows' copies in bytes, as a part of "dot"
 *     sweep       64 whole searches together, ten results each, as a part of "dot"
 *     find        one whole search, ten results, in microseconds
 *
 * usage: scan [ROWS [DIM [KERNEL]]]      (200000 256 and the best); one thread; searches are always
 * by the best kernel
 */

#include "fma.h"

#include "match/index/scan.h"
#include "match/index/volley.h"

#define QUERIES WF_VOLLEY_MAX
#define BLOCK ((size_t)96)
#define GROUP (WF_SCAN_PANELS_MAX * WF_SCAN_PANEL)

typedef uint64_t words __attribute__((vector_size(32)));

#ifdef __x86_64__
#define READER __attribute__((target("avx2")))
#else
#define READER
#endif

static const wf_scan_kernel *kernel;
static wf_vectors vectors;
static wf_volley *volley;
static float *queries, *out;
static int8_t *panels;
static int32_t *products;
static double sink;

/* ---- limits ---- */

READER static uint64_t sum_words(const void *at, size_t bytes)
{
    const words *from = at;
    words a = {0}, b = a, c = a, d = a;
    for (size_t i = 0; i + 4 <= bytes / sizeof(words); i += 4) {
        a += from[i];
        b += from[i + 1];
        c += from[i + 2];
        d += from[i + 3];
    }
    a += b + c + d;
    return a[0] + a[1] + a[2] + a[3];
}

/* ---- what is measured; each returns bytes, or multiply-adds, in a nanosecond ---- */

static size_t float_bytes(void)
{
    return vectors.count * vectors.float_width * sizeof(float);
}

static double run_read(void)
{
    double start = bench_cpu();
    sink += (double)sum_words(vectors.rows, float_bytes());
    return (double)float_bytes() / (bench_cpu() - start);
}

static double run_fma(void)
{
    return fma_floats_of(kernel->name, 2000000, &sink);
}

static double run_dot(void)
{
    return fma_bytes_of(kernel->name, 2000000, &sink);
}

static double run_floats(void)
{
    double start = bench_cpu();
    for (size_t row = 0; row < vectors.count; row += BLOCK) {
        size_t left = vectors.count - row;
        kernel->floats(vectors.rows + row * vectors.float_width, left < BLOCK ? left : BLOCK,
                       queries, 1, vectors.float_width, out);
    }
    return (double)float_bytes() / (bench_cpu() - start);
}

static double run_bytes(void)
{
    double start = bench_cpu();
    for (size_t row = 0; row < vectors.count; row += BLOCK) {
        size_t left = vectors.count - row;
        kernel->bytes(vectors.bytes + row * vectors.byte_width, vectors.sums + row,
                      left < BLOCK ? left : BLOCK, volley->glances->bytes, vectors.byte_width,
                      products);
    }
    return (double)(vectors.count * vectors.byte_width) / (bench_cpu() - start);
}

static double run_tile(void)
{
    size_t count = vectors.count / 8;
    double start = bench_cpu();
    for (size_t row = 0; row < count; row += BLOCK) {
        size_t left = count - row;
        kernel->floats(vectors.rows + row * vectors.float_width, left < BLOCK ? left : BLOCK,
                       queries, QUERIES, vectors.float_width, out);
    }
    return (double)count * QUERIES * (double)vectors.float_width / (bench_cpu() - start);
}

static size_t panel_start(size_t query)
{
    return query / WF_SCAN_PANEL * WF_SCAN_PANEL_BYTES(vectors.byte_width);
}

static double run_byte_tile(void)
{
    static float levels[GROUP];
    static uint64_t marks[BLOCK];
    for (size_t q = 0; q < GROUP; q++)
        levels[q] = 1e30f;
    double start = bench_cpu();
    for (size_t row = 0; row < vectors.count; row += BLOCK) {
        size_t left = vectors.count - row, part = BLOCK * vectors.byte_width * GROUP / QUERIES;
        const int8_t *next = vectors.bytes + (row + BLOCK) * vectors.byte_width;
        for (size_t q = 0; q < QUERIES; q += GROUP) {
            wf_scan_tile tile = {.rows = vectors.bytes + row * vectors.byte_width,
                                 .sums = vectors.sums + row,
                                 .scales = vectors.scales + row,
                                 .row_count = left < BLOCK ? left : BLOCK,
                                 .width = vectors.byte_width,
                                 .panels = panels + panel_start(q),
                                 .query_count = GROUP,
                                 .levels = levels,
                                 .products = products,
                                 .marks = marks,
                                 .ahead = next + part * q / GROUP,
                                 .ahead_bytes = left >= 2 * BLOCK ? part : 0};
            kernel->tile(&tile);
        }
    }
    return (double)vectors.count * QUERIES * (double)vectors.byte_width / (bench_cpu() - start);
}

/* Nanoseconds of a search for the first `count` queries. */
static double search(size_t count)
{
    const wf_job job = {0};
    double start = bench_cpu();
    volley->look_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (wf_volley_begin(volley, i, NULL, 10, vectors.count, -1) < 0)
            exit(1);
    }
    if (wf_sweep(&vectors, volley->looks, count, NULL, &job) < 0)
        exit(1);
    for (size_t i = 0; i < count; i++)
        wf_rank_end(&volley->ranks[i]);
    double took = bench_cpu() - start;
    sink += (double)volley->ranks[0].found[0].score;
    return took;
}

static double run_sweep(void)
{
    return (double)vectors.count * QUERIES * (double)vectors.byte_width / search(QUERIES);
}

static double run_find(void)
{
    return search(1) / 1000;
}

/* ---- */

static void *zeros(size_t bytes)
{
    void *at = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (at == NULL)
        exit(1);
    return memset(at, 0, bytes);
}

static void roll(float *numbers, size_t count)
{
    static uint64_t dice = 1;
    for (size_t i = 0; i < count; i++) {
        dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407u;
        numbers[i] = (float)(int32_t)(dice >> 32) * 0x1p-31f;
    }
}

static void prepare(size_t count, size_t dim)
{
    float *numbers = zeros(QUERIES * dim * sizeof(*numbers));
    volley = wf_volley_new();
    if (volley == NULL || wf_vectors_init(&vectors, dim, count) < 0)
        exit(1);
    queries = zeros(QUERIES * vectors.float_width * sizeof(*queries));
    out = zeros(QUERIES * BLOCK * sizeof(*out));
    panels = zeros(panel_start(QUERIES));
    products = zeros(BLOCK * GROUP * sizeof(*products));
    for (size_t row = 0; row < count; row++) {
        roll(numbers, dim);
        wf_vectors_set(&vectors, row, numbers);
    }
    roll(numbers, QUERIES * dim);
    if (wf_volley_read(volley, &vectors, numbers, QUERIES) < 0)
        exit(1);
    for (size_t q = 0; q < QUERIES; q++) {
        memcpy(queries + q * vectors.float_width, volley->glances[q].query, dim * sizeof(*numbers));
        kernel->pack(volley->glances[q].bytes, vectors.byte_width, q % WF_SCAN_PANEL,
                     panels + panel_start(q));
    }
    free(numbers);
}

static void choose(const char *name)
{
    const wf_scan_kernel *const *at = wf_scan_all();
    while (name != NULL && *at != NULL && strcmp((*at)->name, name) != 0)
        at++;
    kernel = *at;
    if (kernel == NULL) {
        fprintf(stderr, "scan: this processor has no kernel \"%s\"\n", name);
        exit(2);
    }
}

static void print_part(const char *name, const char *unit, const double *values,
                       const double *limits)
{
    double part[BENCH_RUNS];
    for (int i = 0; i < BENCH_RUNS; i++)
        part[i] = values[i] / limits[i];
    bench_print(name, unit, part, NULL, BENCH_RUNS);
}

/* What is measured, in the order in which they take turns. */
enum { READ, FLOATS, BYTES, FMA, TILE, DOT, BYTE_TILE, SWEEP, FIND, COUNT };

static const struct {
    const char *name, *unit;
    double (*run)(void);
} tasks[COUNT] = {
    [READ] = {"read", "GB/s", run_read},
    [FLOATS] = {"floats", "GB/s", run_floats},
    [BYTES] = {"bytes", "GB/s", run_bytes},
    [FMA] = {"fma", "G/s", run_fma},
    [TILE] = {"tile", "G/s", run_tile},
    [DOT] = {"dot", "G/s", run_dot},
    [BYTE_TILE] = {"byte_tile", "G/s", run_byte_tile},
    [SWEEP] = {"sweep", "G/s", run_sweep},
    [FIND] = {"find", "us", run_find},
};

int main(int argc, char **argv)
{
    static double values[COUNT][BENCH_RUNS];
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 200000;
    size_t dim = argc > 2 ? strtoul(argv[2], NULL, 10) : 256;
    choose(argc > 3 ? argv[3] : NULL);
    prepare(count, dim);
    printf("{\"kernel\":\"%s\",\"rows\":%zu,\"dim\":%zu}\n", kernel->name, count, dim);
    for (int run = -1; run < BENCH_RUNS; run++) {
        for (size_t i = 0; i < COUNT; i++)
            values[i][run < 0 ? 0 : run] = tasks[i].run(); /* the first one warms up */
    }
    print_part("floats", "of read", values[FLOATS], values[READ]);
    print_part("bytes", "of read", values[BYTES], values[READ]);
    print_part("tile", "of fma", values[TILE], values[FMA]);
    if (values[DOT][0] > 0) {
        print_part("byte_tile", "of dot", values[BYTE_TILE], values[DOT]);
        print_part("sweep", "of dot", values[SWEEP], values[DOT]);
    }
    for (size_t i = 0; i < COUNT; i++)
        bench_print(tasks[i].name, tasks[i].unit, values[i], NULL, BENCH_RUNS);
    return sink == 0;
}
