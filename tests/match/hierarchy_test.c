/* SPDX-License-Identifier: MIT */

/* Entities above and below one another: reading, walks, and what is refused. */
#include "make.h"

#include <weft/hierarchy.h>

typedef struct kin_row {
    const char *id, *extra;
} kin_row;

/* Names are the ids. */
static int read_rows(weft_hierarchy **out, const kin_row *rows, size_t count,
                     const weft_hierarchy_options *options, weft_m_error *error)
{
    weft_m_entity entities[16] = {0};
    CHECK_LE(count, 16u);
    for (size_t i = 0; i < count; i++) {
        entities[i].id = entities[i].name = str_of(rows[i].id);
        if (rows[i].extra != NULL)
            entities[i].extra = str_of(rows[i].extra);
    }
    return weft_hierarchy_new(out, entities, count, options, error);
}

static weft_hierarchy *open_rows(const kin_row *rows, size_t count)
{
    weft_hierarchy *it;
    weft_m_error error = {0};
    int rc = read_rows(&it, rows, count, NULL, &error);
    if (rc < 0)
        note("%s", error.message);
    CHECK_OK(rc);
    return it;
}

#define OPEN(rows_) open_rows(rows_, sizeof(rows_) / sizeof(*(rows_)))

/* "a:1 b:2": ids and depths. */
static void check_list(weft_relatives *list, const char *expected)
{
    char text[256] = "";
    size_t at = 0;
    for (size_t i = 0; i < list->count; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%.*s:%u", i == 0 ? "" : " ",
                               (int)list->items[i].id.len, list->items[i].id.ptr,
                               list->items[i].depth);
    weft_relatives_free(list);
    CHECK_STR(text, expected);
}

static void check_above(const weft_hierarchy *it, const char *id, int64_t depth_max,
                        const char *expected)
{
    weft_relatives *list;
    CHECK_OK(weft_hierarchy_ancestors(it, str_of(id), depth_max, &list));
    check_list(list, expected);
}

static void check_below(const weft_hierarchy *it, const char *id, int64_t depth_max,
                        const char *expected)
{
    weft_relatives *list;
    CHECK_OK(weft_hierarchy_descendants(it, str_of(id), depth_max, &list));
    check_list(list, expected);
}

static void check_path(const weft_hierarchy *it, const char *from, const char *to,
                       const char *expected)
{
    weft_relatives *list;
    CHECK_OK(weft_hierarchy_path(it, str_of(from), to != NULL ? str_of(to) : (weft_str){0}, &list));
    check_list(list, expected);
}

static int64_t distance(const weft_hierarchy *it, const char *a, const char *b)
{
    int64_t found = -2;
    CHECK_OK(weft_hierarchy_distance(it, str_of(a), str_of(b), &found));
    return found;
}

static bool is_ancestor(const weft_hierarchy *it, const char *above, const char *below)
{
    bool is = false;
    CHECK_OK(weft_hierarchy_is_ancestor(it, str_of(above), str_of(below), &is));
    return is;
}

/* A diamond with a tail: top above left and right, both above low, low above last. */
static const kin_row diamond[] = {
    {"top", "{\"hierarchy\":{\"children\":[\"left\",\"right\"]}}"},
    {"left", "{\"hierarchy\":{\"parents\":[\"top\"],\"level\":1}}"},
    {"right", NULL},
    {"low",
     "{\"hierarchy\":{\"parents\":[\"left\",\"right\",\"left\"],\"weights\":{\"left\":0.5}}}"},
    {"last", "{\"more\":1,\"hierarchy\":{\"parents\":[\"low\"],\"children\":null}}"},
    {"alone", "{\"hierarchy\":null}"},
};

