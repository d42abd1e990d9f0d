/* SPDX-License-Identifier: MIT */

#include "cmd/match/labelled.h"

#include "cmd/say.h"

#include <string.h>

/* A reader gives one field of a row: so there are two, a row beside each other. */
struct labelled {
    const char *path;
    struct texts texts, labels;
    bool has_fields;
};

static bool has_fields(const char *path)
{
    enum weft_file_format format = WEFT_FILE_AUTO;
    const char *dot = strrchr(path, '.');
    return dot != NULL && weft_file_format_parse(weft_str_of(dot + 1), &format) == 0 &&
           (format == WEFT_FILE_CSV || format == WEFT_FILE_JSON || format == WEFT_FILE_NDJSON);
}

/* ---- columns and keys ---- */

/* They are always called so: --field is of other texts. */
static void forget_field(weft_catalog_error *error)
{
    if (error->option != NULL && strcmp(error->option, "field") == 0)
        error->option = NULL;
}

/* Those of the texts of the chunk, which ends before a bad one. */
static int read_labels(struct labelled *it, struct chunk *chunk, weft_str *labels)
{
    for (size_t i = 0; i < chunk->count; i++) {
        weft_str label;
        size_t line;
        weft_catalog_error error;
        int rc = weft_queries_next(it->labels.queries, &label, &line, &error);
        if (rc == 0)
            return say_failed("%s: has changed while it was read", it->path);
        if (rc > 0 && !wf_arena_copy(&chunk->arena, label, &labels[i]))
            return -ENOMEM;
        if (rc > 0)
            continue;
        if (rc == -ECANCELED || rc == -ENOMEM)
            return rc;
        chunk->count = i;
        chunk->rc = rc;
        chunk->is_last = true;
        chunk->error = error;
    }
    forget_field(&chunk->error);
    return 0;
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
static int split_lines(const struct labelled *it, struct chunk *chunk, weft_str *labels)
{
    size_t kept = 0;
    for (size_t i = 0; i < chunk->count; i++) {
        weft_str line = chunk->texts[i];
        if (line.len == 0)
            continue;
        if (memchr(line.ptr, '\t', line.len) == NULL)
            return say_failed("%s:%zu: no tab; a line is a text, a tab and the right id, which is "
                              "empty for none",
                              it->path, chunk->lines[i]);
        chunk->lines[kept] = chunk->lines[i];
        chunk->texts[kept] = take_field(&line);
        labels[kept++] = take_field(&line);
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

struct doing {
    struct labelled it;
    labelled_fn *fn;
    void *arg;
};

static int do_chunk(struct chunk *chunk, void *arg)
{
    struct doing *doing = arg;
    weft_str *labels = wf_arena_array(&chunk->arena, chunk->count, sizeof(*labels));
    if (labels == NULL && chunk->count != 0)
        return -ENOMEM;
    int rc = doing->it.has_fields ? read_labels(&doing->it, chunk, labels)
                                  : split_lines(&doing->it, chunk, labels);
    return rc == 0 ? doing->fn(chunk, labels, doing->arg) : rc;
}

static int open_all(struct labelled *it, char delimiter)
{
    weft_catalog_options options = {.format = WEFT_FILE_LINES};
    if (!it->has_fields)
        return texts_open(&it->texts, it->path, &options, NULL, 0);
    options = (weft_catalog_options){.field = weft_str_of("text"), .delimiter = delimiter};
    int rc = texts_open(&it->texts, it->path, &options, NULL, 0);
    options.field = weft_str_of("label");
    options.is_id = true;
    return rc == 0 ? texts_open(&it->labels, it->path, &options, NULL, 0) : rc;
}

int labelled_each(const char *path, char delimiter, labelled_fn *fn, void *arg)
{
    struct doing doing = {
        .it = {.path = path,
               .texts.input.fd = -1,
               .labels.input.fd = -1,
               .has_fields = has_fields(path)},
        .fn = fn,
        .arg = arg,
    };
    int rc = open_all(&doing.it, delimiter);
    if (rc == 0)
        rc = texts_each(&doing.it.texts, do_chunk, &doing);
    texts_close(&doing.it.texts);
    texts_close(&doing.it.labels);
    return rc;
}
