/* SPDX-License-Identifier: MIT */

/* weft match ingest: data of others, from files and servers, made into a catalogue. */
#include "base/json_write.h"
#include "base/utf8.h"
#include "cmd/command.h"
#include "cmd/io/input.h"
#include "cmd/io/outfile.h"
#include "cmd/io/output.h"
#include "cmd/io/progress.h"
#include "cmd/io/remote.h"
#include "cmd/match/load.h"
#include "cmd/match/paths.h"
#include "cmd/say.h"

#include <weft/error.h>
#include <weft/exec.h>
#include <weft/hierarchy.h>

#include <stdio.h>
#include <string.h>

#define ALIASES_FIELDS_MAX 8u   /* as the catalogue has it */
#define FIELD_SHOWN_BYTES 64    /* of a column's name */
#define FIELDS_SHOWN_BYTES 400u /* about so much of all of them */

static const char ingest_about[] =
    "Usage: weft match ingest [OPTIONS] SOURCE...\n\n"
    "Reads entities from files, standard input (-) or http and https servers, whatever their\n"
    "columns or keys are called, and writes them as one catalogue of NDJSON.  An id that comes\n"
    "again adds its name and aliases to the first of it.  Nothing is written if a source fails.\n";

static const char ingest_examples[] =
    "  weft match ingest --id-field alpha2 --name-field name countries.json -o countries.ndjson\n"
    "  weft match ingest --id-field iata --name-field city --aliases-field airport,region \\\n"
    "      --skip-bad airports.csv more.csv -o airports.ndjson\n"
    "  weft match ingest --id-field Artikel --name-field Bezeichnung --delimiter ';' artikel.csv\n"
    "  weft match ingest https://example.org/products.csv -o products.ndjson\n";

struct ingest_job {
    const char *id_field, *name_field, *aliases_field, *parents_field, *path_field, *separator,
        *path_separator, *format_name, *delimiter_name, *path;
    int64_t bytes_max, seconds;
    bool skip_bad, is_strict, wants_progress, is_help;
    enum weft_file_format format;

    weft_catalog *catalog;
    struct paths paths;
    const weft_m_entity *entities; /* to be written */
    size_t entity_count;
    weft_catalog_options options;
    size_t said_count;
    struct progress progress;
    wf_buf lines;
};

/* ---- one source ---- */

struct source {
    struct ingest_job *job;
    weft_catalog_read_fn *read;
    void *arg;
    uint64_t bytes;
};

static ssize_t source_read(void *buf, size_t bytes, void *arg)
{
    struct source *source = arg;
    ssize_t count = source->read(buf, bytes, source->arg);
    source->bytes += count > 0 ? (uint64_t)count : 0;
    progress_step(&source->job->progress, source->bytes);
    return count;
}

static int read_source(struct ingest_job *job, const char *name, weft_catalog_read_fn *read,
                       void *arg)
{
    struct source source = {.job = job, .read = read, .arg = arg};
    weft_catalog_error error;
    int rc = weft_catalog_read(job->catalog, name, &job->options, &error, source_read, &source);
    progress_hide(&job->progress);
    return rc == 0 || rc == -ECANCELED ? rc : load_say_file(&error);
}

static int ingest_file(struct ingest_job *job, const char *path)
{
    struct input input;
    int rc = input_open(&input, path);
    if (rc < 0)
        return rc == -ECANCELED ? rc : say_failed("%s: %s", path, weft_strerror(rc));
    job->options.format = job->format;
    rc = read_source(job, input_name(path), input_read, &input);
    input_close(&input);
    return rc;
}

/* The name's ending says the format: without "?query" and "#place". */
static int ingest_url(struct ingest_job *job, const char *url)
{
    struct remote remote;
    char name[256];
    size_t bytes = strcspn(url, "?#");
    size_t cut = bytes < sizeof(name) ? 0 : bytes - sizeof(name) + 1;
    snprintf(name, sizeof(name), "%.*s", (int)(bytes - cut), url + cut);
    int rc = remote_open(&remote, url, (uint64_t)job->bytes_max << 20, job->seconds * WEFT_SEC);
    job->options.format = job->format != WEFT_FILE_AUTO ? job->format : remote.format;
    if (rc == 0)
        rc = read_source(job, name, remote_read, &remote);
    remote_close(&remote);
    return rc;
}

