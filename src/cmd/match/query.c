/* SPDX-License-Identifier: MIT */

/*
 * weft match query: texts in, the entities they mean out.
 *
 * A chunk of texts is matched, on all processors, while the next one is read and the answers to the
 * one before are written.  What is held is three chunks and the answers to two, however long the
 * input is.
 */
#include "base/sys.h"
#include "cmd/command.h"
#include "cmd/io/input.h"
#include "cmd/io/output.h"
#include "cmd/io/progress.h"
#include "cmd/match/load.h"
#include "cmd/match/pace.h"
#include "cmd/match/run_lines.h"
#include "cmd/match/sink.h"
#include "cmd/match/texts.h"
#include "cmd/say.h"
#include "service/join.h"

#include <weft/task.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char query_about[] =
    "Usage: weft match query -e FILE [OPTIONS] TEXT...\n"
    "       weft match query -e FILE [OPTIONS] -f FILE\n\n"
    "Finds the entity each text means.  Writes one JSON value a text, in the order of the\n"
    "texts (with --top-k 1 an object or null, else a list), or a table on a terminal.\n"
    "Entities have the columns or keys id and name, and if wanted aliases, with | between them;\n"
    "of files that call them otherwise 'weft match ingest' makes a catalogue.\n"
    "With --output the file appears when it is whole; a run that was cut off, by a signal or\n"
    "a crash, is begun again by the same command and goes on where it was.\n";

static const char query_examples[] =
    "  weft match query -e countries.csv Deutchland \"Ivory Coast\"\n"
    "  weft match query -e countries.csv --top-k 3 --json Korea\n"
    "  weft match query -e products.ndjson -f queries.txt > answers.ndjson\n"
    "  weft match query -e products.ndjson -f queries.txt -o answers.csv\n"
    "  cat names.txt | weft match query -e people.csv --threshold 0.8 -f -\n";

struct query_job {
    struct load load;
    int64_t top_k, batch_size;
    int64_t blocking_top_k, retrieval_top_k, final_top_k; /* of mode hybrid; 0: as usual */
    bool is_json, is_anew, wants_progress, is_help;
    struct texts_from from;
    const char *to;

    weft_matcher *matcher;
    struct texts texts;
    struct pace pace;
    struct progress progress;
    struct sink sink;
    uint64_t matched; /* texts, by earlier runs too; the sink has those that are written */
    bool is_writing;
    wf_buf run; /* what the answers depend on */
};

/* ---- matching ---- */

/* The bar and the answers may go to the same screen. */
static void show_progress(struct query_job *job, uint64_t done)
{
    if (!job->is_writing)
        progress_step(&job->progress, done);
}

static int chunk_progress(size_t done, size_t total, void *arg)
{
    struct query_job *job = arg;
    if (done < total)
        show_progress(job, job->matched + done);
    return 0;
}

static int match_chunk(struct query_job *job, const struct chunk *chunk,
                       weft_m_results **out_results, weft_m_error *error)
{
    weft_m_query query;
    weft_m_query_init(&query);
    query.top_k = job->top_k;
    query.blocking_top_k = (size_t)job->blocking_top_k;
    query.retrieval_top_k = (size_t)job->retrieval_top_k;
    query.final_top_k = (size_t)job->final_top_k;
    return weft_m_batch(job->matcher, chunk->texts, chunk->count, &query, job->batch_size,
                        out_results, error, chunk_progress, job);
}

/* ---- the run: reading, matching and writing side by side ---- */

/* Chunks take turns: one is filled, one is matched, of one the answers are written. */
struct flow {
    struct query_job *job;
    struct chunk chunks[3];
    weft_task writer; /* of the answers below, if there are any */
    const struct chunk *answered;
    weft_m_results *answers;
};

static int write_answers(void *arg)
{
    const struct flow *flow = arg;
    struct query_job *job = flow->job;
    progress_hide(&job->progress);
    job->is_writing = true;
    int rc = sink_put(&job->sink, flow->answered, flow->answers);
    job->is_writing = false;
    if (rc == -EPIPE)
        return EXIT_FAILED; /* nobody reads any more: no reason to complain */
    if (rc < 0 && rc != -ECANCELED)
        return say_failed("%s: %s", job->sink.path != NULL ? job->sink.path : "standard output",
                          weft_strerror(rc));
    if (rc == 0)
        show_progress(job, job->matched);
    return rc;
}

