/* SPDX-License-Identifier: MIT */

#include "client/cookies/suffix.h"

#include "h1/list.h"

#include <string.h>

/* What registries of countries give out names below. */
static bool is_kind_of_owner(weft_str label)
{
    static const weft_str kinds[] = {
        WEFT_STR("ac"),  WEFT_STR("co"),  WEFT_STR("com"), WEFT_STR("edu"), WEFT_STR("go"),
        WEFT_STR("gob"), WEFT_STR("gov"), WEFT_STR("mil"), WEFT_STR("ne"),  WEFT_STR("net"),
        WEFT_STR("nom"), WEFT_STR("or"),  WEFT_STR("org"), WEFT_STR("sch"),
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (wf_http_same(label, kinds[i]))
            return true;
    }
    return false;
}

bool wf_is_public_suffix(weft_str domain)
{
    if (domain.len > 0 && domain.ptr[domain.len - 1] == '.')
        domain.len--;
    const char *dot = memchr(domain.ptr, '.', domain.len);
    if (dot == NULL)
        return true;
    weft_str first = {domain.ptr, (size_t)(dot - domain.ptr)};
    weft_str rest = {dot + 1, domain.len - first.len - 1};
    bool is_country = rest.len == 2; /* ISO 3166: only countries have two letters */
    return is_country && is_kind_of_owner(first);
}
