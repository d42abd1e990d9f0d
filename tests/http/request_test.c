/* SPDX-License-Identifier: MIT */

/* What a handler is told about its request, and the body it reads by itself. */

#include "site.h"

#include <weft/error.h>
#include <weft/http_metrics.h>
#include <weft/local.h>

#include <stdlib.h>

#define H "Host: a\r\n"
#define END "\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"

#define CHECK_STR_IS(str_, text_) CHECK_BYTES((str_).ptr, (str_).len, text_, strlen(text_))

static void ask_test(const char *request, int status)
{
    struct site site;
    CHECK_OK(site_open(&site, NULL));
    CHECK_EQ(ask(&site, request, NULL), status);
    CHECK_EQ(site_seen.last_rc, 0);
    CHECK_OK(site_close(&site));
}

/* ---- line and query ---- */

static int look_at_the_line(weft_http_request *req, weft_http_response *res, void *arg)
{
    weft_str name, value;
    weft_addr peer;
    (void)arg;
    CHECK_STR_IS(weft_http_method(req), "GET");
    CHECK_STR_IS(weft_http_path(req), "/test");
    CHECK_STR_IS(weft_http_query(req), "a=1&b=%20x&a=2&c");
    CHECK_STR_IS(weft_http_host(req), "example.org:81");
    CHECK_STR_IS(weft_http_query_param(req, "a"), "1");
    CHECK_STR_IS(weft_http_query_param(req, "b"), " x");
    CHECK_STR_IS(weft_http_query_param(req, "c"), "");
    CHECK(weft_http_query_param(req, "d").ptr == NULL);
    CHECK(weft_http_path_param(req, "name").ptr == NULL);

    CHECK(weft_http_query_at(req, 2, &name, &value));
    CHECK_STR_IS(name, "a");
    CHECK_STR_IS(value, "2");
    CHECK(!weft_http_query_at(req, 4, &name, &value));

    CHECK_STR_IS(weft_http_field(req, "x-ONE"), "first");
    CHECK(weft_http_field(req, "x-on").ptr == NULL);
    CHECK(weft_http_field(req, "x-one-more").ptr == NULL);
    CHECK(weft_http_field_at(req, 2, &name, &value));
    CHECK_STR_IS(name, "X-One");
    CHECK_STR_IS(value, "second");
    CHECK(!weft_http_field_at(req, 3, &name, &value));
    CHECK_EQ(weft_http_body(req).len, 0u);
    CHECK(weft_http_body(req).ptr != NULL);
    CHECK_OK(weft_http_get_peer(req, &peer));
    CHECK_EQ(strlen(weft_http_request_id(req)), 16u);
    return weft_http_respond_text(res, 200, "ok\n");
}

TASK_TEST(request_tells_its_line_its_query_and_its_fields)
{
    site_handler = look_at_the_line;
    ask_test("GET http://example.org:81/test?a=1&b=%20x&a=2&c HTTP/1.1\r\n" H
             "X-One: first\r\nX-One: second\r\n" END,
             200);
}

static int give_target(weft_http_request *req, weft_http_response *res, void *arg)
{
    weft_str target = weft_http_target(req);
    (void)arg;
    CHECK_STR_IS(weft_http_path(req), "/");
    return weft_http_respond(res, 200, "text/plain", target.ptr, target.len);
}

/* It begins with a '/', also where an absolute target leaves that out. */
TASK_TEST(request_tells_its_target)
{
    static const struct {
        const char *sent, *told;
    } rows[] = {
        {"/", "/"},
        {"/?", "/?"},
        {"/?x=1&y=/%20", "/?x=1&y=/%20"},
        {"http://a", "/"},
        {"http://a/", "/"},
        {"http://a?", "/?"},
        {"http://a?x=1&y=/%20", "/?x=1&y=/%20"},
        {"http://a/?x=1", "/?x=1"},
    };
    static const weft_http_route root = {.method = "GET", .path = "/", .handler = give_target};
    struct site site;
    CHECK_OK(site_open_with(&site, NULL, &root, 1));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct answer answer;
        char text[256];
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\n" H END, rows[i].sent);
        note("%s", rows[i].sent);
        CHECK_EQ(ask(&site, text, &answer), 200);
        CHECK_BYTES(answer.body, answer.body_bytes, rows[i].told, strlen(rows[i].told));
        answer_fini(&answer);
    }
    CHECK_OK(site_close(&site));
}

