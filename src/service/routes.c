/* SPDX-License-Identifier: MIT */

/* The routes of weft serve: what each takes, gives, and says of itself in /openapi.json. */
#include "service/ask.h"
#include "service/discover_order.h"
#include "service/fit_order.h"
#include "service/make.h"

static const char *const json_alone[] = {"application/json", NULL};
static const char *const batch_forms[] = {"application/json", "application/x-ndjson",
                                          "text/event-stream", NULL};

/* What answers probes and browsers lets any query pass; the others say what they do not know. */
static const weft_schema no_params = {.name = "NoParams", .bytes = 1};

#define SAYS(tag_, summary_) .tag = (tag_), .summary = (summary_)
#define ASKED(params_, tag_, summary_) SAYS(tag_, summary_), .params = &(params_)
#define ABOUT(tag_, summary_) ASKED(no_params, tag_, summary_)
#define TAKES(schema_) .input = &(schema_), .gives = json_alone

static const weft_http_reply not_ready[] = {
    {.status = 200, .about = "Questions are answered."},
    {.status = 503, .about = "It is starting, or stopping."},
};

static const weft_http_api page_api = {SAYS("look", "The start page")};
static const weft_http_api health_api = {SAYS("look", "Alive")};
static const weft_http_api ready_api = {SAYS("look", "Ready for questions"), .replies = not_ready,
                                        .reply_count = 2};
static const weft_http_api metrics_api = {SAYS("look", "Counters for Prometheus")};
static const weft_http_api info_api = {ABOUT("look", "Settings of the matcher")};
static const weft_http_api stats_api = {ABOUT("look", "What it has done")};
static const weft_http_api seed_match_api = {
    ASKED(ask_seed, "match", "The entity a text means, or null")};
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

static const weft_http_api hierarchy_api = {
    ABOUT("match", "Matches with what lies above and below, and how far up they are certain"),
    TAKES(ask_hierarchy)};
static const weft_http_api hierarchy_entity_api = {
    ASKED(ask_hierarchy_entity, "match", "What lies above and below an entity")};

static const weft_http_api matchers_api = {ABOUT("matchers", "The matchers there are")};
static const weft_http_api get_matcher_api = {ABOUT("matchers", "A matcher: settings, statistics")};
static const weft_http_reply put_replies[] = {
    {.status = 200, .about = "It took the place of another."},
    {.status = 201, .about = "There was none of this name."},
};
static const weft_http_api put_matcher_api = {
    ABOUT("matchers", "Makes a matcher, or replaces it in one step"), TAKES(ask_matcher),
    .replies = put_replies, .reply_count = 2};
static const weft_http_reply no_content[] = {{.status = 204, .about = "It is gone."}};
static const weft_http_api delete_matcher_api = {
    ABOUT("matchers", "Takes a matcher away, and what was saved of it"), .status = 204,
    .replies = no_content, .reply_count = 1};

static const weft_http_reply add_replies[] = {
    {.status = 409, .about = "An id is there already, and `update` is not set."}};
static const weft_http_api add_entities_api = {ABOUT("change", "Adds entities, or updates them"),
                                               TAKES(ask_entities), .replies = add_replies,
                                               .reply_count = 1};
static const weft_http_api remove_entities_api = {ABOUT("change", "Removes entities, all or none"),
                                                  TAKES(ask_ids)};
static const weft_http_api threshold_api = {ABOUT("change", "Sets the least score of a match"),
                                            TAKES(ask_threshold)};
static const weft_http_api save_api = {
    ABOUT("change", "Saves the matcher: it is there again when the service begins again")};
static const weft_http_reply job_made[] = {
    {.status = 202, .about = "It waits, or runs already: {\"job\": id}."},
    {.status = 429, .about = "As many jobs wait as may; Retry-After says when to come again."},
};
static const weft_http_api fit_api = {ABOUT("jobs", "Fits a matcher, by examples or without"),
                                      TAKES(ask_fit), .status = 202, .replies = job_made,
                                      .reply_count = 2};
static const weft_http_api discover_api = {
    ABOUT("jobs", "Discovers what new texts have in common: entities that may be missing"),
    TAKES(ask_discover), .status = 202, .replies = job_made, .reply_count = 2};
