/* SPDX-License-Identifier: MIT */

/* Matches are the same bytes from library, service and program, with every candidate filter,
 * threshold and top_k, and wherever the threshold was said. */
#include "ways.h"

#define TEXTS ways_texts, WAYS_TEXT_COUNT
#define JSON_LINES "-f", "-", "--format", "ndjson"

static void say_matches(struct ways *ways, const weft_m_query *query, struct said *said)
{
    weft_m_results *results;
    CHECK_OK(weft_m_match(ways->matcher, TEXTS, query, &results, NULL));
    ways_say(said, results, WAYS_TEXT_COUNT, weft_m_result_json);
    weft_m_results_free(results);
}

/* POST /v1/batch and /v1/match with this behind the texts. */
static void check_service(struct ways *ways, const char *tail, const struct said *said)
{
    wf_buf body = {0}, one = {0};
    ways_put_body(&body, TEXTS, tail);
    ways_check_service(ways, "POST /v1/batch", wf_buf_ptr(&body), "{\"results\":[",
                       ways_str(&said->list), "]}");
    wf_buf_puts(&one, "{\"query\":");
    wf_buf_puts(&one, wf_buf_ptr(&body) + strlen("{\"queries\":"));
    wf_buf_putc(&one, '\0');
    ways_check_beginning(ways, "POST /v1/match", wf_buf_ptr(&one), "{\"results\":[",
                         ways_str(&said->list), "],\"mode\":\"zero-shot\",\"threshold\":");
    wf_buf_fini(&body);
    wf_buf_fini(&one);
}

/* ---- candidates; the program cannot be told ---- */

static const weft_str some[] = {WEFT_STR("DE"), WEFT_STR("nobody"), WEFT_STR("KR"), WEFT_STR("KP"),
                                WEFT_STR("DE")};
static const struct {
    const char *tail;
    const weft_str *ids;
    size_t count;
} filters[] = {
    {",\"candidates\":null}", NULL, 0},
    {",\"candidates\":[]}", some, 0},
    {",\"candidates\":[\"DE\"]}", some, 1},
    {",\"candidates\":[\"nobody\"]}", some + 1, 1},
    {",\"candidates\":[\"nobody\",{\"id\":\"KR\"}],\"top_k\":1}", some + 1, 2},
    {",\"candidates\":[\"DE\",\"nobody\",\"KR\",\"KP\",\"DE\"],\"top_k\":3,\"threshold\":0}", some,
     5},
};

TEST(candidates_are_the_same_two_ways)
{
    struct ways ways;
    ways_begin(&ways, COUNTRIES);
    for (size_t i = 0; i < sizeof(filters) / sizeof(*filters); i++) {
        struct said said = {0};
        weft_m_query query;
        weft_m_query_init(&query);
        query.candidates = filters[i].ids;
        query.candidate_count = filters[i].count;
        query.top_k = strstr(filters[i].tail, "\"top_k\":3") != NULL ? 3 : 1;
        query.threshold = query.top_k == 3 ? 0 : query.threshold;
        say_matches(&ways, &query, &said);
        check_service(&ways, filters[i].tail, &said);
        said_fini(&said);
    }
    ways_end(&ways);
}

/* ---- top_k ---- */

/* There are 249 countries. */
static const char *const counts[] = {"1", "2", "248", "249", "250", "1000"};

TEST(top_k_is_the_same_three_ways)
{
    struct ways ways;
    wf_buf lines = {0};
    ways_begin(&ways, COUNTRIES);
    ways_put_lines(&lines, TEXTS);
    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
        struct said said = {0};
        weft_m_query query;
        char tail[48];
        weft_m_query_init(&query);
        query.top_k = strtol(counts[i], NULL, 10);
        query.threshold = 0;
        say_matches(&ways, &query, &said);
        snprintf(tail, sizeof(tail), ",\"top_k\":%s,\"threshold\":0}", counts[i]);
        check_service(&ways, tail, &said);
        WAYS_PROGRAM(ways_str(&lines), ways_str(&said.lines), "query", "-e", COUNTRIES, "-t", "0",
                     "-k", counts[i], JSON_LINES);
        said_fini(&said);
    }
    wf_buf_fini(&lines);
    ways_end(&ways);
}

/* ---- thresholds ---- */

static const char *const thresholds[] = {"0",   "1e-45",     "0.1", "0.30000001",
                                         "0.5", "0.9999999", "1"};

/* What is said of a text with the matcher's own threshold, which is told as `shown`. */
static void check_diagnosis(struct ways *ways, const char *threshold, const char *shown)
{
    struct said said = {0};
    weft_text json;
    CHECK_OK(weft_m_diagnose_json(ways->matcher, weft_str_of("Korea Norte"), 3, &json, NULL));
    CHECK(strstr(json.ptr, shown) != NULL);
    ways_check_service(ways, "POST /v1/diagnose", "{\"query\":\"Korea Norte\"}", "",
                       ways_text(&json), "");
    said_add(&said, &json);
    WAYS_PROGRAM(weft_str_of(""), ways_str(&said.lines), "diagnose", "-e", COUNTRIES, "-t",
                 threshold, "Korea Norte");
    said_fini(&said);
}

