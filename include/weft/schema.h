/* SPDX-License-Identifier: MIT */

/*
 * Schema: a C structure described by a table of its fields.  From one table come the checked values
 * of a JSON text or of parameters, the list of everything that is wrong with them, the JSON text of
 * a structure, and the JSON Schema that tells others what is accepted.
 *
 *     struct item {
 *         weft_str name;
 *         int64_t count;
 *         weft_items tags; // of weft_str
 *     };
 *     static const weft_field tag = {.type = WEFT_TYPE_STRING, .range = WEFT_RANGE(1, 20)};
 *     static const weft_field item_fields[] = {
 *         {WEFT_FIELD_STRING(struct item, name), .flags = WEFT_REQUIRED},
 *         {WEFT_FIELD_INTEGER(struct item, count), .range = WEFT_FROM(0)},
 *         {WEFT_FIELD_ARRAY(struct item, tags, &tag), .range = WEFT_UP_TO(10)},
 *     };
 *     static const struct item item_preset = {.count = 1};
 *     static const weft_schema item_schema = {WEFT_SCHEMA(struct item, item_fields),
 *                                             .preset = &item_preset};
 *
 *     struct item *item;
 *     weft_issues issues = {0};
 *     int rc = weft_schema_read(&item_schema, root, &issues, (void **)&item);
 *     // -EINVAL: issues.items[0] is {"count", "must be an integer of at least 0"}
 *     weft_schema_free(item);
 *
 * A field that is absent has the value of the preset.  Nothing here waits.  Tables are written in
 * C, or in C++20 (where g++ wants -Wno-missing-field-initializers beside -Wextra, as with any
 * designated initializer that leaves members zero).
 *
 * Library: weft-json.
 */
#ifndef WEFT_SCHEMA_H
#define WEFT_SCHEMA_H

#include <weft/json.h>
#include <weft/json_writer.h>

WEFT_BEGIN_DECLS

/* ---- tables ---- */

enum weft_type {
    WEFT_TYPE_INTEGER = 1, /* int64_t */
    WEFT_TYPE_DOUBLE,      /* double; integers are taken too */
    WEFT_TYPE_BOOL,        /* bool */
    WEFT_TYPE_STRING,      /* weft_str, UTF-8 */
    WEFT_TYPE_OBJECT,      /* a structure, by a schema of its own */
    WEFT_TYPE_ARRAY,       /* weft_items, all by one field that describes an item */
    WEFT_TYPE_ANY,         /* const weft_json *; not in parameters */
};

/* The items of an array: `count` values of the type that the item's field names, in a row. */
typedef struct weft_items {
    const void *ptr;
    size_t count;
} weft_items;

/* Bounds, both included: of an integer, of a string's characters, of an array's items. */
typedef struct weft_range {
    bool is_set;
    int64_t min, max;
} weft_range;
#define WEFT_RANGE(min_, max_)                                                                     \
    {                                                                                              \
        true, (min_), (max_)                                                                       \
    }
#define WEFT_FROM(min_) WEFT_RANGE(min_, INT64_MAX)
#define WEFT_UP_TO(max_) WEFT_RANGE(INT64_MIN, max_)

/* Bounds of a double, both included. */
typedef struct weft_interval {
    bool is_set;
    double min, max;
} weft_interval;
#define WEFT_INTERVAL(min_, max_)                                                                  \
    {                                                                                              \
        true, (min_), (max_)                                                                       \
    }

enum weft_field_flags {
    WEFT_REQUIRED = 1u, /* absent is an issue */
    WEFT_NULLABLE = 2u, /* null counts as absent */
};

/* Where a parameter of a request stands (<weft/http_api.h>). */
enum weft_place {
    WEFT_IN_QUERY = 0, /* also repeated, as an array */
    WEFT_IN_PATH,      /* always there: the route has {name} */
    WEFT_IN_HEADER,
    WEFT_IN_COOKIE,
};

struct weft_issues;
struct weft_schema;

typedef struct weft_field {
    const char *name;                 /* in JSON, or of the parameter */
    enum weft_type type;              /* with `at` by the macros below */
    size_t at;                        /* offset of the member; of an array's item unused */
    const struct weft_schema *schema; /* of an object */
    const struct weft_field *item;    /* of an array */
    const char *alias;                /* a name that C cannot have; NULL: `name` */
    uint32_t flags;                   /* enum weft_field_flags */
    enum weft_place in;
    weft_range range;
    weft_interval interval;
    const char *const *choices; /* of a string: all there are, NULL behind the last */
    size_t present_at;          /* WEFT_PRESENT(…): a bool that tells whether it was there */

    /* Called with the member when all else about it is right, to say what a table cannot:
     * weft_issue(issues, path, "must be even").  NULL: nothing. */
    void (*check)(struct weft_issues *issues, const char *path, const void *member);

    const char *about;    /* one sentence for the document; NULL: none */
    const char *raw_json; /* instead of what the document says of WEFT_TYPE_ANY: JSON Schema text */
} weft_field;

/* The first members of a field: {WEFT_FIELD_STRING(struct item, name), .flags = WEFT_REQUIRED}.
 * They do not compile for a member of another type. */