static const weft_http_api jobs_api = {ABOUT("jobs", "Jobs, the last one first")};
static const weft_http_api get_job_api = {ABOUT("jobs", "How a job stands")};
static const weft_http_api delete_job_api = {ABOUT("jobs", "Cancels a job, and says how it ended")};
static const weft_http_reply job_results[] = {
    {.status = 409, .about = "The job is not done, or of a kind that has none."}};
static const weft_http_api job_result_api = {ABOUT("jobs", "What a job found"),
                                             .replies = job_results, .reply_count = 1};
static const char *const events_alone[] = {"text/event-stream", NULL};
static const weft_http_reply nothing_new[] = {
    {.status = 204, .about = "The job is over, and all of it was seen: do not come again."}};
static const weft_http_api job_events_api = {ABOUT("jobs", "Follows a job, to its end"),
                                             .gives = events_alone, .replies = nothing_new,
                                             .reply_count = 1};

static const weft_http_api reviews_api = {
    ASKED(ask_reviews, "review", "Proposed entities, the oldest first")};
static const weft_http_api get_review_api = {ABOUT("review", "A proposed entity")};
static const weft_http_reply decided[] = {
    {.status = 409, .about = "Its state is one from which there is no way there."}};
static const weft_http_api decide_api = {
    ABOUT("review", "Approves or rejects a proposed entity, or adds it to the matcher"),
    TAKES(ask_decision), .replies = decided, .reply_count = 1};

static const weft_http_api get_profile_api = {
    ABOUT("drift", "How many texts the profile was taken of, and when")};
static const weft_http_api put_profile_api = {
    ABOUT("drift", "Keeps what these texts look like, to compare others with"), TAKES(ask_profile)};
static const weft_http_api drift_api = {
    ABOUT("drift", "Do texts still look as those of the profile did"), TAKES(ask_drift)};

/* Watchers of jobs are many and idle: of each loop so many, and for as long as a job may take. */
#define WATCHERS_MAX 16
#define WATCH_TIME_MAX (86400 * WEFT_SEC)

/* A route has a handler; or a target_handler, which is about a matcher. */
struct route {
    const char *method, *path;
    weft_http_handler *handler;
    target_handler *target;
    const weft_http_api *api;
    uint32_t flags, in_hand_max;
    weft_time time_max;
    bool is_guarded; /* it changes something, or shows what users wrote */
};

#define PLAIN(method_, path_, name_, ...)                                                          \
    {                                                                                              \
        .method = (method_), .path = (path_), .handler = route_##name_, .api = &name_##_api,       \
        __VA_ARGS__                                                                                \
    }
#define TARGET(method_, path_, name_, ...)                                                         \
    {                                                                                              \
        .method = (method_), .path = (path_), .target = route_##name_, .api = &name_##_api,        \
        __VA_ARGS__                                                                                \
    }
/* Of the default matcher, and of any by its name. */
#define BOTH(method_, tail_, name_, ...)                                                           \
    TARGET(method_, "/v1/" tail_, name_, __VA_ARGS__),                                             \
        TARGET(method_, "/v1/matchers/{name}/" tail_, name_, __VA_ARGS__)

