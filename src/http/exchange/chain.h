/* SPDX-License-Identifier: MIT */

/*
 * Chain: what stands between the server and the handler of a route that asks for it: limits of
 * requests in hand, layers, typed input.  A plain route has none, and its handler is called
 * directly.
 */
#ifndef WF_HTTP_CHAIN_H
#define WF_HTTP_CHAIN_H

#include <weft/http_api.h>
#include <weft/http_layer.h>

#include "http/server/queue.h"

/* How many requests of a group have a handler in this server. */
struct wf_group_use {
    struct wf_group_use *next, *outer;
    const weft_http_group *group;
    uint32_t in_hand;
};

struct wf_chain {
    struct wf_chain *next;
    weft_http_handler *handler; /* innermost */
    void *arg;
    const weft_http_api *api;   /* NULL: untyped */
    struct wf_group_use *group; /* NULL: in none */
    char *path;                 /* with the prefixes, owned; NULL: the route's own */
    uint32_t in_hand, in_hand_max, queue_max;
    struct wf_queue queue; /* requests that wait for a place; never while there is one */
    bool has_head;         /* of some layer */
    bool may_refuse;       /* some layer runs before the handler */
    size_t layer_count;
    const weft_http_layer *layers[];
};

/* Those of a server. */
struct wf_chains {
    struct wf_chain *first;
    struct wf_chain *bare; /* around what no route answers; NULL: the server has no layers */
    struct wf_group_use *groups;
    weft_issues *issues; /* filled while a request is checked, which does not wait */
};

int wf_chains_init(weft_http_server *server);
void wf_chains_fini(struct wf_chains *chains);

/* Adds a route to the router, with a chain if it needs one.  As weft_http_server_add says. */
int wf_chains_add(weft_http_server *server, const weft_http_route *route);

/* Answers what no route does, through the server's layers. */
int wf_chain_answer_itself(weft_http_request *req);

/* What a request must have before it is answered, if its route is bounded: a place among those the
 * route may have in hand.  The queue to wait in; NULL: it need not wait, for it has a place now, or
 * gets none and is answered 503. */
struct wf_queue *wf_chain_enter(weft_http_request *req);

/* Gives the place back; wf_chain_next() is to follow. */
struct wf_chain *wf_chain_leave(weft_http_request *req);

/* The request that waited for what one of this chain, or NULL: of any, has left and has it now, to
 * be taken out of its queue; NULL: there is none. */
weft_http_request *wf_chain_next(const weft_http_server *server, struct wf_chain *chain);

/* True if the route of the request has no place, and none in its queue. */
bool wf_chain_is_full(const weft_http_request *req);

/* Requests in the queues of all routes. */
size_t wf_chains_waiting(const struct wf_chains *chains);

/* The head of the answer is about to be sent.  0, or what a layer says against it. */
int wf_chain_head(weft_http_request *req);

/* ---- api.c ---- */

/* Reads what the api asks for.  0; 1 if it was wrong and has been answered; negative. */
WEFT_WAITS int wf_api_take(weft_http_request *req, weft_http_response *res,
                           const weft_http_api *api);

/* True if the path has all path parameters that the api has. */
bool wf_api_fits(const weft_http_api *api, const char *path);

/* ---- openapi.c ---- */

/* Adds the route that serves the document. */
int wf_openapi_add(weft_http_server *server);

#endif
