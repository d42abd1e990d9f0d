/* SPDX-License-Identifier: MIT */

/* Parents: ids of the entities above, as they go into an entity's extra: {"hierarchy":{"parents":
 * [ids]}. */
#ifndef WF_PARENTS_H
#define WF_PARENTS_H

#include "catalog/field_names.h"

#include <weft/json_writer.h>

/* The value of an object that holds them, if the caller has named its key; else NULL.  A key
 * "hierarchy" says it all. */
const weft_json *wf_parents_find(const wf_field_names *names, const weft_json *object);

/* NULL, or what is wrong with it; then *out_index is the item, or SIZE_MAX. */
const char *wf_parents_check(const weft_json *parents, size_t *out_index);

/* Opens the object of extra, which stays open, and the list in it; ids come between. */
void wf_parents_begin(weft_json_writer *extra);
void wf_parents_end(weft_json_writer *extra);

/* All three, of a value that was checked. */
void wf_parents_put(weft_json_writer *extra, const weft_json *parents);

#endif
