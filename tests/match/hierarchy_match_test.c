/* SPDX-License-Identifier: MIT */

/* Matching with a hierarchy: hits around what is found, levels that are certain. */
#include "make.h"

#include "match/hierarchy/kin.h"
#include "match/matcher_priv.h"

#include <math.h>
#include <unistd.h>
#include <weft/error.h>
#include <weft/hierarchy.h>
#include <weft/run.h>
#include <weft/task.h>

#define BELOW_LITERAL(parent_) WEFT_STR("{\"hierarchy\":{\"parents\":[\"" parent_ "\"]}}")
#define BELOW(parent_) STR("{\"hierarchy\":{\"parents\":[\"" parent_ "\"]}}")

static const weft_str bayern[] = {WEFT_STR("Bayern")};

static const weft_m_entity world[] = {
    {.id = WEFT_STR("EU"), .name = WEFT_STR("European Union")},
    {.id = WEFT_STR("DE"),
     .name = WEFT_STR("Germany"),
     .extra = WEFT_STR("{\"hierarchy\":{\"parents\":[\"EU\"],\"weights\":{\"EU\":0.5}}}")},
    {.id = WEFT_STR("BY"),
     .name = WEFT_STR("Bavaria"),
     .aliases = bayern,
     .alias_count = 1,
     .extra = BELOW_LITERAL("DE")},
    {.id = WEFT_STR("M"), .name = WEFT_STR("Munich"), .extra = BELOW_LITERAL("BY")},
    {.id = WEFT_STR("BW"), .name = WEFT_STR("Wurttemberg"), .extra = BELOW_LITERAL("DE")},
    {.id = WEFT_STR("JP"), .name = WEFT_STR("Japan")},
};
#define CHECK_ID(id_, expected_) CHECK_BYTES((id_).ptr, (id_).len, expected_, strlen(expected_))
#define WORLD_COUNT (sizeof(world) / sizeof(*world))

static weft_matcher *open_with(const char *score_kind)
{
    weft_m_options options;
    weft_matcher *matcher;
    weft_m_options_init(&options);
    if (score_kind != NULL)
        options.score_kind = str_of(score_kind);
    CHECK_OK(weft_m_open(&matcher, world, WORLD_COUNT, &options, NULL));
    return matcher;
}

static weft_m_results *ask(weft_matcher *matcher, const char *text,
                           const weft_m_hierarchy_options *options)
{
    weft_str query = str_of(text);
    weft_m_results *results;
    weft_m_error error = {0};
    int rc = weft_m_hierarchy_match(matcher, &query, 1, options, &results, &error);
    if (rc < 0)
        note("%s", error.message);
    CHECK_OK(rc);
    return results;
}

/* "M self 0, BY parent 1": at most the first `most`. */
static void check_hits(const weft_m_results *results, size_t most, const char *expected)
{
    const weft_m_hierarchy_result *it = weft_m_results_hierarchy(results, 0);
    char text[512] = "";
    size_t at = 0;
    for (size_t i = 0; i < it->hit_count && i < most; i++) {
        const weft_m_hierarchy_hit *hit = &it->hits[i];
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%.*s %s %u", i == 0 ? "" : ", ",
                               (int)hit->id.len, hit->id.ptr, weft_m_relation_name(hit->relation),
                               hit->depth);
    }
    CHECK_STR(text, expected);
}

/* ---- hits ---- */

TEST(M91_what_lies_around_an_entity_that_is_found_is_a_hit_too)
{
    weft_matcher *matcher = open_with(NULL);
    weft_m_results *results = ask(matcher, "Bavaria", NULL);
    check_hits(results, 5, "BY self 0, DE parent 1, M child 1, EU ancestor 2");
    weft_m_results_free(results);
    weft_m_close(matcher);
}

TEST(M91_a_match_level_leaves_one_side_out)
{
    static const struct {
        const char *level, *expected;
        int64_t max_depth;
    } table[] = {
        {"self", "BY self 0", 3},
        {"ancestors", "BY self 0, DE parent 1, EU ancestor 2", 3},
        {"ancestors", "BY self 0, DE parent 1", 1},
        {"descendants", "BY self 0, M child 1", 3},
        {"all", "BY self 0", 0},
        {"all", "BY self 0, DE parent 1, M child 1", 1},
    };
    weft_matcher *matcher = open_with("cosine"); /* finds nothing that shares nothing */
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        weft_m_hierarchy_options options;
        weft_m_hierarchy_options_init(&options);
        options.match_level = str_of(table[i].level);
        options.max_depth = table[i].max_depth;
        options.top_k = 10;
        weft_m_results *results = ask(matcher, "Bayern", &options);
        note("%s %d", table[i].level, (int)table[i].max_depth);
        check_hits(results, 10, table[i].expected);
        CHECK(!weft_m_results_hierarchy(results, 0)->was_cut);
        weft_m_results_free(results);
    }
    weft_m_close(matcher);
}

