/* SPDX-License-Identifier: MIT */

#include "service/make.h"

#include <weft/exec.h>

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

static const char *const modes[] = {"auto",   "zero-shot", "head-only", "full",
                                    "hybrid", "bert",      NULL};
static const char *const score_kinds[] = {"auto", "probability", "cosine", NULL};

static const struct make_options preset = {.threshold = NAN, .normalize = true};
static const weft_field option_fields[] = {
    {WEFT_FIELD_DOUBLE(struct make_options, threshold), .flags = WEFT_NULLABLE,
     .interval = WEFT_INTERVAL(0, 1)},
    {WEFT_FIELD_STRING(struct make_options, mode), .flags = WEFT_NULLABLE, .choices = modes},
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

/* ---- entities ---- */

/* The catalogue counts rows from 1; the body's items count from 0. */
static void say_row(const weft_catalog_error *from, weft_m_error *error)
{
    *error =
        (weft_m_error){.rc = from->rc, .limit = -1, .seen = -1, .offset = -1, .entity_index = -1};
    if (from->limit != 0)
        error->limit = (int64_t)from->limit;
    if (from->line == 0) {
        snprintf(error->field, sizeof(error->field), "entities");
    } else {
        error->entity_index = (int64_t)from->line - 1;
        snprintf(error->field, sizeof(error->field), "entities[%zu]%s%.30s", from->line - 1,
                 from->field[0] != '\0' ? "." : "", from->field);
    }
    snprintf(error->message, sizeof(error->message), "%s: %s", error->field, from->text);
}

struct reading {
    const weft_json *entities;
    weft_catalog *catalog;
    weft_m_error *error;
};

static int read_body(void *arg)
{
    struct reading *reading = arg;
    const weft_catalog_options options = {.entity_count_max = SERVICE_ENTITIES_MAX};
    weft_catalog_error error;
    int rc =
        weft_catalog_read_json(reading->catalog, "entities", reading->entities, &options, &error);
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

int make_catalog(const weft_json *entities, weft_catalog **out, weft_m_error *error)
{
    struct reading reading = {.entities = entities, .error = error};
    *out = NULL;
    *error = (weft_m_error){0};
    int rc = weft_catalog_new(&reading.catalog);
    if (rc < 0)
        return fail(error, rc);
    *out = reading.catalog;
    rc = weft_run_cpu(read_body, &reading);
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
    out->entity_count_max = SERVICE_ENTITIES_MAX;
    out->metric = measures_take;
    out->metric_arg = &service->measures;
}

/* What needs examples waits for them. */
static int fit(weft_matcher *matcher, const weft_str *mode, weft_m_error *error)
{
    static const char *const trained[] = {"head-only", "full", "bert"};
    for (size_t i = 0; i < 3; i++) {
        if (mode->len == strlen(trained[i]) && memcmp(mode->ptr, trained[i], mode->len) == 0)
            return 0;
    }
    return weft_m_fit(matcher, NULL, 0, NULL, error);
}

int make_matcher(struct service *service, const struct make_asked *asked, weft_matcher **out,
                 weft_m_error *error)
{
    weft_catalog *catalog;
    struct opening opening = {.error = error};
    int rc = make_catalog(asked->entities, &catalog, error);
    if (rc == 0) {
        opening.catalog = catalog;
        read_options(service, &asked->options, &opening.options);
        rc = weft_run_cpu(open_body, &opening);
    }
    weft_catalog_free(catalog);
    if (rc == 0)
        rc = fit(opening.matcher, &asked->options.mode, error);
    if (rc < 0)
        weft_m_close(opening.matcher);
    else
        *out = opening.matcher;
    return rc < 0 && error->rc == 0 ? fail(error, rc) : rc;
}
