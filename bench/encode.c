/* SPDX-License-Identifier: MIT */

/*
 * How fast are transformers?  Limits and products take turns, so that both meet the same machine;
 * times are this thread's CPU time:
 *
 *     fma         fused multiply-adds in registers: what the processor computes, in GFLOP/s
 *     product.*   rows x depth x columns of matrices as MiniLM and BERT base have them
 *     part.*      the same as a part of "fma"
 *     gelu, softmax   nanoseconds a number
 *     texts.*     with a model's directory: texts of so many words, in texts per second
 *
 * usage: encode [DIR]      one thread
 */

#include "fma.h"

#include "match/transformer/linear.h"

#include <weft/encoder.h>

static double sink;

static double run_fma(void)
{
    return 2 * fma_per_ns(500000, &sink);
}

/* ---- products ---- */

struct shape {
    size_t rows, depth, columns;
    wf_linear linear;
    wf_floats in, out;
};

static double run_product(struct shape *it)
{
    const wf_job job = {0};
    size_t in_stride = wf_stride(it->depth), out_stride = wf_stride(it->columns);
    double start = bench_cpu();
    if (wf_linear_run(&it->linear, wf_kernel_best(), it->in.at, in_stride, it->rows, it->out.at,
                      out_stride, &job) < 0)
        exit(1);
    return 2.0 * (double)(it->rows * it->depth * it->columns) / (bench_cpu() - start);
}

static void measure_product(size_t rows, size_t depth, size_t columns)
{
    struct shape it = {.rows = rows, .depth = depth, .columns = columns};
    double fma[BENCH_RUNS], product[BENCH_RUNS], part[BENCH_RUNS];
    char name[64];
    if (wf_linear_init(&it.linear, depth, columns) < 0 ||
        wf_floats_new(&it.in, rows * wf_stride(depth)) < 0 ||
        wf_floats_new(&it.out, rows * wf_stride(columns)) < 0)
        exit(1);
    run_product(&it);
    for (int run = 0; run < BENCH_RUNS; run++) {
        fma[run] = run_fma();
        product[run] = run_product(&it);
        part[run] = product[run] / fma[run];
    }
    snprintf(name, sizeof(name), "product.%zux%zux%zu", rows, depth, columns);
    bench_print(name, "GFLOP/s", product, NULL, BENCH_RUNS);
    snprintf(name, sizeof(name), "part.%zux%zux%zu", rows, depth, columns);
    bench_print(name, "of fma", part, NULL, BENCH_RUNS);
    wf_linear_fini(&it.linear);
    wf_floats_fini(&it.in);
    wf_floats_fini(&it.out);
}

/* ---- rows ---- */

static float row[1536];

static void run_gelu(void *arg)
{
    (void)arg;
    for (int i = 0; i < 1000; i++)
        wf_kernel_best()->activate(row, 1536, WF_ACT_GELU);
}

static void run_softmax(void *arg)
{
    (void)arg;
    for (int i = 0; i < 10000; i++)
        wf_kernel_best()->softmax(row, 128, 1, NULL);
}

/* ---- texts ---- */

#define TEXTS 64u
#define TEXT_BYTES 4096u

static void measure_texts(weft_encoder *encoder, size_t words)
{
    static char bytes[TEXTS][TEXT_BYTES];
    static const char *const some[] = {"the ",   "house ", "of ", "green ",
                                       "water ", "time ",  "and "};
    weft_str texts[TEXTS];
    double speed[BENCH_RUNS];
    char name[64];
    float *out = malloc(TEXTS * weft_encoder_dimension(encoder) * sizeof(*out));
    for (size_t t = 0; t < TEXTS; t++) {
        size_t used = 0;
        for (size_t w = 0; w < words; w++)
            used += (size_t)snprintf(bytes[t] + used, TEXT_BYTES - used, "%s", some[(t + w) % 7]);
        texts[t] = (weft_str){bytes[t], used};
    }
    for (int run = 0; run < BENCH_RUNS; run++) {
        double start = bench_cpu();
        if (weft_encoder_encode(encoder, texts, TEXTS, out) < 0)
            exit(1);
        speed[run] = TEXTS / (bench_cpu() - start) * 1e9;
    }
    free(out);
    snprintf(name, sizeof(name), "texts.%zu_words", words);
    bench_print(name, "texts/s", speed, NULL, BENCH_RUNS);
}

int main(int argc, char **argv)
{
    static const size_t lengths[] = {2, 6, 14, 30, 62, 126, 254};
    weft_encoder *encoder;
    weft_m_error error;
    double fma = 0;
    for (int i = 0; i < 5; i++) {
        double now = run_fma();
        fma = now > fma ? now : fma;
    }
    bench_print_one("fma", "GFLOP/s", fma);
    measure_product(8, 384, 1536);
    measure_product(64, 384, 1536);
    measure_product(256, 384, 384);
    measure_product(256, 384, 1536);
    measure_product(256, 1536, 384);
    measure_product(256, 768, 3072);
    measure_product(256, 3072, 768);
    bench_run("gelu", 1536 * 1000, run_gelu, NULL);
    bench_run("softmax", 128 * 10000, run_softmax, NULL);
    if (argc < 2)
        return sink > 0 ? 0 : 1;
    if (weft_encoder_open(&encoder, argv[1], NULL, &error) < 0) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
        measure_texts(encoder, lengths[i]);
    weft_encoder_unref(encoder);
    return 0;
}
