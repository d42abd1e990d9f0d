/* SPDX-License-Identifier: MIT */

#include "cmd/match/examples.h"

#include "base/alloc.h"
#include "cmd/match/texts.h"
#include "cmd/say.h"

#include <string.h>

#define LABEL_SHOWN 80

void examples_fini(struct examples *examples)
{
    wf_arena_fini(&examples->arena);
    wf_free(examples->items);
    *examples = (struct examples){0};
}

/* Room for one more, zeroed. */
static weft_m_example *examples_next(struct examples *examples)
{
    if (examples->count == examples->capacity) {
        size_t capacity = examples->capacity == 0 ? 256 : examples->capacity * 2;
        weft_m_example *items = wf_grow(examples->items, capacity, sizeof(*items));
        if (items == NULL)
            return NULL;
        examples->items = items;
        examples->capacity = capacity;
    }
    weft_m_example *item = &examples->items[examples->count++];
    *item = (weft_m_example){0};
    return item;
}

static int set_label(struct examples *examples, weft_m_example *item, weft_str label)
{
    item->is_none = label.len == 0;
    if (!item->is_none && !weft_m_has(examples->matcher, label)) {
        examples->wrong = label;
        return -ENOENT;
    }
    return wf_arena_copy(&examples->arena, label, &item->label) ? 0 : -ENOMEM;
}

/* ---- what is done with each text of a file ---- */

typedef int take_fn(struct examples *examples, weft_str text, size_t index);

static int take_line(struct examples *examples, weft_str line, size_t index)
{
    (void)index;
    if (line.len == 0)
        return 0;
    const char *tab = memchr(line.ptr, '\t', line.len);
    if (tab == NULL)
        return -EINVAL;
    weft_str text = {line.ptr, (size_t)(tab - line.ptr)};
    weft_str label = {tab + 1, line.len - text.len - 1};
    const char *end = label.len != 0 ? memchr(label.ptr, '\t', label.len) : NULL;
    if (end != NULL)
        label.len = (size_t)(end - label.ptr);
    weft_m_example *item = examples_next(examples);
    if (item == NULL || !wf_arena_copy(&examples->arena, text, &item->text))
        return -ENOMEM;
    return set_label(examples, item, label);
}

static int take_text(struct examples *examples, weft_str text, size_t index)
{
    (void)index;
    weft_m_example *item = examples_next(examples);
    return item != NULL && wf_arena_copy(&examples->arena, text, &item->text) ? 0 : -ENOMEM;
}

static int take_label(struct examples *examples, weft_str label, size_t index)
{
    return index < examples->count ? set_label(examples, &examples->items[index], label) : -EINVAL;
}

static int say_chunk(const struct examples *examples, const char *path, size_t line, int rc)
{
    if (rc == -EINVAL)
        return say_failed("%s:%zu: no tab; a line is a text, a tab and the id of its entity, which "
                          "is empty for none",
                          path, line);
    if (rc == -ENOENT)
        return say_failed("%s:%zu: label: no entity has the id %.*s", path, line,
                          examples->wrong.len < LABEL_SHOWN ? (int)examples->wrong.len
                                                            : LABEL_SHOWN,
                          examples->wrong.ptr);
    return say_failed("%s: %s", path, weft_strerror(rc));
}

static int take_chunk(struct examples *examples, const char *path, const struct chunk *chunk,
                      take_fn *take, size_t *index)
{
    for (size_t i = 0; i < chunk->count; i++) {
        int rc = take(examples, chunk->texts[i], (*index)++);
        if (rc < 0)
            return say_chunk(examples, path, chunk->lines[i], rc);
    }
    return chunk_check(chunk);
}

/* Their columns are always called so: --field is of the texts. */
static bool can_be_named(const weft_catalog_error *error)
{
    return error->option != NULL && strcmp(error->option, "field") != 0;
}

/* Goes through a file once. */
static int walk(struct examples *examples, const char *path, const weft_catalog_options *options,
                take_fn *take)
{
    struct texts texts = {.input.fd = -1};
    struct chunk chunk = {0};
    size_t index = 0;
    int rc = texts_open(&texts, path, options, NULL, 0);
    while (rc == 0 && !chunk.is_last) {
        rc = texts_fill(&texts, &chunk);
        chunk.error.option = can_be_named(&chunk.error) ? chunk.error.option : NULL;
        if (rc == 0)
            rc = take_chunk(examples, path, &chunk, take, &index);
    }
    chunk_fini(&chunk);
    texts_close(&texts);
    return rc < 0 && rc != -ECANCELED ? say_failed("%s: %s", path, weft_strerror(rc)) : rc;
}

static bool ends_with(const char *path, const char *end)
{
    size_t len = strlen(path), end_len = strlen(end);
    return len >= end_len && strcmp(path + len - end_len, end) == 0;
}

int examples_read(struct examples *examples, const char *path, char delimiter)
{
    weft_catalog_options options = {.format = WEFT_FILE_LINES};
    bool has_fields = ends_with(path, ".csv") || ends_with(path, ".json") ||
                      ends_with(path, ".ndjson") || ends_with(path, ".jsonl");
    if (!has_fields)
        return walk(examples, path, &options, take_line);
    options = (weft_catalog_options){.field = weft_str_of("text"), .delimiter = delimiter};
    int rc = walk(examples, path, &options, take_text);
    options.field = weft_str_of("label");
    return rc == 0 ? walk(examples, path, &options, take_label) : rc;
}
