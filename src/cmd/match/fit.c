/* SPDX-License-Identifier: MIT */

/* weft match fit: a catalogue, and examples to learn from, made into a file. */
#include "base/alloc.h"
#include "cmd/command.h"
#include "cmd/match/load.h"
#include "cmd/say.h"
#include "service/leftover.h"

#include <string.h>
#include <weft/file.h>
#include <weft/novelty.h>

static const char fit_about[] =
    "Usage: weft match fit -e FILE [-x FILE] [OPTIONS] -o FILE\n\n"
    "Builds the index of a catalogue, learns from examples if there are any, and saves both as\n"
    "one file, which the other commands take with --matcher in a few milliseconds.\n"
    "Entities have the columns or keys id and name, and if wanted aliases, with | between them;\n"
    "of files that call them otherwise 'weft match ingest' makes a catalogue.\n"
    "With examples and no --mode, learning is tried on examples that are held out, and left\n"
    "if it does not help.\n";

static const char fit_examples[] =
    "  weft match fit -e countries.csv -o countries.weftm\n"
    "  weft match fit -e intents.csv -x questions.csv -o intents.weftm\n"
    "  weft match query -m intents.weftm \"where is my card\"\n";

/* So that nobody wonders why what was learnt is not there. */
static void say_tried(const char *path, const char *how, const weft_m_tried *tried)
{
    if (tried->asked != 0)
        say("%s: %s was right about %llu of %llu held-out examples, %llu of %llu names with slips",
            path, how, (unsigned long long)tried->right, (unsigned long long)tried->asked,
            (unsigned long long)tried->slips_right, (unsigned long long)tried->slips_asked);
}

static void say_trial(const weft_m_trial *trial, const char *path)
{
    say_tried(path, "no learning", &trial->zero_shot);
    say_tried(path, "head-only", &trial->head_only);
    say_tried(path, "full", &trial->full);
    say_tried(path, "bert", &trial->bert);
    say("%s: so it is %s: %s", path, trial->winner, trial->why);
}

static int say_fitted(const weft_matcher *matcher, const char *path)
{
    weft_m_info info = {.size = sizeof(info)};
    int rc = weft_m_info_get((weft_matcher *)matcher, &info);
    if (rc == 0)
        say("%s: %s, %llu entities, %llu rows", path, info.active_mode,
            (unsigned long long)info.entity_count, (unsigned long long)info.row_count);
    if (rc == 0 && info.trial.held_out != 0)
        say_trial(&info.trial, path);
    return rc;
}

static int fit_run(struct load *load, bool knows_novelty, const char *path)
{
    weft_matcher *matcher = NULL;
    weft_m_error error;
    int rc = load_matcher(load, &matcher);
    if (rc == 0 && knows_novelty) {
        rc = weft_m_novelty_prepare(matcher, NULL, &error);
        if (rc < 0 && rc != -ECANCELED)
            rc = load_say(&error);
    }
    if (rc == 0)
        rc = leftover_drop(path, LEFTOVER_AGE);
    if (rc == 0) {
        rc = weft_m_save(matcher, path, &error);
        if (rc < 0 && rc != -ECANCELED)
            rc = load_say(&error);
    }
    if (rc == 0)
        rc = say_fitted(matcher, path);
    weft_m_close(matcher);
    return rc;
}

/* The directory that `path` is to stand in. */
static int check_place(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return 0;
    char *directory = wf_strdup(path, (size_t)(slash - path));
    int rc = directory != NULL ? load_check_directory("--output", directory)
                               : say_failed("%s", weft_strerror(-ENOMEM));
    wf_free(directory);
    return rc;
}

/* Better now than when all is learnt. */
static int check_target(const char *path)
{
    struct stat info;
    int rc = weft_stat(path, &info);
    if (rc == -ENOENT || rc == -ENOTDIR)
        return check_place(path);
    if (rc == 0 && S_ISDIR(info.st_mode))
        return say_failed("%.200s is a directory", path);
    if (rc == 0 && !S_ISREG(info.st_mode))
        return say_failed("%.200s is no regular file", path);
    return rc == -ECANCELED ? rc : 0;
}

int cmd_match_fit(int argc, char **argv)
{
    struct load load = {.threshold = NAN, .check_hierarchy = true};
    const char *path = NULL;
    bool is_help = false, knows_novelty = false;
    const struct args_option options[] = {
        LOAD_OPTIONS(&load),
        {"output", 'o', "FILE", "the file to write", ARGS_TEXT, &path, 0, 0},
        {"novelty", 0, NULL, "learn what is normal too, for match novelty", ARGS_FLAG,
         &knows_novelty, 0, 0},
        {"progress", 0, NULL, "progress on standard error, off a terminal as done/total", ARGS_FLAG,
         &load.wants_progress, 0, 0},
        {"help", 'h', NULL, "this text", ARGS_FLAG, &is_help, 0, 0},
    };
    const size_t count = sizeof(options) / sizeof(*options);
    char error[ARGS_ERROR_BYTES];
    if (args_parse(options, count, &argc, argv, error) < 0)
        return say_usage("match fit", "%s", error);
    if (is_help)
        return say_help(fit_about, options, count, fit_examples);
    int rc = load_check(&load, NULL, "match fit");
    if (rc != 0)
        return rc;
    if (argc != 0)
        return say_usage("match fit",
                         "'%s' is one word too many; examples come from --examples FILE", argv[0]);
    if (path == NULL || path[0] == '\0')
        return say_usage("match fit", "no file to write; give one with --output FILE");
    rc = load_check_output(&load, NULL, path, "match fit");
    if (rc == 0)
        rc = check_target(path);
    if (rc != 0)
        return rc;
    return fit_run(&load, knows_novelty, path);
}
