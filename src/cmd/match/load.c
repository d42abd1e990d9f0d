/* SPDX-License-Identifier: MIT */

#include "cmd/match/load.h"

#include "base/buf.h"
#include "base/names.h"
#include "cmd/io/input.h"
#include "cmd/io/progress.h"
#include "cmd/match/examples.h"
#include "cmd/say.h"

#include <weft/exec.h>
#include <weft/file.h>
#include <weft/reranker.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SKIP_SAID_MAX 20
#define FIELDS_LOOKED_AT 64

int load_check_format(const char *name, const char *option, const char *command,
                      enum weft_file_format *out)
{
    if (name == NULL || weft_file_format_parse((weft_str){name, strlen(name)}, out) == 0)
        return 0;
    return say_usage(command, "%s: %.64s is none of csv, tsv, json, ndjson, lines", option, name);
}

int load_check_entity_format(const char *name, const char *option, const char *command,
                             enum weft_file_format *out)
{
    if (name == NULL || (weft_file_format_parse((weft_str){name, strlen(name)}, out) == 0 &&
                         *out != WEFT_FILE_LINES))
        return 0;
    return say_usage(command, "%s: %.64s is none of csv, tsv, json, ndjson", option, name);
}

int load_check_delimiter(const char *name, const char *command, char *out)
{
    bool is_tab = name != NULL && strcmp(name, "tab") == 0;
    if (name == NULL)
        return 0;
    if (!is_tab && (strlen(name) != 1 || strchr(",;|:^~!#*/=_ ", name[0]) == NULL))
        return say_usage(command, "--delimiter: must be tab or one of , ; | : ^ ~ ! # * / = _");
    *out = is_tab ? '\t' : name[0];
    return 0;
}

/* `path` may be NULL. */
static int check_path(const char *path, const char *option, const char *command,
                      size_t *stdin_count)
{
    if (path == NULL)
        return 0;
    if (path[0] == '\0')
        return say_usage(command, "%s: the name of the file is empty", option);
    *stdin_count += strcmp(path, "-") == 0;
    return *stdin_count <= 1 ? 0 : say_usage(command, "standard input can be read only once");
}

bool load_has_matcher(const struct load *load)
{
    return load->files.count != 0 || load->matcher != NULL;
}

static bool needs_model(const char *score_kind)
{
    return score_kind != NULL &&
           (strcmp(score_kind, "dense") == 0 || strcmp(score_kind, "fused") == 0);
}

/* Those that cannot do without examples. */
static bool must_learn(const char *mode)
{
    return mode != NULL && (strcmp(mode, "head-only") == 0 || strcmp(mode, "full") == 0 ||
                            strcmp(mode, "bert") == 0);
}

static int check_learning(const struct load *load, const char *command)
{
    if (load->examples != NULL)
        return 0;
    if (load->matcher != NULL && load->mode != NULL)
        return say_usage(command,
                         "--mode is that of the matcher's file, unless --examples are given");
    if (load->files.count != 0 && must_learn(load->mode))
        return say_usage(command, "--mode %s learns; give examples with --examples FILE",
                         load->mode);
    return 0;
}

int load_check(struct load *load, const char *texts, const char *command)
{
    size_t stdin_count = 0;
    int rc = 0;
    if (!load_has_matcher(load) && !load->may_be_none)
        return say_usage(
            command,
            "no entities; give a file with --entities FILE or a matcher with --matcher FILE%s",
            load->or_else != NULL ? load->or_else : "");
    if (load->files.count != 0 && load->matcher != NULL)
        return say_usage(command, "--entities and --matcher at once");
    if (load->matcher != NULL && load->score_kind != NULL)
        return say_usage(command, "--score is that of the matcher's file");
    if (needs_model(load->score_kind) && load->model == NULL)
        return say_usage(command, "--score %s needs --model DIR", load->score_kind);
    if (load->matcher != NULL && load->blocking != NULL)
        return say_usage(command, "--blocking is that of the matcher's file");
    if (load->matcher == NULL && (load->blocking != NULL || load->reranker != NULL) &&
        (load->mode == NULL || strcmp(load->mode, "hybrid") != 0))
        return say_usage(command, "--%s is of --mode hybrid",
                         load->blocking != NULL ? "blocking" : "reranker");
    rc = check_learning(load, command);
    if (rc == 0)
        rc = check_path(load->matcher, "--matcher", command, &stdin_count);
    if (rc == 0)
        rc = check_path(load->examples, "--examples", command, &stdin_count);
    if (stdin_count != 0)
        return say_usage(command, "matchers and examples are not read from standard input");
    for (size_t i = 0; i < load->files.count && rc == 0; i++)
        rc = check_path(load->files.items[i], "--entities", command, &stdin_count);
    if (rc == 0)
        rc = check_path(texts, "--file", command, &stdin_count);
    if (rc == 0)
        rc = load_check_delimiter(load->delimiter_name, command, &load->delimiter);
    return rc != 0 ? rc
                   : load_check_entity_format(load->format_name, "--entities-format", command,
                                              &load->format);
}

