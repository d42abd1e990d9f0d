/* SPDX-License-Identifier: MIT */

/*
 * Texts: what a match command works on, from its arguments, a file or standard input, some at a
 * time.  However long the input is, what is held is one chunk.
 */
#ifndef WF_CMD_TEXTS_H
#define WF_CMD_TEXTS_H

#include "base/arena.h"
#include "cmd/io/input.h"
#include "cmd/match/load.h"

#include <weft/catalog.h>

/* Some texts in a row.  Borrows nothing. */
struct chunk {
    wf_arena arena;
    weft_str *texts, *labels; /* as many; empty unless options.label_field is given */
    size_t *lines;            /* in the file; 0: an argument */
    size_t first;             /* of arguments: how many came before */
    size_t count, capacity, line_capacity, label_capacity;
    size_t bytes;
    int rc; /* < 0: reading ended with this behind the texts, and `error` says why */
    bool is_last;
    weft_catalog_error error;
};

struct texts {
    /* Arguments, or … */
    char **args;
    size_t arg_count, arg_at;

    /* … a file. */
    const char *path; /* NULL: arguments */
    struct input input;
    weft_queries *queries;
    weft_catalog_options options;
    size_t said_count;

    size_t chunk_count_max;
};

/* `path` NULL: the arguments.  0; else an exit code after saying why, or
 * -ECANCELED. */
WEFT_WAITS int texts_open(struct texts *texts, const char *path,
                          const weft_catalog_options *options, char **args, size_t arg_count);
WEFT_WAITS void texts_close(struct texts *texts);

/* Fills `chunk` (zeroed or used before) with the next texts.  From what is no regular file it takes
 * what is there rather than wait for more.  0, -ECANCELED, -ENOMEM; what is wrong with the input is
 * noted in the chunk. */
WEFT_WAITS int texts_fill(struct texts *texts, struct chunk *chunk);

/* Reads over the next `count` texts.  0; an exit code after saying why, or -ECANCELED. */
WEFT_WAITS int texts_skip(struct texts *texts, uint64_t count);

void chunk_fini(struct chunk *chunk);

/* Says a matcher's error, with where its "queries[5]" of the chunk stands; `path` is the file's or
 * NULL.  False: it is of none of its texts, and nothing was said. */
bool chunk_say(const struct chunk *chunk, const char *path, const weft_m_error *error);

/* 0, or an exit code after saying what ended the reading behind the texts. */
int chunk_check(const struct chunk *chunk);

/* What is done with the texts of a chunk: 0 to go on; an exit code after saying why, or an error.
 */
typedef int texts_fn(struct chunk *chunk, void *arg);

/* Calls fn(chunk, arg) with all texts there are, a chunk at a time.  0; an exit code after saying
 * why, or -ECANCELED. */
WEFT_WAITS int texts_each(struct texts *texts, texts_fn *fn, void *arg);

/* Where texts come from: words of the command, or a file. */
struct texts_from {
    const char *path; /* NULL: the words */
    const char *format_name, *field;

    /* What came of it. */
    enum weft_file_format format;
    char **words;
    size_t word_count;
};

/* Rows of an option table. */
/* clang-format off */
#define TEXTS_OPTIONS(from_)                                                                       \
    {"file", 'f', "FILE", "texts, one a line (or by --format); - is standard input",               \
     ARGS_TEXT, &(from_)->path, 0, 0},                                                             \
    {"format", 0, "F", "of --file: lines, csv, tsv, json, ndjson; else by its name",               \
     ARGS_TEXT, &(from_)->format_name, 0, 0},                                                      \
    {"field", 0, "NAME", "the column or key of the text (query, else text, else name)",            \
     ARGS_TEXT, &(from_)->field, 0, 0}
/* clang-format on */

/* Takes the words, if texts come either from them or from --file, and the options are right: 0;
 * else EXIT_USAGE after saying why. */
int texts_check(struct texts_from *from, char **words, int word_count, const char *command);

/* The same where texts come from --file alone. */
int texts_check_file(struct texts_from *from, int word_count, const char *command);

/* How they are read beside the files of a matcher. */
weft_catalog_options texts_options(const struct texts_from *from, const struct load *load);

/* Opens them, calls fn with all of them, a chunk at a time, and closes.  As texts_each(). */
WEFT_WAITS int texts_run(const struct texts_from *from, const struct load *load, texts_fn *fn,
                         void *arg);

/* Counts the texts of a file by reading it once more.  0, and *out stays, if it cannot be read
 * twice. */
WEFT_WAITS int texts_count(const struct texts *texts, uint64_t *out);

#endif
