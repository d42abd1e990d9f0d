/* SPDX-License-Identifier: MIT */

/* weft match explain, and weft match diagnose, which is the same with advice. */
#include "cmd/command.h"
#include "cmd/io/output.h"
#include "cmd/io/table.h"
#include "cmd/match/load.h"
#include "cmd/match/texts.h"
#include "cmd/say.h"

#include <stdio.h>
#include <string.h>

#define SHARED_SHOWN_MAX 8
#define PARTS_SHOWN_MAX 6u

struct explain_job {
    const char *command; /* "match explain" */
    bool is_diagnosis;
    struct load load;
    int64_t top_k;
    bool is_json, is_help;
    struct texts_from from;

    weft_matcher *matcher;
    wf_buf lines;
};

/* ---- for people ---- */

static void put_pair(wf_buf *lines, const char *name, weft_str text)
{
    table_text(lines, name, 12);
    table_cell(lines, text, 0);
    wf_buf_putc(lines, '\n');
}

#define LIST_INDENT 18 /* below a candidate */

/* Room is left for the dots at the end. */
static struct table_list begin_list(wf_buf *lines, const char *head)
{
    size_t columns = output_columns(), dots = strlen(", ...");
    wf_buf_printf(lines, "%*s%s", LIST_INDENT, "", head);
    return (struct table_list){
        .out = lines,
        .columns = columns > dots ? columns - dots : 0,
        .indent = LIST_INDENT + 2,
        .used = LIST_INDENT + strlen(head),
    };
}

static void put_item(struct table_list *list, wf_buf *item)
{
    if (item->rc < 0)
        list->out->rc = item->rc;
    else
        table_item(list, (weft_str){wf_buf_ptr(item), wf_buf_bytes(item)});
    wf_buf_fini(item);
}

static void put_shared(wf_buf *lines, const weft_m_evidence *evidence)
{
    size_t count = evidence->shared_count;
    if (count == 0)
        return;
    struct table_list list = begin_list(lines, "shared:");
    for (size_t i = 0; i < count && i < SHARED_SHOWN_MAX; i++) {
        wf_buf item = {0};
        wf_buf_puts(&item, evidence->shared[i].is_word ? "word \"" : "\"");
        table_cell(&item, evidence->shared[i].text, 0); /* a run may begin or end with a space */
        wf_buf_printf(&item, "\" %.3f", (double)evidence->shared[i].weight);
        put_item(&list, &item);
    }
    wf_buf_puts(lines, count > SHARED_SHOWN_MAX ? ", ...\n" : "\n");
}

static bool is_heavier(const weft_m_part *a, const weft_m_part *b)
{
    return (a->part < 0 ? -a->part : a->part) > (b->part < 0 ? -b->part : b->part);
}

/* The heaviest first. */
static void put_parts(wf_buf *lines, const weft_m_evidence *evidence)
{
    const weft_m_part *last = NULL;
    if (evidence->part_count == 0)
        return;
    struct table_list list = begin_list(lines, "parts of ln(score):");
    for (size_t i = 0; i < evidence->part_count && i < PARTS_SHOWN_MAX; i++) {
        const weft_m_part *next = NULL;
        for (size_t k = 0; k < evidence->part_count; k++) {
            const weft_m_part *part = &evidence->parts[k];
            bool is_left =
                last == NULL || is_heavier(last, part) || (!is_heavier(part, last) && part > last);
            if (is_left && (next == NULL || is_heavier(part, next)))
                next = part;
        }
        if (next == NULL)
            break;
        wf_buf item = {0};
        wf_buf_printf(&item, "%s %+.2f", next->name, next->part);
        put_item(&list, &item);
        last = next;
    }
    wf_buf_puts(lines, evidence->part_count > PARTS_SHOWN_MAX ? ", ...\n" : "\n");
}

static void put_candidate(wf_buf *lines, const weft_m_explanation *it, size_t index)
{
    const weft_m_hit *hit = &it->hits[index];
    const weft_m_evidence *evidence = &it->evidence[index];
    wf_buf_printf(lines, "  %2zu. %.3f  ", index + 1, (double)hit->score);
    table_cell(lines, hit->id, 0);
    wf_buf_puts(lines, "  ");
    table_cell(lines, hit->name, 0);
    wf_buf_puts(lines, "  by \"");
    table_cell(lines, hit->matched, 0);
    wf_buf_putc(lines, '"');
    if (index + 1 < it->hit_count) /* what is behind the last one was not asked for */
        wf_buf_printf(lines, ", %.3f ahead of the next", (double)evidence->margin);
    wf_buf_putc(lines, '\n');
    put_parts(lines, evidence);
    put_shared(lines, evidence);
}

static int put_explanation(wf_buf *lines, const weft_m_explanation *it)
{
    put_pair(lines, "query", it->query);
    if (it->query_normalized.ptr != NULL)
        put_pair(lines, "normalised", it->query_normalized);
    if (it->is_ready)
        wf_buf_printf(lines, "matched     %s (threshold %g)\n", it->is_matched ? "yes" : "no",
                      (double)it->threshold);
    for (size_t i = 0; i < it->hit_count; i++)
        put_candidate(lines, it, i);
    if (it->issue.ptr != NULL)
        put_pair(lines, "issue", it->issue);
    if (it->suggestion.ptr != NULL)
        put_pair(lines, "suggestion", it->suggestion);
    return wf_buf_putc(lines, '\n');
}

