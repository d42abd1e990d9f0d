/* SPDX-License-Identifier: MIT */

#include "cmd/match/labelled.h"

#include "cmd/say.h"

#include <string.h>

struct labelled {
    struct texts texts;
    bool has_fields;
    texts_fn *fn;
    void *arg;
};

static bool has_fields(const char *path, enum weft_file_format format)
{
    const char *dot = strrchr(path, '.');
    if (format == WEFT_FILE_AUTO &&
        (dot == NULL || weft_file_format_parse(weft_str_of(dot + 1), &format) < 0))
        return false;
    return format == WEFT_FILE_CSV || format == WEFT_FILE_JSON || format == WEFT_FILE_NDJSON;
}

/* Columns and keys are always called so: --field is of other texts. */
static void forget_field(weft_catalog_error *error)
{
    if (error->option != NULL && strcmp(error->option, "field") == 0)
        error->option = NULL;
}

/* ---- lines ---- */

static weft_str take_field(weft_str *line)
{
    const char *tab = line->len != 0 ? memchr(line->ptr, '\t', line->len) : NULL;
    weft_str field = {line->ptr, tab != NULL ? (size_t)(tab - line->ptr) : line->len};
    size_t used = field.len + (tab != NULL);
    *line = (weft_str){line->ptr + used, line->len - used};
    return field;
}

/* The texts take the place of their lines; empty lines go. */
static int split_lines(const struct labelled *it, struct chunk *chunk)
{
    size_t kept = 0;
    for (size_t i = 0; i < chunk->count; i++) {
        weft_str line = chunk->texts[i];
        if (line.len == 0)
            continue;
        if (memchr(line.ptr, '\t', line.len) == NULL)
            return say_failed("%s:%zu: no tab; a line is a text, a tab and the right id, which is "
                              "empty for none%s",
                              input_name(it->texts.path), chunk->lines[i],
                              it->texts.input.is_stdin ? "\n  Option: --format csv, json or ndjson"
                                                       : "");
        chunk->lines[kept] = chunk->lines[i];
        chunk->texts[kept] = take_field(&line);
        chunk->labels[kept++] = take_field(&line);
    }
    chunk->count = kept;
    return 0;
}

/* ---- labels that are no id ---- */

bool labelled_is_id_with_point(weft_matcher *matcher, weft_str label)
{
    weft_str id = {label.ptr, label.len < 2 ? 0 : label.len - 2};
    return id.len != 0 && memcmp(id.ptr + id.len, ".0", 2) == 0 && weft_m_has(matcher, id);
}

/* ---- all ---- */

static int do_chunk(struct chunk *chunk, void *arg)
{
    struct labelled *it = arg;
    int rc = it->has_fields ? 0 : split_lines(it, chunk);
    forget_field(&chunk->error);
    return rc == 0 ? it->fn(chunk, it->arg) : rc;
}

int labelled_each(const char *path, enum weft_file_format format, char delimiter, texts_fn *fn,
                  void *arg)
{
    struct labelled it = {.has_fields = has_fields(path, format), .fn = fn, .arg = arg};
    weft_catalog_options options = {.format = WEFT_FILE_LINES};
    if (it.has_fields)
        options = (weft_catalog_options){
            .format = format, .label_field = weft_str_of("label"), .delimiter = delimiter};
    int rc = texts_open(&it.texts, path, &options, NULL, 0);
    if (rc == 0)
        rc = texts_each(&it.texts, do_chunk, &it);
    texts_close(&it.texts);
    return rc;
}
