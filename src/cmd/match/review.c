/* SPDX-License-Identifier: MIT */

/* weft match review: what is said to proposed entities. */
#include "base/json_write.h"
#include "base/str.h"
#include "cmd/command.h"
#include "cmd/io/output.h"
#include "cmd/io/table.h"
#include "cmd/match/load.h"
#include "cmd/say.h"

#include <weft/error.h>
#include <weft/file.h>
#include <weft/review.h>

#include <string.h>

struct review_job {
    const char *store, *discovery_id, *state_name, *notes, *matcher_path;
    bool is_all, is_json, is_help;

    const struct verb *verb;
    char **ids;
    size_t id_count;
    enum weft_m_review_state state; /* to be listed */
    weft_m_reviews *reviews;
    weft_matcher *matcher;
    wf_buf lines;
};

struct verb {
    const char *name;
    bool needs_ids;
    int (*run)(struct review_job *job); /* 0; an exit code after saying why; -ECANCELED */
};

static int say_of(int rc, const weft_m_error *error)
{
    return rc < 0 && rc != -ECANCELED ? load_say(error) : rc;
}

static void put_line(wf_buf *lines, int rc, weft_text *text)
{
    rc = output_put(lines, rc, text);
    if (rc < 0)
        lines->rc = rc;
}

static void put_json(wf_buf *lines, const weft_m_review *it)
{
    weft_text text;
    put_line(lines, weft_m_review_json(it, &text), &text);
}

/* ---- list, show, stats ---- */

static void put_row(wf_buf *lines, const weft_m_review *it)
{
    table_cell(lines, it->review_id, 14);
    wf_buf_puts(lines, "  ");
    table_text(lines, weft_m_review_state_name(it->state), 16);
    wf_buf_printf(lines, "%6zu  ", it->sample_count);
    table_cell(lines, it->name, 0);
    wf_buf_putc(lines, '\n');
}

static void put_review(struct review_job *job, const weft_m_review *it)
{
    if (job->is_json)
        put_json(&job->lines, it);
    else
        put_row(&job->lines, it);
}

static bool is_listed(const struct review_job *job, const weft_m_review *it)
{
    if (job->discovery_id != NULL) {
        if (!wf_str_is(it->discovery_id, job->discovery_id))
            return false;
    }
    return job->is_all || it->state == job->state;
}

static int run_list(struct review_job *job)
{
    size_t count;
    const weft_m_review *all = weft_m_reviews_list(job->reviews, &count);
    for (size_t i = 0; i < count; i++) {
        if (is_listed(job, &all[i]))
            put_review(job, &all[i]);
    }
    return 0;
}

static void put_all(wf_buf *lines, const char *title, const weft_str *texts, size_t count)
{
    wf_buf_printf(lines, "%s\n", title);
    for (size_t i = 0; i < count; i++) {
        wf_buf_puts(lines, "    ");
        table_cell(lines, texts[i], 0);
        wf_buf_putc(lines, '\n');
    }
}

static int run_show(struct review_job *job)
{
    for (size_t i = 0; i < job->id_count; i++) {
        const weft_m_review *it = weft_m_reviews_find(job->reviews, weft_str_of(job->ids[i]));
        if (it == NULL)
            return say_failed("%s: no review %s", job->store, job->ids[i]);
        if (job->is_json) {
            put_json(&job->lines, it);
            continue;
        }
        put_row(&job->lines, it);
        put_all(&job->lines, "description", &it->description, 1);
        put_all(&job->lines, "keywords", it->keywords, it->keyword_count);
        put_all(&job->lines, "examples", it->examples, it->example_count);
        put_all(&job->lines, "notes", &it->notes, it->notes.len != 0);
    }
    return 0;
}

