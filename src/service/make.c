/* SPDX-License-Identifier: MIT */

#include "service/make.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/utf8.h"

#include <weft/exec.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- what may be asked ---- */

const char make_entities_json[] =
    "{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"object\",\"properties\":{"
    "\"id\":{\"type\":[\"string\",\"integer\"]},\"name\":{\"type\":\"string\"},"
    "\"aliases\":{\"type\":[\"array\",\"null\"],\"items\":{\"type\":\"string\"}},"
    "\"text\":{\"type\":[\"string\",\"null\"]}},\"required\":[\"id\",\"name\"]}}";

void make_check_entities(weft_issues *issues, const char *path, const void *member)
{
    const weft_json *value = *(const weft_json *const *)member;
    enum weft_json_kind kind = weft_json_kind(value);
    if (kind != WEFT_JSON_ARRAY)
        weft_issue(issues, path, "must be an array, is %s", weft_json_kind_name(kind));
    else if (weft_json_count(value) == 0)
        weft_issue(issues, path, "entities list cannot be empty");
}

static const char *const score_kinds[] = {"auto", "probability", "cosine", NULL};

static const struct make_options preset = {.threshold = NAN, .normalize = true};
static const weft_field option_fields[] = {
    {WEFT_FIELD_DOUBLE(struct make_options, threshold), .flags = WEFT_NULLABLE,
     .interval = WEFT_INTERVAL(0, 1)},
    {WEFT_FIELD_STRING(struct make_options, mode), .flags = WEFT_NULLABLE,
     .about = MAKE_ABOUT_MODE},
    {WEFT_FIELD_STRING(struct make_options, score_kind), .flags = WEFT_NULLABLE,
     .choices = score_kinds},
    {WEFT_FIELD_BOOL(struct make_options, normalize)},
};
static const weft_schema option_schema = {
    .name = "MatcherOptions",
    .bytes = sizeof(struct make_options),
    .fields = option_fields,
    .field_count = sizeof(option_fields) / sizeof(*option_fields),
    .preset = &preset,
};

static const struct make_asked asked_preset = {.options = {.threshold = NAN, .normalize = true}};
static const weft_field fields[] = {
    MAKE_FIELD_ENTITIES(struct make_asked),
    {WEFT_FIELD_OBJECT(struct make_asked, options, &option_schema)},
};
const weft_schema ask_matcher = {
    .name = "Matcher",
    .bytes = sizeof(struct make_asked),
    .fields = fields,
    .field_count = sizeof(fields) / sizeof(*fields),
    .preset = &asked_preset,
};

int make_check_mode(weft_str mode, const char *field, weft_m_error *error)
{
    static const char *const modes[] = {"auto", "zero-shot", "head-only", "full", "hybrid", "bert"};
    if (mode.ptr == NULL)
        return 0;
    for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
        if (wf_str_is(mode, modes[i]))
            return 0;
    }
    *error = (weft_m_error){
        .rc = -WEFT_M_EMODE, .limit = -1, .seen = -1, .offset = -1, .entity_index = -1};
    snprintf(error->message, sizeof(error->message), "Invalid mode: %.*s",
             (int)wf_utf8_cut(mode.ptr, mode.len, 80), mode.ptr);
    snprintf(error->field, sizeof(error->field), "%s", field);
    snprintf(error->suggestion, sizeof(error->suggestion),
             "Valid modes: auto, zero-shot, head-only, full, hybrid, bert");
    return error->rc;
}

/* ---- entities ---- */

/* The catalogue counts rows from 1; the body's items count from 0. */
static void put_path(const weft_catalog_error *from, char out[64])
{
    if (from->line == 0)
        snprintf(out, 64, "entities");
    else
        snprintf(out, 64, "entities[%zu]%s%.30s", from->line - 1, from->field[0] != '\0' ? "." : "",
                 from->field);
}

static void say_row(const weft_catalog_error *from, weft_m_error *error)
{
    *error =
        (weft_m_error){.rc = from->rc, .limit = -1, .seen = -1, .offset = -1, .entity_index = -1};
    if (from->limit != 0)
        error->limit = (int64_t)from->limit;
    if (from->line != 0)
        error->entity_index = (int64_t)from->line - 1;
    put_path(from, error->field);
    snprintf(error->message, sizeof(error->message), "%s: %s", error->field, from->text);
}

struct reading {
    const weft_json *entities;
    weft_catalog *catalog;
    weft_m_error *error;
    weft_issues issues; /* each bad row */
};

/* The id of a row that was read: a string or an integer. */
static void put_id(const weft_json *row, char out[64])
{
    const weft_json *id = weft_json_get(row, "id");
    weft_str text = weft_json_string(id);
    if (text.ptr == NULL)
        snprintf(out, 64, "%" PRId64, weft_json_integer(id));
    else
        snprintf(out, 64, "%.*s", (int)wf_utf8_cut(text.ptr, text.len, 63), text.ptr);
}

