/* SPDX-License-Identifier: MIT */

/*
 * weft match bench: what a matcher costs on this machine.
 *
 * No text is asked twice, for answers would come from the cache: one half is matched one by one,
 * the other in batches.  The clock is the platform's, since the loop's stands still within a turn.
 */
#include "base/json_write.h"
#include "base/sys.h"
#include "cmd/command.h"
#include "cmd/io/output.h"
#include "cmd/match/load.h"
#include "cmd/match/texts.h"
#include "cmd/say.h"

#include <weft/stats.h>
#include <weft/task.h>

#include <string.h>
#include <sys/resource.h>

#define TEXTS_MAX 200000u
#define TEXTS_MIN 2u
#define BATCH_TEXTS 1024u

static const char bench_about[] =
    "Usage: weft match bench {-e FILE | -m FILE} -f TEXTS [OPTIONS]\n\n"
    "Measures what a matcher costs here: the time to be ready, texts a second and the time of "
    "one,\n"
    "one by one and in batches on all processors, and memory.  At most 200,000 different texts\n"
    "are used, half of them one by one.  Writes lines for people, or one JSON object.\n";

static const char bench_examples[] =
    "  weft match bench -e products.csv -f queries.txt\n"
    "  weft match bench -m products.weftm -f queries.txt --seconds 10 --json\n";

struct phase {
    size_t text_count;
    double seconds, processors;
    weft_histogram times; /* of one text, or of a batch */
};

struct bench_job {
    struct load load;
    int64_t top_k, seconds;
    bool is_json, is_help;
    struct texts_from from;
    enum weft_file_format format;

    weft_matcher *matcher;
    struct texts texts;
    struct chunk all;
    double load_seconds, fit_seconds;
    struct phase single, batch;
};

static double seconds_since(weft_time begun_at)
{
    return (double)(wf_sys_now() - begun_at) / WEFT_SEC;
}

/* ---- what is measured ---- */

static double processor_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static int match_once(struct bench_job *job, const weft_str *texts, size_t count)
{
    weft_m_query query;
    weft_m_results *results;
    weft_m_error error;
    weft_m_query_init(&query);
    query.top_k = job->top_k;
    int rc = count == 1 ? weft_m_match(job->matcher, texts, 1, &query, &results, &error)
                        : weft_m_batch(job->matcher, texts, count, &query, 32, &results, &error,
                                       NULL, NULL);
    if (rc == 0)
        weft_m_results_free(results);
    return rc == 0 || rc == -ECANCELED ? rc : load_say(&error);
}

/* Matches texts, `step` at a time, until there are no more or the time is up. */
static int run_phase(struct bench_job *job, struct phase *phase, const weft_str *texts,
                     size_t count, size_t step)
{
    const weft_time begun_at = wf_sys_now();
    const double used = processor_seconds();
    while (phase->text_count < count && seconds_since(begun_at) < (double)job->seconds) {
        size_t left = count - phase->text_count, now = left < step ? left : step;
        weft_time one_at = wf_sys_now();
        int rc = match_once(job, texts + phase->text_count, now);
        if (rc != 0)
            return rc;
        weft_histogram_add(&phase->times, wf_sys_now() - one_at);
        phase->text_count += now;
    }
    phase->seconds = seconds_since(begun_at);
    phase->processors = (processor_seconds() - used) / phase->seconds;
    return 0;
}

static int measure_all(struct bench_job *job)
{
    size_t half = job->all.count / 2;
    int rc = run_phase(job, &job->single, job->all.texts, half, 1);
    if (rc == 0)
        rc = run_phase(job, &job->batch, job->all.texts + half, job->all.count - half, BATCH_TEXTS);
    return rc;
}

/* ---- what is said ---- */

static void put_phase(wf_json *json, const char *name, const struct phase *phase, bool is_single)
{
    static const struct {
        const char *name;
        double part;
    } quantiles[] = {{"p50_us", 0.5}, {"p95_us", 0.95}, {"p99_us", 0.99}};
    wf_json_key(json, name);
    wf_json_object(json);
    wf_json_put_uint(json, "texts", phase->text_count);
    wf_json_put_double(json, "per_second", (double)phase->text_count / phase->seconds);
    wf_json_put_double(json, "processors", phase->processors);
    for (size_t i = 0; is_single && i < sizeof(quantiles) / sizeof(*quantiles); i++)
        wf_json_put_double(json, quantiles[i].name,
                           (double)weft_histogram_quantile(&phase->times, quantiles[i].part) /
                               WEFT_US);
    wf_json_object_end(json);
}

static void put_json(const struct bench_job *job, const weft_m_info *info, wf_buf *out)
{
    wf_json json = {.out = out};
    wf_json_object(&json);
    wf_json_put_uint(&json, "entities", info->entity_count);
    wf_json_put_uint(&json, "rows", info->row_count);
    wf_json_put_text(&json, "mode", info->active_mode);
    wf_json_put_text(&json, "model", info->model);
    wf_json_put_text(&json, "score_kind", info->score_kind);
    wf_json_put_double(&json, "load_seconds", job->load_seconds);
    wf_json_put_double(&json, "fit_seconds", job->fit_seconds);
    put_phase(&json, "single", &job->single, true);
    put_phase(&json, "batch", &job->batch, false);
    wf_json_put_uint(&json, "index_bytes", info->index_bytes);
    wf_json_put_uint(&json, "bytes", info->bytes);
    wf_json_object_end(&json);
    wf_buf_putc(out, '\n');
}

