/* SPDX-License-Identifier: MIT */

/* Layers, groups, hosts, limits of routes, and work for afterwards. */

#include "site.h"

#include <weft/error.h>
#include <weft/event.h>
#include <weft/http_api.h>
#include <weft/http_layer.h>

#include <stdlib.h>

#define H "Host: a\r\n"

/* What was called, in order. */
static char trail[256];

static void tread(const char *step)
{
    snprintf(trail + strlen(trail), sizeof trail - strlen(trail), "%s ", step);
}

static int handler(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    tread("handler");
    return weft_http_respond_text(res, 200, arg != NULL ? arg : "ok\n");
}

static int failing(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)res;
    (void)arg;
    tread("failing");
    return weft_fail(-EIO, "it broke");
}

static int before(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)res;
    tread(arg);
    return 0;
}

static int after(weft_http_request *req, weft_http_response *res, int rc, void *arg)
{
    (void)req;
    (void)res;
    tread(arg);
    if (rc == -EIO)
        tread("-EIO");
    return rc;
}

static int around(weft_http_request *req, weft_http_response *res, const weft_http_next *next,
                  void *arg)
{
    (void)req;
    (void)res;
    tread(arg);
    int rc = weft_http_proceed(next);
    tread("out");
    return rc;
}

/* Only who knows the word comes in. */
static int guard(weft_http_request *req, weft_http_response *res, void *arg)
{
    weft_str word = weft_http_field(req, "X-Word");
    (void)arg;
    tread("guard");
    return word.len != 0 ? 0 : weft_http_fail(res, 401, NULL, "say the word");
}

/* What failed inside is told in an own form. */
static int tell(weft_http_request *req, weft_http_response *res, int rc, void *arg)
{
    (void)req;
    (void)arg;
    if (rc != -EIO)
        return rc;
    return weft_http_respond_text(res, 502, weft_error_text());
}

static int head(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    return weft_http_set_field(res, "X-Layer", weft_str_of(arg));
}

static const weft_http_layer server_layers[] = {
    {.before = before, .after = after, .head = head, .arg = "server"},
};
static const weft_http_layer outer_layers[] = {{.around = around, .arg = "outer"}};
static const weft_http_layer inner_layers[] = {
    {.before = before, .around = around, .after = after, .arg = "inner"},
};
static const weft_http_layer guard_layers[] = {{.before = guard}};
static const weft_http_layer tell_layers[] = {{.after = tell}};
static const weft_http_group outer = {
    .prefix = "/v1", .layers = outer_layers, .layer_count = 1, .body_bytes_max = 4};
static const weft_http_group inner = {
    .outer = &outer, .prefix = "/deep", .layers = inner_layers, .layer_count = 1};
static const weft_http_group guarded = {
    .prefix = "/guarded", .layers = guard_layers, .layer_count = 1};
static const weft_http_group told = {.prefix = "/told", .layers = tell_layers, .layer_count = 1};
static const weft_http_options with_layers = {.layers = server_layers, .layer_count = 1};

static const weft_http_route layered[] = {
    {.method = "GET", .path = "/a", .handler = handler},
    {.method = "GET", .path = "/b/{x}", .handler = handler, .group = &outer},
    {.method = "POST", .path = "/c", .handler = handler, .group = &inner},
    {.method = "GET", .path = "/d", .handler = handler, .group = &guarded},
    {.method = "GET", .path = "/e", .handler = failing, .group = &told},
};

/* Asks, and checks status and trail. */
static void check_trail(struct site *site, const char *text, int status, const char *expected)
{
    struct answer answer;
    trail[0] = 0;
    note("%s", text);
    CHECK_EQ(ask(site, text, &answer), status);
    CHECK_STR(trail, expected);
    CHECK(answer_field(&answer, "X-Layer") != NULL);
    CHECK_STR(answer_field(&answer, "X-Layer"), "server");
    answer_fini(&answer);
}

