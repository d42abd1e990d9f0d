/* SPDX-License-Identifier: MIT */

#include "harness/harness.h"

#include <weft/schema.h>

#include <math.h>

/* ---- a table with everything in it ---- */

struct maker {
    weft_str name;
    int64_t founded;
};

struct item {
    weft_str query;
    int64_t top_k;
    double threshold;
    bool metadata, has_maker;
    weft_items tags, sizes, parts;
    struct maker maker;
    weft_str mode;
    const weft_json *extra;
};

static void check_even(weft_issues *issues, const char *path, const void *member)
{
    const int64_t *value = member;
    if (*value % 2 != 0)
        weft_issue(issues, path, "must be even");
}

static const char *const modes[] = {"fast", "exact", "both", NULL};
static const weft_field tag = {.type = WEFT_TYPE_STRING, .range = WEFT_RANGE(1, 4)};
static const weft_field size = {.type = WEFT_TYPE_INTEGER, .range = WEFT_FROM(0)};
static const weft_field maker_fields[] = {
    {WEFT_FIELD_STRING(struct maker, name), .flags = WEFT_REQUIRED},
    {WEFT_FIELD_INTEGER(struct maker, founded), .check = check_even},
};
static const struct maker maker_preset = {.founded = 1900};
static const weft_schema maker_schema = {WEFT_SCHEMA(struct maker, maker_fields),
                                         .preset = &maker_preset};
static const weft_field part = {.type = WEFT_TYPE_OBJECT, .schema = &maker_schema};
static const weft_field item_fields[] = {
    {WEFT_FIELD_STRING(struct item, query), .flags = WEFT_REQUIRED, .range = WEFT_UP_TO(8)},
    {WEFT_FIELD_INTEGER(struct item, top_k), .range = WEFT_RANGE(1, 1000)},
    {WEFT_FIELD_DOUBLE(struct item, threshold), .flags = WEFT_NULLABLE,
     .interval = WEFT_INTERVAL(0, 1)},
    {WEFT_FIELD_BOOL(struct item, metadata)},
    {WEFT_FIELD_ARRAY(struct item, tags, &tag), .range = WEFT_UP_TO(3)},
    {WEFT_FIELD_ARRAY(struct item, sizes, &size)},
    {WEFT_FIELD_ARRAY(struct item, parts, &part)},
    {WEFT_FIELD_OBJECT(struct item, maker, &maker_schema), .alias = "the-maker",
     .present_at = WEFT_PRESENT(struct item, has_maker)},
    {WEFT_FIELD_STRING(struct item, mode), .choices = modes},
    {WEFT_FIELD_ANY(struct item, extra)},
};
static const struct item item_preset = {.top_k = 1, .threshold = NAN, .mode = WEFT_STR("fast")};
static const weft_schema item_schema = {WEFT_SCHEMA(struct item, item_fields),
                                        .preset = &item_preset};

static const weft_schema list_schema = {"list", sizeof(struct item), &item_fields[4], 1,
                                        .is_bare = true};

/* ---- JSON in ---- */

static weft_json *parse(const char *text)
{
    weft_json *root = NULL;
    CHECK_OK(weft_json_read(&root, text, strlen(text), NULL, NULL));
    return root;
}

TEST(schema_takes_what_is_there_and_presets_the_rest)
{
    weft_issues issues = {0};
    struct item *item = NULL;
    weft_json *root = parse("{\"query\":\"a\",\"threshold\":null}");
    CHECK_OK(weft_schema_read(&item_schema, root, &issues, (void **)&item));
    CHECK_BYTES(item->query.ptr, item->query.len, "a", 1);
    CHECK_EQ(item->top_k, 1);
    CHECK(isnan(item->threshold));
    CHECK(!item->has_maker);
    CHECK_BYTES(item->mode.ptr, item->mode.len, "fast", 4);
    CHECK_EQ(item->tags.count, 0u);
    weft_schema_free(item);
    weft_json_free(root);
}