TASK_TEST(request_with_too_many_parameters_names_the_limit)
{
    struct site site;
    struct answer answer;
    weft_http_options options = {.limits.query_count_max = 2};
    CHECK_OK(site_open(&site, &options));
    CHECK_EQ(ask(&site, "GET /item/x?a&b HTTP/1.1\r\n" H END, NULL), 200);
    CHECK_EQ(ask(&site, "GET /item/x?a&b&c HTTP/1.1\r\n" H END, &answer), 400);
    CHECK(strstr(answer.body, "query_count_max is 2, seen 3") != NULL);
    answer_fini(&answer);
    CHECK_OK(site_close(&site));
}

/* In one field or in many, well-formed or not. */
TASK_TEST(request_with_too_many_cookies_names_the_limit)
{
    static const char *const in_one[] = {"", "; "}, *const in_many[] = {"Cookie: ", "\r\nCookie: "};
    struct site site;
    struct answer answer;
    char text[4096];
    CHECK_OK(site_open(&site, NULL));
    for (int form = 0; form < 2; form++) {
        const char *const *between = form == 0 ? in_one : in_many;
        for (int count = 100; count <= 101; count++) {
            int pieces = form == 0 ? count : count - 50; /* there may be 100 fields */
            char *at = stpcpy(text, "GET /ok HTTP/1.1\r\n" H);
            at = stpcpy(at, form == 0 ? "Cookie: " : "");
            for (int i = 0; i < pieces; i++)
                at += snprintf(at, 32, "%sc%d=%d", between[i > 0], i, i);
            for (int i = pieces; i < count; i++)
                at = stpcpy(at, "; odd");
            strcpy(at, ";\r\n\r\n");
            CHECK_EQ(ask(&site, text, &answer), count == 100 ? 200 : 400);
            if (count > 100)
                CHECK(strstr(answer.body, "cookie_count_max is 100, seen 101") != NULL);
            answer_fini(&answer);
        }
    }
    CHECK_OK(site_close(&site));
}

/* ---- types ---- */

struct accept_row {
    const char *accept; /* NULL: no field */
    bool json, html;
};

static const struct accept_row accept_rows[] = {
    {NULL, true, true},
    {"*/*", true, true},
    {"application/json", true, false},
    {"APPLICATION/JSON ; charset=utf-8", true, false},
    {"text/*, application/json;q=0", false, true},
    {"application/json;q=0, */*", false, true},
    {"*/*;q=0.000, text/html;q=0.001", false, true},
    {"text/*;q=0.5;x=y", false, true},
    {"text/htm, application/jsonx", false, false},
    {"image/*, */*;q=0", false, false},
    {"application/*;Q=0", false, false},
    {",, text/html ,", false, true},
    {"image/png\r\nAccept: application/json\r\naccept: text/html;q=0", true, false},
    {"\r\nAccept: text/html", false, true},
    {"\r\nAccept:", true, true},
};
static const struct accept_row *accept_row;

static int look_at_accept(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)arg;
    note("row: %s", accept_row->accept != NULL ? accept_row->accept : "(none)");
    CHECK_EQ(weft_http_accepts(req, "application/json"), accept_row->json);
    CHECK_EQ(weft_http_accepts(req, "text/html"), accept_row->html);
    return weft_http_respond_text(res, 200, "ok\n");
}

TASK_TEST(request_accepts_by_the_most_exact_range)
{
    struct site site;
    char text[256];
    site_handler = look_at_accept;
    CHECK_OK(site_open(&site, NULL));
    for (size_t i = 0; i < sizeof accept_rows / sizeof accept_rows[0]; i++) {
        accept_row = &accept_rows[i];
        snprintf(text, sizeof text, "GET /test HTTP/1.1\r\n" H "%s%s%s" END,
                 accept_row->accept != NULL ? "Accept: " : "",
                 accept_row->accept != NULL ? accept_row->accept : "",
                 accept_row->accept != NULL ? "\r\n" : "");
        CHECK_EQ(ask(&site, text, NULL), 200);
    }
    CHECK_OK(site_close(&site));
}

static int look_at_the_type(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)arg;
    bool is_there = weft_http_field(req, "content-type").ptr != NULL;
    CHECK(weft_http_has_type(req, "application/json"));
    CHECK_EQ(weft_http_has_type(req, "application/jso"), !is_there);
    CHECK_EQ(weft_http_has_type(req, "text/plain"), !is_there);
    return weft_http_respond_text(res, 200, "ok\n");
}

