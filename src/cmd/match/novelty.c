/* SPDX-License-Identifier: MIT */

/* weft match novelty: which texts mean nothing the catalogue has. */
#include "cmd/command.h"
#include "cmd/io/output.h"
#include "cmd/io/table.h"
#include "cmd/match/load.h"
#include "cmd/match/novelty_options.h"
#include "cmd/match/texts.h"
#include "cmd/say.h"

#include <math.h>
#include <string.h>

static const char novelty_about[] =
    "Usage: weft match novelty -e FILE [OPTIONS] TEXT...\n"
    "       weft match novelty -e FILE [OPTIONS] -f FILE\n\n"
    "Says of each text whether it means an entity, is new to the catalogue, or neither for\n"
    "certain.  What is normal is learnt from the catalogue itself; no examples are needed.\n"
    "Writes one JSON object a text, or a table on a terminal.\n";

static const char novelty_examples[] =
    "  weft match novelty -e countries.csv Germny Mordor\n"
    "  weft match novelty -m products.weftm -s calibrated,knn_distance,lof -f new.txt\n"
    "  weft match novelty -e products.csv --only-novel -f names.txt > new.txt\n";

struct novelty_job {
    struct load load;
    struct novelty novelty;
    weft_m_novelty_options options;
    int64_t top_k;
    bool is_json, is_help, only_novel;
    struct texts_from from;

    weft_matcher *matcher;
    bool has_head;
    size_t text_columns;
    wf_buf lines;
};

/* ---- answers ---- */

#define FIXED_COLUMNS 32u /* verdict, numbers, and what is between the columns */

static void put_head(struct novelty_job *job)
{
    if (job->has_head)
        return;
    job->has_head = true;
    job->text_columns = table_share(output_columns(), FIXED_COLUMNS, 2);
    table_text(&job->lines, "TEXT", job->text_columns + 2);
    table_text(&job->lines, "VERDICT", 9);
    table_text(&job->lines, "NOVEL", 7);
    table_text(&job->lines, "P", 7);
    table_text(&job->lines, "NEAREST", job->text_columns + 2);
    wf_buf_puts(&job->lines, "SCORE\n");
}

static int put_row(struct novelty_job *job, weft_str text, const weft_m_novelty_result *it)
{
    wf_buf *lines = &job->lines;
    put_head(job);
    table_cell(lines, text, job->text_columns);
    wf_buf_puts(lines, "  ");
    table_text(lines, it->is_match ? "match" : it->is_novel ? "novel" : "unsure", 9);
    wf_buf_printf(lines, "%.3f  ", it->novel_score);
    if (isnan(it->p_value))
        wf_buf_puts(lines, "-      ");
    else
        wf_buf_printf(lines, "%.3f  ", it->p_value);
    if (it->best == NULL)
        return wf_buf_puts(lines, "-\n");
    table_cell(lines, it->best->name, job->text_columns);
    return wf_buf_printf(lines, "  %.3f\n", (double)it->best->score);
}

/* With --only-novel the texts alone, one a line: what discover reads. */
static int put_text(struct novelty_job *job, weft_str text)
{
    wf_buf_append(&job->lines, text.ptr, text.len);
    return wf_buf_putc(&job->lines, '\n');
}

/* Answers on their way to be lines. */
struct writing {
    struct novelty_job *job;
    const struct chunk *chunk;
    const weft_m_results *results;
};

static int put_answer(struct novelty_job *job, weft_str text, const weft_m_results *results,
                      size_t index)
{
    const weft_m_novelty_result *it = weft_m_results_novelty(results, index);
    weft_text json;
    if (job->only_novel && !it->is_novel)
        return 0;
    if (job->is_json)
        return output_put(&job->lines, weft_m_novelty_result_json(results, index, &json), &json);
    return job->only_novel ? put_text(job, text) : put_row(job, text, it);
}

static int write_body(void *arg)
{
    const struct writing *writing = arg;
    int rc = 0;
    for (size_t i = 0; i < writing->chunk->count && rc == 0; i++)
        rc = put_answer(writing->job, writing->chunk->texts[i], writing->results, i);
    return rc;
}

/* ---- the run ---- */

static int judge_chunk(struct chunk *chunk, void *arg)
{
    struct novelty_job *job = arg;
    weft_m_results *results;
    weft_m_error error;
    if (chunk->count == 0)
        return 0;
    int rc =
        weft_m_novelty(job->matcher, chunk->texts, chunk->count, &job->options, &results, &error);
    if (rc == -ECANCELED)
        return rc;
    if (rc < 0)
        return chunk_say(chunk, job->from.path, &error) ? EXIT_FAILED : novelty_say(&error);
    struct writing writing = {job, chunk, results};
    rc = output_answers(&job->lines, write_body, &writing);
    weft_m_results_free(results);
    return say_written(rc);
}

static int novelty_run(struct novelty_job *job)
{
    int rc = load_matcher(&job->load, &job->matcher);
    if (rc == 0)
        rc = texts_run(&job->from, &job->load, judge_chunk, job);
    weft_m_close(job->matcher);
    wf_buf_fini(&job->lines);
    return rc;
}

/* ---- arguments ---- */

int cmd_match_novelty(int argc, char **argv)
{
    struct novelty_job job = {.load = LOAD_DEFAULTS, .novelty = NOVELTY_DEFAULTS, .top_k = 5};
    const struct args_option options[] = {
        LOAD_OPTIONS(&job.load),
        NOVELTY_OPTIONS(&job.novelty),
        TEXTS_OPTIONS(&job.from),
        {"top-k", 'k', "N", "how many alternatives, 1 to 1000 (5)", ARGS_INTEGER, &job.top_k, 1,
         1000},
        {"only-novel", 0, NULL, "only what is novel: the texts, or with --json all about them",
         ARGS_FLAG, &job.only_novel, 0, 0},
        {"json", 0, NULL, "JSON on a terminal too", ARGS_FLAG, &job.is_json, 0, 0},
        {"help", 'h', NULL, "this text", ARGS_FLAG, &job.is_help, 0, 0},
    };
    const size_t count = sizeof(options) / sizeof(*options);
    char error[ARGS_ERROR_BYTES];
    if (args_parse(options, count, &argc, argv, error) < 0)
        return say_usage("match novelty", "%s", error);
    if (job.is_help)
        return say_help(novelty_about, options, count, novelty_examples);
    int rc = load_check(&job.load, job.from.path, "match novelty");
    if (rc == 0)
        rc = novelty_read(&job.novelty, "match novelty", &job.options);
    if (rc == 0)
        rc = texts_check(&job.from, argv, argc, "match novelty");
    if (rc != 0)
        return rc;
    job.options.top_k = job.top_k;
    job.is_json |= !output_is_terminal() && !job.only_novel;
    return novelty_run(&job);
}
