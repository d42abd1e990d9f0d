/* SPDX-License-Identifier: MIT */

/* Load: the options every command with a matcher has, and the matcher they make. */
#ifndef WF_CMD_LOAD_H
#define WF_CMD_LOAD_H

#include "cmd/args.h"

#include <weft/catalog.h>
#include <weft/match.h>

#include <math.h>

struct load {
    struct args_list files;
    const char *format_name;    /* NULL: by name, else by content */
    const char *delimiter_name; /* between the fields of CSV, of entities, examples and texts */
    double threshold;           /* NaN until load_matcher: the default, or that of `matcher` */
    const char *score_kind;     /* NULL: the library's default */
    const char *model;          /* a directory; NULL: none, or that of `matcher` */
    const char *matcher;        /* a file of one, instead of entities */
    const char *examples;       /* to learn from */
    const char *mode;
    const char *blocking; /* of mode hybrid, like the next: a directory or NULL */
    const char *reranker;
    bool skip_bad, wants_progress;
    bool may_be_none;         /* no entities are no mistake */
    bool check_hierarchy;     /* as of weft_m_options: the matcher is made to be kept */
    const char *or_else;      /* what could be given instead; NULL: nothing */
    weft_m_metric_fn *metric; /* of the matcher; may be NULL */
    void *metric_arg;

    /* What came of it. */
    enum weft_file_format format;
    char delimiter; /* '\0': by the first row of each file */
    size_t entity_count, skip_count;
};

#define LOAD_DEFAULTS                                                                              \
    {                                                                                              \
        .threshold = NAN                                                                           \
    }

/* Rows of an option table. */
/* clang-format off */
#define LOAD_OPTIONS(load_)                                                                        \
    {"entities", 'e', "FILE", "entities: csv, tsv, json, ndjson; again for more; - is stdin",      \
     ARGS_LIST, &(load_)->files, 0, 0},                                                            \
    {"matcher", 'm', "FILE", "a matcher that 'match fit' saved, instead of entities",              \
     ARGS_TEXT, &(load_)->matcher, 0, 0},                                                          \
    {"examples", 'x', "FILE", "texts and labels to learn from: csv, json, ndjson, or text TAB id", \
     ARGS_TEXT, &(load_)->examples, 0, 0},                                                         \
    {"mode", 0, "auto|zero-shot|head-only|full|hybrid|bert", "how texts are matched (auto)",       \
     ARGS_CHOICE, &(load_)->mode, 0, 0},                                                           \
    {"blocking", 0, "ngram|bm25|tfidf|fuzzy|none", "how mode hybrid finds candidates (ngram)",     \
     ARGS_CHOICE, &(load_)->blocking, 0, 0},                                                       \
    {"reranker", 0, "DIR", "of mode hybrid: a cross-encoder that orders what is found",            \
     ARGS_TEXT, &(load_)->reranker, 0, 0},                                                         \
    {"entities-format", 0, "F", "csv, tsv, json, ndjson; else by the name, else the content",      \
     ARGS_TEXT, &(load_)->format_name, 0, 0},                                                           \
    {"delimiter", 0, "C", "between the fields of csv: a character or tab; else by the first row",  \
     ARGS_TEXT, &(load_)->delimiter_name, 0, 0},                                                   \
    {"threshold", 't', "X", "least score of a match, 0 to 1 (0.5)",                                \
     ARGS_NUMBER, &(load_)->threshold, 0, 1},                                                      \
    {"model", 0, "DIR", "a model, by its directory or name: meaning counts too (weft_encoder(3))",   \
     ARGS_TEXT, &(load_)->model, 0, 0},                                                            \
    {"score", 0, "auto|probability|cosine|dense|fused",                                            \
     "dense and fused need a model (probability; with a model fused)",                             \
     ARGS_CHOICE, &(load_)->score_kind, 0, 0},                                                     \
    {"skip-bad", 0, NULL, "leave bad rows out and count them",                                     \
     ARGS_FLAG, &(load_)->skip_bad, 0, 0}
/* clang-format on */

/* Checks the options; `texts` is the file of texts, or NULL.  0, or EXIT_USAGE after saying why. */
int load_check(struct load *load, const char *texts, const char *command);

/* Whether `path`, which may be NULL, is a directory.  0; EXIT_FAILED after saying why not, or
 * -ECANCELED. */
WEFT_WAITS int load_check_directory(const char *option, const char *path);

/* The same; makes it where its parent is there. */
WEFT_WAITS int load_make_directory(const char *option, const char *path);

/* An output, which may be NULL, in the place of the entities, the examples or the texts would be
 * their end.  0, or EXIT_USAGE after saying why. */
WEFT_WAITS int load_check_output(const struct load *load, const char *texts, const char *output,
                                 const char *command);

/* Reads a format's name; NULL leaves *out.  0, or EXIT_USAGE after saying why. */
int load_check_format(const char *name, const char *option, const char *command,
                      enum weft_file_format *out);

/* Reads what separates the fields of CSV; NULL leaves *out.  As load_check_format. */
int load_check_delimiter(const char *name, const char *command, char *out);

/* A format of a file of entities, which are not lines. */
int load_check_entity_format(const char *name, const char *option, const char *command,
                             enum weft_file_format *out);

/* Reads the files and opens the matcher, in a task; fitted if it comes from a file or has examples,
 * else NEW.  0; else an exit code after
 * saying why, or -ECANCELED. */
WEFT_WAITS int load_matcher(struct load *load, weft_matcher **out);

/* True if there is something to make a matcher of. */
bool load_has_matcher(const struct load *load);

/* Fits the matcher unless it is READY: what was learnt would be lost.  As weft_m_fit. */
WEFT_WAITS int load_fit(weft_matcher *matcher, weft_m_error *error);

/* Says a matcher's error, with the option that is meant by its field; returns EXIT_FAILED. */
int load_say(const weft_m_error *error);

/* Says what is wrong with a file, with the option that may be what is missing; returns
 * EXIT_FAILED. */
int load_say_file(const weft_catalog_error *error);

/* Says a bad row that is left out; for weft_catalog_options. */
void load_say_skip(const weft_catalog_error *error, void *arg);

#endif
