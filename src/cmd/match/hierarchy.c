/* SPDX-License-Identifier: MIT */

/* weft match hierarchy: matches with what lies above and below, and how far up they are certain. */
#include "cmd/command.h"
#include "cmd/io/output.h"
#include "cmd/io/table.h"
#include "cmd/match/load.h"
#include "cmd/match/texts.h"
#include "cmd/say.h"

#include <weft/hierarchy.h>

static const char hierarchy_about[] =
    "Usage: weft match hierarchy -e FILE [OPTIONS] TEXT...\n"
    "       weft match hierarchy -e FILE [OPTIONS] -f FILE\n"
    "       weft match hierarchy -e FILE --show ID\n\n"
    "Finds the entities each text means and what lies above and below them, and the lowest entity\n"
    "of which it is certain that it, or something below it, is meant.  What lies where say the\n"
    "column 'parents' of CSV or the key 'hierarchy' of JSON.  Writes one JSON object a text, or a\n"
    "page on a terminal.\n";

static const char hierarchy_examples[] =
    "  weft match hierarchy -e products.csv 'Zephyr black'\n"
    "  weft match hierarchy -e occupations.ndjson --level ancestors --max-depth 2 -f titles.txt\n"
    "  weft match hierarchy -e products.csv --within telephones 'X2'\n"
    "  weft match hierarchy -e products.csv --show telephones\n";

#define NAME_COLUMNS 32u

struct hierarchy_job {
    struct load load;
    weft_m_hierarchy_options options;
    const char *level, *within, *shown;
    struct texts_from from;
    bool is_json, is_help;

    weft_matcher *matcher;
    wf_buf lines;
};

/* ---- for people ---- */

static void put_levels(wf_buf *lines, const weft_m_hierarchy_result *it)
{
    for (size_t i = 0; i < it->level_count; i++) {
        const weft_m_level *level = &it->levels[i];
        table_text(lines, i == 0 ? "levels" : "", 10);
        wf_buf_printf(lines, "%.3f  ", (double)level->probability);
        table_cell(lines, level->name, 0);
        wf_buf_puts(lines, level == it->certain ? "  <- certain\n" : "\n");
    }
}

static void put_hit(wf_buf *lines, size_t rank, const weft_m_results *results,
                    const weft_m_hierarchy_hit *hit)
{
    wf_buf_printf(lines, "  %2zu. %.3f  ", rank, (double)hit->score);
    table_cell(lines, hit->name, NAME_COLUMNS);
    wf_buf_printf(lines, "  %s", weft_m_relation_name(hit->relation));
    if (hit->relation != WEFT_M_SELF) {
        wf_buf_puts(lines, " of ");
        table_cell(lines, weft_m_results_entity(results, hit->via)->name, 0);
    }
    wf_buf_putc(lines, '\n');
}

static int put_page(wf_buf *lines, weft_str text, const weft_m_results *results, size_t index)
{
    const weft_m_hierarchy_result *it = weft_m_results_hierarchy(results, index);
    table_text(lines, "text", 10);
    table_cell(lines, text, 0);
    wf_buf_putc(lines, '\n');
    put_levels(lines, it);
    for (size_t i = 0; i < it->hit_count; i++)
        put_hit(lines, i + 1, results, &it->hits[i]);
    if (it->was_cut)
        wf_buf_puts(lines, "      more lies around these than was looked at\n");
    return wf_buf_putc(lines, '\n');
}

/* ---- answers ---- */

/* Answers on their way to be lines. */
struct writing {
    struct hierarchy_job *job;
    const struct chunk *chunk;
    const weft_m_results *results;
};

static int write_body(void *arg)
{
    const struct writing *writing = arg;
    struct hierarchy_job *job = writing->job;
    int rc = 0;
    for (size_t i = 0; i < writing->chunk->count && rc == 0; i++) {
        weft_text text;
        if (job->is_json)
            rc = output_put(&job->lines, weft_m_hierarchy_result_json(writing->results, i, &text),
                            &text);
        else
            rc = put_page(&job->lines, writing->chunk->texts[i], writing->results, i);
    }
    return rc;
}

static int match_chunk(struct chunk *chunk, void *arg)
{
    struct hierarchy_job *job = arg;
    struct writing writing = {.job = job, .chunk = chunk};
    weft_m_results *results;
    weft_m_error error;
    if (chunk->count == 0)
        return 0;
    int rc = weft_m_hierarchy_match(job->matcher, chunk->texts, chunk->count, &job->options,
                                    &results, &error);
    if (rc == -ECANCELED)
        return rc;
    if (rc < 0)
        return chunk_say(chunk, job->from.path, &error) ? EXIT_FAILED : load_say(&error);
    writing.results = results;
    rc = output_answers(&job->lines, write_body, &writing);
    weft_m_results_free(results);
    return say_written(rc);
}

