/* SPDX-License-Identifier: MIT */

/* Field set: what the columns and keys of all records so far are called. */
#ifndef WF_FIELD_SET_H
#define WF_FIELD_SET_H

#include "base/arena.h"

#define WF_FIELD_SET_MAX 64u /* further names are not kept */

typedef struct wf_field_set {
    wf_arena arena;
    struct wf_field_name {
        weft_str name;
        bool is_column; /* of CSV or TSV: ASCII case does not count */
    } items[WF_FIELD_SET_MAX];
    size_t count;
    size_t next; /* where the next name stands if records are alike */
    bool is_cut; /* there were more */
} wf_field_set;

/* Zeroed is empty. */
void wf_field_set_fini(wf_field_set *set);

/* Adds a name of a record.  0 or -ENOMEM. */
int wf_field_set_add(wf_field_set *set, weft_str name, bool is_column);

/* Also true of any name once the set is cut. */
bool wf_field_set_has(const wf_field_set *set, weft_str name);

#endif