/* ---- the catalogue ---- */

static void put_entity(wf_json *json, const weft_m_entity *entity)
{
    wf_json_object(json);
    wf_json_key(json, "id");
    if (entity->id_is_integer)
        wf_json_raw(json, entity->id);
    else
        wf_json_str(json, entity->id);
    wf_json_put_str(json, "name", entity->name);
    if (entity->alias_count != 0)
        wf_json_put_strs(json, "aliases", entity->aliases, entity->alias_count);
    if (entity->text.ptr != NULL)
        wf_json_put_str(json, "text", entity->text);
    wf_json_object_end(json);
    if (entity->extra.len <= 2)
        return;
    wf_buf_drop(json->out, 1); /* of both objects one is made */
    wf_buf_putc(json->out, ',');
    wf_buf_append(json->out, entity->extra.ptr + 1, entity->extra.len - 1);
}

static int put_all(void *arg)
{
    struct ingest_job *job = arg;
    for (size_t i = 0; i < job->entity_count && job->lines.rc == 0; i++) {
        wf_json json = {.out = &job->lines};
        put_entity(&json, &job->entities[i]);
        wf_buf_putc(&job->lines, '\n');
    }
    return job->lines.rc;
}

static int write_file(struct ingest_job *job)
{
    struct outfile file;
    int rc = outfile_open(&file, job->path, (weft_str){0}, true);
    if (rc == 0)
        rc = outfile_write(&file, &job->lines, 0);
    if (rc == 0)
        rc = outfile_finish(&file);
    outfile_close(&file);
    return rc;
}

struct arranging {
    struct ingest_job *job;
    weft_m_error error;
    size_t bad; /* entity, of -E2BIG */
};

static int make_paths(struct arranging *it)
{
    struct ingest_job *job = it->job;
    const char *separator = job->path_separator != NULL ? job->path_separator : ">";
    int rc = paths_make(&job->paths, job->entities, job->entity_count, weft_str_of(job->path_field),
                        weft_str_of(separator), &it->bad);
    if (rc == 0) {
        job->entities = job->paths.entities;
        job->entity_count = job->paths.entity_count;
    }
    return rc;
}

/* A hierarchy that no matcher can use, as one with a cycle, is told here rather than later. */
static int arrange_body(void *arg)
{
    struct arranging *it = arg;
    struct ingest_job *job = it->job;
    weft_hierarchy *hierarchy;
    if (job->path_field != NULL)
        WEFT_TRY(make_paths(it));
    int rc = weft_hierarchy_new(&hierarchy, job->entities, job->entity_count, NULL, &it->error);
    if (rc == 0)
        weft_hierarchy_unref(hierarchy);
    return rc;
}

static int arrange(struct ingest_job *job)
{
    struct arranging it = {.job = job};
    int rc = weft_run_cpu(arrange_body, &it);
    if (rc == 0 && job->path_field != NULL && job->paths.count == 0)
        return say_failed("no row has a path in '%s' (--path-field)", job->path_field);
    if (rc == 0 || rc == -ECANCELED)
        return rc;
    if (it.error.rc != 0)
        return load_say(&it.error);
    if (rc == -E2BIG)
        return say_failed("line %zu: %s: a path of more than %d names",
                          weft_catalog_line(job->catalog, it.bad), job->path_field,
                          PATHS_NAMES_MAX);
    return say_failed("%s", weft_strerror(rc));
}

static int say_no_field(const struct ingest_job *job, const char *option, weft_str name)
{
    wf_buf there = {0};
    size_t count = weft_catalog_field_count(job->catalog);
    for (size_t i = 0; i < count && wf_buf_bytes(&there) < FIELDS_SHOWN_BYTES; i++) {
        weft_str field = weft_catalog_field(job->catalog, i);
        wf_buf_printf(&there, "%s\"%.*s\"", i == 0 ? "" : ", ",
                      (int)wf_utf8_cut(field.ptr, field.len, FIELD_SHOWN_BYTES), field.ptr);
    }
    wf_buf_putc(&there, '\0');
    int rc = there.rc < 0 ? there.rc
                          : say_failed("%s: no record has %.*s; there are %s", option,
                                       (int)wf_utf8_cut(name.ptr, name.len, FIELD_SHOWN_BYTES),
                                       name.ptr, wf_buf_ptr(&there));
    wf_buf_fini(&there);
    return rc;
}

