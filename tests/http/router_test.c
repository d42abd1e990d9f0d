/* SPDX-License-Identifier: MIT */

#include "harness/harness.h"
#include "http/route/router.h"

#include <weft/error.h>

static int handle(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)res;
    (void)arg;
    return 0;
}

static int add(struct wf_http_router *router, const char *method, const char *path)
{
    weft_http_route route = {.method = method, .path = path, .handler = handle};
    return wf_http_router_add(router, &route, /* host= */ NULL);
}

/* The path of the route that answers, or NULL. */
static const char *find(const struct wf_http_router *router, uint8_t method, const char *path,
                        struct wf_http_match *match)
{
    *match = (struct wf_http_match){0};
    wf_http_router_find(router, method, (weft_str){path, strlen(path)}, match);
    return match->route != NULL ? match->route->public.path : NULL;
}

TEST(routes_without_parameters_win)
{
    struct wf_http_router router = {0};
    struct wf_http_match match;
    CHECK_OK(add(&router, "GET", "/v1/jobs/{id}"));
    CHECK_OK(add(&router, "GET", "/v1/jobs/new"));
    CHECK_OK(add(&router, "GET", "/v1/{what}/{id}"));
    CHECK_STR(find(&router, WF_H1_GET, "/v1/jobs/new", &match), "/v1/jobs/new");
    CHECK_STR(find(&router, WF_H1_GET, "/v1/jobs/7", &match), "/v1/jobs/{id}");
    CHECK_STR(find(&router, WF_H1_GET, "/v1/other/7", &match), "/v1/{what}/{id}");
    wf_http_router_fini(&router);
}

TEST(parameters_are_whole_segments_that_are_not_empty)
{
    struct wf_http_router router = {0};
    struct wf_http_match match;
    CHECK_OK(add(&router, "GET", "/m/{name}/{part}/end"));
    CHECK_OK(add(&router, "GET", "/"));
    CHECK(find(&router, WF_H1_GET, "/m/a b/c/end", &match) != NULL);
    CHECK_BYTES(match.params[0].ptr, match.params[0].len, "a b", 3);
    CHECK_BYTES(match.params[1].ptr, match.params[1].len, "c", 1);
    CHECK_EQ(wf_http_route_param_index(match.route, "name"), 0);
    CHECK_EQ(wf_http_route_param_index(match.route, "part"), 1);
    CHECK_EQ(wf_http_route_param_index(match.route, "nam"), -1);
    CHECK_EQ(wf_http_route_param_index(match.route, "end"), -1);

    static const char *const missed[] = {"/m//c/end",    "/m/a/c",      "/m/a/c/end/", "/m/a/c/en",
                                         "/m/a/c/d/end", "/m/a/c/endx", "/n/a/c/end",  "//"};
    for (size_t i = 0; i < sizeof missed / sizeof missed[0]; i++) {
        note("path %s", missed[i]);
        CHECK(find(&router, WF_H1_GET, missed[i], &match) == NULL);
        CHECK_EQ(match.methods, 0);
    }
    CHECK(find(&router, WF_H1_GET, "/", &match) != NULL);
    wf_http_router_fini(&router);
}

