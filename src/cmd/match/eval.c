/* SPDX-License-Identifier: MIT */

/* weft match eval: how often the matcher is right, by texts whose meaning is known. */
#include "base/json_write.h"
#include "cmd/command.h"
#include "cmd/io/input.h"
#include "cmd/io/output.h"
#include "cmd/match/labelled.h"
#include "cmd/match/load.h"
#include "cmd/match/measure.h"
#include "cmd/match/novelty_options.h"
#include "cmd/match/plot.h"
#include "cmd/say.h"

#include <weft/exec.h>
#include <weft/file.h>

#include <math.h>
#include <string.h>

#define MISSED_SHOWN 3u /* ids */

struct eval_job {
    struct load load;
    bool is_json, is_help, asks_novelty;
    const char *path, *format_name, *plot_path;
    enum weft_file_format format;
    struct novelty novelty;
    weft_m_novelty_options options;

    weft_matcher *matcher;
    struct measure measure;
    struct figures figures;
    wf_buf lines;
    size_t known_count, missed_count; /* texts that mean an entity; of them, no such entity */
    wf_buf missed;                    /* the first ids of that kind, with commas */
    bool has_points;                  /* one of them is an id but for ".0" */
};

/* ---- right ids, with '|' between them ---- */

static bool is_among(weft_str id, weft_str ids)
{
    for (size_t at = 0; at <= ids.len;) {
        size_t end = at;
        while (end < ids.len && ids.ptr[end] != '|')
            end++;
        if (end - at == id.len && memcmp(ids.ptr + at, id.ptr, id.len) == 0)
            return true;
        at = end + 1;
    }
    return false;
}

/* The first of several ids, which goes from the list. */
static weft_str take_id(weft_str *ids)
{
    const char *bar = memchr(ids->ptr, '|', ids->len);
    weft_str id = {ids->ptr, bar != NULL ? (size_t)(bar - ids->ptr) : ids->len};
    size_t used = id.len + (bar != NULL);
    *ids = (weft_str){ids->ptr + used, ids->len - used};
    return id;
}

/* A text none of whose ids is in the catalogue cannot be answered right. */
static int look_for_ids(struct eval_job *job, weft_str ids)
{
    bool has_any = false;
    weft_str first = {0};
    if (ids.len == 0)
        return 0;
    for (job->known_count++; ids.len != 0 && !has_any;) {
        weft_str id = take_id(&ids);
        first = first.ptr == NULL ? id : first;
        has_any = weft_m_has(job->matcher, id);
    }
    if (has_any || job->missed_count++ >= MISSED_SHOWN)
        return 0;
    job->has_points |= labelled_is_id_with_point(job->matcher, first);
    wf_buf_puts(&job->missed, job->missed_count > 1 ? ", " : "");
    say_escaped(&job->missed, first);
    return job->missed.rc;
}

static struct measured judge_hits(const weft_m_hit *hits, size_t count, weft_str ids,
                                  const weft_m_novelty_result *novelty)
{
    struct measured item = {.score = count != 0 ? hits[0].score : 0,
                            .rank = MEASURE_RANK_MAX,
                            .is_known = ids.len != 0,
                            .is_flagged = novelty != NULL && novelty->is_novel,
                            .novelty = novelty != NULL ? (float)novelty->novel_score : 0};
    for (size_t i = count; item.is_known && i-- > 0;) {
        if (is_among(hits[i].id, ids))
            item.rank = (uint8_t)i;
    }
    item.score = item.score > 0 ? item.score : 0; /* a cosine may be negative */
    return item;
}

/* ---- the run ---- */

static int measure_results(struct eval_job *job, const weft_m_results *results, const weft_str *ids)
{
    int rc = 0;
    for (size_t i = 0; i < weft_m_results_count(results) && rc == 0; i++) {
        size_t count;
        const weft_m_hit *hits = weft_m_results_hits(results, i, &count);
        rc = look_for_ids(job, ids[i]);
        if (rc == 0)
            rc = measure_add(&job->measure,
                             judge_hits(hits, count, ids[i], weft_m_results_novelty(results, i)));
    }
    return rc;
}

/* What is normal is learnt before the first verdict, from a matcher that has learnt by five
 * trainings: only for who asks for it. */
static int match_chunk(struct eval_job *job, const struct chunk *chunk, weft_m_results **out,
                       weft_m_error *error)
{
    weft_m_query query;
    weft_m_query_init(&query);
    query.top_k = MEASURE_RANK_MAX;
    query.threshold = 0;
    return job->asks_novelty
               ? weft_m_novelty(job->matcher, chunk->texts, chunk->count, &job->options, out, error)
               : weft_m_match(job->matcher, chunk->texts, chunk->count, &query, out, error);
}

static int eval_chunk(struct chunk *chunk, void *arg)
{
    struct eval_job *job = arg;
    weft_m_results *results = NULL;
    weft_m_error error;
    if (chunk->count == 0)
        return 0;
    int rc = match_chunk(job, chunk, &results, &error);
    if (rc < 0)
        return rc == -ECANCELED ? rc : novelty_say(&error);
    rc = measure_results(job, results, chunk->labels);
    weft_m_results_free(results);
    return rc;
}