TASK_TEST(layers_are_called_from_the_outermost_to_the_handler_and_back)
{
    struct site site;
    CHECK_OK(site_open_with(&site, &with_layers, layered, 5));
    check_trail(&site, "GET /a HTTP/1.1\r\n" H "\r\n", 200, "server handler server ");
    check_trail(&site, "GET /v1/b/7 HTTP/1.1\r\n" H "\r\n", 200,
                "server outer handler out server ");
    check_trail(&site, "POST /v1/deep/c HTTP/1.1\r\n" H "\r\n", 200,
                "server outer inner inner handler out inner out server ");
    CHECK_OK(site_close(&site));
}

TASK_TEST(a_layer_that_answers_keeps_the_inside_out)
{
    struct site site;
    CHECK_OK(site_open_with(&site, &with_layers, layered, 5));
    check_trail(&site, "GET /guarded/d HTTP/1.1\r\n" H "\r\n", 401, "server guard server ");
    check_trail(&site, "GET /guarded/d HTTP/1.1\r\n" H "X-Word: tea\r\n\r\n", 200,
                "server guard handler server ");
    CHECK_OK(site_close(&site));
}

TASK_TEST(a_failure_comes_out_of_the_layers_as_a_return_value)
{
    struct site site;
    struct answer answer;
    CHECK_OK(site_open_with(&site, &with_layers, layered, 5));
    trail[0] = 0;
    CHECK_EQ(ask(&site, "GET /told/e HTTP/1.1\r\n" H "\r\n", &answer), 502);
    CHECK_STR(answer.body, "it broke");
    CHECK_STR(trail, "server failing server ");
    answer_fini(&answer);
    CHECK_OK(site_close(&site));
}

/* ---- bodies ---- */

static int note_body(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)res;
    (void)arg;
    tread(weft_http_body(req).len == 0 ? "(nothing)" : "body");
    return 0;
}

static int collect(weft_http_request *req, weft_http_response *res, void *arg)
{
    char byte;
    (void)res;
    (void)arg;
    WEFT_TRY(weft_http_collect(req));
    WEFT_TRY(weft_http_collect(req)); /* is there */
    tread("collected");
    CHECK_EQ(weft_http_length(req), 3);
    CHECK_EQ(weft_http_read(req, &byte, 1), 1);
    return 0;
}

static int read_some(weft_http_request *req, weft_http_response *res, void *arg)
{
    char byte;
    (void)res;
    (void)arg;
    CHECK_EQ(weft_http_length(req), -1);
    ssize_t count = weft_http_read(req, &byte, 1); /* collects it, too */
    tread(count == 1 ? "read" : "unread");
    return count < 0 ? (int)count : 0;
}

static int tell_body(weft_http_request *req, weft_http_response *res, void *arg)
{
    weft_str body = weft_http_body(req);
    (void)arg;
    tread("handler");
    return weft_http_respond(res, 200, NULL, body.ptr, body.len);
}

static const weft_http_layer noting[] = {{.before = note_body}};
static const weft_http_layer collecting[] = {{.before = collect}, {.before = note_body}};
static const weft_http_layer reading[] = {{.before = read_some}, {.before = note_body}};
static const weft_http_group late = {.prefix = "/late", .layers = noting, .layer_count = 1};
static const weft_http_group asked = {.prefix = "/asked", .layers = collecting, .layer_count = 2};
static const weft_http_group read = {.prefix = "/read", .layers = reading, .layer_count = 2};
static const weft_http_group early = {
    .prefix = "/early", .layers = noting, .layer_count = 1, .in_hand_max = 1};
static const weft_http_route collectors[] = {
    {.method = "POST", .path = "/x", .handler = tell_body, .group = &late, .body_bytes_max = 3},
    {.method = "POST", .path = "/x", .handler = tell_body, .group = &asked, .body_bytes_max = 3},
    {.method = "POST", .path = "/x", .handler = tell_body, .group = &read, .body_bytes_max = 3},
    {.method = "POST", .path = "/x", .handler = tell_body, .group = &early, .body_bytes_max = 3},
};

