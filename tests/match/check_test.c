/* SPDX-License-Identifier: MIT */

/* What a caller may hand in: every row of the specification's table that C can express. */

#include "make.h"

#include <weft/error.h>

#include <math.h>

static const weft_str good_alias[] = {{"Deutschland", 11}};
static const weft_str blank_alias[] = {{"ok", 2}, {"\xC2\xA0 ", 3}};
static const weft_str null_alias[] = {{NULL, 0}};
static const weft_str bad_alias[] = {{"a\xFF", 2}};

static int open_with(const weft_m_entity *entities, size_t count, const weft_m_options *options,
                     weft_m_error *error)
{
    weft_matcher *matcher = NULL;
    *error = (weft_m_error){0};
    int rc = weft_m_open(&matcher, entities, count, options, error);
    CHECK_EQ(error->rc, rc < 0 ? rc : 0);
    CHECK(rc >= 0 || matcher == NULL);
    weft_m_close(matcher);
    return rc;
}

TEST(open_refuses_bad_entities)
{
    const weft_m_entity good = {.id = STR("DE"), .name = STR("Germany")};
    static const struct {
        const char *what;
        weft_m_entity entity;
        int rc;
        const char *message, *field;
        int64_t offset;
    } table[] = {
        {"plain", {.id = {"x", 1}, .name = {"X", 1}}, 0, "", "", 0},
        {"aliases",
         {.id = {"x", 1}, .name = {"X", 1}, .aliases = good_alias, .alias_count = 1},
         0,
         "",
         "",
         0},
        {"no id", {.name = {"X", 1}}, -WEFT_M_EVALID, "Entity must have 'id' field", "id", -1},
        {"empty id",
         {.id = {"", 0}, .name = {"X", 1}},
         -WEFT_M_EVALID,
         "Entity must have 'id' field",
         "id",
         -1},
        {"no name", {.id = {"x", 1}}, -WEFT_M_EVALID, "Entity must have 'name' field", "name", -1},
        {"empty name",
         {.id = {"x", 1}, .name = {"", 0}},
         -WEFT_M_EVALID,
         "Entity 'name' must not be empty",
         "name",
         -1},
        {"blank name",
         {.id = {"x", 1}, .name = {"\xE3\x80\x80 \t", 5}},
         -WEFT_M_EVALID,
         "Entity 'name' must not be empty",
         "name",
         -1},
        {"bad name",
         {.id = {"x", 1}, .name = {"ab\xC0\xAF", 4}},
         -WEFT_M_EVALID,
         "Entity 'name' is not UTF-8 at byte 2",
         "name",
         2},
        {"no list",
         {.id = {"x", 1}, .name = {"X", 1}, .alias_count = 2},
         -WEFT_M_EVALID,
         "Entity 'aliases' must be a list of strings",
         "aliases",
         -1},
        {"blank alias",
         {.id = {"x", 1}, .name = {"X", 1}, .aliases = blank_alias, .alias_count = 2},
         -WEFT_M_EVALID,
         "Entity 'aliases' must not be empty",
         "aliases",
         -1},
        {"absent alias",
         {.id = {"x", 1}, .name = {"X", 1}, .aliases = null_alias, .alias_count = 1},
         -WEFT_M_EVALID,
         "Entity 'aliases' must be strings",
         "aliases",
         -1},
        {"bad alias",
         {.id = {"x", 1}, .name = {"X", 1}, .aliases = bad_alias, .alias_count = 1},
         -WEFT_M_EVALID,
         "Entity alias is not UTF-8 at byte 1",
         "aliases",
         1},
        {"bad text",
         {.id = {"x", 1}, .name = {"X", 1}, .text = {"\xFF", 1}},
         -WEFT_M_EVALID,
         "Entity 'text' is not UTF-8 at byte 0",
         "text",
         0},
        {"integer id", {.id = {"-42", 3}, .name = {"X", 1}, .id_is_integer = true}, 0, "", "", 0},
        {"leading zero",
         {.id = {"042", 3}, .name = {"X", 1}, .id_is_integer = true},
         -WEFT_M_EVALID,
         "Entity 'id' is no integer in decimal form",
         "id",
         -1},
        {"no integer",
         {.id = {"4x", 2}, .name = {"X", 1}, .id_is_integer = true},
         -WEFT_M_EVALID,
         "Entity 'id' is no integer in decimal form",
         "id",
         -1},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        weft_m_entity entities[] = {good, table[i].entity};
        weft_m_error error;
        note("%s", table[i].what);
        CHECK_EQ(open_with(entities, 2, NULL, &error), table[i].rc);
        CHECK_EQ(strncmp(error.message, table[i].message, strlen(table[i].message)), 0);
        CHECK_STR(error.field, table[i].field);
        CHECK_EQ(error.offset, table[i].offset);
        CHECK_EQ(error.suggestion[0] != '\0', table[i].rc < 0);
        CHECK_EQ(error.entity[0] == '{', table[i].rc < 0);
        if (table[i].rc < 0)
            CHECK_EQ(error.entity_index, 1);
    }
}