static void put_people(const struct bench_job *job, const weft_m_info *info, wf_buf *out)
{
    const weft_histogram *times = &job->single.times;
    wf_buf_printf(out, "%llu entities in %llu rows, %s by %s\n",
                  (unsigned long long)info->entity_count, (unsigned long long)info->row_count,
                  info->active_mode, info->model);
    wf_buf_printf(out, "ready     %8.1f ms read, %.1f ms fitted\n", job->load_seconds * 1e3,
                  job->fit_seconds * 1e3);
    wf_buf_printf(out,
                  "one text  %8.0f a second; half within %.0f us, 95 %% %.0f us, 99 %% %.0f us\n",
                  (double)job->single.text_count / job->single.seconds,
                  (double)weft_histogram_quantile(times, 0.5) / WEFT_US,
                  (double)weft_histogram_quantile(times, 0.95) / WEFT_US,
                  (double)weft_histogram_quantile(times, 0.99) / WEFT_US);
    wf_buf_printf(out, "batches   %8.0f a second on %.1f processors\n",
                  (double)job->batch.text_count / job->batch.seconds, job->batch.processors);
    wf_buf_printf(out, "memory    %8.1f MB, %.1f MB of it the index: %.0f bytes a row\n",
                  (double)info->bytes / 1e6, (double)info->index_bytes / 1e6,
                  (double)info->index_bytes / (double)info->row_count);
}

static int say_all(const struct bench_job *job)
{
    weft_m_info info = {.size = sizeof(info)};
    wf_buf out = {0};
    int rc = weft_m_info_get(job->matcher, &info);
    if (rc == 0) {
        if (job->is_json)
            put_json(job, &info, &out);
        else
            put_people(job, &info, &out);
        rc = output_lines(&out);
    }
    wf_buf_fini(&out);
    return rc == 0 || rc == -ECANCELED ? rc : say_failed("%s", weft_strerror(rc));
}

/* ---- the run ---- */

static int read_texts(struct bench_job *job)
{
    const weft_catalog_options options = texts_options(&job->from, &job->load);
    int rc = texts_open(&job->texts, job->from.path, &options, NULL, 0);
    job->texts.chunk_count_max = TEXTS_MAX;
    if (rc == 0)
        rc = texts_fill(&job->texts, &job->all);
    if (rc == 0)
        rc = chunk_check(&job->all);
    texts_close(&job->texts);
    if (rc == 0 && job->all.count < TEXTS_MIN)
        return say_failed("%s: %zu texts; at least %u are needed", input_name(job->from.path),
                          job->all.count, TEXTS_MIN);
    return rc < 0 && rc != -ECANCELED ? say_failed("%s", weft_strerror(rc)) : rc;
}

static int make_ready(struct bench_job *job)
{
    weft_m_error error;
    weft_time begun_at = wf_sys_now();
    int rc = load_matcher(&job->load, &job->matcher);
    job->load_seconds = seconds_since(begun_at);
    if (rc != 0)
        return rc;
    begun_at = wf_sys_now();
    rc = load_fit(job->matcher, &error);
    job->fit_seconds = seconds_since(begun_at);
    return rc == 0 || rc == -ECANCELED ? rc : load_say(&error);
}

static int bench_run(struct bench_job *job)
{
    int rc = read_texts(job);
    if (rc == 0)
        rc = make_ready(job);
    if (rc == 0)
        rc = measure_all(job);
    if (rc == 0)
        rc = say_all(job);
    chunk_fini(&job->all);
    weft_m_close(job->matcher);
    return rc;
}

int cmd_match_bench(int argc, char **argv)
{
    struct bench_job job = {.load = LOAD_DEFAULTS, .top_k = 1, .seconds = 5, .texts.input.fd = -1};
    const struct args_option options[] = {
        LOAD_OPTIONS(&job.load),
        TEXTS_OPTIONS(&job.from),
        {"top-k", 'k', "N", "how many entities a text, 1 to 1000 (1)", ARGS_INTEGER, &job.top_k, 1,
         1000},
        {"seconds", 0, "N", "for one by one, and for batches, at most; 1 to 3600 (5)", ARGS_INTEGER,
         &job.seconds, 1, 3600},
        {"json", 0, NULL, "JSON on a terminal too", ARGS_FLAG, &job.is_json, 0, 0},
        {"help", 'h', NULL, "this text", ARGS_FLAG, &job.is_help, 0, 0},
    };
    const size_t count = sizeof(options) / sizeof(*options);
    char error[ARGS_ERROR_BYTES];
    if (args_parse(options, count, &argc, argv, error) < 0)
        return say_usage("match bench", "%s", error);
    if (job.is_help)
        return say_help(bench_about, options, count, bench_examples);
    int rc = load_check(&job.load, job.from.path, "match bench");
    if (rc == 0)
        rc = texts_check_file(&job.from, argc, "match bench");
    job.is_json |= !output_is_terminal();
    return rc != 0 ? rc : bench_run(&job);
}