struct showing {
    struct hierarchy_job *job;
    const weft_hierarchy *hierarchy;
};

static int show_body(void *arg)
{
    const struct showing *showing = arg;
    weft_text text;
    return output_put(&showing->job->lines,
                      weft_hierarchy_entity_json(showing->hierarchy,
                                                 weft_str_of(showing->job->shown),
                                                 showing->job->options.max_depth, &text),
                      &text);
}

static int show(struct hierarchy_job *job)
{
    weft_hierarchy *hierarchy;
    weft_m_error error;
    int rc = weft_m_hierarchy(job->matcher, &hierarchy, &error);
    if (rc < 0)
        return rc == -ECANCELED ? rc : load_say(&error);
    struct showing showing = {job, hierarchy};
    rc = output_answers(&job->lines, show_body, &showing);
    weft_hierarchy_unref(hierarchy);
    if (rc == -ENOENT)
        return say_failed("--show: no entity has the id %s", job->shown);
    return say_written(rc);
}

/* ---- the run ---- */

static int hierarchy_run(struct hierarchy_job *job)
{
    int rc = load_matcher(&job->load, &job->matcher);
    if (rc == 0)
        rc = job->shown != NULL ? show(job) : texts_run(&job->from, &job->load, match_chunk, job);
    weft_m_close(job->matcher);
    wf_buf_fini(&job->lines);
    return rc;
}

/* ---- arguments ---- */

static int check(struct hierarchy_job *job, int argc, char **argv)
{
    if (job->shown != NULL)
        return argc == 0 && job->from.path == NULL
                   ? 0
                   : say_usage("match hierarchy", "--show takes no texts");
    return texts_check(&job->from, argv, argc, "match hierarchy");
}

static int hierarchy_main(struct hierarchy_job *job, int argc, char **argv)
{
    weft_m_hierarchy_options *asked = &job->options;
    const struct args_option options[] = {
        LOAD_OPTIONS(&job->load),
        TEXTS_OPTIONS(&job->from),
        {"top-k", 'k', "N", "how many hits, 1 to 1000 (5)", ARGS_INTEGER, &asked->top_k, 1, 1000},
        {"level", 0, "all|self|ancestors|descendants", "hits beside what is found (all)",
         ARGS_CHOICE, &job->level, 0, 0},
        {"max-depth", 0, "N", "how far up and down hits, and what --show lists, may lie (3)",
         ARGS_INTEGER, &asked->max_depth, 0, 1000000},
        {"within", 0, "ID", "only this entity and what lies below it", ARGS_TEXT, &job->within, 0,
         0},
        {"alpha", 0, "X", "weight of what the matcher says, 0 to 1 (0.7)", ARGS_NUMBER,
         &asked->alpha, 0, 1},
        {"beta", 0, "X", "weight of the relation, 0 to 1 (0.3)", ARGS_NUMBER, &asked->beta, 0, 1},
        {"show", 0, "ID", "what lies above and below this entity, as JSON", ARGS_TEXT, &job->shown,
         0, 0},
        {"json", 0, NULL, "JSON on a terminal too", ARGS_FLAG, &job->is_json, 0, 0},
        {"help", 'h', NULL, "this text", ARGS_FLAG, &job->is_help, 0, 0},
    };
    const size_t count = sizeof(options) / sizeof(*options);
    char error[ARGS_ERROR_BYTES];
    if (args_parse(options, count, &argc, argv, error) < 0)
        return say_usage("match hierarchy", "%s", error);
    if (job->is_help)
        return say_help(hierarchy_about, options, count, hierarchy_examples);
    int rc = load_check(&job->load, job->from.path, "match hierarchy");
    if (rc == 0)
        rc = check(job, argc, argv);
    if (rc != 0)
        return rc;
    if (job->level != NULL)
        asked->match_level = weft_str_of(job->level);
    if (job->within != NULL)
        asked->within = weft_str_of(job->within);
    job->is_json |= !output_is_terminal();
    return hierarchy_run(job);
}

int cmd_match_hierarchy(int argc, char **argv)
{
    struct hierarchy_job job = {.load = LOAD_DEFAULTS};
    weft_m_hierarchy_options_init(&job.options);
    return hierarchy_main(&job, argc, argv);
}
