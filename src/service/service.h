/* SPDX-License-Identifier: MIT */

/*
 * Service: matchers behind HTTP.  One service a process; the handlers of all loops get it.
 *
 * A handler reads what is asked (ask.h), calls the matcher, which works on the pool while the task
 * waits, and sends the matcher's own JSON.  When the client goes away the task is cancelled, and
 * with it the work.  What must not end with a client is a job (jobs.h).
 */
#ifndef WF_SERVICE_SERVICE_H
#define WF_SERVICE_SERVICE_H

#include "base/buf.h"
#include "service/access.h"
#include "service/jobs.h"
#include "service/match_metrics.h"
#include "service/registry.h"
#include "service/store.h"

#include <weft/http.h>
#include <weft/http_layer.h>

#define SERVICE_MATCHERS_MAX 64
#define SERVICE_ENTITIES_MAX 1000000 /* of one matcher that is made over HTTP */

struct service;

/* What a route is asked about. */
struct target {
    struct service *service;
    struct named *named; /* held while the handler runs */
    weft_matcher *matcher;
};
typedef int target_handler(weft_http_request *req, weft_http_response *res,
                           const struct target *target);

#define SERVICE_BINDINGS_MAX 64

/* A route that is about a matcher: takes it by its name, or answers 404. */
struct binding {
    struct service *service;
    target_handler *handler;
};

struct service {
    struct registry registry;
    struct access access;
    struct store store;
    struct measures measures;
    struct jobs jobs;           /* done by jobs_run(), on one loop */
    const char *title;          /* for people: where its first entities are from */
    const char *scheme;         /* "http://", "https://" */
    bool is_ready;              /* all that it begins with is fitted; atomic */
    weft_http_server **servers; /* one a loop, each set by its own; NULL: not open */
    size_t server_count;

    struct binding priv_bindings[SERVICE_BINDINGS_MAX];
    weft_http_layer priv_guard;
    weft_http_group priv_guarded; /* routes that change something, or show what users wrote */
};

/* Zeroed, then this. */
void service_init(struct service *service, size_t matcher_count_max);
WEFT_WAITS void service_fini(struct service *service);

/* Every route, with the service as argument.  For each server, once init is over. */
int service_add_routes(struct service *service, weft_http_server *server);

/* ---- routes ---- */

weft_http_handler route_page;
weft_http_handler route_health;
weft_http_handler route_ready;
weft_http_handler route_metrics;
weft_http_handler route_matchers;
weft_http_handler route_put_matcher;
weft_http_handler route_delete_matcher;
weft_http_handler route_jobs;
weft_http_handler route_get_job;
weft_http_handler route_delete_job;
weft_http_handler route_job_events;
weft_http_handler route_job_result;

target_handler route_get_matcher;
target_handler route_info;
target_handler route_stats;
target_handler route_seed_match;
target_handler route_seed_batch;
target_handler route_match;
target_handler route_batch;
target_handler route_explain;
target_handler route_diagnose;
target_handler route_novelty;
target_handler route_hierarchy;
target_handler route_hierarchy_entity;
target_handler route_fit;
target_handler route_add_entities;
target_handler route_remove_entities;
target_handler route_threshold;
target_handler route_save;
target_handler route_discover;
target_handler route_reviews;
target_handler route_get_review;
target_handler route_decide;
target_handler route_get_profile;
target_handler route_put_profile;
target_handler route_drift;

/* ---- answers ---- */

/* Sends `rc` of the matcher as an error answer.  -ECANCELED is handed back instead. */
WEFT_WAITS int answer_error(weft_http_request *req, weft_http_response *res, int rc,
                            const weft_m_error *error);

/* 409: there is no directory. */
WEFT_WAITS int answer_keeps_nothing(weft_http_response *res);

/* Sends `rc` of the store, or of what the library did with a file in it: 409 without a directory,
 * for a matcher that is not that of its name any more, and for a file that another process changes;
 * else as answer_error(), but without the directory's name.  `error` is zeroed if the code says
 * all.
 */
WEFT_WAITS int answer_kept(weft_http_request *req, weft_http_response *res,
                           const struct store *store, int rc, const weft_m_error *error);

/* Sends a JSON text of the matcher, and frees it. */
WEFT_WAITS int answer_text(weft_http_response *res, weft_text *text);

/* Sends what was written, or 503 if there was no memory for it; frees it. */
WEFT_WAITS int answer_buf(weft_http_response *res, wf_buf *body);
WEFT_WAITS int answer_buf_as(weft_http_response *res, int status, wf_buf *body);

/* Writes the answer to query `index`: weft_m_result_json and its like. */
typedef int result_json(const weft_m_results *results, size_t index, weft_text *out);

/* Appends the answers to the first `count` queries with commas between them.  Lets other tasks run
 * in between. */
WEFT_WAITS int answer_put_results(wf_buf *out, const weft_m_results *results, size_t count,
                                  result_json *put);

struct ask; /* ask.h */

/* 200 with them: one object for a text, {"results": [...]} for a list. */
WEFT_WAITS int answer_results(const struct ask *ask, weft_http_response *res,
                              const weft_m_results *results, result_json *put);

#endif
