/* SPDX-License-Identifier: MIT */

/* weft match discover: what the texts that are new have in common. */
#include "cmd/command.h"
#include "cmd/io/output.h"
#include "cmd/io/progress.h"
#include "cmd/io/table.h"
#include "cmd/match/gather.h"
#include "cmd/match/load.h"
#include "cmd/match/novelty_options.h"
#include "cmd/say.h"

#include <string.h>
#include <weft/review.h>

#define TEXTS_MAX 100000
#define NOVEL_MAX 10000 /* a matcher's query_count_max */
#define EXAMPLES_SHOWN 3u

static const char discover_about[] =
    "Usage: weft match discover -e FILE [OPTIONS] -f FILE\n\n"
    "Puts the texts of --file that are new to the catalogue into clusters, and names each by what\n"
    "its texts have in common: entities that may be missing.  At most 100,000\n"
    "texts, of which 10,000 may be new.\n"
    "Writes one JSON object, or a table on a terminal.\n";

static const char discover_examples[] =
    "  weft match discover -e intents.csv -f questions.txt\n"
    "  weft match discover -m intents.weftm --cluster-size 10 --json -f -\n";

struct discover_job {
    struct load load;
    struct novelty novelty;
    weft_m_novelty_options options;
    int64_t size_min, keyword_max;
    bool is_json, is_help, all;
    struct texts_from from;
    const char *clustering, *report_path, *review_path;

    struct progress progress;
    wf_buf lines;
};

static void put_cluster(wf_buf *lines, const weft_m_cluster *cluster, const weft_str *texts)
{
    table_cell(lines, cluster->name, 30);
    wf_buf_printf(lines, "  %6zu  %.3f  ", cluster->member_count, cluster->cohesion);
    for (size_t i = 0; i < cluster->keyword_count; i++) {
        wf_buf_puts(lines, i == 0 ? "" : ", ");
        table_cell(lines, cluster->keywords[i], 0);
    }
    wf_buf_putc(lines, '\n');
    for (size_t i = 0; i < cluster->member_count && i < EXAMPLES_SHOWN; i++) {
        wf_buf_puts(lines, "    ");
        table_cell(lines, texts[cluster->members[i]], 0);
        wf_buf_putc(lines, '\n');
    }
}

/* What may find some. */
static void put_nothing(wf_buf *lines, const struct discover_job *job, const weft_m_discovery *it)
{
    wf_buf_puts(lines, "no clusters found\n");
    if (it->novel_count < it->text_count && !job->all)
        wf_buf_puts(lines, "  --all: every text counts as new\n");
    if (it->cluster_size_min > 2)
        wf_buf_printf(lines, "  --cluster-size N: fewer than %zu texts may be one\n",
                      it->cluster_size_min);
    if (job->clustering == NULL || strcmp(job->clustering, "louvain") != 0)
        wf_buf_puts(lines, "  --clustering louvain: texts may have less in common\n");
}

static void put_table(wf_buf *lines, const struct discover_job *job, const weft_m_discovery *it,
                      const weft_str *texts)
{
    wf_buf_printf(lines, "%zu texts, %zu new, %zu clusters, %zu new texts in none\n\n",
                  it->text_count, it->novel_count, it->cluster_count, it->noise_count);
    if (it->cluster_count == 0) {
        put_nothing(lines, job, it);
        return;
    }
    table_text(lines, "NAME", 32);
    table_text(lines, " COUNT", 8);
    table_text(lines, "COHESION", 10);
    wf_buf_puts(lines, "KEYWORDS\n");
    for (size_t i = 0; i < it->cluster_count; i++)
        put_cluster(lines, &it->clusters[i], texts);
}

/* What was discovered on its way to be lines. */
struct telling {
    struct discover_job *job;
    const weft_m_discovery *found;
    const weft_str *texts;
};

static int tell_body(void *arg)
{
    const struct telling *telling = arg;
    wf_buf *lines = &telling->job->lines;
    weft_text text;
    if (telling->job->is_json)
        return output_put(lines, weft_m_discovery_json(telling->found, telling->texts, &text),
                          &text);
    put_table(lines, telling->job, telling->found, telling->texts);
    return lines->rc;
}

static int tell(struct discover_job *job, const weft_m_discovery *it, const weft_str *texts)
{
    struct telling telling = {job, it, texts};
    return say_written(output_answers(&job->lines, tell_body, &telling));
}

