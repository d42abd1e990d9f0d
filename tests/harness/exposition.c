/* SPDX-License-Identifier: MIT */

#include "exposition.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAMILIES_MAX 256
#define NAME_BYTES 128
#define LABELS_BYTES 512

struct family {
    char name[NAME_BYTES], type[16];
    bool has_help, has_samples;
};

/* One series of a histogram, as its lines come by. */
struct series {
    char labels[LABELS_BYTES]; /* without le */
    double le, below, inf;
    bool has_inf, has_sum;
};

struct reader {
    const char *at, *end;
    unsigned line;
    struct family families[FAMILIES_MAX];
    size_t count;
    struct series series;
    bool has_series;
};

static char problem[256];

static const char *wrong(const struct reader *reader, const char *what)
{
    snprintf(problem, sizeof problem, "line %u: %s", reader->line, what);
    return problem;
}

/* ---- words ---- */

static size_t name_length(const char *at, bool has_colons)
{
    size_t len = 0;
    while (isalpha((unsigned char)at[len]) || at[len] == '_' || (has_colons && at[len] == ':') ||
           (len > 0 && isdigit((unsigned char)at[len])))
        len++;
    return len;
}

static bool take(const char **at, const char *word)
{
    size_t len = strlen(word);
    if (strncmp(*at, word, len) != 0)
        return false;
    *at += len;
    return true;
}

static bool take_name(const char **at, char out[NAME_BYTES])
{
    size_t len = name_length(*at, /* has_colons= */ true);
    if (len == 0 || len >= NAME_BYTES)
        return false;
    memcpy(out, *at, len);
    out[len] = '\0';
    *at += len;
    return true;
}

/* A quoted value; its place in the line. */
static bool take_quoted(const char **at, weft_str *out)
{
    if (!take(at, "\""))
        return false;
    out->ptr = *at;
    for (; **at != '"'; ++*at) {
        if (**at == '\0')
            return false;
        if (**at != '\\')
            continue;
        ++*at;
        if (**at != '\\' && **at != '"' && **at != 'n')
            return false;
    }
    out->len = (size_t)(*at - out->ptr);
    ++*at;
    return true;
}

/* "{a="x",le="1"}": those but le go into `others`. */
static bool take_labels(const char **at, char others[LABELS_BYTES], double *out_le)
{
    size_t used = 0;
    others[0] = '\0';
    *out_le = NAN;
    if (!take(at, "{"))
        return true;
    for (;;) {
        weft_str value;
        size_t len = name_length(*at, /* has_colons= */ false);
        const char *name = *at;
        *at += len;
        if (len == 0 || !take(at, "=") || !take_quoted(at, &value))
            return false;
        if (len == 2 && strncmp(name, "le", 2) == 0)
            *out_le = strncmp(value.ptr, "+Inf", 4) == 0 ? INFINITY : strtod(value.ptr, NULL);
        else
            used += (size_t)snprintf(others + used, LABELS_BYTES - used, "%.*s=%.*s,", (int)len,
                                     name, (int)value.len, value.ptr);
        if (used >= LABELS_BYTES)
            return false;
        if (take(at, "}"))
            return true;
        if (!take(at, ","))
            return false;
    }
}

static bool take_number(const char **at, double *out)
{
    char *end;
    if (take(at, "+Inf"))
        *out = INFINITY;
    else if (take(at, "-Inf"))
        *out = -INFINITY;
    else if (take(at, "NaN"))
        *out = NAN;
    else {
        if (strspn(*at, "+-0123456789.eE") == 0)
            return false;
        *out = strtod(*at, &end);
        if (end == *at)
            return false;
        *at = end;
    }
    return **at == '\0';
}

/* ---- lines ---- */

static struct family *family_named(struct reader *reader, const char *name)
{
    for (size_t i = 0; i < reader->count; i++) {
        if (strcmp(reader->families[i].name, name) == 0)
            return &reader->families[i];
    }
    return NULL;
}