int load_check_output(const struct load *load, const char *texts, const char *output,
                      const char *command)
{
    bool is_read = input_is_same(output, load->examples) || input_is_same(output, texts);
    for (size_t i = 0; i < load->files.count; i++)
        is_read |= input_is_same(output, load->files.items[i]);
    return is_read ? say_usage(command, "--output: %.200s is read; give another file", output) : 0;
}

int load_check_directory(const char *option, const char *path)
{
    struct stat info;
    int rc = path != NULL ? weft_stat(path, &info) : 0;
    if (path != NULL && rc == 0 && !S_ISDIR(info.st_mode))
        rc = -ENOTDIR;
    if (rc == -ENOENT)
        return say_failed("%s %.200s: there is no such directory", option, path);
    return rc < 0 && rc != -ECANCELED ? say_failed("%s %.200s: %s", option, path, weft_strerror(rc))
                                      : rc;
}

int load_make_directory(const char *option, const char *path)
{
    int rc = path != NULL ? weft_mkdir(path, 0777) : 0;
    if (rc == -EEXIST || rc == -ENOENT) /* what is there may be a file; what is not, its parent */
        return load_check_directory(option, path);
    return rc < 0 && rc != -ECANCELED
               ? say_failed("%s %.200s: cannot be made: %s", option, path, weft_strerror(rc))
               : rc;
}

/* The option, with its value, that a field of the libraries' errors is on the command line; else
 * NULL. */
static const char *option_of(const char *field)
{
    static const struct {
        const char *field, *option;
    } options[] = {
        {"training_data", "--examples FILE"},
        {"model", "--model DIR"},
        {"reranker", "--reranker DIR"},
        {"mode", "--mode"},
        {"score_kind", "--score"},
        {"threshold", "--threshold X"},
        {"top_k", "--top-k N"},
        {"blocking", "--blocking"},
        {"entities", "--entities FILE"},
        {"alpha", "--alpha X"},
        {"strategies", "--strategies NAMES"},
        {"combine", "--combine"},
        {"calibration", "--calibration"},
        {"neighbours", "--neighbours N"},
        {"within", "--within ID"},
        {"match_level", "--level"},
        {"max_depth", "--max-depth N"},
        {"format", "--entities-format F, of 'weft match ingest' --format F"},
        {"delimiter", "--delimiter C"},
        {"field", "--field NAME"},
        {"id_field", "--id-field NAME of 'weft match ingest'"},
        {"name_field", "--name-field NAME of 'weft match ingest'"},
    };
    for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
        if (strcmp(field, options[i].field) == 0)
            return options[i].option;
    }
    return NULL;
}

/* By its ending. */
static bool is_saved(const char *path)
{
    size_t bytes = strlen(path);
    return bytes > 6 && strcmp(path + bytes - 6, ".weftm") == 0;
}

/* To leave such rows out is to lose every name with an accent. */
static const char *encoding_advice(const char *text)
{
    static const char end[] = "not UTF-8";
    size_t bytes = strlen(text), end_bytes = sizeof(end) - 1;
    bool is_other = bytes >= end_bytes && strcmp(text + bytes - end_bytes, end) == 0;
    return is_other ? "\n  Save the file as UTF-8, perhaps with: iconv -f WINDOWS-1252 -t UTF-8"
                    : "";
}

int load_say_file(const weft_catalog_error *error)
{
    const char *option = error->is_row ? "--skip-bad" : NULL;
    char text[600];
    if (error->option != NULL)
        option = option_of(error->option);
    else if (is_saved(error->file))
        option = "--matcher FILE";
    weft_catalog_error_text(error, text, sizeof(text));
    if (option != NULL)
        return say_failed("%s%s\n  Option: %s", text, encoding_advice(text), option);
    return say_failed("%s%s", text, encoding_advice(text));
}

void load_say_skip(const weft_catalog_error *error, void *arg)
{
    size_t *said = arg;
    char text[600];
    if (++*said > SKIP_SAID_MAX)
        return;
    weft_catalog_error_text(error, text, sizeof(text));
    say("%s%s", text, *said == SKIP_SAID_MAX ? "\nfurther bad rows are only counted" : "");
}

