/* SPDX-License-Identifier: MIT */

/* The routes of weft serve: what each takes, gives, and says of itself in /openapi.json. */

#include "cmd/ask.h"

static const char *const json_alone[] = {"application/json", NULL};
static const char *const batch_forms[] = {"application/json", "application/x-ndjson",
                                          "text/event-stream", NULL};

#define ABOUT(tag_, summary_) .tag = (tag_), .summary = (summary_)
#define TAKES(schema_) .input = &(schema_), .gives = json_alone

static const weft_http_reply not_ready[] = {
    {.status = 200, .about = "Questions are answered."},
    {.status = 503, .about = "It is starting, or stopping."},
};

static const weft_http_api page_api = {ABOUT("look", "The start page")};
static const weft_http_api health_api = {ABOUT("look", "Alive")};
static const weft_http_api ready_api = {ABOUT("look", "Ready for questions"), .replies = not_ready,
                                        .reply_count = 2};
static const weft_http_api metrics_api = {ABOUT("look", "Counters for Prometheus")};
static const weft_http_api info_api = {ABOUT("look", "Settings of the matcher")};
static const weft_http_api stats_api = {ABOUT("look", "What it has done")};
static const weft_http_api seed_match_api = {ABOUT("match", "The entity a text means, or null"),
                                             .params = &ask_seed};
static const weft_http_api seed_batch_api = {ABOUT("match", "The same for a list of texts"),
                                             TAKES(ask_list)};
static const weft_http_api match_api = {ABOUT("match", "The entities a text means, or several"),
                                        TAKES(ask_match)};
static const weft_http_api batch_api = {ABOUT("match", "Many texts, answered in steps"),
                                        .input = &ask_batch, .gives = batch_forms};
static const weft_http_api explain_api = {ABOUT("match", "The candidates, and why they score so"),
                                          TAKES(ask_explain)};
static const weft_http_api diagnose_api = {
    ABOUT("match", "Why a text is not found, and what to try"), TAKES(ask_diagnose)};
static const weft_http_api novelty_api = {
    ABOUT("match", "Is a text new to the catalogue, and how likely"), TAKES(ask_novelty)};

#define GET(path_, handler_, flags_)                                                               \
    {                                                                                              \
        .method = "GET", .path = (path_), .handler = route_##handler_, .api = &handler_##_api,     \
        .flags = (flags_)                                                                          \
    }
#define POST(path_, handler_)                                                                      \
    {                                                                                              \
        .method = "POST", .path = (path_), .handler = route_##handler_, .api = &handler_##_api     \
    }

static const weft_http_route routes[] = {
    GET("/", page, 0),
    GET("/healthz", health, WEFT_HTTP_RESERVED),
    GET("/readyz", ready, WEFT_HTTP_RESERVED),
    GET("/metrics", metrics, WEFT_HTTP_RESERVED),
    POST("/match", seed_match),
    POST("/batch", seed_batch),
    POST("/v1/match", match),
    POST("/v1/batch", batch),
    POST("/v1/explain", explain),
    POST("/v1/diagnose", diagnose),
    POST("/v1/novelty", novelty),
    GET("/v1/info", info, 0),
    GET("/v1/stats", stats, 0),
};

int service_add_routes(struct service *service, weft_http_server *server)
{
    int rc = 0;
    for (size_t i = 0; i < sizeof(routes) / sizeof(*routes) && rc == 0; i++) {
        weft_http_route route = routes[i];
        route.arg = service;
        rc = weft_http_server_add(server, &route);
    }
    return rc;
}