TEST(M90_an_entity_is_listed_once_however_many_ways_lead_to_it)
{
    weft_hierarchy *it = OPEN(diamond);
    check_above(it, "last", -1, "low:1 left:2 right:2 top:3");
    check_above(it, "last", 2, "low:1 left:2 right:2");
    check_above(it, "last", 0, "");
    check_below(it, "top", -1, "left:1 right:1 low:2 last:3");
    check_below(it, "top", 1, "left:1 right:1");
    check_above(it, "alone", -1, "");
    check_above(it, "nobody", -1, "");
    check_below(it, "nobody", -1, "");
    weft_hierarchy_unref(it);
}

TEST(M90_paths_lead_up_and_down_and_to_the_top)
{
    weft_hierarchy *it = OPEN(diamond);
    check_path(it, "top", "last", "top:0 right:1 low:2 last:3"); /* the heavier of two */
    check_path(it, "last", "right", "last:0 low:1 right:2");
    check_path(it, "low", "low", "low:0");
    check_path(it, "left", "right", "");
    check_path(it, "left", "nobody", "");
    check_path(it, "nobody", NULL, "");
    check_path(it, "last", NULL, "last:0 low:1 left:2 top:3");
    check_path(it, "alone", NULL, "alone:0");
    weft_hierarchy_unref(it);
}

TEST(M90_distances_are_those_of_the_shortest_way)
{
    static const kin_row rows[] = {
        {"a", NULL},
        {"b", "{\"hierarchy\":{\"parents\":[\"a\"]}}"},
        {"c", "{\"hierarchy\":{\"parents\":[\"b\",\"a\"]}}"},
    };
    weft_hierarchy *it = OPEN(rows);
    CHECK_EQ(distance(it, "a", "c"), 1);
    CHECK_EQ(distance(it, "c", "a"), 1);
    CHECK_EQ(distance(it, "c", "c"), 0);
    CHECK_EQ(distance(it, "c", "x"), -1);
    CHECK(is_ancestor(it, "a", "c"));
    CHECK(!is_ancestor(it, "c", "a"));
    CHECK(!is_ancestor(it, "a", "a"));
    CHECK(!is_ancestor(it, "x", "a"));
    weft_hierarchy_unref(it);
    it = OPEN(diamond);
    CHECK_EQ(distance(it, "left", "right"), -1);
    CHECK_EQ(distance(it, "last", "top"), 3);
    weft_hierarchy_unref(it);
}

TEST(M90_what_a_hierarchy_is_made_of_can_be_counted)
{
    weft_hierarchy *it = OPEN(diamond);
    weft_hierarchy_info info;
    weft_hierarchy_info_get(it, &info);
    CHECK_EQ(info.entity_count, 6u);
    CHECK_EQ(info.edge_count, 5u); /* named twice, there once */
    CHECK_EQ(info.top_count, 2u);
    CHECK_EQ(info.height, 4u);
    CHECK_EQ(info.missing_count, 0u);
    weft_hierarchy_unref(it);
}

TEST(M90_ids_may_be_integers)
{
    const weft_m_entity entities[] = {
        {.id = STR("1"), .name = STR("one"), .id_is_integer = true},
        {.id = STR("11"),
         .name = STR("eleven"),
         .id_is_integer = true,
         .extra = STR("{\"hierarchy\":{\"parents\":[1]}}")},
    };
    weft_hierarchy *it;
    weft_text text;
    CHECK_OK(weft_hierarchy_new(&it, entities, 2, NULL, NULL));
    CHECK_OK(weft_hierarchy_entity_json(it, STR("11"), -1, &text));
    CHECK_STR(text.ptr, "{\"id\":11,\"name\":\"eleven\",\"path\":[{\"id\":11,\"name\":\"eleven\","
                        "\"depth\":0},{\"id\":1,\"name\":\"one\",\"depth\":1}],\"ancestors\":[{"
                        "\"id\":1,\"name\":\"one\",\"depth\":1}],\"descendants\":[]}");
    weft_text_free(&text);
    CHECK_EQ(weft_hierarchy_entity_json(it, STR("2"), -1, &text), -ENOENT);
    weft_hierarchy_unref(it);
}

/* ---- what is refused ---- */