TEST(schema_takes_nested_objects_and_arrays)
{
    weft_issues issues = {0};
    struct item *item = NULL;
    weft_json *root =
        parse("{\"query\":\"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\",\"top_k\":1000,"
              "\"threshold\":1,\"metadata\":true,\"tags\":[\"a\",\"bb\"],\"sizes\":[],"
              "\"parts\":[{\"name\":\"x\"},{\"name\":\"y\",\"founded\":2}],"
              "\"the-maker\":{\"name\":\"m\"},\"mode\":\"both\",\"extra\":[1]}");
    CHECK_OK(weft_schema_read(&item_schema, root, &issues, (void **)&item));
    const weft_str *tags = item->tags.ptr;
    const struct maker *parts = item->parts.ptr;
    CHECK_EQ(item->tags.count, 2u);
    CHECK_BYTES(tags[1].ptr, tags[1].len, "bb", 2);
    CHECK_EQ(item->parts.count, 2u);
    CHECK_EQ(parts[0].founded, 1900);
    CHECK_EQ(parts[1].founded, 2);
    CHECK(item->has_maker);
    CHECK_BYTES(item->maker.name.ptr, item->maker.name.len, "m", 1);
    CHECK_EQ(item->threshold, 1.0);
    CHECK_EQ(weft_json_count(item->extra), 1u);
    weft_schema_free(item);
    weft_json_free(root);
}

static const struct {
    const char *text;
    const char *issues; /* "path: text" lines */
} wrongs[] = {
    {"[]", ": must be an object, is an array\n"},
    {"{}", "query: is required\n"},
    {"{\"query\":null}", "query: must be a string, is null\n"},
    {"{\"query\":5,\"top_k\":0}",
     "query: must be a string, is an integer\ntop_k: must be an integer from 1 to 1000\n"},
    {"{\"query\":\"123456789\"}", "query: must have at most 8 characters, has 9\n"},
    {"{\"query\":\"\",\"top_k\":1001}", "top_k: must be an integer from 1 to 1000\n"},
    {"{\"query\":\"\",\"top_k\":1.0}", "top_k: must be an integer from 1 to 1000\n"},
    {"{\"query\":\"\",\"top_k\":null}", "top_k: must be an integer from 1 to 1000\n"},
    {"{\"query\":\"\",\"threshold\":1.5}", "threshold: must be a number from 0 to 1\n"},
    {"{\"query\":\"\",\"threshold\":\"0.5\"}", "threshold: must be a number from 0 to 1\n"},
    {"{\"query\":\"\",\"metadata\":1}", "metadata: must be true or false\n"},
    {"{\"query\":\"\",\"tags\":{}}", "tags: must be an array of strings\n"},
    {"{\"query\":\"\",\"tags\":[1,\"a\",null]}",
     "tags[0]: must be a string, is an integer\ntags[2]: must be a string, is null\n"},
    {"{\"query\":\"\",\"tags\":[\"abcde\",\"\"]}",
     "tags[0]: must have at most 4 characters, has 5\n"
     "tags[1]: must have at least 1 character, has 0\n"},
    {"{\"query\":\"\",\"tags\":[\"\",\"\",\"\",\"\"]}", "tags: must have at most 3 items, has 4\n"},
    {"{\"query\":\"\",\"sizes\":[-1]}", "sizes[0]: must be an integer of at least 0\n"},
    {"{\"query\":\"\",\"mode\":\"slow\"}", "mode: must be fast, exact or both\n"},
    {"{\"query\":\"\",\"parts\":[{},{\"name\":\"x\",\"founded\":3,\"y\":1}]}",
     "parts[0].name: is required\nparts[1].founded: must be even\n"
     "parts[1].y: is not a field of this request; there are name, founded\n"},
    {"{\"query\":\"\",\"the-maker\":{\"name\":1}}",
     "the-maker.name: must be a string, is an integer\n"},
    {"{\"query\":\"\",\"Query\":1,\"top_k \":1}",
     "Query: is not a field of this request; did you mean query?\n"
     "top_k : is not a field of this request; did you mean top_k?\n"},
    {"{\"query\":\"\",\"text\":1}", "text: is not a field of this request; there are query, top_k, "
                                    "threshold, metadata, tags, sizes, "
                                    "parts, the-maker, mode, extra\n"},
};

