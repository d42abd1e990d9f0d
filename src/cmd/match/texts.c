/* SPDX-License-Identifier: MIT */

#include "cmd/match/texts.h"

#include "base/alloc.h"
#include "cmd/say.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES_MAX ((size_t)4 << 20)
#define RUN_COUNT 512 /* of a chunk, where answers are large */

int texts_open(struct texts *texts, const char *path, const weft_catalog_options *options,
               char **args, size_t arg_count)
{
    *texts = (struct texts){
        .args = args,
        .arg_count = arg_count,
        .path = path,
        .options = *options,
        .input = {.fd = -1},
        .chunk_count_max = 1024,
    };
    if (path == NULL)
        return 0;
    texts->options.on_skip = load_say_skip;
    texts->options.on_skip_arg = &texts->said_count;
    int rc = input_open(&texts->input, path);
    if (rc == 0)
        rc = weft_queries_open_read(&texts->queries, input_name(path), &texts->options, input_read,
                                    &texts->input);
    return rc == 0 || rc == -ECANCELED ? rc
                                       : say_failed("%s: %s", input_name(path), weft_strerror(rc));
}

void texts_close(struct texts *texts)
{
    weft_queries_close(texts->queries);
    texts->queries = NULL;
    input_close(&texts->input);
}

void chunk_fini(struct chunk *chunk)
{
    wf_arena_fini(&chunk->arena);
    wf_free(chunk->texts);
    wf_free(chunk->lines);
    wf_free(chunk->labels);
    *chunk = (struct chunk){0};
}

int chunk_check(const struct chunk *chunk)
{
    return chunk->rc < 0 ? load_say_file(&chunk->error) : 0;
}

bool chunk_say(const struct chunk *chunk, const char *path, const weft_m_error *error)
{
    size_t index = SIZE_MAX;
    if (strncmp(error->field, "queries[", 8) == 0)
        index = strtoul(error->field + 8, NULL, 10);
    if (index >= chunk->count)
        return false;
    if (chunk->lines[index] == 0)
        say("text %zu: %s", chunk->first + index + 1, error->message);
    else
        say("%s:%zu: %s", input_name(path), chunk->lines[index], error->message);
    return true;
}

static int chunk_reserve(struct chunk *chunk)
{
    weft_str *texts = wf_more(chunk->texts, chunk->count, &chunk->capacity, sizeof(*texts));
    if (texts == NULL)
        return -ENOMEM;
    chunk->texts = texts;
    size_t *lines = wf_more(chunk->lines, chunk->count, &chunk->line_capacity, sizeof(*lines));
    if (lines == NULL)
        return -ENOMEM;
    chunk->lines = lines;
    weft_str *labels =
        wf_more(chunk->labels, chunk->count, &chunk->label_capacity, sizeof(*labels));
    if (labels == NULL)
        return -ENOMEM;
    chunk->labels = labels;
    return 0;
}

static int chunk_add(struct chunk *chunk, weft_str text, weft_str label, size_t line)
{
    int rc = chunk_reserve(chunk);
    if (rc < 0 || !wf_arena_copy(&chunk->arena, text, &chunk->texts[chunk->count]) ||
        !wf_arena_copy(&chunk->arena, label, &chunk->labels[chunk->count]))
        return -ENOMEM;
    chunk->lines[chunk->count++] = line;
    chunk->bytes += text.len + label.len;
    return 0;
}

static bool is_full(const struct texts *texts, const struct chunk *chunk)
{
    return chunk->count >= texts->chunk_count_max || chunk->bytes >= CHUNK_BYTES_MAX;
}

static int fill_from_args(struct texts *texts, struct chunk *chunk)
{
    int rc = 0;
    while (rc == 0 && texts->arg_at < texts->arg_count && !is_full(texts, chunk)) {
        const char *text = texts->args[texts->arg_at++];
        rc = chunk_add(chunk, weft_str_of(text), weft_str_of(""), 0);
    }
    chunk->is_last = texts->arg_at == texts->arg_count;
    return rc;
}

