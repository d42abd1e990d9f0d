/* SPDX-License-Identifier: MIT */

/*
 * Form: takes the fields a program expects out of a JSON object somebody sent, and collects
 * everything that is wrong with them, so that the sender learns it all at once.
 *
 *     weft_json_form form;
 *     int64_t top_k = 1;
 *     weft_json_form_open(&form, root);
 *     weft_str query = {0};
 *     weft_json_form_string(&form, "query", WEFT_JSON_REQUIRED, 64 * 1024, &query);
 *     weft_json_form_integer(&form, "top_k", 0, 1, 1000, &top_k);
 *     int rc = weft_json_form_close(&form);   // "top_k: must be an integer from 1 to 1000" …
 *
 * A field that is absent leaves its output as it was.  One that is wrong leaves it too and adds an
 * issue.  Fields nobody asked for are issues as well.  Nothing is allocated.
 *
 * Library: weft-json.
 */
#ifndef WEFT_JSON_FORM_H
#define WEFT_JSON_FORM_H

#include <weft/json.h>

WEFT_BEGIN_DECLS

#define WEFT_JSON_ISSUE_MAX 16
#define WEFT_JSON_FIELD_MAX 16

typedef struct weft_json_issue {
    char path[64];  /* "threshold", "candidates[3]"; "" is the whole body */
    char text[128]; /* "must be a number from 0 to 1" */
} weft_json_issue;

typedef struct weft_json_form {
    const weft_json *object;
    size_t issue_count; /* all of them; the first WEFT_JSON_ISSUE_MAX are kept */
    weft_json_issue issues[WEFT_JSON_ISSUE_MAX];
    const char *priv_fields[WEFT_JSON_FIELD_MAX];
    size_t priv_field_count;
} weft_json_form;

enum weft_json_field_flags {
    WEFT_JSON_REQUIRED = 1u, /* absent is an issue */
    WEFT_JSON_NULLABLE = 2u, /* null counts as absent */
};

/* `object` is borrowed until close.  A value of another kind is an issue of its own. */
WEFT_API void weft_json_form_open(weft_json_form *form, const weft_json *object);

/* Each returns true if the field was there and right.  `name` is borrowed until close; at most
 * WEFT_JSON_FIELD_MAX fields a form. */
WEFT_API bool weft_json_form_string(weft_json_form *form, const char *name, unsigned flags,
                                    size_t bytes_max, weft_str *out);
WEFT_API bool weft_json_form_integer(weft_json_form *form, const char *name, unsigned flags,
                                     int64_t min, int64_t max, int64_t *out);
WEFT_API bool weft_json_form_double(weft_json_form *form, const char *name, unsigned flags,
                                    double min, double max, double *out);
WEFT_API bool weft_json_form_bool(weft_json_form *form, const char *name, unsigned flags,
                                  bool *out);

/* An array with nothing but strings of at most `bytes_max` in it. */
WEFT_API bool weft_json_form_strings(weft_json_form *form, const char *name, unsigned flags,
                                     size_t count_max, size_t bytes_max, const weft_json **out);

/* The same for an array at hand; `name` is its path, "" for the whole body. */
WEFT_API void weft_json_form_check_strings(weft_json_form *form, const char *name,
                                           const weft_json *array, size_t bytes_max);

/* Any value; the caller checks it and reports what is wrong with weft_json_form_issue. */
WEFT_API bool weft_json_form_any(weft_json_form *form, const char *name, unsigned flags,
                                 const weft_json **out);
WEFT_API void weft_json_form_issue(weft_json_form *form, const char *path, const char *format, ...)
    WEFT_PRINTF(3, 4);

/* Adds an issue for each field nobody asked for.  0, or -EINVAL if there is any issue. */
WEFT_API int weft_json_form_close(weft_json_form *form);

WEFT_END_DECLS

#endif