/* `name` may be absent. */
static int check_field(const struct ingest_job *job, const char *option, weft_str name)
{
    bool is_there = name.len == 0 || weft_catalog_has_field(job->catalog, name);
    return is_there ? 0 : say_no_field(job, option, name);
}

/* A column that is in no record is a slip of the pen: what was asked for would be left out. */
static int check_fields(const struct ingest_job *job)
{
    int rc = check_field(job, "--parents-field", weft_str_of(job->parents_field));
    if (rc == 0)
        rc = check_field(job, "--path-field", weft_str_of(job->path_field));
    for (const char *at = job->aliases_field; at != NULL && rc == 0;) {
        weft_str name = {at, strcspn(at, ",")};
        rc = check_field(job, "--aliases-field", name);
        at = at[name.len] != '\0' ? at + name.len + 1 : NULL;
    }
    return rc;
}

static int write_catalog(struct ingest_job *job)
{
    job->entities = weft_catalog_entities(job->catalog, &job->entity_count);
    if (job->entity_count == 0)
        return say_failed("the sources hold no entities");
    int rc = check_fields(job);
    if (rc == 0)
        rc = arrange(job);
    if (rc != 0)
        return rc;
    rc = output_make(put_all, job);
    if (rc == 0)
        rc = job->path != NULL ? write_file(job) : say_written(output_lines(&job->lines));
    if (rc < 0)
        return rc == -ECANCELED
                   ? rc
                   : say_failed("%s: %s", job->path != NULL ? job->path : "standard output",
                                weft_strerror(rc));
    if (rc == 0)
        say("%zu entities, %zu rows merged, %zu bad rows left out", job->entity_count,
            weft_catalog_merge_count(job->catalog), weft_catalog_skip_count(job->catalog));
    return rc;
}

static int ingest_source(struct ingest_job *job, const char *source)
{
    if (remote_is_url(source))
        return ingest_url(job, source);
    if (strstr(source, "://") != NULL)
        return say_failed("%s: addresses begin with http:// or https://", source);
    return ingest_file(job, source);
}

static int ingest_run(struct ingest_job *job, char **sources, size_t count)
{
    int rc = weft_catalog_new(&job->catalog);
    if (rc < 0)
        return say_failed("%s", weft_strerror(rc));
    for (size_t i = 0; i < count && rc == 0; i++) {
        progress_init(&job->progress, job->wants_progress, true);
        rc = ingest_source(job, sources[i]);
    }
    if (rc == 0)
        rc = write_catalog(job);
    paths_fini(&job->paths);
    weft_catalog_free(job->catalog);
    wf_buf_fini(&job->lines);
    return rc;
}

/* ---- its arguments ---- */

static weft_str or_empty(const char *text)
{
    return text != NULL ? weft_str_of(text) : (weft_str){0};
}

static size_t count_names(const char *list)
{
    size_t count = list != NULL;
    for (; list != NULL && *list != '\0'; list++)
        count += *list == ',';
    return count;
}

