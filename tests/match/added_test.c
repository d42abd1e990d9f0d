/* SPDX-License-Identifier: MIT */

/* Added tokens: which one begins at a place, however many there are. */

#include "match/tokenize/added.h"

#include "harness/harness.h"

#include <string.h>

#define MANY 3000

static wf_added added_of(const char *text, uint32_t id, bool is_normalised)
{
    wf_added added = {.id = id, .order = id, .is_normalised = is_normalised};
    CHECK_OK(wf_scalars_read(&added.text, (weft_str){text, strlen(text)}));
    return added;
}

/* The id of what is found at the start of `text`; -1: nothing. */
static int find(const wf_added *added, size_t count, bool is_normalised, const char *text)
{
    wf_scalars scalars = {0};
    CHECK_OK(wf_scalars_read(&scalars, (weft_str){text, strlen(text)}));
    const wf_added *found = wf_added_find(added, count, is_normalised, scalars.at, scalars.count);
    wf_scalars_fini(&scalars);
    return found != NULL ? (int)found->id : -1;
}

static void free_all(wf_added *added, size_t count)
{
    for (size_t i = 0; i < count; i++)
        wf_scalars_fini(&added[i].text);
}

TEST(the_longest_one_that_begins_here_is_found)
{
    wf_added added[] = {
        added_of("[M", 0, false),  added_of("[MASK]", 1, false), added_of("", 2, false),
        added_of("é", 3, false),   added_of("[M", 4, false),     added_of("[MA", 5, true),
        added_of("<s>", 6, false),
    };
    size_t count = wf_added_sort(added, sizeof added / sizeof added[0]);
    CHECK_EQ(count, 5u); /* not the empty one, and of two that are equal not the later */
    CHECK_EQ(find(added, count, false, "[MASK] x"), 1);
    CHECK_EQ(find(added, count, false, "[MASK"), 0);
    CHECK_EQ(find(added, count, true, "[MASK]"), 5);
    CHECK_EQ(find(added, count, false, "é"), 3);
    CHECK_EQ(find(added, count, true, "é"), -1);
    CHECK_EQ(find(added, count, false, "<s"), -1);
    CHECK_EQ(find(added, count, false, "s"), -1);
    CHECK_EQ(find(added, 0, false, "[MASK]"), -1);
    free_all(added, count);
}

/* All of one first character. */
TEST(among_thousands_each_is_found)
{
    static wf_added added[MANY];
    char text[16];
    for (uint32_t i = 0; i < MANY; i++) {
        snprintf(text, sizeof text, "<%u>", i * 7919 % MANY);
        added[i] = added_of(text, i, i % 2 != 0);
    }
    CHECK_EQ(wf_added_sort(added, MANY), (size_t)MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        snprintf(text, sizeof text, "<%u>", i * 7919 % MANY);
        CHECK_EQ(find(added, MANY, i % 2 != 0, text), (int)i);
        CHECK_EQ(find(added, MANY, i % 2 == 0, text), -1);
    }
    free_all(added, MANY);
}