static void put_issues(char *out, size_t room, const weft_issues *issues)
{
    size_t used = 0;
    out[0] = 0;
    for (size_t k = 0; k < issues->count && k < WEFT_ISSUE_MAX; k++)
        used += (size_t)snprintf(out + used, room - used, "%s%s%s: %s\n",
                                 issues->items[k].in != NULL ? issues->items[k].in : "",
                                 issues->items[k].in != NULL ? "." : "", issues->items[k].path,
                                 issues->items[k].text);
}

TEST(schema_collects_everything_that_is_wrong)
{
    for (size_t i = 0; i < sizeof(wrongs) / sizeof(*wrongs); i++) {
        weft_issues issues = {0};
        char seen[1024];
        void *item = NULL;
        note("%s", wrongs[i].text);
        weft_json *root = parse(wrongs[i].text);
        CHECK_EQ(weft_schema_read(&item_schema, root, &issues, &item), -EINVAL);
        CHECK(item == NULL);
        put_issues(seen, sizeof(seen), &issues);
        CHECK_STR(seen, wrongs[i].issues);
        weft_json_free(root);
    }
}

TEST(schema_counts_issues_past_those_it_keeps)
{
    char text[512] = "{\"query\":\"\"";
    for (int i = 0; i < 40; i++)
        snprintf(text + strlen(text), 16, ",\"x%d\":1", i);
    strcat(text, "}");
    weft_issues issues = {0};
    void *item;
    weft_json *root = parse(text);
    CHECK_EQ(weft_schema_read(&item_schema, root, &issues, &item), -EINVAL);
    CHECK_EQ(issues.count, 40u);
    CHECK_STR(issues.items[WEFT_ISSUE_MAX - 1].path, "x15");
    weft_json_free(root);
}

/* A name too long for the path is cut between two characters. */
TEST(schema_cuts_a_long_name_at_a_character)
{
    char text[200] = "{\"query\":\"\",\"x";
    for (int i = 0; i < 40; i++)
        strcat(text, "\xc3\xa4");
    strcat(text, "\":1}");
    weft_issues issues = {0};
    void *item;
    weft_json *root = parse(text);
    CHECK_EQ(weft_schema_read(&item_schema, root, &issues, &item), -EINVAL);
    CHECK_EQ(strlen(issues.items[0].path), 63u);
    weft_json_free(root);
}

TEST(schema_may_be_bare)
{
    weft_issues issues = {0};
    struct item *item;
    weft_json *root = parse("[\"a\",\"b\"]");
    CHECK_OK(weft_schema_read(&list_schema, root, &issues, (void **)&item));
    CHECK_EQ(item->tags.count, 2u);
    weft_schema_free(item);
    weft_json_free(root);
    root = parse("{}");
    CHECK_EQ(weft_schema_read(&list_schema, root, &issues, (void **)&item), -EINVAL);
    CHECK_STR(issues.items[0].path, "");
    CHECK_STR(issues.items[0].text, "must be an array of strings");
    weft_json_free(root);
}

/* A schema that holds itself: the text decides how deep, up to a limit. */
struct tree {
    weft_items children;
};
static const weft_schema tree_schema;
static const weft_field tree_child = {.type = WEFT_TYPE_OBJECT, .schema = &tree_schema};
static const weft_field tree_fields[] = {{WEFT_FIELD_ARRAY(struct tree, children, &tree_child)}};
static const weft_schema tree_schema = {WEFT_SCHEMA(struct tree, tree_fields)};