TEST(M91_a_score_is_the_formula_of_what_the_hit_says)
{
    static const float penalties[] = {1, 0.9f, 0.75f, 0.6f, 0.5f, 0.4f, 0.4f};
    static const float boosts[] = {0.5f, 0.4f, 0.4f, 0.3f, 0.3f};
    weft_matcher *matcher = open_with("cosine");
    weft_m_hierarchy_options options;
    weft_m_hierarchy_options_init(&options);
    options.alpha = 0.6;
    options.beta = 0.35;
    options.top_k = 10;
    weft_m_results *results = ask(matcher, "Munich Bavaria", &options);
    const weft_m_hierarchy_result *it = weft_m_results_hierarchy(results, 0);
    CHECK_EQ(it->hit_count, 4u); /* all but those beside Bavaria */
    for (size_t i = 0; i < it->hit_count; i++) {
        const weft_m_hierarchy_hit *hit = &it->hits[i];
        bool is_weighed = str_of("EU").len == hit->id.len && memcmp(hit->id.ptr, "EU", 2) == 0;
        double boost = (double)boosts[hit->relation] * (is_weighed ? 0.5 : 1);
        CHECK_NEAR((double)hit->boost, boost, 1e-6);
        CHECK_NEAR((double)hit->penalty, (double)penalties[hit->depth], 1e-6);
        CHECK_NEAR((double)hit->score,
                   ((double)hit->semantic_score * 0.6 + boost * 0.35) * (double)hit->penalty, 1e-6);
        CHECK(i == 0 || it->hits[i - 1].score >= hit->score);
        CHECK_EQ(hit->depth == 0, hit->via == hit->entity);
    }
    weft_m_results_free(results);
    weft_m_close(matcher);
}

TEST(M91_the_semantic_score_of_a_relative_is_what_the_matcher_gives_it)
{
    weft_matcher *matcher = open_with("cosine");
    weft_m_hierarchy_options options;
    weft_m_query query;
    weft_m_hierarchy_options_init(&options);
    weft_m_query_init(&query);
    options.threshold = 0.2f;
    query.top_k = 10;
    query.threshold = 0;
    const weft_str text = STR("Munich Bavaria European Germania");
    weft_m_results *flat, *results = ask(matcher, text.ptr, &options);
    CHECK_OK(weft_m_match(matcher, &text, 1, &query, &flat, NULL));
    for (size_t top_k = 1; top_k <= 6; top_k++) {
        weft_m_results_free(results);
        options.top_k = (int64_t)top_k;
        results = ask(matcher, text.ptr, &options);
        const weft_m_hierarchy_result *it = weft_m_results_hierarchy(results, 0);
        size_t count;
        const weft_m_hit *hits = weft_m_results_hits(flat, 0, &count);
        for (size_t i = 0; i < it->hit_count; i++) {
            float score = 0;
            for (size_t k = 0; k < count; k++)
                score = hits[k].entity == it->hits[i].entity ? hits[k].score : score;
            CHECK(it->hits[i].semantic_score == score);
        }
    }
    weft_m_results_free(results);
    weft_m_results_free(flat);
    weft_m_close(matcher);
}

TEST(M91_relatives_that_were_not_found_are_asked_for)
{
    enum { COUNT = 60 };
    static char ids[COUNT][8], names[COUNT][40], extras[COUNT][48];
    weft_m_entity entities[COUNT] = {0};
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(ids[i], sizeof(ids[i]), "%zu", i);
        snprintf(names[i], sizeof(names[i]), i == 0 ? "tools" : "red paint %zu", i);
        snprintf(extras[i], sizeof(extras[i]), "{\"hierarchy\":{\"parents\":[\"%zu\"]}}",
                 i == COUNT - 1 ? (size_t)0 : (size_t)COUNT - 1);
        entities[i] = (weft_m_entity){.id = str_of(ids[i]), .name = str_of(names[i])};
        if (i != 0)
            entities[i].extra = str_of(extras[i]);
    }
    entities[COUNT - 1].name = STR("painting");
    weft_m_options usual;
    weft_matcher *matcher;
    weft_m_options_init(&usual);
    usual.score_kind = STR("cosine");
    usual.threshold = 0.2f;
    CHECK_OK(weft_m_open(&matcher, entities, COUNT, &usual, NULL));
    weft_m_hierarchy_options options;
    weft_m_query query;
    weft_m_query_init(&query);
    query.top_k = COUNT;
    query.threshold = 0;
    weft_m_hierarchy_options_init(&options);
    options.match_level = STR("ancestors");
    const weft_str text = STR("red paint 7");
    weft_m_results *flat, *results;
    CHECK_OK(weft_m_match(matcher, &text, 1, &query, &flat, NULL));
    size_t count;
    const weft_m_hit *hits = weft_m_results_hits(flat, 0, &count);
    size_t place = 0;
    while (place < count && hits[place].entity != COUNT - 1)
        place++;
    CHECK_LT(place, count); /* it is found, but behind those that the first question brings */
    CHECK_GE(place, 12u);
    options.top_k = 5;
    options.threshold = 0.9f;
    results = ask(matcher, text.ptr, &options);
    check_hits(results, 5, "7 self 0, 59 parent 1, 0 ancestor 2");
    const weft_m_hierarchy_result *it = weft_m_results_hierarchy(results, 0);
    CHECK(it->hits[1].semantic_score == hits[place].score);
    CHECK_GT((double)it->hits[1].semantic_score, 0.0);
    weft_m_results_free(results);
    weft_m_results_free(flat);
    weft_m_close(matcher);
}