/* So that they may refuse it by its head. */
TASK_TEST(a_body_is_collected_behind_the_layers_unless_one_asks_for_it)
{
    static const struct {
        const char *path, *trail, *of_too_much;
    } rows[] = {
        {"/late", "(nothing) handler ", "(nothing) "},
        {"/asked", "collected body handler ", ""},
        {"/read", "read body handler ", "unread "},
        {"/early", "body handler ", ""},
    };
    static const char *const bodies[] = {"3\r\nabc\r\n0\r\n\r\n", "4\r\nabcd\r\n0\r\n\r\n"};
    struct site site;
    CHECK_OK(site_open_with(&site, NULL, collectors, sizeof collectors / sizeof collectors[0]));
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        char text[256];
        bool is_too_much = i % 2 != 0;
        struct answer answer;
        trail[0] = 0;
        snprintf(text, sizeof text,
                 "POST %s/x HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n%s",
                 rows[i / 2].path, bodies[i % 2]);
        note("%s", text);
        CHECK_EQ(ask(&site, text, &answer), is_too_much ? 413 : 200);
        CHECK_STR(trail, is_too_much ? rows[i / 2].of_too_much : rows[i / 2].trail);
        if (!is_too_much)
            CHECK_BYTES(answer.body, answer.body_bytes, "abc", 3);
        answer_fini(&answer);
    }
    CHECK_OK(site_close(&site));
}

/* Together they may not have more. */
TASK_TEST(bodies_that_are_collected_behind_layers_count_like_others)
{
    static const weft_http_options options = {.limits.bodies_bytes_max = 4};
    struct site site;
    struct answer answer;
    weft_http_stats stats;
    CHECK_OK(site_open(&site, &options));
    CHECK_EQ(ask(&site, "POST /layered HTTP/1.1\r\n" H "Content-Length: 4\r\n\r\nabcd", NULL), 200);
    CHECK_EQ(ask(&site, "POST /layered HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nabcde", &answer),
             503);
    CHECK(strstr(answer.body, "bodies_bytes_max") != NULL);
    answer_fini(&answer);
    weft_stream *client = client_open(&site);
    client_send(client, "POST /layered HTTP/1.1\r\n" H "Content-Length: 4\r\n\r\nab");
    CHECK_OK(weft_sleep(WEFT_SEC));
    weft_http_server_get_stats(site.server, &stats);
    CHECK_EQ(stats.bodies_bytes, 2);
    weft_stream_abort(client); /* cancels it while it waits */
    CHECK_OK(weft_sleep(WEFT_SEC));
    weft_http_server_get_stats(site.server, &stats);
    CHECK_EQ(stats.bodies_bytes, 0);
    CHECK_EQ(stats.requests_in_hand, 0);
    CHECK_OK(site_close(&site));
}

/* A layer that only looks at the body, and lets pass what it cannot have. */
static int look(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)res;
    CHECK_EQ(weft_http_collect(req), -WEFT_ELIMIT);
    CHECK_EQ(weft_http_collect(req), -WEFT_ELIMIT);
    if (arg != NULL) /* another request ends meanwhile */
        weft_stream_abort(*(weft_stream **)arg);
    return arg != NULL ? weft_sleep(WEFT_SEC) : 0;
}

/* Of several pieces, and all that may be held; somebody else holds some. */
#define BODY_BYTES 40000

