/* SPDX-License-Identifier: MIT */

/* weft serve with several loops. */
#include "served.h"

#include "harness/exposition.h"

#include <netinet/in.h>

static double metric(const struct answer *answer, const char *name)
{
    note("%s", name);
    return exposition_value(answer->body, strlen(answer->body), name);
}

/* Connections on both, so that both have something to end. */
static void ask_both(const struct service *service, struct answer *answer)
{
    do {
        service_call(service, "POST /match?query=Deutschland", NULL, answer);
        CHECK(strstr(answer->body, GERMANY) != NULL);
        service_call(service, "GET /metrics", NULL, answer);
    } while (metric(answer, "weft_http_loop_requests_total{loop=\"0\"}") < 1 ||
             metric(answer, "weft_http_loop_requests_total{loop=\"1\"}") < 1);
}

TEST(serve_with_two_loops_deals_connections_out_and_adds_up_its_counters)
{
    struct service service;
    struct answer answer = {0};
    service_start_on(&service, "127.0.0.1:0", "2");
    service_wait_ready(&service);
    ask_both(&service, &answer);
    const char *error = exposition_check(answer.body, strlen(answer.body));
    CHECK_STR(error != NULL ? error : "", "");
    double requests = metric(&answer, "weft_http_requests_total");
    CHECK_EQ(requests, metric(&answer, "weft_http_loop_requests_total{loop=\"0\"}") +
                           metric(&answer, "weft_http_loop_requests_total{loop=\"1\"}"));
    CHECK_EQ(metric(&answer, "weft_http_request_seconds_count"), requests - 1);
    CHECK_EQ(metric(&answer, "weft_http_requests{state=\"in_hand\"}"), 1.0);
    CHECK_GT(metric(&answer, "weft_tasks_made_total{loop=\"1\"}"), 0.0);
    service_call(&service, "GET /v1/stats", NULL, &answer);
    CHECK_EQ(answer.status, 200);
    wf_buf_fini(&answer.buf);
    CHECK_EQ(service_end(&service, SIGINT), 0);
}

/* All loops share the port among them, and with nobody else. */
TEST(serve_with_two_loops_refuses_a_port_that_another_service_shares)
{
    struct service service;
    struct run run;
    char listen[64], said[240];
    service_start_on(&service, "127.0.0.1:0", "2");
    const struct sockaddr_in *addr = (const struct sockaddr_in *)&service.addr;
    snprintf(listen, sizeof(listen), "127.0.0.1:%d", ntohs(addr->sin_port));
    snprintf(said, sizeof(said),
             "weft: cannot listen on %s: Address already in use; another one: --listen HOST:PORT, "
             "where port 0 is any that is free\n",
             listen);
    RUN(&run, "serve", "-e", COUNTRIES, "--listen", listen, "--loops", "2");
    CHECK_STR(run.err, said);
    CHECK_EQ(run.code, 1);
    run_fini(&run);
    CHECK_EQ(service_end(&service, SIGTERM), 0);
}

TEST(serve_refuses_no_loops_and_too_many)
{
    static const char *const counts[] = {"0", "257", "many"};
    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
        struct run run;
        RUN(&run, "serve", "-e", COUNTRIES, "--loops", counts[i]);
        CHECK_EQ(run.code, 2);
        CHECK(strncmp(run.err, "weft: --loops: ", 15) == 0);
        run_fini(&run);
    }
}
