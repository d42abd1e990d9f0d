/* SPDX-License-Identifier: MIT */

/*
 * Catalog: reads entities, and texts to be matched, from files.
 *
 *     weft_catalog *catalog;
 *     int rc = weft_catalog_new(&catalog);
 *     if (rc == 0)
 *         rc = weft_catalog_read_file(catalog, "countries.csv", NULL, NULL);
 *     if (rc < 0)
 *         ... weft_error_text() is "countries.csv:17: aliases: …" ...
 *     size_t count;
 *     const weft_m_entity *entities = weft_catalog_entities(catalog, &count);
 *     ... weft_m_open(&matcher, entities, count, NULL, NULL) copies them ...
 *     weft_catalog_free(catalog);
 *
 * Formats of entities:
 *
 *   CSV     RFC 4180, UTF-8, with commas; or with what `delimiter` says; or, where it says nothing,
 *           with semicolons, tabs or bars, if split at these alone the first row has the columns
 *           that must be there.  In doubt nothing is read.  "sep=;" may stand before the first row.
 *           The first row names the columns; `id` and `name` must be among them, `aliases` holds
 *           further names with '|' between them, `text` what is shown of a hit.  `parents` the ids
 *           of entities above (<weft/hierarchy.h>), which goes into extra as
 *           {"hierarchy":{"parents":[ids]}} unless there is a column `hierarchy`.  Any other column
 *           is kept as extra, as text: "3,50" too.  Every row has as many fields as the first.
 *   TSV     the same with tabs, and no quoting.
 *   JSON    one array of objects: {"id": string or integer, "name": string, "aliases": [string],
 *           "text": string}.  Aliases may also be one string with '|' between them, as tables have
 *           them that were made JSON.  Any other key is kept as extra.
 *   NDJSON  one such object a line.
 *
 * Formats of texts: LINES, one a line; or a column of CSV or TSV; or of NDJSON and JSON a key of
 * each object, or strings by themselves.
 *
 * A byte order mark at the start is skipped, UTF-16 is refused, CR before LF is part of the line's
 * end, blank lines between rows mean nothing.  Files of any length are read in pieces; a row has a
 * limit.
 *
 * Everything here works in the calling thread, and waits exactly if the given read function waits;
 * reading a file blocks the thread: call it before the loop runs, or by weft_run_blocking().
 *
 * Library: weft-catalog.
 */
#ifndef WEFT_CATALOG_H
#define WEFT_CATALOG_H

#include <weft/base.h>
#include <weft/json.h>
#include <weft/match.h>

#include <sys/types.h>

WEFT_BEGIN_DECLS

typedef struct weft_catalog weft_catalog;
typedef struct weft_queries weft_queries;

enum weft_file_format {
    WEFT_FILE_AUTO, /* by the name's ending; else, for entities, by the first bytes; else LINES */
    WEFT_FILE_CSV,
    WEFT_FILE_TSV,
    WEFT_FILE_JSON,
    WEFT_FILE_NDJSON,
    WEFT_FILE_LINES, /* texts only */
};

/* "csv", "tsv", "json", "ndjson", "jsonl", "lines", "txt".  -EINVAL for another name. */
WEFT_API WEFT_MUST_USE int weft_file_format_parse(weft_str name, enum weft_file_format *out);
WEFT_API const char *weft_file_format_name(enum weft_file_format format);

/* Where a file is wrong. */
typedef struct weft_catalog_error {
    int rc;             /* what the call returned */
    bool is_row;        /* one row is bad; reading could go on behind it */
    size_t line;        /* from 1; 0: the file as a whole */
    size_t column;      /* in bytes, from 1; 0: the row as a whole */
    size_t limit;       /* of -WEFT_ELIMIT; else 0 */
    size_t first_line;  /* where the id stands that is there already; else 0 */
    char file[256];     /* as given; a long one loses its beginning */
    char field[64];     /* "name", "aliases[2]"; empty: none in particular */
    char text[192];     /* one sentence without its full stop */
    const char *option; /* which of weft_catalog_options may be what is missing, "format",
                         * "delimiter", "id_field", "name_field", "field" or "label_field"; NULL:
                         * none. Static */
} weft_catalog_error;

/* "FILE:LINE:COLUMN: FIELD: TEXT" as far as they are known.  NUL-terminated, cut to fit; returns
 * the bytes written without the NUL. */
WEFT_API size_t weft_catalog_error_text(const weft_catalog_error *error, char *out, size_t bytes);

/* Up to `bytes` bytes into buf: their count, 0 at the end, or a negative code. */
typedef ssize_t weft_catalog_read_fn(void *buf, size_t bytes, void *arg);