static void check_refused_body(weft_stream **other, int status)
{
    static const weft_http_options options = {.limits.bodies_bytes_max = BODY_BYTES};
    const weft_http_layer looking[] = {{.before = look, .arg = other}};
    const weft_http_group group = {.prefix = "/look", .layers = looking, .layer_count = 1};
    const weft_http_route route = {
        .method = "POST", .path = "/x", .handler = tell_body, .group = &group};
    static char text[256 + BODY_BYTES + 1];
    struct site site;
    struct answer answer;
    weft_stream *own;
    CHECK_OK(site_open_with(&site, &options, &route, 1));
    weft_stream **holder = other != NULL ? other : &own;
    *holder = client_open(&site);
    client_send(*holder, "POST /echo HTTP/1.1\r\n" H "Content-Length: 9\r\n\r\n12345678");
    CHECK_OK(weft_sleep(WEFT_SEC));
    int head = snprintf(text, sizeof text,
                        "POST /look/x HTTP/1.1\r\n" H "Content-Length: %d\r\n\r\n", BODY_BYTES);
    for (int i = 0; i < BODY_BYTES; i++)
        text[head + i] = (char)('a' + i % 23);
    CHECK_EQ(ask(&site, text, &answer), status);
    if (status == 200)
        CHECK_BYTES(answer.body, answer.body_bytes, text + head, BODY_BYTES);
    else
        CHECK(strstr(answer.body, "bodies_bytes_max") != NULL);
    answer_fini(&answer);
    if (other == NULL)
        weft_stream_abort(own);
    CHECK_OK(site_close(&site));
}

TASK_TEST(class_47_a_body_that_a_layer_could_not_have_has_no_hole)
{
    weft_stream *other;
    trail[0] = 0;
    check_refused_body(NULL, 503);
    check_refused_body(&other, 200); /* there is room again */
}

TASK_TEST(what_no_route_answers_passes_the_servers_layers_too)
{
    struct site site;
    CHECK_OK(site_open_with(&site, &with_layers, layered, 5));
    check_trail(&site, "GET /nowhere HTTP/1.1\r\n" H "\r\n", 404, "server server ");
    check_trail(&site, "POST /a HTTP/1.1\r\n" H "\r\n", 405, "server server ");
    check_trail(&site, "OPTIONS /a HTTP/1.1\r\n" H "\r\n", 204, "server server ");
    check_trail(&site,
                "POST /v1/deep/c HTTP/1.1\r\n" H "Content-Length: 5\r\nConnection: close\r\n\r\n",
                413, "server server ");
    CHECK_OK(site_close(&site));
}

static int wait_around(weft_http_request *req, weft_http_response *res, const weft_http_next *next,
                       void *arg)
{
    (void)req;
    (void)res;
    (void)arg;
    int rc = weft_http_proceed(next);
    tread(rc == -ECANCELED ? "cancelled" : "not cancelled");
    return rc;
}

static int wait_for_ever(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)res;
    (void)arg;
    return weft_sleep(3600 * WEFT_SEC);
}

/* The group's time is the route's; its end passes through the layer. */
TASK_TEST(a_deadline_of_the_group_cancels_through_its_layers)
{
    static const weft_http_layer layers[] = {{.around = wait_around}};
    static const weft_http_group group = {
        .layers = layers, .layer_count = 1, .handler_time_max = WEFT_SEC};
    static const weft_http_route route = {
        .method = "GET", .path = "/slow", .handler = wait_for_ever, .group = &group};
    struct site site;
    CHECK_OK(site_open_with(&site, NULL, &route, 1));
    trail[0] = 0;
    CHECK_EQ(ask(&site, "GET /slow HTTP/1.1\r\n" H "\r\n", NULL), 504);
    CHECK_STR(trail, "cancelled ");
    CHECK_OK(site_close(&site));
}

TASK_TEST(groups_that_go_in_circles_or_have_too_many_layers_are_refused)
{
    static weft_http_group a, b = {.outer = &a};
    static const weft_http_layer many[WEFT_HTTP_LAYERS_MAX + 1];
    static const weft_http_group thick = {.layers = many, .layer_count = WEFT_HTTP_LAYERS_MAX + 1};
    weft_http_server *server;
    weft_http_route route = {.method = "GET", .path = "/x", .handler = handler, .group = &b};
    a.outer = &b;
    CHECK_OK(weft_http_server_new(&server, NULL));
    CHECK_EQ(weft_http_server_add(server, &route), -EINVAL);
    CHECK_STR(weft_error_text(), "route GET /x: its groups lie in a circle, or are too many");
    route.group = &thick;
    CHECK_EQ(weft_http_server_add(server, &route), -EINVAL);
    route.handler = NULL;
    CHECK_EQ(weft_http_server_add(server, &route), -EINVAL);
    CHECK_STR(weft_error_text(), "route GET /x: it has no handler");
    weft_http_server_free(server);
}

