/* SPDX-License-Identifier: MIT */

#include "base/names.h"

#include "harness/harness.h"

#include <stdlib.h>
#include <string.h>

static const char *nearest(const char *text, const char *const *names, size_t count)
{
    return wf_names_nearest(weft_str_of(text), names, count);
}

TEST(names_nearest_is_near)
{
    static const char *const names[] = {"match", "serve", "help"};
    CHECK_STR(nearest("mach", names, 3), "match");
    CHECK_STR(nearest("serv", names, 3), "serve");
    CHECK_STR(nearest("hlep", names, 3), "help");
    CHECK(nearest("compile", names, 3) == NULL);
    const char *const others[] = {"top", "mode", "ps", "examples"};
    CHECK(nearest("nope", others, 4) == NULL);
    CHECK(nearest("px", others, 4) == NULL);
    CHECK_STR(nearest("tpo", others, 4), "top");
    CHECK_STR(nearest("MATCH", names, 3), "match");
    CHECK_STR(nearest("SEvre", names, 3), "serve");
    CHECK_STR(nearest("exmpels", others, 4), "examples");
    CHECK(nearest("exmpelx", others, 4) == NULL);
    CHECK(nearest("", names, 3) == NULL);
}

static const char *const fields[] = {"query", "top_k", "threshold", "candidates", "metadata"};

/* However little room there is, no name is cut, and how many are left out is right. */
TEST(names_list_is_cut_between_names)
{
    static const char whole[] = "query, top_k, threshold, candidates, metadata";
    char out[80];
    for (size_t room = 32; room <= sizeof(out); room++) {
        memset(out, '#', sizeof(out));
        wf_names_list(fields, 5, out, room);
        CHECK_LT(strlen(out), room);
        note("%zu: %s", room, out);
        if (room >= sizeof(whole)) {
            CHECK_STR(out, whole);
            continue;
        }
        char *more = strstr(out, " and ");
        CHECK(more != NULL);
        size_t listed = 1, left = strtoul(more + 5, NULL, 10);
        CHECK_STR(strchr(more + 5, ' '), " more");
        *more = '\0';
        for (const char *at = out; (at = strstr(at, ", ")) != NULL; at += 2)
            listed++;
        CHECK_EQ(listed + left, 5u);
        CHECK_BYTES(out, strlen(out), whole, strlen(out));
        CHECK_EQ(whole[strlen(out)], ',');
    }
}

TEST(names_that_are_too_long_are_counted)
{
    static const char *const names[] = {"a_name_of_much_more_than_thirty_two_bytes", "b"};
    char out[32];
    wf_names_list(names, 2, out, sizeof(out));
    CHECK_STR(out, "2");
    wf_names_list(names, 1, out, sizeof(out));
    CHECK_STR(out, "1");
    wf_names_list(names, 0, out, sizeof(out));
    CHECK_STR(out, "");
}

TEST(names_hint_asks_or_lists)
{
    char out[56];
    wf_names_hint(weft_str_of("topk"), fields, 5, out, sizeof(out));
    CHECK_STR(out, "; did you mean top_k?");
    wf_names_hint(weft_str_of("limit"), fields, 5, out, sizeof(out));
    CHECK_STR(out, "; there are query, top_k, threshold and 2 more");
    wf_names_hint(weft_str_of("limit"), fields, 0, out, sizeof(out));
    CHECK_STR(out, "; there are none");
}
