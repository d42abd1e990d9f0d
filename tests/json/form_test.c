/* SPDX-License-Identifier: MIT */

#include "harness/harness.h"

#include <weft/json_form.h>

struct body {
    weft_str query;
    int64_t top_k;
    double threshold;
    bool metadata;
    const weft_json *candidates;
};

/* The fields of a match request, as a server takes them. */
static int take(weft_json_form *form, const weft_json *root, struct body *body)
{
    *body = (struct body){.top_k = 1, .threshold = -1};
    weft_json_form_open(form, root);
    weft_json_form_string(form, "query", WEFT_JSON_REQUIRED, 8, &body->query);
    weft_json_form_integer(form, "top_k", 0, 1, 1000, &body->top_k);
    weft_json_form_double(form, "threshold", WEFT_JSON_NULLABLE, 0, 1, &body->threshold);
    weft_json_form_bool(form, "metadata", 0, &body->metadata);
    weft_json_form_strings(form, "candidates", 0, 3, 4, &body->candidates);
    return weft_json_form_close(form);
}

static weft_json *parse(const char *text)
{
    weft_json *root = NULL;
    CHECK_OK(weft_json_read(&root, text, strlen(text), NULL, NULL));
    return root;
}

TEST(form_takes_what_is_there_and_leaves_the_rest)
{
    weft_json_form form;
    struct body body;
    weft_json *root = parse("{\"query\":\"a\",\"threshold\":null}");
    CHECK_OK(take(&form, root, &body));
    CHECK_BYTES(body.query.ptr, body.query.len, "a", 1);
    CHECK_EQ(body.top_k, 1);
    CHECK_EQ(body.threshold, -1.0);
    CHECK(body.candidates == NULL);
    weft_json_free(root);

    root = parse("{\"candidates\":[\"DE\"],\"metadata\":true,\"threshold\":1,\"top_k\":1000,"
                 "\"query\":\"\"}");
    CHECK_OK(take(&form, root, &body));
    CHECK_EQ(body.top_k, 1000);
    CHECK_EQ(body.threshold, 1.0);
    CHECK(body.metadata);
    CHECK_EQ(weft_json_count(body.candidates), 1u);
    weft_json_free(root);
}

static const struct {
    const char *text;
    const char *issues; /* "path: text" lines */
} wrongs[] = {
    {"[]", ": must be an object\n"},
    {"{}", "query: is required\n"},
    {"{\"query\":null}", "query: must be a string, is null\n"},
    {"{\"query\":5,\"top_k\":0}",
     "query: must be a string, is an integer\ntop_k: must be an integer from 1 to 1000\n"},
    {"{\"query\":\"123456789\"}", "query: must have at most 8 bytes, has 9\n"},
    {"{\"query\":\"\",\"top_k\":1001}", "top_k: must be an integer from 1 to 1000\n"},
    {"{\"query\":\"\",\"top_k\":1.0}", "top_k: must be an integer from 1 to 1000\n"},
    {"{\"query\":\"\",\"top_k\":null}", "top_k: must be an integer from 1 to 1000\n"},
    {"{\"query\":\"\",\"threshold\":1.5}", "threshold: must be a number from 0 to 1\n"},
    {"{\"query\":\"\",\"threshold\":\"0.5\"}", "threshold: must be a number from 0 to 1\n"},
    {"{\"query\":\"\",\"metadata\":1}", "metadata: must be true or false\n"},
    {"{\"query\":\"\",\"candidates\":{}}", "candidates: must be an array of strings\n"},
    {"{\"query\":\"\",\"candidates\":[1,\"a\",null]}",
     "candidates[0]: must be a string, is an integer\n"
     "candidates[2]: must be a string, is null\n"},
    {"{\"query\":\"\",\"candidates\":[\"abcde\"]}",
     "candidates[0]: must have at most 4 bytes, has 5\n"},
    {"{\"query\":\"\",\"candidates\":[\"\",\"\",\"\",\"\"]}",
     "candidates: must have at most 3 items, has 4\n"},
    {"{\"query\":\"\",\"Query\":1,\"top_k \":1}",
     "Query: is not a field of this request\ntop_k : is not a field of this request\n"},
};

TEST(form_collects_everything_that_is_wrong)
{
    for (size_t i = 0; i < sizeof(wrongs) / sizeof(*wrongs); i++) {
        weft_json_form form;
        struct body body;
        char issues[1024] = "";
        note("%s", wrongs[i].text);
        weft_json *root = parse(wrongs[i].text);
        CHECK_EQ(take(&form, root, &body), -EINVAL);
        for (size_t k = 0, used = 0; k < form.issue_count; k++)
            used += (size_t)snprintf(issues + used, sizeof(issues) - used, "%s: %s\n",
                                     form.issues[k].path, form.issues[k].text);
        CHECK_STR(issues, wrongs[i].issues);
        weft_json_free(root);
    }
}

TEST(form_counts_issues_past_those_it_keeps)
{
    char text[512] = "{\"query\":\"\"";
    for (int i = 0; i < 40; i++)
        snprintf(text + strlen(text), 16, ",\"x%d\":1", i);
    strcat(text, "}");
    weft_json_form form;
    struct body body;
    weft_json *root = parse(text);
    CHECK_EQ(take(&form, root, &body), -EINVAL);
    CHECK_EQ(form.issue_count, 40u);
    CHECK_STR(form.issues[WEFT_JSON_ISSUE_MAX - 1].path, "x15");
    weft_json_free(root);
}

/* A name too long for the path is cut between two characters. */
TEST(form_cuts_a_long_field_name_at_a_character)
{
    char text[200] = "{\"query\":\"\",\"x";
    for (int i = 0; i < 40; i++)
        strcat(text, "é");
    strcat(text, "\":1}");
    weft_json_form form;
    struct body body;
    weft_json *root = parse(text);
    CHECK_EQ(take(&form, root, &body), -EINVAL);
    CHECK_EQ(strlen(form.issues[0].path), 63u);
    CHECK_BYTES(form.issues[0].path + 61, 2, "é", 2);
    weft_json_free(root);
}
