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
 * A layer is called in the task of the handler, under its deadline, and may wait.  An error or a
 * cancel inside comes out of weft_http_proceed() as a return value, like that of any call; what the
 * outermost layer returns is what the handler returned, for the server.
 *
 * Order: the server's layers (of the options), then those of the outer group, of the inner one;
 * each in the order of its table.
 *
 * Library: weft-http.
 */
#ifndef WEFT_HTTP_LAYER_H
#define WEFT_HTTP_LAYER_H

#include <weft/http.h>

WEFT_BEGIN_DECLS

/* What is inside a layer.  Valid until the layer returns. */
typedef struct weft_http_next weft_http_next;

/* Runs it: the inner layers and the handler.  Their result.  Not called, the request is not handled
 * by them; called again, it is again, which makes sense as long as nothing was answered. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_http_proceed(const weft_http_next *next);

/* Each function may be NULL.  One layer with several: before, around (with the inside in it),
 * after. */
typedef struct weft_http_layer {
    /* Returns 0 to go on.  If it has answered, or fails, the inside is not called. */
    weft_http_handler *before;

    /* Calls weft_http_proceed(next), or not, and returns its result or another. */
    int (*around)(weft_http_request *req, weft_http_response *res, const weft_http_next *next,
                  void *arg);

    /* Called when `before` did not fail, with what the inside returned; what it returns counts
     * instead.  It may answer if nothing was: this is where errors are put into an own form. */
    int (*after)(weft_http_request *req, weft_http_response *res, int rc, void *arg);

    /* Called when the head of the answer is about to be sent, errors the server makes included:
     * the last moment for weft_http_set_field().  Negative fails the answer.  Must not wait.  Not
     * called for a request that is refused before its task began, as for want of room. */
    int (*head)(weft_http_request *req, weft_http_response *res, void *arg);

    void *arg;
} weft_http_layer;

/* What routes have in common.  Zero means "nothing" in every field.  Groups may be shared by
 * servers; counts are each server's own. */
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

/* For `before`: goes on if the request is for one of the names in `arg`, written as a group's
 * `host`, behind the last NULL; with arg NULL, if weft_http_is_local().  Else it answers 421.
 *
 *     static const weft_http_layer mine[] = {{.before = weft_http_check_host}};
 *     weft_http_options options = {.layers = mine, .layer_count = 1};
 */
WEFT_API WEFT_WAITS int weft_http_check_host(weft_http_request *req, weft_http_response *res,
                                             void *arg);

#define WEFT_HTTP_LAYERS_MAX 32 /* around one handler */

WEFT_END_DECLS

#endif