static int ingest_check(struct ingest_job *job, int argc, char **argv)
{
    size_t stdin_count = 0;
    for (int i = 0; i < argc; i++)
        stdin_count += strcmp(argv[i], "-") == 0;
    if (argc == 0)
        return say_usage("match ingest", "no source; give files, URLs, or - for standard input");
    if (stdin_count > 1)
        return say_usage("match ingest", "standard input can be read only once");
    if (job->separator != NULL && (strlen(job->separator) != 1 || job->separator[0] == '\n'))
        return say_usage("match ingest", "--separator: must be one character");
    if (count_names(job->aliases_field) > ALIASES_FIELDS_MAX)
        return say_usage("match ingest", "--aliases-field: more than %u names", ALIASES_FIELDS_MAX);
    if (job->path_field != NULL && job->parents_field != NULL)
        return say_usage("match ingest", "--path-field and --parents-field at once");
    if (job->path_separator != NULL && job->path_field == NULL)
        return say_usage("match ingest", "--path-separator is for --path-field");
    if (job->path_separator != NULL && job->path_separator[0] == '\0')
        return say_usage("match ingest", "--path-separator: is empty");
    if (job->path != NULL && job->path[0] == '\0')
        return say_usage("match ingest", "--output: the name of the file is empty");
    job->options = (weft_catalog_options){
        .skip_bad = job->skip_bad,
        .on_skip = load_say_skip,
        .on_skip_arg = &job->said_count,
        .id_field = or_empty(job->id_field),
        .name_field = or_empty(job->name_field),
        .aliases_field = or_empty(job->aliases_field),
        .parents_field = or_empty(job->parents_field),
        .alias_separator = job->separator != NULL ? job->separator[0] : '\0',
        .merges = !job->is_strict,
    };
    int rc = load_check_delimiter(job->delimiter_name, "match ingest", &job->options.delimiter);
    return rc != 0 ? rc
                   : load_check_entity_format(job->format_name, "--format", "match ingest",
                                              &job->format);
}

int cmd_match_ingest(int argc, char **argv)
{
    struct ingest_job job = {.bytes_max = 50, .seconds = 60};
    const struct args_option options[] = {
        {"output", 'o', "FILE", "the catalogue; else standard output", ARGS_TEXT, &job.path, 0, 0},
        {"format", 0, "F", "csv, tsv, json, ndjson; else by the name, else the content", ARGS_TEXT,
         &job.format_name, 0, 0},
        {"delimiter", 0, "C",
         "between the fields of csv: a character or tab; else by the first row", ARGS_TEXT,
         &job.delimiter_name, 0, 0},
        {"id-field", 0, "NAME", "the column or key of the id (id)", ARGS_TEXT, &job.id_field, 0, 0},
        {"name-field", 0, "NAME", "of the name (name)", ARGS_TEXT, &job.name_field, 0, 0},
        {"aliases-field", 0, "NAMES", "of further names; several with commas (aliases)", ARGS_TEXT,
         &job.aliases_field, 0, 0},
        {"parents-field", 0, "NAME", "of the ids above: a hierarchy (CSV and TSV: parents)",
         ARGS_TEXT, &job.parents_field, 0, 0},
        {"path-field", 0, "NAME", "of the names above, 'Food > Cheese': a hierarchy", ARGS_TEXT,
         &job.path_field, 0, 0},
        {"path-separator", 0, "TEXT", "between the names of a path (>)", ARGS_TEXT,
         &job.path_separator, 0, 0},
        {"separator", 0, "C", "between the aliases, or parents, of one field or string (|)",
         ARGS_TEXT, &job.separator, 0, 0},
        {"strict", 0, NULL, "an id that comes again is a bad row", ARGS_FLAG, &job.is_strict, 0, 0},
        {"skip-bad", 0, NULL, "leave bad rows out and count them", ARGS_FLAG, &job.skip_bad, 0, 0},
        {"bytes-max", 0, "MIB", "of what a server sends, 1 to 4096 (50)", ARGS_INTEGER,
         &job.bytes_max, 1, 4096},
        {"timeout", 0, "SECONDS", "for what a server sends, 1 to 3600 (60)", ARGS_INTEGER,
         &job.seconds, 1, 3600},
        {"progress", 0, NULL, "progress on standard error, off a terminal in lines", ARGS_FLAG,
         &job.wants_progress, 0, 0},
        {"help", 'h', NULL, "this text", ARGS_FLAG, &job.is_help, 0, 0},
    };
    const size_t count = sizeof(options) / sizeof(*options);
    char error[ARGS_ERROR_BYTES];
    if (args_parse(options, count, &argc, argv, error) < 0)
        return say_usage("match ingest", "%s", error);
    if (job.is_help)
        return say_help(ingest_about, options, count, ingest_examples);
    int rc = ingest_check(&job, argc, argv);
    return rc != 0 ? rc : ingest_run(&job, argv, (size_t)argc);
}
