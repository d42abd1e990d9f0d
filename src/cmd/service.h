/* SPDX-License-Identifier: MIT */

/*
 * Service: a matcher behind HTTP.  One service a process; every handler gets it as its argument,
 * on whatever loop: it does not change while there are handlers, but for `is_ready`.
 *
 * A handler reads what is asked (ask.h), calls the matcher, which works on the pool while the task
 * waits, and sends the matcher's own JSON.  When the client goes away the task is cancelled, and
 * with it the work.
 */
#ifndef WF_CMD_SERVICE_H
#define WF_CMD_SERVICE_H

#include "base/buf.h"

#include <weft/http.h>
#include <weft/match.h>

struct service {
    weft_matcher *matcher;
    const char *name;
    const char *scheme; /* "http://", "https://" */
    size_t entity_count;
    bool is_ready;               /* fitted; atomic */
    struct loop_server *servers; /* one a loop */
    size_t server_count;
};

/* Every route, with the service as argument. */
int service_add_routes(struct service *service, weft_http_server *server);

/* Begins the shutdown on all loops; again: at once to its last step.  From the first loop. */
void service_stop(struct service *service);

/* ---- routes ---- */

weft_http_handler route_page;
weft_http_handler route_health;
weft_http_handler route_ready;
weft_http_handler route_info;
weft_http_handler route_metrics;
weft_http_handler route_stats;
weft_http_handler route_seed_match;
weft_http_handler route_seed_batch;
weft_http_handler route_match;
weft_http_handler route_batch;
weft_http_handler route_explain;
weft_http_handler route_diagnose;
weft_http_handler route_novelty;

/* ---- answers ---- */

/* Sends `rc` of the matcher as an error answer.  -ECANCELED is handed back instead. */
WEFT_WAITS int answer_error(weft_http_request *req, weft_http_response *res, int rc,
                            const weft_m_error *error);

/* Sends a JSON text of the matcher, and frees it. */
WEFT_WAITS int answer_text(weft_http_response *res, weft_text *text);

/* Sends what was written, or 503 if there was no memory for it; frees it. */
WEFT_WAITS int answer_buf(weft_http_response *res, wf_buf *body);

/* Appends the answers to the first `count` queries with commas between them.  Lets other tasks run
 * in between. */
WEFT_WAITS int answer_put_results(wf_buf *out, const weft_m_results *results, size_t count);

#endif
