/* SPDX-License-Identifier: MIT */

/* Named matchers over HTTP: made, asked, replaced, taken away; who may. */
#include "service/desk.h"

#include <weft/event.h>
#include <weft/gather.h>

#define COLOURS                                                                                    \
    "{\"entities\":[{\"id\":1,\"name\":\"Red\",\"aliases\":[\"crimson\"]},"                        \
    "{\"id\":\"b\",\"name\":\"Blue\"}]}"
#define RED "{\"id\":1,\"score\":1.0,\"text\":\"red\",\"name\":\"Red\",\"matched\":\"Red\"}"

TASK_TEST(matcher_is_made_asked_and_taken_away)
{
    static struct desk desk;
    desk_open(&desk, 4);
    CHECK_EQ(desk_call(&desk, "POST /v1/matchers/colours/match", "{\"query\":\"red\"}"), 404);
    CHECK(desk_says(&desk, "\"code\":\"not_found\",\"message\":\"there is no matcher colours\""));
    CHECK_EQ(desk_call(&desk, "PUT /v1/matchers/colours", COLOURS), 201);
    CHECK(desk_says(&desk, "{\"name\":\"colours\",\"info\":{\"mode\":\"zero-shot\""));
    CHECK_EQ(desk_call(&desk, "POST /v1/matchers/colours/match", "{\"query\":\"red\"}"), 200);
    CHECK(desk_says(&desk, "{\"result\":" RED ",\"mode\":\"zero-shot\""));
    CHECK_EQ(desk_call(&desk, "POST /v1/match", "{\"query\":\"red\"}"), 404);

    CHECK_EQ(desk_call(&desk, "GET /v1/matchers", NULL), 200);
    CHECK(desk_says(&desk, "{\"matchers\":[{\"name\":\"colours\",\"mode\":\"zero-shot\","
                           "\"ready\":true,\"entities\":2,\"rows\":3,\"bytes\":"));
    CHECK(desk_says(&desk, "\"limit\":4}"));
    CHECK_EQ(desk_call(&desk, "GET /v1/matchers/colours", NULL), 200);
    CHECK(desk_says(&desk, ",\"stats\":{\"num_entities\":2,"));

    CHECK_EQ(desk_call(&desk, "DELETE /v1/matchers/colours", NULL), 204);
    CHECK_EQ(desk_call(&desk, "DELETE /v1/matchers/colours", NULL), 404);
    CHECK_EQ(desk_call(&desk, "GET /v1/matchers/colours", NULL), 404);
    desk_close(&desk);
}

/* The routes without a name are those of "default". */
TASK_TEST(matcher_default_is_one_of_them)
{
    static struct desk desk;
    desk_open(&desk, 4);
    CHECK_EQ(desk_call(&desk, "PUT /v1/matchers/default", COLOURS), 201);
    CHECK_EQ(desk_call(&desk, "POST /match?query=Red", NULL), 200);
    CHECK_STR(desk.answer.body, "{\"matched\":" RED "}");
    CHECK_EQ(desk_call(&desk, "POST /batch", "[\"red\",\"\"]"), 200);
    CHECK_STR(desk.answer.body, "{\"results\":[" RED ",null]}");
    desk_close(&desk);
}