static void check_refused(const kin_row *rows, size_t count, const weft_hierarchy_options *options,
                          int rc, const char *field, const char *part)
{
    weft_hierarchy *it = NULL;
    weft_m_error error = {0};
    CHECK_EQ(read_rows(&it, rows, count, options, &error), rc);
    CHECK(it == NULL);
    CHECK_STR(error.field, field);
    note("%s", error.message);
    CHECK(strstr(error.message, part) != NULL);
    CHECK(error.entity[0] != '\0');
}

TEST(M90_a_cycle_is_refused_and_named)
{
    static const kin_row three[] = {
        {"lead", "{\"hierarchy\":{\"parents\":[\"b\"]}}"}, /* below the cycle, not in it */
        {"a", "{\"hierarchy\":{\"parents\":[\"c\"]}}"},
        {"b", "{\"hierarchy\":{\"parents\":[\"a\"]}}"},
        {"c", "{\"hierarchy\":{\"parents\":[\"top\",\"b\"]}}"},
        {"top", NULL},
    };
    check_refused(three, 5, NULL, -WEFT_M_EVALID, "hierarchy", "cycle: ");
    weft_hierarchy *it;
    weft_m_error error;
    CHECK_EQ(read_rows(&it, three, 5, NULL, &error), -WEFT_M_EVALID);
    bool is_named = strstr(error.message, "a -> b -> c -> a") != NULL ||
                    strstr(error.message, "b -> c -> a -> b") != NULL ||
                    strstr(error.message, "c -> a -> b -> c") != NULL;
    CHECK(is_named);
    static const kin_row self[] = {{"a", "{\"hierarchy\":{\"parents\":[\"a\"]}}"}};
    check_refused(self, 1, NULL, -WEFT_M_EVALID, "hierarchy", "cycle: a -> a");
    static const kin_row two[] = {
        {"a", "{\"hierarchy\":{\"parents\":[\"b\"],\"children\":[\"b\"]}}"}, {"b", NULL}};
    check_refused(two, 2, NULL, -WEFT_M_EVALID, "hierarchy", " -> ");
}

TEST(M90_a_long_cycle_is_named_in_part)
{
    enum { COUNT = 40 };
    static char ids[COUNT][8], extras[COUNT][48];
    weft_m_entity entities[COUNT] = {0};
    weft_hierarchy *it;
    weft_m_error error;
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(ids[i], sizeof(ids[i]), "n%zu", i);
        snprintf(extras[i], sizeof(extras[i]), "{\"hierarchy\":{\"parents\":[\"n%zu\"]}}",
                 (i + 1) % COUNT);
        entities[i].id = entities[i].name = str_of(ids[i]);
        entities[i].extra = str_of(extras[i]);
    }
    CHECK_EQ(weft_hierarchy_new(&it, entities, COUNT, NULL, &error), -WEFT_M_EVALID);
    CHECK(strstr(error.message, "...") != NULL);
}

