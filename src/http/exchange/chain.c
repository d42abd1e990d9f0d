/* SPDX-License-Identifier: MIT */

#include "http/exchange/chain.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "http/exchange/extras.h"
#include "http/exchange/request.h"
#include "http/route/router.h"
#include "http/server/conn.h"
#include "http/server/serve.h"
#include "http/server/server.h"

#include <stdio.h>
#include <string.h>

/* ---- running ---- */

struct weft_http_next {
    const struct wf_chain *chain;
    size_t index; /* of the layer it begins with */
    weft_http_request *req;
    weft_http_response *res;
};

static int chain_inner(const struct wf_chain *chain, weft_http_request *req,
                       weft_http_response *res)
{
    int rc = wf_request_collects_late(req) ? weft_http_collect(req) : 0;
    if (rc == 0 && chain->api != NULL)
        rc = wf_api_take(req, res, chain->api);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    return chain->handler(req, res, chain->arg);
}

static int layer_inside(const weft_http_layer *layer, const weft_http_next *next)
{
    if (layer->around != NULL)
        return layer->around(next->req, next->res, next, layer->arg);
    return weft_http_proceed(next);
}

int weft_http_proceed(const weft_http_next *at)
{
    const struct wf_chain *chain = at->chain;
    if (at->index == chain->layer_count)
        return chain_inner(chain, at->req, at->res);

    const weft_http_layer *layer = chain->layers[at->index];
    weft_http_next next = {chain, at->index + 1, at->req, at->res};
    int rc = layer->before != NULL ? layer->before(at->req, at->res, layer->arg) : 0;
    if (rc < 0)
        return rc;
    if (!weft_http_has_begun(at->res))
        rc = layer_inside(layer, &next);
    return layer->after != NULL ? layer->after(at->req, at->res, rc, layer->arg) : rc;
}

static int chain_run(const struct wf_chain *chain, weft_http_request *req, weft_http_response *res)
{
    weft_http_next all = {chain, 0, req, res};
    req->chain = chain;
    if (chain->has_head)
        req->has_extras = true;
    if (!req->conn->server->takes_trace)
        return weft_http_proceed(&all);
    int rc = wf_request_show_context(req);
    if (rc == 0)
        rc = weft_http_proceed(&all);
    wf_request_hide_context();
    return rc;
}

int wf_chain_head(weft_http_request *req)
{
    const struct wf_chain *chain = req->chain;
    for (size_t i = chain != NULL && chain->has_head ? chain->layer_count : 0; i > 0; i--) {
        const weft_http_layer *layer = chain->layers[i - 1];
        int rc = layer->head != NULL ? layer->head(req, &req->res, layer->arg) : 0;
        if (rc < 0)
            return rc;
    }
    return 0;
}

int wf_chain_answer_itself(weft_http_request *req)
{
    const struct wf_chain *bare = req->conn->server->chains.bare;
    return bare != NULL ? chain_run(bare, req, &req->res)
                        : wf_request_answer_itself(req, &req->res, NULL);
}

/* ---- in hand ---- */

static bool chain_is_bounded(const struct wf_chain *chain)
{
    bool is_bounded = chain->in_hand_max != 0;
    for (const struct wf_group_use *use = chain->group; use != NULL; use = use->outer)
        is_bounded |= use->group->in_hand_max != 0;
    return is_bounded;
}

static bool chain_has_room(const struct wf_chain *chain)
{
    if (chain->in_hand_max != 0 && chain->in_hand >= chain->in_hand_max)
        return false;
    for (const struct wf_group_use *use = chain->group; use != NULL; use = use->outer) {
        if (use->group->in_hand_max != 0 && use->in_hand >= use->group->in_hand_max)
            return false;
    }
    return true;
}

static void chain_count(struct wf_chain *chain, uint32_t step)
{
    chain->in_hand += step;
    for (struct wf_group_use *use = chain->group; use != NULL; use = use->outer)
        use->in_hand += step;
}

/* Whatever becomes of the request, the end of it gives the place back. */
static void place_take(weft_http_request *req, struct wf_chain *chain)
{
    chain_count(chain, 1);
    req->has_place = true;
    req->has_extras = true;
}

struct wf_queue *wf_chain_enter(weft_http_request *req)
{
    struct wf_chain *chain = req->match.route->public.arg;
    if (req->fault.status != 0) /* no handler answers it */
        return NULL;
    if (chain_has_room(chain))
        place_take(req, chain);
    else if (chain->queue.count < chain->queue_max)
        return &chain->queue;
    return NULL;
}

static weft_time first_since(const struct wf_queue *queue)
{
    return wf_queue_first(queue)->deadline - queue->time_max;
}