TEST(schema_that_holds_itself_has_a_depth)
{
    for (int depth = 1; depth <= 40; depth++) {
        char text[2048] = "";
        weft_issues issues = {0};
        void *tree = NULL;
        for (int i = 0; i < depth; i++)
            strcat(text, "{\"children\":[");
        strcat(text, "{}");
        for (int i = 0; i < depth; i++)
            strcat(text, "]}");
        weft_json *root = parse(text);
        int rc = weft_schema_read(&tree_schema, root, &issues, &tree);
        CHECK_EQ(rc, depth <= 16 ? 0 : -EINVAL);
        if (rc < 0)
            CHECK_STR(issues.items[0].text, "nests too deep");
        weft_schema_free(tree);
        weft_json_free(root);
    }
}

/* ---- texts in ---- */

struct search {
    weft_str q;
    int64_t limit;
    double near;
    bool exact;
    weft_items tags;
};

static const weft_field search_fields[] = {
    {WEFT_FIELD_STRING(struct search, q), .flags = WEFT_REQUIRED, .range = WEFT_RANGE(1, 5)},
    {WEFT_FIELD_INTEGER(struct search, limit), .range = WEFT_RANGE(1, 100)},
    {WEFT_FIELD_DOUBLE(struct search, near)},
    {WEFT_FIELD_BOOL(struct search, exact), .in = WEFT_IN_HEADER, .alias = "X-Exact"},
    {WEFT_FIELD_ARRAY(struct search, tags, &tag)},
};
static const struct search search_preset = {.limit = 10};
static const weft_schema search_schema = {WEFT_SCHEMA(struct search, search_fields),
                                          .preset = &search_preset};

/* Texts as "name=value" lines. */
static bool text_of(void *arg, const weft_field *field, size_t index, weft_str *out)
{
    const char *name = field->alias != NULL ? field->alias : field->name;
    for (const char *line = arg; *line != 0;) {
        size_t len = strcspn(line, "\n"), name_len = strlen(name);
        if (strncmp(line, name, name_len) == 0 && line[name_len] == '=' && index-- == 0) {
            *out = (weft_str){line + name_len + 1, len - name_len - 1};
            return true;
        }
        line += len + (line[len] != 0);
    }
    return false;
}

static char *text(const char *lines)
{
    static char copy[512];
    snprintf(copy, sizeof(copy), "%s", lines);
    return copy;
}

TEST(schema_takes_texts)
{
    weft_issues issues = {0};
    struct search *search;
    char *lines = text("q=tea\nlimit=100\nnear=-1.5e1\nX-Exact=1\ntags=a\ntags=b\nother=1\n");
    CHECK_OK(weft_schema_read_texts(&search_schema, text_of, lines, &issues, (void **)&search));
    CHECK_EQ(search->limit, 100);
    CHECK_EQ(search->near, -15.0);
    CHECK(search->exact);
    CHECK_EQ(search->tags.count, 2u);
    weft_schema_free(search);

    CHECK_OK(weft_schema_read_texts(&search_schema, text_of, text("q=a\nnear=3\nX-Exact=false"),
                                    &issues, (void **)&search));
    CHECK_EQ(search->limit, 10);
    CHECK_EQ(search->near, 3.0);
    CHECK(!search->exact);
    weft_schema_free(search);
}

static const struct {
    const char *lines, *issues;
} wrong_texts[] = {
    {"", "query.q: is required\n"},
    {"q=\nlimit=0\nnear=x\nX-Exact=yes",
     "query.q: must have at least 1 character, has 0\n"
     "query.limit: must be an integer from 1 to 100\nquery.near: must be a number\n"
     "header.X-Exact: must be true or false\n"},
    {"q=a\nlimit=", "query.limit: must be an integer from 1 to 100\n"},
    {"q=a\nlimit=1x", "query.limit: must be an integer from 1 to 100\n"},
    {"q=a\nlimit= 1", "query.limit: must be an integer from 1 to 100\n"},
    {"q=a\nlimit=+1", "query.limit: must be an integer from 1 to 100\n"},
    {"q=a\nlimit=1.0", "query.limit: must be an integer from 1 to 100\n"},
    {"q=a\nlimit=99999999999999999999", "query.limit: must be an integer from 1 to 100\n"},
    {"q=a\nnear=inf", "query.near: must be a number\n"},
    {"q=a\nnear=nan", "query.near: must be a number\n"},
    {"q=a\nnear=0x1", "query.near: must be a number\n"},
    {"q=\xff", "query.q: must be UTF-8\n"},
    {"q=a\ntags=ok\ntags=", "query.tags[1]: must have at least 1 character, has 0\n"},
};