static int end_body(void *arg)
{
    struct eval_job *job = arg;
    struct figures *figures = &job->figures;
    *figures = measure_end(&job->measure, job->load.threshold);
    if (!job->asks_novelty)
        figures->novelty_auroc = figures->novelty_detection = figures->false_alarms =
            figures->found = NAN;
    return 0;
}

/* ---- what came of it ---- */

struct row {
    const char *key, *about;
    double value;
};

#define ROW_COUNT 13

static void list_rows(const struct eval_job *job, struct row rows[ROW_COUNT])
{
    const struct figures *f = &job->figures;
    const struct row made[ROW_COUNT] = {
        {"accuracy_at_1", "best answer right, of known texts", f->accuracy},
        {"recall_at_5", "right answer among five", f->recall_at_5},
        {"mrr", "mean reciprocal rank, among ten", f->mrr},
        {"auroc", "novel texts scored below known ones", f->auroc},
        {"detection_at_1", "novel texts found at 1 % false alarms", f->detection},
        {"open_accuracy", "all texts right at the best threshold", f->open},
        {"open_threshold", "which is", f->open_threshold},
        {"accuracy_at_threshold", "all texts right at the given threshold", f->at_threshold},
        {"novelty_auroc", "the same by what the detector says", f->novelty_auroc},
        {"novelty_detection_at_1", "and found by it at 1 % false alarms", f->novelty_detection},
        {"false_alarms", "known texts it takes for novel at alpha", f->false_alarms},
        {"novel_found", "novel texts it takes for novel at alpha", f->found},
        {"calibration_error", "score against share of right answers", f->calibration},
    };
    memcpy(rows, made, sizeof(made));
}

static const double thresholds[] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99};

#define THRESHOLD_COUNT (sizeof(thresholds) / sizeof(*thresholds))

static void put_figure(wf_json *json, const char *key, double value)
{
    wf_json_key(json, key);
    if (isnan(value))
        wf_json_null(json);
    else
        wf_json_float(json, (float)value);
}

static void put_coverage_json(wf_json *json, const struct measure *measure)
{
    wf_json_key(json, "coverage");
    wf_json_array(json);
    for (size_t i = 0; i < THRESHOLD_COUNT; i++) {
        struct coverage it = measure_coverage(measure, thresholds[i]);
        wf_json_object(json);
        put_figure(json, "threshold", thresholds[i]);
        put_figure(json, "answered", it.answered);
        put_figure(json, "right", it.right);
        wf_json_object_end(json);
    }
    wf_json_array_end(json);
}

static void put_coverage(wf_buf *lines, const struct measure *measure)
{
    wf_buf_puts(lines, "\nTHRESHOLD  ANSWERED  RIGHT OF THESE\n");
    for (size_t i = 0; i < THRESHOLD_COUNT; i++) {
        struct coverage it = measure_coverage(measure, thresholds[i]);
        wf_buf_printf(lines, "%-9g  %.3f     ", thresholds[i], it.answered);
        if (isnan(it.right))
            wf_buf_puts(lines, "-\n");
        else
            wf_buf_printf(lines, "%.3f\n", it.right);
    }
}

static void put_json(struct eval_job *job, const struct row *rows)
{
    wf_json json = {.out = &job->lines};
    wf_json_object(&json);
    wf_json_key(&json, "queries");
    wf_json_uint(&json, job->figures.count);
    wf_json_key(&json, "novel");
    wf_json_uint(&json, job->figures.count - job->figures.known_count);
    wf_json_key(&json, "threshold");
    wf_json_float(&json, (float)job->load.threshold);
    for (size_t i = 0; i < ROW_COUNT; i++)
        put_figure(&json, rows[i].key, rows[i].value);
    put_coverage_json(&json, &job->measure);
    wf_json_key(&json, "unknown_ids");
    wf_json_uint(&json, job->missed_count);
    wf_json_object_end(&json);
    wf_buf_putc(&job->lines, '\n');
}

static void put_table(struct eval_job *job, const struct row *rows)
{
    wf_buf_printf(&job->lines, "%zu texts, %zu of them novel, threshold %g\n", job->figures.count,
                  job->figures.count - job->figures.known_count, job->load.threshold);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (isnan(rows[i].value))
            wf_buf_printf(&job->lines, "%-24s    -   %s\n", rows[i].key, rows[i].about);
        else
            wf_buf_printf(&job->lines, "%-24s %.3f  %s\n", rows[i].key, rows[i].value,
                          rows[i].about);
    }
    put_coverage(&job->lines, &job->measure);
}

static int eval_tell(struct eval_job *job)
{
    struct row rows[ROW_COUNT];
    if (job->measure.count == 0)
        return say_failed("%s: no texts in it", input_name(job->path));
    int rc = weft_run_cpu(end_body, job);
    if (rc < 0)
        return rc;
    list_rows(job, rows);
    if (job->is_json)
        put_json(job, rows);
    else
        put_table(job, rows);
    return say_written(output_lines(&job->lines));
}

