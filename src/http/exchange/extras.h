/* SPDX-License-Identifier: MIT */

/*
 * Extras: what only some requests have.  Typed input, the context of their tasks, work for
 * afterwards; made when first asked for, gone when the request is over.
 */
#ifndef WF_HTTP_EXTRAS_H
#define WF_HTTP_EXTRAS_H

#include <weft/http_log.h>
#include <weft/json.h>

struct wf_deferred;
struct wf_pair;

/* What the tasks of a request know of it. */
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

/* Those of the request, made if need be; NULL: no memory. */
struct wf_extras *wf_request_extras(weft_http_request *req);

/* The request is over: tells who wants to know, starts what was deferred, frees. */
void wf_request_end_extras(weft_http_request *req);

/* Sets and unsets the task locals of the calling task. */
int wf_request_show_context(weft_http_request *req);
int wf_context_show(const struct wf_context *context);
void wf_request_hide_context(void);

/* ---- defer.c ---- */

/* The request they belong to is over. */
void wf_deferred_start(struct wf_deferred *first);

#endif