TEST(open_refuses_an_empty_catalogue)
{
    weft_m_error error;
    CHECK_EQ(open_with(NULL, 0, NULL, &error), -WEFT_M_EVALID);
    CHECK_STR(error.message, "entities list cannot be empty");
    CHECK_STR(error.field, "entities");
}

TEST(open_lists_every_duplicate_id_once)
{
    weft_m_entity entities[] = {
        {.id = STR("a"), .name = STR("1")}, {.id = STR("b"), .name = STR("2")},
        {.id = STR("a"), .name = STR("3")}, {.id = STR("c"), .name = STR("4")},
        {.id = STR("b"), .name = STR("5")}, {.id = STR("a"), .name = STR("6")},
    };
    weft_m_error error;
    CHECK_EQ(open_with(entities, 6, NULL, &error), -WEFT_M_EVALID);
    CHECK_STR(error.message, "Entity IDs must be unique. Found duplicates: ['a', 'b']");
    CHECK_STR(error.field, "id");
}

TEST(open_lists_what_fits_of_a_thousand_duplicates)
{
    static weft_m_entity entities[2000];
    static char ids[1000][80];
    for (size_t i = 0; i < 2000; i++) {
        int len = snprintf(ids[i % 1000], sizeof(ids[0]), "%060zu", i % 1000);
        entities[i] = (weft_m_entity){.id = {ids[i % 1000], (size_t)len}, .name = STR("x")};
    }
    weft_m_error error;
    CHECK_EQ(open_with(entities, 2000, NULL, &error), -WEFT_M_EVALID);
    CHECK(strstr(error.message, "000000', '0000") != NULL);
}

TEST(open_keeps_to_its_limits)
{
    weft_m_entity entities[] = {{.id = STR("a"), .name = STR("alpha")},
                                {.id = STR("b"), .name = STR("beta")}};
    weft_m_options options;
    weft_m_error error;
    weft_m_options_init(&options);
    options.entity_count_max = 1;
    CHECK_EQ(open_with(entities, 2, &options, &error), -WEFT_ELIMIT);
    CHECK_STR(error.message, "entities over the limit: entity_count_max is 1, got 2");
    CHECK_EQ(error.limit, 1);
    CHECK_EQ(error.seen, 2);
    weft_m_options_init(&options);
    options.query_bytes_max = 4;
    CHECK_EQ(open_with(entities, 2, &options, &error), -WEFT_ELIMIT);
    CHECK_STR(error.field, "name");
    CHECK_EQ(error.limit, 4);
    CHECK_EQ(error.seen, 5);
}