/* The first entity that is none of the hits. */
static uint32_t stranger_to(const weft_m_hit *hits, size_t count)
{
    for (uint32_t entity = 0;; entity++) {
        bool is_hit = false;
        for (size_t i = 0; i < count; i++)
            is_hit |= hits[i].entity == entity;
        if (!is_hit)
            return entity;
    }
}

/* Alone, without its rivals, an entity would be more likely than among them. */
TEST(M91_a_relative_that_was_not_found_is_no_likelier_than_what_was)
{
    enum { COUNT = 40, FOUND = 12 };
    static char ids[COUNT][8], names[COUNT][40];
    char extra[48];
    weft_m_entity entities[COUNT] = {0};
    weft_matcher *matcher;
    weft_m_query query;
    weft_m_results *flat;
    size_t count;
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(ids[i], sizeof(ids[i]), "%zu", i);
        snprintf(names[i], sizeof(names[i]), "red paint %zu for walls", i + 100);
        entities[i] = (weft_m_entity){.id = str_of(ids[i]), .name = str_of(names[i])};
    }
    CHECK_OK(weft_m_open(&matcher, entities, COUNT, NULL, NULL));
    weft_m_query_init(&query);
    query.top_k = FOUND;
    query.threshold = 0;
    const weft_str text = STR("red paint 107 for wals");
    CHECK_OK(weft_m_match(matcher, &text, 1, &query, &flat, NULL));
    const weft_m_hit *hits = weft_m_results_hits(flat, 0, &count);
    CHECK_EQ(count, FOUND);
    weft_m_entity *best = &entities[hits[0].entity];
    snprintf(extra, sizeof(extra), "{\"hierarchy\":{\"parents\":[%u]}}", stranger_to(hits, count));
    best->extra = str_of(extra);
    CHECK_OK(weft_m_update(matcher, best, 1, NULL));
    weft_m_results *results = ask(matcher, text.ptr, NULL);
    check_hits(results, 1, "7 self 0");
    const weft_m_hierarchy_result *it = weft_m_results_hierarchy(results, 0);
    CHECK_EQ(it->hit_count, 2u);
    CHECK_EQ(it->hits[1].relation, WEFT_M_PARENT);
    CHECK_LE(it->hits[1].semantic_score, hits[FOUND - 1].score);
    weft_m_results_free(results);
    weft_m_results_free(flat);
    weft_m_close(matcher);
}

TEST(M91_of_several_ways_the_best_counts_and_weights_decide_between_equal_ones)
{
    const weft_m_entity entities[] = {
        {.id = STR("top"), .name = STR("everything")},
        {.id = STR("l"),
         .name = STR("left things"),
         .extra = STR("{\"hierarchy\":{\"parents\":[\"top\"],\"weights\":{\"top\":0.5}}}")},
        {.id = STR("r"), .name = STR("right things"), .extra = BELOW("top")},
        {.id = STR("x"),
         .name = STR("xylophone"),
         .extra = STR("{\"hierarchy\":{\"parents\":[\"l\",\"r\"],\"weights\":{\"r\":0.8}}}")},
    };
    weft_m_options usual;
    weft_matcher *matcher;
    weft_m_options_init(&usual);
    usual.score_kind = STR("cosine");
    CHECK_OK(weft_m_open(&matcher, entities, 4, &usual, NULL));
    weft_m_results *results = ask(matcher, "xylophone", NULL);
    check_hits(results, 5, "x self 0, l parent 1, r parent 1, top ancestor 2");
    const weft_m_hierarchy_result *it = weft_m_results_hierarchy(results, 0);
    CHECK_NEAR((double)it->hits[3].boost, 0.3 * 0.8, 1e-6); /* by the right, not 0.5 by the left */
    weft_m_results_free(results);
    weft_m_close(matcher);
}

TEST(M91_more_relatives_than_may_be_are_cut_and_it_is_said)
{
    weft_matcher *matcher = open_with("cosine");
    weft_m_hierarchy_options options;
    weft_m_hierarchy_options_init(&options);
    options.relative_max = 2;
    weft_m_results *results = ask(matcher, "Bayern", &options);
    CHECK(weft_m_results_hierarchy(results, 0)->was_cut);
    check_hits(results, 5, "BY self 0, DE parent 1, EU ancestor 2");
    weft_m_results_free(results);
    options.relative_max = 3;
    results = ask(matcher, "Bayern", &options);
    CHECK(!weft_m_results_hierarchy(results, 0)->was_cut);
    weft_m_results_free(results);
    weft_m_close(matcher);
}

TEST(M91_within_an_entity_nothing_else_is_looked_at)
{
    weft_matcher *matcher = open_with(NULL);
    weft_m_hierarchy_options options;
    weft_m_error error;
    weft_m_hierarchy_options_init(&options);
    options.within = STR("BY");
    options.top_k = 10;
    weft_m_results *results = ask(matcher, "Munich", &options);
    check_hits(results, 10, "M self 0, BY parent 1");
    const weft_m_hierarchy_result *it = weft_m_results_hierarchy(results, 0);
    CHECK_EQ(it->level_count, 2u); /* the way down begins there */
    CHECK_ID(it->levels[0].id, "BY");
    weft_m_results_free(results);
    options.within = STR("nowhere");
    const weft_str text = STR("Munich");
    CHECK_EQ(weft_m_hierarchy_match(matcher, &text, 1, &options, &results, &error), -WEFT_M_EVALID);
    CHECK_STR(error.field, "within");
    weft_m_close(matcher);
}