/* The same question on every route gives the same JSON of its result, that of the library. */
TASK_TEST(matcher_answers_alike_on_every_route)
{
    static struct desk desk;
    desk_open(&desk, 4);
    CHECK_EQ(desk_call(&desk, "PUT /v1/matchers/default", COLOURS), 201);
    struct named *named = registry_get(&desk.service.registry, weft_str_of("default"));
    weft_text text;
    CHECK_OK(weft_m_match_json(named->matcher, weft_str_of("blu"), NULL, &text, NULL));
    registry_release(named);
    static const char *const calls[][3] = {
        {"POST /match?query=blu", NULL, "{\"matched\":%s}"},
        {"POST /batch", "[\"blu\"]", "{\"results\":[%s]}"},
        {"POST /v1/match", "{\"query\":\"blu\"}", "{\"result\":%s,"},
        {"POST /v1/batch", "{\"queries\":[\"blu\"]}", "{\"results\":[%s]}"},
        {"POST /v1/matchers/default/match", "{\"query\":[\"blu\"]}", "{\"results\":[%s],"},
        {"POST /v1/explain", "{\"query\":\"blu\",\"top_k\":1}", "\"best_match\":%s,"},
    };
    for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
        char want[512];
        snprintf(want, sizeof(want), calls[i][2], text.ptr);
        CHECK_EQ(desk_call(&desk, calls[i][0], calls[i][1]), 200);
        CHECK(desk_says(&desk, want));
    }
    CHECK_EQ(desk_call_with(&desk, "POST /v1/batch", "Accept: application/x-ndjson\r\n",
                            "{\"queries\":[\"blu\"]}"),
             200);
    CHECK(desk_says(&desk, text.ptr));
    weft_text_free(&text);
    desk_close(&desk);
}

static const struct {
    const char *line, *body;
    int status;
    const char *says;
} refused[] = {
    {"PUT /v1/matchers/.x", COLOURS, 422, "\"code\":\"validation_error\",\"message\":\"a name has"},
    {"PUT /v1/matchers/a%20b", COLOURS, 422, "\"field\":\"name\""},
    {"PUT /v1/matchers/%C3%A4", COLOURS, 422, "\"field\":\"name\""},
    {"PUT /v1/matchers/x", "{}", 422, "\"message\":\"entities: is required\""},
    {"PUT /v1/matchers/x", "{\"entities\":[]}", 422, "entities list cannot be empty"},
    {"PUT /v1/matchers/x", "{\"entities\":{}}", 422, "must be an array, is an object"},
    {"PUT /v1/matchers/x", "{\"entities\":[5]}", 422, "\"field\":\"entities[0]\""},
    {"PUT /v1/matchers/x", "{\"entities\":[{\"id\":1,\"name\":\"a\"},{\"id\":2}]}", 422,
     "\"message\":\"entities[1].name: is missing\",\"field\":\"entities[1].name\""},
    {"PUT /v1/matchers/x",
     "{\"entities\":[{\"id\":1,\"name\":\"a\"},{\"id\":\"1\",\"name\":\"b\"}]}", 422,
     "\"message\":\"entities[1].id: 1 is there already, from entities[0]\","
     "\"field\":\"entities[1].id\",\"details\":{\"error_count\":1,\"errors\":["},
    {"PUT /v1/matchers/x",
     "{\"entities\":[{\"id\":\"a\",\"name\":\"a\"},{\"id\":7,\"name\":\"b\"},{\"id\":7,\"name\":"
     "\"b\"},5,{\"id\":\"a\",\"name\":\"a\"},{\"id\":1}]}",
     422,
     "{\"error_count\":4,\"errors\":["
     "{\"field\":\"entities[2].id\",\"message\":\"7 is there already, from entities[1]\"},"
     "{\"field\":\"entities[3]\",\"message\":\"the row must be an object\"},"
     "{\"field\":\"entities[4].id\",\"message\":\"a is there already, from entities[0]\"},"
     "{\"field\":\"entities[5].name\",\"message\":\"is missing\"}]}"},
    {"PUT /v1/matchers/x", "{\"entities\":[5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5]}", 422,
     "\"error_count\":20,"},
    {"PUT /v1/matchers/x",
     "{\"entities\":[{\"id\":1,\"name\":\"a\",\"aliases\":null},"
     "{\"id\":2,\"name\":\"b\",\"aliases\":\"c|d\"}]}",
     422,
     "\"message\":\"entities[1].aliases: must be an array of strings, is a string\","
     "\"field\":\"entities[1].aliases\""},
    {"PUT /v1/matchers/x", "{\"entities\":[{\"id\":1,\"name\":\"a\"}],\"option\":{}}", 422,
     "\"message\":\"option: is not a field of this request; did you mean options?\""},
    {"PUT /v1/matchers/x",
     "{\"entities\":[{\"id\":1,\"name\":\"a\"}],\"options\":{\"threshold\":2,\"model\":\"m\"}}",
     422, "\"error_count\":2"},
    {"PUT /v1/matchers/x",
     "{\"entities\":[{\"id\":1,\"name\":\"a\"}],\"options\":{\"mode\":\"fuzzy\"}}", 422,
     "{\"code\":\"mode_error\",\"message\":\"Invalid mode: fuzzy\",\"field\":\"options.mode\","
     "\"suggestion\":\"Valid modes: auto, zero-shot, head-only, full, hybrid, bert\""},
    {"POST /v1/match?top_k=3", "{\"query\":\"red\"}", 422,
     "\"message\":\"top_k: is not a parameter of this request; there are none\""},
    {"GET /v1/matchers/x/reviews?states=approved", NULL, 422,
     "\"message\":\"states: is not a parameter of this request; did you mean state?\","
     "\"field\":\"states\""},
    {"GET /v1/matchers/x/reviews?id=7", NULL, 422,
     "\"message\":\"id: is not a parameter of this request; there are state, discovery_id, limit, "
     "offset\",\"field\":\"id\""},
};