/* An answer on its way to be lines. */
struct writing {
    struct explain_job *job;
    const weft_m_explanation *explanation;
};

static int write_body(void *arg)
{
    const struct writing *writing = arg;
    wf_buf *lines = &writing->job->lines;
    const weft_m_explanation *it = writing->explanation;
    weft_text text;
    if (writing->job->is_json)
        return output_put(lines, weft_m_explanation_json(it, &text), &text);
    return put_explanation(lines, it);
}

/* ---- the run ---- */

/* Which text it was: the matcher got one alone. */
static int say_text(const struct explain_job *job, const struct chunk *chunk, size_t index,
                    weft_m_error *error)
{
    if (strncmp(error->field, "queries[", 8) == 0)
        snprintf(error->field, sizeof(error->field), "queries[%zu]", index);
    return chunk_say(chunk, job->from.path, error) ? EXIT_FAILED : load_say(error);
}

static int explain_text(struct explain_job *job, const struct chunk *chunk, size_t index)
{
    const weft_str text = chunk->texts[index];
    weft_m_explanation *it;
    weft_m_error error;
    int rc = job->is_diagnosis ? weft_m_diagnose(job->matcher, text, job->top_k, &it, &error)
                               : weft_m_explain(job->matcher, text, job->top_k, &it, &error);
    if (rc == -ECANCELED)
        return rc;
    if (rc < 0)
        return say_text(job, chunk, index, &error);
    struct writing writing = {job, it};
    rc = output_answers(&job->lines, write_body, &writing);
    weft_m_explanation_free(it);
    return say_written(rc);
}

static int explain_chunk(struct chunk *chunk, void *arg)
{
    struct explain_job *job = arg;
    int rc = 0;
    for (size_t i = 0; i < chunk->count && rc == 0; i++)
        rc = explain_text(job, chunk, i);
    return rc;
}

static int explain_run(struct explain_job *job)
{
    weft_m_error error;
    int rc = load_matcher(&job->load, &job->matcher);
    if (rc == 0) {
        rc = load_fit(job->matcher, &error);
        if (rc < 0 && rc != -ECANCELED)
            rc = load_say(&error);
    }
    if (rc == 0)
        rc = texts_run(&job->from, &job->load, explain_chunk, job);
    weft_m_close(job->matcher);
    wf_buf_fini(&job->lines);
    return rc;
}

/* ---- arguments ---- */

static const char explain_about[] =
    "Usage: weft match explain -e FILE [OPTIONS] TEXT...\n"
    "       weft match explain -e FILE [OPTIONS] -f FILE\n\n"
    "Shows the best candidates of each text, whatever their score, what their score is made of "
    "and\n"
    "what text and candidate share.  Writes one JSON object a text, or a page on a terminal.\n";

static const char explain_examples[] =
    "  weft match explain -e countries.csv Deutchland\n"
    "  weft match explain -e countries.csv --top-k 10 --json Korea\n";

static const char diagnose_about[] =
    "Usage: weft match diagnose -e FILE [OPTIONS] TEXT...\n"
    "       weft match diagnose -e FILE [OPTIONS] -f FILE\n\n"
    "Says of each text whether it is found, else what is wrong and what to try.  Writes one JSON\n"
    "object a text, or a page on a terminal.\n";

static const char diagnose_examples[] = "  weft match diagnose -e countries.csv Atlantis\n";

static int explain_main(struct explain_job *job, int argc, char **argv)
{
    const struct args_option options[] = {
        LOAD_OPTIONS(&job->load),
        TEXTS_OPTIONS(&job->from),
        {"top-k", 'k', "N",
         job->is_diagnosis ? "how many candidates, 1 to 1000 (3)"
                           : "how many candidates, 1 to 1000 (5)",
         ARGS_INTEGER, &job->top_k, 1, 1000},
        {"json", 0, NULL, "JSON on a terminal too", ARGS_FLAG, &job->is_json, 0, 0},
        {"help", 'h', NULL, "this text", ARGS_FLAG, &job->is_help, 0, 0},
    };
    const size_t count = sizeof(options) / sizeof(*options);
    char error[ARGS_ERROR_BYTES];
    if (args_parse(options, count, &argc, argv, error) < 0)
        return say_usage(job->command, "%s", error);
    if (job->is_help)
        return say_help(job->is_diagnosis ? diagnose_about : explain_about, options, count,
                        job->is_diagnosis ? diagnose_examples : explain_examples);
    int rc = load_check(&job->load, job->from.path, job->command);
    if (rc == 0)
        rc = texts_check(&job->from, argv, argc, job->command);
    if (rc != 0)
        return rc;
    job->is_json |= !output_is_terminal();
    return explain_run(job);
}

int cmd_match_explain(int argc, char **argv)
{
    struct explain_job job = {
        .command = "match explain",
        .load = LOAD_DEFAULTS,
        .top_k = 5,
    };
    return explain_main(&job, argc, argv);
}

int cmd_match_diagnose(int argc, char **argv)
{
    struct explain_job job = {
        .command = "match diagnose",
        .is_diagnosis = true,
        .top_k = 3,
        .load = LOAD_DEFAULTS,
    };
    return explain_main(&job, argc, argv);
}