/* Waits for the writer, if there is one: what it failed with. */
static int end_writer(struct flow *flow)
{
    int rc = flow->answers != NULL ? join(flow->writer) : 0;
    weft_m_results_free(flow->answers);
    flow->answers = NULL;
    return rc;
}

/* Matches `ready` and leaves its answers to the writer, when that is done with those before. */
static int match_ready(struct flow *flow, const struct chunk *ready)
{
    struct query_job *job = flow->job;
    weft_m_results *results = NULL;
    weft_m_error error;
    const weft_time began = weft_now();
    int rc = ready->count != 0 ? match_chunk(job, ready, &results, &error) : 0;
    if (rc == 0 && ready->count != 0)
        job->texts.chunk_count_max = pace_next(&job->pace, ready->count, weft_now() - began);
    int written = end_writer(flow);
    if (written != 0 || rc == -ECANCELED || ready->count == 0) {
        weft_m_results_free(results);
        return written != 0 ? written : rc;
    }
    if (rc < 0)
        return chunk_say(ready, job->from.path, &error) ? EXIT_FAILED : load_say(&error);
    job->matched += ready->count;
    flow->answers = results;
    flow->answered = ready;
    flow->writer = weft_spawn(write_answers, flow);
    return 0;
}

struct filling {
    struct texts *texts;
    struct chunk *chunk;
};

static int fill_body(void *arg)
{
    struct filling *filling = arg;
    return texts_fill(filling->texts, filling->chunk);
}

/* Where the next texts are not there yet, the answers are waited for: whoever types texts wants
 * them, and if nobody reads them any more, there is nothing to wait for. */
static int match_and_fill(struct flow *flow, const struct chunk *ready, struct chunk *next)
{
    struct filling filling = {&flow->job->texts, next};
    if (ready->is_last)
        return match_ready(flow, ready);
    weft_task reader = weft_spawn(fill_body, &filling);
    int rc = match_ready(flow, ready);
    if (rc == 0 && weft_done(reader, NULL) == 0)
        rc = end_writer(flow);
    if (rc != 0)
        weft_cancel(reader, "the match has ended");
    int filled = join(reader);
    return rc != 0 ? rc : filled;
}

/* Answers to a table have its delimiter, so that who made it can read them. */
static char delimiter_of(const struct query_job *job)
{
    char delimiter = job->texts.queries != NULL ? weft_queries_delimiter(job->texts.queries) : '\0';
    if (delimiter == '\0')
        delimiter = job->load.delimiter;
    return delimiter != '\0' ? delimiter : ',';
}

static int match_all(struct query_job *job)
{
    struct flow flow = {.job = job};
    struct chunk *ready = &flow.chunks[0];
    int rc = texts_fill(&job->texts, ready);
    job->sink.delimiter = delimiter_of(job);
    job->matched = job->sink.done;
    for (size_t turn = 1; rc == 0; turn++) {
        struct chunk *next = &flow.chunks[turn % 3];
        rc = match_and_fill(&flow, ready, next);
        if (ready->is_last)
            break;
        ready = next;
    }
    int written = end_writer(&flow);
    rc = rc != 0 ? rc : written;
    if (rc == 0)
        rc = chunk_check(ready);
    for (size_t i = 0; i < 3; i++)
        chunk_fini(&flow.chunks[i]);
    return rc < 0 && rc != -ECANCELED ? say_failed("%s", weft_strerror(rc)) : rc;
}

static int count_texts(struct query_job *job)
{
    progress_init(&job->progress, job->wants_progress, job->from.path != NULL);
    if (job->progress.mode == PROGRESS_SILENT)
        return 0;
    return texts_count(&job->texts, &job->progress.total);
}