/* ---- levels ---- */

static const weft_m_entity shop[] = {
    {.id = WEFT_STR("all"), .name = WEFT_STR("everything for sale")},
    {.id = WEFT_STR("phone"), .name = WEFT_STR("telephones"), .extra = BELOW_LITERAL("all")},
    {.id = WEFT_STR("x1"), .name = WEFT_STR("Zephyr X1 black"), .extra = BELOW_LITERAL("phone")},
    {.id = WEFT_STR("x2"), .name = WEFT_STR("Zephyr X2 black"), .extra = BELOW_LITERAL("phone")},
    {.id = WEFT_STR("x3"), .name = WEFT_STR("Zephyr X3 black"), .extra = BELOW_LITERAL("phone")},
    {.id = WEFT_STR("pan"), .name = WEFT_STR("frying pan"), .extra = BELOW_LITERAL("all")},
};

TEST(M92_a_text_that_fits_several_below_one_is_certain_of_that_one)
{
    weft_matcher *matcher;
    weft_str text = STR("Zephyr black");
    weft_m_results *flat;
    weft_m_query query;
    CHECK_OK(weft_m_open(&matcher, shop, 6, NULL, NULL));
    weft_m_query_init(&query);
    query.top_k = 6;
    query.threshold = 0;
    CHECK_OK(weft_m_match(matcher, &text, 1, &query, &flat, NULL));
    size_t count;
    const weft_m_hit *hits = weft_m_results_hits(flat, 0, &count);
    CHECK_GE(count, 3u);
    CHECK_EQ(hits[0].tied_count, 2u); /* three that nothing tells apart share what they have */
    float together = hits[0].score;
    weft_m_results *results = ask(matcher, text.ptr, NULL);
    const weft_m_hierarchy_result *it = weft_m_results_hierarchy(results, 0);
    CHECK_EQ(it->level_count, 3u);
    CHECK_NEAR((double)it->levels[2].own, (double)together / 3, 1e-6);
    CHECK_GE(it->levels[1].probability, together);
    CHECK_GE(it->levels[0].probability, it->levels[1].probability);
    CHECK(it->certain == &it->levels[1]);
    CHECK_ID(it->certain->id, "phone");
    weft_m_results_free(results);
    weft_m_results_free(flat);

    results = ask(matcher, "Zephyr X2 black", NULL); /* equal: nothing else is meant */
    it = weft_m_results_hierarchy(results, 0);
    CHECK_ID(it->certain->id, "x2");
    CHECK(it->certain->probability == 1 && it->certain->own == 1);
    CHECK(it->levels[0].probability == 1 && it->levels[0].own == 0);
    weft_m_results_free(results);
    results = ask(matcher, "telephones", NULL); /* the group itself */
    it = weft_m_results_hierarchy(results, 0);
    CHECK_ID(it->certain->id, "phone");
    CHECK_EQ(it->level_count, 2u);
    weft_m_results_free(results);
    results = ask(matcher, "qqqq", NULL);
    CHECK(weft_m_results_hierarchy(results, 0)->certain == NULL);
    weft_m_results_free(results);
    weft_m_close(matcher);
}

TEST(M92_the_way_down_ends_at_what_is_more_likely_itself_than_anything_below)
{
    const weft_m_entity entities[] = {
        {.id = STR("group"), .name = STR("Zephyr telephones")},
        {.id = STR("x1"), .name = STR("Zephyr telephone X1 black"), .extra = BELOW("group")},
        {.id = STR("x2"), .name = STR("Zephyr telephone X2 white"), .extra = BELOW("group")},
    };
    weft_m_hierarchy_options options;
    weft_matcher *matcher;
    CHECK_OK(weft_m_open(&matcher, entities, 3, NULL, NULL));
    weft_m_hierarchy_options_init(&options);
    options.threshold = 0;
    weft_m_results *results = ask(matcher, "Zephyr telephons", &options);
    const weft_m_hierarchy_result *it = weft_m_results_hierarchy(results, 0);
    CHECK_EQ(it->level_count, 1u); /* those below it have some of the probability too */
    CHECK_GT(it->levels[0].probability, it->levels[0].own);
    CHECK_ID(it->certain->id, "group");
    weft_m_results_free(results);
    weft_m_close(matcher);
}

TEST(M92_the_threshold_says_how_certain_it_must_be)
{
    weft_matcher *matcher;
    weft_m_hierarchy_options options;
    CHECK_OK(weft_m_open(&matcher, shop, 6, NULL, NULL));
    weft_m_hierarchy_options_init(&options);
    options.threshold = 0.2f;
    weft_m_results *results = ask(matcher, "Zephyr black", &options);
    const weft_m_hierarchy_result *it = weft_m_results_hierarchy(results, 0);
    CHECK(it->certain == &it->levels[2]);
    weft_m_results_free(results);
    options.threshold = 1;
    results = ask(matcher, "Zephyr black", &options);
    CHECK(weft_m_results_hierarchy(results, 0)->certain == NULL);
    weft_m_results_free(results);
    weft_m_close(matcher);
}