/* Zero means the default in every field. */
typedef struct weft_catalog_options {
    enum weft_file_format format;
    size_t row_bytes_max;  /* of one row; 0: 1 MiB, of LINES 64 KiB */
    size_t text_bytes_max; /* of an id, name, alias or text; 0: 64 KiB, as weft_m_options has it */
    size_t entity_count_max; /* of the catalogue; 0: 10,000,000 */
    bool skip_bad;           /* leave bad rows out and count them; else the first one is an error */
    void (*on_skip)(const weft_catalog_error *error, void *arg); /* told of each; may be NULL */
    void *on_skip_arg;
    weft_str field; /* texts: the column or key to take; empty: "query", else "text", else "name" */
    weft_str label_field; /* texts: the column or key of an id beside each, for
                           * weft_queries_label(); `field` is then "text" unless it is given.  In
                           * JSON an integer too, taken as its digits, and null as empty */

    /* Entities: columns or keys that are called otherwise; empty: as above.  Of aliases there may
     * be several, "alt_name,short", 8 at most. */
    weft_str id_field, name_field, aliases_field;
    weft_str parents_field; /* of JSON only if it is given: an id, or an array of them */
    char alias_separator;   /* between the aliases of a field of CSV or TSV, or of a string of JSON,
                             * and the parents of a field; 0: '|' */
    bool merges;    /* an id that is there already is no bad row: its name and aliases become
                     * aliases of the first, unless they are there too */
    char delimiter; /* between the fields of CSV, no other format has one: a tab or a sign of ASCII,
                     * but none of " . + -; 0: by the first row */
} weft_catalog_options;

/* ---- entities ---- */

WEFT_API WEFT_MUST_USE int weft_catalog_new(weft_catalog **out);
WEFT_API void weft_catalog_free(weft_catalog *catalog); /* NULL is fine */

/* Adds the entities of a file behind those there are; `options` and `error` may be NULL.  An id
 * that is already there is a bad row.  On failure the catalogue keeps what came before the bad row.
 * -ENOENT and other reasons of the system, -WEFT_ESYNTAX, -WEFT_M_EVALID (a bad entity),
 * -WEFT_ELIMIT, -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_catalog_read_file(weft_catalog *catalog, const char *path,
                                                  const weft_catalog_options *options,
                                                  weft_catalog_error *error);

/* Like weft_catalog_read_file(), from a function; `name` is for errors and the choice of the
 * format. */
WEFT_API WEFT_MUST_USE int weft_catalog_read(weft_catalog *catalog, const char *name,
                                             const weft_catalog_options *options,
                                             weft_catalog_error *error, weft_catalog_read_fn *read,
                                             void *arg);

/* Like weft_catalog_read_file(), from a JSON array that was read already, such as a request's body;
 * `line` of an error is the item, from 1.  Of the options only entity_count_max is used. */
WEFT_API WEFT_MUST_USE int weft_catalog_read_json(weft_catalog *catalog, const char *name,
                                                  const weft_json *array,
                                                  const weft_catalog_options *options,
                                                  weft_catalog_error *error);

/* All entities, borrowed until the catalogue changes. */
WEFT_API const weft_m_entity *weft_catalog_entities(const weft_catalog *catalog, size_t *out_count);

/* The line an entity began in, in its file; and that file's name, borrowed until the catalogue is
 * freed. */
WEFT_API size_t weft_catalog_line(const weft_catalog *catalog, size_t entity);
WEFT_API const char *weft_catalog_file(const weft_catalog *catalog, size_t entity);

/* Bad rows left out, and rows merged into others, so far. */
WEFT_API size_t weft_catalog_skip_count(const weft_catalog *catalog);
WEFT_API size_t weft_catalog_merge_count(const weft_catalog *catalog);

/* What columns and keys the records were found to have, in the order of their first sight, up to 64
 * of them; and whether one of this name was among all there were.  With more than 64 that is true
 * of any name.  Columns regard no ASCII case.  Borrowed until the catalogue is freed. */
WEFT_API bool weft_catalog_has_field(const weft_catalog *catalog, weft_str name);
WEFT_API size_t weft_catalog_field_count(const weft_catalog *catalog);
WEFT_API weft_str weft_catalog_field(const weft_catalog *catalog, size_t index);

/* ---- texts ---- */

/* Opens a file of texts, or takes a function to read from.  `options` may be NULL. */
WEFT_API WEFT_MUST_USE int weft_queries_open(weft_queries **out, const char *path,
                                             const weft_catalog_options *options,
                                             weft_catalog_error *error);
WEFT_API WEFT_MUST_USE int weft_queries_open_read(weft_queries **out, const char *name,
                                                  const weft_catalog_options *options,
                                                  weft_catalog_read_fn *read, void *arg);
WEFT_API void weft_queries_close(weft_queries *queries); /* NULL is fine */

/* The next text: 1 and *out_text, borrowed until the next call, and its line; 0 at the end;
 * negative as for entities, and then, if error->is_row, the next call goes on behind the bad row;
 * else it is the file as a whole, and each further call says the same. */
WEFT_API WEFT_MUST_USE int weft_queries_next(weft_queries *queries, weft_str *out_text,
                                             size_t *out_line, weft_catalog_error *error);

/* The label beside the text that the last call has given, borrowed as that is; empty if no
 * `label_field` is wanted, and of LINES. */
WEFT_API weft_str weft_queries_label(const weft_queries *queries);

/* What separates the fields, if the format is CSV and the first call of weft_queries_next() has
 * come back; else 0. */
WEFT_API char weft_queries_delimiter(const weft_queries *queries);

/* True if the next call would have to read: nothing is left of what was read so far. */
WEFT_API bool weft_queries_must_wait(const weft_queries *queries);

WEFT_API size_t weft_queries_skip_count(const weft_queries *queries);
WEFT_API uint64_t weft_queries_bytes(const weft_queries *queries); /* read so far */

WEFT_END_DECLS

#endif