/* Set, a threshold holds for all that ask without one: they say what was said with it given. */
static void check_set(struct ways *ways, const char *threshold, const struct said *given)
{
    const float value = strtof(threshold, NULL);
    struct said set = {0};
    wf_buf shown = {0};
    weft_m_query query;
    char body[64];
    weft_m_query_init(&query);
    query.top_k = 3;
    CHECK_OK(weft_m_set_threshold(ways->matcher, value, NULL));
    say_matches(ways, &query, &set);
    CHECK_BYTES(wf_buf_ptr(&set.list), wf_buf_bytes(&set.list), wf_buf_ptr(&given->list),
                wf_buf_bytes(&given->list));

    wf_buf_puts(&shown, "\"threshold\":");
    wf_json_float(&(wf_json){.out = &shown}, value);
    snprintf(body, sizeof(body), "{\"threshold\":%s}", threshold);
    ways_check_service(ways, "PUT /v1/threshold", body, "{", ways_str(&shown), "}");
    check_service(ways, ",\"top_k\":3}", given);
    wf_buf_puts(&shown, ",");
    wf_buf_putc(&shown, '\0');
    check_diagnosis(ways, threshold, wf_buf_ptr(&shown));
    wf_buf_fini(&shown);
    said_fini(&set);
}

TEST(thresholds_are_the_same_given_and_set)
{
    struct ways ways;
    wf_buf lines = {0};
    ways_begin(&ways, COUNTRIES);
    ways_put_lines(&lines, TEXTS);
    for (size_t i = 0; i < sizeof(thresholds) / sizeof(*thresholds); i++) {
        struct said said = {0};
        weft_m_query query;
        char tail[64];
        weft_m_query_init(&query);
        query.top_k = 3;
        query.threshold = strtof(thresholds[i], NULL);
        say_matches(&ways, &query, &said);
        snprintf(tail, sizeof(tail), ",\"top_k\":3,\"threshold\":%s}", thresholds[i]);
        check_service(&ways, tail, &said);
        WAYS_PROGRAM(ways_str(&lines), ways_str(&said.lines), "query", "-e", COUNTRIES, "-k", "3",
                     "-t", thresholds[i], JSON_LINES);
        check_set(&ways, thresholds[i], &said);
        said_fini(&said);
    }
    wf_buf_fini(&lines);
    ways_end(&ways);
}

/* A matcher that the program saved, with its threshold, is the same to all. */
TEST(a_saved_threshold_is_the_same_three_ways)
{
    const char *path = make_file("made.weftm", "");
    struct ways ways = {0};
    struct run run;
    struct said said = {0};
    weft_m_query query;
    wf_buf lines = {0};
    RUN(&run, "match", "fit", "-e", COUNTRIES, "-t", "0.2", "-o", path);
    CHECK_EQ(run.code, 0);
    run_fini(&run);
    CHECK_OK(weft_m_load(&ways.matcher, path, NULL, NULL));
    SERVICE_START(&ways.service, "-m", path, "--listen", "127.0.0.1:0");
    weft_m_query_init(&query);
    query.top_k = 2;
    say_matches(&ways, &query, &said);
    check_service(&ways, ",\"top_k\":2}", &said);
    CHECK(strstr(ways.answer.body, ",\"threshold\":0.2,") != NULL);
    ways_put_lines(&lines, TEXTS);
    WAYS_PROGRAM(ways_str(&lines), ways_str(&said.lines), "query", "-m", path, "-k", "2",
                 JSON_LINES);
    wf_buf_fini(&lines);
    said_fini(&said);
    ways_end(&ways);
    drop_file(path);
}

/* ---- metadata; the program has none ---- */

static void check_metadata(struct ways *ways, const char *tail, weft_m_query *query)
{
    for (size_t count = 1; count <= WAYS_TEXT_COUNT; count += WAYS_TEXT_COUNT - 1) {
        weft_text json;
        wf_buf body = {0};
        bool is_single = count == 1;
        CHECK_OK(
            weft_m_metadata_json(ways->matcher, ways_texts, count, query, is_single, &json, NULL));
        wf_buf_puts(&body, "{\"query\":");
        if (is_single)
            wf_json_str(&(wf_json){.out = &body}, ways_texts[0]);
        else
            wf_json_strs(&(wf_json){.out = &body}, TEXTS);
        wf_buf_puts(&body, tail);
        wf_buf_putc(&body, '\0');
        service_call(&ways->service, "POST /v1/match", wf_buf_ptr(&body), &ways->answer);
        CHECK_EQ(ways->answer.status, 200);
        const char *behind = strstr(ways->answer.body, ",\"took_ms\":");
        CHECK(behind != NULL);
        behind = strstr(behind + 1, ",");
        CHECK(behind != NULL);
        CHECK_BYTES(behind + 1, strlen(behind + 1), json.ptr + 1, json.len - 1);
        weft_text_free(&json);
        wf_buf_fini(&body);
    }
}

TEST(metadata_is_the_same_two_ways)
{
    struct ways ways;
    weft_m_query query;
    ways_begin(&ways, COUNTRIES);
    weft_m_query_init(&query);
    check_metadata(&ways, ",\"metadata\":true}", &query);
    query.top_k = 3;
    query.threshold = 0.2f;
    query.candidates = some;
    query.candidate_count = 2;
    check_metadata(&ways,
                   ",\"metadata\":true,\"top_k\":3,\"threshold\":0.2,"
                   "\"candidates\":[\"DE\",\"nobody\"]}",
                   &query);
    ways_end(&ways);
}