/* A share goes up every way once, so that a diamond counts nothing twice. */
TEST(M92_probabilities_go_up_once_however_many_ways_there_are)
{
    const weft_m_entity entities[] = {
        {.id = STR("top"), .name = STR("aaaa")},
        {.id = STR("l"), .name = STR("bbbb"), .extra = BELOW("top")},
        {.id = STR("r"), .name = STR("cccc"), .extra = BELOW("top")},
        {.id = STR("x"),
         .name = STR("xylophone"),
         .extra = STR("{\"hierarchy\":{\"parents\":[\"l\",\"r\"]}}")},
    };
    weft_matcher *matcher;
    CHECK_OK(weft_m_open(&matcher, entities, 4, NULL, NULL));
    weft_m_results *results = ask(matcher, "xylophon", NULL);
    const weft_m_hierarchy_result *it = weft_m_results_hierarchy(results, 0);
    CHECK_EQ(it->level_count, 3u);
    CHECK_ID(it->levels[1].id, "l"); /* of equal ones the first in the catalogue */
    CHECK(it->levels[0].probability <= 1);
    CHECK_NEAR((double)it->levels[0].probability, (double)it->levels[2].probability, 1e-3);
    CHECK(it->certain == &it->levels[2]);
    weft_m_results_free(results);
    weft_m_close(matcher);
}

TEST(M92_cosines_are_no_probabilities_and_have_no_levels)
{
    weft_matcher *matcher = open_with("cosine");
    weft_m_results *results = ask(matcher, "Bavaria", NULL);
    const weft_m_hierarchy_result *it = weft_m_results_hierarchy(results, 0);
    CHECK_EQ(it->level_count, 0u);
    CHECK(it->certain == NULL);
    CHECK_GT(it->hit_count, 0u);
    weft_m_results_free(results);
    weft_m_close(matcher);
}

TEST(M92_a_matcher_that_has_learnt_has_levels)
{
    const weft_m_example examples[] = {
        {.text = STR("beer and mountains"), .label = STR("BY")},
        {.text = STR("beer festival"), .label = STR("M")},
        {.text = STR("black forest"), .label = STR("BW")},
        {.text = STR("sushi"), .label = STR("JP")},
    };
    weft_m_fit_options fit;
    weft_matcher *matcher = open_with(NULL);
    weft_m_fit_options_init(&fit);
    fit.mode = STR("head-only");
    CHECK_OK(weft_m_fit(matcher, examples, 4, &fit, NULL));
    weft_m_results *results = ask(matcher, "beer mountains festival", NULL);
    const weft_m_hierarchy_result *it = weft_m_results_hierarchy(results, 0);
    CHECK_GT(it->level_count, 2u);
    CHECK_ID(it->levels[0].id, "EU");
    CHECK_ID(it->levels[1].id, "DE");
    for (size_t i = 0; i < it->level_count; i++)
        CHECK(it->levels[i].probability > 0 && it->levels[i].probability <= 1);
    weft_m_results_free(results);
    weft_m_close(matcher);
}

/* ---- the call ---- */

TEST(M93_bad_settings_are_refused_by_name)
{
    static const struct {
        const char *field;
        int64_t top_k, max_depth;
        double alpha, beta;
        size_t relative_max;
        const char *level;
        int rc;
    } table[] = {
        {"top_k", 0, 3, 0.5, 0.5, 9, "all", -WEFT_M_EVALID},
        {"top_k", 2000, 3, 0.5, 0.5, 9, "all", -WEFT_ELIMIT},
        {"max_depth", 5, -1, 0.5, 0.5, 9, "all", -WEFT_M_EVALID},
        {"alpha", 5, 3, 1.1, 0.5, 9, "all", -WEFT_M_EVALID},
        {"alpha", 5, 3, NAN, 0.5, 9, "all", -WEFT_M_EVALID},
        {"beta", 5, 3, 0.5, -0.1, 9, "all", -WEFT_M_EVALID},
        {"relative_max", 5, 3, 0.5, 0.5, 1000000, "all", -WEFT_ELIMIT},
        {"match_level", 5, 3, 0.5, 0.5, 9, "children", -WEFT_M_EVALID},
        {"match_level", 5, 3, 0.5, 0.5, 9, "", -WEFT_M_EVALID},
    };
    weft_matcher *matcher = open_with(NULL);
    const weft_str text = STR("x");
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        weft_m_hierarchy_options options;
        weft_m_results *results;
        weft_m_error error;
        weft_m_hierarchy_options_init(&options);
        options.top_k = table[i].top_k;
        options.max_depth = table[i].max_depth;
        options.alpha = table[i].alpha;
        options.beta = table[i].beta;
        options.relative_max = table[i].relative_max;
        options.match_level = str_of(table[i].level);
        note("row %zu", i);
        CHECK_EQ(weft_m_hierarchy_match(matcher, &text, 1, &options, &results, &error),
                 table[i].rc);
        CHECK_STR(error.field, table[i].field);
    }
    weft_m_close(matcher);
}

