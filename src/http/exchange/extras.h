/* SPDX-License-Identifier: MIT */

/*
 * Extras: what only some requests have: typed input, the context of their tasks, deferred work.
 * Made when first needed, freed when the request is over.
 */
#ifndef WF_HTTP_EXTRAS_H
#define WF_HTTP_EXTRAS_H

#include <weft/http_log.h>
#include <weft/json.h>

struct wf_deferred;
struct wf_pair;

/* What the tasks of a request can ask about it: its id and trace. */
struct wf_context {
    char id[129];
    weft_trace trace;
};

struct wf_extras {
    void *params, *input; /* of weft_schema_read */
    weft_json *root;      /* `input` points into it, or into a form's pairs */
    struct wf_pair *pairs;
    size_t pair_count;
    struct wf_context context;
    bool has_context;
    struct wf_deferred *deferred;
};

/* The request's extras, made if there are none yet; NULL: no memory. */
struct wf_extras *wf_request_extras(weft_http_request *req);

/* When the request is over: calls `done`, starts deferred work, frees. */
void wf_request_end_extras(weft_http_request *req);

/* Sets and unsets the task locals of the calling task. */
int wf_request_show_context(weft_http_request *req);
int wf_context_show(const struct wf_context *context);
void wf_request_hide_context(void);

/* ---- defer.c ---- */

/* Starts deferred tasks, as the request they belong to is over. */
void wf_deferred_start(struct wf_deferred *first);

#endif