TEST(open_refuses_bad_settings)
{
    static const struct {
        float threshold;
        const char *model, *mode, *score_kind;
        int rc;
        const char *message, *field;
    } table[] = {
        {0, "default", "auto", "auto", 0, "", ""},
        {1, "lexical", "zero-shot", "cosine", 0, "", ""},
        {0.5f, NULL, "bert", NULL, 0, "", ""}, /* refused at fit */
        {-0.1f, NULL, NULL, NULL, -WEFT_M_EVALID, "threshold must be between 0 and 1, got -0.1",
         "threshold"},
        {1.5f, NULL, NULL, NULL, -WEFT_M_EVALID, "threshold must be between 0 and 1, got 1.5",
         "threshold"},
        {NAN, NULL, NULL, NULL, -WEFT_M_EVALID, "threshold must be a number, got nan", "threshold"},
        {INFINITY, NULL, NULL, NULL, -WEFT_M_EVALID, "threshold must be between 0 and 1, got inf",
         "threshold"},
        {0.5f, "", NULL, NULL, -WEFT_M_EVALID, "model_name cannot be empty", "model"},
        {0.5f, " ", NULL, NULL, -WEFT_M_EVALID, "model_name cannot be empty", "model"},
        {0.5f, "nowhere/potion-8m", NULL, NULL, 0, "", ""}, /* refused at fit */
        {0.5f, "\xFF", NULL, NULL, -WEFT_M_EVALID, "model_name is not UTF-8", "model"},
        {0.5f, NULL, NULL, "dense", -WEFT_M_EVALID, "score_kind 'dense' needs a model",
         "score_kind"},
        {0.5f, NULL, "magic", NULL, -WEFT_M_EMODE, "Invalid mode: magic", "mode"},
        {0.5f, NULL, "", NULL, -WEFT_M_EMODE, "Invalid mode: ", "mode"},
        {0.5f, NULL, NULL, "euclid", -WEFT_M_EVALID, "Invalid score_kind: euclid", "score_kind"},
    };
    const weft_m_entity entity = {.id = STR("a"), .name = STR("alpha")};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        weft_m_options options;
        weft_m_error error;
        weft_m_options_init(&options);
        options.threshold = table[i].threshold;
        if (table[i].model != NULL)
            options.model = str_of(table[i].model);
        if (table[i].mode != NULL)
            options.mode = str_of(table[i].mode);
        if (table[i].score_kind != NULL)
            options.score_kind = str_of(table[i].score_kind);
        note("row %zu", i);
        CHECK_EQ(open_with(&entity, 1, &options, &error), table[i].rc);
        CHECK_EQ(strncmp(error.message, table[i].message, strlen(table[i].message)), 0);
        CHECK_STR(error.field, table[i].field);
    }
}

/* ---- fit ---- */

static weft_matcher *open_two(void)
{
    static const weft_m_entity entities[] = {{.id = {"a", 1}, .name = {"alpha", 5}},
                                             {.id = {"b", 1}, .name = {"beta", 4}}};
    weft_matcher *matcher;
    CHECK_OK(weft_m_open(&matcher, entities, 2, NULL, NULL));
    return matcher;
}