TASK_TEST(request_type_is_compared_without_its_parameters)
{
    site_handler = look_at_the_type;
    ask_test("GET /test HTTP/1.1\r\n" H "Content-Type: Application/JSON ;charset=utf-8\r\n" END,
             200);
    ask_test("GET /test HTTP/1.1\r\n" H END, 200);
}

/* ---- one behind the other ---- */

static const weft_http_server *counting;
static uint64_t seen_times;

static uint64_t times_count(void)
{
    weft_http_snapshot *snapshot = malloc(sizeof *snapshot);
    CHECK(snapshot != NULL);
    weft_http_snapshot_get(counting, snapshot);
    uint64_t count = snapshot->request_times.count;
    free(snapshot);
    return count;
}

/* The first has all that a request can leave behind. */
static int look_for_remains(weft_http_request *req, weft_http_response *res, void *arg)
{
    char body[8];
    (void)arg;
    CHECK_EQ(times_count(), seen_times++);
    if (seen_times == 1) {
        CHECK_EQ(weft_http_read(req, body, sizeof body), 3);
        CHECK_STR(weft_http_request_id(req), "one");
        CHECK_OK(weft_http_set_field(res, "X-Mark", weft_str_of("one")));
        return weft_http_respond_text(res, 201, "one\n");
    }
    weft_str name, value;
    CHECK_EQ(weft_http_read(req, body, sizeof body), 0);
    CHECK(strcmp(weft_http_request_id(req), "one") != 0);
    CHECK_EQ(weft_http_query(req).len, 0);
    CHECK(!weft_http_query_at(req, 0, &name, &value));
    CHECK(weft_http_field(req, "content-type").ptr == NULL);
    CHECK_STR_IS(weft_http_path(req), "/test");
    return 0;
}

TASK_TEST(request_behind_another_has_nothing_of_it_and_is_counted_by_itself)
{
    struct site site;
    struct answer answer;
    site_handler = look_for_remains;
    CHECK_OK(site_open(&site, NULL));
    counting = site.server;
    seen_times = 0;
    weft_stream *client = client_open(&site);
    client_send(client, "POST /test?x=%41 HTTP/1.1\r\n" H "X-Request-Id: one\r\n"
                        "Content-Type: text/plain\r\nContent-Length: 3\r\n" END "abc"
                        "GET /test HTTP/1.1\r\n" H END "GET /test HTTP/1.1\r\n" H END
                        "GET /test HTTP/1.1\r\nHost: a!\r\n" END);
    static const int statuses[] = {201, 200, 200, 400};
    for (int i = 0; i < 4; i++) {
        CHECK_OK(client_read(client, &answer));
        CHECK_EQ(answer.status, statuses[i]);
        CHECK_EQ(answer_field(&answer, "X-Mark") != NULL, i == 0);
        CHECK_EQ(answer_field(&answer, "X-Request-Id") != NULL, i == 0 || i == 3);
        answer_fini(&answer);
    }
    CHECK_EQ(times_count(), 3); /* the last was no request */
    weft_stream_close(client);
    CHECK_OK(site_close(&site));
}

/* Its task may go on with the next request, but has nothing of this one. */
static weft_local remains;
static bool remains_a_child;

static int remain(void *arg)
{
    (void)arg;
    return weft_sleep(WEFT_SEC);
}

static int leave_remains(weft_http_request *req, weft_http_response *res, void *arg)
{
    char name[WEFT_ERROR_NAME_BYTES];
    (void)arg;
    weft_get_name(name, sizeof name);
    CHECK_STR(name, "GET /test");
    CHECK(weft_local_get(&remains) == NULL);
    CHECK_STR(weft_error_text(), "");
    CHECK_OK(weft_check());
    if (weft_http_query(req).len == 0)
        return -EIO;
    CHECK_OK(weft_local_set(&remains, &remains));
    weft_set_name("alice");
    (void)weft_fail(-EPERM, "alice must not");
    if (remains_a_child)
        weft_release(weft_spawn(remain, NULL));
    return weft_http_respond_text(res, 200, "ok\n");
}

TASK_TEST(request_behind_another_in_its_task_has_nothing_of_that_task)
{
    static const int statuses[] = {200, 500, 500};
    site_handler = leave_remains;
    for (int i = 0; i < 2; i++) {
        struct site site;
        struct answer answer;
        remains_a_child = i != 0;
        CHECK_OK(site_open(&site, NULL));
        weft_stream *client = client_open(&site);
        client_send(client, "GET /test?x HTTP/1.1\r\n" H END "GET /test HTTP/1.1\r\n" H END
                            "GET /test HTTP/1.1\r\n" H END);
        for (int nth = 0; nth < 3; nth++) {
            CHECK_OK(client_read(client, &answer));
            CHECK_EQ(answer.status, statuses[nth]);
            CHECK(strstr(answer.body, "alice") == NULL);
            answer_fini(&answer);
        }
        weft_stream_close(client);
        CHECK_OK(site_close(&site));
    }
}

