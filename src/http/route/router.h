/* SPDX-License-Identifier: MIT */

/* Router: which route answers a host, a method and a path.  A short list in order of precedence. */
#ifndef WF_HTTP_ROUTER_H
#define WF_HTTP_ROUTER_H

#include <weft/http.h>

#include "h1/head.h"

#define WF_ROUTE_PARAMS_MAX 8

/* A flag of a route: it, or a group of it, limits the requests in hand. */
#define WF_ROUTE_BOUNDED (1u << 31)
#define WF_ROUTE_LAYERED (1u << 30) /* its body is collected behind its layers */

struct wf_http_route {
    weft_http_route public;
    const char *host; /* NULL: any; "*.example.com": what ends so */
    size_t path_len;
    uint8_t method;      /* enum wf_h1_method */
    uint32_t method_bit; /* 1 << method */
    bool has_params;
};

/* Zeroed is empty.  Routes with a host stand first; in each of the two parts, those without
 * parameters do. */
struct wf_http_router {
    struct wf_http_route *routes;
    size_t count;
    size_t hosted_count; /* with a host */
};

struct wf_http_match {
    const struct wf_http_route *route;    /* NULL: none for this method */
    uint32_t methods;                     /* bit m: enum wf_h1_method m has a route for this path */
    weft_str params[WF_ROUTE_PARAMS_MAX]; /* pieces of the path, in order of the route's {names} */
};

/* Leaves `why` as the text of `rc`, with the route's method and path; returns `rc`. */
int wf_http_route_fail(int rc, const weft_http_route *route, const char *why);

/* 0, -EINVAL, -EEXIST, -ENOMEM; as weft_http_server_add says. */
int wf_http_router_add(struct wf_http_router *router, const weft_http_route *route,
                       const char *host);
void wf_http_router_fini(struct wf_http_router *router);

/* HEAD is answered by GET's route where it has none of its own. */
void wf_http_router_find(const struct wf_http_router *router, uint8_t method, weft_str path,
                         struct wf_http_match *out);

/* wf_http_router_find() where there are routes with hosts.  `host` is an authority; its port is
 * ignored. */
void wf_http_router_find_hosted(const struct wf_http_router *router, uint8_t method, weft_str host,
                                weft_str path, struct wf_http_match *out);

/* An authority without its port; and whether such a name matches "example.com" or "*.example.com",
 * in any case. */
weft_str wf_http_host_name(weft_str host);
bool wf_http_host_matches(const char *pattern, weft_str host);

/* Bits of all methods that any route has. */
uint32_t wf_http_router_methods(const struct wf_http_router *router);

/* Its path ends in {name*}. */
static inline bool wf_http_route_takes_rest(const struct wf_http_route *route)
{
    return route->path_len > 2 && route->public.path[route->path_len - 2] == '*';
}

/* The params index of {name}, or -1. */
int wf_http_route_param_index(const struct wf_http_route *route, const char *name);

/* "GET, HEAD, OPTIONS" of such bits, NUL-terminated. */
#define WF_ALLOW_BYTES 64
void wf_http_allow(uint32_t methods, char out[WF_ALLOW_BYTES]);

#endif
