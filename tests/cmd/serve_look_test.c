/* SPDX-License-Identifier: MIT */

/* What weft serve says of itself: metrics, its document, ids. */
#include "served.h"

#include "harness/exposition.h"

/* ---- for Prometheus ---- */

static double metric(const struct answer *answer, const char *name)
{
    note("%s", name);
    return exposition_value(answer->body, strlen(answer->body), name);
}

TEST(test_O03_metrics_of_the_loop_the_server_and_the_matcher)
{
    struct service service;
    struct answer answer = {0};
    service_start(&service);
    service_wait_ready(&service);
    for (int i = 0; i < 3; i++)
        service_call(&service, "POST /match?query=Deutschland", NULL, &answer);
    service_call(&service, "GET /nothing", NULL, &answer);
    service_call(&service, "GET /metrics", NULL, &answer);
    note("%s", answer.head);
    CHECK_EQ(answer.status, 200);
    CHECK(strstr(answer.head, "text/plain; version=0.0.4; charset=utf-8\r\n") != NULL);
    const char *error = exposition_check(answer.body, strlen(answer.body));
    CHECK_STR(error != NULL ? error : "", "");
    CHECK_EQ(metric(&answer, "weft_match_calls_total{matcher=\"default\",call=\"match\"}"), 3.0);
    CHECK_EQ(metric(&answer, "weft_match_queries_total{matcher=\"default\"}"), 3.0);
    CHECK_EQ(metric(&answer, "weft_match_entities{matcher=\"default\"}"), 249.0);
    CHECK_GT(metric(&answer, "weft_match_snapshot_bytes{matcher=\"default\"}"), 1000.0);
    CHECK_EQ(metric(&answer, "weft_match_ready{matcher=\"default\"}"), 1.0);
    CHECK_EQ(metric(&answer, "weft_http_answers_total{status=\"404\"}"), 1.0);
    CHECK_GE(metric(&answer, "weft_http_answers_total{status=\"200\"}"), 4.0);
    double requests = metric(&answer, "weft_http_requests_total");
    CHECK_EQ(metric(&answer, "weft_http_request_seconds_count"), requests - 1); /* but this one */
    CHECK_GT(metric(&answer, "weft_http_request_seconds_sum"), 0.0);
    CHECK_GT(metric(&answer, "weft_http_received_bytes_total"), requests * 40);
    CHECK_GT(metric(&answer, "weft_http_sent_bytes_total"), requests * 40);
    CHECK_EQ(metric(&answer, "weft_http_requests{state=\"in_hand\"}"), 1.0);
    CHECK_GE(metric(&answer, "weft_tasks_made_total{loop=\"0\"}"), 5.0);
    CHECK_GT(metric(&answer, "weft_pass_seconds_count{loop=\"0\"}"), 0.0);
    wf_buf_fini(&answer.buf);
    CHECK_EQ(service_end(&service, SIGTERM), 0);
}

/* ---- its document, and ids ---- */

TEST(serve_echoes_the_request_id)
{
    struct service service;
    struct answer answer = {0};
    service_start(&service);
    service_call_with(&service, "POST /v1/match", "X-Request-Id: abc-123\r\n", "{}", &answer);
    CHECK(strstr(answer.head, "\r\nX-Request-Id: abc-123\r\n") != NULL);
    CHECK(strstr(answer.body, "\"request_id\":\"abc-123\"}}") != NULL);
    wf_buf_fini(&answer.buf);
    CHECK_EQ(service_end(&service, SIGTERM), 0);
}

TEST(serve_gives_every_answer_an_id)
{
    struct service service;
    struct answer answer = {0};
    service_start(&service);
    service_call(&service, "GET /healthz", NULL, &answer);
    CHECK(strstr(answer.head, "\r\nX-Request-Id: ") != NULL);
    wf_buf_fini(&answer.buf);
    CHECK_EQ(service_end(&service, SIGTERM), 0);
}

/* A validator by others, if there is one, has nothing against the document. */
TEST(serve_describes_itself_as_openapi)
{
    static const char validate[] = "import json, sys\n"
                                   "try:\n"
                                   "    import openapi_spec_validator\n"
                                   "except ImportError:\n"
                                   "    sys.exit(77)\n"
                                   "openapi_spec_validator.validate(json.load(sys.stdin))\n";
    struct service service;
    struct answer answer = {0};
    char command[512];
    service_start(&service);
    service_call(&service, "GET /openapi.json", NULL, &answer);
    CHECK_EQ(answer.status, 200);
    CHECK(strstr(answer.body, "\"/v1/match\":{\"post\":{") != NULL);
    CHECK(strstr(answer.body, "\"Match\":{\"type\":\"object\"") != NULL);
    CHECK_EQ(service_end(&service, SIGTERM), 0);
    snprintf(command, sizeof(command), "python3 -c '%s'", validate);
    FILE *validator = popen(command, "w");
    CHECK(validator != NULL);
    fputs(answer.body, validator);
    int status = pclose(validator);
    wf_buf_fini(&answer.buf);
    if (WIFEXITED(status) && (WEXITSTATUS(status) == 77 || WEXITSTATUS(status) == 127))
        SKIP("no openapi_spec_validator");
    CHECK_EQ(status, 0);
}