static void take_bad(const weft_catalog_error *error, void *arg)
{
    struct reading *reading = arg;
    char path[64], id[64];
    put_path(error, path);
    if (error->first_line == 0) {
        size_t room = sizeof(reading->issues.items[0].text) - 1;
        weft_issue(&reading->issues, path, "%.*s",
                   (int)wf_utf8_cut(error->text, strlen(error->text), room), error->text);
    } else {
        put_id(weft_json_item(reading->entities, error->line - 1), id);
        weft_issue(&reading->issues, path, "%s is there already, from entities[%zu]", id,
                   error->first_line - 1);
    }
}

/* A file may have them in one string with bars between them, as what was a column; a body has no
 * columns, and a name with a bar in it would be taken for two. */
static void refuse_strings(struct reading *reading)
{
    for (size_t i = 0; i < weft_json_count(reading->entities); i++) {
        const weft_json *aliases = weft_json_get(weft_json_item(reading->entities, i), "aliases");
        char path[48];
        if (weft_json_kind(aliases) != WEFT_JSON_STRING)
            continue;
        snprintf(path, sizeof(path), "entities[%zu].aliases", i);
        weft_issue(&reading->issues, path, "must be an array of strings, is a string");
    }
}

/* -EINVAL: the issues say it. */
static int read_body(void *arg)
{
    struct reading *reading = arg;
    const weft_catalog_options options = {.entity_count_max = SERVICE_ENTITIES_MAX,
                                          .skip_bad = true,
                                          .on_skip = take_bad,
                                          .on_skip_arg = reading};
    weft_catalog_error error;
    refuse_strings(reading);
    int rc =
        weft_catalog_read_json(reading->catalog, "entities", reading->entities, &options, &error);
    if (reading->issues.count != 0)
        return -EINVAL;
    if (rc < 0)
        say_row(&error, reading->error);
    return rc;
}

static int fail(weft_m_error *error, int rc)
{
    *error = (weft_m_error){.rc = rc, .limit = -1, .seen = -1, .offset = -1, .entity_index = -1};
    snprintf(error->message, sizeof(error->message), "%s", weft_strerror(rc));
    return rc;
}

int make_catalog(weft_http_response *res, const weft_json *entities, weft_catalog **out,
                 weft_m_error *error)
{
    struct reading *reading = wf_alloc(sizeof(*reading));
    *out = NULL;
    *error = (weft_m_error){0};
    if (reading == NULL)
        return fail(error, -ENOMEM);
    reading->entities = entities;
    reading->error = error;
    int rc = weft_catalog_new(&reading->catalog);
    if (rc == 0) {
        *out = reading->catalog;
        rc = weft_run_cpu(read_body, reading);
    }
    if (rc == -EINVAL && reading->issues.count != 0) {
        rc = weft_http_respond_issues(res, &reading->issues);
        rc = rc < 0 ? rc : 1;
    }
    wf_free(reading);
    return rc < 0 && error->rc == 0 ? fail(error, rc) : rc;
}

/* ---- the matcher ---- */

struct opening {
    const weft_catalog *catalog;
    weft_m_options options;
    weft_matcher *matcher;
    weft_m_error *error;
};

static int open_body(void *arg)
{
    struct opening *opening = arg;
    size_t count;
    const weft_m_entity *entities = weft_catalog_entities(opening->catalog, &count);
    return weft_m_open(&opening->matcher, entities, count, &opening->options, opening->error);
}

static void read_options(struct service *service, const struct make_options *asked,
                         weft_m_options *out)
{
    weft_m_options_init(out);
    if (!isnan(asked->threshold))
        out->threshold = (float)asked->threshold;
    out->mode = asked->mode;
    out->score_kind = asked->score_kind;
    out->normalize = asked->normalize;
    out->check_hierarchy = true;
    out->entity_count_max = SERVICE_ENTITIES_MAX;
    out->metric = measures_take;
    out->metric_arg = &service->measures;
}

/* What needs examples waits for them. */
static int fit(weft_matcher *matcher, const weft_str *mode, weft_m_error *error)
{
    static const char *const trained[] = {"head-only", "full", "bert"};
    for (size_t i = 0; i < 3; i++) {
        if (wf_str_is(*mode, trained[i]))
            return 0;
    }
    return weft_m_fit(matcher, NULL, 0, NULL, error);
}

int make_matcher(struct service *service, weft_http_response *res, const struct make_asked *asked,
                 weft_matcher **out, weft_m_error *error)
{
    weft_catalog *catalog;
    struct opening opening = {.error = error};
    int rc = make_check_mode(asked->options.mode, "options.mode", error);
    if (rc < 0)
        return rc;
    rc = make_catalog(res, asked->entities, &catalog, error);
    if (rc == 0) {
        opening.catalog = catalog;
        read_options(service, &asked->options, &opening.options);
        rc = weft_run_cpu(open_body, &opening);
    }
    weft_catalog_free(catalog);
    if (rc == 0)
        rc = fit(opening.matcher, &asked->options.mode, error);
    if (rc != 0)
        weft_m_close(opening.matcher);
    else
        *out = opening.matcher;
    return rc < 0 && error->rc == 0 ? fail(error, rc) : rc;
}