static int fill_from_file(struct texts *texts, struct chunk *chunk)
{
    while (!is_full(texts, chunk)) {
        weft_str text;
        size_t line;
        if (!texts->input.is_regular && chunk->count != 0 && weft_queries_must_wait(texts->queries))
            return 0;
        int rc = weft_queries_next(texts->queries, &text, &line, &chunk->error);
        if (rc == -ECANCELED || rc == -ENOMEM)
            return rc;
        chunk->is_last = rc <= 0;
        chunk->rc = rc < 0 ? rc : 0;
        if (rc <= 0)
            return 0;
        rc = chunk_add(chunk, text, weft_queries_label(texts->queries), line);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int texts_fill(struct texts *texts, struct chunk *chunk)
{
    wf_arena_fini(&chunk->arena);
    chunk->first = texts->arg_at;
    chunk->count = 0;
    chunk->bytes = 0;
    chunk->rc = 0;
    chunk->is_last = false;
    if (texts->path == NULL)
        return fill_from_args(texts, chunk);
    return fill_from_file(texts, chunk);
}

int texts_skip(struct texts *texts, uint64_t count)
{
    weft_catalog_error error;
    weft_str text;
    size_t line;
    for (uint64_t i = 0; i < count; i++) {
        int rc = weft_queries_next(texts->queries, &text, &line, &error);
        if (rc == -ECANCELED)
            return rc;
        if (rc == 0)
            return say_failed("%s: has only %" PRIu64 " texts now", texts->path, i);
        if (rc < 0)
            return load_say_file(&error);
    }
    return 0;
}

/* ---- counting ---- */

int texts_count(const struct texts *texts, uint64_t *out)
{
    if (texts->path == NULL) {
        *out = texts->arg_count;
        return 0;
    }
    if (!texts->input.is_regular)
        return 0;
    struct input input;
    weft_queries *queries = NULL;
    weft_catalog_error error;
    weft_str text;
    size_t line;
    uint64_t count = 0;
    weft_catalog_options options = texts->options;
    options.on_skip = NULL;
    int rc = input_open(&input, texts->path);
    if (rc < 0)
        return rc == -ECANCELED ? rc : 0;
    rc = weft_queries_open_read(&queries, texts->path, &options, input_read, &input);
    while (rc >= 0 && (rc = weft_queries_next(queries, &text, &line, &error)) > 0)
        count++;
    weft_queries_close(queries);
    input_close(&input);
    if (rc == 0)
        *out = count;
    return rc == -ECANCELED ? rc : 0;
}

int texts_each(struct texts *texts, texts_fn *fn, void *arg)
{
    struct chunk chunk = {0};
    int rc = 0;
    while (rc == 0 && !chunk.is_last) {
        rc = texts_fill(texts, &chunk);
        if (rc == 0)
            rc = fn(&chunk, arg);
        if (rc == 0)
            rc = chunk_check(&chunk);
    }
    chunk_fini(&chunk);
    return rc < 0 && rc != -ECANCELED ? say_failed("%s", weft_strerror(rc)) : rc;
}

static int check_format(struct texts_from *from, const char *command)
{
    int rc = load_check_format(from->format_name, "--format", command, &from->format);
    if (rc == 0 && from->path == NULL && (from->format_name != NULL || from->field != NULL))
        return say_usage(command, "--%s is for --file FILE",
                         from->format_name != NULL ? "format" : "field");
    return rc;
}

int texts_check(struct texts_from *from, char **words, int word_count, const char *command)
{
    if (word_count == 0 && from->path == NULL)
        return say_usage(command, "no text; give some, or a file of them with --file FILE "
                                  "(- is standard input)");
    if (word_count != 0 && from->path != NULL)
        return say_usage(command, "texts and --file at once");
    from->words = words;
    from->word_count = (size_t)word_count;
    return check_format(from, command);
}

int texts_check_file(struct texts_from *from, int word_count, const char *command)
{
    if (word_count != 0)
        return say_usage(command, "texts come from --file");
    if (from->path == NULL)
        return say_usage(command, "no texts; give a file with --file FILE");
    return check_format(from, command);
}

weft_catalog_options texts_options(const struct texts_from *from, const struct load *load)
{
    return (weft_catalog_options){
        .format = from->format,
        .delimiter = load->delimiter,
        .skip_bad = load->skip_bad,
        .field = from->field != NULL ? weft_str_of(from->field) : (weft_str){0},
    };
}

int texts_run(const struct texts_from *from, const struct load *load, texts_fn *fn, void *arg)
{
    const weft_catalog_options options = texts_options(from, load);
    struct texts texts;
    int rc = texts_open(&texts, from->path, &options, from->words, from->word_count);
    texts.chunk_count_max = RUN_COUNT;
    if (rc == 0)
        rc = texts_each(&texts, fn, arg);
    texts_close(&texts);
    return rc;
}