TEST(fit_refuses_bad_training_data_and_modes_it_does_not_have)
{
    static const weft_m_example good[] = {{{"x", 1}, {"a", 1}, false}, {{"y", 1}, {"b", 1}, false}};
    static const weft_m_example no_text[] = {{{"x", 1}, {"a", 1}, false},
                                             {{NULL, 0}, {"b", 1}, false}};
    static const weft_m_example no_label[] = {{{"x", 1}, {NULL, 0}, false}};
    static const weft_m_example stranger[] = {{{"x", 1}, {"a", 1}, false},
                                              {{"y", 1}, {"zz", 2}, false}};
    static const weft_m_example one_label[] = {{{"x", 1}, {"a", 1}, false},
                                               {{"y", 1}, {"a", 1}, false}};
    static const struct {
        const char *mode;
        const weft_m_example *examples;
        size_t count;
        int rc;
        const char *message, *field;
    } table[] = {
        {NULL, NULL, 0, 0, "", ""},
        {"zero-shot", NULL, 0, 0, "", ""},
        {"zero-shot", good, 2, 0, "", ""}, /* ignored */
        {"zero-shot", no_text, 2, 0, "", ""},
        {"magic", NULL, 0, -WEFT_M_EMODE, "Invalid mode: magic", "mode"},
        {"hybrid", NULL, 0, 0, "", ""},
        {"hybrid", no_text, 2, 0, "", ""}, /* ignored */
        {"full", NULL, 0, -WEFT_M_EVALID, "training_data is required for modes", "training_data"},
        {"bert", good, 0, -WEFT_M_EVALID, "training_data cannot be empty", "training_data"},
        {"head-only", no_text, 2, -WEFT_M_EVALID, "training_data[1] must have 'text'",
         "training_data[1].text"},
        {"head-only", no_label, 1, -WEFT_M_EVALID, "training_data[0] must have 'label'",
         "training_data[0].label"},
        {"full", stranger, 2, -WEFT_M_EVALID, "training_data[1].label 'zz' is no entity's id",
         "training_data[1].label"},
        {"full", one_label, 2, -WEFT_M_EVALID, "training_data: need at least 2 labels",
         "training_data"},
        {"full", good, 2, 0, "", ""},
        {"bert", good, 2, 0, "", ""},
        {NULL, good, 2, 0, "", ""},
        {"head-only", good, 2, 0, "", ""},
    };
    weft_matcher *matcher = open_two();
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        weft_m_fit_options options;
        weft_m_error error = {0};
        weft_m_fit_options_init(&options);
        if (table[i].mode != NULL)
            options.mode = str_of(table[i].mode);
        note("row %zu", i);
        CHECK_EQ(weft_m_fit(matcher, table[i].examples, table[i].count, &options, &error),
                 table[i].rc);
        CHECK_EQ(strncmp(error.message, table[i].message, strlen(table[i].message)), 0);
        CHECK_STR(error.field, table[i].field);
    }
    weft_m_close(matcher);
}

/* ---- calls ---- */

static int match_one(weft_matcher *matcher, weft_str text, const weft_m_query *query,
                     weft_m_error *error)
{
    weft_m_results *results = NULL;
    int rc = weft_m_match(matcher, &text, 1, query, &results, error);
    CHECK_EQ(rc < 0, results == NULL);
    weft_m_results_free(results);
    return rc;
}

TEST(match_refuses_bad_arguments_before_any_work)
{
    weft_matcher *matcher = open_two();
    weft_m_error error;
    weft_m_query query;
    weft_m_info info = {.size = sizeof(info)};

    weft_m_query_init(&query);
    query.top_k = 0;
    CHECK_EQ(match_one(matcher, STR("x"), &query, &error), -WEFT_M_EVALID);
    CHECK_STR(error.message, "top_k must be >= 1");
    CHECK_STR(error.field, "top_k");
    query.top_k = -3;
    CHECK_EQ(match_one(matcher, STR("x"), &query, &error), -WEFT_M_EVALID);
    query.top_k = 1001;
    CHECK_EQ(match_one(matcher, STR("x"), &query, &error), -WEFT_ELIMIT);
    CHECK_STR(error.message, "top_k over the limit: top_k_max is 1000, got 1001");

    weft_m_query_init(&query);
    query.threshold = 1.01f;
    CHECK_EQ(match_one(matcher, STR("x"), &query, &error), -WEFT_M_EVALID);
    CHECK_STR(error.field, "threshold");

    CHECK_EQ(match_one(matcher, (weft_str){NULL, 0}, NULL, &error), -WEFT_M_EVALID);
    CHECK_STR(error.message, "query must be a string");
    CHECK_STR(error.field, "queries[0]");
    CHECK_EQ(match_one(matcher, (weft_str){"ab\xFF", 3}, NULL, &error), -WEFT_M_EVALID);
    CHECK_STR(error.message, "query is not UTF-8 at byte 2");
    CHECK_EQ(error.offset, 2);

    CHECK_OK(weft_m_info_get(matcher, &info));
    CHECK(!info.is_ready); /* nothing was fitted for it */
    weft_m_close(matcher);
}

