/* SPDX-License-Identifier: MIT */

#include "http/route/router.h"

#include "base/alloc.h"
#include "h1/chars.h"

#include <weft/error.h>

#include <string.h>
#include <strings.h>

/* Methods a route may have; TRACE and CONNECT are never served. */
static const char *const route_methods[] = {
    [WF_H1_GET] = "GET",         [WF_H1_HEAD] = "HEAD",     [WF_H1_POST] = "POST",
    [WF_H1_PUT] = "PUT",         [WF_H1_DELETE] = "DELETE", [WF_H1_PATCH] = "PATCH",
    [WF_H1_OPTIONS] = "OPTIONS",
};
#define METHOD_COUNT (sizeof route_methods / sizeof route_methods[0])

static uint8_t method_named(const char *name)
{
    for (size_t i = WF_H1_GET; i < METHOD_COUNT; i++) {
        if (name != NULL && strcmp(route_methods[i], name) == 0)
            return (uint8_t)i;
    }
    return WF_H1_UNKNOWN;
}

/* ---- paths ---- */

/* The bytes up to the next '/' or the end. */
static size_t segment_len(const char *text, size_t len)
{
    const char *slash = memchr(text, '/', len);
    return slash == NULL ? len : (size_t)(slash - text);
}

static bool segment_is_param(const char *text, size_t len)
{
    return len > 2 && text[0] == '{' && text[len - 1] == '}';
}

/* {name*}: what is left of the path, slashes and all, also nothing. */
static bool segment_is_rest(const char *text, size_t len)
{
    return len > 3 && segment_is_param(text, len) && text[len - 2] == '*';
}

/* "/" and segments, each plain or {name}, the last perhaps {name*}; braces nowhere else.  The count
 * of params, or -EINVAL and what is wrong. */
static int path_check(const char *path, const char **why)
{
    int params = 0;
    size_t len = path != NULL ? strlen(path) : 0;
    *why = "a path begins with /";
    if (len == 0 || path[0] != '/')
        return -EINVAL;
    *why = "braces are for a whole segment, as in /{name}, and {name*} for the last one";
    for (size_t at = 1; at < len;) {
        size_t count = segment_len(path + at, len - at);
        if (segment_is_rest(path + at, count) && at + count != len)
            return -EINVAL;
        if (segment_is_param(path + at, count))
            params++;
        else if (memchr(path + at, '{', count) != NULL || memchr(path + at, '}', count) != NULL)
            return -EINVAL;
        at += count + 1;
    }
    *why = "a path has at most " WEFT_TEXT(WF_ROUTE_PARAMS_MAX) " parameters";
    return params <= WF_ROUTE_PARAMS_MAX ? params : -EINVAL;
}

/* Segment by segment; both begin with '/'. */
static __attribute__((noinline)) bool path_fits(const struct wf_http_route *route, weft_str path,
                                                weft_str *params)
{
    const char *pattern = route->public.path;
    size_t p = 1, at = 1, param = 0;
    for (;;) {
        size_t want = segment_len(pattern + p, route->path_len - p);
        if (segment_is_rest(pattern + p, want)) {
            params[param] = (weft_str){path.ptr + at, path.len - at};
            return true;
        }
        size_t have = segment_len(path.ptr + at, path.len - at);
        if (segment_is_param(pattern + p, want)) {
            if (have == 0)
                return false;
            params[param++] = (weft_str){path.ptr + at, have};
        } else if (want != have || memcmp(pattern + p, path.ptr + at, want) != 0) {
            return false;
        }
        p += want + 1;
        at += have + 1;
        if (p > route->path_len || at > path.len)
            return p > route->path_len && at > path.len;
    }
}

static inline bool path_is(const struct wf_http_route *route, weft_str path)
{
    return path.len == route->path_len && wf_http_identical(path.ptr, route->public.path, path.len);
}

static inline bool path_matches(const struct wf_http_route *route, weft_str path, weft_str *params)
{
    return route->has_params ? path_fits(route, path, params) : path_is(route, path);
}

int wf_http_route_param_index(const struct wf_http_route *route, const char *name)
{
    const char *path = route->public.path;
    size_t name_len = strlen(name);
    int index = 0;
    for (size_t at = 1; at < route->path_len;) {
        size_t len = segment_len(path + at, route->path_len - at);
        if (segment_is_param(path + at, len)) {
            bool is_rest = segment_is_rest(path + at, len);
            if (len == name_len + 2 + is_rest && memcmp(path + at + 1, name, name_len) == 0)
                return index;
            index++;
        }
        at += len + 1;
    }
    return -1;
}

/* ---- the list ---- */