static int run_stats(struct review_job *job)
{
    size_t count, counts[WEFT_M_REVIEW_STATE_COUNT] = {0};
    const weft_m_review *all = weft_m_reviews_list(job->reviews, &count);
    for (size_t i = 0; i < count; i++)
        counts[all[i].state]++;
    wf_json json = {.out = &job->lines};
    if (job->is_json)
        wf_json_object(&json);
    for (unsigned i = 0; i < WEFT_M_REVIEW_STATE_COUNT; i++) {
        const char *name = weft_m_review_state_name((enum weft_m_review_state)i);
        if (job->is_json)
            wf_json_put_uint(&json, name, counts[i]);
        else
            wf_buf_printf(&job->lines, "%-16s %zu\n", name, counts[i]);
    }
    if (job->is_json) {
        wf_json_object_end(&json);
        wf_buf_putc(&job->lines, '\n');
    }
    return 0;
}

/* ---- decisions ---- */

/* Those before it are decided. */
static int say_of_id(const struct review_job *job, const char *id, int rc,
                     const weft_m_error *error)
{
    weft_text text;
    if (rc == 0 || rc == -ECANCELED)
        return rc;
    if (strcmp(error->field, "review_id") == 0)
        return say_failed("%s: %s", job->store, error->message); /* it is named already */
    if (weft_m_error_text(error, &text) < 0)
        return load_say(error);
    rc = say_failed("review %s: %s", id, text.ptr);
    weft_text_free(&text);
    return rc;
}

static int decide(struct review_job *job, enum weft_m_review_state state)
{
    weft_m_error error;
    for (size_t i = 0; i < job->id_count; i++) {
        weft_str id = weft_str_of(job->ids[i]);
        int rc = weft_m_reviews_decide(job->reviews, id, state, job->notes, &error);
        if (rc < 0)
            return say_of_id(job, job->ids[i], rc, &error);
        put_review(job, weft_m_reviews_find(job->reviews, id));
    }
    return 0;
}

static int run_approve(struct review_job *job)
{
    return decide(job, WEFT_M_REVIEW_APPROVED);
}

static int run_reject(struct review_job *job)
{
    return decide(job, WEFT_M_REVIEW_REJECTED);
}

static void put_promotion(struct review_job *job, weft_str id, const weft_m_promotion *promotion)
{
    if (!job->is_json) {
        table_cell(&job->lines, id, 0);
        wf_buf_printf(&job->lines, ": %s%s\n",
                      promotion->entities_added != 0 ? "added" : "was there already",
                      promotion->retrain_required ? "; the matcher should learn again" : "");
        return;
    }
    weft_text text;
    int rc = weft_m_promotion_json(weft_m_reviews_find(job->reviews, id), promotion, &text);
    put_line(&job->lines, rc, &text);
}

static int promote_one(struct review_job *job, const char *review)
{
    weft_m_promotion promotion;
    weft_m_error error;
    weft_str id = weft_str_of(review);
    int rc = weft_m_reviews_promote(job->reviews, id, job->notes, job->matcher, job->matcher_path,
                                    &promotion, &error);
    if (rc == 0)
        put_promotion(job, id, &promotion);
    return say_of_id(job, review, rc, &error);
}

static int run_promote(struct review_job *job)
{
    weft_m_error error;
    if (job->matcher_path == NULL)
        return say_usage("match review", "promote needs the matcher's file: --matcher FILE");
    int rc = say_of(weft_m_load(&job->matcher, job->matcher_path, NULL, &error), &error);
    for (size_t i = 0; i < job->id_count && rc == 0; i++)
        rc = promote_one(job, job->ids[i]);
    weft_m_close(job->matcher);
    return rc;
}

/* ---- the run ---- */

static const struct verb verbs[] = {
    {"list", false, run_list},    {"show", true, run_show},       {"approve", true, run_approve},
    {"reject", true, run_reject}, {"promote", true, run_promote}, {"stats", false, run_stats},
};

/* A store that is not there is an empty one to the library; who names one here means one. */
static int check_store(const char *path)
{
    struct stat info;
    int rc = weft_stat(path, &info);
    if (rc == 0 || rc == -ECANCELED)
        return rc;
    return say_failed("%s: %s%s", path, weft_strerror(rc),
                      rc == -ENOENT ? "; 'weft match discover --storage-path FILE' begins one"
                                    : "");
}