/* ---- in hand ---- */

static weft_event gate;

static int wait_gate(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)arg;
    int rc = weft_event_wait(&gate);
    return rc < 0 ? rc : weft_http_respond_text(res, 200, "waited\n");
}

static void check_full(const weft_http_route *routes, size_t count, const char *second)
{
    struct site site;
    struct answer answer;
    gate = (weft_event){0};
    CHECK_OK(site_open_with(&site, NULL, routes, count));
    weft_stream *first = client_open(&site);
    client_send(first, "GET /one HTTP/1.1\r\n" H "\r\n");
    weft_http_stats stats;
    do {
        CHECK_OK(weft_sleep(WEFT_MS));
        weft_http_server_get_stats(site.server, &stats);
    } while (stats.requests_in_hand == 0);
    CHECK_EQ(ask(&site, second, &answer), 503);
    CHECK(answer_field(&answer, "Retry-After") != NULL);
    answer_fini(&answer);
    CHECK_EQ(ask(&site, "GET /ok HTTP/1.1\r\n" H "\r\n", NULL), 200); /* the others have room */
    weft_event_set(&gate);
    CHECK_OK(client_read(first, &answer));
    CHECK_EQ(answer.status, 200);
    answer_fini(&answer);
    CHECK_EQ(ask(&site, second, NULL), 200);
    weft_stream_close(first);
    CHECK_OK(site_close(&site));
}

TASK_TEST(a_route_has_no_more_in_hand_than_it_may)
{
    static const weft_http_route route = {
        .method = "GET", .path = "/one", .handler = wait_gate, .in_hand_max = 1};
    check_full(&route, 1, "GET /one HTTP/1.1\r\n" H "\r\n");
}

TASK_TEST(a_group_has_no_more_in_hand_than_it_may)
{
    static const weft_http_group group = {.in_hand_max = 1};
    static const weft_http_route routes[] = {
        {.method = "GET", .path = "/one", .handler = wait_gate, .group = &group},
        {.method = "GET", .path = "/two", .handler = handler, .group = &group},
    };
    check_full(routes, 2, "GET /two HTTP/1.1\r\n" H "\r\n");
}

/* ---- hosts ---- */

TASK_TEST(a_route_with_a_host_wins_over_one_without)
{
    static const weft_http_group api = {.host = "api.example.com"};
    static const weft_http_group any = {.host = "*.example.com"};
    static const weft_http_route routes[] = {
        {.method = "GET", .path = "/", .handler = handler, .arg = "plain"},
        {.method = "GET", .path = "/{x}", .handler = handler, .arg = "any", .group = &any},
        {.method = "GET", .path = "/", .handler = handler, .arg = "api", .group = &api},
        {.method = "GET", .path = "/", .handler = handler, .arg = "any", .group = &any},
    };
    static const struct {
        const char *host, *path;
        int status;
        const char *body;
    } rows_[] = {
        {"example.com", "/", 200, "plain"},        {"api.example.com", "/", 200, "api"},
        {"API.Example.com:8080", "/", 200, "api"}, {"www.example.com", "/", 200, "any"},
        {".example.com", "/", 400, NULL},          {"www.example.com", "/ok", 200, "any"},
        {"example.com", "/ok", 200, "ok\n"},       {"api.example.com.evil", "/", 200, "plain"},
        {"[::1]:80", "/", 200, "plain"},           {"example.com", "/nix", 404, NULL},
    };
    struct site site;
    CHECK_OK(site_open_with(&site, NULL, routes, 4));
    for (size_t i = 0; i < sizeof rows_ / sizeof rows_[0]; i++) {
        struct answer answer;
        char text[128];
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", rows_[i].path,
                 rows_[i].host);
        note("%s", text);
        int status = ask(&site, text, &answer);
        if (rows_[i].body != NULL)
            CHECK_STR(answer.body, rows_[i].body);
        CHECK_EQ(status, rows_[i].status);
        answer_fini(&answer);
    }
    CHECK_OK(site_close(&site));
}