static int save_plot(struct eval_job *job)
{
    wf_buf picture = {0};
    if (job->plot_path == NULL)
        return 0;
    int rc = plot_write(&job->measure, &job->figures, &picture);
    if (rc == 0)
        rc = weft_file_save(job->plot_path, wf_buf_ptr(&picture), wf_buf_bytes(&picture), 0666);
    wf_buf_fini(&picture);
    return rc < 0 && rc != -ECANCELED ? say_failed("%s: %s", job->plot_path, weft_strerror(rc))
                                      : rc;
}

/* If no id is known there is nothing to measure, and no figures; else it is said, for the figures
 * are lower by it. */
static int tell_missed(struct eval_job *job)
{
    if (job->missed_count == 0)
        return 0;
    bool has_none = job->missed_count == job->known_count;
    wf_buf_putc(&job->missed, '\0');
    int rc =
        say_failed("%s: %zu of %zu texts mean an entity that is not in the catalogue%s: %s%s%s",
                   input_name(job->path), job->missed_count, job->known_count,
                   has_none ? ", so that nothing can be measured" : ", and count as wrong",
                   wf_buf_ptr(&job->missed), job->missed_count > MISSED_SHOWN ? ", …" : "",
                   job->has_points ? LABELLED_WITH_POINT : "");
    return has_none ? rc : 0;
}

static int eval_run(struct eval_job *job)
{
    int rc = load_matcher(&job->load, &job->matcher);
    if (rc == 0)
        rc = labelled_each(job->path, job->format, job->load.delimiter, eval_chunk, job);
    if (rc == 0)
        rc = tell_missed(job);
    if (rc == 0)
        rc = eval_tell(job);
    if (rc == 0)
        rc = save_plot(job);
    weft_m_close(job->matcher);
    measure_fini(&job->measure);
    wf_buf_fini(&job->lines);
    wf_buf_fini(&job->missed);
    return rc;
}

/* ---- arguments ---- */

static const char eval_about[] =
    "Usage: weft match eval -e FILE -f FILE [OPTIONS]\n\n"
    "Matches texts whose meaning is known and says how often the answers are right.  A line of\n"
    "--file is a text, a tab, and the id of its entity: several with | between them if each is\n"
    "right, none if it means no entity of the catalogue.  Behind another tab anything may stand.\n"
    "Files .csv, .json and .ndjson, and standard input with that --format, have the columns or "
    "keys\n"
    "text and label instead.\n"
    "Ids that the catalogue does not have are counted and named; if it has none at all, that "
    "fails.\n"
    "Writes one JSON object, or a table on a terminal.\n";

static const char eval_examples[] =
    "  weft match eval -e entities.jsonl -f queries.tsv\n"
    "  weft match eval -e entities.jsonl -x examples.tsv -f queries.tsv --novelty\n";

int cmd_match_eval(int argc, char **argv)
{
    struct eval_job job = {.load = LOAD_DEFAULTS, .novelty = NOVELTY_DEFAULTS};
    const struct args_option options[] = {
        LOAD_OPTIONS(&job.load),
        {"file", 'f', "FILE", "texts and ids: lines, csv, json, ndjson; - is standard input",
         ARGS_TEXT, &job.path, 0, 0},
        {"format", 0, "F", "of --file: lines, csv, json, ndjson; else by its name", ARGS_TEXT,
         &job.format_name, 0, 0},
        {"novelty", 0, NULL, "how well new texts are told, too; each of the next five asks it",
         ARGS_FLAG, &job.asks_novelty, 0, 0},
        NOVELTY_OPTIONS(&job.novelty),
        {"plot", 0, "FILE", "a picture of calibration and scores, SVG", ARGS_TEXT, &job.plot_path,
         0, 0},
        {"json", 0, NULL, "JSON on a terminal too", ARGS_FLAG, &job.is_json, 0, 0},
        {"help", 'h', NULL, "this text", ARGS_FLAG, &job.is_help, 0, 0},
    };
    const size_t count = sizeof(options) / sizeof(*options);
    char error[ARGS_ERROR_BYTES];
    if (args_parse(options, count, &argc, argv, error) < 0)
        return say_usage("match eval", "%s", error);
    if (job.is_help)
        return say_help(eval_about, options, count, eval_examples);
    int rc = load_check(&job.load, job.path, "match eval");
    if (rc != 0)
        return rc;
    if (argc != 0 || job.path == NULL)
        return say_usage("match eval", argc != 0 ? "texts come from --file"
                                                 : "no texts; give a file with --file FILE");
    rc = load_check_format(job.format_name, "--format", "match eval", &job.format);
    if (rc == 0)
        rc = novelty_read(&job.novelty, "match eval", &job.options);
    if (rc != 0)
        return rc;
    job.options.top_k = MEASURE_RANK_MAX;
    job.asks_novelty |= novelty_is_asked(&job.novelty);
    job.is_json |= !output_is_terminal();
    return eval_run(&job);
}