static bool text_equals(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Where to insert a new route: behind those that win over it. */
static size_t router_place(const struct wf_http_router *router, bool is_hosted, bool has_params)
{
    size_t first = is_hosted ? 0 : router->hosted_count;
    size_t end = is_hosted ? router->hosted_count : router->count;
    while (!has_params && end > first && router->routes[end - 1].has_params)
        end--;
    return end;
}

int wf_http_route_fail(int rc, const weft_http_route *route, const char *why)
{
    return weft_fail(rc, "route %.16s %.80s: %s", route->method != NULL ? route->method : "(NULL)",
                     route->path != NULL ? route->path : "(NULL)", why);
}

int wf_http_router_add(struct wf_http_router *router, const weft_http_route *route,
                       const char *host)
{
    const char *why;
    uint8_t method = method_named(route->method);
    if (method == WF_H1_UNKNOWN)
        return wf_http_route_fail(-EINVAL, route, "no method that a route can have");
    int params = path_check(route->path, &why);
    if (params < 0)
        return wf_http_route_fail(-EINVAL, route, why);
    if (route->handler == NULL)
        return wf_http_route_fail(-EINVAL, route, "it has no handler");
    for (size_t i = 0; i < router->count; i++) {
        const struct wf_http_route *other = &router->routes[i];
        if (other->method == method && strcmp(other->public.path, route->path) == 0 &&
            text_equals(other->host, host))
            return wf_http_route_fail(-EEXIST, route, "there is one already");
    }

    struct wf_http_route *routes =
        wf_grow(router->routes, router->count + 1, sizeof router->routes[0]);
    if (routes == NULL)
        return -ENOMEM;
    router->routes = routes;
    size_t at = router_place(router, host != NULL, params > 0);
    memmove(routes + at + 1, routes + at, (router->count - at) * sizeof routes[0]);
    routes[at] = (struct wf_http_route){
        .public = *route,
        .host = host,
        .path_len = strlen(route->path),
        .method = method,
        .method_bit = 1u << method,
        .has_params = params > 0,
    };
    router->count++;
    router->hosted_count += host != NULL;
    return 0;
}

void wf_http_router_fini(struct wf_http_router *router)
{
    wf_free(router->routes);
    *router = (struct wf_http_router){0};
}

/* From `route` on. */
static const struct wf_http_route *router_find(const struct wf_http_router *router,
                                               const struct wf_http_route *route, uint8_t method,
                                               weft_str path, struct wf_http_match *out)
{
    for (const struct wf_http_route *end = router->routes + router->count; route < end; route++) {
        if (!path_matches(route, path, out->params))
            continue;
        out->methods |= route->method_bit;
        if (route->method == method)
            return route;
    }
    return NULL;
}

/* Searches the routes with parameters, after those without.  Out of line, so that the call costs
 * the latter nothing. */
static __attribute__((noinline)) void router_find_rest(const struct wf_http_router *router,
                                                       const struct wf_http_route *route,
                                                       uint8_t method, weft_str path,
                                                       struct wf_http_match *out)
{
    out->route = router_find(router, route, method, path, out);
    if (out->route == NULL && method == WF_H1_HEAD)
        out->route =
            router_find(router, router->routes + router->hosted_count, WF_H1_GET, path, out);
}

void wf_http_router_find(const struct wf_http_router *router, uint8_t method, weft_str path,
                         struct wf_http_match *out)
{
    const struct wf_http_route *route = router->routes + router->hosted_count;
    size_t left = router->count - router->hosted_count;
    out->methods = 0;
    for (; left > 0 && !route->has_params; left--, route++) {
        if (!path_is(route, path))
            continue;
        out->methods |= route->method_bit;
        if (route->method == method) {
            out->route = route;
            return;
        }
    }
    router_find_rest(router, route, method, path, out);
}

/* ---- hosts ---- */

/* Without its port; the brackets of an IPv6 address stay. */
weft_str wf_http_host_name(weft_str host)
{
    const char *end = host.len == 0 ? NULL : memrchr(host.ptr, ':', host.len);
    if (end != NULL && memchr(end, ']', (size_t)(host.ptr + host.len - end)) == NULL)
        host.len = (size_t)(end - host.ptr);
    return host;
}

bool wf_http_host_matches(const char *pattern, weft_str host)
{
    size_t len = strlen(pattern);
    if (pattern[0] == '*') { /* at least one character stands for it */
        if (host.len < len)
            return false;
        host.ptr += host.len - (len - 1);
        host.len = len - 1;
        pattern++;
        len--;
    }
    return host.len == len && strncasecmp(host.ptr, pattern, len) == 0;
}

static const struct wf_http_route *router_find_hosted(const struct wf_http_router *router,
                                                      uint8_t method, weft_str host, weft_str path,
                                                      struct wf_http_match *out)
{
    for (size_t i = 0; i < router->hosted_count; i++) {
        const struct wf_http_route *route = &router->routes[i];
        if (!wf_http_host_matches(route->host, host) || !path_matches(route, path, out->params))
            continue;
        out->methods |= route->method_bit;
        if (route->method == method)
            return route;
    }
    return NULL;
}

void wf_http_router_find_hosted(const struct wf_http_router *router, uint8_t method, weft_str host,
                                weft_str path, struct wf_http_match *out)
{
    host = wf_http_host_name(host);
    out->methods = 0;
    out->route = router_find_hosted(router, method, host, path, out);
    if (out->route == NULL && method == WF_H1_HEAD)
        out->route = router_find_hosted(router, WF_H1_GET, host, path, out);
    if (out->route != NULL)
        return;
    uint32_t methods = out->methods;
    wf_http_router_find(router, method, path, out);
    out->methods |= methods;
}

uint32_t wf_http_router_methods(const struct wf_http_router *router)
{
    uint32_t methods = 0;
    for (size_t i = 0; i < router->count; i++)
        methods |= router->routes[i].method_bit;
    return methods;
}

void wf_http_allow(uint32_t methods, char out[WF_ALLOW_BYTES])
{
    char *at = out;
    methods |= 1u << WF_H1_OPTIONS;
    if ((methods & 1u << WF_H1_GET) != 0)
        methods |= 1u << WF_H1_HEAD;
    for (size_t i = WF_H1_GET; i < METHOD_COUNT; i++) {
        if ((methods & 1u << i) == 0)
            continue;
        if (at != out)
            at = (char *)memcpy(at, ", ", 2) + 2;
        size_t len = strlen(route_methods[i]);
        at = (char *)memcpy(at, route_methods[i], len) + len;
    }
    *at = 0;
}
