/* SPDX-License-Identifier: MIT */

/* Field names: what the columns or keys of an entity are called in a file. */
#ifndef WF_FIELD_NAMES_H
#define WF_FIELD_NAMES_H

#include <weft/catalog.h>

#define WF_ALIAS_FIELDS_MAX 8

typedef struct wf_field_names {
    weft_str id, name, text;
    weft_str parents;                      /* of JSON only if the caller named it */
    weft_str aliases[WF_ALIAS_FIELDS_MAX]; /* each holds some */
    size_t alias_count;
    bool has_parents; /* and what parents are */
    char separator;   /* within a field of CSV or TSV, or a string of JSON */
} wf_field_names;

/* Borrows from the options. */
void wf_field_names_init(wf_field_names *names, const weft_catalog_options *options);

/* True if a field of this name is one of them. */
bool wf_field_names_has(const wf_field_names *names, weft_str name);

#endif