static int review_run(struct review_job *job)
{
    weft_m_error error;
    int rc = check_store(job->store);
    if (rc == 0)
        rc = say_of(weft_m_reviews_open(&job->reviews, job->store, &error), &error);
    if (rc == 0)
        rc = job->verb->run(job);
    weft_m_reviews_close(job->reviews);
    int out = wf_buf_bytes(&job->lines) != 0 ? output_lines(&job->lines) : job->lines.rc;
    wf_buf_fini(&job->lines);
    return rc != 0 ? rc : say_written(out);
}

/* ---- arguments ---- */

static const char review_about[] =
    "Usage: weft match review list|show|approve|reject|promote|stats [OPTIONS] [ID...]\n\n"
    "Shows the entities that 'match discover' has proposed (list, show, stats), approves or "
    "rejects\n"
    "them, and promotes them: a promoted one becomes an entity of --matcher, which is saved.\n"
    "Writes one JSON object a line, or a table on a terminal.\n";

static const char review_examples[] =
    "  weft match discover -m bank.weftm -f questions.txt --storage-path reviews.json\n"
    "  weft match review list --storage-path reviews.json\n"
    "  weft match review promote --storage-path reviews.json -m bank.weftm 1f0c93d2-0\n";

static int read_verb(struct review_job *job, int argc, char **argv)
{
    for (size_t i = 0; argc > 0 && i < sizeof(verbs) / sizeof(*verbs); i++) {
        if (strcmp(argv[0], verbs[i].name) == 0)
            job->verb = &verbs[i];
    }
    if (job->verb == NULL)
        return say_usage("match review", "say list, show, approve, reject, promote or stats");
    job->ids = argv + 1;
    job->id_count = (size_t)argc - 1;
    if (job->verb->needs_ids != (job->id_count != 0))
        return say_usage("match review",
                         job->verb->needs_ids ? "%s which? give the ids of reviews"
                                              : "%s takes no ids",
                         job->verb->name);
    if (job->state_name != NULL)
        (void)weft_m_review_state_of(weft_str_of(job->state_name), &job->state);
    return 0;
}

int cmd_match_review(int argc, char **argv)
{
    struct review_job job = {.store = "review_records.json"};
    const struct args_option options[] = {
        {"storage-path", 0, "FILE", "the reviews (review_records.json)", ARGS_TEXT, &job.store, 0,
         0},
        {"discovery-id", 0, "ID", "list those of one discovery", ARGS_TEXT, &job.discovery_id, 0,
         0},
        {"state", 0, "pending_review|approved|rejected|promoted",
         "list those in this state (pending_review)", ARGS_CHOICE, &job.state_name, 0, 0},
        {"all", 0, NULL, "list those in any state", ARGS_FLAG, &job.is_all, 0, 0},
        {"notes", 0, "TEXT", "why it is approved, rejected or promoted", ARGS_TEXT, &job.notes, 0,
         0},
        {"matcher", 'm', "FILE", "promote: the matcher, which is saved again", ARGS_TEXT,
         &job.matcher_path, 0, 0},
        {"json", 0, NULL, "JSON on a terminal too", ARGS_FLAG, &job.is_json, 0, 0},
        {"help", 'h', NULL, "this text", ARGS_FLAG, &job.is_help, 0, 0},
    };
    const size_t count = sizeof(options) / sizeof(*options);
    char error[ARGS_ERROR_BYTES];
    if (args_parse(options, count, &argc, argv, error) < 0)
        return say_usage("match review", "%s", error);
    if (job.is_help)
        return say_help(review_about, options, count, review_examples);
    int rc = read_verb(&job, argc, argv);
    if (rc != 0)
        return rc;
    job.is_json |= !output_is_terminal();
    return review_run(&job);
}