TEST(M93_a_broken_hierarchy_fails_what_asks_for_it_and_nothing_else)
{
    const weft_m_entity entities[] = {
        {.id = STR("a"), .name = STR("alpha"), .extra = BELOW("b")},
        {.id = STR("b"), .name = STR("beta"), .extra = BELOW("a")},
    };
    const weft_str text = STR("alpha");
    weft_matcher *matcher;
    weft_m_results *results;
    weft_hierarchy *it;
    weft_m_error error;
    CHECK_OK(weft_m_open(&matcher, entities, 2, NULL, NULL));
    CHECK_OK(weft_m_match(matcher, &text, 1, NULL, &results, NULL));
    weft_m_results_free(results);
    CHECK_EQ(weft_m_hierarchy_match(matcher, &text, 1, NULL, &results, &error), -WEFT_M_EVALID);
    CHECK(strstr(error.message, "cycle: ") != NULL);
    const weft_m_error first = error;
    CHECK(matcher->unarranged == matcher->catalogue); /* it is not looked for again */
    error = (weft_m_error){0};
    CHECK_EQ(weft_m_hierarchy(matcher, &it, &error), -WEFT_M_EVALID);
    CHECK_STR(error.message, first.message);
    CHECK_STR(error.field, first.field);
    CHECK_EQ(weft_m_hierarchy(matcher, &it, NULL), -WEFT_M_EVALID);
    CHECK_STR(weft_error_text(), first.message);
    const weft_m_entity mended = {.id = STR("b"), .name = STR("beta")};
    CHECK_OK(weft_m_update(matcher, &mended, 1, NULL));
    CHECK(matcher->unarranged == NULL); /* nor held longer than it is there */
    CHECK_OK(weft_m_hierarchy_match(matcher, &text, 1, NULL, &results, &error));
    weft_m_results_free(results);
    weft_m_close(matcher);
}

TEST(M93_a_broken_hierarchy_is_refused_at_once_if_that_is_asked_for)
{
    const weft_m_entity entities[] = {
        {.id = STR("a"), .name = STR("alpha"), .extra = BELOW("b")},
        {.id = STR("b"), .name = STR("beta"), .extra = BELOW("a")},
    };
    const weft_m_entity sound = {.id = STR("b"), .name = STR("beta")};
    weft_matcher *matcher;
    weft_m_options options;
    weft_m_error error;
    weft_m_options_init(&options);
    options.check_hierarchy = true;
    CHECK_EQ(weft_m_open(&matcher, entities, 2, &options, &error), -WEFT_M_EVALID);
    CHECK_STR(error.message, "The hierarchy has a cycle: a -> b -> a");
    CHECK_EQ(weft_m_open(&matcher, entities, 2, &options, NULL), -WEFT_M_EVALID);
    CHECK_OK(weft_m_open(&matcher, &entities[0], 1, &options, NULL)); /* its parent is nobody */
    CHECK_EQ(weft_m_add(matcher, &entities[1], 1, &error), -WEFT_M_EVALID);
    CHECK_STR(error.message, "The hierarchy has a cycle: a -> b -> a");
    CHECK_EQ(weft_m_add(matcher, &entities[1], 1, NULL), -WEFT_M_EVALID);
    CHECK_OK(weft_m_add(matcher, &sound, 1, NULL));
    CHECK_EQ(weft_m_update(matcher, &entities[1], 1, &error), -WEFT_M_EVALID);
    CHECK_STR(error.field, "hierarchy");
    weft_m_close(matcher);
}

TEST(M93_a_change_of_the_catalogue_changes_the_hierarchy)
{
    weft_matcher *matcher = open_with("cosine");
    weft_hierarchy *before, *again, *after;
    weft_relatives *list;
    const weft_m_entity more = {.id = STR("P"), .name = STR("Pasing"), .extra = BELOW("M")};
    CHECK_OK(weft_m_hierarchy(matcher, &before, NULL));
    CHECK_OK(weft_m_hierarchy(matcher, &again, NULL));
    CHECK(before == again);
    CHECK_OK(weft_m_fit(matcher, NULL, 0, NULL, NULL)); /* no other entities */
    CHECK_OK(weft_m_hierarchy(matcher, &after, NULL));
    CHECK(after == before);
    weft_hierarchy_unref(after);
    CHECK_OK(weft_m_add(matcher, &more, 1, NULL));
    CHECK(matcher->hierarchy == NULL); /* the old one is not held */
    CHECK_OK(weft_m_hierarchy(matcher, &after, NULL));
    CHECK(after != before);
    CHECK_OK(weft_hierarchy_descendants(after, STR("M"), -1, &list));
    CHECK_EQ(list->count, 1u);
    weft_relatives_free(list);
    CHECK_OK(weft_hierarchy_descendants(before, STR("M"), -1, &list)); /* it stays as it is */
    CHECK_EQ(list->count, 0u);
    weft_relatives_free(list);
    weft_m_close(matcher);
    CHECK_OK(weft_hierarchy_ancestors(after, STR("P"), -1, &list)); /* also without the matcher */
    CHECK_EQ(list->count, 4u);
    weft_relatives_free(list);
    weft_hierarchy_unref(before);
    weft_hierarchy_unref(again);
    weft_hierarchy_unref(after);
}

TEST(M93_a_hierarchy_is_dropped_with_its_catalogue_also_before_the_fit)
{
    weft_matcher *matcher = open_with("cosine");
    weft_hierarchy *it;
    const weft_m_entity more = {.id = STR("P"), .name = STR("Pasing"), .extra = BELOW("M")};
    CHECK_OK(weft_m_hierarchy(matcher, &it, NULL));
    weft_hierarchy_unref(it);
    CHECK(matcher->hierarchy != NULL);
    CHECK_OK(weft_m_add(matcher, &more, 1, NULL));
    CHECK(matcher->hierarchy == NULL);
    weft_m_close(matcher);
}

