/* SPDX-License-Identifier: MIT */

/* A record read as an entity: checked first, copied when it is right. */
#ifndef WF_ENTITY_H
#define WF_ENTITY_H

#include "base/arena.h"
#include "catalog/field_names.h"
#include "catalog/field_set.h"
#include "catalog/records.h"

#include <weft/json_writer.h>

/* The entity of the record at hand; its strings are borrowed from the record. */
typedef struct wf_entity_draft {
    const wf_records *records;
    wf_field_names names;
    wf_field_set *seen; /* the names of what is read go there */
    bool merges;        /* wf_entity_merge may follow a copy */
    size_t text_bytes_max;
    bool has_added; /* an entity of this file is in the catalogue */
    weft_m_entity entity;
    weft_str *aliases;
    size_t alias_capacity;
    weft_json_writer *extra;
    char id_digits[24]; /* of an integer id */

    /* CSV, TSV: where the columns are; WF_NO_FIELD. */
    bool has_columns;
    size_t id_column, name_column, text_column, parents_column;
    size_t alias_columns[WF_ALIAS_FIELDS_MAX];
} wf_entity_draft;

/* `seen` is borrowed.  0 or -ENOMEM; ended in either case. */
int wf_entity_draft_init(wf_entity_draft *draft, const wf_records *records, wf_field_set *seen,
                         const weft_catalog_options *options, weft_catalog_error *error);
void wf_entity_draft_fini(wf_entity_draft *draft);

/* 0, or -WEFT_M_EVALID or -WEFT_ELIMIT with *error for a record that is no entity. */
int wf_entity_read(wf_entity_draft *draft, const wf_record *record, weft_catalog_error *error);

/* Copies the draft's entity into *out.  0 or -ENOMEM. */
int wf_entity_copy(const wf_entity_draft *draft, wf_arena *arena, weft_m_entity *out);

#define WF_ALIAS_COUNT_MAX 10000 /* of an entity that rows are merged into: each is compared */

/* Adds the draft's name and aliases to the aliases of *out, but what is there already.  0,
 * -ENOMEM, or -WEFT_ELIMIT. */
int wf_entity_merge(const wf_entity_draft *draft, wf_arena *arena, weft_m_entity *out);

#endif
