/* SPDX-License-Identifier: MIT */

/* weft match drift: whether texts still look as those of a profile did. */
#include "cmd/command.h"
#include "cmd/io/output.h"
#include "cmd/io/table.h"
#include "cmd/match/gather.h"
#include "cmd/match/load.h"
#include "cmd/say.h"

#include <weft/drift.h>

#include <string.h>

/* They are looked at together. */
#define TEXTS_MAX 100000

struct drift_job {
    struct load load;
    struct texts_from from;
    const char *save_path, *against_path, *method;
    double threshold;
    bool is_json, is_help;

    wf_buf lines;
};

static void put_table(wf_buf *lines, const weft_m_drift_report *it)
{
    wf_buf_printf(lines, "%s %.4f, threshold %g, %zu texts before, %zu now: %s\n", it->method,
                  it->score, it->threshold, it->count_before, it->count_after, it->recommendation);
    if (it->class_count == 0)
        return;
    table_text(lines, "ENTITY", 32);
    table_text(lines, " BEFORE", 9);
    table_text(lines, "    NOW", 9);
    wf_buf_puts(lines, "DRIFT\n");
    for (size_t i = 0; i < it->class_count; i++) {
        const weft_m_class_drift *item = &it->classes[i];
        table_cell(lines, item->id, 30);
        wf_buf_printf(lines, "  %7zu  %7zu  %.4f%s\n", item->count_before, item->count_after,
                      item->score, item->is_detected ? " *" : "");
    }
}

/* A report on its way to be lines. */
struct telling {
    struct drift_job *job;
    const weft_m_drift_report *report;
};

static int tell_body(void *arg)
{
    const struct telling *telling = arg;
    wf_buf *lines = &telling->job->lines;
    weft_text text;
    if (telling->job->is_json)
        return output_put(lines, weft_m_drift_report_json(telling->report, &text), &text);
    put_table(lines, telling->report);
    return lines->rc;
}

static int tell(struct drift_job *job, const weft_m_drift_report *report)
{
    struct telling telling = {job, report};
    return say_written(output_answers(&job->lines, tell_body, &telling));
}

static int compare(struct drift_job *job, const weft_m_profile *now, weft_m_error *error)
{
    weft_m_profile *before = NULL;
    weft_m_drift_report *report = NULL;
    weft_m_drift_options options;
    weft_m_drift_options_init(&options);
    options.threshold = job->threshold;
    if (job->method != NULL)
        options.method = weft_str_of(job->method);
    int rc = weft_m_profile_load(&before, job->against_path, error);
    if (rc == 0)
        rc = weft_m_drift(&report, before, now, &options, error);
    weft_m_profile_free(before);
    if (rc < 0)
        return rc == -ECANCELED ? rc : load_say(error);
    rc = tell(job, report);
    weft_m_drift_report_free(report);
    return rc;
}

static int look(weft_matcher *matcher, const weft_str *texts, size_t count, void *arg)
{
    struct drift_job *job = arg;
    weft_m_profile *now;
    weft_m_error error;
    int rc = weft_m_profile_take(&now, matcher, texts, count, &error);
    if (rc < 0)
        return rc == -ECANCELED ? rc : load_say(&error);
    if (job->against_path != NULL)
        rc = compare(job, now, &error);
    if (rc == 0 && job->save_path != NULL) {
        rc = weft_m_profile_save(now, job->save_path, &error);
        rc = rc < 0 && rc != -ECANCELED ? load_say(&error) : rc;
    }
    weft_m_profile_free(now);
    return rc;
}

/* ---- arguments ---- */

static const char drift_about[] =
    "Usage: weft match drift -e FILE -f FILE [--against FILE] [--save FILE] [OPTIONS]\n\n"
    "Says how far the texts of --file are from those that the profile --against was taken of, all\n"
    "and those of each entity: monitor, add_entities, or retrain.  --save writes the profile of\n"
    "these.  Writes one JSON object, or a table on a terminal.\n";

static const char drift_examples[] =
    "  weft match drift -m bank.weftm -f march.txt --save march.profile\n"
    "  weft match drift -m bank.weftm -f april.txt --against march.profile\n";

int cmd_match_drift(int argc, char **argv)
{
    struct drift_job job = {.load = LOAD_DEFAULTS, .threshold = 0.05};
    const struct args_option options[] = {
        LOAD_OPTIONS(&job.load),
        TEXTS_OPTIONS(&job.from),
        {"against", 0, "FILE", "the profile to compare with", ARGS_TEXT, &job.against_path, 0, 0},
        {"save", 0, "FILE", "write the profile of these texts", ARGS_TEXT, &job.save_path, 0, 0},
        {"method", 0, "mmd_linear|kl_gaussian|cosine_centroid",
         "how they are compared (mmd_linear)", ARGS_CHOICE, &job.method, 0, 0},
        {"drift", 0, "X", "what is above this is drift (0.05)", ARGS_NUMBER, &job.threshold, 0,
         1000},
        {"json", 0, NULL, "JSON on a terminal too", ARGS_FLAG, &job.is_json, 0, 0},
        {"help", 'h', NULL, "this text", ARGS_FLAG, &job.is_help, 0, 0},
    };
    const size_t count = sizeof(options) / sizeof(*options);
    char error[ARGS_ERROR_BYTES];
    if (args_parse(options, count, &argc, argv, error) < 0)
        return say_usage("match drift", "%s", error);
    if (job.is_help)
        return say_help(drift_about, options, count, drift_examples);
    int rc = gather_check(&job.load, &job.from, argc, "match drift");
    if (rc != 0)
        return rc;
    if (job.against_path == NULL && job.save_path == NULL)
        return say_usage("match drift", "neither --against nor --save");
    if (job.against_path == NULL && job.method != NULL)
        return say_usage("match drift", "--method is for --against");
    job.is_json |= !output_is_terminal();
    rc = gather_run(&job.load, &job.from, TEXTS_MAX, look, &job);
    wf_buf_fini(&job.lines);
    return rc;
}