TEST(M93_blank_texts_and_no_texts_have_empty_answers)
{
    weft_matcher *matcher = open_with(NULL);
    const weft_str blank = STR("  ");
    weft_text text;
    CHECK_OK(weft_m_hierarchy_json(matcher, &blank, 1, NULL, &text, NULL));
    CHECK_STR(text.ptr,
              "[{\"matches\":[],\"certain\":null,\"levels\":[],\"relatives_cut\":false}]");
    weft_text_free(&text);
    CHECK_OK(weft_m_hierarchy_json(matcher, NULL, 0, NULL, &text, NULL));
    CHECK_STR(text.ptr, "[]");
    weft_text_free(&text);
    weft_m_results *results;
    CHECK_OK(weft_m_match(matcher, &blank, 1, NULL, &results, NULL));
    CHECK(weft_m_results_hierarchy(results, 0) == NULL); /* of another call */
    weft_m_results_free(results);
    weft_m_close(matcher);
}

TEST(M93_a_first_question_that_finds_nothing_has_an_empty_answer)
{
    weft_matcher *matcher = open_with(NULL);
    weft_m_results *results = ask(matcher, "\xD0\x96", NULL);
    CHECK_EQ(weft_m_results_hierarchy(results, 0)->hit_count, 0u);
    CHECK(weft_m_results_hierarchy(results, 0)->certain == NULL);
    weft_m_results_free(results);
    weft_m_close(matcher);
}

TEST(M93_json_has_the_keys_that_callers_know)
{
    weft_matcher *matcher = open_with(NULL);
    weft_m_hierarchy_options options;
    weft_m_hierarchy_options_init(&options);
    options.top_k = 2;
    options.match_level = STR("ancestors");
    const weft_str text = STR("Bavaria");
    weft_text json;
    CHECK_OK(weft_m_hierarchy_json(matcher, &text, 1, &options, &json, NULL));
    CHECK_STR(json.ptr,
              "[{\"matches\":[{\"id\":\"BY\",\"score\":0.85,\"relationship\":\"self\",\"depth\":0,"
              "\"semantic_score\":1.0,\"hierarchical_boost\":0.5,\"depth_penalty\":1.0,"
              "\"via\":\"BY\",\"name\":\"Bavaria\"},{\"id\":\"DE\",\"score\":0.108,"
              "\"relationship\":\"parent\",\"depth\":1,\"semantic_score\":0.0,"
              "\"hierarchical_boost\":0.4,\"depth_penalty\":0.9,\"via\":\"BY\","
              "\"name\":\"Germany\"}],\"certain\":{\"id\":\"BY\",\"name\":\"Bavaria\","
              "\"probability\":1.0},\"levels\":[{\"id\":\"EU\",\"name\":\"European Union\","
              "\"probability\":1.0,\"own\":0.0},{\"id\":\"DE\",\"name\":\"Germany\","
              "\"probability\":1.0,\"own\":0.0},{\"id\":\"BY\",\"name\":\"Bavaria\","
              "\"probability\":1.0,\"own\":1.0}],\"relatives_cut\":false}]");
    weft_text_free(&json);
    weft_m_close(matcher);
}

/* ---- the same, whoever asks and how ---- */

#define TEXT_COUNT 40

static weft_text answers(weft_matcher *matcher, size_t batch_size, size_t together)
{
    static const char *const words[] = {"Bavaria", "munich", "germny",
                                        "uropean", "japan",  "wurtem"};
    static char texts[TEXT_COUNT][64];
    weft_str queries[TEXT_COUNT];
    weft_m_hierarchy_options options;
    wf_buf all = {0};
    dice d = {9};
    weft_m_hierarchy_options_init(&options);
    options.batch_size = batch_size;
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        snprintf(texts[i], sizeof(texts[i]), "%s %s", words[roll(&d, 6)], words[roll(&d, 6)]);
        queries[i] = str_of(texts[i]);
    }
    for (size_t at = 0; at < TEXT_COUNT; at += together) {
        weft_m_results *results;
        size_t count = together < TEXT_COUNT - at ? together : TEXT_COUNT - at;
        CHECK_OK(weft_m_hierarchy_match(matcher, queries + at, count, &options, &results, NULL));
        for (size_t i = 0; i < count; i++) {
            weft_text one;
            CHECK_OK(weft_m_hierarchy_result_json(results, i, &one));
            wf_buf_append(&all, one.ptr, one.len);
            weft_text_free(&one);
        }
        weft_m_results_free(results);
    }
    CHECK_OK(wf_buf_putc(&all, '\0'));
    return (weft_text){.ptr = all.mem, .len = wf_buf_bytes(&all) - 1};
}

static void check_same(weft_matcher *a, weft_matcher *b)
{
    weft_text first = answers(a, 256, TEXT_COUNT), second = answers(b, 3, TEXT_COUNT),
              third = answers(b, 1, 1);
    CHECK_BYTES(first.ptr, first.len, second.ptr, second.len);
    CHECK_BYTES(first.ptr, first.len, third.ptr, third.len);
    weft_text_free(&first);
    weft_text_free(&second);
    weft_text_free(&third);
}

