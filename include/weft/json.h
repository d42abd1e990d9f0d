/* SPDX-License-Identifier: MIT */

/*
 * JSON: strict RFC 8259 text, read into a tree that does not change.
 *
 *     weft_json *root = NULL;
 *     WEFT_TRY(weft_json_read(&root, text, bytes, NULL, NULL)); // weft_error_text() says what
 *     const weft_json *name = weft_json_get(root, "name");
 *     if (weft_json_kind(name) == WEFT_JSON_STRING)
 *         use(weft_json_string(name));
 *     weft_json_free(root);
 *
 * Reading does not recurse: it needs a few hundred bytes of stack however deep the text nests.
 * Nothing here waits.  A tree may be used by one thread at a time; trees share nothing.
 *
 * Library: weft-json.
 */
#ifndef WEFT_JSON_H
#define WEFT_JSON_H

#include <weft/base.h>

WEFT_BEGIN_DECLS

/* A value.  The root is owned by who read it; everything below it is borrowed until the root is
 * freed. */
typedef struct weft_json weft_json;

enum weft_json_kind {
    WEFT_JSON_NONE, /* no value there: the kind of NULL */
    WEFT_JSON_NULL,
    WEFT_JSON_BOOL,
    WEFT_JSON_INTEGER, /* digits only, fits an int64_t */
    WEFT_JSON_DOUBLE,  /* has a fraction or an exponent */
    WEFT_JSON_STRING,
    WEFT_JSON_ARRAY,
    WEFT_JSON_OBJECT,
};

/* Zero means the default in every field. */
typedef struct weft_json_limits {
    size_t bytes_max;       /* of the whole text; 0: 8 MiB */
    size_t value_count_max; /* values in the text, a container counting as one; 0: 250,000 */
    uint32_t depth_max;     /* containers around a value; 0: 128; at most 512 */
    uint32_t
        digit_count_max;    /* digits of one number behind its leading zeros; 0: 64; at most 200 */
    uint32_t key_count_max; /* keys of one object; 0: 100,000 */
} weft_json_limits;

#define WEFT_JSON_DEPTH_CEILING 512

typedef struct weft_json_error {
    int rc;        /* what the call returned */
    size_t offset; /* byte at which the text stops being right, from 0 */
    size_t line;   /* the same place; from 1 */
    size_t column; /* in bytes; from 1 */
    size_t limit;  /* of -WEFT_ELIMIT: the limit passed; else 0 */
    char text[96]; /* one sentence without its full stop: "a key stands twice in one object" */
} weft_json_error;

/* Reads a text that is one value, with white space around it, into a tree in *out.  `text` may hold
 * any bytes and is not kept.  `limits` and `error` may be NULL.  On failure *out is not touched and
 * weft_error_text() says what and where: "line 3 column 7: a colon must stand behind the key".
 * -WEFT_ESYNTAX: not JSON, not UTF-8, half a surrogate pair, a key twice in one object, an integer
 * beyond int64_t, a number beyond double; -WEFT_ELIMIT: past a limit; -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_json_read(weft_json **out, const char *text, size_t bytes,
                                          const weft_json_limits *limits, weft_json_error *error);

/* Frees a root with all below it.  NULL is fine. */
WEFT_API void weft_json_free(weft_json *root);

/* ---- looking at a value: each call allows any value, and NULL ---- */

/* What the value is; WEFT_JSON_NONE of NULL. */
WEFT_API enum weft_json_kind weft_json_kind(const weft_json *value);

/* "null", "true or false", "an integer", "a number", "a string", "an array", "an object". */
WEFT_API const char *weft_json_kind_name(enum weft_json_kind kind);

/* The text of a string: UTF-8, may contain U+0000; a NUL follows its end.  {NULL, 0} if the value
 * is no string. */
WEFT_API weft_str weft_json_string(const weft_json *value);

WEFT_API bool weft_json_bool(const weft_json *value);       /* false if it is none */
WEFT_API int64_t weft_json_integer(const weft_json *value); /* 0 if it is none */
WEFT_API double weft_json_double(const weft_json *value);   /* of an integer too; 0 if it is none */

/* The number of items of an array or of keys of an object; else 0. */
WEFT_API size_t weft_json_count(const weft_json *value);

/* An item of an array; NULL past its end. */
WEFT_API const weft_json *weft_json_item(const weft_json *array, size_t index);

/* The value of a key; NULL if there is none. */
WEFT_API const weft_json *weft_json_get(const weft_json *object, const char *key);
WEFT_API const weft_json *weft_json_get_str(const weft_json *object, weft_str key);

/* The members of an object in the order of the text:
 *
 *     weft_json_member member = {0};
 *     while (weft_json_next(object, &member))
 *         use(member.key, member.value);
 */
typedef struct weft_json_member {
    weft_str key;
    const weft_json *value;
    void *priv_at;
} weft_json_member;

/* Steps to the next member of an object; false when there is none, or it is no object. */
WEFT_API bool weft_json_next(const weft_json *object, weft_json_member *member);

WEFT_END_DECLS

#endif