/* ---- the body, read by the handler ---- */

static int read_twice(weft_http_request *req, weft_http_response *res, void *arg)
{
    char piece[8];
    (void)arg;
    CHECK_EQ(weft_http_read(req, piece, 0), 0);
    CHECK_EQ(weft_http_read(req, piece, 3), 3);
    CHECK_BYTES(piece, 3, "abc", 3);
    CHECK_EQ(weft_http_read(req, piece, 8), 2);
    CHECK_BYTES(piece, 2, "de", 2);
    CHECK_EQ(weft_http_read(req, piece, 8), 0);
    CHECK_STR_IS(weft_http_body(req), "abcde");
    return weft_http_respond_text(res, 200, "ok\n");
}

TASK_TEST(request_body_that_the_server_read_can_be_read_in_pieces)
{
    site_handler = read_twice;
    ask_test("POST /test HTTP/1.1\r\n" H "Content-Length: 5\r\n" END "abcde", 200);
}

static int64_t length_wanted;

static int check_length(weft_http_request *req, weft_http_response *res, void *arg)
{
    char piece[64];
    (void)arg;
    CHECK_EQ(weft_http_length(req), length_wanted);
    while (weft_http_read(req, piece, sizeof piece) > 0)
        CHECK_EQ(weft_http_length(req), length_wanted);
    return weft_http_respond_text(res, 200, "ok\n");
}

TASK_TEST(request_body_has_a_length_where_one_is_known)
{
    static const struct {
        const char *text;
        int64_t length;
    } rows[] = {
        {"GET /test HTTP/1.1\r\n" H END, 0},
        {"POST /late HTTP/1.1\r\n" H END, 0},
        {"POST /late HTTP/1.1\r\n" H "Content-Length: 5\r\n" END "abcde", 5},
        {"POST /late HTTP/1.1\r\n" H CHUNKED END "5\r\nabcde\r\n0\r\n" END, -1},
        {"POST /test HTTP/1.1\r\n" H "Content-Length: 5\r\n" END "abcde", 5},
        {"POST /test HTTP/1.1\r\n" H CHUNKED END "5\r\nabcde\r\n0\r\n" END, 5},
    };
    site_handler = check_length;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        note("row %zu", i);
        length_wanted = rows[i].length;
        ask_test(rows[i].text, 200);
    }
}

/* What a handler sees that reads `body` from a client which then does `end`. */
static void drain(const char *head_and_body, void (*end)(weft_stream *client), int rc, int status)
{
    struct site site;
    struct answer answer;
    CHECK_OK(site_open(&site, NULL));
    weft_stream *client = client_open(&site);
    client_send(client, head_and_body);
    while (site_seen.started == 0)
        CHECK_OK(weft_sleep(WEFT_MS));
    if (end != NULL)
        end(client);
    if (status != 0) {
        CHECK_OK(client_read(client, &answer));
        CHECK_EQ(answer.status, status);
        answer_fini(&answer);
    }
    while (site_seen.ended == 0)
        CHECK_OK(weft_sleep(WEFT_MS));
    CHECK_EQ(site_seen.last_rc, rc);
    weft_stream_close(client);
    CHECK_OK(site_close(&site));
}

static void end_half(weft_stream *client)
{
    CHECK_OK(weft_stream_shutdown(client));
}

static void send_bad_chunk(weft_stream *client)
{
    client_send(client, "XYZ\r\n");
}

TASK_TEST(request_body_that_stays_away_ends_the_read_with_408)
{
    drain("POST /drain HTTP/1.1\r\n" H "Content-Length: 5\r\n" END "ab", NULL, -ETIMEDOUT, 408);
}

TASK_TEST(request_body_that_is_cut_off_ends_the_read)
{
    drain("POST /drain HTTP/1.1\r\n" H "Content-Length: 5\r\n" END "ab", end_half, -WEFT_ETRUNCATED,
          0);
}

TASK_TEST(request_body_with_a_bad_chunk_ends_the_read_with_400)
{
    drain("POST /drain HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n" END "2\r\nab\r\n",
          send_bad_chunk, -WEFT_ESYNTAX, 400);
}