/* Whose first request may have a place now and has waited longest. */
static struct wf_chain *chain_next(struct wf_chain *first)
{
    struct wf_chain *found = NULL;
    for (struct wf_chain *chain = first; chain != NULL; chain = chain->next) {
        if (chain->queue.count != 0 && chain_has_room(chain) &&
            (found == NULL || first_since(&chain->queue) < first_since(&found->queue)))
            found = chain;
    }
    return found;
}

struct wf_chain *wf_chain_leave(weft_http_request *req)
{
    struct wf_chain *chain = req->match.route->public.arg;
    chain_count(chain, (uint32_t)-1);
    req->has_place = false;
    return chain;
}

weft_http_request *wf_chain_next(const weft_http_server *server, struct wf_chain *chain)
{
    if (chain == NULL || chain->group != NULL) /* the place may be that of another route */
        chain = chain_next(server->chains.first);
    if (chain == NULL || chain->queue.count == 0 || !chain_has_room(chain))
        return NULL;
    weft_http_request *next = wf_queue_first(&chain->queue);
    place_take(next, chain);
    return next;
}

size_t wf_chains_waiting(const struct wf_chains *chains)
{
    size_t count = 0;
    for (const struct wf_chain *chain = chains->first; chain != NULL; chain = chain->next)
        count += chain->queue.count;
    return count;
}

static int chain_refuse(weft_http_request *req, weft_http_response *res)
{
    static const weft_http_error full = {
        .status = 503,
        .message = "This route has no room for the request now.",
        .offset = -1,
    };
    char seconds[12];
    weft_http_server *server = req->conn->server;
    server->stats.requests_shed++;
    snprintf(seconds, sizeof seconds, "%u", wf_http_server_retry_after(server));
    int rc = weft_http_set_field(res, "Retry-After", weft_str_of(seconds));
    return rc < 0 ? rc : weft_http_respond_error(res, &full);
}

static int chain_handler(weft_http_request *req, weft_http_response *res, void *arg)
{
    return wf_request_is_bounded(req) && !req->has_place ? chain_refuse(req, res)
                                                         : chain_run(arg, req, res);
}

bool wf_chain_is_full(const weft_http_request *req)
{
    if (!wf_request_is_bounded(req))
        return false;
    const struct wf_chain *chain = req->match.route->public.arg;
    return !chain_has_room(chain) && chain->queue.count >= chain->queue_max;
}

/* ---- making ---- */

static size_t add_layers(struct wf_chain *chain, const weft_http_layer *layers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        chain->layers[chain->layer_count++] = &layers[i];
        chain->has_head |= layers[i].head != NULL;
        chain->may_refuse |= layers[i].before != NULL || layers[i].around != NULL;
    }
    return count;
}

/* The outer ones first. */
static void add_group_layers(struct wf_chain *chain, const weft_http_group *group)
{
    if (group == NULL)
        return;
    add_group_layers(chain, group->outer);
    (void)add_layers(chain, group->layers, group->layer_count);
}

static struct wf_chain *chain_new(weft_http_server *server, const weft_http_group *group)
{
    size_t count = server->layer_count;
    for (const weft_http_group *at = group; at != NULL; at = at->outer)
        count += at->layer_count;
    struct wf_chain *chain = wf_alloc(sizeof *chain + count * sizeof chain->layers[0]);
    if (chain == NULL)
        return NULL;
    (void)add_layers(chain, server->layers, server->layer_count);
    add_group_layers(chain, group);
    chain->next = server->chains.first;
    server->chains.first = chain;
    return chain;
}

/* The counter of a group and of those around it.  False: no memory. */
static bool group_use(struct wf_chains *chains, const weft_http_group *group,
                      struct wf_group_use **out)
{
    struct wf_group_use *outer = NULL;
    *out = NULL;
    if (group == NULL)
        return true;
    for (struct wf_group_use *use = chains->groups; use != NULL; use = use->next) {
        if (use->group == group) {
            *out = use;
            return true;
        }
    }
    if (!group_use(chains, group->outer, &outer))
        return false;
    struct wf_group_use *use = wf_alloc(sizeof *use);
    if (use == NULL)
        return false;
    *use = (struct wf_group_use){.next = chains->groups, .outer = outer, .group = group};
    chains->groups = use;
    *out = use;
    return true;
}

/* Puts the prefixes in front of path, the innermost last. */
static void path_put(wf_buf *out, const weft_http_group *group)
{
    if (group == NULL)
        return;
    path_put(out, group->outer);
    if (group->prefix != NULL)
        (void)wf_buf_puts(out, group->prefix);
}

static int path_join(const weft_http_route *route, char **out)
{
    wf_buf path = {0};
    path_put(&path, route->group);
    (void)wf_buf_puts(&path, route->path);
    int rc = path.rc;
    *out = rc == 0 ? wf_strdup(wf_buf_ptr(&path), wf_buf_bytes(&path)) : NULL;
    wf_buf_fini(&path);
    return *out != NULL ? 0 : -ENOMEM;
}