#define WEFT_FIELD_INTEGER(type_, member_) WEFT_FIELD_(type_, member_, INTEGER, int64_t)
#define WEFT_FIELD_DOUBLE(type_, member_) WEFT_FIELD_(type_, member_, DOUBLE, double)
#define WEFT_FIELD_BOOL(type_, member_) WEFT_FIELD_(type_, member_, BOOL, bool)
#define WEFT_FIELD_STRING(type_, member_) WEFT_FIELD_(type_, member_, STRING, weft_str)
#define WEFT_FIELD_ANY(type_, member_) WEFT_FIELD_(type_, member_, ANY, const weft_json *)
#define WEFT_FIELD_ARRAY(type_, member_, item_)                                                    \
    WEFT_FIELD_(type_, member_, ARRAY, weft_items), .item = (item_)
#define WEFT_FIELD_OBJECT(type_, member_, schema_)                                                 \
    .name = #member_, .type = WEFT_TYPE_OBJECT, .at = offsetof(type_, member_), .schema = (schema_)
#define WEFT_FIELD_(type_, member_, kind_, c_type_)                                                \
    .name = #member_, .type = WEFT_TYPE_##kind_,                                                   \
    .at = offsetof(type_, member_) + 0 * sizeof(&((type_ *)0)->member_ == (c_type_ *)0)

/* For present_at: a bool of the same structure. */
#define WEFT_PRESENT(type_, member_)                                                               \
    (1 + offsetof(type_, member_) + 0 * sizeof(&((type_ *)0)->member_ == (bool *)0))

typedef struct weft_schema {
    const char *name; /* in documents: of those used together, each has its own */
    size_t bytes;     /* of the structure */
    const weft_field *fields;
    size_t field_count;
    const char *alias;  /* a better name for documents; NULL: `name` */
    const void *preset; /* a structure with the values of absent fields; NULL: zeros */
    bool is_bare;       /* the value is that of the only field, without an object around it */
    bool is_open;       /* members of an object that are not in the table are no issues */
    const char *about;  /* one sentence for the document; NULL: none */
} weft_schema;

/* What a schema needs; its name is that of the array of fields.  Another is its alias: to set a
 * member a second time is a warning of -Wextra. */
#define WEFT_SCHEMA(type_, fields_)                                                                \
    .name = #fields_, .bytes = sizeof(type_), .fields = (fields_),                                 \
    .field_count = sizeof(fields_) / sizeof((fields_)[0])

/* ---- what is wrong ---- */

#define WEFT_ISSUE_MAX 16

typedef struct weft_issue_item {
    char path[64];  /* "threshold", "maker.name", "tags[3]"; "" is the whole */
    char text[128]; /* "must be a number from 0 to 1" */
    const char *in; /* "query", "path", "header", "cookie"; NULL: the body */
} weft_issue_item;

/* Zeroed is empty.  About 3 KiB. */
typedef struct weft_issues {
    size_t count; /* all of them; the first WEFT_ISSUE_MAX are kept */
    weft_issue_item items[WEFT_ISSUE_MAX];
} weft_issues;

/* Adds an issue with the member at `path`. */
WEFT_API void weft_issue(weft_issues *issues, const char *path, const char *format, ...)
    WEFT_PRINTF(3, 4);

/* ---- values in ---- */

/* Makes a structure from `value` in *out, which the caller frees with weft_schema_free().  Strings
 * and WEFT_TYPE_ANY point into the tree of `value`, which must outlive it.  0; -EINVAL with
 * everything that is wrong added to `issues`; -ENOMEM.  On failure *out is not touched.  Objects
 * and arrays may nest 32 deep; more is an issue. */
WEFT_API WEFT_MUST_USE int weft_schema_read(const weft_schema *schema, const weft_json *value,
                                            weft_issues *issues, void **out);

/* Gives the index-th text of a field; false if there is none. */
typedef bool weft_schema_text_fn(void *arg, const weft_field *field, size_t index, weft_str *out);

/* Like weft_schema_read(), from texts: parameters and forms.  Numbers are as in JSON; booleans are
 * true, false, 1, 0; an array gets all texts of its name, any other field the first.  -EINVAL also
 * for a schema with objects, WEFT_TYPE_ANY or arrays of arrays in it. */
WEFT_API WEFT_MUST_USE int weft_schema_read_texts(const weft_schema *schema,
                                                  weft_schema_text_fn *text, void *arg,
                                                  weft_issues *issues, void **out);

/* Frees what weft_schema_read() and weft_schema_read_texts() made.  NULL is fine. */
WEFT_API void weft_schema_free(void *structure);

/* ---- values out ---- */

/* Writes a structure as one JSON value.  Left out are absent members (present_at), strings with
 * NULL that are not required, and WEFT_TYPE_ANY, which is for reading alone. */
WEFT_API void weft_schema_write(const weft_schema *schema, const void *structure,
                                weft_json_writer *json);

/* Writes the JSON Schema (2020-12) of a schema, or of one field.  Objects in it are references,
 * {"$ref":"#/components/schemas/NAME"}. */
WEFT_API void weft_schema_describe(const weft_schema *schema, weft_json_writer *json);
WEFT_API void weft_field_describe(const weft_field *field, const void *preset,
                                  weft_json_writer *json);

WEFT_END_DECLS

#endif