TASK_TEST(matcher_that_is_wrong_is_refused_by_its_field)
{
    static struct desk desk;
    desk_open(&desk, 4);
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        CHECK_EQ(desk_call(&desk, refused[i].line, refused[i].body), refused[i].status);
        CHECK(desk_says(&desk, refused[i].says));
        CHECK(desk_says(&desk, "\"request_id\":\""));
    }
    CHECK_EQ(desk_call(&desk, "GET /v1/matchers", NULL), 200);
    CHECK(desk_says(&desk, "{\"matchers\":[],\"bytes\":0,"));
    desk_close(&desk);
}

/* What was asked for is not quietly something else. */
TASK_TEST(matcher_of_a_mode_that_needs_examples_answers_when_it_has_them)
{
    static const char *const modes[] = {"head-only", "full", "bert"};
    static struct desk desk;
    desk_open(&desk, 4);
    for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
        char body[200];
        snprintf(body, sizeof(body),
                 "{\"entities\":[{\"id\":1,\"name\":\"Red\"}],\"options\":{\"mode\":\"%s\"}}",
                 modes[i]);
        CHECK_EQ(desk_call(&desk, "PUT /v1/matchers/default", body), i == 0 ? 201 : 200);
        CHECK_EQ(desk_call(&desk, "POST /v1/match", "{\"query\":\"red\"}"), 422);
        CHECK(desk_says(&desk, "\"training_data is required for modes 'head-only', 'full', and "
                               "'bert'\",\"field\":\"training_data\""));
    }
    desk_close(&desk);
}

/* As `weft match query` does. */
TASK_TEST(stages_of_hybrid_are_refused_of_other_modes)
{
    static const char *const fields[] = {"blocking_top_k", "retrieval_top_k", "final_top_k"};
    static struct desk desk;
    desk_open(&desk, 1);
    for (size_t i = 0; i < 6; i++) {
        const char *field = fields[i % 3];
        bool is_hybrid = i >= 3;
        char body[160], says[120];
        snprintf(body, sizeof(body),
                 "{\"entities\":[{\"id\":1,\"name\":\"Red\"}],\"options\":{\"mode\":\"%s\"}}",
                 is_hybrid ? "hybrid" : "auto");
        CHECK_EQ(desk_call(&desk, "PUT /v1/matchers/default", body), i == 0 ? 201 : 200);
        snprintf(says, sizeof(says), "\"message\":\"%s is of mode hybrid\",\"field\":\"%s\"", field,
                 field);
        snprintf(body, sizeof(body), "{\"query\":\"red\",\"%s\":1}", field);
        CHECK_EQ(desk_call(&desk, "POST /v1/match", body), is_hybrid ? 200 : 422);
        CHECK_EQ(desk_says(&desk, says), !is_hybrid);
        snprintf(body, sizeof(body), "{\"queries\":[\"red\"],\"%s\":1}", field);
        CHECK_EQ(desk_call(&desk, "POST /v1/batch", body), is_hybrid ? 200 : 422);
        CHECK_EQ(desk_says(&desk, says), !is_hybrid);
        snprintf(body, sizeof(body), "{\"query\":\"red\",\"%s\":0}", field);
        CHECK_EQ(desk_call(&desk, "POST /v1/match", body), 200); /* as usual */
    }
    desk_close(&desk);
}

