/* SPDX-License-Identifier: MIT */

#include "base/str.h"

#include "harness/harness.h"

#include <stdio.h>

TEST(str_trim_takes_spaces_and_tabs_at_both_ends)
{
    CHECK(wf_str_is(wf_str_trim(weft_str_of(" \ta b\t ")), "a b"));
    CHECK(wf_str_is(wf_str_trim(weft_str_of("\r\n")), "\r\n"));
    CHECK(wf_str_is(wf_str_trim(weft_str_of(" \t ")), ""));
    CHECK(wf_str_trim((weft_str){NULL, 0}).ptr == NULL);
}

/* The items of a list between slashes, as one text of "[item]" each. */
static void list_items(weft_str rest, char out[64])
{
    weft_str item;
    size_t len = 0;
    while (wf_str_next_item(&rest, '/', &item))
        len += (size_t)snprintf(out + len, 64 - len, "[%.*s]", (int)item.len, item.ptr);
    out[len] = '\0';
}

TEST(str_next_item_gives_what_stands_between_separators)
{
    static const struct {
        const char *list, *items;
    } cases[] = {
        {"a", "[a]"},  {" a / b\t/c", "[a][b][c]"}, {"", "[]"},
        {"/", "[][]"}, {"a//b/", "[a][][b][]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char items[64];
        list_items(weft_str_of(cases[i].list), items);
        CHECK_STR(items, cases[i].items);
    }
    weft_str none = {NULL, 0}, item;
    CHECK(!wf_str_next_item(&none, '/', &item));
}