/* An earlier run can be gone on with only if this one reads the same again. */
static bool can_go_on(const struct query_job *job)
{
    bool is_same = job->from.path != NULL && job->texts.input.is_regular;
    for (size_t i = 0; i < job->load.files.count; i++)
        is_same &= strcmp(job->load.files.items[i], "-") != 0;
    return is_same;
}

/* Everything the answers, and the bytes they are written as, depend on. */
static int describe_run(struct query_job *job)
{
    static const char *const forms[] = {"table", "ndjson", "csv", "tsv"};
    wf_buf *run = &job->run;
    int rc = 0;
    if (job->sink.path == NULL || !can_go_on(job))
        return 0;
    run_lines_load(run, &job->load, &rc);
    run_lines_file(run, "texts", job->from.path, &rc);
    run_lines_text(run, "format", job->from.format_name);
    run_lines_text(run, "field", job->from.field);
    run_lines_text(run, "to", forms[job->sink.form]);
    wf_buf_printf(run, "top-k: %d\n", (int)job->top_k);
    if (job->blocking_top_k + job->retrieval_top_k + job->final_top_k != 0)
        wf_buf_printf(run, "stages: %d %d %d\n", (int)job->blocking_top_k,
                      (int)job->retrieval_top_k, (int)job->final_top_k);
    return rc < 0 ? rc : run->rc;
}

static int open_sink(struct query_job *job)
{
    int rc = describe_run(job);
    if (rc < 0)
        return rc == -ECANCELED ? rc : say_failed("%s", weft_strerror(rc));
    const weft_str run = {wf_buf_ptr(&job->run), wf_buf_bytes(&job->run)};
    rc = sink_open(&job->sink, run, job->is_anew);
    if (rc != 0 || job->sink.done == 0)
        return rc;
    if (job->sink.file.is_whole)
        say("%s is whole already; --restart makes it anew", job->sink.path);
    else
        say("%" PRIu64 " texts were answered before", job->sink.done);
    progress_begin_at(&job->progress, job->sink.done);
    return job->sink.file.is_whole ? 0 : texts_skip(&job->texts, job->sink.done);
}

/* The mode may be that of the matcher's file. */
static int check_mode(const struct query_job *job)
{
    const char *given = job->blocking_top_k != 0    ? "blocking-top-k"
                        : job->retrieval_top_k != 0 ? "retrieval-top-k"
                        : job->final_top_k != 0     ? "final-top-k"
                                                    : NULL;
    weft_m_info info = {.size = sizeof(info)};
    int rc = given != NULL ? weft_m_info_get(job->matcher, &info) : 0;
    if (given == NULL || rc < 0 || strcmp(info.mode, "hybrid") == 0)
        return rc;
    return say_usage("match query", "--%s is of mode hybrid", given);
}

static int query_run(struct query_job *job)
{
    const weft_catalog_options options = texts_options(&job->from, &job->load);
    int rc = load_matcher(&job->load, &job->matcher);
    if (rc == 0)
        rc = check_mode(job);
    if (rc == 0)
        rc = texts_open(&job->texts, job->from.path, &options, job->from.words,
                        job->from.word_count);
    job->pace = pace_of((size_t)job->top_k, (size_t)job->batch_size, (size_t)wf_sys_cpu_count());
    job->texts.chunk_count_max = job->pace.least;
    if (rc == 0)
        rc = count_texts(job);
    if (rc == 0)
        rc = open_sink(job);
    if (rc == 0 && !job->sink.file.is_whole)
        rc = match_all(job);
    if (rc == 0 && !job->sink.file.is_whole)
        progress_end(&job->progress);
    progress_hide(&job->progress);
    if (rc == 0)
        rc = sink_finish(&job->sink);
    if (job->texts.said_count != 0)
        say("%zu bad rows of %s left out", job->texts.said_count, job->from.path);
    sink_close(&job->sink);
    texts_close(&job->texts);
    weft_m_close(job->matcher);
    wf_buf_fini(&job->run);
    return rc;
}

/* ---- its arguments ---- */