TEST(the_last_parameter_may_be_all_that_is_left)
{
    struct wf_http_router router = {0};
    struct wf_http_match match;
    CHECK_OK(add(&router, "GET", "/files/{user}/{path*}"));
    CHECK_EQ(add(&router, "GET", "/files/{path*}/end"), -EINVAL);
    static const struct {
        const char *path, *rest; /* NULL: no match */
    } rows[] = {
        {"/files/me/a/b.txt", "a/b.txt"}, {"/files/me/a", "a"}, {"/files/me/", ""},
        {"/files/me/a//b/", "a//b/"},     {"/files/me", NULL},  {"/files//a", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        note("path %s", rows[i].path);
        bool is_found = find(&router, WF_H1_GET, rows[i].path, &match) != NULL;
        CHECK_EQ(is_found, rows[i].rest != NULL);
        if (is_found)
            CHECK_BYTES(match.params[1].ptr, match.params[1].len, rows[i].rest,
                        strlen(rows[i].rest));
    }
    CHECK(find(&router, WF_H1_GET, "/files/me/", &match) != NULL);
    CHECK_EQ(wf_http_route_param_index(match.route, "path"), 1);
    CHECK_EQ(wf_http_route_param_index(match.route, "path*"), -1);
    wf_http_router_fini(&router);
}

TEST(other_methods_of_a_path_are_named)
{
    struct wf_http_router router = {0};
    struct wf_http_match match;
    char allow[WF_ALLOW_BYTES];
    CHECK_OK(add(&router, "GET", "/a"));
    CHECK_OK(add(&router, "DELETE", "/a"));
    CHECK_OK(add(&router, "POST", "/b"));
    CHECK(find(&router, WF_H1_PUT, "/a", &match) == NULL);
    wf_http_allow(match.methods, allow);
    CHECK_STR(allow, "GET, HEAD, DELETE, OPTIONS");
    CHECK(find(&router, WF_H1_GET, "/b", &match) == NULL);
    wf_http_allow(match.methods, allow);
    CHECK_STR(allow, "POST, OPTIONS");
    wf_http_allow(~0u, allow);
    CHECK_STR(allow, "GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS");
    CHECK_LT(strlen(allow), WF_ALLOW_BYTES);

    CHECK_STR(find(&router, WF_H1_HEAD, "/a", &match), "/a");
    CHECK_EQ(match.route->method, WF_H1_GET);
    CHECK(find(&router, WF_H1_HEAD, "/b", &match) == NULL);
    CHECK_OK(add(&router, "HEAD", "/a"));
    CHECK(find(&router, WF_H1_HEAD, "/a", &match) != NULL);
    CHECK_EQ(match.route->method, WF_H1_HEAD);
    wf_http_router_fini(&router);
}

TEST(bad_routes_are_refused)
{
    struct wf_http_router router = {0};
    CHECK_EQ(add(&router, "FETCH", "/a"), -EINVAL);
    CHECK_EQ(add(&router, "TRACE", "/a"), -EINVAL);
    CHECK_EQ(add(&router, "CONNECT", "/a"), -EINVAL);
    CHECK_EQ(add(&router, NULL, "/a"), -EINVAL);
    CHECK_STR(weft_error_text(), "route (NULL) /a: no method that a route can have");
    CHECK_EQ(add(&router, "GET", NULL), -EINVAL);
    CHECK_STR(weft_error_text(), "route GET (NULL): a path begins with /");
    CHECK_EQ(add(&router, "GET", ""), -EINVAL);
    CHECK_EQ(add(&router, "GET", "a"), -EINVAL);
    CHECK_EQ(add(&router, "GET", "/a/{}"), -EINVAL);
    CHECK_EQ(add(&router, "GET", "/a/x{b}"), -EINVAL);
    CHECK_EQ(add(&router, "GET", "/a/{b"), -EINVAL);
    CHECK_STR(weft_error_text(), "route GET /a/{b: braces are for a whole segment, as in /{name}, "
                                 "and {name*} for the last one");
    CHECK_EQ(add(&router, "GET", "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}"), -EINVAL);
    CHECK_STR(weft_error_text(),
              "route GET /{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}: a path has at most 8 parameters");
    weft_http_route no_handler = {.method = "GET", .path = "/a"};
    CHECK_EQ(wf_http_router_add(&router, &no_handler, NULL), -EINVAL);
    CHECK_STR(weft_error_text(), "route GET /a: it has no handler");
    CHECK_OK(add(&router, "GET", "/a"));
    CHECK_EQ(add(&router, "GET", "/a"), -EEXIST);
    CHECK_STR(weft_error_text(), "route GET /a: there is one already");
    CHECK_EQ(router.count, 1);
    wf_http_router_fini(&router);
}

TEST(no_memory_for_a_route_leaves_the_others)
{
    struct wf_http_router router = {0};
    struct wf_http_match match;
    CHECK_OK(add(&router, "GET", "/a"));
    weft_fault_plan plan = {.classes = WEFT_FAULT_ALLOC, .nth = 1};
    weft_fault_arm(&plan);
    CHECK_EQ(add(&router, "GET", "/b"), -ENOMEM);
    weft_fault_arm(NULL);
    CHECK(find(&router, WF_H1_GET, "/a", &match) != NULL);
    CHECK(find(&router, WF_H1_GET, "/b", &match) == NULL);
    wf_http_router_fini(&router);
}