static const struct route routes[] = {
    PLAIN("GET", "/", page),
    PLAIN("GET", "/healthz", health, .flags = WEFT_HTTP_RESERVED),
    PLAIN("GET", "/readyz", ready, .flags = WEFT_HTTP_RESERVED),
    PLAIN("GET", "/metrics", metrics, .flags = WEFT_HTTP_RESERVED),
    TARGET("POST", "/match", seed_match),
    TARGET("POST", "/batch", seed_batch),
    BOTH("POST", "match", match),
    BOTH("POST", "batch", batch),
    BOTH("POST", "explain", explain),
    BOTH("POST", "diagnose", diagnose),
    BOTH("POST", "novelty", novelty),
    BOTH("POST", "hierarchy", hierarchy),
    BOTH("GET", "hierarchy", hierarchy_entity),
    BOTH("GET", "info", info),
    BOTH("GET", "stats", stats),
    BOTH("POST", "entities", add_entities, .is_guarded = true),
    BOTH("DELETE", "entities", remove_entities, .is_guarded = true),
    BOTH("PUT", "threshold", threshold, .is_guarded = true),
    BOTH("POST", "save", save, .is_guarded = true),
    BOTH("POST", "fit", fit, .is_guarded = true),
    BOTH("POST", "discover", discover, .is_guarded = true),
    BOTH("GET", "reviews", reviews, .is_guarded = true),
    BOTH("GET", "reviews/{review}", get_review, .is_guarded = true),
    BOTH("POST", "reviews/{review}", decide, .is_guarded = true),
    BOTH("GET", "profile", get_profile),
    BOTH("PUT", "profile", put_profile, .is_guarded = true),
    BOTH("POST", "drift", drift),
    PLAIN("GET", "/v1/jobs", jobs),
    PLAIN("GET", "/v1/jobs/{id}", get_job),
    PLAIN("DELETE", "/v1/jobs/{id}", delete_job, .is_guarded = true),
    PLAIN("GET", "/v1/jobs/{id}/result", job_result, .is_guarded = true),
    PLAIN("GET", "/v1/jobs/{id}/events", job_events, .in_hand_max = WATCHERS_MAX,
          .time_max = WATCH_TIME_MAX),
    PLAIN("GET", "/v1/matchers", matchers),
    TARGET("GET", "/v1/matchers/{name}", get_matcher),
    PLAIN("PUT", "/v1/matchers/{name}", put_matcher, .is_guarded = true),
    PLAIN("DELETE", "/v1/matchers/{name}", delete_matcher, .is_guarded = true),
};
#define ROUTE_COUNT (sizeof(routes) / sizeof(*routes))
_Static_assert(ROUTE_COUNT <= SERVICE_BINDINGS_MAX, "each route has a binding");

/* ---- one matcher ---- */

static int answer_no_matcher(weft_http_response *res, weft_str name)
{
    bool is_name = registry_is_name(name);
    return weft_http_fail(res, 404, "not_found", "there is no matcher %.*s",
                          is_name ? (int)name.len : 12, is_name ? name.ptr : "of that name");
}

static int route_with_matcher(weft_http_request *req, weft_http_response *res, void *arg)
{
    const struct binding *binding = arg;
    struct target target = {.service = binding->service};
    weft_str name = weft_http_path_param(req, "name");
    if (name.ptr == NULL)
        name = weft_str_of(REGISTRY_DEFAULT);
    target.named = registry_get(&target.service->registry, name);
    if (target.named == NULL)
        return answer_no_matcher(res, name);
    target.matcher = target.named->matcher;
    int rc = binding->handler(req, res, &target);
    registry_release(target.named);
    return rc;
}

/* ---- the service ---- */

void service_init(struct service *service, size_t matcher_count_max)
{
    registry_init(&service->registry, matcher_count_max);
    store_init(&service->store, &service->registry);
    measures_init(&service->measures);
    jobs_init(&service->jobs, &service->registry, &service->measures);
    for (size_t i = 0; i < ROUTE_COUNT; i++)
        service->priv_bindings[i] = (struct binding){service, routes[i].target};
    service->priv_guard = (weft_http_layer){.before = access_check, .arg = &service->access};
    service->priv_guarded = (weft_http_group){.layers = &service->priv_guard, .layer_count = 1};
}

void service_fini(struct service *service)
{
    jobs_fini(&service->jobs);
    store_fini(&service->store);
    registry_fini(&service->registry);
}

int service_add_routes(struct service *service, weft_http_server *server)
{
    int rc = 0;
    for (size_t i = 0; i < ROUTE_COUNT && rc == 0; i++) {
        const struct route *from = &routes[i];
        weft_http_route route = {.method = from->method,
                                 .path = from->path,
                                 .handler = from->handler,
                                 .arg = service,
                                 .flags = from->flags,
                                 .in_hand_max = from->in_hand_max,
                                 .handler_time_max = from->time_max,
                                 .api = from->api};
        if (from->target != NULL) {
            route.handler = route_with_matcher;
            route.arg = &service->priv_bindings[i];
        }
        if (from->is_guarded)
            route.group = &service->priv_guarded;
        rc = weft_http_server_add(server, &route);
    }
    return rc;
}