/* Over the limit nothing new comes; what is there can be replaced. */
TASK_TEST(matchers_have_a_limit)
{
    static struct desk desk;
    desk_open(&desk, 2);
    CHECK_EQ(desk_call(&desk, "PUT /v1/matchers/a", COLOURS), 201);
    CHECK_EQ(desk_call(&desk, "PUT /v1/matchers/b", COLOURS), 201);
    CHECK_EQ(desk_call(&desk, "PUT /v1/matchers/c", COLOURS), 409);
    CHECK(desk_says(&desk, "\"code\":\"conflict\""));
    CHECK(desk_says(&desk, "\"limit\":2"));
    CHECK_EQ(desk_call(&desk, "PUT /v1/matchers/b", COLOURS), 200);
    CHECK_EQ(desk_call(&desk, "DELETE /v1/matchers/a", NULL), 204);
    CHECK_EQ(desk_call(&desk, "PUT /v1/matchers/c", COLOURS), 201);
    desk_close(&desk);
}

/* ---- replaced under load ---- */

struct asker {
    struct desk *desk;
    weft_event *warm;
    unsigned old_count, new_count;
};

/* Asks on one connection until it has had both answers. */
static int asker_body(void *arg)
{
    struct asker *asker = arg;
    struct answer answer;
    char request[512];
    snprintf(request, sizeof(request), "%s",
             desk_request("POST /v1/matchers/x/match", "", "{\"query\":\"red\"}"));
    while (asker->new_count < 20) {
        weft_stream *client = client_open(&asker->desk->site);
        client_send(client, request);
        CHECK_OK(client_read(client, &answer));
        CHECK_EQ(answer.status, 200);
        bool is_old = strstr(answer.body, "{\"result\":{\"id\":\"old\",") != NULL;
        bool is_new = strstr(answer.body, "{\"result\":{\"id\":\"new\",") != NULL;
        CHECK(is_old != is_new);
        CHECK(!is_old || asker->new_count == 0); /* never back */
        asker->old_count += is_old;
        asker->new_count += is_new;
        if (asker->old_count == 10)
            weft_event_set(asker->warm);
        answer_fini(&answer);
        weft_stream_close(client);
    }
    return 0;
}

TASK_TEST(matcher_is_replaced_in_one_step_while_it_is_asked)
{
    static const char first[] = "{\"entities\":[{\"id\":\"old\",\"name\":\"Red\"}]}";
    static const char second[] = "{\"entities\":[{\"id\":\"new\",\"name\":\"Red\"}]}";
    static struct desk desk;
    struct asker askers[4];
    weft_task tasks[4];
    weft_event warm = {0};
    desk_open(&desk, 4);
    CHECK_EQ(desk_call(&desk, "PUT /v1/matchers/x", first), 201);
    for (int i = 0; i < 4; i++) {
        askers[i] = (struct asker){.desk = &desk, .warm = &warm};
        tasks[i] = weft_spawn(asker_body, &askers[i]);
    }
    CHECK_OK(weft_event_wait(&warm));
    CHECK_EQ(desk_call(&desk, "PUT /v1/matchers/x", second), 200);
    CHECK_OK(weft_gather_n(tasks, 4));
    desk_close(&desk);
}