TEST(schema_collects_everything_that_is_wrong_with_texts)
{
    for (size_t i = 0; i < sizeof(wrong_texts) / sizeof(*wrong_texts); i++) {
        weft_issues issues = {0};
        char seen[1024];
        void *search;
        note("%s", wrong_texts[i].lines);
        CHECK_EQ(weft_schema_read_texts(&search_schema, text_of, text(wrong_texts[i].lines),
                                        &issues, &search),
                 -EINVAL);
        put_issues(seen, sizeof(seen), &issues);
        CHECK_STR(seen, wrong_texts[i].issues);
    }
}

/* ---- out ---- */

static void check_written(weft_json_writer *json, const char *expected)
{
    weft_str seen;
    CHECK_OK(weft_json_writer_get(json, &seen));
    CHECK_BYTES(seen.ptr, seen.len, expected, strlen(expected));
    weft_json_writer_free(json);
}

static weft_json_writer *writer(void)
{
    weft_json_writer *json = NULL;
    CHECK_OK(weft_json_writer_new(&json, 0));
    return json;
}

TEST(schema_writes_what_it_reads)
{
    static const char *const texts[] = {
        "{\"query\":\"a\",\"top_k\":3,\"threshold\":0.5,\"metadata\":true,\"tags\":[\"x\"],"
        "\"sizes\":[0,9],\"parts\":[{\"name\":\"y\",\"founded\":2}],"
        "\"the-maker\":{\"name\":\"z\",\"founded\":4},\"mode\":\"fast\"}",
        "{\"query\":\"\",\"top_k\":3,\"threshold\":0.0,\"metadata\":false,\"tags\":[],"
        "\"sizes\":[],\"parts\":[],\"mode\":\"exact\"}",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        weft_issues issues = {0};
        void *item;
        weft_json *root = parse(texts[i]);
        weft_json_writer *json = writer();
        CHECK_OK(weft_schema_read(&item_schema, root, &issues, &item));
        weft_schema_write(&item_schema, item, json);
        check_written(json, texts[i]);
        weft_schema_free(item);
        weft_json_free(root);
    }
}

TEST(schema_describes_itself)
{
    weft_json_writer *json = writer();
    weft_schema_describe(&item_schema, json);
    check_written(
        json,
        "{\"type\":\"object\",\"properties\":{\"query\":{\"type\":\"string\",\"maxLength\":8},"
        "\"top_k\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":1},"
        "\"threshold\":{\"type\":[\"number\",\"null\"],\"minimum\":0.0,\"maximum\":1.0},"
        "\"metadata\":{\"type\":\"boolean\",\"default\":false},"
        "\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"minLength\":1,"
        "\"maxLength\":4},\"maxItems\":3},"
        "\"sizes\":{\"type\":\"array\",\"items\":{\"type\":\"integer\",\"minimum\":0}},"
        "\"parts\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/maker_fields\"}},"
        "\"the-maker\":{\"$ref\":\"#/components/schemas/maker_fields\"},"
        "\"mode\":{\"type\":\"string\",\"enum\":[\"fast\",\"exact\",\"both\"],"
        "\"default\":\"fast\"},\"extra\":{}},\"required\":[\"query\"],"
        "\"additionalProperties\":false}");
}

