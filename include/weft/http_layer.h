/* SPDX-License-Identifier: MIT */

/*
 * Layers (middleware) around handlers, and groups of routes that share them.
 *
 *     static int timed(weft_http_request *req, weft_http_response *res, const weft_http_next *next,
 *                      void *arg)
 *     {
 *         weft_time begun_at = weft_now();
 *         int rc = weft_http_proceed(next); // the layers inside, then the handler
 *         weft_histogram_add(arg, weft_now() - begun_at);
 *         return rc;
 *     }
 *
 *     static const weft_http_layer admin_layers[] = {{.before = check_token}, {.around = timed}};
 *     static const weft_http_group admin = {
 *         .prefix = "/admin", .layers = admin_layers, .layer_count = 2, .in_hand_max = 4};
 *     static const weft_http_route drop = {
 *         .method = "DELETE", .path = "/cache", .handler = drop_cache, .group = &admin};
 *
 * A layer is called in the handler's task, under its deadline, and may wait.  An error or a cancel
 * further inside comes out of weft_http_proceed() as a return value, as from any call; what the
 * outermost layer returns counts as the handler's result.
 *
 * A route's body is collected when the layers have run up to its handler: a request that a layer
 * refuses by its head (401, 413) is answered before a client that expects 100 Continue has sent
 * anything.  So weft_http_body() is empty in `before` and ahead of weft_http_proceed(), and what is
 * wrong with the body comes out of that; a layer that needs the body calls weft_http_collect(). Not
 * so where the route or a group of it has in_hand_max: there the body is there before the layers,
 * since a client that sends slowly must not take one of these places meanwhile.
 *
 * Order, from the outside in: the server's layers (weft_http_options), those of the outer group,
 * those of the inner one; each in the order of its table.
 *
 * Library: weft-http.
 */
#ifndef WEFT_HTTP_LAYER_H
#define WEFT_HTTP_LAYER_H

#include <weft/http.h>

WEFT_BEGIN_DECLS

/* What is inside a layer.  Valid until the layer returns. */
typedef struct weft_http_next weft_http_next;

/* Runs what is inside, the inner layers and the handler, and returns their result.  A layer may
 * also not call it, so that they do not see the request, or call it again, as long as nothing was
 * answered. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_http_proceed(const weft_http_next *next);

/* Each function may be NULL.  A layer with several calls them in this order: before, around (and in
 * it what is inside), after. */
typedef struct weft_http_layer {
    /* Returns 0 to go on.  If it has answered, or fails, what is inside is not called. */
    weft_http_handler *before;

    /* Calls weft_http_proceed(next), or not, and returns its result or another. */
    int (*around)(weft_http_request *req, weft_http_response *res, const weft_http_next *next,
                  void *arg);

    /* Called if `before` did not fail, with the result of what is inside, which its own result
     * replaces.  It may answer if nothing else has: the place to give errors a form of your own. */
    int (*after)(weft_http_request *req, weft_http_response *res, int rc, void *arg);

    /* Called when the head of an answer is about to be sent, also of the server's own error
     * answers: the last moment for weft_http_set_field().  A negative result fails the answer.
     * Must not wait.  Not called for a request that is refused before its task began, as when the
     * server is full. */
    int (*head)(weft_http_request *req, weft_http_response *res, void *arg);

    void *arg;
} weft_http_layer;

/* What routes have in common.  Zero means "not set" in every field.  Servers may share groups;
 * requests are counted for each server by itself. */
typedef struct weft_http_group {
    const struct weft_http_group *outer; /* what this one stands in; NULL: the server */
    const char *prefix; /* before the paths of its routes: "/v1"; joined with outer's */
    const char *host;   /* "api.example.com" or "*.example.com", any case, any port; NULL:
                           that of `outer`, else every host */
    const weft_http_layer *layers;
    size_t layer_count;
    uint64_t body_bytes_max;    /* of routes that do not say; 0: outer's, else the server's */
    weft_time handler_time_max; /* likewise */
    uint32_t in_hand_max;       /* requests of all its routes with a handler; 0: no limit */
    uint32_t queue_max;         /* of each of its routes that does not say: requests that wait; 0:
                                   outer's, else none */
    weft_time queue_time_max;   /* likewise; 0: outer's, else the server's */
} weft_http_group;

/* A function for `before`: goes on if the request is for one of the host names in `arg`, an array
 * that ends with NULL and whose names are written as a group's `host`; with arg NULL, if
 * weft_http_is_local().  Else it answers 421.
 *
 *     static const weft_http_layer mine[] = {{.before = weft_http_check_host}};
 *     weft_http_options options = {.layers = mine, .layer_count = 1};
 */
WEFT_API WEFT_WAITS int weft_http_check_host(weft_http_request *req, weft_http_response *res,
                                             void *arg);

#define WEFT_HTTP_LAYERS_MAX 32 /* around one handler */

WEFT_END_DECLS

#endif
