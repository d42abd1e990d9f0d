/* SPDX-License-Identifier: MIT */

/* What weft serve answers, over real sockets. */
#include "served.h"

#include <weft/catalog.h>
#include <weft/match.h>

static const struct {
    const char *line, *body;
    int status;
    const char *answer; /* how it begins; "%" stands for the answer about Germany */
} calls[] = {
    {"GET /healthz", NULL, 200, "{\"status\":\"ok\"}"},
    {"GET /readyz", NULL, 200, "{\"status\":\"ready\"}"},
    {"GET /v1/info", NULL, 200, "{\"mode\":\"zero-shot\""},
    {"GET /v1/stats", NULL, 200, "{\"num_entities\":249"},
    {"GET /", NULL, 200, "<!doctype html>"},
    {"GET /nothing", NULL, 404, "{\"error\":{\"code\":\"not_found\""},
    {"GET /match", NULL, 405, "{\"error\":{\"code\":\"method_not_allowed\""},

    {"POST /match?query=Deutschland", NULL, 200, "{\"matched\":%}"},
    {"POST /match?query=xyzzy+plugh", NULL, 200, "{\"matched\":null}"},
    {"POST /match", NULL, 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"query: is req"},
    {"POST /batch", "[\"Deutschland\",\"\",\"xyzzy plugh\"]", 200, "{\"results\":[%,null,null]}"},
    {"POST /batch", "[]", 200, "{\"results\":[]}"},
    {"POST /batch", "{}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"body: must be"},
    {"POST /batch", "[\"a\",5]", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"[1]: must be a string, is an "
     "integer\","
     "\"field\":\"[1]\""},

    {"POST /v1/match", "{\"query\":\"Deutschland\"}", 200,
     "{\"result\":%,\"mode\":\"zero-shot\",\"th"},
    {"POST /v1/match", "{\"query\":[\"Deutschland\"]}", 200,
     "{\"results\":[%],\"mode\":\"zero-shot\""},
    {"POST /v1/match", "{\"query\":[]}", 200, "{\"results\":[],\"mode\""},
    {"POST /v1/match", "{\"query\":\"Deutschland\",\"top_k\":2,\"candidates\":[\"DE\",\"FR\"]}",
     200, "{\"result\":[%"},
    {"POST /v1/match", "{\"query\":\"Deutschland\",\"candidates\":[]}", 200, "{\"result\":null,"},
    {"POST /v1/match", "{\"query\":\"Deutschland\",\"candidates\":[\"XX\"]}", 200,
     "{\"result\":null,"},
    {"POST /v1/match", "{\"query\":\"Deutschland\",\"candidates\":[\"XX\",\"DE\"]}", 200,
     "{\"result\":{\"id\":\"DE\","},
    {"POST /v1/match", "{\"query\":\"Deutschland\",\"candidates\":[{\"id\":\"FR\"}]}", 200,
     "{\"result\":null"},
    {"POST /v1/match", "{\"query\":\"Deutschland\",\"threshold\":null,\"metadata\":false}", 200,
     "{\"result\":%"},
    {"POST /v1/batch", "{\"queries\":[\"Deutschland\",\"xyzzy plugh\"],\"batch_size\":1}", 200,
     "{\"results\":[%,null]}"},
    {"POST /v1/explain", "{\"query\":\"Deutschland\",\"top_k\":1}", 200,
     "{\"query\":\"Deutschland\",\"query_normalized\":\"deutschland\",\"matched\":true,"
     "\"best_match\":%,\"top_k\":[%]"},
    {"POST /v1/diagnose", "{\"query\":\"\"}", 200, "{\"query\":\"\",\"matcher_ready\":true"},
    {"POST /v1/diagnose", "{\"query\":\"Deutschland\",\"top_k\":1}", 200,
     "{\"query\":\"Deutschland\",\"matcher_ready\":true,\"active_matcher\":\"EmbeddingMatcher\","
     "\"query_normalized\":\"deutschland\",\"matched\":true,\"best_match\":%,\"top_k\":[%]"},
    {"POST /v1/diagnose", "{\"query\":\"a\",\"top_k\":0}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"top_k: must be an integer"},
    {"POST /v1/novelty", "{\"query\":\"Deutschland\"}", 200,
     "{\"id\":\"DE\",\"score\":1.0,\"is_match\":true,\"is_novel\":false,\"novel_score\":0.0,"
     "\"match_method\":\"accepted_known\",\"alternatives\":[{\"id\":\"DE\""},
    {"POST /v1/novelty", "{\"queries\":[\"\"],\"alpha\":0.1,\"existing\":[]}", 200,
     "{\"results\":[{\"id\":null,\"score\":0.0,\"is_match\":false,\"is_novel\":false,"},
    {"POST /v1/novelty", "{}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"query: give either query"},
    {"POST /v1/novelty", "{\"query\":\"a\",\"strategies\":[\"setfit\"]}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"unsupported strategy: setfit\","
     "\"field\":\"strategies\""},
    {"POST /v1/hierarchy", "{\"query\":\"Deutschland\",\"top_k\":1}", 200,
     "{\"matches\":[{\"id\":\"DE\",\"score\":0.85,\"relationship\":\"self\",\"depth\":0,"},
    {"POST /v1/hierarchy", "{\"queries\":[\"\"],\"match_level\":\"self\"}", 200,
     "{\"results\":[{\"matches\":[],\"certain\":null,\"levels\":[],\"relatives_cut\":false}]}"},
    {"POST /v1/hierarchy", "{}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"query: give either query"},
    {"POST /v1/hierarchy", "{\"query\":\"a\",\"match_level\":\"up\"}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"Invalid match_level: up\","
     "\"field\":\"match_level\""},
    {"POST /v1/hierarchy", "{\"query\":\"a\",\"within\":\"Oz\"}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"within: 'Oz' is no entity's id\","
     "\"field\":\"within\""},
    {"GET /v1/hierarchy?id=DE", "", 200,
     "{\"id\":\"DE\",\"name\":\"Germany\",\"path\":[{\"id\":\"DE\",\"name\":\"Germany\","
     "\"depth\":0}],\"ancestors\":[],\"descendants\":[]}"},
    {"GET /v1/hierarchy?id=Oz", "", 404, "{\"error\":{\"code\":\"not_found\""},

    /* 400: no JSON */
    {"POST /v1/match", "", 400,
     "{\"error\":{\"code\":\"bad_request\",\"message\":\"the body is empty; it must be JSON\""},
    {"POST /v1/match", "{\"query\":\"a\",}", 400,
     "{\"error\":{\"code\":\"bad_request\",\"message\":\"the body is not the JSON expected: a key "
     "in "
     "quotes must stand here, line 1 column 14\",\"details\":{\"offset\":13}"},
    {"POST /v1/match", "{\"query\":\"a\",\"query\":\"b\"}", 400,
     "{\"error\":{\"code\":\"bad_request\""},
    {"POST /v1/match", "{\"query\":\"\xFF\"}", 400, "{\"error\":{\"code\":\"bad_request\""},

    /* 422: JSON, but not what was asked for */
    {"POST /v1/match", "[]", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"body: must be an object, is an "
     "array\",\"field\":\"body\",\"details\":{\"error_count\":1,\"errors\":[{\"field\":\"body\","},
    {"POST /batch", "{\"queries\":[]}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"body: must be an array of "
     "strings\",\"field\":\"body\""},
    {"POST /v1/novelty", "{}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"query: give either query, a text, or "
     "queries, a list of texts\",\"field\":\"query\""},
    {"POST /v1/hierarchy", "{\"query\":\"a\",\"queries\":[]}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"query: give either"},
    {"POST /v1/novelty", "{\"query\":\"a\",\"alpha\":1}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"alpha: must be a number above 0 and "
     "below 1\",\"field\":\"alpha\""},
    {"GET /v1/hierarchy?id=nobody", NULL, 404,
     "{\"error\":{\"code\":\"not_found\",\"message\":\"no entity has the id "
     "nobody\",\"field\":\"id\""},
    {"POST /v1/match", "{\"query\":[\"a\",5,null]}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"query[1]: must be a string, is "},
    {"POST /v1/match", "{\"query\":null}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"query: must be a string or an array"},
    {"POST /v1/batch", "{\"queries\":[\"a\",null]}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"queries[1]: must be a string"},
    {"POST /v1/match", "{}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"query: is "
     "required\",\"field\":\"query\""},
    {"POST /v1/match", "{\"query\":\"a\",\"topk\":1}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"topk: is not a field of this "
     "request; did you mean top_k?\""},
    {"POST /v1/match", "{\"query\":\"a\",\"text\":1}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"text: is not a field of this "
     "request; there are query, top_k, threshold, candidates, metadata, blocking_top_k and 2 "
     "more\""},
    {"POST /v1/match", "{\"query\":\"a\",\"top_k\":0}", 422,
     "{\"error\":{\"code\":\"validation_error\""},
    {"POST /v1/match", "{\"query\":\"a\",\"top_k\":1001}", 422,
     "{\"error\":{\"code\":\"validation_error\""},
    {"POST /v1/match", "{\"query\":\"a\",\"threshold\":1.1}", 422,
     "{\"error\":{\"code\":\"validation_e"},
    {"POST /v1/match", "{\"query\":\"a\",\"candidates\":[null]}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"candidates[0]: must be an id"},
    {"POST /v1/match", "{\"query\":\"a\",\"metadata\":1}", 422,
     "{\"error\":{\"code\":\"validation_e"},
    {"POST /v1/explain", "{\"query\":[\"a\"]}", 422, "{\"error\":{\"code\":\"validation_error\""},
    {"POST /v1/batch", "{\"queries\":\"a\"}", 422, "{\"error\":{\"code\":\"validation_error\""},
};

/* True if `text` begins with `pattern`, in which % is the answer about Germany. */
static bool begins(const char *text, const char *pattern)
{
    for (; *pattern != '\0'; pattern++) {
        size_t bytes = *pattern == '%' ? sizeof(GERMANY) - 1 : 1;
        if (strncmp(text, *pattern == '%' ? GERMANY : pattern, bytes) != 0)
            return false;
        text += bytes;
    }
    return true;
}

TEST(serve_answers_every_route)
{
    struct service service;
    struct answer answer = {0};
    service_start(&service);
    service_wait_ready(&service);
    for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
        service_call(&service, calls[i].line, calls[i].body, &answer);
        note("%s %s: %s", calls[i].line, calls[i].body != NULL ? calls[i].body : "", answer.body);
        CHECK_EQ(answer.status, calls[i].status);
        CHECK(begins(answer.body, calls[i].answer));
    }
    wf_buf_fini(&answer.buf);
    CHECK_EQ(service_end(&service, SIGTERM), 0);
}

/* The usual answer, and behind it all that is known about it. */
TEST(serve_tells_metadata_if_asked)
{
    static const char one[] = "{\"query\":\"Deutschland\",\"metadata\":true}";
    struct service service;
    struct answer answer = {0};
    service_start(&service);
    service_call(&service, "POST /v1/match", one, &answer);
    CHECK_EQ(answer.status, 200);
    CHECK(begins(answer.body, "{\"result\":%,\"mode\":\"zero-shot\",\"threshold\":"));
    CHECK(strstr(answer.body, ",\"predictions\":[\"DE\"],\"confidences\":[1.0],") != NULL);
    CHECK(strstr(answer.body, ",\"single_input\":true,\"texts\":[\"Deutschland\"],") != NULL);
    CHECK(strstr(answer.body, ",\"records\":[{\"text\":\"Deutschland\",\"predicted_id\":\"DE\"") !=
          NULL);

    wf_buf body = {0};
    wf_buf_puts(&body, "{\"metadata\":true,\"top_k\":1000,\"query\":[\"\"");
    for (int i = 0; i < 10; i++)
        wf_buf_puts(&body, ",\"\"");
    wf_buf_puts(&body, "]}");
    wf_buf_putc(&body, '\0');
    service_call(&service, "POST /v1/match", wf_buf_ptr(&body), &answer);
    CHECK_EQ(answer.status, 413);
    CHECK(strstr(answer.body, "\"limit\":10000,\"seen\":11000") != NULL);
    wf_buf_fini(&body);
    wf_buf_fini(&answer.buf);
    CHECK_EQ(service_end(&service, SIGTERM), 0);
}

TEST(serve_streams_a_batch_as_lines_or_events)
{
    static const char body[] = "{\"queries\":[\"Deutschland\",\"xyzzy plugh\"]}";
    struct service service;
    struct answer answer = {0};
    service_start(&service);
    service_call_with(&service, "POST /v1/batch", "Accept: application/x-ndjson\r\n", body,
                      &answer);
    CHECK_EQ(answer.status, 200);
    CHECK(strstr(answer.head, "\r\nContent-Type: application/x-ndjson\r\n") != NULL);
    CHECK(strstr(answer.body, "{\"index\":0,\"result\":") != NULL);
    CHECK(strstr(answer.body, GERMANY) != NULL);
    CHECK(strstr(answer.body, "{\"index\":1,\"result\":null}\n") != NULL);

    service_call_with(&service, "POST /v1/batch", "Accept: text/event-stream\r\n", body, &answer);
    CHECK_EQ(answer.status, 200);
    CHECK(strstr(answer.body, "event: progress\ndata: {\"completed\":2,\"total\":2}\n\n") != NULL);
    CHECK(strstr(answer.body, "event: results\ndata: ") != NULL);
    CHECK(strstr(answer.body, "event: done\ndata: {}\n\n") != NULL);

    service_call_with(&service, "POST /v1/batch", "Content-Type: text/plain\r\n", NULL, &answer);
    CHECK_EQ(answer.status, 415);
    wf_buf_fini(&answer.buf);
    CHECK_EQ(service_end(&service, SIGINT), 0);
}

static const struct {
    const char *line, *accept;
    int status;
    const char *type; /* of the answer */
} forms[] = {
    {"POST /v1/batch", "Accept: image/png\r\n", 406, "application/json"},
    {"POST /v1/batch", "Accept: */*\r\n", 200, "application/json"},
    {"POST /v1/batch", "Accept: */*, application/json;q=0\r\n", 200, "application/x-ndjson"},
    {"POST /v1/batch", "Accept: text/*\r\n", 200, "text/event-stream"},
    {"POST /v1/batch", "Accept: text/xml\r\nAccept: application/x-ndjson\r\n", 200,
     "application/x-ndjson"},
    {"POST /v1/match", "Accept: application/x-ndjson\r\n", 406, "application/json"},
    {"POST /v1/match", "Accept: */*, application/json;q=0\r\n", 406, "application/json"},
    {"POST /v1/match", "Accept: text/xml\r\nAccept: application/json\r\n", 200, "application/json"},
    {"POST /v1/explain", "Accept: text/event-stream\r\n", 406, "application/json"},
};

TEST(serve_answers_in_a_form_the_client_accepts)
{
    struct service service;
    struct answer answer = {0};
    service_start(&service);
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        bool is_batch = strstr(forms[i].line, "batch") != NULL;
        char field[64];
        note("%s, %s", forms[i].line, forms[i].accept);
        service_call_with(&service, forms[i].line, forms[i].accept,
                          is_batch ? "{\"queries\":[\"a\"]}" : "{\"query\":\"a\"}", &answer);
        CHECK_EQ(answer.status, forms[i].status);
        snprintf(field, sizeof(field), "\r\nContent-Type: %s\r\n", forms[i].type);
        CHECK(strstr(answer.head, field) != NULL);
    }
    wf_buf_fini(&answer.buf);
    CHECK_EQ(service_end(&service, SIGTERM), 0);
}

/* A text over the limit is told by its name in the body. */
static const struct {
    const char *line, *before, *behind, *field;
} long_texts[] = {
    {"POST /v1/match", "{\"query\":\"", "\"}", "query"},
    {"POST /v1/match", "{\"query\":[\"\",\"", "\"]}", "query[1]"},
    {"POST /v1/explain", "{\"query\":\"", "\"}", "query"},
    {"POST /v1/diagnose", "{\"query\":\"", "\"}", "query"},
    {"POST /v1/novelty", "{\"query\":\"", "\"}", "query"},
    {"POST /v1/novelty", "{\"queries\":[\"\",\"", "\"]}", "queries[1]"},
    {"POST /v1/hierarchy", "{\"query\":\"", "\"}", "query"},
    {"POST /v1/batch", "{\"queries\":[\"", "\"]}", "queries[0]"},
    {"POST /batch", "[\"\",\"", "\"]", "[1]"},
};

TEST(serve_refuses_what_is_too_large)
{
    struct service service;
    struct answer answer = {0};
    wf_buf body = {0};
    service_start(&service);

    for (size_t i = 0; i < sizeof(long_texts) / sizeof(*long_texts); i++) {
        char field[40];
        wf_buf_puts(&body, long_texts[i].before);
        for (int k = 0; k < 70000; k++)
            wf_buf_putc(&body, 'a');
        wf_buf_puts(&body, long_texts[i].behind);
        wf_buf_putc(&body, '\0');
        service_call(&service, long_texts[i].line, wf_buf_ptr(&body), &answer);
        note("%s: %s", long_texts[i].line, answer.body);
        CHECK_EQ(answer.status, 413);
        CHECK(strstr(answer.body, "\"code\":\"too_large\"") != NULL);
        CHECK(strstr(answer.body, "\"limit\":65536") != NULL);
        snprintf(field, sizeof(field), "\"field\":\"%s\"", long_texts[i].field);
        CHECK(strstr(answer.body, field) != NULL);
        wf_buf_reset(&body);
    }

    wf_buf_puts(&body, "{\"queries\":[\"\"");
    for (int i = 0; i < 10000; i++)
        wf_buf_puts(&body, ",\"\"");
    wf_buf_puts(&body, "]}");
    wf_buf_putc(&body, '\0');
    service_call(&service, "POST /v1/batch", wf_buf_ptr(&body), &answer);
    CHECK_EQ(answer.status, 413);
    CHECK(strstr(answer.body, "\"seen\":10001") != NULL);

    /* The answers to as many texts as may be asked for must not fill the memory. */
    wf_buf_reset(&body);
    wf_buf_puts(&body, "{\"top_k\":1000,\"query\":[\"\"");
    for (int i = 0; i < 1000; i++)
        wf_buf_puts(&body, ",\"\"");
    wf_buf_puts(&body, "]}");
    wf_buf_putc(&body, '\0');
    service_call(&service, "POST /v1/match", wf_buf_ptr(&body), &answer);
    CHECK_EQ(answer.status, 413);
    CHECK(strstr(answer.body, "\"seen\":1001000") != NULL);

    service_call_with(&service, "POST /v1/match", "Content-Length: 9000000\r\n", NULL, &answer);
    CHECK_EQ(answer.status, 413);
    wf_buf_fini(&body);
    wf_buf_fini(&answer.buf);
    CHECK_EQ(service_end(&service, SIGTERM), 0);
}

/* ---- one answer, three ways ---- */

static weft_matcher *open_countries(void)
{
    weft_catalog *catalog;
    weft_matcher *matcher;
    weft_m_options options;
    size_t count;
    CHECK_OK(weft_catalog_new(&catalog));
    CHECK_OK(weft_catalog_read_file(catalog, COUNTRIES, NULL, NULL));
    const weft_m_entity *entities = weft_catalog_entities(catalog, &count);
    weft_m_options_init(&options);
    options.threshold = 0.3f;
    CHECK_OK(weft_m_open(&matcher, entities, count, &options, NULL));
    weft_catalog_free(catalog);
    return matcher;
}

/* Command line, HTTP and library say the same bytes. */
TEST(serve_says_what_the_program_and_the_library_say)
{
    static const char *const texts[] = {"Korea", "Untied Kingdom", "republik", "日本", "zzz"};
    struct service service;
    struct answer answer = {0};
    weft_matcher *matcher = open_countries();
    service_start(&service);
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        char body[128], expected[4096];
        weft_m_query query;
        weft_text json;
        struct run run;
        weft_m_query_init(&query);
        query.top_k = 3;
        CHECK_OK(weft_m_match_json(matcher, (weft_str){texts[i], strlen(texts[i])}, &query, &json,
                                   NULL));
        snprintf(body, sizeof(body), "{\"queries\":[\"%s\"],\"top_k\":3,\"threshold\":0.3}",
                 texts[i]);
        service_call(&service, "POST /v1/batch", body, &answer);
        snprintf(expected, sizeof(expected), "{\"results\":[%s]}", json.ptr);
        CHECK_STR(answer.body, expected);
        RUN(&run, "match", "query", "-e", COUNTRIES, "-t", "0.3", "-k", "3", texts[i]);
        snprintf(expected, sizeof(expected), "%s\n", json.ptr);
        CHECK_STR(run.out, expected);
        run_fini(&run);
        weft_text_free(&json);
    }
    weft_m_close(matcher);
    wf_buf_fini(&answer.buf);
    CHECK_EQ(service_end(&service, SIGTERM), 0);
}