int load_say(const weft_m_error *error)
{
    wf_buf text = {0};
    const char *option = option_of(error->field);
    wf_buf_puts(&text, error->message);
    if (option != NULL)
        wf_buf_printf(&text, "\n  Option: %s", option);
    else if (error->field[0] != '\0')
        wf_buf_printf(&text, "\n  Field: %s", error->field);
    if (error->entity[0] != '\0')
        wf_buf_printf(&text, "\n  Entity: %s", error->entity);
    if (error->suggestion[0] != '\0')
        wf_buf_printf(&text, "\n  %s", error->suggestion);
    wf_buf_putc(&text, '\0');
    say("%s", text.rc == 0 ? wf_buf_ptr(&text) : error->message);
    wf_buf_fini(&text);
    return EXIT_FAILED;
}

/* ---- files ---- */

static int load_file(const struct load *load, weft_catalog *catalog, const char *path,
                     size_t *said_count)
{
    const char *name = input_name(path);
    weft_catalog_options options = {
        .format = load->format,
        .delimiter = load->delimiter,
        .skip_bad = load->skip_bad,
        .on_skip = load_say_skip,
        .on_skip_arg = said_count,
    };
    weft_catalog_error error;
    struct input input;
    int rc = input_open(&input, path);
    if (rc == -ECANCELED)
        return rc;
    if (rc < 0)
        return say_failed("%s: %s", path, weft_strerror(rc));
    rc = weft_catalog_read(catalog, name, &options, &error, input_read, &input);
    input_close(&input);
    return rc == 0 || rc == -ECANCELED ? rc : load_say_file(&error);
}

/* A column "alias" is kept like any other, and nobody is found by what is in it. */
static void warn_aliases(const weft_catalog *catalog)
{
    const char *names[FIELDS_LOOKED_AT];
    size_t count = weft_catalog_field_count(catalog);
    count = count < FIELDS_LOOKED_AT ? count : FIELDS_LOOKED_AT;
    for (size_t i = 0; i < count; i++)
        names[i] = weft_catalog_field(catalog, i).ptr;
    const char *nearest = wf_names_nearest(weft_str_of("aliases"), names, count);
    if (nearest != NULL && !weft_catalog_has_field(catalog, weft_str_of("aliases")))
        say("warning: there is no column or key 'aliases', and '%.64s' is not read as that\n"
            "  Option: --aliases-field NAME of 'weft match ingest'",
            nearest);
}

static int load_files(struct load *load, weft_catalog *catalog)
{
    size_t said_count = 0;
    for (size_t i = 0; i < load->files.count; i++) {
        int rc = load_file(load, catalog, load->files.items[i], &said_count);
        if (rc != 0)
            return rc;
    }
    warn_aliases(catalog);
    weft_catalog_entities(catalog, &load->entity_count);
    load->skip_count = weft_catalog_skip_count(catalog);
    if (load->skip_count != 0)
        say("%zu bad rows left out, %zu entities read", load->skip_count, load->entity_count);
    if (load->entity_count == 0)
        return say_failed("%s: no entities in it", load->files.items[0]);
    return 0;
}

/* ---- the matcher ---- */

struct load_open {
    const weft_catalog *catalog;
    weft_m_options options;
    weft_matcher *matcher;
    weft_m_error error;
};

static int open_body(void *arg)
{
    struct load_open *open = arg;
    size_t count;
    const weft_m_entity *entities = weft_catalog_entities(open->catalog, &count);
    return weft_m_open(&open->matcher, entities, count, &open->options, &open->error);
}

/* An entity is better told as the line it came from. */
static int say_open(const weft_catalog *catalog, const weft_m_error *error)
{
    size_t at = error->entity_index >= 0 ? (size_t)error->entity_index : SIZE_MAX;
    size_t line = weft_catalog_line(catalog, at);
    return line == 0
               ? load_say(error)
               : say_failed("%s:%zu: %s", weft_catalog_file(catalog, at), line, error->message);
}

/* The reranker's directory, read; *out NULL: there is none. */
static int open_reranker(const struct load *load, weft_reranker **out)
{
    weft_m_error error;
    *out = NULL;
    if (load->reranker == NULL)
        return 0;
    int rc = weft_reranker_open(out, load->reranker, &error);
    return rc == 0 || rc == -ECANCELED ? rc : load_say(&error);
}

/* Answers of another kind than were asked for are not given in silence. */
static void warn_missing(weft_matcher *matcher)
{
    weft_m_info info = {.size = sizeof(info)};
    if (weft_m_info_get(matcher, &info) == 0 && info.missing_model != NULL)
        fprintf(stderr, "weft: warning: there is no model '%s': texts are compared as texts\n",
                info.missing_model);
}

