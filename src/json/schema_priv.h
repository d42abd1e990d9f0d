/* SPDX-License-Identifier: MIT */

/* What the readers of a schema share: a structure in the making, and the rules of its fields. */
#ifndef WF_JSON_SCHEMA_PRIV_H
#define WF_JSON_SCHEMA_PRIV_H

#include <weft/schema.h>

#include "base/arena.h"

#define WF_SCHEMA_DEPTH_MAX 32

/* A structure is being filled.  `path` names the place at hand, cut where it does not fit. */
struct wf_schema_fill {
    weft_issues *issues;
    const char *in; /* of issues; NULL: the body */
    wf_arena arena;
    bool has_no_memory;
    unsigned depth;
    char path[64];
    size_t path_len;
};

const char *wf_field_name(const weft_field *field);

/* Bytes of a value of this type in a row of them. */
size_t wf_field_bytes(const weft_field *field);

/* Whether its rules allow what the member holds, but for its `check`; of an array or object always.
 */
bool wf_field_allows(const weft_field *field, const void *member);

/* Where the member of this field is. */
void *wf_field_member(const weft_field *field, void *structure);
void wf_field_set_present(const weft_field *field, void *structure);

/* The preset, or zeros. */
void wf_schema_init(const weft_schema *schema, void *structure);

/* Goes to a member or an item; returns what wf_fill_leave needs. */
size_t wf_fill_enter_member(struct wf_schema_fill *fill, const char *name, size_t len);
size_t wf_fill_enter_item(struct wf_schema_fill *fill, size_t index);
void wf_fill_leave(struct wf_schema_fill *fill, size_t path_len);

/* An issue at the place at hand. */
void wf_fill_issue(struct wf_schema_fill *fill, const char *format, ...) WEFT_PRINTF(2, 3);

/* The rules.  Each puts the value into the member, or adds an issue. */
void wf_fill_integer(struct wf_schema_fill *fill, const weft_field *field, bool is_integer,
                     int64_t value, void *member);
void wf_fill_double(struct wf_schema_fill *fill, const weft_field *field, bool is_number,
                    double value, void *member);
void wf_fill_bool(struct wf_schema_fill *fill, bool is_bool, bool value, void *member);
void wf_fill_string(struct wf_schema_fill *fill, const weft_field *field, weft_str value,
                    void *member);

/* Room for `count` items in the member, or NULL with an issue or has_no_memory. */
char *wf_fill_array(struct wf_schema_fill *fill, const weft_field *field, size_t count,
                    void *member);
void wf_fill_no_array(struct wf_schema_fill *fill, const weft_field *field);

/* Calls the field's own check if nothing was wrong since there were `issues_before`. */
void wf_fill_check(struct wf_schema_fill *fill, const weft_field *field, size_t issues_before,
                   const void *member);

/* A block with room for the structure, the arena behind it.  NULL: no memory. */
void *wf_schema_block(const weft_schema *schema);

/* The end of a reading: hands `structure` out or frees it. */
int wf_fill_finish(struct wf_schema_fill *fill, size_t issues_before, void *structure, void **out);

#endif