/* By the ending of --output, if it has one; else as it is. */
static void take_form_of_name(struct sink *sink)
{
    const char *slash = strrchr(sink->path, '/');
    const char *name = slash != NULL ? slash + 1 : sink->path;
    const char *ending = strrchr(name, '.');
    if (ending != NULL && ending != name && !sink_form_parse(ending + 1, &sink->form))
        say("%s: the ending is none of .ndjson, .jsonl, .json, .csv, .tsv: it is written as "
            "ndjson, unless --to says otherwise",
            sink->path);
}

/* --to, else the ending of --output, else JSON, and for people a table. */
static int query_check_output(struct query_job *job)
{
    const char *path = job->sink.path;
    bool is_table = path == NULL && !job->is_json && output_is_terminal();
    job->sink.form = is_table ? SINK_TABLE : SINK_NDJSON;
    if (path != NULL && path[0] == '\0')
        return say_usage("match query", "--output: the name of the file is empty");
    if (job->is_anew && path == NULL)
        return say_usage("match query", "--restart is for --output FILE");
    if (job->to != NULL && !sink_form_parse(job->to, &job->sink.form))
        return say_usage("match query", "--to: %.64s is none of ndjson, csv, tsv", job->to);
    if (job->to == NULL && path != NULL)
        take_form_of_name(&job->sink);
    return 0;
}

static int query_check(struct query_job *job, int argc, char **argv)
{
    int rc = load_check(&job->load, job->from.path, "match query");
    if (rc != 0)
        return rc;
    rc = texts_check(&job->from, argv, argc, "match query");
    if (rc == 0)
        rc = query_check_output(job);
    if (rc == 0)
        rc = load_check_output(&job->load, job->from.path, job->sink.path, "match query");
    if (rc == 0 && input_is_same(job->sink.path, job->load.matcher))
        return say_usage("match query", "--output: it is the matcher's file; give another");
    return rc;
}

int cmd_match_query(int argc, char **argv)
{
    struct query_job job = {
        .load = LOAD_DEFAULTS,
        .top_k = 1,
        .batch_size = 32,
        .texts.input.fd = -1,
        .sink.file = OUTFILE_CLOSED,
    };
    const struct args_option options[] = {
        LOAD_OPTIONS(&job.load),
        TEXTS_OPTIONS(&job.from),
        {"top-k", 'k', "N", "how many entities a text, 1 to 1000 (1)", ARGS_INTEGER, &job.top_k, 1,
         1000},
        {"blocking-top-k", 0, "N", "of mode hybrid: entities that blocking leaves (1000)",
         ARGS_INTEGER, &job.blocking_top_k, 1, INT32_MAX},
        {"retrieval-top-k", 0, "N", "of mode hybrid: those that retrieval leaves (50, or --top-k)",
         ARGS_INTEGER, &job.retrieval_top_k, 1, INT32_MAX},
        {"final-top-k", 0, "N", "of mode hybrid: those that are answered (--top-k)", ARGS_INTEGER,
         &job.final_top_k, 1, 1000},
        {"batch-size", 0, "N", "texts matched at a time on one processor (32)", ARGS_INTEGER,
         &job.batch_size, 1, 10000},
        {"output", 'o', "FILE", "write to it, and go on with it if it was begun", ARGS_TEXT,
         &job.sink.path, 0, 0},
        {"to", 0, "F", "ndjson, csv or tsv; else by the name of --output, else ndjson", ARGS_TEXT,
         &job.to, 0, 0},
        {"restart", 0, NULL, "begin --output anew", ARGS_FLAG, &job.is_anew, 0, 0},
        {"json", 0, NULL, "JSON on a terminal too", ARGS_FLAG, &job.is_json, 0, 0},
        {"progress", 0, NULL, "progress on standard error, off a terminal as done/total", ARGS_FLAG,
         &job.wants_progress, 0, 0},
        {"help", 'h', NULL, "this text", ARGS_FLAG, &job.is_help, 0, 0},
    };
    const size_t count = sizeof(options) / sizeof(*options);
    char error[ARGS_ERROR_BYTES];
    if (args_parse(options, count, &argc, argv, error) < 0)
        return say_usage("match query", "%s", error);
    if (job.is_help)
        return say_help(query_about, options, count, query_examples);
    int rc = query_check(&job, argc, argv);
    return rc != 0 ? rc : query_run(&job);
}