/* What the route does not say for itself, its groups do, the nearest first. */
static const char *take_group_settings(weft_http_route *route)
{
    const char *host = NULL;
    for (const weft_http_group *at = route->group; at != NULL; at = at->outer) {
        if (host == NULL)
            host = at->host;
        if (route->body_bytes_max == 0)
            route->body_bytes_max = at->body_bytes_max;
        if (route->handler_time_max == 0)
            route->handler_time_max = at->handler_time_max;
        if (route->queue_max == 0)
            route->queue_max = at->queue_max;
        if (route->queue_time_max == 0)
            route->queue_time_max = at->queue_time_max;
    }
    return host;
}

static bool groups_are_sound(const weft_http_server *server, const weft_http_group *group)
{
    size_t layers = server->layer_count, depth = 0;
    for (; group != NULL; group = group->outer) {
        layers += group->layer_count;
        if (++depth > WEFT_HTTP_LAYERS_MAX || layers > WEFT_HTTP_LAYERS_MAX)
            return false;
    }
    return layers <= WEFT_HTTP_LAYERS_MAX;
}

static int chain_fill(weft_http_server *server, struct wf_chain *chain, weft_http_route *route)
{
    chain->handler = route->handler;
    chain->arg = route->arg;
    chain->api = route->api;
    chain->in_hand_max = route->in_hand_max;
    chain->queue_max = route->queue_max;
    wf_queue_init(&chain->queue, route->queue_time_max != 0 ? route->queue_time_max
                                                            : server->limits.queue_time_max);
    if (!group_use(&server->chains, route->group, &chain->group))
        return -ENOMEM;
    if (route->api != NULL && server->chains.issues == NULL)
        server->chains.issues = wf_alloc(sizeof *server->chains.issues);
    if (route->api != NULL && server->chains.issues == NULL)
        return -ENOMEM;
    int rc = route->group != NULL ? path_join(route, &chain->path) : 0;
    if (rc < 0)
        return rc;
    if (chain->path != NULL)
        route->path = chain->path;
    if (route->api != NULL && !wf_api_fits(route->api, route->path))
        return wf_http_route_fail(-EINVAL, route, "its api has a path parameter it does not have");
    if (chain_is_bounded(chain)) /* a slow client must not have a place while it sends */
        route->flags |= WF_ROUTE_BOUNDED;
    else if (chain->may_refuse && (route->flags & WEFT_HTTP_STREAM_BODY) == 0)
        route->flags |= WF_ROUTE_LAYERED;
    route->handler = chain_handler;
    route->arg = chain;
    return 0;
}

static void chain_free(struct wf_chain *chain)
{
    wf_free(chain->path);
    wf_free(chain);
}

int wf_chains_add(weft_http_server *server, const weft_http_route *given)
{
    weft_http_route route = *given;
    route.flags &= ~(WF_ROUTE_BOUNDED | WF_ROUTE_LAYERED);
    bool is_plain = route.group == NULL && route.api == NULL && route.in_hand_max == 0 &&
                    server->layer_count == 0 && !server->takes_trace;
    if (is_plain)
        return wf_http_router_add(&server->router, &route, /* host= */ NULL);
    if (route.path == NULL || route.handler == NULL)
        return wf_http_router_add(&server->router, &route, /* host= */ NULL); /* says what */
    if (!groups_are_sound(server, route.group))
        return wf_http_route_fail(-EINVAL, &route, "its groups lie in a circle, or are too many");
    const char *host = take_group_settings(&route);
    struct wf_chain *chain = chain_new(server, route.group);
    if (chain == NULL)
        return -ENOMEM;
    int rc = chain_fill(server, chain, &route);
    if (rc == 0)
        rc = wf_http_router_add(&server->router, &route, host);
    if (rc < 0) {
        server->chains.first = chain->next;
        chain_free(chain);
    }
    return rc;
}

int wf_chains_init(weft_http_server *server)
{
    if (server->layer_count == 0)
        return 0;
    if (!groups_are_sound(server, NULL))
        return -EINVAL;
    struct wf_chain *bare = chain_new(server, NULL);
    if (bare == NULL)
        return -ENOMEM;
    bare->handler = wf_request_answer_itself;
    server->chains.bare = bare;
    return 0;
}

void wf_chains_fini(struct wf_chains *chains)
{
    while (chains->first != NULL) {
        struct wf_chain *chain = chains->first;
        chains->first = chain->next;
        chain_free(chain);
    }
    while (chains->groups != NULL) {
        struct wf_group_use *use = chains->groups;
        chains->groups = use->next;
        wf_free(use);
    }
    wf_free(chains->issues);
}