static int load_open(const struct load *load, const weft_catalog *catalog, weft_matcher **out)
{
    struct load_open open = {.catalog = catalog};
    weft_m_options_init(&open.options);
    open.options.metric = load->metric;
    open.options.metric_arg = load->metric_arg;
    open.options.check_hierarchy = load->check_hierarchy;
    if (!isnan(load->threshold))
        open.options.threshold = (float)load->threshold;
    if (load->mode != NULL)
        open.options.mode = weft_str_of(load->mode);
    if (load->blocking != NULL)
        open.options.blocking = weft_str_of(load->blocking);
    if (load->score_kind != NULL)
        open.options.score_kind = weft_str_of(load->score_kind);
    if (load->model != NULL)
        open.options.model = weft_str_of(load->model);
    int rc = open_reranker(load, &open.options.reranker);
    if (rc != 0)
        return rc;
    rc = weft_run_cpu(open_body, &open);
    weft_reranker_unref(open.options.reranker);
    if (rc == -ECANCELED)
        return rc;
    if (rc < 0)
        return say_open(catalog, &open.error);
    warn_missing(open.matcher);
    *out = open.matcher;
    return 0;
}

static int load_entities(struct load *load, weft_matcher **out)
{
    weft_catalog *catalog;
    int rc = weft_catalog_new(&catalog);
    if (rc < 0)
        return say_failed("%s", weft_strerror(rc));
    rc = load_files(load, catalog);
    if (rc == 0)
        rc = load_open(load, catalog, out);
    weft_catalog_free(catalog);
    return rc;
}

/* By its ending. */
static bool is_catalogue(const char *path)
{
    enum weft_file_format format;
    const char *slash = strrchr(path, '/');
    const char *dot = strrchr(slash != NULL ? slash : path, '.');
    return dot != NULL && weft_file_format_parse(weft_str_of(dot + 1), &format) == 0 &&
           format != WEFT_FILE_LINES;
}

static int say_not_loaded(const struct load *load, const weft_m_error *error)
{
    return error->rc == -WEFT_M_EPERSIST && is_catalogue(load->matcher)
               ? say_failed("%s; a catalogue goes with --entities", error->message)
               : load_say(error);
}

static int load_saved(struct load *load, weft_matcher **out)
{
    weft_m_options options;
    weft_m_error error;
    weft_m_options_init(&options);
    options.metric = load->metric;
    options.metric_arg = load->metric_arg;
    options.check_hierarchy = load->check_hierarchy;
    if (load->model != NULL)
        options.model = weft_str_of(load->model);
    int rc = open_reranker(load, &options.reranker);
    if (rc != 0)
        return rc;
    rc = weft_m_load(out, load->matcher, &options, &error);
    weft_reranker_unref(options.reranker);
    if (rc == 0 && !isnan(load->threshold))
        rc = weft_m_set_threshold(*out, (float)load->threshold, &error);
    return rc == 0 || rc == -ECANCELED ? rc : say_not_loaded(load, &error);
}

/* ---- examples ---- */

static int load_learn(const struct load *load, weft_matcher *matcher)
{
    struct examples examples = {.matcher = matcher};
    struct progress progress;
    weft_m_fit_options options;
    weft_m_error error;
    weft_m_fit_options_init(&options);
    progress_init(&progress, load->wants_progress, /* is_for_file= */ true);
    options.progress = progress_show;
    options.progress_arg = &progress;
    if (load->mode != NULL)
        options.mode = weft_str_of(load->mode);
    int rc = examples_read(&examples, load->examples, load->delimiter);
    static const weft_m_example none; /* a file without examples is not no file */
    if (rc == 0) {
        rc = weft_m_fit(matcher, examples.count != 0 ? examples.items : &none, examples.count,
                        &options, &error);
        progress_hide(&progress);
        if (rc < 0 && rc != -ECANCELED)
            rc = load_say(&error);
    }
    examples_fini(&examples);
    return rc;
}

static void read_info(struct load *load, weft_matcher *matcher)
{
    weft_m_info info = {.size = sizeof(info)};
    if (weft_m_info_get(matcher, &info) < 0)
        return;
    load->threshold = (double)info.threshold;
    load->entity_count = info.entity_count;
}

int load_matcher(struct load *load, weft_matcher **out)
{
    int rc = load->matcher != NULL ? load_saved(load, out) : load_entities(load, out);
    if (rc == 0 && load->examples != NULL)
        rc = load_learn(load, *out);
    if (rc == 0)
        read_info(load, *out);
    return rc;
}

int load_fit(weft_matcher *matcher, weft_m_error *error)
{
    weft_m_info info = {.size = sizeof(info)};
    if (weft_m_info_get(matcher, &info) == 0 && info.is_ready)
        return 0;
    return weft_m_fit(matcher, NULL, 0, NULL, error);
}
