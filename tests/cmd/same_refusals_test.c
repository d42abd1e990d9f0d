/* SPDX-License-Identifier: MIT */

/* What the library refuses, the service and the program refuse too, for the same reason. */
#include "ways.h"

#include <math.h>
#include <weft/hierarchy.h>
#include <weft/novelty.h>

/* ---- one text, asked each way ---- */

static int ask_match(weft_matcher *matcher, weft_str text, weft_text *out, weft_m_error *error)
{
    return weft_m_match_json(matcher, text, NULL, out, error);
}

static int ask_explain(weft_matcher *matcher, weft_str text, weft_text *out, weft_m_error *error)
{
    return weft_m_explain_json(matcher, text, 5, out, error);
}

static int ask_diagnose(weft_matcher *matcher, weft_str text, weft_text *out, weft_m_error *error)
{
    return weft_m_diagnose_json(matcher, text, 3, out, error);
}

static int ask_novelty(weft_matcher *matcher, weft_str text, weft_text *out, weft_m_error *error)
{
    return weft_m_novelty_json(matcher, &text, 1, NULL, out, error);
}

static int ask_hierarchy(weft_matcher *matcher, weft_str text, weft_text *out, weft_m_error *error)
{
    return weft_m_hierarchy_json(matcher, &text, 1, NULL, out, error);
}

static const struct {
    const char *command, *line;
    int (*ask)(weft_matcher *matcher, weft_str text, weft_text *out, weft_m_error *error);
} asked[] = {
    {"query", "POST /v1/match", ask_match},
    {"explain", "POST /v1/explain", ask_explain},
    {"diagnose", "POST /v1/diagnose", ask_diagnose},
    {"novelty", "POST /v1/novelty", ask_novelty},
    {"hierarchy", "POST /v1/hierarchy", ask_hierarchy},
};
#define ASKED_COUNT (sizeof(asked) / sizeof(*asked))

/* The program, with the text as a word, says this. */
static void check_program(size_t index, const char *text, const char *expected)
{
    struct run run;
    RUN(&run, "match", asked[index].command, "-e", PRODUCTS, text);
    CHECK_EQ(run.code, 1);
    CHECK_STR(run.out, "");
    CHECK_STR(run.err, expected);
    run_fini(&run);
}

/* The service's refusal of {"query":"TEXT"}. */
static void check_service(struct ways *ways, size_t index, const char *text, int status,
                          const char *part)
{
    wf_buf body = {0};
    wf_buf_printf(&body, "{\"query\":\"%s\"}", text);
    wf_buf_putc(&body, '\0');
    service_call(&ways->service, asked[index].line, wf_buf_ptr(&body), &ways->answer);
    note("%s: %s", asked[index].line, ways->answer.body);
    CHECK_EQ(ways->answer.status, status);
    CHECK(strstr(ways->answer.body, part) != NULL);
    wf_buf_fini(&body);
}

/* ---- no UTF-8 ---- */

static const struct {
    const char *text;
    size_t at; /* of the first byte that is none */
} wrongs[] = {
    {"\xFF", 0},           {"kni\xE9", 3},     {"a\xC0\x80", 1},          {"\xED\xA0\x80", 0},
    {"knife \xE2\x82", 6}, {"b\x80 knife", 1}, {"ab\xF4\x90\x80\x80", 2},
};

TEST(what_is_no_utf8_is_refused_three_ways)
{
    struct ways ways;
    ways_begin(&ways, PRODUCTS);
    for (size_t i = 0; i < sizeof(wrongs) / sizeof(*wrongs); i++) {
        for (size_t k = 0; k < ASKED_COUNT; k++) {
            char expected[sizeof(weft_m_error)];
            weft_m_error error;
            weft_text json;
            note("%s of text %zu", asked[k].command, i);
            CHECK_EQ(asked[k].ask(ways.matcher, weft_str_of(wrongs[i].text), &json, &error),
                     -WEFT_M_EVALID);
            CHECK_EQ(error.offset, wrongs[i].at);
            CHECK_STR(error.field, "queries[0]");
            snprintf(expected, sizeof(expected), "weft: text 1: %s\n", error.message);
            check_program(k, wrongs[i].text, expected);
            snprintf(expected, sizeof(expected), "a byte that is not UTF-8, line 1 column %zu\"",
                     strlen("{\"query\":\"") + wrongs[i].at + 1);
            check_service(&ways, k, wrongs[i].text, 400, expected);
        }
    }
    ways_end(&ways);
}