TASK_TEST(the_same_path_on_two_hosts_is_two_routes)
{
    static const weft_http_group a = {.host = "a"}, b = {.host = "b"};
    weft_http_server *server;
    weft_http_route route = {.method = "GET", .path = "/", .handler = handler, .group = &a};
    CHECK_OK(weft_http_server_new(&server, NULL));
    CHECK_OK(weft_http_server_add(server, &route));
    CHECK_EQ(weft_http_server_add(server, &route), -EEXIST);
    route.group = &b;
    CHECK_OK(weft_http_server_add(server, &route));
    route.group = NULL;
    CHECK_OK(weft_http_server_add(server, &route));
    weft_http_server_free(server);
}

/* ---- names that point here ---- */

/* A page may have made a name of its own point to this machine. */
TASK_TEST(class_53_a_name_that_was_made_to_point_here_is_not_served)
{
    static const char *const names[] = {"api.test", "*.b.test", NULL};
    static const struct {
        const char *host;
        int local, named;
    } table[] = {
        {"localhost", 200, 421},
        {"LOCALHOST:8080", 200, 421},
        {"127.0.0.1:1", 200, 421},
        {"127.1.2.3", 200, 421},
        {"[::1]:8080", 200, 421},
        {"evil.test", 421, 421},
        {"127.0.0.1.evil.test", 421, 421},
        {"127.evil", 421, 421},
        {"localhost.evil.test", 421, 421},
        {"[::2]", 421, 421},
        {"api.test", 421, 200},
        {"API.test:80", 421, 200},
        {"x.api.test", 421, 421},
        {"a.b.test", 421, 200},
        {"b.test", 421, 421},
        {"a.b.test.evil", 421, 421},
    };
    for (int is_named = 0; is_named < 2; is_named++) {
        const weft_http_layer own = {.before = weft_http_check_host,
                                     .arg = is_named ? (void *)(uintptr_t)names : NULL};
        const weft_http_options options = {.layers = &own, .layer_count = 1};
        struct site site;
        CHECK_OK(site_open(&site, &options));
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
            char text[256];
            snprintf(text, sizeof text, "GET /ok HTTP/1.1\r\nHost: %s\r\n\r\n", table[i].host);
            note("%s, names %d", table[i].host, is_named);
            CHECK_EQ(ask(&site, text, NULL), is_named ? table[i].named : table[i].local);
        }
        CHECK_OK(site_close(&site));
    }
}

/* ---- afterwards ---- */

static unsigned done_count, cancelled_count;
static weft_time work_time;

static int work(void *arg)
{
    int rc = weft_sleep(work_time);
    tread("worked");
    done_count++;
    cancelled_count += rc == -ECANCELED;
    free(arg);
    return -EIO; /* nobody's business */
}

static int deferring(weft_http_request *req, weft_http_response *res, void *arg)
{
    void *memory = malloc(1);
    (void)arg;
    int rc = weft_http_defer(req, work, memory);
    if (rc < 0) {
        free(memory);
        return rc;
    }
    rc = weft_sleep(WEFT_MS); /* the task could run here */
    tread("answering");
    return rc < 0 ? rc : weft_http_respond_text(res, 202, "later\n");
}

static const weft_http_route defer_route = {
    .method = "POST", .path = "/defer", .handler = deferring};

