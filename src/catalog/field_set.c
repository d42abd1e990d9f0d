/* SPDX-License-Identifier: MIT */

#include "catalog/field_set.h"

#include "base/str.h"

#include <errno.h>
#include <strings.h>

void wf_field_set_fini(wf_field_set *set)
{
    wf_arena_fini(&set->arena);
    *set = (wf_field_set){0};
}

static bool is_item(const struct wf_field_name *item, weft_str name, bool is_column)
{
    return item->is_column == is_column && wf_str_equals(item->name, name);
}

int wf_field_set_add(wf_field_set *set, weft_str name, bool is_column)
{
    /* One comparison a name where records have their names in one order. */
    for (size_t i = 0; i < set->count; i++) {
        size_t at = (set->next + i) % set->count;
        if (is_item(&set->items[at], name, is_column)) {
            set->next = at + 1;
            return 0;
        }
    }
    if (set->count == WF_FIELD_SET_MAX) {
        set->is_cut = true;
        return 0;
    }
    struct wf_field_name *item = &set->items[set->count];
    item->is_column = is_column;
    if (!wf_arena_copy(&set->arena, name, &item->name))
        return -ENOMEM;
    set->next = ++set->count;
    return 0;
}

bool wf_field_set_has(const wf_field_set *set, weft_str name)
{
    bool has = set->is_cut;
    for (size_t i = 0; i < set->count && !has; i++) {
        const struct wf_field_name *item = &set->items[i];
        has = item->is_column ? item->name.len == name.len &&
                                    strncasecmp(item->name.ptr, name.ptr, name.len) == 0
                              : wf_str_equals(item->name, name);
    }
    return has;
}