TEST(match_keeps_to_its_limits)
{
    weft_matcher *matcher = open_two();
    weft_m_error error;
    weft_m_results *results;
    static char text[65537];
    memset(text, 'a', sizeof(text));
    CHECK_OK(match_one(matcher, (weft_str){text, 65536}, NULL, &error));
    CHECK_EQ(match_one(matcher, (weft_str){text, 65537}, NULL, &error), -WEFT_ELIMIT);
    CHECK_STR(error.message, "query over the limit: query_bytes_max is 65536, got 65537");

    static weft_str queries[10001];
    for (size_t i = 0; i < 10001; i++)
        queries[i] = STR("alpha");
    CHECK_EQ(weft_m_match(matcher, queries, 10001, NULL, &results, &error), -WEFT_ELIMIT);
    CHECK_EQ(error.limit, 10000);
    CHECK_EQ(error.seen, 10001);
    CHECK_STR(error.field, "queries");
    CHECK_OK(weft_m_match(matcher, queries, 10000, NULL, &results, &error));
    weft_m_results_free(results);
    weft_m_close(matcher);
}

TEST(batch_refuses_a_batch_size_below_one)
{
    weft_matcher *matcher = open_two();
    weft_m_error error;
    weft_m_results *results;
    weft_str query = STR("alpha");
    for (int64_t size = -1; size <= 0; size++) {
        CHECK_EQ(weft_m_batch(matcher, &query, 1, NULL, size, &results, &error, NULL, NULL),
                 -WEFT_M_EVALID);
        CHECK_STR(error.message, "batch_size must be >= 1");
    }
    weft_m_close(matcher);
}

TEST(match_has_answers_for_nothing_and_for_blanks)
{
    weft_matcher *matcher = open_two();
    weft_m_results *results;
    size_t count;
    CHECK_OK(weft_m_match(matcher, NULL, 0, NULL, &results, NULL));
    CHECK_EQ(weft_m_results_count(results), 0);
    weft_m_results_free(results);

    weft_str blanks[] = {STR(""), STR("  \t"), STR("\xE3\x80\x80")};
    weft_m_query query;
    weft_m_query_init(&query);
    query.threshold = 0;
    CHECK_OK(weft_m_match(matcher, blanks, 3, &query, &results, NULL));
    for (size_t i = 0; i < 3; i++) {
        CHECK(weft_m_results_hits(results, i, &count) == NULL);
        CHECK_EQ(count, 0);
    }
    weft_m_results_free(results);
    weft_m_close(matcher);
}

TEST(error_text_has_its_lines_and_is_cut_between_characters)
{
    char name[400];
    memset(name, 'n', sizeof(name));
    for (size_t i = 0; i + 1 < sizeof(name); i += 2)
        memcpy(name + i, "\xC3\xA9", 2);
    weft_m_entity entities[] = {{.id = STR("\xC3\xA9"),
                                 .name = {name, sizeof(name)},
                                 .aliases = null_alias,
                                 .alias_count = 1}};
    weft_m_error error;
    weft_text text;
    CHECK_EQ(open_with(entities, 1, NULL, &error), -WEFT_M_EVALID);
    CHECK_EQ(strlen(error.entity), 199); /* 200 would halve one */
    CHECK_OK(weft_m_error_text(&error, &text));
    CHECK_EQ(strncmp(text.ptr, "Entity 'aliases' must be strings (entities[0].aliases[0])\n", 58),
             0);
    CHECK(strstr(text.ptr, "\n  Problem field: aliases\n  Entity: {\"id\":\"\xC3\xA9\"") != NULL);
    CHECK(strstr(text.ptr, "\n  \xF0\x9F\x92\xA1 Suggestion: ") != NULL);
    weft_text_free(&text);
}

TEST(what_is_wrong_is_the_text_of_the_error)
{
    weft_matcher *matcher = NULL;
    weft_m_entity nameless = {.id = STR("x")};
    CHECK_EQ(weft_m_open(&matcher, &nameless, 1, NULL, NULL), -WEFT_M_EVALID);
    CHECK_STR(weft_error_text(), "Entity must have 'name' field (entities[0])");
}