static void begin_work(weft_time takes)
{
    trail[0] = 0;
    done_count = 0;
    cancelled_count = 0;
    work_time = takes;
}

TASK_TEST(deferred_work_begins_behind_the_answer_and_is_waited_for)
{
    struct site site;
    begin_work(10 * WEFT_SEC);
    CHECK_OK(site_open_with(&site, NULL, &defer_route, 1));
    CHECK_EQ(ask(&site, "POST /defer HTTP/1.1\r\n" H "\r\n", NULL), 202);
    CHECK_EQ(done_count, 0u);
    CHECK_OK(site_close(&site)); /* within the grace time of 30 s */
    CHECK_EQ(done_count, 1u);
    CHECK_EQ(cancelled_count, 0u);
    CHECK_STR(trail, "answering worked ");
}

TASK_TEST(deferred_work_is_cancelled_at_the_end_of_the_grace_time)
{
    struct site site;
    const weft_http_options options = {.grace = 2 * WEFT_SEC};
    begin_work(3600 * WEFT_SEC);
    CHECK_OK(site_open_with(&site, &options, &defer_route, 1));
    CHECK_EQ(ask(&site, "POST /defer HTTP/1.1\r\n" H "\r\n", NULL), 202);
    CHECK_OK(site_close(&site));
    CHECK_EQ(done_count, 1u);
    CHECK_EQ(cancelled_count, 1u);
}

/* The client goes away, the handler is cancelled, and the work is done all the same. */
TASK_TEST(deferred_work_is_not_cancelled_with_its_request)
{
    struct site site;
    begin_work(WEFT_SEC);
    CHECK_OK(site_open_with(&site, NULL, &defer_route, 1));
    weft_stream *client = client_open(&site);
    client_send(client, "POST /defer HTTP/1.1\r\n" H "\r\n");
    weft_stream_abort(client);
    CHECK_OK(weft_sleep(5 * WEFT_SEC));
    CHECK_OK(site_close(&site));
    CHECK_LE(done_count, 1u); /* it may never have been read */
    CHECK_EQ(cancelled_count, 0u);
}

TASK_TEST(deferred_work_has_a_limit)
{
    struct site site;
    const weft_http_options options = {.limits.deferred_max = 2};
    begin_work(3600 * WEFT_SEC);
    CHECK_OK(site_open_with(&site, &options, &defer_route, 1));
    CHECK_EQ(ask(&site, "POST /defer HTTP/1.1\r\n" H "\r\n", NULL), 202);
    CHECK_EQ(ask(&site, "POST /defer HTTP/1.1\r\n" H "\r\n", NULL), 202);
    CHECK_EQ(ask(&site, "POST /defer HTTP/1.1\r\n" H "\r\n", NULL), 500);
    CHECK_OK(site_close(&site));
    CHECK_EQ(done_count, 2u);
}

/* Cancelled anywhere, refused any memory: what was deferred runs once or not at all, and nothing
 * hangs. */
SCENARIO(a_layered_request_with_deferred_work_fails_whole)
{
    static const weft_http_route route = {
        .method = "POST", .path = "/defer", .handler = deferring, .group = &outer};
    static const char text[] = "POST /v1/defer HTTP/1.1\r\n" H "\r\n";
    struct site site;
    char piece[512];
    begin_work(WEFT_MS);
    int rc = site_open_with(&site, &with_layers, &route, 1);
    if (rc < 0)
        return rc;
    weft_stream *client = NULL;
    rc = weft_stream_connect(&client, &site.addr);
    if (rc == 0)
        rc = weft_stream_write(client, text, sizeof text - 1);
    if (rc == 0)
        rc = weft_stream_flush(client);
    if (rc == 0)
        rc = (int)weft_stream_read(client, piece, sizeof piece);
    if (client != NULL)
        weft_stream_close(client);
    int closed = site_close(&site);
    CHECK_LE(done_count, 1u);
    return rc < 0 ? rc : closed;
}
