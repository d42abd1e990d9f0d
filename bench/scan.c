/* SPDX-License-Identifier: MIT */

/*
 * How near is the dense scan to what the machine can do?  Limits and scans take turns, so that both
 * meet the same machine; times are this thread's CPU time:
 *
 *     read        plain sums over the same bytes: what memory gives
 *     fma         fused multiply-adds in registers: what the processor computes
 *     floats      one query over all rows, as a part of "read"
 *     bytes       the same over the rows' copies in bytes
 *     tile        64 queries over blocks of rows, as a part of "fma"
 *     find        a whole search, ten results, in microseconds
 *
 * usage: scan [ROWS [DIM]]      (200000 256); one thread
 */

#include "fma.h"

#include "match/index/scan.h"
#include "match/index/vectors.h"

#define QUERIES 64u
#define BLOCK 128u

typedef uint64_t words __attribute__((vector_size(32)));

#ifdef __x86_64__
#define READER __attribute__((target("avx2")))
#else
#define READER
#endif

static wf_vectors vectors;
static wf_glance glance;
static float *queries, *out;
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
    return fma_per_ns(2000000, &sink);
}

static double run_floats(void)
{
    double start = bench_cpu();
    for (size_t row = 0; row < vectors.count; row += BLOCK) {
        size_t left = vectors.count - row;
        wf_scan()->floats(vectors.rows + row * vectors.float_width, left < BLOCK ? left : BLOCK,
                          queries, 1, vectors.float_width, out);
    }
    return (double)float_bytes() / (bench_cpu() - start);
}

static double run_bytes(void)
{
    double start = bench_cpu();
    for (size_t row = 0; row < vectors.count; row += BLOCK) {
        size_t left = vectors.count - row;
        wf_scan()->bytes(vectors.bytes + row * vectors.byte_width, vectors.sums + row,
                         left < BLOCK ? left : BLOCK, glance.bytes, vectors.byte_width, products);
    }
    return (double)(vectors.count * vectors.byte_width) / (bench_cpu() - start);
}

static double run_tile(void)
{
    size_t count = vectors.count / 8;
    double start = bench_cpu();
    for (size_t row = 0; row < count; row += BLOCK) {
        size_t left = count - row;
        wf_scan()->floats(vectors.rows + row * vectors.float_width, left < BLOCK ? left : BLOCK,
                          queries, QUERIES, vectors.float_width, out);
    }
    return (double)count * QUERIES * (double)vectors.float_width / (bench_cpu() - start);
}

static double run_find(void)
{
    const wf_job job = {0};
    static wf_rank rank;
    double start = bench_cpu();
    if (wf_rank_begin(&rank, 10, vectors.count, 0) < 0 ||
        wf_vectors_find(&vectors, &glance, NULL, NULL, &rank, &job) < 0)
        exit(1);
    wf_rank_end(&rank);
    sink += (double)rank.found[0].score;
    return (bench_cpu() - start) / 1000;
}

/* ---- */

static void prepare(size_t count, size_t dim)
{
    uint64_t dice = 1;
    float *numbers = calloc(dim, sizeof(*numbers));
    if (numbers == NULL || wf_vectors_init(&vectors, dim, count) < 0 ||
        wf_glance_reserve(&glance, &vectors) < 0)
        exit(1);
    queries = calloc(QUERIES * vectors.float_width, sizeof(*queries));
    out = calloc(QUERIES * BLOCK, sizeof(*out));
    products = calloc(BLOCK, sizeof(*products));
    if (queries == NULL || out == NULL || products == NULL)
        exit(1);
    for (size_t row = 0; row < count; row++) {
        for (size_t i = 0; i < dim; i++) {
            dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407u;
            numbers[i] = (float)(int32_t)(dice >> 32) * 0x1p-31f;
        }
        wf_vectors_set(&vectors, row, numbers);
    }
    memcpy(glance.query, numbers, dim * sizeof(*numbers));
    wf_glance_take(&glance, &vectors);
    for (size_t q = 0; q < QUERIES; q++)
        memcpy(queries + q * vectors.float_width, glance.query, dim * sizeof(*numbers));
    free(numbers);
}

int main(int argc, char **argv)
{
    static double read[BENCH_RUNS], fma[BENCH_RUNS], floats[BENCH_RUNS], bytes[BENCH_RUNS],
        tile[BENCH_RUNS], find[BENCH_RUNS], part[BENCH_RUNS];
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 200000;
    size_t dim = argc > 2 ? strtoul(argv[2], NULL, 10) : 256;
    prepare(count, dim);
    printf("{\"kernel\":\"%s\",\"rows\":%zu,\"dim\":%zu}\n", wf_scan()->name, count, dim);
    for (int run = -1; run < BENCH_RUNS; run++) {
        int at = run < 0 ? 0 : run; /* the first one warms up */
        read[at] = run_read();
        floats[at] = run_floats();
        bytes[at] = run_bytes();
        fma[at] = run_fma();
        tile[at] = run_tile();
        find[at] = run_find();
    }
    for (int i = 0; i < BENCH_RUNS; i++)
        part[i] = floats[i] / read[i];
    bench_print("floats", "of read", part, NULL, BENCH_RUNS);
    for (int i = 0; i < BENCH_RUNS; i++)
        part[i] = bytes[i] / read[i];
    bench_print("bytes", "of read", part, NULL, BENCH_RUNS);
    for (int i = 0; i < BENCH_RUNS; i++)
        part[i] = tile[i] / fma[i];
    bench_print("tile", "of fma", part, NULL, BENCH_RUNS);
    bench_print("read", "GB/s", read, NULL, BENCH_RUNS);
    bench_print("floats", "GB/s", floats, NULL, BENCH_RUNS);
    bench_print("bytes", "GB/s", bytes, NULL, BENCH_RUNS);
    bench_print("fma", "G/s", fma, NULL, BENCH_RUNS);
    bench_print("tile", "G/s", tile, NULL, BENCH_RUNS);
    bench_print("find", "us", find, NULL, BENCH_RUNS);
    return sink == 0;
}
