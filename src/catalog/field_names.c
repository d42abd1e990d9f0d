/* SPDX-License-Identifier: MIT */

#include "catalog/field_names.h"

#include "base/str.h"
#include <string.h>

static weft_str or_usual(weft_str name, const char *usual)
{
    return name.len != 0 ? name : weft_str_of(usual);
}

/* "alt_name,short": names with commas between them; what is past the last place is not looked at.
 */
static void split_names(wf_field_names *names, weft_str list)
{
    while (list.len != 0 && names->alias_count < WF_ALIAS_FIELDS_MAX) {
        const char *comma = memchr(list.ptr, ',', list.len);
        size_t bytes = comma != NULL ? (size_t)(comma - list.ptr) : list.len;
        names->aliases[names->alias_count++] = (weft_str){list.ptr, bytes};
        size_t used = bytes + (comma != NULL);
        list = (weft_str){list.ptr + used, list.len - used};
    }
}

void wf_field_names_init(wf_field_names *names, const weft_catalog_options *options)
{
    *names = (wf_field_names){
        .id = or_usual(options->id_field, "id"),
        .name = or_usual(options->name_field, "name"),
        .text = weft_str_of("text"),
        .parents = or_usual(options->parents_field, "parents"),
        .has_parents = options->parents_field.len != 0,
        .separator = options->alias_separator != '\0' ? options->alias_separator : '|',
    };
    split_names(names, or_usual(options->aliases_field, "aliases"));
}

bool wf_field_names_has(const wf_field_names *names, weft_str name)
{
    bool has = wf_str_equals(name, names->id) || wf_str_equals(name, names->name) ||
               wf_str_equals(name, names->text);
    for (size_t i = 0; i < names->alias_count; i++)
        has |= wf_str_equals(name, names->aliases[i]);
    return has;
}
