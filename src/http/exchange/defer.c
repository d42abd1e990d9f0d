/* SPDX-License-Identifier: MIT */

/*
 * Work for after the answer.  The task is made at once, so that nothing can fail later, and waits
 * for the end of its request.
 */

#include <weft/error.h>
#include <weft/event.h>
#include <weft/group.h>
#include <weft/scope.h>

#include "base/alloc.h"
#include "http/exchange/extras.h"
#include "http/exchange/request.h"
#include "http/server/conn.h"
#include "http/server/server.h"

struct wf_deferred {
    struct wf_deferred *next; /* of the same request */
    weft_http_server *server;
    weft_fn *fn;
    void *arg;
    weft_event start;
    struct wf_context context;
    bool has_context;
};

/* Cancelled or not, `fn` runs: it may own its argument.  What fails here is not the server's. */
static int deferred_run(void *arg)
{
    struct wf_deferred *job = arg;
    weft_http_server *server = job->server;
    bool is_shown = job->has_context && wf_context_show(&job->context) == 0;
    if (job->has_context && !is_shown)
        wf_request_hide_context(); /* rather none than one that is gone */
    int rc = weft_event_wait(&job->start);
    while (rc < 0 && !weft_event_is_set(&job->start)) {
        /* The request is about to be cut off too, and still points here. */
        weft_scope shield;
        (void)weft_scope_open(&shield, WEFT_FOREVER, WEFT_SCOPE_SHIELD | WEFT_SCOPE_ENDLESS);
        (void)!weft_scope_close(&shield, weft_event_wait(&job->start));
    }
    (void)job->fn(job->arg);
    wf_free(job);
    server->deferred_count--;
    weft_event_set(&server->changed);
    return 0;
}

int weft_http_defer(weft_http_request *req, weft_fn *fn, void *arg)
{
    weft_http_server *server = req->conn->server;
    struct wf_extras *extras = wf_request_extras(req);
    if (server->deferred_count >= server->limits.deferred_max)
        return weft_fail(-EAGAIN, "deferred_max is %u, all run", server->limits.deferred_max);
    struct wf_deferred *job = extras != NULL ? wf_alloc(sizeof *job) : NULL;
    if (job == NULL)
        return -ENOMEM;
    job->server = server;
    job->fn = fn;
    job->arg = arg;
    job->has_context = extras->has_context;
    job->context = extras->context;
    int rc = weft_group_spawn(server->handlers, deferred_run, job);
    if (rc < 0) {
        wf_free(job);
        return rc;
    }
    server->deferred_count++;
    struct wf_deferred **last = &extras->deferred;
    while (*last != NULL)
        last = &(*last)->next;
    *last = job;
    return 0;
}

void wf_deferred_start(struct wf_deferred *first)
{
    while (first != NULL) {
        struct wf_deferred *job = first;
        first = job->next;
        weft_event_set(&job->start);
    }
}