static const char *read_comment(struct reader *reader, const char *at)
{
    char name[NAME_BYTES];
    bool is_help = take(&at, "# HELP ");
    if (!is_help && !take(&at, "# TYPE "))
        return NULL; /* any other comment */
    if (!take_name(&at, name) || !take(&at, " "))
        return wrong(reader, "no name, or nothing behind it");
    struct family *family = family_named(reader, name);
    if (family == NULL) {
        if (reader->count == FAMILIES_MAX)
            return wrong(reader, "too many families");
        family = &reader->families[reader->count++];
        snprintf(family->name, sizeof family->name, "%s", name);
    } else if (family != &reader->families[reader->count - 1] || family->has_samples) {
        return wrong(reader, "a family in two places");
    }
    if (is_help && family->has_help)
        return wrong(reader, "a second HELP");
    family->has_help |= is_help;
    if (is_help)
        return NULL;
    if (family->type[0] != '\0')
        return wrong(reader, "a second TYPE");
    if (strcmp(at, "counter") != 0 && strcmp(at, "gauge") != 0 && strcmp(at, "histogram") != 0)
        return wrong(reader, "an unknown TYPE");
    snprintf(family->type, sizeof family->type, "%.15s", at);
    return NULL;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static const char *end_series(struct reader *reader)
{
    if (reader->has_series)
        return wrong(reader, "the histogram before has no _count");
    return NULL;
}

static const char *read_bucket(struct reader *reader, const char *labels, double le, double value)
{
    struct series *series = &reader->series;
    if (!reader->has_series) {
        *series = (struct series){.le = -INFINITY};
        snprintf(series->labels, sizeof series->labels, "%s", labels);
        reader->has_series = true;
    }
    if (strcmp(series->labels, labels) != 0)
        return wrong(reader, "a bucket of another series");
    if (isnan(le) || !(le > series->le))
        return wrong(reader, "buckets out of order");
    if (value < series->below)
        return wrong(reader, "a bucket below the one before");
    series->le = le;
    series->below = value;
    series->has_inf |= isinf(le);
    series->inf = value;
    return NULL;
}

static const char *read_histogram(struct reader *reader, const char *suffix, const char *labels,
                                  double le, double value)
{
    struct series *series = &reader->series;
    if (strcmp(suffix, "_bucket") == 0)
        return read_bucket(reader, labels, le, value);
    if (!reader->has_series || !series->has_inf || strcmp(series->labels, labels) != 0)
        return wrong(reader, "no +Inf bucket before");
    if (strcmp(suffix, "_sum") == 0) {
        series->has_sum = true;
        return NULL;
    }
    if (strcmp(suffix, "_count") != 0)
        return wrong(reader, "no line of a histogram");
    if (!series->has_sum || value != series->inf)
        return wrong(reader, "no _sum, or _count is not the +Inf bucket");
    reader->has_series = false;
    return NULL;
}

static const char *read_sample(struct reader *reader, const char *at)
{
    char name[NAME_BYTES], labels[LABELS_BYTES];
    double le, value;
    if (!take_name(&at, name) || !take_labels(&at, labels, &le) || !take(&at, " ") ||
        !take_number(&at, &value))
        return wrong(reader, "no sample");
    struct family *family = reader->count > 0 ? &reader->families[reader->count - 1] : NULL;
    if (family == NULL || !family->has_help || family->type[0] == '\0')
        return wrong(reader, "a sample without HELP and TYPE");
    size_t len = strlen(family->name);
    family->has_samples = true;
    if (strncmp(name, family->name, len) != 0)
        return wrong(reader, "a sample of another family");
    if (strcmp(family->type, "histogram") == 0)
        return read_histogram(reader, name + len, labels, le, value);
    if (name[len] != '\0')
        return wrong(reader, "a sample of another family");
    bool is_counter = strcmp(family->type, "counter") == 0;
    if (is_counter && (!ends_with(name, "_total") || !(value >= 0)))
        return wrong(reader, "a counter without _total, or below 0");
    return NULL;
}

static const char *read_line(struct reader *reader, const char *line)
{
    if (line[0] == '\0')
        return NULL;
    const char *error = line[0] == '#' ? end_series(reader) : NULL;
    if (error != NULL)
        return error;
    return line[0] == '#' ? read_comment(reader, line) : read_sample(reader, line);
}

const char *exposition_check(const char *text, size_t bytes)
{
    static struct reader reader;
    static char line[4096];
    reader = (struct reader){.at = text, .end = text + bytes};
    while (reader.at < reader.end) {
        const char *end = memchr(reader.at, '\n', (size_t)(reader.end - reader.at));
        reader.line++;
        if (end == NULL)
            return wrong(&reader, "the last line has no end");
        size_t len = (size_t)(end - reader.at);
        if (len >= sizeof line || memchr(reader.at, '\0', len) != NULL)
            return wrong(&reader, "too long, or holds NUL");
        memcpy(line, reader.at, len);
        line[len] = '\0';
        const char *error = read_line(&reader, line);
        if (error != NULL)
            return error;
        reader.at = end + 1;
    }
    return end_series(&reader);
}

double exposition_value(const char *text, size_t bytes, const char *name_and_labels)
{
    size_t len = strlen(name_and_labels);
    const char *at = text, *end = text + bytes;
    while (at != NULL && at < end) {
        if ((size_t)(end - at) > len && memcmp(at, name_and_labels, len) == 0 && at[len] == ' ')
            return strtod(at + len + 1, NULL);
        at = memchr(at, '\n', (size_t)(end - at));
        at = at != NULL ? at + 1 : NULL;
    }
    return NAN;
}