TEST(M90_a_hierarchy_of_another_form_is_refused_where_it_is)
{
    static const struct {
        const char *hierarchy, *field, *part;
    } table[] = {
        {"[]", "hierarchy", "must be an object (entities[1])"},
        {"\"a\"", "hierarchy", "must be an object"},
        {"{\"parents\":\"a\"}", "hierarchy.parents", "must be a list of ids"},
        {"{\"parents\":[\"a\",null]}", "hierarchy.parents[1]", "must be an id"},
        {"{\"children\":[[]]}", "hierarchy.children[0]", "must be an id"},
        {"{\"children\":{}}", "hierarchy.children", "must be a list"},
        {"{\"weights\":[1]}", "hierarchy.weights", "must be an object of numbers"},
        {"{\"weights\":{\"a\":\"1\"}}", "hierarchy.weights", "must be numbers"},
        {"{\"weights\":{\"a\":-0.1}}", "hierarchy.weights", "must be numbers"},
        {"{\"weights\":{\"a\":1e9}}", "hierarchy.weights", "must be numbers"},
        {"{\"level\":\"1\"}", "hierarchy.level", "must be an integer"},
        {"{\"level\":1.5}", "hierarchy.level", "must be an integer"},
        {"{", "hierarchy", "no JSON object"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        char extra[128];
        snprintf(extra, sizeof(extra), "{\"hierarchy\":%s}", table[i].hierarchy);
        const kin_row rows[] = {{"a", NULL}, {"b", extra}};
        check_refused(rows, 2, NULL, -WEFT_M_EVALID, table[i].field, table[i].part);
    }
}

TEST(M90_ids_that_nobody_has_are_passed_over_or_refused)
{
    static const kin_row rows[] = {
        {"a", NULL},
        {"b", "{\"hierarchy\":{\"parents\":[\"a\",\"gone\"],\"weights\":{\"lost\":1}}}"}};
    weft_hierarchy_options options;
    weft_hierarchy_info info;
    weft_hierarchy *it = OPEN(rows);
    weft_hierarchy_info_get(it, &info);
    CHECK_EQ(info.missing_count, 2u);
    CHECK_EQ(info.edge_count, 1u);
    weft_hierarchy_unref(it);
    weft_hierarchy_options_init(&options);
    options.refuses_missing = true;
    check_refused(rows, 2, &options, -WEFT_M_EVALID, "hierarchy.parents[1]",
                  "names 'gone', which no entity has (entities[1])");
}

TEST(M90_limits_are_named)
{
    weft_hierarchy_options options;
    weft_hierarchy *it;
    weft_m_error error;
    weft_hierarchy_options_init(&options);
    options.depth_max = 4;
    CHECK_OK(read_rows(&it, diamond, 6, &options, NULL));
    weft_hierarchy_unref(it);
    options.depth_max = 3;
    check_refused(diamond, 6, &options, -WEFT_ELIMIT, "hierarchy", "depth_max is 3, got 4");
    weft_hierarchy_options_init(&options);
    options.edge_count_max = 6; /* seven are listed */
    CHECK_EQ(read_rows(&it, diamond, 6, &options, &error), -WEFT_ELIMIT);
    CHECK_EQ(error.limit, 6);
    CHECK_EQ(error.seen, 7);
    options.edge_count_max = 7;
    CHECK_OK(read_rows(&it, diamond, 6, &options, NULL));
    weft_hierarchy_unref(it);
}

/* Whatever stands in an extra: the hierarchy, or a reason. */
TEST(M90_any_bytes_are_read_or_refused)
{
    static const char good[] = "{\"hierarchy\":{\"parents\":[\"a\",1],\"children\":[\"c\"],"
                               "\"weights\":{\"a\":0.5},\"level\":2}}";
    char extra[sizeof(good)];
    dice d = {77};
    size_t refused = 0, rounds = 2000;
    for (size_t round = 0; round < rounds; round++) {
        weft_hierarchy *it;
        weft_m_error error;
        memcpy(extra, good, sizeof(good));
        for (size_t n = 1 + roll(&d, 3); n > 0; n--)
            extra[roll(&d, sizeof(good) - 1)] = (char)roll(&d, 128);
        weft_m_entity entities[] = {
            {.id = STR("a"), .name = STR("a")},
            {.id = STR("b"),
             .name = STR("b"),
             .extra = {extra, roll(&d, 8) == 0 ? roll(&d, sizeof(good)) : sizeof(good) - 1}},
            {.id = STR("c"), .name = STR("c")},
        };
        note("round %zu: %s", round, extra);
        int rc = weft_hierarchy_new(&it, entities, 3, NULL, &error);
        refused += rc < 0;
        if (rc < 0)
            CHECK_EQ(rc, -WEFT_M_EVALID);
        else
            weft_hierarchy_unref(it);
    }
    CHECK_GT(refused, rounds / 8);
    CHECK_GT(rounds, refused + rounds / 8);
}

/* ---- against a plain oracle ---- */

enum { NODES = 40 };

struct oracle {
    bool has[NODES][NODES]; /* parent, child */
    int ways[NODES][NODES]; /* shortest way down, or -1 */
};

static void close_oracle(struct oracle *o)
{
    for (size_t i = 0; i < NODES; i++) {
        for (size_t k = 0; k < NODES; k++)
            o->ways[i][k] = i == k ? 0 : o->has[i][k] ? 1 : -1;
    }
    for (size_t m = 0; m < NODES; m++) {
        for (size_t i = 0; i < NODES; i++) {
            for (size_t k = 0; k < NODES; k++) {
                int way =
                    o->ways[i][m] >= 0 && o->ways[m][k] >= 0 ? o->ways[i][m] + o->ways[m][k] : -1;
                if (way >= 0 && (o->ways[i][k] < 0 || way < o->ways[i][k]))
                    o->ways[i][k] = way;
            }
        }
    }
}

/* Edges lead from lower to higher numbers, named by either end or both. */
static weft_hierarchy *make_oracle(dice *d, struct oracle *o)
{
    static char ids[NODES][8], extras[NODES][2000];
    weft_m_entity entities[NODES] = {0};
    weft_hierarchy *it;
    *o = (struct oracle){0};
    bool by_child[NODES][NODES] = {0}, by_parent[NODES][NODES] = {0};
    for (size_t n = 20 + roll(d, 60); n > 0; n--) {
        size_t a = roll(d, NODES), b = roll(d, NODES);
        if (a == b)
            continue;
        size_t parent = a < b ? a : b, child = a < b ? b : a, who = roll(d, 3);
        o->has[parent][child] = true;
        by_child[parent][child] |= who != 0;
        by_parent[parent][child] |= who != 1;
    }
    for (size_t i = 0; i < NODES; i++) {
        char *at = extras[i];
        snprintf(ids[i], sizeof(ids[i]), "%zu", i);
        at += sprintf(at, "{\"hierarchy\":{\"parents\":[\"none\"");
        for (size_t k = 0; k < NODES; k++)
            at += by_child[k][i] ? sprintf(at, ",\"%zu\"", k) : 0;
        at += sprintf(at, "],\"children\":[\"none\"");
        for (size_t k = 0; k < NODES; k++)
            at += by_parent[i][k] ? sprintf(at, ",%zu", k) : 0;
        sprintf(at, "]}}");
        entities[i].id = entities[i].name = str_of(ids[i]);
        entities[i].extra = str_of(extras[i]);
    }
    close_oracle(o);
    CHECK_OK(weft_hierarchy_new(&it, entities, NODES, NULL, NULL));
    return it;
}

static void check_against(const weft_hierarchy *it, const struct oracle *o)
{
    for (size_t i = 0; i < NODES; i++) {
        char a[8], b[8];
        size_t below = 0;
        snprintf(a, sizeof(a), "%zu", i);
        for (size_t k = 0; k < NODES; k++) {
            int way = o->ways[i][k] >= 0 ? o->ways[i][k] : o->ways[k][i];
            snprintf(b, sizeof(b), "%zu", k);
            CHECK_EQ(distance(it, a, b), way);
            CHECK_EQ(is_ancestor(it, a, b), i != k && o->ways[i][k] > 0);
            below += o->ways[i][k] > 0;
        }
        weft_relatives *list;
        CHECK_OK(weft_hierarchy_descendants(it, str_of(a), -1, &list));
        CHECK_EQ(list->count, below);
        for (size_t n = 0; n < list->count; n++) {
            CHECK_EQ(list->items[n].depth, o->ways[i][list->items[n].entity]);
            CHECK(n == 0 || list->items[n].depth >= list->items[n - 1].depth);
        }
        weft_relatives_free(list);
    }
}

TEST(M90_random_hierarchies_agree_with_all_pairs_of_shortest_ways)
{
    dice d = {31};
    struct oracle o;
    for (size_t round = 0; round < 10; round++) {
        note("round %zu", round);
        weft_hierarchy *it = make_oracle(&d, &o);
        check_against(it, &o);
        weft_hierarchy_unref(it);
    }
}
