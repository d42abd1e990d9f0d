/* SPDX-License-Identifier: MIT */

/* Hierarchy over HTTP says what the library says, to the byte. */
#include "service/desk.h"

#include <weft/hierarchy.h>

#include <stdlib.h>
#include <string.h>

#define SHOP                                                                                       \
    "{\"entities\":[{\"id\":\"shop\",\"name\":\"everything\"},"                                    \
    "{\"id\":7,\"name\":\"telephones\",\"hierarchy\":{\"parents\":[\"shop\"]}},"                   \
    "{\"id\":\"x1\",\"name\":\"Zephyr X1 black\",\"hierarchy\":{\"parents\":[7],"                  \
    "\"weights\":{\"7\":0.3}}},"                                                                   \
    "{\"id\":\"x2\",\"name\":\"Zephyr X2 \\\"black\\\"\",\"hierarchy\":{\"parents\":[7]}}]}"

static const struct {
    const char *text, *level, *within, *body;
} asked[] = {
    {"Zephyr black", "all", NULL,
     "{\"query\":\"Zephyr black\",\"match_level\":\"all\",\"alpha\":0.6,\"top_k\":4}"},
    {"telephone X2", "ancestors", NULL,
     "{\"query\":\"telephone X2\",\"match_level\":\"ancestors\",\"alpha\":0.6,\"top_k\":4}"},
    {"x1", "descendants", "7",
     "{\"query\":\"x1\",\"match_level\":\"descendants\",\"within\":\"7\",\"alpha\":0.6,\"top_k\":"
     "4}"},
};

/* What the library says is a list of one. */
static void check_answer(struct desk *desk, weft_matcher *matcher, size_t at)
{
    const weft_str query = weft_str_of(asked[at].text);
    weft_m_hierarchy_options options;
    weft_text text;
    weft_m_hierarchy_options_init(&options);
    options.top_k = 4;
    options.alpha = 0.6;
    options.match_level = weft_str_of(asked[at].level);
    if (asked[at].within != NULL)
        options.within = weft_str_of(asked[at].within);
    CHECK_OK(weft_m_hierarchy_json(matcher, &query, 1, &options, &text, NULL));
    CHECK_EQ(desk_call(desk, "POST /v1/hierarchy", asked[at].body), 200);
    CHECK(desk_says(desk, "\"relationship\":"));
    CHECK_BYTES(desk->answer.body, strlen(desk->answer.body), text.ptr + 1, text.len - 2);
    weft_text_free(&text);
}

TASK_TEST(hierarchy_is_answered_as_the_library_does)
{
    static struct desk desk;
    weft_hierarchy *hierarchy;
    weft_text text;
    desk_open(&desk, 4);
    CHECK_EQ(desk_call(&desk, "PUT /v1/matchers/default", SHOP), 201);
    struct named *named = registry_get(&desk.service.registry, weft_str_of("default"));
    for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++)
        check_answer(&desk, named->matcher, i);
    CHECK_OK(weft_m_hierarchy(named->matcher, &hierarchy, NULL));
    CHECK_OK(weft_hierarchy_entity_json(hierarchy, weft_str_of("7"), 1, &text));
    weft_hierarchy_unref(hierarchy);
    CHECK_EQ(desk_call(&desk, "GET /v1/hierarchy?id=7&max_depth=1", NULL), 200);
    CHECK_STR(desk.answer.body, text.ptr);
    weft_text_free(&text);
    registry_release(named);
    desk_close(&desk);
}

/* Ids that are integers are asked for as they are answered. */
TASK_TEST(ids_in_bodies_may_be_integers)
{
    static struct desk desk;
    desk_open(&desk, 4);
    CHECK_EQ(desk_call(&desk, "PUT /v1/matchers/default", SHOP), 201);
    CHECK_EQ(desk_call(&desk, "POST /v1/hierarchy", asked[2].body), 200);
    char *text = strdup(desk.answer.body);
    CHECK_EQ(desk_call(&desk, "POST /v1/hierarchy",
                       "{\"query\":\"x1\",\"match_level\":\"descendants\",\"within\":7,"
                       "\"alpha\":0.6,\"top_k\":4}"),
             200);
    CHECK_STR(desk.answer.body, text);
    free(text);
    CHECK_EQ(desk_call(&desk, "POST /v1/hierarchy", "{\"query\":\"x1\",\"within\":7.5}"), 422);
    CHECK(desk_says(&desk, "\"within: must be an id: a string or an integer\""));
    CHECK_EQ(
        desk_call(&desk, "POST /v1/novelty", "{\"query\":\"telephones\",\"existing\":[\"x1\",7]}"),
        200);
    CHECK(desk_says(&desk, "\"match_method\":\"accepted_known\""));
    CHECK_EQ(
        desk_call(&desk, "POST /v1/novelty", "{\"query\":\"telephones\",\"existing\":[\"x1\",8]}"),
        200);
    CHECK(desk_says(&desk, "\"match_method\":\"outside_existing_classes\""));
    CHECK_EQ(desk_call(&desk, "POST /v1/novelty", "{\"query\":\"a\",\"existing\":[true]}"), 422);
    CHECK(desk_says(&desk, "\"existing[0]: must be an id: a string or an integer\""));
    desk_close(&desk);
}

/* Not when somebody asks for the hierarchy, which may be never. */
TASK_TEST(hierarchy_with_a_cycle_is_refused_with_its_matcher)
{
    static struct desk desk;
    desk_open(&desk, 4);
    CHECK_EQ(
        desk_call(&desk, "PUT /v1/matchers/default",
                  "{\"entities\":[{\"id\":\"a\",\"name\":\"A\",\"hierarchy\":{\"parents\":[2]}},"
                  "{\"id\":2,\"name\":\"B\",\"hierarchy\":{\"parents\":[\"a\"]}}]}"),
        422);
    CHECK(desk_says(&desk, "\"The hierarchy has a cycle: a -> 2 -> a\",\"field\":\"hierarchy\""));
    CHECK_EQ(desk_call(&desk, "PUT /v1/matchers/default", SHOP), 201);
    CHECK_EQ(desk_call(&desk, "POST /v1/entities",
                       "{\"update\":true,\"entities\":[{\"id\":\"shop\",\"name\":\"everything\","
                       "\"hierarchy\":{\"parents\":[\"x1\"]}}]}"),
             422);
    CHECK(desk_says(&desk, "\"The hierarchy has a cycle: "));
    CHECK_EQ(desk_call(&desk, "GET /v1/hierarchy?id=x1", NULL), 200);
    desk_close(&desk);
}

/* What is shown of a name that is too long ends between two characters. */
TASK_TEST(hierarchy_within_a_long_name_is_refused_in_whole_characters)
{
    static struct desk desk;
    desk_open(&desk, 4);
    CHECK_EQ(desk_call(&desk, "PUT /v1/matchers/default", SHOP), 201);
    CHECK_EQ(desk_call(&desk, "POST /v1/hierarchy",
                       "{\"query\":\"x\",\"within\":\"\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5"
                       "\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\"}"),
             422);
    CHECK(desk_says(&desk, "\u65e5' is no entity's id"));
    desk_close(&desk);
}