TEST(M94_answers_do_not_depend_on_how_many_are_asked_together)
{
    weft_matcher *matcher = open_with(NULL);
    check_same(matcher, matcher);
    weft_m_close(matcher);
}

TASK_TEST(M94_a_task_gets_the_same_answers)
{
    weft_matcher *matcher = open_with(NULL), *other = open_with(NULL);
    check_same(matcher, other);
    weft_m_close(matcher);
    weft_m_close(other);
}

TEST(M94_a_saved_matcher_has_its_hierarchy)
{
    char path[] = "/tmp/weft-hierarchy-XXXXXX";
    int fd = mkstemp(path);
    CHECK_GE(fd, 0);
    CHECK_OK(close(fd));
    weft_matcher *saved = open_with(NULL), *loaded;
    CHECK_OK(weft_m_save(saved, path, NULL));
    CHECK_OK(weft_m_load(&loaded, path, NULL, NULL));
    check_same(saved, loaded);
    weft_m_close(saved);
    weft_m_close(loaded);
    CHECK_OK(unlink(path));
}

struct telling {
    size_t last, calls;
};

static int tell(size_t done, size_t total, void *arg)
{
    struct telling *telling = arg;
    CHECK_GT(done, telling->last);
    CHECK_LE(done, total);
    telling->last = done;
    telling->calls++;
    return done == 6 ? -EDOM : 0;
}

TEST(M94_progress_is_told_and_may_end_it)
{
    weft_matcher *matcher = open_with(NULL);
    weft_str queries[10];
    weft_m_hierarchy_options options;
    weft_m_results *results;
    struct telling telling = {0};
    for (size_t i = 0; i < 10; i++)
        queries[i] = STR("Munich");
    weft_m_hierarchy_options_init(&options);
    options.batch_size = 2;
    options.progress = tell;
    options.progress_arg = &telling;
    CHECK_EQ(weft_m_hierarchy_match(matcher, queries, 10, &options, &results, NULL), -EDOM);
    CHECK_EQ(telling.calls, 3u);
    options.batch_size = 5;
    telling = (struct telling){0};
    CHECK_OK(weft_m_hierarchy_match(matcher, queries, 10, &options, &results, NULL));
    CHECK_EQ(telling.last, 10u);
    weft_m_results_free(results);
    weft_m_close(matcher);
}

static int all_calls(void)
{
    const weft_str texts[] = {STR("Munich Bavaria"), STR("germny")};
    weft_matcher *matcher = NULL;
    weft_hierarchy *it = NULL;
    weft_m_hierarchy_options options;
    weft_m_error error;
    weft_text text = {0};
    weft_m_hierarchy_options_init(&options);
    options.within = STR("EU");
    options.top_k = 1;
    int rc = weft_m_open(&matcher, world, WORLD_COUNT, NULL, &error);
    if (rc == 0)
        rc = weft_m_hierarchy_json(matcher, texts, 2, &options, &text, &error);
    if (rc == 0)
        CHECK(strstr(text.ptr, "\"certain\"") != NULL);
    weft_text_free(&text);
    if (rc == 0)
        rc = weft_m_hierarchy(matcher, &it, &error);
    if (rc == 0)
        rc = weft_hierarchy_entity_json(it, STR("BY"), -1, &text);
    weft_text_free(&text);
    weft_hierarchy_unref(it);
    weft_m_close(matcher);
    return rc;
}

WORK_SCENARIO(M95_hierarchy_survives_every_failure)
{
    return all_calls();
}

static int cycle_calls(void)
{
    const weft_m_entity entities[] = {
        {.id = STR("a"), .name = STR("alpha"), .extra = BELOW("b")},
        {.id = STR("b"), .name = STR("beta"), .extra = BELOW("a")},
    };
    weft_hierarchy *it;
    weft_m_error error;
    int rc = weft_hierarchy_new(&it, entities, 2, NULL, &error);
    CHECK(rc == -WEFT_M_EVALID || rc == -ENOMEM || rc == -EIO);
    return 0;
}

WORK_SCENARIO(M95_a_cycle_is_refused_whatever_fails)
{
    return cycle_calls();
}

static int many_body(void *arg)
{
    weft_str queries[200];
    weft_m_results *results;
    for (size_t i = 0; i < 200; i++)
        queries[i] = STR("Munich Bavaria");
    int rc = weft_m_hierarchy_match(arg, queries, 200, NULL, &results, NULL);
    if (rc == 0)
        weft_m_results_free(results);
    return rc;
}

TASK_TEST(M95_many_callers_read_the_hierarchy_once_and_a_cancelled_one_leaves_nothing)
{
    enum { COUNT = 6 };
    weft_matcher *matcher = open_with(NULL);
    weft_task tasks[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        tasks[i] = weft_spawn(many_body, matcher);
    CHECK_OK(weft_yield());
    weft_cancel(tasks[1], "no more");
    for (size_t i = 0; i < COUNT; i++) {
        int rc = weft_await(tasks[i]);
        CHECK(rc == 0 || (i == 1 && rc == -ECANCELED));
    }
    CHECK(matcher->hierarchy != NULL);
    CHECK_EQ(matcher->hierarchy->refs, 1u);
    weft_m_close(matcher);
}