struct bounds {
    double price, low, high, fine;
    int64_t level;
};
static const weft_field bounds_fields[] = {
    {WEFT_FIELD_DOUBLE(struct bounds, price), .interval = WEFT_INTERVAL(0, 1e6)},
    {WEFT_FIELD_DOUBLE(struct bounds, low), .interval = WEFT_INTERVAL(-2.5, INFINITY)},
    {WEFT_FIELD_DOUBLE(struct bounds, high), .interval = WEFT_INTERVAL(-INFINITY, 1e20)},
    {WEFT_FIELD_DOUBLE(struct bounds, fine), .interval = WEFT_INTERVAL(1e-7, 0.1)},
    {WEFT_FIELD_INTEGER(struct bounds, level), .range = WEFT_RANGE(1, 5)},
};
static const struct bounds bounds_preset = {.low = -3};
static const weft_schema bounds_schema = {WEFT_SCHEMA(struct bounds, bounds_fields),
                                          .alias = "Bounds", .preset = &bounds_preset};
static const weft_field bounds_item = {.type = WEFT_TYPE_OBJECT, .schema = &bounds_schema};

TEST(schema_says_bounds_as_they_are_written)
{
    static const char *const texts[] = {
        "must be a number from 0 to 1000000", "must be a number of at least -2.5",
        "must be a number of at most 1e+20", "must be a number from 1e-07 to 0.1",
        "must be an integer from 1 to 5"};
    weft_json *root = parse("{\"price\":-1,\"low\":-3,\"high\":1e21,\"fine\":0,\"level\":0}");
    weft_issues issues = {0};
    void *out;
    CHECK_EQ(weft_schema_read(&bounds_schema, root, &issues, &out), -EINVAL);
    CHECK_EQ(issues.count, 5u);
    for (size_t i = 0; i < 5; i++)
        CHECK_STR(issues.items[i].text, texts[i]);
    weft_json_free(root);
}

/* A default that is not allowed would be none that could be sent. */
TEST(schema_describes_a_preset_that_is_allowed_as_the_default)
{
    weft_json_writer *json = writer();
    weft_schema_describe(&bounds_schema, json);
    check_written(json, "{\"type\":\"object\",\"properties\":{"
                        "\"price\":{\"type\":\"number\",\"minimum\":0.0,\"maximum\":1000000.0,"
                        "\"default\":0.0},"
                        "\"low\":{\"type\":\"number\",\"minimum\":-2.5},"
                        "\"high\":{\"type\":\"number\",\"maximum\":1e+20,\"default\":0.0},"
                        "\"fine\":{\"type\":\"number\",\"minimum\":1e-07,\"maximum\":0.1},"
                        "\"level\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":5}},"
                        "\"additionalProperties\":false}");
}

TEST(schema_has_its_alias_in_documents)
{
    weft_json_writer *json = writer();
    weft_field_describe(&bounds_item, NULL, json);
    check_written(json, "{\"$ref\":\"#/components/schemas/Bounds\"}");
}

struct choice {
    weft_str mode;
};
static const weft_field choice_fields[] = {
    {WEFT_FIELD_STRING(struct choice, mode), .flags = WEFT_NULLABLE, .choices = modes},
};
static const weft_schema choice_schema = {WEFT_SCHEMA(struct choice, choice_fields)};

TEST(schema_of_a_choice_that_may_be_null_has_null_among_the_choices)
{
    weft_json_writer *json = writer();
    weft_schema_describe(&choice_schema, json);
    check_written(json,
                  "{\"type\":\"object\",\"properties\":{\"mode\":{\"type\":[\"string\",\"null\"],"
                  "\"enum\":[\"fast\",\"exact\",\"both\",null]}},"
                  "\"additionalProperties\":false}");
}

/* Every allocation in turn is refused: nothing leaks, and the code says why. */
SCENARIO(schema_is_read_or_nothing_is_left)
{
    weft_issues issues = {0};
    weft_json *root = NULL;
    void *item = NULL;
    static const char body[] =
        "{\"query\":\"a\",\"tags\":[\"a\",\"b\"],\"parts\":[{\"name\":\"x\"}]}";
    int rc = weft_json_read(&root, body, sizeof(body) - 1, NULL, NULL);
    if (rc == 0)
        rc = weft_schema_read(&item_schema, root, &issues, &item);
    CHECK(rc == 0 || rc == -ENOMEM);
    CHECK_EQ(issues.count, 0u);
    weft_schema_free(item);
    weft_json_free(root);
    return rc;
}