/* The report, and a record of each cluster for those who review. */
static int keep(const struct discover_job *job, const weft_m_discovery *it, const weft_str *texts,
                weft_m_error *error)
{
    weft_m_reviews *reviews = NULL;
    int rc = 0;
    if (job->report_path != NULL)
        rc = weft_m_discovery_save(it, texts, job->report_path, error);
    if (rc == 0 && job->review_path != NULL) {
        rc = weft_m_reviews_open(&reviews, job->review_path, error);
        if (rc == 0)
            rc = weft_m_reviews_add(reviews, it, texts, error);
        weft_m_reviews_close(reviews);
    }
    return rc < 0 && rc != -ECANCELED ? load_say(error) : rc;
}

static int discover(weft_matcher *matcher, const weft_str *texts, size_t count, void *arg)
{
    struct discover_job *job = arg;
    weft_m_discover_options options;
    weft_m_discovery *found;
    weft_m_error error;
    weft_m_discover_options_init(&options);
    options.novelty = &job->options;
    progress_init(&job->progress, job->load.wants_progress, /* is_for_file= */ true);
    options.progress = progress_show;
    options.progress_arg = &job->progress;
    options.all_are_novel = job->all;
    options.cluster_size_min = job->size_min;
    options.keyword_max = job->keyword_max;
    if (job->clustering != NULL)
        options.clustering = weft_str_of(job->clustering);
    int rc = weft_m_discover(matcher, texts, count, &options, &found, &error);
    progress_hide(&job->progress);
    if (rc < 0)
        return rc == -ECANCELED ? rc : novelty_say(&error);
    int kept = keep(job, found, texts, &error);
    rc = tell(job, found, texts); /* also of what could not be kept: it took long to find */
    weft_m_discovery_free(found);
    return kept != 0 ? kept : rc;
}

int cmd_match_discover(int argc, char **argv)
{
    struct discover_job job = {
        .load = LOAD_DEFAULTS, .novelty = NOVELTY_DEFAULTS, .keyword_max = 8};
    const struct args_option options[] = {
        LOAD_OPTIONS(&job.load),
        NOVELTY_OPTIONS(&job.novelty),
        TEXTS_OPTIONS(&job.from),
        {"all", 0, NULL, "every text counts as new", ARGS_FLAG, &job.all, 0, 0},
        {"cluster-size", 0, "N", "least texts of a cluster, 2 to 10000 (3 of 20 new, 7 of 1000)",
         ARGS_INTEGER, &job.size_min, 2, NOVEL_MAX},
        {"keywords", 0, "N", "keywords of a cluster, 1 to 32 (8)", ARGS_INTEGER, &job.keyword_max,
         1, 32},
        {"clustering", 0, "average|hdbscan|components|louvain", "another way to find them",
         ARGS_CHOICE, &job.clustering, 0, 0},
        {"report", 0, "DIR", "write a report and its summary there; it is made if need be",
         ARGS_TEXT, &job.report_path, 0, 0},
        {"storage-path", 0, "FILE", "add the clusters to the reviews of this file", ARGS_TEXT,
         &job.review_path, 0, 0},
        {"progress", 0, NULL, "progress on standard error, off a terminal as done/total", ARGS_FLAG,
         &job.load.wants_progress, 0, 0},
        {"json", 0, NULL, "JSON on a terminal too", ARGS_FLAG, &job.is_json, 0, 0},
        {"help", 'h', NULL, "this text", ARGS_FLAG, &job.is_help, 0, 0},
    };
    const size_t count = sizeof(options) / sizeof(*options);
    char error[ARGS_ERROR_BYTES];
    if (args_parse(options, count, &argc, argv, error) < 0)
        return say_usage("match discover", "%s", error);
    if (job.is_help)
        return say_help(discover_about, options, count, discover_examples);
    int rc = gather_check(&job.load, &job.from, argc, "match discover");
    if (rc == 0)
        rc = novelty_read(&job.novelty, "match discover", &job.options);
    if (rc != 0)
        return rc;
    rc = load_make_directory("--report", job.report_path); /* not when all is done */
    if (rc != 0)
        return rc;
    job.is_json |= !output_is_terminal();
    rc = gather_run(&job.load, &job.from, TEXTS_MAX, discover, &job);
    wf_buf_fini(&job.lines);
    return rc;
}