/* ---- who may ---- */

static const struct {
    const char *head; /* with a token, or not */
    int open, token, closed;
} visitors[] = {
    {"", 201, 401, 403},
    {"Authorization: Bearer 0123456789abcdef\r\n", 201, 201, 403},
    {"Authorization: bearer 0123456789abcdef\r\n", 201, 201, 403},
    {"Authorization: Bearer 0123456789abcdeX\r\n", 201, 401, 403},
    {"Authorization: Bearer 0123456789abcdef0\r\n", 201, 401, 403},
    {"Authorization: Bearer 0\r\n", 201, 401, 403},
    {"Authorization: Bearer \r\n", 201, 401, 403},
    {"Authorization: Basic 0123456789abcdef\r\n", 201, 401, 403},
    {"Origin: http://localhost\r\n", 403, 401, 403},
    {"Sec-Fetch-Site: cross-site\r\n", 403, 401, 403},
    {"Sec-Fetch-Site: none\r\n", 201, 401, 403},
};

static void put_as(struct desk *desk, const char *head, int status)
{
    CHECK_EQ(desk_call_with(desk, "PUT /v1/matchers/x", head, COLOURS), status);
    if (status == 201)
        CHECK_EQ(registry_remove(&desk->service.registry, weft_str_of("x")), 0);
    else
        CHECK(desk_says(desk, status == 401 ? "\"unauthorized\"" : "\"forbidden\""));
    if (status == 401)
        CHECK(desk_says(desk, strstr(head, "Authorization") != NULL
                                  ? "is not Bearer and"
                                  : "changes, and texts that users wrote, need"));
    if (status == 401)
        CHECK_STR(answer_field(&desk->answer, "WWW-Authenticate"), "Bearer realm=\"weft\"");
}

TASK_TEST(class_53_changes_are_for_those_who_may)
{
    static struct desk desk;
    desk_open(&desk, 4);
    for (size_t i = 0; i < sizeof(visitors) / sizeof(*visitors); i++) {
        desk.service.access = (struct access){.is_open = true};
        put_as(&desk, visitors[i].head, visitors[i].open);
        desk.service.access = (struct access){.token = "0123456789abcdef", .token_bytes = 16};
        put_as(&desk, visitors[i].head, visitors[i].token);
        desk.service.access = (struct access){0};
        put_as(&desk, visitors[i].head, visitors[i].closed);
    }
    CHECK_EQ(desk_call(&desk, "GET /v1/matchers", NULL), 200); /* looking is free */
    CHECK_EQ(desk_call(&desk, "DELETE /v1/matchers/x", NULL), 403);
    desk_close(&desk);
}

/* A page may have made a name of its own point to this machine. */
TASK_TEST(class_53_changes_without_a_token_are_asked_for_by_this_machines_names)
{
    static const struct {
        const char *host;
        int status;
    } hosts[] = {
        {"localhost", 404},    {"LOCALHOST:8080", 404},      {"127.0.0.1", 404},
        {"127.1.2.3:80", 404}, {"[::1]:8080", 404},          {"evil.example", 403},
        {"127.evil:80", 403},  {"localhost.evil:8080", 403}, {"[::2]", 403},
    };
    static struct desk desk;
    desk_open(&desk, 4);
    for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++) {
        char request[256];
        struct answer answer;
        snprintf(request, sizeof(request), "DELETE /v1/matchers/x HTTP/1.1\r\nHost: %s\r\n\r\n",
                 hosts[i].host);
        note("%s", hosts[i].host);
        CHECK_EQ(ask(&desk.site, request, &answer), hosts[i].status);
        answer_fini(&answer);
    }
    desk_close(&desk);
}