/* ---- too long ---- */

#define BYTES_MAX 65536

static void check_longest(struct ways *ways, const char *text)
{
    const weft_str query = weft_str_of(text);
    struct said said = {0};
    wf_buf body = {0};
    weft_text json;
    CHECK_OK(weft_m_match_json(ways->matcher, query, NULL, &json, NULL));
    said_add(&said, &json);
    ways_put_body(&body, &query, 1, "}");
    ways_check_service(ways, "POST /v1/batch", wf_buf_ptr(&body), "{\"results\":[",
                       ways_str(&said.list), "]}");
    WAYS_PROGRAM(weft_str_of(""), ways_str(&said.lines), "query", "-e", PRODUCTS, text);
    wf_buf_fini(&body);
    said_fini(&said);
}

TEST(the_longest_text_is_answered_and_one_byte_more_refused_three_ways)
{
    struct ways ways;
    char *text = malloc(BYTES_MAX + 2);
    CHECK(text != NULL);
    for (size_t i = 0; i < BYTES_MAX + 1; i++)
        text[i] = "knife "[i % 6];
    text[BYTES_MAX + 1] = '\0';
    ways_begin(&ways, PRODUCTS);
    for (size_t k = 0; k < ASKED_COUNT; k++) {
        char expected[sizeof(weft_m_error)];
        weft_m_error error;
        weft_text json;
        note("%s", asked[k].command);
        CHECK_EQ(asked[k].ask(ways.matcher, weft_str_of(text), &json, &error), -WEFT_ELIMIT);
        CHECK_EQ(error.limit, BYTES_MAX);
        CHECK_EQ(error.seen, BYTES_MAX + 1);
        snprintf(expected, sizeof(expected), "weft: text 1: %s\n", error.message);
        check_program(k, text, expected);
        check_service(&ways, k, text, 413, "\"limit\":65536,\"seen\":65537");
    }
    text[BYTES_MAX] = '\0';
    check_longest(&ways, text);
    ways_end(&ways);
    free(text);
}

/* ---- settings ---- */

static const struct {
    int64_t top_k;
    float threshold; /* NaN: none */
    const char *member, *option, *value, *field;
    int status;
} settings[] = {
    {0, NAN, "\"top_k\":0", "-k", "0", "top_k", 422},
    {-1, NAN, "\"top_k\":-1", "-k", "-1", "top_k", 422},
    {1001, NAN, "\"top_k\":1001", "-k", "1001", "top_k", 422},
    {1, -0.1f, "\"threshold\":-0.1", "-t", "-0.1", "threshold", 422},
    {1, 1.0001f, "\"threshold\":1.0001", "-t", "1.0001", "threshold", 422},
};

TEST(settings_that_make_no_sense_are_refused_three_ways)
{
    struct ways ways;
    ways_begin(&ways, PRODUCTS);
    for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
        char body[64], part[64];
        weft_m_query query;
        weft_m_error error;
        weft_text json;
        struct run run;
        weft_m_query_init(&query);
        query.top_k = settings[i].top_k;
        query.threshold = settings[i].threshold;
        note("%s", settings[i].member);
        CHECK_LT(weft_m_match_json(ways.matcher, weft_str_of("knife"), &query, &json, &error), 0);
        CHECK_STR(error.field, settings[i].field);
        snprintf(body, sizeof(body), "{\"query\":\"knife\",%s}", settings[i].member);
        snprintf(part, sizeof(part), "\"field\":\"%s\"", settings[i].field);
        service_call(&ways.service, "POST /v1/match", body, &ways.answer);
        CHECK_EQ(ways.answer.status, settings[i].status);
        CHECK(strstr(ways.answer.body, part) != NULL);
        RUN(&run, "match", "query", "-e", PRODUCTS, settings[i].option, settings[i].value, "knife");
        CHECK_EQ(run.code, 2);
        CHECK_STR(run.out, "");
        run_fini(&run);
    }
    ways_end(&ways);
}
